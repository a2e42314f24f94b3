//! Makes objects in their order.

use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::members::list;
use crate::k8s::objects::Run;
use crate::k8s::wait::{Progress, TimeLimit, until};
use crate::manifest::names::{ClusterName, NODE};
use crate::manifest::object::Object;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use std::collections::BTreeSet;
use std::time::Duration;

const AT_ONCE: usize = 8;
/// How long the replicas wait for the masters to be scheduled: a replica that is scheduled first
/// may force its master onto the worker of another master. Not an error if the time is too short:
/// the masters may be waiting for something else.
const HEAD_START: Duration = Duration::from_secs(30);

/// Creates the objects in order and reports each to `made`. The replicas' controllers wait for the
/// masters to be scheduled, so that each master gets its own worker.
///
/// # Errors
/// The first failure; objects created before it stay.
pub async fn create(
    server: &Server,
    name: &ClusterName,
    objects: &[Object],
    (run, deadline): (Run, TimeLimit),
    mut made: impl FnMut(&Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let (replicas, first): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.is_replica_controller());
    let (controllers, before): (Vec<&Object>, Vec<&Object>) =
        first.into_iter().partition(|object| object.is_controller());
    apply_all(server, &before, run, &mut made).await?;
    apply_all(server, &controllers, run, &mut made).await?;
    if run == Run::Real && !controllers.is_empty() && !replicas.is_empty() {
        place_masters(server, name, &controllers, deadline).await?;
    }
    apply_all(server, &replicas, run, &mut made).await
}

async fn apply_all(
    server: &Server,
    objects: &[&Object],
    run: Run,
    made: &mut impl FnMut(&Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut applied =
        stream::iter(objects.iter().map(async |object| (object, server.apply(object, run).await))).buffered(AT_ONCE);
    let mut failed = None;
    while let Some((object, result)) = applied.next().await {
        match result {
            Ok(_) => made(object)?,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn place_masters(
    server: &Server,
    name: &ClusterName,
    masters: &[&Object],
    deadline: TimeLimit,
) -> Result<(), Error> {
    let placed =
        until(deadline.at_most(HEAD_START), "the masters to be placed", Duration::from_millis(50), async || {
            let pods = list::<Pod>(server, "pods", name.selector()).await?;
            let placed = placed(&pods, masters);
            Ok(if placed >= masters.len() { Progress::Done(()) } else { Progress::Pending(placed.to_string().into()) })
        });
    match placed.await {
        Err(error) if error.kind() == ErrorKind::Timeout => Ok(()),
        other => other,
    }
}

/// How many of these controllers have a pod on a worker; the cluster may have other nodes already.
fn placed(pods: &[Pod], controllers: &[&Object]) -> usize {
    let is_placed = |pod: &&Pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let nodes: BTreeSet<&str> = pods
        .iter()
        .filter(is_placed)
        .filter_map(|pod| Some(pod.metadata.labels.as_ref()?.get(NODE)?.as_str()))
        .collect();
    let number = |object: &Object| object.value["metadata"]["labels"][NODE].as_str().map(str::to_owned);
    controllers.iter().filter_map(|object| number(object)).filter(|number| nodes.contains(number.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::object::STATEFUL_SET;
    use serde_json::json;

    fn pod(number: &str, worker: Option<&str>) -> Pod {
        serde_json::from_value(
            json!({ "metadata": { "labels": { NODE: number } }, "spec": { "nodeName": worker, "containers": [] } }),
        )
        .expect("a pod")
    }

    #[test]
    fn only_the_missing_masters_are_waited_for() {
        let master = Object { kind: STATEFUL_SET, value: json!({ "metadata": { "labels": { NODE: "101" } } }) };
        let others = [pod("102", Some("a")), pod("201", Some("b")), pod("202", Some("c"))];
        assert_eq!(placed(&others, &[&master]), 0, "three nodes of the cluster, and not this one");
        assert_eq!(placed(&[&others[..], &[pod("101", None)]].concat(), &[&master]), 0);
        assert_eq!(placed(&[&others[..], &[pod("101", Some("d")), pod("101", Some("e"))]].concat(), &[&master]), 1);
    }
}
