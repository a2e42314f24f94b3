//! Makes objects in their order.

use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::members::list;
use crate::k8s::objects::Run;
use crate::k8s::wait::{Progress, until};
use crate::manifest::names::ClusterName;
use crate::manifest::object::Object;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use std::time::Duration;

/// How many objects are made at the same time.
const AT_ONCE: usize = 8;
/// How long the masters have a head start in being placed on workers: a replica that is
/// placed first may force its master to share another one's worker. Not an error when it
/// does not suffice: they may have to wait for something of their own.
const HEAD_START: Duration = Duration::from_secs(30);

/// Makes the objects in their order and tells `made` of each. The replicas'
/// controllers wait for the masters to be placed, so that each master finds a worker
/// of its own.
///
/// # Errors
/// The first failure; what was made before it stays.
pub async fn create(
    server: &Server,
    name: &ClusterName,
    objects: &[Object],
    run: Run,
    mut made: impl FnMut(&Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let (replicas, first): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.is_replica_controller());
    let (controllers, before): (Vec<&Object>, Vec<&Object>) =
        first.into_iter().partition(|object| object.is_controller());
    apply_all(server, &before, run, &mut made).await?;
    apply_all(server, &controllers, run, &mut made).await?;
    if run == Run::Real && !controllers.is_empty() && !replicas.is_empty() {
        place_masters(server, name, controllers.len()).await?;
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

async fn place_masters(server: &Server, name: &ClusterName, masters: usize) -> Result<(), Error> {
    let placed = until(HEAD_START, "the masters to be placed", Duration::from_millis(50), async || {
        let pods = list::<Pod>(server, "pods", name.selector()).await?;
        let placed = pods.iter().filter(|pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some())).count();
        Ok(if placed >= masters { Progress::Done(()) } else { Progress::Pending(placed.to_string()) })
    });
    match placed.await {
        Err(error) if error.kind() == ErrorKind::Timeout => Ok(()),
        other => other,
    }
}
