//! Makes objects in their order.

use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::members::list;
use crate::k8s::objects::Run;
use crate::k8s::wait::{Progress, TimeLimit, until};
use crate::manifest::names::ClusterName;
use crate::manifest::object::Object;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
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
        place_masters(server, name, controllers.len(), deadline).await?;
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

async fn place_masters(server: &Server, name: &ClusterName, masters: usize, deadline: TimeLimit) -> Result<(), Error> {
    let placed =
        until(deadline.at_most(HEAD_START), "the masters to be placed", Duration::from_millis(50), async || {
            let pods = list::<Pod>(server, "pods", name.selector()).await?;
            let placed =
                pods.iter().filter(|pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some())).count();
            Ok(if placed >= masters { Progress::Done(()) } else { Progress::Pending(placed.to_string().into()) })
        });
    match placed.await {
        Err(error) if error.kind() == ErrorKind::Timeout => Ok(()),
        other => other,
    }
}
