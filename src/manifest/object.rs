//! A Kubernetes object as a value, and the kinds that a cluster is made of.

use super::names::NODE;
use super::spec::Spec;
use crate::cluster::node::NodeNumber;
use serde_json::{Value, json};

/// A kind of object with all its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    /// The name in API paths and permissions.
    pub plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version, kind, plural }
    }

    /// As in kubectl's messages: `service`, `statefulset.apps`.
    pub fn display(self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

pub const SERVICE: Kind = Kind::new("", "v1", "Service", "services");
pub const CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
pub const SECRET: Kind = Kind::new("", "v1", "Secret", "secrets");
pub const POD: Kind = Kind::new("", "v1", "Pod", "pods");
pub const CLAIM: Kind = Kind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
pub const REPLICATION_CONTROLLER: Kind = Kind::new("", "v1", "ReplicationController", "replicationcontrollers");
pub const STATEFUL_SET: Kind = Kind::new("apps", "v1", "StatefulSet", "statefulsets");
pub const DEPLOYMENT: Kind = Kind::new("apps", "v1", "Deployment", "deployments");
pub const NETWORK_POLICY: Kind = Kind::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
/// Since Kubernetes 1.21.
pub const BUDGET: Kind = Kind::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets");
/// Until Kubernetes 1.24.
pub const OLD_BUDGET: Kind = Kind::new("policy", "v1beta1", "PodDisruptionBudget", "poddisruptionbudgets");

#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub kind: Kind,
    /// The manifest for the API server.
    pub value: Value,
}

impl Object {
    /// `body` has everything except apiVersion, kind and metadata.
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

    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// As in kubectl's messages: `service/redis-001-node-101`.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind.display(), self.name())
    }

    pub fn is_controller(&self) -> bool {
        [STATEFUL_SET, REPLICATION_CONTROLLER].contains(&self.kind)
    }

    /// Whether it is the controller of an initial replica.
    pub fn is_replica_controller(&self) -> bool {
        let number = self.value["metadata"]["labels"][NODE].as_str();
        let number = number.and_then(|text| text.parse::<NodeNumber>().ok());
        self.is_controller() && number.is_some_and(|number| !number.is_initial_master())
    }
}
