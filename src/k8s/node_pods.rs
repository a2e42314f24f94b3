//! Pure: which of the selected pods are nodes. A selector may match more: Jobs, and what is left of
//! pods that their controller has replaced.

use super::server_container::{ServerChoice, server_container};
use crate::cluster::surroundings::Controller;
use k8s_openapi::api::core::v1::Pod;

pub fn node_pods(pods: Vec<Pod>, choice: &ServerChoice) -> Vec<Pod> {
    let is_node: Vec<bool> = pods.iter().map(|pod| may_be_node(pod, choice) && !is_replaced(pod, &pods)).collect();
    pods.into_iter().zip(is_node).filter_map(|(pod, is_node)| is_node.then_some(pod)).collect()
}

/// By the pod alone.
pub fn may_be_node(pod: &Pod, choice: &ServerChoice) -> bool {
    let is_job = controller(pod).is_some_and(|controller| controller.kind == "Job");
    let has_container = choice.container.is_none() || server_container(pod, choice).is_some();
    !is_done(pod) && !is_job && has_container
}

/// A pod that was meant to end. One whose containers are always restarted ends with its worker, which
/// was shut down, and is a node that is missing.
fn is_done(pod: &Pod) -> bool {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    phase(pod) == "Succeeded" && policy != Some("Always")
}

/// A pod that has ended stays until the garbage collection; its controller counts it no more, and has made
/// another one in its place. A StatefulSet deletes it before it makes one of the same name.
fn is_replaced(pod: &Pod, pods: &[Pod]) -> bool {
    const REPLACING: [&str; 3] = ["Deployment", "ReplicaSet", "ReplicationController"];
    let own = controller(pod).filter(|controller| REPLACING.contains(&controller.kind.as_str()));
    let is_successor = |other: &&Pod| {
        !has_ended(other)
            && controller(other) == own
            && other.metadata.creation_timestamp > pod.metadata.creation_timestamp
    };
    has_ended(pod) && own.is_some() && pods.iter().any(|other| is_successor(&other))
}

fn has_ended(pod: &Pod) -> bool {
    ["Failed", "Succeeded"].contains(&phase(pod))
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// A pod of a Deployment belongs to one of its ReplicaSets, which another one follows.
pub fn controller(pod: &Pod) -> Option<Controller> {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    let owner = owners.iter().find(|owner| owner.controller == Some(true)).or(owners.first())?;
    let hash = pod.metadata.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    Some(match deployment.filter(|_| owner.kind == "ReplicaSet") {
        Some(name) => Controller { kind: "Deployment".into(), name: name.to_owned() },
        None => Controller { kind: owner.kind.clone(), name: owner.name.clone() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Of a ReplicaSet of the Deployment `dp`, if `owner` is such.
    fn pod(name: &str, phase: &str, owner: (&str, &str), second: u32) -> Pod {
        let owner = json!({ "apiVersion": "v1", "kind": owner.0, "name": owner.1, "uid": owner.1, "controller": true });
        serde_json::from_value(json!({
            "metadata": { "name": name, "ownerReferences": [owner], "labels": { "pod-template-hash": "7f" },
                          "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z") },
            "spec": { "containers": [{ "name": "redis" }] },
            "status": { "phase": phase },
        }))
        .expect("a pod")
    }

    fn names(pods: Vec<Pod>, choice: &ServerChoice) -> Vec<String> {
        node_pods(pods, choice).into_iter().filter_map(|pod| pod.metadata.name).collect()
    }

    #[test]
    fn a_job_and_a_pod_that_is_done_are_no_nodes() {
        let set = ("StatefulSet", "redis");
        let pods = vec![
            pod("redis-0", "Running", set, 1),
            pod("init-x", "Succeeded", ("Job", "init"), 2),
            pod("init-y", "Running", ("Job", "init"), 3),
            pod("once", "Succeeded", set, 4),
        ];
        assert_eq!(names(pods, &ServerChoice::default()), ["redis-0"]);
    }

    /// After its worker was shut down in order.
    #[test]
    fn a_server_that_ended_with_its_worker_is_a_node() {
        let ended = |controller| {
            let mut pod = pod("redis-0", "Succeeded", controller, 1);
            pod.spec.as_mut().expect("a spec").restart_policy = Some("Always".into());
            pod
        };
        let all = ServerChoice::default();
        assert_eq!(names(vec![ended(("StatefulSet", "redis"))], &all), ["redis-0"]);
        let set = ("ReplicaSet", "dp-7f");
        assert_eq!(names(vec![ended(set), pod("dp-7f-b", "Running", set, 2)], &all), ["dp-7f-b"]);
    }

    #[test]
    fn a_failed_pod_beside_its_successor_is_counted_once() {
        let set = ("ReplicaSet", "dp-7f");
        let evicted = pod("dp-7f-a", "Failed", set, 1);
        let successor = pod("dp-7f-b", "Pending", set, 2);
        let all = ServerChoice::default();
        assert_eq!(names(vec![evicted.clone(), successor.clone()], &all), ["dp-7f-b"]);
        assert_eq!(names(vec![evicted.clone()], &all), ["dp-7f-a"], "nobody has replaced it");
        let elder = pod("dp-7f-0", "Running", set, 0);
        assert_eq!(names(vec![elder, evicted.clone()], &all), ["dp-7f-0", "dp-7f-a"], "nobody has replaced it yet");
        let of_another = pod("other-7f-b", "Running", ("ReplicaSet", "other-7f"), 2);
        assert_eq!(names(vec![evicted, of_another], &all).len(), 2);
    }

    #[test]
    fn a_statefulsets_failed_pod_is_not_replaced_by_another_of_its_pods() {
        let set = ("StatefulSet", "redis");
        let pods = vec![pod("redis-0", "Failed", set, 1), pod("redis-1", "Running", set, 2)];
        assert_eq!(names(pods, &ServerChoice::default()), ["redis-0", "redis-1"]);
    }

    /// The next ReplicaSet of its Deployment.
    #[test]
    fn a_successor_may_be_of_another_revision() {
        let evicted = pod("dp-7f-a", "Failed", ("ReplicaSet", "dp-7f"), 1);
        let mut successor = pod("dp-8e-b", "Running", ("ReplicaSet", "dp-8e"), 2);
        successor.metadata.labels = Some([("pod-template-hash".into(), "8e".into())].into());
        assert_eq!(names(vec![evicted, successor], &ServerChoice::default()), ["dp-8e-b"]);
    }

    #[test]
    fn a_pod_without_the_named_container_is_no_node() {
        let mut other = pod("exporter", "Running", ("ReplicaSet", "exporter-7f"), 1);
        let containers: Value = json!([{ "name": "exporter" }]);
        other.spec.as_mut().expect("a spec").containers = serde_json::from_value(containers).expect("containers");
        let choice = ServerChoice { container: Some("redis".into()), port: None };
        assert_eq!(names(vec![pod("redis-0", "Running", ("StatefulSet", "redis"), 1), other], &choice), ["redis-0"]);
    }
}
