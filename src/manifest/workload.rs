//! The one-pod controller of a Redis node.

use super::config::{self, DATA_FOLDER, MOUNT};
use super::names::{self, CONTAINER, DATA, PASSWORD_VARIABLE};
use super::network::BUS;
use super::object::{self, Object};
use super::spec::{Entrypoint, Placement, Spec, Spread, Workload};
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::{PORT, STARTUP_PORT};
use serde_json::{Map, Value, json};

/// The user and group of the official Redis and Valkey images.
pub const REDIS_USER: u32 = 999;

pub fn controller(spec: &Spec, number: NodeNumber) -> Object {
    match spec.workload {
        Workload::StatefulSet => stateful_set(spec, number),
        Workload::ReplicationController => replication_controller(spec, number),
    }
}

/// The `OnDelete` update strategy: no change of the StatefulSet restarts a pod.
fn stateful_set(spec: &Spec, number: NodeNumber) -> Object {
    let name = spec.name.node(number);
    let labels = spec.name.node_labels(number, &spec.image.name);
    let mut body = json!({ "spec": {
        "replicas": 1,
        "serviceName": name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": { "type": "OnDelete" },
        "selector": { "matchLabels": spec.name.pod_selector(number) },
        "template": template(spec, number, &labels),
    }});
    if let Some(claim) = claim(spec, number) {
        body["spec"]["volumeClaimTemplates"] = json!([claim]);
    }
    Object::new(object::STATEFUL_SET, spec, &name, &labels, body)
}

/// Has the original example's labels too, so that old scripts find the pods.
fn replication_controller(spec: &Spec, number: NodeNumber) -> Object {
    let original = spec.name.original_labels(number);
    let labels = union(spec.name.node_labels(number, &spec.image.name), &original);
    let body = json!({ "spec": {
        "replicas": 1,
        "selector": union(spec.name.pod_selector(number), &original),
        "template": template(spec, number, &labels),
    }});
    Object::new(object::REPLICATION_CONTROLLER, spec, &spec.name.node(number), &labels, body)
}

fn union(mut labels: Value, more: &Value) -> Value {
    if let (Value::Object(labels), Value::Object(more)) = (&mut labels, more) {
        labels.extend(more.clone());
    }
    labels
}

fn claim(spec: &Spec, number: NodeNumber) -> Option<Value> {
    let storage = spec.resources.storage.as_ref()?;
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": DATA,
            "labels": spec.name.node_labels(number, ""),
            "annotations": { names::SHAPE: names::shape_annotation(spec.shape) },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": storage.size.to_string() } },
        },
    });
    if let Some(class) = &storage.class {
        claim["spec"]["storageClassName"] = json!(class);
    }
    Some(claim)
}

fn template(spec: &Spec, number: NodeNumber, labels: &Value) -> Value {
    let mut annotations = pairs(&spec.annotations);
    annotations.insert(names::NODE_ID.into(), json!(spec.name.node_id(&spec.namespace, number).as_str()));
    json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": pod(spec, number),
    })
}

fn pod(spec: &Spec, number: NodeNumber) -> Value {
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": true,
        "terminationGracePeriodSeconds": 60,
        "containers": [container(spec, number)],
        "volumes": volumes(spec),
    });
    if spec.image.entrypoint == Entrypoint::Bootstrap {
        pod["securityContext"] = json!({
            "runAsNonRoot": true,
            "runAsUser": REDIS_USER,
            "runAsGroup": REDIS_USER,
            "fsGroup": REDIS_USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": { "type": "RuntimeDefault" },
        });
    }
    if let Some(secret) = &spec.image.pull_secret {
        pod["imagePullSecrets"] = json!([{ "name": secret }]);
    }
    place(&mut pod, spec, number);
    pod
}

fn place(pod: &mut Value, spec: &Spec, number: NodeNumber) {
    let Placement { node_selector, tolerations, priority_class, .. } = &spec.placement;
    pod["affinity"] = json!({ "podAntiAffinity": anti_affinity(spec, number) });
    if let Some(shard) = shard_beside(spec, number) {
        pod["affinity"]["podAffinity"] = beside_master_of(spec, shard);
    }
    pod["topologySpreadConstraints"] = json!([evenly(spec)]);
    if !node_selector.is_empty() {
        pod["nodeSelector"] = Value::Object(pairs(node_selector));
    }
    if let Some(class) = priority_class {
        pod["priorityClassName"] = json!(class);
    }
    if !tolerations.is_empty() {
        pod["tolerations"] = tolerations
            .iter()
            .map(|toleration| {
                let mut value = json!({ "key": toleration.key });
                value["operator"] = json!(if toleration.value.is_some() { "Equal" } else { "Exists" });
                value["value"] = json!(toleration.value);
                value["effect"] = json!(toleration.effect);
                without_nulls(value)
            })
            .collect();
    }
}

/// Nodes of one shard never share a worker (or preferably not, or are free to); initial masters
/// preferably not; then different zones are preferred; and last, the same number of nodes on each
/// worker, also by `evenly` below.
fn anti_affinity(spec: &Spec, number: NodeNumber) -> Value {
    let term =
        |labels: Value, topology: &str| json!({ "labelSelector": { "matchLabels": labels }, "topologyKey": topology });
    let shard = spec.name.shard_selector(number);
    let weighted = |weight: u32, term: Value| json!({ "weight": weight, "podAffinityTerm": term });
    let evenly = weighted(10, term(spec.name.node_selector(), names::WORKER));
    let mut preferred = vec![weighted(40, term(shard.clone(), names::ZONE)), evenly];
    if number.is_initial_master() {
        let masters = spec.name.initial_masters_selector();
        preferred.push(weighted(100, term(masters.clone(), names::WORKER)));
        preferred.push(weighted(20, term(masters, names::ZONE)));
    }
    let same_worker = term(shard, names::WORKER);
    match spec.placement.spread {
        Spread::Required => json!({
            "requiredDuringSchedulingIgnoredDuringExecution": [same_worker],
            "preferredDuringSchedulingIgnoredDuringExecution": preferred,
        }),
        Spread::Preferred => {
            preferred.push(weighted(100, same_worker));
            json!({ "preferredDuringSchedulingIgnoredDuringExecution": preferred })
        }
        Spread::None => json!({ "preferredDuringSchedulingIgnoredDuringExecution": preferred }),
    }
}

/// The shard whose master's worker a replica prefers: for each of a shard's nodes another one, none
/// twice. Left to itself the scheduler puts the first replicas on workers that leave the last one
/// only a worker that has two nodes already.
fn shard_beside(spec: &Spec, number: NodeNumber) -> Option<u32> {
    let shard = (number.shard() + number.position() - 2) % u32::from(spec.shape.shards()) + 1;
    (!number.is_initial_master() && shard != number.shard()).then_some(shard)
}

/// Less than an empty worker.
fn beside_master_of(spec: &Spec, shard: u32) -> Value {
    let labels = spec.name.initial_master_selector(shard);
    let term = json!({ "labelSelector": { "matchLabels": labels }, "topologyKey": names::WORKER });
    json!({ "preferredDuringSchedulingIgnoredDuringExecution": [{ "weight": 5, "podAffinityTerm": term }] })
}

/// The same number of nodes on each worker, which counts more than how busy a worker is (before
/// Kubernetes 1.18 only the anti-affinity says it). Never required: pods of a worker that is
/// drained could go nowhere. As a preference a larger skew only makes it weigh less: different zones
/// are to weigh more.
fn evenly(spec: &Spec) -> Value {
    json!({
        "maxSkew": 2,
        "topologyKey": names::WORKER,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": spec.name.node_selector() },
    })
}

fn container(spec: &Spec, number: NodeNumber) -> Value {
    let factor = probe_interval_factor(spec.shape.size());
    let liveness = liveness(factor);
    // It ends by itself after 2 s: it is not killed because its worker is busy, for what it was
    // waiting for would become a zombie until the server next forks.
    let readiness = probe("ready", 5 * factor, 15, 2);
    let mut container = json!({
        "name": CONTAINER,
        "image": spec.image.name,
        "imagePullPolicy": "IfNotPresent",
        "ports": [
            { "name": "redis-client", "containerPort": PORT, "protocol": "TCP" },
            { "name": BUS, "containerPort": config::bus_port(spec, number), "protocol": "TCP" },
            { "name": "redis-startup", "containerPort": STARTUP_PORT, "protocol": "TCP" },
        ],
        "env": environment(spec, number),
        "resources": {
            "requests": { "cpu": spec.resources.cpu, "memory": spec.resources.memory.to_string() },
            "limits": { "memory": spec.resources.memory.to_string() },
        },
        "livenessProbe": liveness,
        "readinessProbe": readiness,
        "lifecycle": { "preStop": { "exec": { "command": script("stop.sh", None) } } },
        "volumeMounts": mounts(spec),
    });
    match spec.image.entrypoint {
        Entrypoint::Bootstrap => {
            container["command"] = script("bootstrap.sh", None);
            container["securityContext"] = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            });
        }
        Entrypoint::Image => container["args"] = json!(config::arguments(spec)),
    }
    container
}

/// Its peers replace a hanging server within seconds: a busy worker's slow answers are no reason to
/// end one that lives. One that loads its data or waits is alive, so there is nothing that a startup
/// probe could tell apart. With the grace period of 60 s a server that hangs is restarted within 200 s,
/// in a large cluster too.
fn liveness(factor: u32) -> Value {
    let (period, failures) = if factor == 1 { (20, 6) } else { (40, 3) };
    probe("alive", period, 10, failures)
}

/// Each probe starts a process in a container and takes more than 0.1 s of CPU time on its worker:
/// large clusters probe less often, to use no more than ten nodes do.
fn probe_interval_factor(nodes: usize) -> u32 {
    u32::try_from(nodes / 10).unwrap_or(u32::MAX).clamp(1, 10)
}

fn script(name: &str, argument: Option<&str>) -> Value {
    let path = format!("{MOUNT}/{name}");
    ["/bin/sh", &path].into_iter().chain(argument).collect()
}

fn probe(what: &str, period: u32, timeout: u32, failures: u32) -> Value {
    json!({
        "exec": { "command": script("probe.sh", Some(what)) },
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
        "initialDelaySeconds": period,
    })
}

fn environment(spec: &Spec, number: NodeNumber) -> Value {
    let mut variables = Vec::new();
    let secret = spec.secret();
    if let Some((name, key)) = secret {
        let source = json!({ "secretKeyRef": { "name": name, "key": key } });
        variables.push(json!({ "name": PASSWORD_VARIABLE, "valueFrom": source }));
    }
    variables.push(json!({ "name": names::NODES_CONF_VARIABLE, "value": config::cluster_config(spec, number) }));
    if spec.image.has_own_bus_port() {
        // Must not look like a Service variable of the kubelet, as NAME_PORT would.
        variables.push(json!({ "name": "CLUSTER_BUS", "value": config::bus_port(spec, number).to_string() }));
    }
    let mut lines = config::redis_config(&spec.redis);
    if spec.image.entrypoint == Entrypoint::Image && secret.is_some() {
        lines += &format!("requirepass $({PASSWORD_VARIABLE})\nmasterauth $({PASSWORD_VARIABLE})\n");
    }
    // The server drops an empty value, and applying it again would look like a change.
    if !lines.is_empty() {
        variables.push(json!({ "name": "REDIS_CONFIG", "value": lines }));
    }
    Value::Array(variables)
}

fn mounts(spec: &Spec) -> Value {
    let mut mounts = vec![
        json!({ "name": "config", "mountPath": MOUNT, "readOnly": true }),
        json!({ "name": DATA, "mountPath": DATA_FOLDER }),
    ];
    if spec.image.entrypoint == Entrypoint::Bootstrap {
        mounts.push(json!({ "name": "tmp", "mountPath": "/tmp" }));
    }
    Value::Array(mounts)
}

fn volumes(spec: &Spec) -> Value {
    let mut volumes =
        vec![json!({ "name": "config", "configMap": { "name": spec.name.as_str(), "defaultMode": 0o555 } })];
    if spec.image.entrypoint == Entrypoint::Bootstrap {
        volumes.push(json!({ "name": "tmp", "emptyDir": { "medium": "Memory" } }));
    }
    if spec.resources.storage.is_none() {
        volumes.push(json!({ "name": DATA, "emptyDir": {} }));
    }
    Value::Array(volumes)
}

fn pairs(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::assembly::tests::spec;
    use super::super::spec::Auth;
    use super::*;
    use crate::cluster::shape::{Shape, Small};
    use std::collections::BTreeSet;

    fn yaml(value: &Value) -> String {
        serde_saphyr::to_string(value).expect("yaml")
    }

    fn first() -> NodeNumber {
        NodeNumber::new(1, 1)
    }

    #[test]
    fn the_stateful_set_of_a_master() {
        insta::assert_snapshot!(yaml(&controller(&spec(), first()).value));
    }

    #[test]
    fn the_replication_controller_of_the_originals_image() {
        let mut spec = spec();
        spec.workload = Workload::ReplicationController;
        spec.image.entrypoint = Entrypoint::Image;
        spec.image.name = "balon/docker-redis:3.0.7".into();
        spec.resources.storage = None;
        spec.auth = Auth::None;
        insta::assert_snapshot!(yaml(&controller(&spec, first()).value));
    }

    /// The rules of the "restricted" Pod Security Standard that a pod of ours could break:
    /// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>.
    #[test]
    fn pods_satisfy_the_restricted_standard() {
        let pod = pod(&spec(), first());
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(container["capabilities"]["drop"], json!(["ALL"]));
        for forbidden in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[forbidden].is_null(), "{forbidden}");
        }
        for volume in pod["volumes"].as_array().expect("volumes") {
            let kind = volume.as_object().and_then(|volume| volume.keys().find(|key| *key != "name"));
            assert!(["configMap", "emptyDir"].contains(&kind.expect("a kind").as_str()));
        }
    }

    /// With as many workers as shards, one master on each: every worker gets as many replicas.
    #[test]
    fn replicas_prefer_workers_that_are_all_different() {
        let mut spec = spec();
        for (shards, replicas) in [(3, 1), (3, 2), (4, 1), (6, 2)] {
            spec.shape = Shape::new(shards, replicas, Small::Refused).expect("valid");
            for position in 2..=replicas + 1 {
                let shards = 1..=shards;
                let beside = shards.clone().map(|shard| shard_beside(&spec, NodeNumber::new(shard, position)));
                let beside: BTreeSet<u32> = beside.map(|shard| shard.expect("another shard")).collect();
                assert_eq!(beside, shards.map(u32::from).collect(), "{spec:?}");
            }
        }
        spec.shape = Shape::new(1, 1, Small::Allowed).expect("valid");
        assert_eq!(shard_beside(&spec, NodeNumber::new(1, 2)), None);
    }

    #[test]
    fn the_placement_of_a_replica() {
        let pod = pod(&spec(), NodeNumber::new(3, 2));
        insta::assert_snapshot!(yaml(&json!({
            "podAffinity": pod["affinity"]["podAffinity"],
            "topologySpreadConstraints": pod["topologySpreadConstraints"],
        })));
    }

    #[test]
    fn a_server_that_hangs_is_restarted_within_200_seconds() {
        for factor in [1, 2, 10] {
            let probe = liveness(factor);
            let number = |field: &str| probe[field].as_u64().expect("a number");
            let noticed = number("periodSeconds") * number("failureThreshold") + number("timeoutSeconds");
            assert!(noticed + 60 <= 200, "{probe}");
        }
    }

    #[test]
    fn the_password_is_only_referred_to() {
        for entrypoint in [Entrypoint::Bootstrap, Entrypoint::Image] {
            let mut spec = spec();
            spec.auth = Auth::Own("s3cr3t".into());
            spec.image.entrypoint = entrypoint;
            let text = controller(&spec, first()).value.to_string();
            assert!(!text.contains("s3cr3t"));
            assert!(text.contains("secretKeyRef"));
        }
    }
}
