//! Detects what forwards Services on each worker, and in which mode.

use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::proxy::evidence::{
    Evidence, EvidenceSource, WorkerReport, from_annotations, from_command_line, from_config_map, running, unreadable,
};
use crate::proxy::forwarder::{Forwarder, Replacement, SELECTORS, command_line, find};
use futures::future::{join_all, try_join};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::Api;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

pub const SYSTEM: &str = "kube-system";
/// The default port of kube-proxy's metrics and `/proxyMode`.
const METRICS_PORT: u16 = 10249;
const AT_ONCE: usize = 16;

pub struct ObservedWorker {
    pub node: Node,
    pub report: WorkerReport,
    /// kube-proxy's pod, if it runs in one.
    pub pod: Option<Pod>,
}

pub struct Forwarding {
    pub workers: Vec<ObservedWorker>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// # Errors
/// If the workers cannot be listed; what cannot be read about one is part of its evidence.
pub async fn observe(server: &Server) -> Result<Forwarding, Error> {
    let system = server.in_namespace(SYSTEM);
    let nodes: Api<Node> = Api::all(server.client());
    let nodes = async { Ok(server.answer("list nodes", nodes.list(&ListParams::default())).await?.items) };
    let (mut nodes, (pods, mut notes)) = try_join(nodes, pods(&system)).await?;
    nodes.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    let replacement = replacement(&system, &pods, &mut notes).await;
    let workers = stream::iter(nodes.into_iter().map(|node| worker(&system, node, &pods, &replacement)));
    Ok(Forwarding { workers: workers.buffered(AT_ONCE).collect().await, notes })
}

async fn worker(system: &Server, node: Node, pods: &[Pod], replacement: &Replacement) -> ObservedWorker {
    let (forwarder, pod) = find(&node, pods, replacement);
    let mut evidence = from_annotations(&node, forwarder);
    let pod = pod.filter(|_| is_kube_proxy(forwarder));
    if let Some(pod) = pod {
        evidence.push(ask(system, pod).await);
        evidence.push(from_command_line(&node, pod));
        evidence.extend(config_maps(system, &node, pod).await);
    }
    ObservedWorker { report: WorkerReport::of(&node, forwarder, evidence), node, pod: pod.cloned() }
}

/// The Ready condition.
pub fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    conditions.filter(|each| each.type_ == "Ready").any(|each| each.status == "True")
}

fn is_kube_proxy(forwarder: Forwarder) -> bool {
    matches!(forwarder, Forwarder::StaticPod | Forwarder::DaemonSet | Forwarder::LonePod)
}

/// Pods of forwarders in all namespaces, or only in kube-system without permission for more.
async fn pods(system: &Server) -> Result<(Vec<Pod>, Vec<String>), Error> {
    let everywhere: Api<Pod> = Api::all(system.client());
    let refusal = match list_pods(system, &everywhere).await {
        Err(error) if error.kind() == ErrorKind::Forbidden => error,
        other => return other.map(|pods| (pods, Vec::new())),
    };
    let (pods, note, refusal) = match list_pods(system, &Api::namespaced(system.client(), SYSTEM)).await {
        Ok(pods) => {
            let note =
                format!("no permission to read pods outside {SYSTEM}: forwarders in other namespaces are not detected");
            (pods, note, refusal)
        }
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let note = format!("no permission to read pods in {SYSTEM}: it is unknown what forwards Services");
            (Vec::new(), note, error)
        }
        Err(error) => return Err(error),
    };
    Ok((pods, vec![format!("{note}; {}", refusal.reason())]))
}

async fn list_pods(server: &Server, api: &Api<Pod>) -> Result<Vec<Pod>, Error> {
    let lists = SELECTORS.map(|selector| async move {
        server.answer("list pods", api.list(&ListParams::default().labels(selector))).await
    });
    let mut pods = Vec::new();
    for list in join_all(lists).await {
        pods.extend(list?.items);
    }
    Ok(pods)
}

/// Whether Cilium and Calico replace kube-proxy; none if they do not exist, and a note if that
/// cannot be read, which leaves the forwarder unknown.
async fn replacement(system: &Server, pods: &[Pod], notes: &mut Vec<String>) -> Replacement {
    let runs = |app: &str| {
        let labels = pods.iter().filter_map(|pod| pod.metadata.labels.as_ref());
        labels.filter_map(|labels| labels.get("k8s-app")).any(|label| label == app)
    };
    let mut unknown = |of: &str, error: &Error| {
        notes.push(format!("it is unknown whether {of} has replaced kube-proxy: {}", error.reason()));
    };
    let mut replacement = Replacement::default();
    if runs("cilium") {
        let map = config_map(system, "cilium-config").await.map_err(|error| unknown("Cilium", &error));
        replacement.cilium = map.ok().flatten().and_then(|map| map.data?.remove("kube-proxy-replacement"));
    }
    if runs("calico-node") {
        let kind = GroupVersionKind::gvk("crd.projectcalico.org", "v1", "FelixConfiguration");
        let resource = ApiResource::from_gvk_with_plural(&kind, "felixconfigurations");
        let api: Api<DynamicObject> = Api::all_with(system.client(), &resource);
        let felix = system.answer("get felixconfigurations default", api.get_opt("default")).await;
        let felix = felix.map_err(|error| unknown("Calico", &error));
        replacement.calico = felix.ok().flatten().map(|felix| felix.data["spec"]["bpfEnabled"] == true);
    }
    replacement
}

async fn config_map(system: &Server, name: &str) -> Result<Option<ConfigMap>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(system.client(), SYSTEM);
    system.answer(&format!("get configmaps {name}"), api.get_opt(name)).await
}

/// Queries the running kube-proxy on its worker's loopback, which its pod reaches because it uses
/// the worker's network.
pub async fn ask(system: &Server, pod: &Pod) -> Evidence {
    let address = command_line(pod);
    let address = crate::proxy::evidence::flag(&address, "--metrics-bind-address");
    let port = address.and_then(|address| address.rsplit(':').next()?.parse().ok()).unwrap_or(METRICS_PORT);
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let answer = system.get_from_loopback(name, port, "/proxyMode").await;
    running(answer.as_deref().map_err(String::as_str))
}

/// The ConfigMaps that the pod mounts; one may have kube-proxy's configuration.
async fn config_maps(system: &Server, node: &Node, pod: &Pod) -> Vec<Evidence> {
    let volumes = pod.spec.iter().filter_map(|spec| spec.volumes.as_ref()).flatten();
    let names = volumes.filter_map(|volume| Some(volume.config_map.as_ref()?.name.clone()));
    let mut evidence = Vec::new();
    for name in names {
        match config_map(system, &name).await {
            Ok(map) => evidence.extend(map.and_then(|map| from_config_map(node, &map))),
            Err(error) => evidence.push(unreadable(EvidenceSource::ConfigMap(name), &error.reason())),
        }
    }
    evidence
}
