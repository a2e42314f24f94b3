//! Pure: the state of a pod's server, from the pod object.

use super::needs::needs;
use super::node_pods::controller;
use super::server_container::looks_like_server;
use crate::cluster::surroundings::{End, PodState, Trouble, TroubleKind};
use crate::manifest::quantity::Size;
use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod, Probe};
use std::collections::BTreeSet;

/// `container` is the server's.
pub fn pod_state(pod: &Pod, container: Option<&Container>) -> PodState {
    let status = container.and_then(|container| status_of(pod, &container.name));
    let init = init_trouble(pod);
    PodState {
        labels: pod.metadata.labels.clone().unwrap_or_default(),
        ready: ready(pod),
        probe_delay: container.and_then(|container| container.readiness_probe.as_ref()).map_or(0, probe_delay),
        trouble: trouble(pod, status, init.as_ref().map(|(_, trouble)| trouble)),
        restarts: status.map_or(0, |status| u32::try_from(status.restart_count).unwrap_or_default()),
        last_end: status.and_then(|status| status.last_state.as_ref()?.terminated.as_ref()).map(end),
        memory_limit: container.and_then(memory_limit),
        claims: claims(pod),
        host_ip: pod.status.as_ref().and_then(|status| status.host_ip.clone()),
        host_ports: host_ports(pod),
        bus_port: container.and_then(bus_port),
        controller: controller(pod),
        looks_like_server: pod.spec.iter().flat_map(|spec| &spec.containers).any(looks_like_server),
        failing_init: init.map(|(container, _)| container),
        image: container.and_then(|container| container.image.clone()),
        needs: needs(pod, container),
        changed: changed(pod),
    }
}

fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| status.name == container)
}

fn ready(pod: &Pod) -> Option<(bool, i64)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((ready.status == "True", ready.last_transition_time.as_ref()?.0.as_second()))
}

/// The latest end of the first successful probe, in seconds. Missing fields have Kubernetes'
/// defaults.
fn probe_delay(probe: &Probe) -> u64 {
    let seconds = |field: Option<i32>, default: u64| field.and_then(|value| value.try_into().ok()).unwrap_or(default);
    let turns = seconds(probe.success_threshold, 1);
    seconds(probe.initial_delay_seconds, 0)
        + turns * (seconds(probe.period_seconds, 10) + seconds(probe.timeout_seconds, 1))
}

fn end(ended: &ContainerStateTerminated) -> End {
    End {
        reason: ended.reason.clone().unwrap_or_else(|| "an unknown reason".into()),
        code: ended.exit_code,
        at: ended.finished_at.as_ref().map(|time| time.0.as_second()),
    }
}

fn memory_limit(container: &Container) -> Option<u64> {
    let limit = container.resources.as_ref()?.limits.as_ref()?.get("memory")?;
    limit.0.parse::<Size>().ok().map(|size| size.bytes())
}

fn claims(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect()
}

/// The last change of a condition or of a container.
fn changed(pod: &Pod) -> Option<i64> {
    let status = pod.status.as_ref()?;
    let conditions = status.conditions.iter().flatten().filter_map(|each| each.last_transition_time.as_ref());
    let states = status.container_statuses.iter().flatten().filter_map(|each| each.state.as_ref());
    let containers = states.filter_map(|state| {
        let started = state.running.as_ref().and_then(|running| running.started_at.as_ref());
        started.or(state.terminated.as_ref().and_then(|ended| ended.finished_at.as_ref()))
    });
    conditions.chain(containers).map(|time| time.0.as_second()).max()
}

fn host_ports(pod: &Pod) -> BTreeSet<u16> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.filter_map(|port| u16::try_from(port.host_port?).ok()).collect()
}

/// By its name; one without a name says nothing that the client port does not.
fn bus_port(container: &Container) -> Option<u16> {
    let ports = container.ports.as_deref().unwrap_or_default();
    let is_bus = |name: &str| ["bus", "cluster", "gossip"].iter().any(|word| name.contains(word));
    let bus = ports.iter().find(|port| port.name.as_deref().is_some_and(is_bus))?;
    u16::try_from(bus.container_port).ok()
}

/// None if the server is running. `init` is why it has not been started.
fn trouble(pod: &Pod, server: Option<&ContainerStatus>, init: Option<&Trouble>) -> Option<Trouble> {
    let state = server.and_then(|server| server.state.as_ref());
    if state.is_some_and(|state| state.running.is_some()) {
        return None;
    }
    let status = pod.status.as_ref()?;
    if pod.metadata.deletion_timestamp.is_some() {
        return Some(Trouble { kind: TroubleKind::Deleted, text: "its pod is being deleted".into() });
    }
    if let Some(trouble) = init {
        return Some(trouble.clone());
    }
    if let Some(trouble) = state.zip(server).and_then(|(state, server)| of_state(state, server, "container")) {
        return Some(trouble);
    }
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let unscheduled = conditions.iter().find(|each| each.type_ == "PodScheduled" && each.status == "False");
    let phase = status.phase.as_deref().unwrap_or("Unknown").to_lowercase();
    Some(match unscheduled.and_then(|condition| condition.message.as_deref()) {
        Some(message) => {
            Trouble { kind: TroubleKind::Unschedulable, text: format!("its pod cannot be scheduled: {message}") }
        }
        None if phase == "failed" || phase == "succeeded" => {
            let why = status.reason.iter().chain(&status.message).map(|text| format!(": {text}")).collect::<String>();
            Trouble { kind: TroubleKind::Ended, text: format!("its pod is {phase}{why}") }
        }
        None => Trouble { kind: TroubleKind::Starting, text: format!("its pod is {phase}") },
    })
}

/// The first init container that does not come to its end, and why.
fn init_trouble(pod: &Pod) -> Option<(String, Trouble)> {
    let all = pod.status.as_ref()?.init_container_statuses.as_deref()?;
    let failing = all.iter().filter_map(|init| {
        let state = init.state.as_ref()?;
        let is_done = state.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
        let trouble = of_state(state, init, &format!("init container {}", init.name)).filter(|_| !is_done)?;
        // Its turn has not come, or it has just failed: the kubelet starts it again.
        let kind = match trouble.kind {
            TroubleKind::Starting => return None,
            TroubleKind::Ended => TroubleKind::CrashLoop,
            kind => kind,
        };
        Some((init.name.clone(), Trouble { kind, ..trouble }))
    });
    failing.into_iter().next()
}

/// `what` is a name for the container.
fn of_state(state: &ContainerState, status: &ContainerStatus, what: &str) -> Option<Trouble> {
    let last = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("waiting");
        let kind = match reason {
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable" => TroubleKind::Image,
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => TroubleKind::Container,
            _ if last.is_some_and(is_out_of_memory) => TroubleKind::OutOfMemory,
            "CrashLoopBackOff" => TroubleKind::CrashLoop,
            _ => TroubleKind::Starting,
        };
        let told = matches!(kind, TroubleKind::Image | TroubleKind::Container);
        let message = waiting.message.as_ref().filter(|_| told).map(|text| format!(": {text}")).unwrap_or_default();
        let last = last.map(|last| format!(", last exit code {}", last.exit_code)).unwrap_or_default();
        return Some(Trouble { kind, text: format!("its {what} is not running: {reason}{message}{last}") });
    }
    let ended = state.terminated.as_ref()?;
    let kind = if is_out_of_memory(ended) { TroubleKind::OutOfMemory } else { TroubleKind::Ended };
    let reason = ended.reason.as_deref().unwrap_or("unknown reason");
    Some(Trouble { kind, text: format!("its {what} terminated: {reason}, exit code {}", ended.exit_code) })
}

fn is_out_of_memory(ended: &ContainerStateTerminated) -> bool {
    ended.reason.as_deref() == Some("OOMKilled")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn state(status: &Value) -> PodState {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "a-0", "labels": { "app": "redis" } },
            "spec": {
                "containers": [{ "name": "redis", "resources": { "limits": { "memory": "64Mi" } },
                                 "readinessProbe": { "initialDelaySeconds": 50, "periodSeconds": 50, "timeoutSeconds": 5 } }],
                "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data-a-0" } }],
            },
            "status": status,
        }))
        .expect("a pod");
        let container = pod.spec.as_ref().map(|spec| spec.containers[0].clone());
        pod_state(&pod, container.as_ref())
    }

    fn container(state: &Value, last: &Value) -> Value {
        json!({ "containerStatuses": [{ "name": "redis", "ready": false, "restartCount": 2, "image": "", "imageID": "",
                                        "state": state, "lastState": last }] })
    }

    fn kind(status: &Value) -> Option<TroubleKind> {
        state(status).trouble.map(|trouble| trouble.kind)
    }

    #[test]
    fn a_server_that_runs() {
        let last =
            json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": "1970-01-01T00:01:00Z" } });
        let state = state(&container(&json!({ "running": {} }), &last));
        assert_eq!(state.trouble, None);
        assert_eq!((state.restarts, state.memory_limit, state.probe_delay), (2, Some(64 << 20), 105));
        assert_eq!(state.last_end, Some(End { reason: "OOMKilled".into(), code: 137, at: Some(60) }));
        assert_eq!(state.claims, ["data-a-0"]);
    }

    /// What `kubectl delete pod` does is no crash.
    #[test]
    fn a_pod_that_is_being_deleted() {
        let pod = |deleted: Option<&str>| {
            let status = container(&json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }), &json!({}));
            let pod = json!({ "metadata": { "name": "a-0", "deletionTimestamp": deleted }, "status": status });
            let pod: Pod = serde_json::from_value(pod).expect("a pod");
            let container = Container { name: "redis".into(), ..Container::default() };
            pod_state(&pod, Some(&container)).trouble.map(|trouble| trouble.kind)
        };
        assert_eq!(pod(Some("2026-01-01T00:00:00Z")), Some(TroubleKind::Deleted));
        assert_eq!(pod(None), Some(TroubleKind::Ended));
    }

    #[test]
    fn an_init_container_that_fails() {
        let init = |now: Value, last: Value| {
            let init = json!({ "name": "sysctl", "ready": false, "restartCount": 2, "image": "", "imageID": "",
                               "state": now, "lastState": last });
            let waiting = json!({ "waiting": { "reason": "PodInitializing" } });
            let mut status = container(&waiting, &json!({}));
            status["initContainerStatuses"] = json!([init]);
            status["phase"] = json!("Pending");
            let found = state(&status);
            (found.trouble.map(|trouble| (trouble.kind, trouble.text)), found.failing_init)
        };
        let ended = |code: i32| json!({ "terminated": { "exitCode": code, "reason": "Error" } });
        let (trouble, failing) = init(json!({ "waiting": { "reason": "CrashLoopBackOff" } }), ended(255));
        let text = "its init container sysctl is not running: CrashLoopBackOff, last exit code 255";
        assert_eq!(trouble, Some((TroubleKind::CrashLoop, text.into())));
        assert_eq!(failing.as_deref(), Some("sysctl"));
        let (trouble, _) = init(ended(255), json!({}));
        assert_eq!(trouble.map(|(kind, _)| kind), Some(TroubleKind::CrashLoop));
        let (trouble, _) = init(json!({ "waiting": { "reason": "ImagePullBackOff" } }), json!({}));
        assert_eq!(trouble.map(|(kind, _)| kind), Some(TroubleKind::Image));
        // One that runs, waits for its turn, or is done.
        for well in [json!({ "running": {} }), json!({ "waiting": { "reason": "PodInitializing" } }), ended(0)] {
            let (trouble, failing) = init(well, json!({}));
            assert_eq!((trouble.map(|(kind, _)| kind), failing), (Some(TroubleKind::Starting), None));
        }
    }

    #[test]
    fn why_a_server_does_not_run() {
        let waiting = |reason: &str| json!({ "waiting": { "reason": reason, "message": "so it is" } });
        let ended = |reason: &str| json!({ "terminated": { "exitCode": 1, "reason": reason } });
        let none = json!({});
        assert_eq!(kind(&container(&waiting("ImagePullBackOff"), &none)), Some(TroubleKind::Image));
        assert_eq!(kind(&container(&waiting("CreateContainerConfigError"), &none)), Some(TroubleKind::Container));
        assert_eq!(kind(&container(&waiting("CrashLoopBackOff"), &ended("Error"))), Some(TroubleKind::CrashLoop));
        assert_eq!(kind(&container(&waiting("CrashLoopBackOff"), &ended("OOMKilled"))), Some(TroubleKind::OutOfMemory));
        assert_eq!(kind(&container(&waiting("ContainerCreating"), &none)), Some(TroubleKind::Starting));
        assert_eq!(kind(&container(&ended("Completed"), &none)), Some(TroubleKind::Ended));
        assert_eq!(kind(&json!({ "phase": "Pending" })), Some(TroubleKind::Starting));
        let evicted = state(&json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" }));
        assert_eq!(evicted.trouble.expect("one").text, "its pod is failed: Evicted: low on memory");
        let unschedulable = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "0/3 nodes are available" }] });
        assert_eq!(kind(&unschedulable), Some(TroubleKind::Unschedulable));
    }
}
