//! Finds everything that would fail before the first object is created.

use super::existing::{
    Found, lost_config, lost_password, policy_of_others, refuse_differences, refuse_foreign, scripts_note,
};
use super::password::check_secret;
use super::rights::{demand, demand_with_way, on};
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::objects::Run;
use crate::manifest::assembly::claims;
use crate::manifest::difference::{Decision, decide};
use crate::manifest::names;
use crate::manifest::object::{CLAIM, Kind, Object, POD, SECRET, SERVICE};
use crate::manifest::quantity::{amount, is_same};
use crate::manifest::room::{Shortage, shortage};
use crate::manifest::spec::{Auth, Spec, Spread};
use crate::node::dial::Via;
use futures::future::try_join3;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Node;
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
    let decide = |(object, live): (Object, Option<Value>)| {
        let decision = decide(&object, live.as_ref());
        Found { object, live, decision }
    };
    let mut found: Vec<Found> = objects.into_iter().zip(live).map(decide).collect();
    refuse_foreign(&found)?;
    let policy = policy_of_others(server, spec, &found).await;
    let mut notes: Vec<String> =
        found.iter().filter_map(|each| scripts_note(server, &each.object, each.live.as_ref()?)).collect();
    notes.extend(refuse_differences(server, spec, &found, policy.as_ref())?);
    notes.extend(lost_config(server, &found));
    notes.extend(lost_password(server, spec, &mut found).await?);
    let is_new = found.iter().all(|each| each.object.kind == SECRET || each.decision == Decision::Create);
    let own = found.iter().find(|each| each.object.kind == SECRET).and_then(|each| each.live.as_ref());
    let (kept, (), workers) =
        try_join3(kept_volumes(server, spec), check_secret(server, spec, own), workers(server, spec)).await?;
    if !kept.is_empty() && is_new {
        notes.push(format!("reusing {} kept volumes of \"{}\", with their keys", kept.len(), spec.name));
        notes.extend(volumes_note(server, spec, &kept)?);
    }
    if kept.len() < spec.shape.size() {
        notes.extend(storage_class(server, spec).await?);
    }
    notes.extend(workers_note(workers, way)?);
    let decisions = found.into_iter().map(|each| (each.object, each.decision)).collect::<Vec<_>>();
    try_one_controller(server, &decisions).await?;
    Ok(Findings { decisions, notes })
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

/// The cluster's volume claims that exist. Those that belong to something else, or to a cluster of
/// another size, are an error.
async fn kept_volumes(server: &Server, spec: &Spec) -> Result<Vec<Value>, Error> {
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
    Ok(kept)
}

/// Kept volumes that are smaller than requested are an error: nothing would enlarge them. Other
/// differences are a note.
fn volumes_note(server: &Server, spec: &Spec, kept: &[Value]) -> Result<Option<String>, Error> {
    let Some(storage) = &spec.resources.storage else { return Ok(None) };
    let size = |claim: &Value| claim["spec"]["resources"]["requests"]["storage"].as_str().map(str::to_owned);
    let wanted = storage.size.to_string();
    let mut sizes: Vec<String> = kept.iter().filter_map(size).filter(|size| !is_same(size, &wanted)).collect();
    sizes.dedup();
    if let Some(small) = sizes.iter().find(|size| amount(size) < amount(&wanted)) {
        return Err(Error::user(format!("the kept volumes have {small}, less than the {wanted} requested"))
            .hint(format!("to keep their keys, add --storage {small}; claims can be enlarged afterwards, where their StorageClass allows it"))
            .hint(format!("or delete the data first: {} --delete-data", server.caller().plugin_on("delete", &(&spec.name).into()))));
    }
    let class =
        |claim: &&Value| storage.class.as_deref().is_some_and(|class| claim["spec"]["storageClassName"] != class);
    let class = kept.iter().find(class).map(|claim| format!("StorageClass {}", claim["spec"]["storageClassName"]));
    let kept: Vec<String> = sizes.into_iter().take(1).chain(class).collect();
    Ok((!kept.is_empty()).then(|| format!("the kept volumes stay as they are: {}", kept.join(", "))))
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

/// Whether there are enough workers for the nodes of one shard, or why that is unknown.
async fn workers(server: &Server, spec: &Spec) -> Result<Result<Option<Shortage>, String>, Error> {
    let api: Api<Node> = Api::all(server.client());
    match server.answer("list nodes", api.list(&ListParams::default())).await {
        Ok(list) => Ok(Ok(shortage(&list.items, spec))),
        Err(error) if error.kind() == ErrorKind::Forbidden && spec.placement.spread != Spread::Required => Ok(Ok(None)),
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let text = "no permission to read workers: it is unknown whether there are enough";
            Ok(Err(format!("{text}; {}", error.reason())))
        }
        Err(error) => Err(error),
    }
}

/// Whoever does not wait may know of workers that are to come.
fn workers_note(workers: Result<Option<Shortage>, String>, way: Option<Via>) -> Result<Option<String>, Error> {
    let shortage = match workers {
        Ok(None) => return Ok(None),
        Err(unknown) => return Ok(Some(unknown)),
        Ok(Some(shortage)) => shortage,
    };
    if way.is_none() {
        return Ok(Some(format!("{}; {}", shortage.message, shortage.hints.join("; "))));
    }
    Err(shortage.hints.into_iter().fold(Error::user(shortage.message), Error::hint))
}
