//! kube-proxy's mode on a worker, and the evidence for it.

use super::forwarder::{Forwarder, command_line};
use super::mode::{Mode, Version};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use std::fmt;

/// Where evidence comes from, the most reliable first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceSource {
    /// `/proxyMode` of the running kube-proxy.
    Running,
    CommandLine,
    /// The ConfigMap of this name, which kube-proxy reads when it starts.
    ConfigMap(String),
    /// The annotation with the arguments of the worker's k3s agent.
    NodeArguments,
    /// The annotation that kube-proxy read before Kubernetes 1.6.
    Annotation,
    /// The design of the forwarder.
    Design,
}

impl fmt::Display for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("/proxyMode"),
            Self::CommandLine => f.write_str("command line"),
            Self::ConfigMap(name) => write!(f, "configmap {name}"),
            Self::NodeArguments => f.write_str("k3s.io/node-args"),
            Self::Annotation => f.write_str("annotation"),
            Self::Design => f.write_str("design"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub source: EvidenceSource,
    pub mode: Option<Mode>,
    /// Whether all source IPs are rewritten in any mode (`--masquerade-all`).
    pub masquerades_all: bool,
    /// The original text, or why there is none.
    pub says: String,
}

impl Evidence {
    fn new(source: EvidenceSource, mode: Option<Mode>, says: impl Into<String>) -> Self {
        Self { source, mode, masquerades_all: false, says: says.into() }
    }

    fn masquerading(mut self, masquerades_all: bool) -> Self {
        self.masquerades_all = masquerades_all;
        if masquerades_all {
            self.says += ", masquerades all";
        }
        self
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.says)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    pub worker: String,
    pub forwarder: Forwarder,
    /// None if it is not kube-proxy, or unknown.
    pub mode: Option<Mode>,
    /// The most reliable first.
    pub evidence: Vec<Evidence>,
    /// Whether servers see the real source IP of connections through Services; none if
    /// unknown.
    pub suits: Option<bool>,
}

impl WorkerReport {
    /// The most reliable evidence that names a mode decides.
    pub fn of(worker: &Node, forwarder: Forwarder, mut evidence: Vec<Evidence>) -> Self {
        if let Some(design) = forwarder.design() {
            evidence.push(Evidence::new(EvidenceSource::Design, None, design));
        }
        evidence.sort_by(|one, other| one.source.cmp(&other.source));
        let decides = |evidence: &&Evidence| evidence.source != EvidenceSource::Annotation;
        let mode = evidence.iter().filter(decides).find_map(|evidence| evidence.mode);
        let masquerades = evidence.iter().any(|evidence| evidence.masquerades_all);
        let suits = match mode {
            Some(mode) if masquerades => mode.keeps_source().map(|_| false),
            Some(mode) => mode.keeps_source(),
            None => forwarder.design().map(|_| true),
        };
        Self { worker: worker.metadata.name.clone().unwrap_or_default(), forwarder, mode, evidence, suits }
    }

    /// Evidence for another mode than the reported one.
    pub fn contradictions(&self) -> Vec<&Evidence> {
        self.evidence.iter().filter(|evidence| evidence.mode.is_some() && evidence.mode != self.mode).collect()
    }
}

/// kube-proxy's default mode; on Linux, iptables since Kubernetes 1.2.
fn default_mode(worker: &Node) -> Mode {
    let os = worker.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/os"));
    if os.is_some_and(|os| os == "windows") { Mode::Kernelspace } else { Mode::Iptables }
}

/// From the response to `/proxyMode`, or why there is none.
pub fn running(answer: Result<&str, &str>) -> Evidence {
    match answer {
        Ok(body) => Evidence::new(EvidenceSource::Running, body.trim().parse().ok(), body.trim()),
        Err(reason) => Evidence::new(EvidenceSource::Running, None, format!("no response ({reason})")),
    }
}

pub fn unreadable(source: EvidenceSource, why: &str) -> Evidence {
    Evidence::new(source, None, format!("cannot be read ({why})"))
}

/// A configuration file overrides all other flags.
pub fn from_command_line(worker: &Node, pod: &Pod) -> Evidence {
    let line = command_line(pod);
    let flag = |name: &str| flag(&line, name);
    let default = default_mode(worker);
    let (mode, says) = match (flag("--proxy-mode"), flag("--config")) {
        (_, Some(file)) => (None, format!("--config={file}")),
        (Some(""), None) => (Some(default), format!("--proxy-mode is empty: the default, {default}")),
        (Some(text), None) => (text.parse().ok(), format!("--proxy-mode={text}")),
        (None, None) => (Some(default), format!("no --proxy-mode: the default, {default}")),
    };
    let masquerades_all = flag("--masquerade-all").is_some_and(|value| value != "false");
    Evidence::new(EvidenceSource::CommandLine, mode, says).masquerading(masquerades_all)
}

/// The value of a flag in a command line, as `--name=value` or `--name value`; empty for a lone
/// `--name`.
pub fn flag<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = line.split_ascii_whitespace().skip_while(|word| word.split('=').next() != Some(name));
    let word = words.next()?;
    Some(match word.split_once('=') {
        Some((_, value)) => value,
        None => words.next().filter(|next| !next.starts_with('-')).unwrap_or_default(),
    })
}

/// `mode:` in a ConfigMap's
/// `KubeProxyConfiguration`.
pub fn from_config_map(worker: &Node, map: &ConfigMap) -> Option<Evidence> {
    let files = map.data.iter().flatten().map(|(_, text)| text.as_str());
    let text = files.into_iter().find(|text| text.contains("KubeProxyConfiguration"))?;
    let value = |field: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(field)?.strip_prefix(':'))?;
        Some(line.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']))
    };
    let default = default_mode(worker);
    let (mode, says) = match value("mode") {
        None | Some("") => (Some(default), format!("mode is empty: the default, {default}")),
        Some(word) => (word.parse().ok(), format!("mode: {word}")),
    };
    let source = EvidenceSource::ConfigMap(map.metadata.name.clone().unwrap_or_default());
    Some(Evidence::new(source, mode, says).masquerading(value("masqueradeAll") == Some("true")))
}

/// From annotations of the worker: k3s stores its agent's arguments, and before
/// Kubernetes 1.6 kube-proxy read its mode from one.
pub fn from_annotations(worker: &Node, forwarder: Forwarder) -> Vec<Evidence> {
    let annotations = worker.metadata.annotations.clone().unwrap_or_default();
    let mut evidence = Vec::new();
    if let Some(arguments) = annotations.get("k3s.io/node-args").filter(|_| forwarder == Forwarder::K3s) {
        evidence.push(from_node_arguments(arguments));
    }
    let old = ["net.beta.kubernetes.io/proxy-mode", "net.experimental.kubernetes.io/proxy-mode"];
    for (name, value) in old.iter().filter_map(|name| annotations.get_key_value(*name)) {
        let says = format!("{name}={value}, ignored since Kubernetes 1.6");
        evidence.push(Evidence::new(EvidenceSource::Annotation, value.parse().ok(), says));
    }
    evidence
}

/// A JSON list: `["agent","--kube-proxy-arg","proxy-mode=ipvs"]`.
fn from_node_arguments(text: &str) -> Evidence {
    let arguments: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    let value = arguments.iter().find_map(|argument| {
        argument.trim_start_matches("--kube-proxy-arg=").trim_start_matches("--").strip_prefix("proxy-mode=")
    });
    let (mode, says) = match value {
        Some(word) => (word.parse().ok(), format!("proxy-mode={word}")),
        None if arguments.is_empty() => (None, "unreadable".to_owned()),
        None => (Some(Mode::Iptables), "no proxy-mode: the default, iptables".to_owned()),
    };
    Evidence::new(EvidenceSource::NodeArguments, mode, says)
}

/// The version of the worker's kube-proxy, or else of its kubelet.
pub fn version(worker: &Node) -> Option<Version> {
    let info = worker.status.as_ref()?.node_info.as_ref()?;
    Version::parse(&info.kube_proxy_version).or_else(|| Version::parse(&info.kubelet_version))
}

#[cfg(test)]
mod tests {
    use super::super::forwarder::tests::{pod, worker};
    use super::*;
    use serde_json::json;

    fn proxy(command: &[&str]) -> Pod {
        pod(json!({ "spec": { "containers": [{ "name": "kube-proxy", "command": command }] } }))
    }

    fn config(text: &str) -> ConfigMap {
        serde_json::from_value(json!({ "metadata": { "name": "kube-proxy" }, "data": { "config.conf": text } }))
            .expect("a map")
    }

    fn linux() -> Node {
        worker(json!({ "metadata": { "name": "w" } }))
    }

    fn report(evidence: Vec<Evidence>) -> WorkerReport {
        WorkerReport::of(&linux(), Forwarder::StaticPod, evidence)
    }

    #[test]
    fn command_lines() {
        let mode = |command: &[&str]| from_command_line(&linux(), &proxy(command)).mode;
        let shell = "exec kube-proxy --master=https://x --v=2 --proxy-mode=ipvs 1>>/var/log/kube-proxy.log 2>&1";
        assert_eq!(mode(&["/bin/sh", "-c", shell]), Some(Mode::Ipvs));
        assert_eq!(mode(&["kube-proxy", "--proxy-mode", "nftables"]), Some(Mode::Nftables));
        assert_eq!(mode(&["kube-proxy", "--v=2"]), Some(Mode::Iptables));
        assert_eq!(mode(&["kube-proxy", "--proxy-mode=userspace", "--config=/etc/x"]), None, "the file wins");
        assert_eq!(mode(&["kube-proxy", "--proxy-mode=new"]), None);
        assert_eq!(from_command_line(&linux(), &proxy(&["kube-proxy", "--config=/x"])).says, "--config=/x");
        let windows = worker(json!({ "metadata": { "labels": { "kubernetes.io/os": "windows" } } }));
        assert_eq!(from_command_line(&windows, &proxy(&["kube-proxy.exe"])).mode, Some(Mode::Kernelspace));
    }

    #[test]
    fn configurations() {
        let of = |text: &str| from_config_map(&linux(), &config(&format!("kind: KubeProxyConfiguration\n{text}")));
        assert_eq!(of("mode: \"\"\n").and_then(|evidence| evidence.mode), Some(Mode::Iptables));
        assert_eq!(of("mode: ipvs # fast\n").and_then(|evidence| evidence.mode), Some(Mode::Ipvs));
        let all = of("iptables:\n  masqueradeAll: true\nmode: iptables\n").expect("evidence");
        assert_eq!(all.to_string(), "configmap kube-proxy: mode: iptables, masquerades all");
        assert_eq!(report(vec![all]).suits, Some(false));
        assert_eq!(from_config_map(&linux(), &config("kind: Other\nmode: ipvs\n")), None);
    }

    #[test]
    fn the_surest_source_decides_and_the_others_are_shown() {
        let node = worker(json!({ "metadata": { "name": "w",
            "annotations": { "net.beta.kubernetes.io/proxy-mode": "userspace" } } }));
        let mut evidence = from_annotations(&node, Forwarder::StaticPod);
        evidence.push(from_command_line(&linux(), &proxy(&["kube-proxy", "--proxy-mode=ipvs"])));
        evidence.push(running(Ok("iptables\n")));
        let report = report(evidence);
        assert_eq!((report.mode, report.suits), (Some(Mode::Iptables), Some(true)));
        let shown: Vec<String> = report.contradictions().into_iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0], "command line: --proxy-mode=ipvs");
    }

    #[test]
    fn an_ignored_annotation_decides_nothing() {
        let node =
            worker(json!({ "metadata": { "annotations": { "net.beta.kubernetes.io/proxy-mode": "iptables" } } }));
        let report = WorkerReport::of(&node, Forwarder::Unknown, from_annotations(&node, Forwarder::Unknown));
        assert_eq!((report.mode, report.suits), (None, None));
    }

    #[test]
    fn k3s_notes_its_arguments() {
        let of = |text: &str| from_node_arguments(text).mode;
        assert_eq!(of(r#"["agent","--kube-proxy-arg","proxy-mode=ipvs"]"#), Some(Mode::Ipvs));
        assert_eq!(of(r#"["server","--kube-proxy-arg=proxy-mode=nftables"]"#), Some(Mode::Nftables));
        assert_eq!(of(r#"["agent"]"#), Some(Mode::Iptables));
        assert_eq!(of("nonsense"), None);
    }
}
