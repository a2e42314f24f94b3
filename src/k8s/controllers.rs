//! The controllers of a cluster's pods: how many they should make, and why they do not.

use super::client::Server;
use super::events;
use super::members::{Candidate, Which};
use crate::cluster::surroundings::{Controller, ControllerState, Lookup};
use crate::error::Error;
use crate::manifest::names;
use crate::manifest::object::{DEPLOYMENT, Kind, REPLICATION_CONTROLLER, STATEFUL_SET};
use futures::future::try_join_all;
use serde_json::Value;
use std::collections::BTreeMap;

const KINDS: [Kind; 3] = [STATEFUL_SET, REPLICATION_CONTROLLER, DEPLOYMENT];

/// One request for each kind that the pods belong to, and one for events if pods are missing; why the
/// events could not be read goes to `unanswered`.
pub async fn read(
    server: &Server,
    which: &Which,
    candidates: &[Candidate],
    unanswered: &mut BTreeMap<String, String>,
) -> Lookup<Vec<ControllerState>> {
    let selector = match which {
        Which::Named(name) => name.selector(),
        Which::Selected(_) => String::new(),
    };
    let lists = kinds(which, candidates).into_iter().map(async |kind| {
        let listed = server.list(kind, Some(server.namespace()), &selector).await?;
        Ok::<_, Error>(listed.iter().map(|object| state(kind, object)).collect::<Vec<_>>())
    });
    let mut found: Vec<ControllerState> = match try_join_all(lists).await {
        Ok(lists) => lists.concat(),
        Err(error) => return Lookup::Denied(error.reason()),
    };
    found.retain(|state| matches!(which, Which::Named(_)) || makes_one(&state.controller, candidates));
    if found.iter().any(ControllerState::lacks_pods) {
        match events::warnings(server).await {
            Ok(events) => found.iter_mut().filter(|state| state.lacks_pods()).for_each(|state| {
                state.failure = events::failure(&events, &state.controller, last_made(&state.controller, candidates));
            }),
            Err(error) => drop(unanswered.insert("events of controllers".into(), error.reason())),
        }
    }
    Lookup::Seen(found)
}

/// Those of the pods that there are; without any, those that this tool makes.
fn kinds(which: &Which, candidates: &[Candidate]) -> Vec<Kind> {
    let owners = candidates.iter().filter_map(|each| each.member.state.controller.as_ref());
    let found: Vec<Kind> =
        KINDS.into_iter().filter(|kind| owners.clone().any(|controller| controller.kind == kind.kind)).collect();
    if found.is_empty() && matches!(which, Which::Named(_)) {
        vec![STATEFUL_SET, REPLICATION_CONTROLLER]
    } else {
        found
    }
}

fn is_of(controller: &Controller, candidate: &Candidate) -> bool {
    candidate.member.state.controller.as_ref() == Some(controller)
}

fn makes_one(controller: &Controller, candidates: &[Candidate]) -> bool {
    candidates.iter().any(|candidate| is_of(controller, candidate))
}

/// When the newest of its pods had its last change; by then it could make pods.
fn last_made(controller: &Controller, candidates: &[Candidate]) -> Option<i64> {
    let own = candidates.iter().filter(|candidate| is_of(controller, candidate));
    own.filter_map(|candidate| candidate.member.state.changed).max()
}

fn state(kind: Kind, object: &Value) -> ControllerState {
    let number = |value: &Value, default: u64| value.as_u64().unwrap_or(default).try_into().unwrap_or_default();
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    ControllerState {
        controller: Controller {
            kind: kind.kind.to_owned(),
            name: metadata["name"].as_str().unwrap_or_default().to_owned(),
        },
        number: metadata["labels"][names::NODE].as_str().and_then(|number| number.parse().ok()),
        desired: number(&spec["replicas"], 1),
        made: number(&object["status"]["replicas"], 0),
        in_order: kind == STATEFUL_SET && spec["podManagementPolicy"] != "Parallel",
        failure: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_controller_says_how_many_pods_it_should_have() {
        let object = json!({ "metadata": { "name": "or", "labels": { names::NODE: "101" } },
                             "spec": { "replicas": 6 }, "status": { "replicas": 2, "readyReplicas": 1 } });
        let seen = state(STATEFUL_SET, &object);
        assert_eq!((seen.desired, seen.made, seen.in_order, seen.lacks_pods()), (6, 2, true, true));
        assert_eq!(seen.controller.to_string(), "statefulset or");
        let new =
            state(STATEFUL_SET, &json!({ "metadata": { "name": "a" }, "spec": { "podManagementPolicy": "Parallel" } }));
        assert_eq!((new.desired, new.made, new.in_order), (1, 0, false));
        assert!(!state(DEPLOYMENT, &json!({ "spec": { "replicas": 0 } })).lacks_pods());
    }
}
