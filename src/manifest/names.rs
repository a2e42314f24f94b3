//! Every object name, label, selector, annotation and owner string.

use crate::cluster::commands::ClusterRef;
use crate::cluster::node::{NodeId, NodeNumber};
use crate::cluster::shape::Shape;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt;

/// Field manager, user agent and value of [`MANAGED_BY`].
pub const MANAGER: &str = "kubectl-redis-cluster";

/// The label of every object of a cluster, with the cluster's name.
pub const INSTANCE: &str = crate::cluster::surroundings::INSTANCE;
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label with a node's number.
pub const NODE: &str = "kubectl-redis-cluster/node";
/// The annotation with a node's Redis ID.
pub const NODE_ID: &str = "kubectl-redis-cluster/node-id";
/// The annotation of a volume with the shape of its cluster.
pub const SHAPE: &str = "kubectl-redis-cluster/shape";

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const VERSION: &str = "app.kubernetes.io/version";
/// The label with the number of a node's shard.
pub(super) const SHARD: &str = "kubectl-redis-cluster/shard";
const POSITION: &str = "kubectl-redis-cluster/position";

/// The label with a worker's zone, since Kubernetes 1.17.
pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const WORKER: &str = "kubernetes.io/hostname";
/// The annotation that makes a StorageClass the default.
pub const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// The label of short-lived pods and Services for measurements, with their name.
pub const PROBE: &str = "kubectl-redis-cluster/probe";
/// The label of the short-lived pods that edit a worker's files, with the worker.
pub const HELPER: &str = "kubectl-redis-cluster/set-proxy-mode";

pub const CONTAINER: &str = "redis";
pub const DATA: &str = "data";
/// The environment variable from which redis-cli reads the password.
pub const PASSWORD_VARIABLE: &str = "REDISCLI_AUTH";
/// The environment variable with the initial nodes.conf.
pub const NODES_CONF_VARIABLE: &str = "CLUSTER_CONFIG";
/// The ConfigMap key that marks a cluster that has formed once: from then on, an empty volume means
/// lost data.
pub const FORMED: &str = "formed";
/// The key of the password in the cluster's own Secret.
pub const PASSWORD_KEY: &str = "password";

/// Whether a pod's label is its cluster's, and not one that a controller of Kubernetes added.
pub fn is_label(name: &str) -> bool {
    name.starts_with("app.kubernetes.io/") || name.starts_with("kubectl-redis-cluster/")
}

/// A DNS label that starts with a letter, because the names of Services start with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterName(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a valid cluster name: it must consist of lower case letters, digits and '-', start with a letter and end with a letter or digit"
)]
pub struct BadName(pub String);

impl std::str::FromStr for ClusterName {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        let good = name.starts_with(|first: char| first.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if good { Ok(Self(name.to_owned())) } else { Err(BadName(name.to_owned())) }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&ClusterName> for ClusterRef {
    fn from(name: &ClusterName) -> Self {
        Self::Named(name.0.clone())
    }
}

impl ClusterName {
    /// The controller-revision-hash label has the StatefulSet's name plus 11 characters, at most 63.
    const MAX_CONTROLLER: usize = 52;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The maximum length of a name in a cluster of this shape.
    pub fn max_len(shape: Shape) -> usize {
        let longest = NodeNumber::new(shape.shards(), 1).to_string().len();
        Self::MAX_CONTROLLER - "-node-".len() - longest
    }

    pub fn node(&self, number: NodeNumber) -> String {
        format!("{}-node-{number}", self.0)
    }

    pub fn claim(&self, number: NodeNumber) -> String {
        format!("{DATA}-{}-0", self.node(number))
    }

    pub fn stateful_pod(&self, number: NodeNumber) -> String {
        format!("{}-0", self.node(number))
    }

    /// The environment variable that the kubelet sets to the address of a node's Service.
    pub fn address_variable(&self, number: NodeNumber) -> String {
        format!("{}_SERVICE_HOST", self.node(number).to_uppercase().replace('-', "_"))
    }

    /// A node's Redis ID: derived from namespace, cluster and node, unique in the Kubernetes
    /// cluster, and readable: it ends with the node's number. Only `[a-z0-9]`, because Redis 7.0
    /// rejects anything else.
    pub fn node_id(&self, namespace: &str, number: NodeNumber) -> NodeId {
        let digest = Sha256::digest(format!("{namespace}/{}", self.0));
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}node{:0>6}", &hash[..30], number.to_string());
        id.parse().unwrap_or_else(|_| unreachable!("30 + 4 + 6 characters"))
    }

    /// The port of a node's bus in its pod, if it has its own. The Service forwards the announced
    /// port to it, and for a moment possibly to a pod that got the address of a terminated pod.
    /// That pod may be another node, even of another cluster, and must not listen on this port.
    pub fn bus_port(&self, namespace: &str, number: NodeNumber) -> u16 {
        const FIRST: u16 = 17000;
        const MANY: u16 = 9000;
        let digest = Sha256::digest(self.node_id(namespace, number).as_str());
        FIRST + u16::from_be_bytes([digest[0], digest[1]]) % MANY
    }

    pub fn selector(&self) -> String {
        format!("{INSTANCE}={},{}", self.0, managed())
    }

    pub fn labels(&self) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, MANAGED_BY: MANAGER })
    }

    pub fn node_selector(&self) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, COMPONENT: "node" })
    }

    pub fn shard_selector(&self, number: NodeNumber) -> Value {
        json!({ INSTANCE: self.0, SHARD: number.shard().to_string() })
    }

    /// Selects the pods of the initial masters.
    pub fn initial_masters_selector(&self) -> Value {
        json!({ INSTANCE: self.0, POSITION: "1" })
    }

    /// Selects the pod of a shard's initial master.
    pub fn initial_master_selector(&self, shard: u32) -> Value {
        json!({ INSTANCE: self.0, SHARD: shard.to_string(), POSITION: "1" })
    }

    pub fn pod_selector(&self, number: NodeNumber) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, NODE: number.to_string() })
    }

    pub fn node_labels(&self, number: NodeNumber, image: &str) -> Value {
        let mut labels = self.labels();
        labels[COMPONENT] = json!("node");
        labels[NODE] = json!(number.to_string());
        labels[SHARD] = json!(number.shard().to_string());
        labels[POSITION] = json!(number.position().to_string());
        if let Some(version) = version_label(image) {
            labels[VERSION] = json!(version);
        }
        labels
    }

    /// The original example's labels, which old scripts select by.
    pub fn original_labels(&self, number: NodeNumber) -> Value {
        json!({ "app": "redis", "redis-cluster-id": self.0, "redis-node-id": self.node(number) })
    }
}

/// The inverse of [`ClusterName::node_id`].
pub fn number_of(id: &NodeId) -> Option<NodeNumber> {
    let (_, number) = id.as_str().rsplit_once("node")?;
    number.trim_start_matches('0').parse().ok()
}

/// Selects every object that this tool created.
pub fn managed() -> String {
    format!("{MANAGED_BY}={MANAGER}")
}

/// Shards x nodes per shard.
pub fn shape_annotation(shape: Shape) -> String {
    format!("{}x{}", shape.shards(), shape.replicas() + 1)
}

/// An image's tag, if it is a valid label value.
pub(super) fn version_label(image: &str) -> Option<&str> {
    let last = image.split('@').next()?.rsplit('/').next()?;
    let (_, tag) = last.split_once(':')?;
    let good = tag.len() <= 63 && tag.ends_with(|last: char| last.is_ascii_alphanumeric());
    good.then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::shape::Small;

    fn name(text: &str) -> ClusterName {
        text.parse().expect("a name")
    }

    #[test]
    fn names_of_a_node() {
        let (name, number) = (name("redis-001"), NodeNumber::new(1, 1));
        assert_eq!(name.node(number), "redis-001-node-101");
        assert_eq!(name.claim(number), "data-redis-001-node-101-0");
        assert_eq!(name.address_variable(number), "REDIS_001_NODE_101_SERVICE_HOST");
    }

    #[test]
    fn an_id_is_constant_readable_and_its_own() {
        let number = NodeNumber::new(1, 2);
        let id = name("redis-001").node_id("default", number);
        assert_eq!(id.as_str(), "78aaa455140374e4b6589fa0089210node000102");
        assert_eq!(number_of(&id), Some(number));
        assert_ne!(id, name("redis-001").node_id("other", number));
        assert_ne!(id, name("redis-002").node_id("default", number));
    }

    #[test]
    fn a_bus_port_is_constant_and_its_own() {
        let port = |cluster: &str, node| name(cluster).bus_port("default", NodeNumber::new(1, node));
        assert_eq!(port("redis-001", 1), port("redis-001", 1));
        let ports = [port("redis-001", 1), port("redis-001", 2), port("redis-002", 1), port("redis-002", 2)];
        assert_eq!(std::collections::BTreeSet::from(ports).len(), 4, "{ports:?}");
        assert!(ports.iter().all(|port| (17000..26000).contains(port)));
    }

    #[test]
    fn what_is_no_name() {
        for text in ["", "1a", "-a", "a-", "A", "a_b", "a.b", "ä"] {
            assert!(text.parse::<ClusterName>().is_err(), "{text}");
        }
    }

    #[test]
    fn larger_clusters_leave_less_room() {
        let shape = |shards| Shape::new(shards, 1, Small::Refused).expect("valid");
        assert_eq!(ClusterName::max_len(shape(3)), 43);
        assert_eq!(ClusterName::max_len(shape(1000)), 40);
    }

    #[test]
    fn versions_of_images() {
        assert_eq!(version_label("redis:8.0"), Some("8.0"));
        assert_eq!(version_label("registry:5000/valkey/valkey:8.1-alpine@sha256:abc"), Some("8.1-alpine"));
        assert_eq!(version_label("registry:5000/redis"), None);
    }
}
