//! Warning events, and which of them are about what is so now.

use super::client::Server;
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::Controller;
use crate::error::Error;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;

/// Of the namespace.
///
/// # Errors
/// The server's.
pub async fn warnings(server: &Server) -> Result<Vec<Event>, Error> {
    let api: Api<Event> = Api::namespaced(server.client(), server.namespace());
    let warnings = ListParams::default().fields("type=Warning");
    Ok(server.answer("list events", api.list(&warnings)).await?.items)
}

/// The newest about a node's controller, while it has no pod, or about its current pod; not about an
/// earlier pod of the same name, nor from before the pod's present state.
pub fn about(events: &[Event], node: &Member) -> Option<String> {
    let of_controller = |event: &&Event| node.pod.is_none() && event.involved_object.name.as_ref() == Some(&node.name);
    let of_pod = |event: &&Event| {
        let object = &event.involved_object;
        let is_over = node.worker.is_some() && event.reason.as_deref() == Some("FailedScheduling");
        let is_old = node.state.changed.zip(time(event)).is_some_and(|(changed, time)| time < changed);
        object.uid.is_some() && object.uid == node.pod_uid && !is_over && !is_old
    };
    newest(events.iter().filter(|event| of_controller(event) || of_pod(event)))
}

/// Why a controller could not make its last pod, if that is newer than `since`. A Deployment's pods are
/// made by its ReplicaSets.
pub fn failure(events: &[Event], controller: &Controller, since: Option<i64>) -> Option<String> {
    let is_about = |event: &&Event| {
        let object = &event.involved_object;
        let (kind, name) = (object.kind.as_deref().unwrap_or_default(), object.name.as_deref().unwrap_or_default());
        let is_itself = kind == controller.kind && name == controller.name;
        let of_deployment = controller.kind == "Deployment"
            && kind == "ReplicaSet"
            && name.rsplit_once('-').is_some_and(|(deployment, _)| deployment == controller.name);
        let is_new = since.zip(time(event)).is_none_or(|(since, time)| time >= since);
        event.reason.as_deref() == Some("FailedCreate") && is_new && (is_itself || of_deployment)
    };
    newest(events.iter().filter(is_about))
}

fn newest<'a>(events: impl Iterator<Item = &'a Event>) -> Option<String> {
    Some(cause(events.max_by_key(|event| time(event))?.message.as_deref()?).to_owned())
}

/// In seconds since 1970. Each generation of Kubernetes has other fields.
fn time(event: &Event) -> Option<i64> {
    let last = event.last_timestamp.as_ref().or(event.first_timestamp.as_ref()).map(|time| time.0.as_second());
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let precise = series.or(event.event_time.as_ref()).map(|time| time.0.as_second());
    last.max(precise)
}

/// Without what repeats which pod it is about: `exceeded quota: …`.
fn cause(message: &str) -> &str {
    let inner = ["failed error: ", "Error creating: "].iter().find_map(|words| Some(message.split_once(words)?.1));
    let inner = inner.unwrap_or(message);
    match inner.split_once(" is forbidden: ") {
        Some((what, why)) if what.starts_with("pods ") => why,
        _ => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event((kind, name, uid): (&str, &str, &str), reason: &str, second: u32, message: &str) -> Event {
        serde_json::from_value(json!({
            "metadata": {}, "type": "Warning", "reason": reason, "message": message,
            "involvedObject": { "kind": kind, "name": name, "uid": uid },
            "lastTimestamp": format!("1970-01-01T00:00:{second:02}Z"),
        }))
        .expect("an event")
    }

    #[test]
    fn what_was_before_the_present_state_is_not_told() {
        let events = [
            event(("Pod", "a-0", "u"), "FailedScheduling", 30, "unbound immediate PersistentVolumeClaims"),
            event(("Pod", "a-0", "u"), "FailedMount", 10, "no ConfigMap yet"),
            event(("Pod", "a-0", "old"), "FailedMount", 40, "of an earlier pod"),
        ];
        let mut node =
            Member { name: "a".into(), pod: Some("a-0".into()), pod_uid: Some("u".into()), ..Member::default() };
        assert_eq!(about(&events, &node).as_deref(), Some("unbound immediate PersistentVolumeClaims"));
        node.worker = Some("w".into());
        assert_eq!(about(&events, &node).as_deref(), Some("no ConfigMap yet"));
        node.state.changed = Some(20);
        assert_eq!(about(&events, &node), None);
        node.state.changed = Some(10);
        assert_eq!(about(&events, &node).as_deref(), Some("no ConfigMap yet"));
    }

    #[test]
    fn why_a_controller_makes_no_pod() {
        let quota =
            "create Pod a-0 in StatefulSet a failed error: pods \"a-0\" is forbidden: exceeded quota: q, used: pods=0";
        let set = Controller { kind: "StatefulSet".into(), name: "a".into() };
        let events = [event(("StatefulSet", "a", "x"), "FailedCreate", 30, quota)];
        assert_eq!(failure(&events, &set, None).as_deref(), Some("exceeded quota: q, used: pods=0"));
        assert_eq!(failure(&events, &set, Some(30)).as_deref(), Some("exceeded quota: q, used: pods=0"));
        // It has made one since.
        assert_eq!(failure(&events, &set, Some(31)), None);
        let without_pod = Member { name: "a".into(), ..Member::default() };
        assert_eq!(about(&events, &without_pod).as_deref(), Some("exceeded quota: q, used: pods=0"));
        let with_pod = Member { pod: Some("a-0".into()), ..without_pod };
        assert_eq!(about(&events, &with_pod), None);

        let deployment = Controller { kind: "Deployment".into(), name: "dp".into() };
        let said = "Error creating: pods \"dp-7f-x\" is forbidden: violates PodSecurity";
        let events = [event(("ReplicaSet", "dp-7f", "y"), "FailedCreate", 30, said)];
        assert_eq!(failure(&events, &deployment, None).as_deref(), Some("violates PodSecurity"));
        let other = Controller { name: "dp-7f".into(), ..deployment };
        assert_eq!(failure(&events, &other, None), None);
    }
}
