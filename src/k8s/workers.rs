//! The workers on which the nodes of a cluster run, and their zones.

use super::client::Server;
use super::members::Candidate;
use crate::error::Error;
use crate::manifest::names;
use futures::future::join_all;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, ListParams, ObjectList};
use std::collections::{BTreeMap, BTreeSet};

/// Sets the zones of the members' workers; returns why if they cannot be read.
pub async fn add_zones(server: &Server, members: &mut [Candidate]) -> Option<String> {
    let workers: BTreeSet<&str> = members.iter().filter_map(|each| each.member.worker.as_deref()).collect();
    let zones = match zones(server, &workers).await {
        Ok(zones) => zones,
        Err(error) => return Some(error.reason()),
    };
    for member in members.iter_mut().map(|candidate| &mut candidate.member) {
        member.zone = member.worker.as_ref().and_then(|worker| zones.get(worker).cloned());
    }
    None
}

async fn zones(server: &Server, names: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, Error> {
    let api: Api<Node> = Api::all(server.client());
    let found = workers(
        server,
        names,
        async |parameters| api.list_metadata(&parameters).await,
        async |name| api.get_metadata_opt(name).await,
    );
    let zone = |worker: ObjectMeta| Some((worker.name?, worker.labels?.remove(names::ZONE)?));
    Ok(found.await?.into_iter().filter_map(|node| zone(node.metadata)).collect())
}

/// Kubernetes' limit for label values.
const LONGEST_LABEL: usize = 63;
/// Keeps the request path short enough for proxies.
const WORKERS_AT_ONCE: usize = 100;

/// The existing ones of these workers. Usually one request, because most workers have a label with
/// their own name; one more request for each that does not.
///
/// # Errors
/// The server's.
pub async fn workers<K: kube::Resource + Clone>(
    server: &Server,
    names: &BTreeSet<&str>,
    list: impl AsyncFn(ListParams) -> kube::Result<ObjectList<K>>,
    get: impl AsyncFn(&str) -> kube::Result<Option<K>>,
) -> Result<Vec<K>, Error> {
    let short: Vec<&str> = names.iter().copied().filter(|name| name.len() <= LONGEST_LABEL).collect();
    let lists = short.chunks(WORKERS_AT_ONCE).map(async |names| {
        let labelled = ListParams::default().labels(&format!("{} in ({})", names::WORKER, names.join(",")));
        server.answer("list nodes", list(labelled)).await
    });
    let mut found = Vec::new();
    for list in join_all(lists).await {
        found.extend(list?.items);
    }
    let known: BTreeSet<String> = found.iter().map(ResourceExt::name_any).collect();
    let others = names.iter().filter(|name| !known.contains(**name));
    for other in join_all(others.map(async |name| server.answer("get nodes", get(name)).await)).await {
        found.extend(other?);
    }
    Ok(found)
}
