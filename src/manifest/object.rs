//! A Kubernetes object as a value, and the kinds that a cluster is made of.

use super::names::NODE;
use super::spec::Spec;
use crate::cluster::node::NodeNumber;
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

    /// Whether it is the controller of a node.
    pub fn is_controller(&self) -> bool {
        [STATEFUL_SET, REPLICATION_CONTROLLER].contains(&self.kind)
    }

    /// Whether it is the controller of a node that was declared as a replica.
    pub fn is_replica_controller(&self) -> bool {
        let number = self.value["metadata"]["labels"][NODE].as_str();
        let number = number.and_then(|text| text.parse::<NodeNumber>().ok());
        self.is_controller() && number.is_some_and(|number| !number.is_master_at_birth())
    }
}
