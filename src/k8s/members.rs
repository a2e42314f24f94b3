//! The pods of a cluster's nodes, and how to connect to each.

use super::client::Server;
use super::node_pods::node_pods;
use super::pod_state::pod_state;
use super::server_container::{ClientPort, ServerChoice, client_port, server_container};
use crate::cluster::commands::{ClusterRef, quoted};
use crate::cluster::node::{NodeId, NodeNumber};
use crate::cluster::snapshot::{Member, Shell};
use crate::cluster::surroundings::{PodState, Trouble, TroubleKind};
use crate::error::Error;
use crate::manifest::names::{self, ClusterName};
use crate::manifest::object::SERVICE;
use crate::node::dial::Target;
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// The cluster of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// A cluster of this tool.
    Named(ClusterName),
    /// The Redis pods of any tool that these labels select.
    Selected(String),
}

impl Which {
    /// The name or the selector.
    pub fn title(&self) -> String {
        match self {
            Self::Named(name) => name.to_string(),
            Self::Selected(selector) => selector.clone(),
        }
    }

    /// For the pure parts and for commands.
    pub fn reference(&self) -> ClusterRef {
        match self {
            Self::Named(name) => name.into(),
            Self::Selected(selector) => ClusterRef::Selected(selector.clone()),
        }
    }

    pub fn selector(&self) -> String {
        match self {
            Self::Named(name) => name.selector(),
            Self::Selected(selector) => selector.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Password {
    None,
    /// In plain text in the pod's environment.
    Plain(String),
    Secret {
        name: String,
        key: String,
    },
}

/// An expected node, and how to connect to it.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub member: Member,
    /// Or one sentence that says why there is no connection.
    pub target: Result<Target, String>,
    pub port: ClientPort,
    pub password: Password,
}

/// Finds the nodes of a cluster by their pods. A pod of this tool names all nodes, so that a node
/// without a pod is found too. Without any pods, the Services name the nodes.
///
/// # Errors
/// The server's, and if there is no such cluster.
pub async fn find(server: &Server, which: &Which, choice: &ServerChoice) -> Result<Vec<Candidate>, Error> {
    let selected = list::<Pod>(server, "pods", which.selector()).await?;
    let some_selected = selected.len();
    let pods = node_pods(selected, choice);
    let declared = match which {
        Which::Named(name) if pods.is_empty() => {
            declared_by_services(&list::<Service>(server, "services", name.selector()).await?)
        }
        Which::Named(name) => declared_by_pods(name, &pods),
        Which::Selected(_) => Declared::new(),
    };
    let candidates = candidates(&pods, declared, choice);
    if candidates.is_empty() {
        return Err(match which {
            Which::Named(name) => no_such_cluster(server, name),
            Which::Selected(selector) => no_nodes(server, selector, some_selected, choice),
        });
    }
    Ok(candidates)
}

fn no_nodes(server: &Server, selector: &str, selected: usize, choice: &ServerChoice) -> Error {
    let namespace = server.namespace();
    let describe = |selector| server.caller().kubectl(&format!("describe pods -l {}", quoted(selector)));
    let none = Error::user(format!("no pods match \"{selector}\" in namespace \"{namespace}\""));
    match (selected, &choice.container) {
        (0, _) => none,
        (_, Some(container)) => {
            Error::user(format!("no pod that matches \"{selector}\" has a container \"{container}\""))
                .hint(format!("to see the containers, run: {}", describe(selector)))
        }
        (_, None) => Error::user(format!(
            "\"{selector}\" matches no Redis node in namespace \"{namespace}\": its pods have ended or belong to Jobs"
        )),
    }
}

fn no_such_cluster(server: &Server, name: &ClusterName) -> Error {
    Error::user(format!("redis cluster \"{name}\" not found in namespace \"{}\"", server.namespace()))
        .hint(format!("to list all clusters, run: {}", server.caller().list_everywhere()))
}

/// An empty selector selects all objects of the namespace.
///
/// # Errors
/// The server's.
pub async fn list<K>(server: &Server, what: &str, selector: String) -> Result<Vec<K>, Error>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(server.client(), server.namespace());
    let parameters = ListParams::default().labels(&selector);
    Ok(server.answer(&format!("list {what}"), api.list(&parameters)).await?.items)
}

/// The clusters of this tool in the namespace.
///
/// # Errors
/// The server's.
pub async fn cluster_names(server: &Server) -> Result<BTreeSet<String>, Error> {
    let services = server.list(SERVICE, Some(server.namespace()), &names::managed()).await?;
    let label = |object: &serde_json::Value| object["metadata"]["labels"][names::INSTANCE].as_str().map(str::to_owned);
    Ok(services.iter().filter_map(label).collect())
}

/// The expected nodes of a cluster of this tool, with the Redis ID if it is
/// known.
type Declared = BTreeMap<(NodeNumber, String), Option<NodeId>>;

fn declared_by_services(services: &[Service]) -> Declared {
    let declared = services.iter().filter_map(|service| {
        let number = number(service.metadata.labels.as_ref())?;
        Some(((number, service.metadata.name.clone().unwrap_or_default()), node_id(&service.metadata)))
    });
    declared.collect()
}

/// From the newest pod: each pod has the initial nodes.conf with all nodes.
fn declared_by_pods(cluster: &ClusterName, pods: &[Pod]) -> Declared {
    let youngest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone());
    let container = youngest.and_then(|pod| server_container(pod, &ServerChoice::default()));
    let variable = container.and_then(|container| variable(container, &[names::NODES_CONF_VARIABLE]));
    let text = variable.and_then(|variable| variable.value.as_deref()).unwrap_or_default();
    let ids = text.lines().filter_map(|line| line.split(' ').next()?.parse::<NodeId>().ok());
    ids.filter_map(|id| names::number_of(&id).map(|number| ((number, cluster.node(number)), Some(id)))).collect()
}

/// Pure: the declared nodes and the nodes of the pods, in order.
fn candidates(pods: &[Pod], mut declared: Declared, choice: &ServerChoice) -> Vec<Candidate> {
    let mut wanted: BTreeMap<(Option<NodeNumber>, String), Vec<&Pod>> = BTreeMap::new();
    for (number, name) in declared.keys() {
        wanted.insert((Some(*number), name.clone()), Vec::new());
    }
    for pod in pods {
        wanted.entry(place(pod)).or_default().push(pod);
    }
    wanted
        .into_iter()
        .map(|((number, name), mut pods)| {
            pods.sort_by_key(|pod| {
                (pod.metadata.deletion_timestamp.is_none(), pod.metadata.creation_timestamp.clone())
            });
            match pods.last() {
                Some(pod) => candidate(number, name, pod, choice),
                None => {
                    let id = number.and_then(|number| declared.remove(&(number, name.clone()))?);
                    without_pod(number, name, id)
                }
            }
        })
        .collect()
}

fn number(labels: Option<&BTreeMap<String, String>>) -> Option<NodeNumber> {
    labels?.get(names::NODE)?.parse().ok()
}

/// Nodes of this tool are named after their Service, others after their pod.
fn place(pod: &Pod) -> (Option<NodeNumber>, String) {
    let labels = pod.metadata.labels.as_ref();
    let cluster = labels.and_then(|labels| labels.get(names::INSTANCE)?.parse::<ClusterName>().ok());
    match (number(labels), cluster) {
        (Some(number), Some(cluster)) => (Some(number), cluster.node(number)),
        _ => (None, pod.metadata.name.clone().unwrap_or_default()),
    }
}

/// The Redis ID that this tool assigned.
fn node_id(metadata: &ObjectMeta) -> Option<NodeId> {
    metadata.annotations.as_ref()?.get(names::NODE_ID)?.parse().ok()
}

fn without_pod(number: Option<NodeNumber>, name: String, id: Option<NodeId>) -> Candidate {
    let trouble = Trouble { kind: TroubleKind::NoPod, text: "its pod does not exist".into() };
    let target = Err(trouble.text.clone());
    let state = PodState { trouble: Some(trouble), ..PodState::default() };
    let member = Member { name, number, id, state, ..Member::default() };
    Candidate { member, target, port: ClientPort::default(), password: Password::None }
}

fn candidate(number: Option<NodeNumber>, name: String, pod: &Pod, choice: &ServerChoice) -> Candidate {
    let container = server_container(pod, choice);
    let port = client_port(container, choice);
    let state = pod_state(pod, container);
    let shell = Shell {
        container: container.map(|container| container.name.clone()).unwrap_or_default(),
        port: port.number,
        password_variable: container
            .and_then(password_variable)
            .map(|variable| variable.name.clone())
            .filter(|variable| variable != names::PASSWORD_VARIABLE),
        ..Shell::default()
    };
    let pod_name = pod.metadata.name.clone();
    let target = match &state.trouble {
        Some(trouble) => Err(trouble.text.clone()),
        None => Ok(Target {
            pod: pod_name.clone().unwrap_or_default(),
            container: shell.container.clone(),
            port: shell.port,
            tls: None,
        }),
    };
    let member = Member {
        name,
        number,
        id: node_id(&pod.metadata),
        pod: pod_name,
        pod_uid: pod.metadata.uid.clone(),
        pod_ip: pod.status.as_ref().and_then(|status| status.pod_ip.clone()),
        worker: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        zone: None,
        shell: Some(shell),
        state,
    };
    Candidate { member, target, port, password: container.map_or(Password::None, password) }
}

/// The password variables of common images and charts.
fn password_variable(container: &Container) -> Option<&EnvVar> {
    variable(container, &[names::PASSWORD_VARIABLE, "REDIS_PASSWORD", "VALKEY_PASSWORD", "VALKEYCLI_AUTH"])
}

fn variable<'a>(container: &'a Container, names: &[&str]) -> Option<&'a EnvVar> {
    let variables = container.env.as_deref().unwrap_or_default();
    variables.iter().find(|variable| names.contains(&variable.name.as_str()))
}

fn password(container: &Container) -> Password {
    let Some(variable) = password_variable(container) else { return Password::None };
    let secret = variable.value_from.as_ref().and_then(|source| source.secret_key_ref.as_ref());
    match (secret, &variable.value) {
        (Some(secret), _) => Password::Secret { name: secret.name.clone(), key: secret.key.clone() },
        (None, Some(value)) if !value.is_empty() => Password::Plain(value.clone()),
        _ => Password::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(value: serde_json::Value) -> Pod {
        serde_json::from_value(value).expect("a pod")
    }

    fn all() -> ServerChoice {
        ServerChoice::default()
    }

    fn running(name: &str, number: &str) -> Pod {
        pod(json!({
            "metadata": { "name": name, "labels": { names::NODE: number, names::INSTANCE: "a" } },
            "spec": { "nodeName": "w", "containers": [{ "name": "redis", "env": [{ "name": "REDISCLI_AUTH",
                "valueFrom": { "secretKeyRef": { "name": "a", "key": "password" } } }] }] },
            "status": { "podIP": "198.18.1.2", "containerStatuses": [
                { "name": "redis", "ready": true, "restartCount": 0, "image": "", "imageID": "", "state": { "running": {} } }] },
        }))
    }

    fn service(number: &str) -> Service {
        serde_json::from_value(json!({
            "metadata": { "name": format!("a-node-{number}"), "labels": { names::NODE: number, names::INSTANCE: "a" } },
        }))
        .expect("a service")
    }

    #[test]
    fn a_node_without_a_pod_is_found() {
        let mut pod = running("a-node-101-0", "101");
        let id = |number: &str| format!("0123456789012345678901234567890123node000{number}");
        let nodes_conf =
            format!("{} h1:6379 myself,master - 0\n{} h2:6379 slave x 0\nvars x", &id("101")[4..], &id("102")[4..]);
        let variable = json!({ "name": "CLUSTER_CONFIG", "value": nodes_conf });
        let container = &mut pod.spec.as_mut().expect("a spec").containers[0];
        container.env.as_mut().expect("variables").push(serde_json::from_value(variable).expect("a variable"));
        let cluster = "a".parse().expect("a name");
        let found = candidates(&[pod.clone()], declared_by_pods(&cluster, &[pod]), &all());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].member.name, "a-node-101");
        assert_eq!(found[0].target.as_ref().map(|target| target.port), Ok(6379));
        assert_eq!(found[0].password, Password::Secret { name: "a".into(), key: "password".into() });
        assert_eq!(found[1].target.as_ref().err().map(String::as_str), Some("its pod does not exist"));
        assert_eq!(found[1].member.name, "a-node-102");
        assert_eq!(found[1].member.id.as_ref().map(NodeId::as_str), Some(&id("102")[4..]));
    }

    #[test]
    fn without_pods_the_services_name_the_nodes() {
        let found = candidates(&[], declared_by_services(&[service("102"), service("101")]), &all());
        let names: Vec<&str> = found.iter().map(|each| each.member.name.as_str()).collect();
        assert_eq!(names, ["a-node-101", "a-node-102"]);
    }

    #[test]
    fn the_new_pod_counts_while_the_old_one_terminates() {
        let mut old = running("a-node-101-old", "101");
        old.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
        let found = candidates(&[running("a-node-101-new", "101"), old], Declared::new(), &all());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].member.pod.as_deref(), Some("a-node-101-new"));
    }

    #[test]
    fn pods_of_others_keep_their_names_and_ports() {
        let other = pod(json!({
            "metadata": { "name": "x-0" },
            "spec": { "containers": [{ "name": "r", "ports": [
                { "name": "redis-bus", "containerPort": 17000 }, { "name": "tcp-redis", "containerPort": 7000 }] }] },
            "status": { "phase": "Pending", "conditions": [
                { "type": "PodScheduled", "status": "False", "message": "0/3 nodes are available" }] },
        }));
        let found = candidates(&[other], Declared::new(), &all());
        assert_eq!(found[0].member.shell.as_ref().map(|shell| shell.port), Some(7000));
        assert_eq!(found[0].member.name, "x-0");
        let problem = found[0].target.as_ref().err().map(String::as_str);
        assert_eq!(problem, Some("its pod cannot be scheduled: 0/3 nodes are available"));
    }
}
