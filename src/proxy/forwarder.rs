//! What forwards Services on a worker, by its pods and labels.

use k8s_openapi::api::core::v1::{Node, Pod};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarder {
    /// kube-proxy as a static pod.
    StaticPod,
    /// kube-proxy in a DaemonSet.
    DaemonSet,
    /// kube-proxy in any other pod.
    LonePod,
    /// kube-proxy inside the k3s agent.
    K3s,
    /// Cilium as kube-proxy replacement.
    Cilium,
    /// GKE's Dataplane V2, which is Cilium.
    DataplaneV2,
    CalicoEbpf,
    OvnKubernetes,
    /// kube-router as kube-proxy replacement.
    KubeRouter,
    Unknown,
}

impl Forwarder {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaticPod => "kube-proxy (static pod)",
            Self::DaemonSet => "kube-proxy (DaemonSet)",
            Self::LonePod => "kube-proxy (pod)",
            Self::K3s => "kube-proxy (in k3s)",
            Self::Cilium => "Cilium",
            Self::DataplaneV2 => "Dataplane V2",
            Self::CalicoEbpf => "Calico eBPF",
            Self::OvnKubernetes => "OVN-Kubernetes",
            Self::KubeRouter => "kube-router",
            Self::Unknown => "unknown",
        }
    }

    /// Why servers see the real source IP, for forwarders without modes.
    pub fn design(self) -> Option<&'static str> {
        match self {
            Self::Cilium | Self::DataplaneV2 | Self::CalicoEbpf => Some("translates addresses in eBPF, at the source"),
            Self::OvnKubernetes => Some("translates only the destination"),
            Self::KubeRouter => Some("forwards by IPVS, masquerades only what comes from outside"),
            _ => None,
        }
    }
}

impl fmt::Display for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The label selectors of the pods that [`find`] needs.
pub const SELECTORS: [&str; 3] =
    ["k8s-app in (kube-proxy,cilium,calico-node,kube-router)", "component=kube-proxy", "app=ovnkube-node"];

/// The kube-proxy replacement settings of Cilium and Calico; none if they do not exist or are not
/// readable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// `kube-proxy-replacement` in Cilium's ConfigMap.
    pub cilium: Option<String>,
    /// `bpfEnabled` in Calico's default FelixConfiguration.
    pub calico: Option<bool>,
}

/// The forwarder on `worker`, and its pod. Beside a kube-proxy, Cilium and Calico forward only if
/// they are configured as its replacement.
pub fn find<'a>(worker: &Node, pods: &'a [Pod], replacement: &Replacement) -> (Forwarder, Option<&'a Pod>) {
    let name = worker.metadata.name.as_deref();
    let here: Vec<&Pod> = pods.iter().filter(|pod| spec(pod, |spec| spec.node_name.as_deref()) == name).collect();
    let with = |wanted: &dyn Fn(&Pod) -> bool| here.iter().copied().find(|pod| wanted(pod));
    let replaced = matches!(replacement.cilium.as_deref(), Some("true" | "strict"));
    if let Some(pod) = with(&|pod| is_cilium(pod) && (replaced || is_anetd(pod))) {
        return (if is_anetd(pod) { Forwarder::DataplaneV2 } else { Forwarder::Cilium }, Some(pod));
    }
    if let Some(pod) = with(&|pod| is_calico(pod) && (replacement.calico == Some(true) || has_ebpf_variable(pod))) {
        return (Forwarder::CalicoEbpf, Some(pod));
    }
    if let Some(pod) = with(&is_kube_proxy) {
        return (placement(pod), Some(pod));
    }
    if let Some(pod) = with(&|pod| is_labelled(pod, "app", "ovnkube-node")) {
        return (Forwarder::OvnKubernetes, Some(pod));
    }
    if let Some(pod) = with(&is_kube_router) {
        return (Forwarder::KubeRouter, Some(pod));
    }
    (if is_k3s(worker) { Forwarder::K3s } else { Forwarder::Unknown }, None)
}

fn spec<'a, T>(pod: &'a Pod, field: impl FnOnce(&'a k8s_openapi::api::core::v1::PodSpec) -> Option<T>) -> Option<T> {
    pod.spec.as_ref().and_then(field)
}

fn is_labelled(pod: &Pod, label: &str, value: &str) -> bool {
    pod.metadata.labels.as_ref().and_then(|labels| labels.get(label)).is_some_and(|found| found == value)
}

/// Labels of kubeadm and others, of GKE's static pods, and of RKE2.
fn is_kube_proxy(pod: &Pod) -> bool {
    is_labelled(pod, "k8s-app", "kube-proxy") || is_labelled(pod, "component", "kube-proxy")
}

/// GKE's own build of Cilium.
fn is_anetd(pod: &Pod) -> bool {
    pod.metadata.name.as_ref().is_some_and(|name| name.starts_with("anetd"))
}

fn is_cilium(pod: &Pod) -> bool {
    is_labelled(pod, "k8s-app", "cilium")
}

fn is_calico(pod: &Pod) -> bool {
    is_labelled(pod, "k8s-app", "calico-node")
}

/// The environment variable that enables Calico's eBPF data plane.
fn has_ebpf_variable(pod: &Pod) -> bool {
    let containers = spec(pod, |spec| Some(&spec.containers)).into_iter().flatten();
    let mut variables = containers.flat_map(|container| container.env.iter().flatten());
    variables.any(|variable| variable.name == "FELIX_BPFENABLED" && variable.value.as_deref() == Some("true"))
}

fn is_kube_router(pod: &Pod) -> bool {
    is_labelled(pod, "k8s-app", "kube-router") && command_line(pod).contains("--run-service-proxy=true")
}

/// The kubelet annotates the mirror pods of static pods.
fn placement(pod: &Pod) -> Forwarder {
    let annotated = |annotations: &BTreeMap<String, String>| annotations.contains_key("kubernetes.io/config.mirror");
    let owned = |kind| pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == kind);
    if pod.metadata.annotations.as_ref().is_some_and(annotated) {
        Forwarder::StaticPod
    } else if owned("DaemonSet") {
        Forwarder::DaemonSet
    } else {
        Forwarder::LonePod
    }
}

fn is_k3s(worker: &Node) -> bool {
    kubelet_version(worker).is_some_and(|version| version.contains("+k3s"))
}

pub fn kubelet_version(worker: &Node) -> Option<&str> {
    worker.status.as_ref()?.node_info.as_ref().map(|info| info.kubelet_version.as_str())
}

/// The first container's command line, including shell strings.
pub fn command_line(pod: &Pod) -> String {
    let Some(container) = spec(pod, |spec| spec.containers.first()) else { return String::new() };
    let words = container.command.iter().flatten().chain(container.args.iter().flatten());
    words.map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub fn worker(value: Value) -> Node {
        serde_json::from_value(value).expect("a node")
    }

    pub fn pod(value: Value) -> Pod {
        serde_json::from_value(value).expect("a pod")
    }

    fn node(kubelet: &str) -> Node {
        let info = json!({ "kubeletVersion": kubelet, "architecture": "", "bootID": "", "containerRuntimeVersion": "",
            "kernelVersion": "", "kubeProxyVersion": "", "machineID": "", "operatingSystem": "linux", "osImage": "",
            "systemUUID": "" });
        worker(json!({ "metadata": { "name": "w" }, "status": { "nodeInfo": info } }))
    }

    fn running(name: &str, labels: &Value, container: &Value) -> Pod {
        pod(
            json!({ "metadata": { "name": name, "labels": labels }, "spec": { "nodeName": "w", "containers": [container] } }),
        )
    }

    fn found(pods: &[Pod], cilium: Option<&str>) -> Forwarder {
        let replacement = Replacement { cilium: cilium.map(str::to_owned), calico: None };
        find(&node("v1.30.0"), pods, &replacement).0
    }

    #[test]
    fn kube_proxy_in_each_of_its_places() {
        let mut proxy =
            running("kube-proxy-w", &json!({ "component": "kube-proxy" }), &json!({ "name": "kube-proxy" }));
        assert_eq!(found(&[proxy.clone()], None), Forwarder::LonePod);
        proxy.metadata.annotations = Some([("kubernetes.io/config.mirror".to_owned(), "x".to_owned())].into());
        assert_eq!(found(&[proxy], None), Forwarder::StaticPod);
        let mut proxy =
            running("kube-proxy-x7k2p", &json!({ "k8s-app": "kube-proxy" }), &json!({ "name": "kube-proxy" }));
        proxy.metadata.owner_references = serde_json::from_value(json!([
            { "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "kube-proxy", "uid": "u" }
        ]))
        .expect("owners");
        assert_eq!(found(&[proxy], None), Forwarder::DaemonSet);
        assert_eq!(find(&node("v1.30.0+k3s1"), &[], &Replacement::default()).0, Forwarder::K3s);
    }

    #[test]
    fn what_replaces_kube_proxy() {
        let proxy = running("kube-proxy-w", &json!({ "k8s-app": "kube-proxy" }), &json!({ "name": "kube-proxy" }));
        let cilium = running("cilium-abcde", &json!({ "k8s-app": "cilium" }), &json!({ "name": "cilium-agent" }));
        assert_eq!(found(&[proxy.clone(), cilium.clone()], Some("false")), Forwarder::LonePod);
        assert_eq!(found(&[proxy.clone(), cilium.clone()], Some("true")), Forwarder::Cilium);
        assert_eq!(found(&[cilium], None), Forwarder::Unknown, "it may or may not have replaced it");
        let anetd = running("anetd-abcde", &json!({ "k8s-app": "cilium" }), &json!({ "name": "cilium-agent" }));
        assert_eq!(found(&[anetd], None), Forwarder::DataplaneV2);
        let env = json!([{ "name": "FELIX_BPFENABLED", "value": "true" }]);
        let calico =
            running("calico-node-a", &json!({ "k8s-app": "calico-node" }), &json!({ "name": "n", "env": env }));
        assert_eq!(found(&[calico, proxy], None), Forwarder::CalicoEbpf);
        let calico = running("calico-node-a", &json!({ "k8s-app": "calico-node" }), &json!({ "name": "n" }));
        assert_eq!(found(std::slice::from_ref(&calico), None), Forwarder::Unknown);
        let replacement = Replacement { cilium: None, calico: Some(true) };
        assert_eq!(find(&node("v1.30.0"), &[calico], &replacement).0, Forwarder::CalicoEbpf);
        let ovn = running("ovnkube-node-a", &json!({ "app": "ovnkube-node" }), &json!({ "name": "n" }));
        assert_eq!(found(&[ovn], None), Forwarder::OvnKubernetes);
        let router = json!({ "name": "n", "args": ["--run-router=true", "--run-service-proxy=true"] });
        assert_eq!(found(&[running("r", &json!({ "k8s-app": "kube-router" }), &router)], None), Forwarder::KubeRouter);
    }

    #[test]
    fn pods_of_other_workers_do_not_count() {
        let mut proxy = running("kube-proxy-v", &json!({ "k8s-app": "kube-proxy" }), &json!({ "name": "kube-proxy" }));
        proxy.spec.as_mut().expect("a spec").node_name = Some("v".into());
        assert_eq!(found(&[proxy], None), Forwarder::Unknown);
    }
}
