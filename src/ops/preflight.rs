//! Finds everything that would fail before the first object is created.

use super::rights::{demand, demand_with_way, on};
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::objects::Run;
use crate::manifest::assembly::claims;
use crate::manifest::difference::{Change, Decision, decide, other_scripts};
use crate::manifest::names;
use crate::manifest::object::{CLAIM, Kind, Object, POD, SECRET, SERVICE};
use crate::manifest::spec::{Auth, Spec, Spread, Toleration};
use crate::node::dial::Via;
use futures::future::try_join3;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Node, Taint};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use std::collections::BTreeSet;

pub struct Findings {
    pub decisions: Vec<(Object, Decision)>,
    /// Notes for standard error.
    pub notes: Vec<String>,
}

const AT_ONCE: usize = 16;

/// Checks everything and changes nothing. `way` is how the nodes will be queried if `create` waits
/// for them.
///
/// # Errors
/// Whatever would make the creation fail.
pub async fn check(server: &Server, spec: &Spec, objects: Vec<Object>, way: Option<Via>) -> Result<Findings, Error> {
    rights(server, spec, &objects, way).await?;
    let live = live(server, &objects).await?;
    let pairs = objects.iter().zip(&live);
    let mut notes: Vec<String> =
        pairs.filter_map(|(object, live)| scripts_note(server, object, live.as_ref()?)).collect();
    let decisions: Vec<(Object, Decision)> = objects
        .into_iter()
        .zip(live)
        .map(|(object, live)| {
            let decision = decide(&object, live.as_ref());
            (object, decision)
        })
        .collect();
    refuse_conflicts(server, spec, &decisions)?;
    let is_new = decisions.iter().all(|(object, decision)| object.kind == SECRET || *decision == Decision::Create);
    let (kept, (), workers) =
        try_join3(kept_volumes(server, spec), own_secret(server, spec), workers(server, spec)).await?;
    if kept > 0 && is_new {
        notes.push(format!("reusing {kept} kept volumes of \"{}\", with their keys", spec.name));
    }
    if kept < spec.shape.size() {
        notes.extend(storage_class(server, spec).await?);
    }
    notes.extend(workers);
    try_one_controller(server, &decisions).await?;
    Ok(Findings { decisions, notes })
}

/// Scripts of another plugin's version stay: they are no part of what was asked for.
fn scripts_note(server: &Server, object: &Object, live: &Value) -> Option<String> {
    let (there, ours) = other_scripts(object, live)?;
    let map = object.reference();
    let apply = server.caller().kubectl(&format!("apply --server-side --field-manager {} -f -", names::MANAGER));
    Some(format!(
        "{map} keeps its scripts ({there}; this plugin has {ours}). To replace them (the probes within a minute, the \
         start-up at each pod's next start), add to this command: --dry-run=client -o yaml | {apply}"
    ))
}

/// A server-side dry run of one controller: what the server rejects in one (a value, an admission
/// rule), it would reject in all, after the Services were created.
async fn try_one_controller(server: &Server, decisions: &[(Object, Decision)]) -> Result<(), Error> {
    let missing = decisions.iter().find(|(object, decision)| *decision == Decision::Create && object.is_controller());
    if let Some((object, _)) = missing {
        server.apply(object, Run::ServerDry).await?;
    }
    Ok(())
}

/// Foreign objects with the cluster's names, and its own objects that differ from the spec.
fn refuse_conflicts(server: &Server, spec: &Spec, decisions: &[(Object, Decision)]) -> Result<(), Error> {
    let foreign: Vec<String> = decisions
        .iter()
        .filter(|(_, decision)| *decision == Decision::Foreign)
        .map(|(object, _)| object.reference())
        .collect();
    if !foreign.is_empty() {
        return Err(Error::user(format!("already exist and belong to something else: {}", foreign.join(", ")))
            .hint("choose another name or namespace"));
    }
    let changes = changes(decisions);
    if changes.is_empty() {
        return Ok(());
    }
    let error = Error::user(format!("redis cluster \"{}\" already exists with a different configuration", spec.name));
    let error = changes.into_iter().fold(error, Error::cause);
    let delete = server.caller().plugin_on("delete", &(&spec.name).into());
    Err(error.hint(format!(
        "create never reconfigures an existing cluster: use another name, or delete this one first: {delete}"
    )))
}

/// One line for each difference, even if many nodes have it.
fn changes(decisions: &[(Object, Decision)]) -> Vec<String> {
    let mut places: Vec<(&Change, Vec<String>)> = Vec::new();
    for (object, decision) in decisions {
        let Decision::Differs(changes) = decision else { continue };
        for change in changes {
            match places.iter_mut().find(|(known, _)| known.is_same_as(change)) {
                Some((_, objects)) => objects.push(object.reference()),
                None => places.push((change, vec![object.reference()])),
            }
        }
    }
    let sentence = |(change, objects): (&Change, Vec<String>)| {
        let others = objects.len() - 1;
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        let (live, wanted) = change.essence();
        format!("{}{others}: {}: is {live}, requested {wanted}", objects[0], change.path)
    };
    places.into_iter().map(sentence).collect()
}

/// One error for all missing permissions.
async fn rights(server: &Server, spec: &Spec, objects: &[Object], way: Option<Via>) -> Result<(), Error> {
    let kinds: BTreeSet<Kind> = objects.iter().map(|object| object.kind).collect();
    let mut wanted: Vec<_> = kinds.into_iter().flat_map(|kind| on(kind, ["get", "create", "patch"])).collect();
    wanted.extend(on(POD, ["list"]));
    if spec.resources.storage.is_some() {
        wanted.extend(on(CLAIM, ["get"]));
    }
    if matches!(spec.auth, Auth::Secret { .. }) {
        wanted.extend(on(SECRET, ["get"]));
    }
    match way {
        Some(via) => {
            wanted.extend(on(SERVICE, ["list"]));
            demand_with_way(server, &wanted, via).await
        }
        None => demand(server, &wanted).await,
    }
}

async fn live(server: &Server, objects: &[Object]) -> Result<Vec<Option<Value>>, Error> {
    stream::iter(objects.iter().map(|object| server.get(object.kind, object.name())))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// How many of the cluster's volumes exist. Volumes that belong to something else, or to a cluster
/// of another size, are an error.
async fn kept_volumes(server: &Server, spec: &Spec) -> Result<usize, Error> {
    let claims = claims(spec);
    let found: Vec<Option<Value>> =
        stream::iter(claims.iter().map(|name| server.get(CLAIM, name))).buffered(AT_ONCE).try_collect().await?;
    let kept: Vec<Value> = found.into_iter().flatten().collect();
    let wanted = names::shape_annotation(spec.shape);
    for claim in &kept {
        let name = claim["metadata"]["name"].as_str().unwrap_or_default();
        if claim["metadata"]["labels"][names::INSTANCE] != spec.name.as_str() {
            return Err(Error::user(format!(
                "the volume claim \"{name}\" already exists and belongs to something else"
            ))
            .hint("choose another name"));
        }
        let shape = claim["metadata"]["annotations"][names::SHAPE].as_str();
        if let Some(shape) = shape.filter(|shape| *shape != wanted) {
            return Err(Error::user(format!(
                "the kept volumes belong to a cluster of another size: {shape} (shards x nodes per shard), not {wanted}"
            ))
            .hint(format!(
                "create it with its old size, or delete its data: {} --delete-data",
                server.caller().plugin_on("delete", &(&spec.name).into())
            )));
        }
    }
    Ok(kept.len())
}

/// A Secret of the user must exist, with the key.
async fn own_secret(server: &Server, spec: &Spec) -> Result<(), Error> {
    let Auth::Secret { name, key } = &spec.auth else { return Ok(()) };
    match server.get(SECRET, name).await? {
        None => Err(Error::user(format!("secret \"{name}\" not found in namespace \"{}\"", spec.namespace))),
        Some(secret) if secret["data"][key].is_null() => {
            Err(Error::user(format!("secret \"{name}\" has no key \"{key}\""))
                .hint("specify another one with --auth-secret NAME/KEY"))
        }
        Some(_) => Ok(()),
    }
}

/// Whether volumes can be provisioned.
async fn storage_class(server: &Server, spec: &Spec) -> Result<Option<String>, Error> {
    let Some(storage) = &spec.resources.storage else { return Ok(None) };
    let api: Api<StorageClass> = Api::all(server.client());
    let list = server.answer("list storageclasses", api.list(&ListParams::default())).await;
    let classes = match list {
        Ok(list) => list.items,
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let text = "no permission to read StorageClasses: it is unknown whether volumes can be provisioned";
            return Ok(Some(format!("{text}; {}", error.reason())));
        }
        Err(error) => return Err(error),
    };
    let is_default = |class: &&StorageClass| {
        let annotations = class.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(names::DEFAULT_CLASS)).is_some_and(|value| value == "true")
    };
    let names: Vec<String> = classes.iter().filter_map(|class| class.metadata.name.clone()).collect();
    let there = if names.is_empty() { "there are none".to_owned() } else { format!("there are: {}", names.join(", ")) };
    match &storage.class {
        Some(class) if !class.is_empty() && !names.contains(class) => {
            Err(Error::user(format!("storageclass \"{class}\" not found")).hint(there))
        }
        None if !classes.iter().any(|class| is_default(&class)) => {
            Err(Error::user("there is no default StorageClass, so no volume would be provisioned")
                .hint(format!("specify one with --storage-class ({there}), or use --ephemeral to keep no data")))
        }
        _ => Ok(None),
    }
}

/// Whether there are enough workers for the nodes of one shard.
async fn workers(server: &Server, spec: &Spec) -> Result<Option<String>, Error> {
    if spec.placement.spread != Spread::Required {
        return Ok(None);
    }
    let api: Api<Node> = Api::all(server.client());
    let nodes = match server.answer("list nodes", api.list(&ListParams::default())).await {
        Ok(list) => list.items,
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let text = "no permission to read workers: it is unknown whether there are enough";
            return Ok(Some(format!("{text}; {}", error.reason())));
        }
        Err(error) => return Err(error),
    };
    let wanted = usize::from(spec.shape.replicas()) + 1;
    let usable = nodes.iter().filter(|node| is_usable(node, spec)).count();
    if usable >= wanted {
        return Ok(None);
    }
    Err(Error::user(format!(
        "a shard needs {wanted} workers for its {wanted} nodes, {usable} of {} are available",
        nodes.len()
    ))
    .hint("to let them share a worker, add --spread preferred; if that worker fails, keys may be lost"))
}

fn is_usable(node: &Node, spec: &Spec) -> bool {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let selected = spec.placement.node_selector.iter().all(|(name, value)| labels.get(name) == Some(value));
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let repelled = taints.iter().any(|taint| {
        taint.effect != "PreferNoSchedule" && !spec.placement.tolerations.iter().any(|each| tolerates(each, taint))
    });
    selected && !repelled
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    toleration.key == taint.key
        && toleration.value.as_ref().is_none_or(|value| Some(value) == taint.value.as_ref())
        && toleration.effect.as_ref().is_none_or(|effect| *effect == taint.effect)
}
