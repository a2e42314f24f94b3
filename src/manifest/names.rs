//! Every object name, label, selector, annotation and owner string.

use crate::cluster::node::{NodeId, NodeNumber};
use crate::cluster::shape::Shape;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt;

/// Who makes and owns the objects: field manager, user agent and label value.
pub const MANAGER: &str = "kubectl-redis-cluster";

/// The label that every object of a cluster carries: the cluster's name.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label that says who made an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label with a node's number.
pub const NODE: &str = "kubectl-redis-cluster/node";
/// The annotation with a node's Redis ID.
pub const NODE_ID: &str = "kubectl-redis-cluster/node-id";
/// The annotation of a volume with the shape of the cluster that it was made for.
pub const SHAPE: &str = "kubectl-redis-cluster/shape";

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const VERSION: &str = "app.kubernetes.io/version";
const SHARD: &str = "kubectl-redis-cluster/shard";
const POSITION: &str = "kubectl-redis-cluster/position";

/// The label with a worker's zone, since Kubernetes 1.17.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// The label with a worker's own name.
pub const WORKER: &str = "kubernetes.io/hostname";
/// The annotation that makes a StorageClass the default.
pub const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// The label of pods and Services that measure something and then go: their name.
pub const PROBE: &str = "kubectl-redis-cluster/probe";
/// The label of the pods that change a worker's files and then go: the worker.
pub const HELPER: &str = "kubectl-redis-cluster/set-proxy-mode";

/// The container that runs the server.
pub const CONTAINER: &str = "redis";
/// The volume with the data.
pub const DATA: &str = "data";
/// The variable with the password: `redis-cli` takes it from there.
pub const PASSWORD_VARIABLE: &str = "REDISCLI_AUTH";
/// The variable with the nodes.conf of the cluster's birth.
pub const BIRTH_VARIABLE: &str = "CLUSTER_CONFIG";
/// The key of the ConfigMap that says that the cluster has formed once: from then on
/// empty volumes are lost ones.
pub const FORMED: &str = "formed";
/// The key of the password in a Secret of ours.
pub const PASSWORD_KEY: &str = "password";

/// A cluster's name: a DNS label that begins with a letter, since its Services
/// carry it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterName(String);

/// A name that no cluster can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a cluster name: it must be lower-case letters, digits and '-', begin with a letter and end with a letter or digit"
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

impl ClusterName {
    /// A StatefulSet's name and a hash of ten characters become a label value of at most 63.
    const MAX_CONTROLLER: usize = 52;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long the name may be in a cluster of this shape.
    pub fn max_len(shape: Shape) -> usize {
        let longest = NodeNumber::new(shape.shards(), 1).to_string().len();
        Self::MAX_CONTROLLER - "-node-".len() - longest
    }

    /// The name of a node's Service and controller.
    pub fn node(&self, number: NodeNumber) -> String {
        format!("{}-node-{number}", self.0)
    }

    /// The volume claim of a node's StatefulSet.
    pub fn claim(&self, number: NodeNumber) -> String {
        format!("{DATA}-{}-0", self.node(number))
    }

    /// The pod of a node's StatefulSet.
    pub fn stateful_pod(&self, number: NodeNumber) -> String {
        format!("{}-0", self.node(number))
    }

    /// The variable in which the kubelet hands a pod the address of a node's Service.
    pub fn address_variable(&self, number: NodeNumber) -> String {
        format!("{}_SERVICE_HOST", self.node(number).to_uppercase().replace('-', "_"))
    }

    /// A node's Redis ID: the same for the same namespace, cluster and node, unique
    /// in the Kubernetes cluster, with the node's number readable at its end. Only
    /// `[a-z0-9]`, since Redis 7.0 takes nothing else.
    pub fn node_id(&self, namespace: &str, number: NodeNumber) -> NodeId {
        let digest = Sha256::digest(format!("{namespace}/{}", self.0));
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}node{:0>6}", &hash[..30], number.to_string());
        id.parse().unwrap_or_else(|_| unreachable!("30 + 4 + 6 characters"))
    }

    /// The port that a node's bus listens on in its pod, where it has one of its own. Its
    /// Service leads the announced port there, and for a moment also to a pod that has got
    /// the address of a pod that is gone: another node, maybe of another cluster, must not
    /// listen on this one.
    pub fn bus_port(&self, namespace: &str, number: NodeNumber) -> u16 {
        const FIRST: u16 = 17000;
        const MANY: u16 = 9000;
        let digest = Sha256::digest(self.node_id(namespace, number).as_str());
        FIRST + u16::from_be_bytes([digest[0], digest[1]]) % MANY
    }

    /// What selects every object of the cluster.
    pub fn selector(&self) -> String {
        format!("{INSTANCE}={},{}", self.0, managed())
    }

    /// The labels of an object that belongs to the whole cluster.
    pub fn labels(&self) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, MANAGED_BY: MANAGER })
    }

    /// The labels that select all pods of the cluster.
    pub fn node_selector(&self) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, COMPONENT: "node" })
    }

    /// The labels that select the pods of one shard.
    pub fn shard_selector(&self, number: NodeNumber) -> Value {
        json!({ INSTANCE: self.0, SHARD: number.shard().to_string() })
    }

    /// The labels that select the pods that were declared as masters.
    pub fn birth_masters_selector(&self) -> Value {
        json!({ INSTANCE: self.0, POSITION: "1" })
    }

    /// The labels that select one node's pod.
    pub fn pod_selector(&self, number: NodeNumber) -> Value {
        json!({ NAME: "redis-cluster", INSTANCE: self.0, NODE: number.to_string() })
    }

    /// The labels of a node's Service, controller, pod and volume.
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

    /// The original example's labels, by which old scripts find the pods.
    pub fn original_labels(&self, number: NodeNumber) -> Value {
        json!({ "app": "redis", "redis-cluster-id": self.0, "redis-node-id": self.node(number) })
    }
}

/// The number that a Redis ID of ours ends with.
pub fn number_of(id: &NodeId) -> Option<NodeNumber> {
    let (_, number) = id.as_str().rsplit_once("node")?;
    number.trim_start_matches('0').parse().ok()
}

/// What selects every object that this tool made.
pub fn managed() -> String {
    format!("{MANAGED_BY}={MANAGER}")
}

/// The shape as the annotation of a volume has it: shards x nodes of a shard.
pub fn shape_annotation(shape: Shape) -> String {
    format!("{}x{}", shape.shards(), shape.replicas() + 1)
}

/// An image's tag, where it can be a label value.
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
