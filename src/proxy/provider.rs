//! Whether a worker's kube-proxy may be given another mode, and what to do where it may not.

use super::evidence::{WorkerReport, version};
use super::forwarder::{Forwarder, kubelet_version};
use super::mode::Mode;
use k8s_openapi::api::core::v1::Node;

/// Why a worker's mode is not set, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// One sentence.
    pub reason: String,
    /// What to do instead.
    pub instead: String,
}

/// Whether the user has vouched for workers that are not GKE's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Only GKE's workers.
    Gke,
    /// Any worker whose kube-proxy is a static pod.
    Any,
}

/// Refuses what cannot be changed through the API server, or would not last.
///
/// # Errors
/// The [`Refusal`].
pub fn refuse(worker: &Node, report: &WorkerReport, mode: Mode, provider: Provider) -> Result<(), Refusal> {
    let because = |reason: String, instead: &str| Err(Refusal { reason, instead: instead.to_owned() });
    let name = &report.worker;
    if label(worker, "kubernetes.io/os") == Some("windows") {
        return because(
            format!("{name} runs Windows, where kube-proxy has one mode"),
            "leave such workers out: --node NAME",
        );
    }
    if is_autopilot(worker) {
        return because(
            format!("{name} is a worker of GKE Autopilot, which lets no pod change its files"),
            "a cluster that announces its addresses (Redis 4 and newer) needs no mode: kubectl redis-cluster create NAME",
        );
    }
    match report.forwarder {
        Forwarder::StaticPod => {}
        Forwarder::DaemonSet => return because(daemon_set(worker, name), daemon_set_steps(worker)),
        Forwarder::K3s => {
            return because(
                format!("{name} runs kube-proxy inside its k3s agent"),
                "start the agent with --kube-proxy-arg=proxy-mode=MODE",
            );
        }
        Forwarder::DataplaneV2 => {
            return because(
                format!("{name} has no kube-proxy: GKE's Dataplane V2 forwards Services there"),
                "it keeps source addresses: see kubectl redis-cluster check-proxy-mode",
            );
        }
        other => {
            return because(
                format!("{name} runs no kube-proxy that this tool knows how to change, but: {other}"),
                "see what forwards Services there: kubectl redis-cluster check-proxy-mode",
            );
        }
    }
    if provider == Provider::Gke && !is_gke(worker) {
        return because(
            format!("{name} is no worker of GKE"),
            "where you know that its kube-proxy is a static pod that nobody else manages: --allow-any-provider",
        );
    }
    match version(worker).and_then(|version| Some((version, mode.refusal(version)?))) {
        Some((version, why)) => because(
            format!("kube-proxy {version} of {name} does not know the mode {mode}: {why}"),
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

/// Google's machines with the label that GKE puts on all of its workers.
fn is_gke(worker: &Node) -> bool {
    provider_id(worker).starts_with("gce://") && label(worker, "cloud.google.com/gke-nodepool").is_some()
}

/// GKE names the workers of Autopilot clusters so.
fn is_autopilot(worker: &Node) -> bool {
    is_gke(worker) && worker.metadata.name.as_ref().is_some_and(|name| name.starts_with("gk3-"))
}

fn is_eks(worker: &Node) -> bool {
    provider_id(worker).starts_with("aws://") && kubelet_version(worker).is_some_and(|version| version.contains("eks"))
}

fn daemon_set(worker: &Node, name: &str) -> String {
    let whose = if is_eks(worker) { ", an add-on of EKS" } else { "" };
    format!("{name} runs kube-proxy as a pod of a DaemonSet{whose}: its mode is that of all workers")
}

fn daemon_set_steps(worker: &Node) -> &'static str {
    if is_eks(worker) {
        "change the add-on: aws eks update-addon --cluster-name CLUSTER --addon-name kube-proxy --configuration-values '{\"mode\":\"MODE\"}'"
    } else if provider_id(worker).starts_with("azure://") {
        "change the cluster: az aks update --kube-proxy-config FILE, where the file has {\"enabled\":true,\"mode\":\"MODE\"}"
    } else {
        "set \"mode\" in config.conf: kubectl -n kube-system edit configmap kube-proxy, then: kubectl -n kube-system rollout restart daemonset kube-proxy"
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
        let refusal = refuse(worker, &report, mode, provider).err()?;
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
