//! What is wished of a cluster: valid, complete, and independent of how it was typed.

use super::names::{self, ClusterName};
use super::quantity::Size;
use crate::cluster::shape::Shape;

/// Everything that decides what a cluster's objects are.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The cluster's name.
    pub name: ClusterName,
    /// Its namespace.
    pub namespace: String,
    /// Its size.
    pub shape: Shape,
    /// What runs and keeps each node's pod.
    pub workload: Workload,
    /// The server's image.
    pub image: Image,
    /// What each node gets of memory, processor and disk.
    pub resources: Resources,
    /// How the server is set up.
    pub redis: Redis,
    /// Where pods may run.
    pub placement: Placement,
    /// How clients prove who they are.
    pub auth: Auth,
    /// Annotations of the user's on every pod.
    pub annotations: Vec<(String, String)>,
    /// Whether other namespaces, and for the bus other pods, are kept out.
    pub network: Network,
}

/// The controller of each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Keeps the pod's name and, with storage, its volume.
    StatefulSet,
    /// The original example's: memory only.
    ReplicationController,
}

/// The server's image, and who starts the server in it.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name and tag.
    pub name: String,
    /// The Secret to pull it with.
    pub pull_secret: Option<String>,
    /// Who starts the server.
    pub entrypoint: Entrypoint,
}

impl Image {
    /// Whether the server can listen for its bus on a port of its own: since Redis 7.0.
    /// By the tag, where that begins with a version; the start-up script refuses a tag
    /// that was wrong.
    pub fn has_own_bus_port(&self) -> bool {
        let tag = names::version_label(&self.name).unwrap_or_default();
        let major = tag.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok());
        self.entrypoint == Entrypoint::Bootstrap && major.is_none_or(|major| major >= 7)
    }
}

/// Who starts the server in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrypoint {
    /// Our start-up script.
    Bootstrap,
    /// The image's own, which reads `CLUSTER_CONFIG` and `REDIS_CONFIG` itself.
    Image,
}

/// What each node gets.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Memory, request and limit.
    pub memory: Size,
    /// Processor, request only.
    pub cpu: String,
    /// The volume; none for a memory-only cluster.
    pub storage: Option<Storage>,
}

/// A node's volume.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Its size.
    pub size: Size,
    /// Its StorageClass; the default one when none.
    pub class: Option<String>,
}

/// How the server is set up.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `cluster-node-timeout` in milliseconds.
    pub node_timeout_ms: u64,
    /// `maxmemory-policy`.
    pub maxmemory_policy: String,
    /// Further lines of redis.conf.
    pub config: Vec<String>,
}

/// Where pods may run.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Whether nodes of one shard may share a worker.
    pub spread: Spread,
    /// Labels that a worker must have.
    pub node_selector: Vec<(String, String)>,
    /// Taints that the pods bear.
    pub tolerations: Vec<Toleration>,
    /// The pods' priority class.
    pub priority_class: Option<String>,
}

/// Whether nodes of one shard may share a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Never: a pod without such a worker stays pending.
    Required,
    /// Only when there is no other worker.
    Preferred,
    /// It does not matter.
    None,
}

/// A taint that the pods bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toleration {
    /// The taint's key.
    pub key: String,
    /// The taint's value; any when none.
    pub value: Option<String>,
    /// The taint's effect; all when none.
    pub effect: Option<String>,
}

/// The effects that a taint can have.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Text that is no toleration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToleration {
    /// It names no taint.
    #[error("it must be KEY[=VALUE][:EFFECT]")]
    NoKey,
    /// No taint has that effect.
    #[error("the effect must be one of {}", EFFECTS.join(", "))]
    BadEffect,
}

impl std::str::FromStr for Toleration {
    type Err = BadToleration;

    fn from_str(text: &str) -> Result<Self, BadToleration> {
        let (taint, effect) = text.rsplit_once(':').map_or((text, None), |(taint, effect)| (taint, Some(effect)));
        let (key, value) = taint.split_once('=').map_or((taint, None), |(key, value)| (key, Some(value)));
        match effect {
            _ if key.is_empty() => Err(BadToleration::NoKey),
            Some(effect) if !EFFECTS.contains(&effect) => Err(BadToleration::BadEffect),
            _ => Ok(Self { key: key.into(), value: value.map(Into::into), effect: effect.map(Into::into) }),
        }
    }
}

/// Text that is no name with a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be KEY=VALUE")]
pub struct BadPair;

/// Reads a label, an annotation, or anything else that has a name and a value.
///
/// # Errors
/// When the text has no name.
pub fn key_value(text: &str) -> Result<(String, String), BadPair> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(BadPair),
    }
}

/// How clients prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// With the password of the cluster's own Secret, of which this is the value
    /// where the Secret has to be made.
    Own(String),
    /// With the password in a Secret of the user's.
    Secret {
        /// The Secret's name.
        name: String,
        /// The key in it.
        key: String,
    },
}

/// Who may reach the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Whoever the namespace's other policies let in.
    Open,
    /// Clients of the namespace; the bus only from the cluster itself.
    Restricted,
}

/// A wish that cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSpec {
    /// Kubernetes' names have an end.
    #[error("the name \"{name}\" has {} characters, at most {max} fit a cluster of this size", name.len())]
    NameTooLong {
        /// The name.
        name: String,
        /// The most characters.
        max: usize,
    },
    /// A ReplicationController cannot have a volume for each pod.
    #[error("a replicationcontroller keeps no volume: its nodes hold their data in memory only")]
    StorageWithoutStatefulSet,
    /// The image's own entry point appends to nodes.conf at every start.
    #[error("an image's own entry point writes nodes.conf again at every start, which a kept volume does not survive")]
    StorageWithImageEntrypoint,
    /// Linux hands a process no longer variable than 128 KiB.
    #[error("a cluster of {nodes} nodes does not fit: its nodes.conf would be longer than a variable may be (128 KiB)")]
    TooManyNodes {
        /// The wanted nodes.
        nodes: usize,
    },
}

impl Spec {
    /// The longest line of nodes.conf with an IPv4 address, in bytes.
    const LINE: usize = 116;
    const LONGEST_VARIABLE: usize = 128 * 1024;

    /// Refuses what no server would refuse in time.
    ///
    /// # Errors
    /// A [`BadSpec`] that says what does not go together.
    pub fn validate(&self) -> Result<(), BadSpec> {
        let max = ClusterName::max_len(self.shape);
        let stored = self.resources.storage.is_some();
        if self.name.as_str().len() > max {
            Err(BadSpec::NameTooLong { name: self.name.to_string(), max })
        } else if stored && self.workload == Workload::ReplicationController {
            Err(BadSpec::StorageWithoutStatefulSet)
        } else if stored && self.image.entrypoint == Entrypoint::Image {
            Err(BadSpec::StorageWithImageEntrypoint)
        } else if self.shape.size() * Self::LINE > Self::LONGEST_VARIABLE {
            Err(BadSpec::TooManyNodes { nodes: self.shape.size() })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations() {
        let read = str::parse::<Toleration>;
        let full = read("a=b:NoSchedule").expect("a toleration");
        assert_eq!(
            (full.key.as_str(), full.value.as_deref(), full.effect.as_deref()),
            ("a", Some("b"), Some("NoSchedule"))
        );
        assert_eq!(read("a").map(|toleration| toleration.value), Ok(None));
        assert!(read("=b").is_err() && read("a:Never").is_err());
    }

    #[test]
    fn servers_with_a_bus_port_of_their_own() {
        let own =
            |name: &str, entrypoint| Image { name: name.into(), pull_secret: None, entrypoint }.has_own_bus_port();
        for name in ["redis:7.0", "redis:8", "valkey/valkey:8.1-alpine", "redis", "redis:latest", "redis@sha256:ab"] {
            assert!(own(name, Entrypoint::Bootstrap), "{name}");
        }
        for name in ["redis:6.2", "redis:4.0.14-alpine", "registry:5000/redis:5"] {
            assert!(!own(name, Entrypoint::Bootstrap), "{name}");
        }
        assert!(!own("redis:8.0", Entrypoint::Image));
    }
}
