//! Reads what is around a cluster's nodes: Services, PodDisruptionBudgets, volumes, workers.
//! What cannot be read is reported and does not affect the rest.

use super::client::Server;
use super::members::{Candidate, Which, list};
use super::workers;
use crate::cluster::node::NodeNumber;
use crate::cluster::surroundings::{Budget, Claim, Labels, Lookup, Service, Surroundings, TroubleKind, Usage, Worker};
use crate::error::{Error, ErrorKind};
use crate::manifest::names;
use futures::future::{join_all, join5};
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod, Service as ServiceObject};
use kube::api::LogParams;
use kube::{Api, ResourceExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Log lines of a terminated container.
const LAST_LINES: i64 = 3;

/// All in parallel; one request per worker and kind.
pub async fn read(server: &Server, which: &Which, candidates: &[Candidate]) -> Surroundings {
    let workers: BTreeSet<&str> = candidates.iter().filter_map(|each| each.member.worker.as_deref()).collect();
    let has_claims = candidates.iter().any(|each| !each.member.state.claims.is_empty());
    let (services, budgets, (claims, usage), workers, last_log_lines) = join5(
        services(server, which),
        budgets(server),
        async {
            if has_claims {
                futures::future::join(claims(server), usage(server, &workers)).await
            } else {
                Default::default()
            }
        },
        self::workers(server, &workers),
        last_log_lines(server, candidates),
    )
    .await;
    Surroundings { now: jiff::Timestamp::now().as_second(), services, budgets, claims, usage, workers, last_log_lines }
}

fn lookup<T>(result: Result<T, Error>) -> Lookup<T> {
    match result {
        Ok(value) => Lookup::Seen(value),
        Err(error) => Lookup::Denied(error.reason()),
    }
}

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
    let inside =
        spec.cluster_ip.iter().chain(spec.cluster_ips.iter().flatten()).chain(spec.external_ips.iter().flatten());
    let ports = spec.ports.iter().flatten().filter_map(|port| u16::try_from(port.port).ok());
    Service {
        name: object.metadata.name.clone().unwrap_or_default(),
        number: label(names::NODE).and_then(|number| number.parse::<NodeNumber>().ok()),
        ours: cluster.is_some()
            && label(names::INSTANCE) == cluster
            && label(names::MANAGED_BY) == Some(names::MANAGER),
        addresses: inside.cloned().chain(outside).filter(|address| address != "None" && !address.is_empty()).collect(),
        selector: spec.selector.unwrap_or_default(),
        ports: ports.collect(),
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
    let mut worker = Worker {
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

/// From the kubelets, for users with permission to nodes/proxy.
async fn usage(server: &Server, workers: &BTreeSet<&str>) -> Lookup<BTreeMap<String, Usage>> {
    let answers = join_all(workers.iter().map(|worker| summary(server, worker))).await;
    let mut usage = BTreeMap::new();
    let mut refusal = None;
    for answer in answers {
        match answer {
            Ok(summary) => usage.extend(usage_of(&summary, server.namespace())),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) if usage.is_empty() => lookup(Err(error)),
        None if usage.is_empty() => Lookup::Denied("the kubelets report no usage for these volumes".into()),
        _ => Lookup::Seen(usage),
    }
}

async fn summary(server: &Server, worker: &str) -> Result<Value, Error> {
    let request = http::Request::get(format!("/api/v1/nodes/{worker}/proxy/stats/summary"))
        .body(Vec::new())
        .map_err(|error| Error::user(format!("cannot request the kubelet's statistics: {error}")))?;
    server.answer("get nodes/proxy", server.client().request::<Value>(request)).await
}

fn usage_of(summary: &Value, namespace: &str) -> Vec<(String, Usage)> {
    let pods = summary["pods"].as_array().into_iter().flatten();
    let volumes = pods.flat_map(|pod| pod["volume"].as_array().into_iter().flatten());
    volumes
        .filter(|volume| volume["pvcRef"]["namespace"] == namespace)
        .filter_map(|volume| {
            let claim = volume["pvcRef"]["name"].as_str()?.to_owned();
            Some((claim, Usage { used: volume["usedBytes"].as_u64()?, free: volume["availableBytes"].as_u64()? }))
        })
        .collect()
}

/// The last log lines of terminated containers. Empty logs are
/// skipped.
async fn last_log_lines(server: &Server, candidates: &[Candidate]) -> Lookup<BTreeMap<String, String>> {
    let ended = candidates.iter().filter(|candidate| {
        let trouble = candidate.member.state.trouble.as_ref();
        trouble.is_some_and(|trouble| {
            matches!(trouble.kind, TroubleKind::CrashLoop | TroubleKind::OutOfMemory | TroubleKind::Ended)
        })
    });
    let words = join_all(ended.filter_map(|candidate| {
        let pod = candidate.member.pod.clone()?;
        let container = candidate.member.shell.as_ref()?.container.clone();
        Some(async move { Ok(last_lines(server, &pod, container).await?.map(|lines| (pod.clone(), lines))) })
    }));
    let words: Result<Vec<_>, Error> = words.await.into_iter().collect();
    lookup(words.map(|words| words.into_iter().flatten().collect()))
}

async fn last_lines(server: &Server, pod: &str, container: String) -> Result<Option<String>, Error> {
    let api: Api<Pod> = Api::namespaced(server.client(), server.namespace());
    let parameters = |previous| LogParams {
        container: Some(container.clone()),
        tail_lines: Some(LAST_LINES),
        previous,
        ..LogParams::default()
    };
    for previous in [false, true] {
        // A container that was restarted meanwhile may have an empty log.
        let text = match server.answer("get pods/log", api.logs(pod, &parameters(previous))).await {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::Forbidden => return Err(error),
            Err(_) => continue,
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            return Ok(Some(lines.join(" / ")));
        }
    }
    Ok(None)
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
            "status": { "conditions": [
                { "type": "Ready", "status": "True" }, { "type": "DiskPressure", "status": "True" },
                { "type": "MemoryPressure", "status": "False" }] },
        }))
        .expect("a node");
        let expected = Worker { zone: Some("a".into()), ready: true, pressure: vec!["DiskPressure".into()] };
        assert_eq!(worker_of(&node), expected);
    }

    #[test]
    fn volumes_of_the_own_namespace_alone() {
        let volume = |namespace: &str| {
            json!({ "usedBytes": 90, "availableBytes": 10,
                                               "pvcRef": { "name": "data-a-0", "namespace": namespace } })
        };
        let summary = json!({ "pods": [{ "volume": [volume("other"), { "usedBytes": 1 }, volume("mine")] }] });
        assert_eq!(usage_of(&summary, "mine"), [("data-a-0".into(), Usage { used: 90, free: 10 })]);
    }
}
