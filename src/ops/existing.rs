//! A cluster that exists already, whole or in part: what of it differs from the request, what stays
//! though it is not asked for, and what is lost.

use super::password::{note, of_running_pods};
use crate::cluster::commands::{Caller, GivenFlags, quoted};
use crate::error::Error;
use crate::k8s::client::Server;
use crate::manifest::assembly::secret;
use crate::manifest::config::MOUNT;
use crate::manifest::difference::{Change, Decision, other_scripts};
use crate::manifest::flags::{Difference, Flag, differences, flags};
use crate::manifest::names;
use crate::manifest::object::{CONFIG_MAP, NETWORK_POLICY, Object, SECRET};
use crate::manifest::spec::{Auth, Network, Spec};
use serde_json::Value;
use std::collections::BTreeSet;

/// An object of the cluster, and what is there under its name.
pub(super) struct Found {
    pub object: Object,
    pub live: Option<Value>,
    pub decision: Decision,
}

/// Whether a pod of the cluster may run already.
fn has_controller(found: &[Found]) -> bool {
    found.iter().any(|each| each.object.is_controller() && each.live.is_some())
}

/// Scripts of another plugin's version stay: they are no part of what was asked for.
pub(super) fn scripts_note(server: &Server, object: &Object, live: &Value) -> Option<String> {
    let (there, ours) = other_scripts(object, live)?;
    let map = object.reference();
    Some(format!(
        "{map} keeps its scripts ({there}; this plugin has {ours}). To replace them (the probes within a minute, the \
         start-up at each pod's next start), add to this command: {}",
        apply(server.caller())
    ))
}

/// Applies the manifests as `create` does.
fn apply(caller: &Caller) -> String {
    let apply = caller.kubectl(&format!("apply --server-side --field-manager {} -f -", names::MANAGER));
    format!("--dry-run=client -o yaml | {apply}")
}

/// Foreign objects with the cluster's names.
pub(super) fn refuse_foreign(found: &[Found]) -> Result<(), Error> {
    let foreign = found.iter().filter(|each| each.decision == Decision::Foreign);
    let foreign: Vec<String> = foreign.map(|each| each.object.reference()).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    Err(Error::user(format!("already exist and belong to something else: {}", foreign.join(", ")))
        .hint("choose another name or namespace"))
}

/// The NetworkPolicy of a cluster that is asked for without one. Not a right that everybody needs.
pub(super) async fn policy_of_others(server: &Server, spec: &Spec, found: &[Found]) -> Option<Value> {
    let exists = has_controller(found);
    if !exists || spec.network == Network::Restricted {
        return None;
    }
    server.get(NETWORK_POLICY, spec.name.as_str()).await.ok().flatten()
}

/// A note on what the cluster has and this command does not ask for, which stays.
pub(super) fn refuse_differences(
    server: &Server,
    spec: &Spec,
    found: &[Found],
    policy: Option<&Value>,
) -> Result<Option<String>, Error> {
    // A controller that differs first: its flags say how.
    let mut present: Vec<&Found> = found.iter().filter(|each| each.live.is_some()).collect();
    present.sort_by_key(|each| !matches!(each.decision, Decision::Differs(_)));
    let wanted: Vec<&Value> = present.iter().map(|each| &each.object.value).collect();
    let live: Vec<&Value> = present.iter().filter_map(|each| each.live.as_ref()).chain(policy).collect();
    let live = flags(&live);
    let differences = differences(&live, &flags(&wanted));
    let changes = changes(found);
    if changes.is_empty() {
        let kept: Vec<String> = differences
            .iter()
            .filter(|each| each.is_kept())
            .filter_map(|each| Some(each.live.as_ref()?.to_string()))
            .collect();
        return Ok(
            (!kept.is_empty()).then(|| format!("kept, though this command does not ask for it: {}", kept.join(", ")))
        );
    }
    let error = Error::user(format!("redis cluster \"{}\" already exists with a different configuration", spec.name));
    // A line for each setting; what follows from it would only repeat it.
    let lines = if differences.is_empty() { changes } else { differences.iter().map(ToString::to_string).collect() };
    let error = lines.into_iter().fold(error, Error::cause);
    let caller = server.caller();
    Err(if differences.is_empty() {
        error.hint(format!(
            "somebody has edited it; to put it back, add to this command: {} --force-conflicts",
            apply(caller)
        ))
    } else {
        error.hint(fitting(caller, spec, &live)).hint(way_to_change(caller, spec, &differences))
    })
}

/// The command with the flags that the cluster has, and none of those for its nodes that were given.
fn fitting(caller: &Caller, spec: &Spec, live: &[Flag]) -> String {
    let words: Vec<String> = live.iter().map(flag_for_shell).collect();
    let caller = Caller { nodes: GivenFlags::default(), ..caller.clone() };
    let command = caller.plugin(&format!("create {} {}", spec.name, words.join(" ")));
    format!("to continue with what it has, run: {command}")
}

fn flag_for_shell(flag: &Flag) -> String {
    flag.argument().map_or(flag.name.to_owned(), |argument| format!("{} {}", flag.name, quoted(&argument)))
}

/// How to get what was asked for.
fn way_to_change(caller: &Caller, spec: &Spec, differences: &[Difference]) -> String {
    let (applied, fixed): (Vec<_>, Vec<_>) = differences.iter().partition(|each| each.can_be_applied());
    if !applied.is_empty() && fixed.is_empty() {
        return format!(
            "to change it, add to this command: {}; then delete its pods one at a time, replicas first, and wait \
             before each until there are no errors: {}",
            apply(caller),
            caller.plugin_on("check --severity error", &(&spec.name).into())
        );
    }
    let names: BTreeSet<&str> = fixed.iter().map(|each| each.name()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let fixed = if names.is_empty() { names } else { format!("{names} cannot be changed: ") };
    let delete = caller.plugin_on("delete", &(&spec.name).into());
    format!("{fixed}use another name, or delete this one first: {delete}")
}

/// The settings of a lost ConfigMap are known to the pods alone.
pub(super) fn lost_config(server: &Server, found: &[Found]) -> Option<String> {
    let map = found.iter().find(|each| each.object.kind == CONFIG_MAP && each.decision == Decision::Create)?;
    let controller = found.iter().find(|each| each.object.is_controller() && each.live.is_some())?;
    let file = format!("exec {}-0 -c {} -- cat {MOUNT}/redis.conf", controller.object.name(), names::CONTAINER);
    Some(format!(
        "{} was gone, and is made anew with --node-timeout and --maxmemory-policy as requested now; those of a pod that \
         runs: {}",
        map.object.reference(),
        server.caller().kubectl(&file)
    ))
}

/// Nodes that run keep their password: a new one would lock everybody out.
pub(super) async fn lost_password(server: &Server, spec: &Spec, found: &mut [Found]) -> Result<Option<String>, Error> {
    let exists = has_controller(found);
    let missing = found.iter_mut().find(|each| each.object.kind == SECRET && each.decision == Decision::Create);
    let Some(place) = missing.filter(|_| exists) else { return Ok(None) };
    let password = of_running_pods(server, spec).await?;
    let note = note(spec, password.as_deref());
    let kept = password.and_then(|password| secret(&Spec { auth: Auth::Own(password), ..spec.clone() }));
    if let Some(kept) = kept {
        place.object = kept;
    }
    Ok(Some(note))
}

/// One line for each difference, even if many nodes have it.
fn changes(found: &[Found]) -> Vec<String> {
    let mut places: Vec<(&Change, Vec<String>)> = Vec::new();
    for each in found {
        let Decision::Differs(changes) = &each.decision else { continue };
        for change in changes {
            match places.iter_mut().find(|(known, _)| known.is_same_as(change)) {
                Some((_, objects)) => objects.push(each.object.reference()),
                None => places.push((change, vec![each.object.reference()])),
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
