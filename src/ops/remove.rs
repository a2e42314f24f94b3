//! Deletes what this tool made, and waits until the last pod is gone.

use super::rights::{demand, on};
use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::objects::Deletion;
use crate::k8s::wait::{Progress, Stage, TimeLimit, times, until_telling};
use crate::manifest::names::ClusterName;
use crate::manifest::object::{
    CLAIM, CONFIG_MAP, Kind, NETWORK_POLICY, POD, REPLICATION_CONTROLLER, SECRET, SERVICE, STATEFUL_SET,
};
use futures::future::try_join_all;
use futures::{StreamExt, stream};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Whether volumes and the Secret go too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// They stay: the same create brings the cluster back.
    Keep,
    /// They go for good.
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToDelete {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// The existing objects of a cluster, in the order of deletion: first what would start new pods,
/// then the pods, then what pods need.
pub struct Inventory {
    /// Always deleted.
    pub objects: Vec<ToDelete>,
    /// Deleted only with `--delete-data`.
    pub data: Vec<ToDelete>,
}

/// Checks the permissions to delete all kinds before the first deletion.
///
/// # Errors
/// Names all missing permissions.
pub async fn rights<'a>(server: &Server, object: impl Iterator<Item = &'a ToDelete>) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = object.map(|object| object.kind).collect();
    let wanted: Vec<_> = kinds.into_iter().flat_map(|kind| on(kind, ["delete"])).collect();
    demand(server, &wanted).await
}

/// Lists everything with the cluster's labels.
///
/// # Errors
/// The server's.
pub async fn inventory(server: &Server, name: &ClusterName, budget: Kind) -> Result<Inventory, Error> {
    let kinds = [STATEFUL_SET, REPLICATION_CONTROLLER, POD, budget, NETWORK_POLICY, SERVICE, CONFIG_MAP];
    let (objects, data) =
        futures::future::try_join(list(server, name, &kinds), list(server, name, &[CLAIM, SECRET])).await?;
    Ok(Inventory { objects, data })
}

async fn list(server: &Server, name: &ClusterName, kinds: &[Kind]) -> Result<Vec<ToDelete>, Error> {
    let selector = name.selector();
    let lists = try_join_all(kinds.iter().map(|kind| server.names(*kind, &selector))).await?;
    let object = |(kind, names): (&Kind, Vec<String>)| {
        let kind = *kind;
        names.into_iter().map(move |name| ToDelete { kind, name })
    };
    Ok(kinds.iter().zip(lists).flat_map(object).collect())
}

const AT_ONCE: usize = 16;

/// Deletes the objects in order and reports each existing one to `gone`, except pods: their
/// controllers are reported.
///
/// # Errors
/// The first failure; earlier deletions stay.
pub async fn delete(
    server: &Server,
    objects: &[ToDelete],
    options: &Deletion,
    mut gone: impl FnMut(&ToDelete) -> Result<(), Error>,
) -> Result<(), Error> {
    // One kind after the other, all objects of a kind in parallel.
    for group in objects.chunk_by(|a, b| a.kind == b.kind) {
        let mut deleted = stream::iter(
            group.iter().map(async |object| (object, server.delete(object.kind, &object.name, options).await)),
        )
        .buffered(AT_ONCE);
        while let Some((object, was_there)) = deleted.next().await {
            if was_there? && object.kind != POD {
                gone(object)?;
            }
        }
    }
    Ok(())
}

/// How long a list is reused, per object: a list of a hundred pods is work for an API server that
/// is deleting them.
const REST_AN_OBJECT: Duration = Duration::from_millis(10);

/// Waits until the cluster has no object of the kind left: pods terminate, and volumes outlive the
/// last pod a little.
///
/// # Errors
/// A timeout, with what is left.
pub async fn gone(
    server: &Server,
    name: &ClusterName,
    kind: Kind,
    deadline: TimeLimit,
    seen: impl FnMut(&Stage) -> Result<(), Error>,
) -> Result<(), Error> {
    let awaited = format!("the {} of \"{name}\" to be deleted", kind.plural);
    let (mut due, mut stage) = (Instant::now(), Stage::default());
    until_telling(deadline, &awaited, Duration::from_millis(200), seen, async || {
        if Instant::now() < due {
            return Ok(Progress::Pending(stage.clone()));
        }
        let left = list(server, name, &[kind]).await?;
        if left.is_empty() {
            return Ok(Progress::Done(()));
        }
        due = Instant::now() + times(REST_AN_OBJECT, left.len());
        stage = in_short(kind, &left);
        Ok(Progress::Pending(stage.clone()))
    })
    .await
}

/// `7 pods left: redis-001-node-101-0, redis-001-node-102-0, …`
fn in_short(kind: Kind, left: &[ToDelete]) -> Stage {
    let names: Vec<&str> = left.iter().take(6).map(|object| object.name.as_str()).collect();
    let more = if left.len() > names.len() { ", …" } else { "" };
    let what = if left.len() == 1 { kind.plural.trim_end_matches('s') } else { kind.plural };
    Stage::new(format!("{} {what} left", left.len()), format!(": {}{more}", names.join(", ")))
}
