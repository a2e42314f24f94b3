//! A Kubernetes object as a value, and all objects of a cluster in the order in
//! which they must be made.

use super::config;
use super::names::PASSWORD_KEY;
use super::spec::{Auth, Network, Spec};
use super::{network, workload};
use crate::cluster::node::NodeNumber;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

/// A kind of object, with all the names that it goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The API version.
    pub version: &'static str,
    /// The kind's name.
    pub kind: &'static str,
    /// The name in paths and in rights.
    pub plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version, kind, plural }
    }

    /// The kind as kubectl's messages name it: `service`, `statefulset.apps`.
    pub fn display(self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A Service.
pub const SERVICE: Kind = Kind::new("", "v1", "Service", "services");
/// A ConfigMap.
pub const CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
/// A Secret.
pub const SECRET: Kind = Kind::new("", "v1", "Secret", "secrets");
/// A pod.
pub const POD: Kind = Kind::new("", "v1", "Pod", "pods");
/// A volume claim.
pub const CLAIM: Kind = Kind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
/// The original example's controller.
pub const REPLICATION_CONTROLLER: Kind = Kind::new("", "v1", "ReplicationController", "replicationcontrollers");
/// The default controller.
pub const STATEFUL_SET: Kind = Kind::new("apps", "v1", "StatefulSet", "statefulsets");
/// A network policy.
pub const NETWORK_POLICY: Kind = Kind::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
/// A disruption budget, since Kubernetes 1.21.
pub const BUDGET: Kind = Kind::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets");
/// A disruption budget up to Kubernetes 1.24.
pub const OLD_BUDGET: Kind = Kind::new("policy", "v1beta1", "PodDisruptionBudget", "poddisruptionbudgets");

/// An object: its kind and everything in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The kind.
    pub kind: Kind,
    /// The whole, as the API server takes it.
    pub value: Value,
}

impl Object {
    /// An object of `spec`'s cluster: `body` is all but kind and metadata's name.
    pub fn new(kind: Kind, spec: &Spec, name: &str, labels: &Value, body: Value) -> Self {
        let mut value = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "metadata": { "name": name, "namespace": spec.namespace, "labels": labels },
        });
        if let (Value::Object(whole), Value::Object(body)) = (&mut value, body) {
            whole.extend(body);
        }
        Self { kind, value }
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// `service/redis-001-node-101`, as kubectl writes it.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind.display(), self.name())
    }
}

/// All objects of a cluster, in order: what pods need comes before the pods, all
/// Services before the first controller (a pod knows only the Services that were
/// there before it), and the masters before the replicas, so that the scheduler
/// spreads the masters while all workers are free.
pub fn objects(spec: &Spec, budget: Kind) -> Vec<Object> {
    let mut objects = Vec::new();
    objects.extend(secret(spec));
    objects.push(config_map(spec));
    objects.push(network::budget(spec, budget));
    if spec.network == Network::Restricted {
        objects.push(network::policy(spec));
    }
    objects.push(network::client_service(spec));
    objects.extend(spec.shape.nodes().map(|number| network::node_service(spec, number)));
    let (masters, replicas): (Vec<_>, Vec<_>) = spec.shape.nodes().partition(|number| number.is_master_at_birth());
    objects.extend(masters.into_iter().chain(replicas).map(|number| workload::controller(spec, number)));
    objects
}

/// Whether an object is the controller of a node.
pub fn is_controller(object: &Object) -> bool {
    [STATEFUL_SET, REPLICATION_CONTROLLER].contains(&object.kind)
}

/// Whether an object is the controller of a replica at birth.
pub fn is_replica_controller(object: &Object) -> bool {
    let number = object.value["metadata"]["labels"][super::names::NODE].as_str();
    let number = number.and_then(|text| text.parse::<NodeNumber>().ok());
    is_controller(object) && number.is_some_and(|number| !number.is_master_at_birth())
}

fn secret(spec: &Spec) -> Option<Object> {
    let Auth::Own(password) = &spec.auth else { return None };
    // Not stringData: the server would turn it into data, and applying it again would
    // look like a change.
    let encoded = ByteString(password.clone().into_bytes());
    let body = json!({ "type": "Opaque", "data": { PASSWORD_KEY: encoded } });
    Some(Object::new(SECRET, spec, spec.name.as_str(), &spec.name.labels(), body))
}

fn config_map(spec: &Spec) -> Object {
    let body = json!({ "data": {
        "redis.conf": config::redis_conf(spec),
        "bootstrap.sh": config::BOOTSTRAP,
        "probe.sh": config::PROBE,
    }});
    Object::new(CONFIG_MAP, spec, spec.name.as_str(), &spec.name.labels(), body)
}

/// The volume claims that a cluster of this spec uses, made or kept.
pub fn claims(spec: &Spec) -> Vec<String> {
    let stored = spec.resources.storage.is_some();
    spec.shape.nodes().filter(|_| stored).map(|number| spec.name.claim(number)).collect()
}

#[cfg(test)]
/// A spec for the tests of this and other modules.
pub mod tests {
    use super::super::spec::*;
    use super::*;
    use crate::cluster::shape::{Shape, Small};
    use k8s_openapi::api::{apps::v1 as apps, core::v1 as core, networking::v1 as networking, policy::v1 as policy};

    /// The default cluster, with every option that shows in an object.
    pub fn spec() -> Spec {
        Spec {
            name: "redis-001".parse().expect("a name"),
            namespace: "default".into(),
            shape: Shape::new(3, 1, Small::Refused).expect("valid"),
            workload: Workload::StatefulSet,
            image: Image { name: "redis:8.0".into(), pull_secret: None, entrypoint: Entrypoint::Bootstrap },
            resources: Resources {
                memory: "256Mi".parse().expect("a size"),
                cpu: "50m".into(),
                storage: Some(Storage { size: "1Gi".parse().expect("a size"), class: None }),
            },
            redis: Redis { node_timeout_ms: 5000, maxmemory_policy: "noeviction".into(), config: vec!["hz 20".into()] },
            placement: Placement {
                spread: Spread::Required,
                node_selector: vec![],
                tolerations: vec![],
                priority_class: None,
            },
            auth: Auth::Own("secret".into()),
            annotations: vec![],
            network: Network::Restricted,
        }
    }

    /// What the typed API knows of the object: a misspelled field would be lost.
    fn as_typed(object: &Object) -> Value {
        fn through<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> Value {
            let typed: T = serde_json::from_value(value.clone()).expect("the type's form");
            serde_json::to_value(typed).expect("a value")
        }
        match object.kind.kind {
            "Service" => through::<core::Service>(&object.value),
            "ConfigMap" => through::<core::ConfigMap>(&object.value),
            "Secret" => through::<core::Secret>(&object.value),
            "ReplicationController" => through::<core::ReplicationController>(&object.value),
            "StatefulSet" => through::<apps::StatefulSet>(&object.value),
            "NetworkPolicy" => through::<networking::NetworkPolicy>(&object.value),
            "PodDisruptionBudget" => through::<policy::PodDisruptionBudget>(&object.value),
            other => panic!("no type for {other}"),
        }
    }

    #[test]
    fn every_field_is_one_that_kubernetes_knows() {
        for workload in [Workload::StatefulSet, Workload::ReplicationController] {
            let mut spec = spec();
            spec.workload = workload;
            spec.placement.tolerations =
                vec![Toleration { key: "a".into(), value: Some("b".into()), effect: Some("NoSchedule".into()) }];
            for object in objects(&spec, BUDGET) {
                assert_eq!(as_typed(&object), object.value, "{}", object.reference());
            }
        }
    }

    #[test]
    fn services_come_before_controllers_and_masters_before_replicas() {
        let order: Vec<_> = objects(&spec(), BUDGET).iter().map(Object::reference).collect();
        insta::assert_snapshot!(order.join("\n"), @r"
        secret/redis-001
        configmap/redis-001
        poddisruptionbudget.policy/redis-001
        networkpolicy.networking.k8s.io/redis-001
        service/redis-001
        service/redis-001-node-101
        service/redis-001-node-102
        service/redis-001-node-201
        service/redis-001-node-202
        service/redis-001-node-301
        service/redis-001-node-302
        statefulset.apps/redis-001-node-101
        statefulset.apps/redis-001-node-201
        statefulset.apps/redis-001-node-301
        statefulset.apps/redis-001-node-102
        statefulset.apps/redis-001-node-202
        statefulset.apps/redis-001-node-302
        ");
    }
}
