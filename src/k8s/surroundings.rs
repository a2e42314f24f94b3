//! Reads what is around a cluster's nodes: Services, PodDisruptionBudgets, volumes, workers.
//! What cannot be read is reported and does not affect the rest.

use super::client::Server;
use super::controllers;
use super::kubelets::{self, Deadline};
use super::members::{Candidate, Which, list};
use super::references;
use super::workers;
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::BUS_PORT;
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::{Budget, Claim, Labels, Lookup, Service, Surroundings, Worker};
use crate::error::Error;
use crate::manifest::names;
use crate::manifest::network::{client_service_of, node_service_of};
use futures::future::{join, join5};
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Service as ServiceObject};
use kube::{Api, ResourceExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;

/// All in parallel; one request per kind, and those to the workers' kubelets. `known` Secrets have been
/// read already.
pub async fn read(server: &Server, which: &Which, candidates: &[Candidate], known: &BTreeSet<String>) -> Surroundings {
    let (known_all, rest) = oneshot::channel();
    let deadline = Deadline::after(rest);
    let objects = async {
        let objects =
            join(objects(server, which, candidates), references::lost(server, which, candidates, known)).await;
        drop(known_all);
        objects
    };
    let (objects, kubelets) = join(objects, kubelets::read(server, candidates, &deadline)).await;
    let (objects, (lost_configuration, not_read)) = objects;
    let kubelets::Answers { usage, last_log_lines, unanswered } = kubelets;
    let unanswered = objects.unanswered.into_iter().chain(not_read).chain(unanswered).collect();
    Surroundings { usage, last_log_lines, lost_configuration, unanswered, ..objects }
}

async fn objects(server: &Server, which: &Which, candidates: &[Candidate]) -> Surroundings {
    let workers: BTreeSet<&str> = candidates.iter().filter_map(|each| each.member.worker.as_deref()).collect();
    let has_claims = candidates.iter().any(|each| !each.member.state.claims.is_empty());
    let claims = async { if has_claims { claims(server).await } else { Lookup::Skipped } };
    let mut unanswered = BTreeMap::new();
    let (services, budgets, claims, workers, controllers) = join5(
        services(server, which),
        budgets(server),
        claims,
        self::workers(server, &workers),
        controllers::read(server, which, candidates, &mut unanswered),
    )
    .await;
    let now = jiff::Timestamp::now().as_second();
    let lost_services = services.seen().map(|services| lost_services(server, which, candidates, services));
    let lost_services = lost_services.unwrap_or_default();
    let rest = Surroundings { now, lost_services, unanswered, ..Surroundings::default() };
    Surroundings { services, budgets, claims, workers, controllers, ..rest }
}

/// Of a cluster of this tool: the Services of its nodes and of its clients that do not exist. A node's
/// pod says what its Service was made with.
fn lost_services(
    server: &Server,
    which: &Which,
    candidates: &[Candidate],
    services: &[Service],
) -> BTreeMap<String, String> {
    let Which::Named(name) = which else { return BTreeMap::new() };
    let mut lost = BTreeMap::new();
    if !services.iter().any(|service| service.name == name.as_str()) {
        lost.insert(name.to_string(), client_service_of(name, server.namespace()).to_string());
    }
    for member in candidates.iter().map(|candidate| &candidate.member) {
        let Some(number) = member.number else { continue };
        if services.iter().all(|service| service.name != member.name) {
            let manifest = |labels| node_service_of(name, server.namespace(), (number, bus(member)), &labels);
            lost.insert(
                member.name.clone(),
                own_labels(member).map(|labels| manifest(labels).to_string()).unwrap_or_default(),
            );
        }
    }
    lost
}

/// Without those that the controller adds; none without a pod.
fn own_labels(member: &Member) -> Option<Value> {
    let own = member.state.labels.iter().filter(|(name, _)| names::is_label(name));
    let own: Labels = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!own.is_empty()).then(|| serde_json::json!(own))
}

fn bus(member: &Member) -> u16 {
    member.state.bus_port.unwrap_or(BUS_PORT)
}

fn lookup<T>(result: Result<T, Error>) -> Lookup<T> {
    match result {
        Ok(value) => Lookup::Seen(value),
        Err(error) => Lookup::Denied(error.reason()),
    }
}

/// Of the namespace.
async fn services(server: &Server, which: &Which) -> Lookup<Vec<Service>> {
    let services = list::<ServiceObject>(server, "services", String::new()).await;
    let cluster = match which {
        Which::Named(name) => Some(name.as_str()),
        Which::Selected(_) => None,
    };
    lookup(services.map(|services| services.iter().map(|service| service_of(service, cluster)).collect()))
}

fn service_of(object: &ServiceObject, cluster: Option<&str>) -> Service {
    let labels = object.metadata.labels.as_ref();
    let label = |name: &str| labels.and_then(|labels| labels.get(name)).map(String::as_str);
    let spec = object.spec.clone().unwrap_or_default();
    let balancers = object.status.iter().flat_map(|status| status.load_balancer.iter());
    let outside = balancers.flat_map(|balancer| balancer.ingress.iter().flatten().filter_map(|each| each.ip.clone()));
    let inside = spec.cluster_ip.iter().chain(spec.cluster_ips.iter().flatten());
    let port = |port: i32| u16::try_from(port).ok();
    Service {
        name: object.metadata.name.clone().unwrap_or_default(),
        number: label(names::NODE).and_then(|number| number.parse::<NodeNumber>().ok()),
        ours: cluster.is_some()
            && label(names::INSTANCE) == cluster
            && label(names::MANAGED_BY) == Some(names::MANAGER),
        addresses: inside.filter(|address| *address != "None" && !address.is_empty()).cloned().collect(),
        shared_addresses: spec.external_ips.iter().flatten().cloned().chain(outside).collect(),
        ports: spec.ports.iter().flatten().filter_map(|each| port(each.port)).collect(),
        node_ports: spec.ports.iter().flatten().filter_map(|each| port(each.node_port?)).collect(),
        selector: spec.selector.unwrap_or_default(),
        leads_to_unready: spec.publish_not_ready_addresses == Some(true),
    }
}

async fn budgets(server: &Server) -> Lookup<Vec<Budget>> {
    let budgets = async {
        let kind = server.budget_kind().await?;
        server.list(kind, Some(server.namespace()), "").await
    };
    lookup(budgets.await.map(|budgets| budgets.iter().map(budget_of).collect()))
}

fn budget_of(object: &Value) -> Budget {
    let spec = &object["spec"];
    let number = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let selector = &spec["selector"];
    let only_labels = selector["matchExpressions"].as_array().is_none_or(Vec::is_empty);
    Budget {
        name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        selector: only_labels
            .then(|| serde_json::from_value::<Labels>(selector["matchLabels"].clone()).unwrap_or_default()),
        max_unavailable: number(&spec["maxUnavailable"]),
        min_available: number(&spec["minAvailable"]),
    }
}

async fn claims(server: &Server) -> Lookup<BTreeMap<String, Claim>> {
    let claims = list::<PersistentVolumeClaim>(server, "persistentvolumeclaims", String::new()).await;
    let claim = |claim: PersistentVolumeClaim| {
        let phase = claim.status.and_then(|status| status.phase).unwrap_or_default();
        (claim.metadata.name.unwrap_or_default(), Claim { phase, deleted: claim.metadata.deletion_timestamp.is_some() })
    };
    lookup(claims.map(|claims| claims.into_iter().map(claim).collect()))
}

async fn workers(server: &Server, names: &BTreeSet<&str>) -> Lookup<BTreeMap<String, Worker>> {
    let api: Api<Node> = Api::all(server.client());
    let found = workers::workers(
        server,
        names,
        async |parameters| api.list(&parameters).await,
        async |name| api.get_opt(name).await,
    );
    lookup(found.await.map(|found| found.iter().map(|node| (node.name_any(), worker_of(node))).collect()))
}

fn worker_of(node: &Node) -> Worker {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let addresses = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let mut worker = Worker {
        addresses: addresses.map(|address| address.address.clone()).collect(),
        zone: node.metadata.labels.as_ref().and_then(|labels| labels.get(names::ZONE).cloned()),
        ..Worker::default()
    };
    for condition in conditions.filter(|condition| condition.status == "True") {
        match condition.type_.as_str() {
            "Ready" => worker.ready = true,
            pressure if pressure.ends_with("Pressure") => worker.pressure.push(pressure.to_owned()),
            _ => {}
        }
    }
    worker
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn budgets_of_every_form() {
        let budget = |spec: Value| budget_of(&json!({ "metadata": { "name": "b" }, "spec": spec }));
        let ours = budget(json!({ "maxUnavailable": 1, "selector": { "matchLabels": { "a": "b" } } }));
        assert_eq!((ours.max_unavailable.as_deref(), ours.min_available.as_deref()), (Some("1"), None));
        assert_eq!(ours.selector, Some(Labels::from([("a".into(), "b".into())])));
        assert_eq!(budget(json!({ "minAvailable": "50%" })).min_available.as_deref(), Some("50%"));
        let rule = json!({ "selector": { "matchExpressions": [{ "key": "a", "operator": "Exists" }] } });
        assert_eq!(budget(rule).selector, None);
    }

    #[test]
    fn a_worker_says_what_it_lacks() {
        let node: Node = serde_json::from_value(json!({
            "metadata": { "name": "w", "labels": { names::ZONE: "a" } },
            "status": { "addresses": [{ "type": "InternalIP", "address": "192.0.2.1" }], "conditions": [
                { "type": "Ready", "status": "True" }, { "type": "DiskPressure", "status": "True" },
                { "type": "MemoryPressure", "status": "False" }] },
        }))
        .expect("a node");
        let pressure = vec!["DiskPressure".into()];
        let addresses = ["192.0.2.1".to_owned()].into();
        let expected = Worker { zone: Some("a".into()), addresses, ready: true, pressure };
        assert_eq!(worker_of(&node), expected);
    }
}
