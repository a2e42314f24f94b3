//! Whether kube-proxy's mode on a worker can be changed, and what to do otherwise.

use super::evidence::{WorkerReport, version};
use super::forwarder::{Forwarder, kubelet_version};
use super::mode::Mode;
use crate::cluster::commands::Caller;
use k8s_openapi::api::core::v1::Node;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    pub reason: String,
    /// A command or flag to use instead.
    pub instead: String,
}

/// `--allow-any-provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Gke,
    Any,
}

/// Rejects workers whose mode cannot be changed through the API server, or would be reverted.
///
/// # Errors
/// The reason.
pub fn refuse(
    worker: &Node,
    report: &WorkerReport,
    mode: Mode,
    provider: Provider,
    caller: &Caller,
) -> Result<(), Refusal> {
    let because = |reason: String, instead: &str| Err(Refusal { reason, instead: instead.to_owned() });
    let check = caller.plugin("check-proxy-mode");
    let name = &report.worker;
    if label(worker, "kubernetes.io/os") == Some("windows") {
        return because(
            format!("{name} runs Windows, where kube-proxy has only one mode"),
            "select other workers with --node NAME",
        );
    }
    if is_autopilot(worker) {
        return because(
            format!("{name} is a GKE Autopilot worker, where no pod may change the worker's files"),
            &format!(
                "nodes that announce their addresses (Redis 4 and newer) work in every mode: {}",
                caller.plugin("create NAME")
            ),
        );
    }
    match report.forwarder {
        Forwarder::StaticPod => {}
        Forwarder::DaemonSet => return because(daemon_set(worker, name), &daemon_set_steps(worker, caller)),
        Forwarder::K3s => {
            return because(
                format!("{name} runs kube-proxy inside the k3s agent"),
                "start the agent with --kube-proxy-arg=proxy-mode=MODE",
            );
        }
        Forwarder::DataplaneV2 => {
            return because(
                format!("{name} has no kube-proxy: GKE's Dataplane V2 forwards Services there"),
                &format!("it preserves source IPs: see {check}"),
            );
        }
        Forwarder::Unknown => {
            return because(
                format!("it is unknown what forwards Services on {name}"),
                &format!("for the evidence, run: {check}"),
            );
        }
        other => {
            return because(
                format!("{other} forwards Services on {name}, and this tool cannot change its mode"),
                &format!("for the evidence, run: {check}"),
            );
        }
    }
    if provider == Provider::Gke && !is_gke(worker) {
        return because(
            format!("{name} is not a GKE worker"),
            "if its kube-proxy is a static pod that nothing else manages, add --allow-any-provider",
        );
    }
    match version(worker).and_then(|version| Some((version, mode.refusal(version)?))) {
        Some((version, why)) => because(
            format!("kube-proxy {version} on {name} does not support mode {mode}: {why}"),
            "choose another mode",
        ),
        None => Ok(()),
    }
}

fn label<'a>(worker: &'a Node, name: &str) -> Option<&'a str> {
    worker.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

fn provider_id(worker: &Node) -> &str {
    worker.spec.as_ref().and_then(|spec| spec.provider_id.as_deref()).unwrap_or_default()
}

/// GKE labels every worker with its node pool.
fn is_gke(worker: &Node) -> bool {
    provider_id(worker).starts_with("gce://") && label(worker, "cloud.google.com/gke-nodepool").is_some()
}

/// GKE starts the names of Autopilot workers with `gk3-`.
fn is_autopilot(worker: &Node) -> bool {
    is_gke(worker) && worker.metadata.name.as_ref().is_some_and(|name| name.starts_with("gk3-"))
}

fn is_eks(worker: &Node) -> bool {
    provider_id(worker).starts_with("aws://") && kubelet_version(worker).is_some_and(|version| version.contains("eks"))
}

fn daemon_set(worker: &Node, name: &str) -> String {
    let whose = if is_eks(worker) { ", an EKS add-on" } else { "" };
    format!("{name} runs kube-proxy from a DaemonSet{whose}: all workers share its mode")
}

fn daemon_set_steps(worker: &Node, caller: &Caller) -> String {
    if is_eks(worker) {
        "change the add-on: aws eks update-addon --cluster-name CLUSTER --addon-name kube-proxy --configuration-values '{\"mode\":\"MODE\"}'".to_owned()
    } else if provider_id(worker).starts_with("azure://") {
        "change the cluster: az aks update --kube-proxy-config FILE, where the file has {\"enabled\":true,\"mode\":\"MODE\"}"
            .to_owned()
    } else {
        let system = |words| caller.kubectl_in("kube-system", words);
        let (edit, restart) = (system("edit configmap kube-proxy"), system("rollout restart daemonset kube-proxy"));
        format!("set \"mode\" in config.conf: {edit}, then: {restart}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::forwarder::tests::worker;
    use super::*;
    use serde_json::{Value, json};

    fn node(name: &str, provider: &str, labels: &Value, kubelet: &str) -> Node {
        let info = json!({ "kubeletVersion": kubelet, "kubeProxyVersion": kubelet, "architecture": "", "bootID": "",
            "containerRuntimeVersion": "", "kernelVersion": "", "machineID": "", "operatingSystem": "", "osImage": "",
            "systemUUID": "" });
        worker(json!({ "metadata": { "name": name, "labels": labels }, "spec": { "providerID": provider },
            "status": { "nodeInfo": info } }))
    }

    fn gke(name: &str) -> Node {
        let labels = json!({ "cloud.google.com/gke-nodepool": "p", "kubernetes.io/os": "linux" });
        node(name, "gce://project/zone/vm", &labels, "v1.30.1-gke.1")
    }

    fn refusal(worker: &Node, forwarder: Forwarder, mode: Mode, provider: Provider) -> Option<String> {
        let report = WorkerReport::of(worker, forwarder, vec![]);
        let caller = Caller { namespace: "default".into(), ..Caller::default() };
        let refusal = refuse(worker, &report, mode, provider, &caller).err()?;
        Some(format!("{refusal}\nhint: {}", refusal.instead))
    }

    #[test]
    fn a_worker_of_gke_may_be_changed() {
        assert_eq!(refusal(&gke("gke-a"), Forwarder::StaticPod, Mode::Iptables, Provider::Gke), None);
    }

    #[test]
    fn who_is_refused() {
        let linux = json!({ "kubernetes.io/os": "linux" });
        let kubeadm = node("w", "", &linux, "v1.30.0");
        let windows = node("w", "", &json!({ "kubernetes.io/os": "windows" }), "v1.30.0");
        let eks = node("w", "aws:///eu-west-1a/i-1", &linux, "v1.30.0-eks-1");
        let aks = node("w", "azure:///subscriptions/x", &linux, "v1.30.0");
        let cases = [
            (&kubeadm, Forwarder::StaticPod, Mode::Iptables, Provider::Gke),
            (&kubeadm, Forwarder::StaticPod, Mode::Userspace, Provider::Any),
            (&kubeadm, Forwarder::DaemonSet, Mode::Iptables, Provider::Any),
            (&eks, Forwarder::DaemonSet, Mode::Iptables, Provider::Any),
            (&aks, Forwarder::DaemonSet, Mode::Iptables, Provider::Any),
            (&kubeadm, Forwarder::K3s, Mode::Iptables, Provider::Any),
            (&kubeadm, Forwarder::Cilium, Mode::Iptables, Provider::Any),
            (&kubeadm, Forwarder::Unknown, Mode::Iptables, Provider::Any),
            (&windows, Forwarder::DaemonSet, Mode::Iptables, Provider::Any),
            (&gke("gke-a"), Forwarder::DataplaneV2, Mode::Iptables, Provider::Gke),
            (&gke("gk3-a"), Forwarder::StaticPod, Mode::Iptables, Provider::Gke),
        ];
        let said: Vec<String> = cases
            .into_iter()
            .map(|(worker, forwarder, mode, provider)| refusal(worker, forwarder, mode, provider).expect("refused"))
            .collect();
        insta::assert_snapshot!(said.join("\n\n"));
    }
}
