//! The spec of a cluster: complete, and independent of the command line.

use super::names::{self, ClusterName};
use super::quantity::Size;
use crate::cluster::shape::Shape;

/// Everything that determines a cluster's objects.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: ClusterName,
    pub namespace: String,
    pub shape: Shape,
    pub workload: Workload,
    pub image: Image,
    pub resources: Resources,
    pub redis: Redis,
    pub placement: Placement,
    pub auth: Auth,
    /// Extra annotations of every pod.
    pub annotations: Vec<(String, String)>,
    pub network: Network,
}

/// Controller kind for each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Keeps the pod's name and its volume.
    StatefulSet,
    /// As in the original example: memory only.
    ReplicationController,
}

#[derive(Clone, Debug)]
pub struct Image {
    /// With the tag.
    pub name: String,
    pub pull_secret: Option<String>,
    pub entrypoint: Entrypoint,
}

impl Image {
    /// Whether the bus can have its own port (`cluster-port`), since Redis 7.0. Decided by the tag
    /// if it starts with a version; the start-up script rejects a tag that does not match the
    /// server.
    pub fn has_own_bus_port(&self) -> bool {
        self.entrypoint == Entrypoint::Bootstrap && self.major().is_none_or(|major| major >= 7)
    }

    /// The version that the tag starts with, if it does.
    pub fn major(&self) -> Option<u32> {
        let tag = names::version_label(&self.name).unwrap_or_default();
        tag.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

/// What starts the server in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrypoint {
    /// The start-up script of this tool.
    Bootstrap,
    /// The image's own, which reads `CLUSTER_CONFIG` and `REDIS_CONFIG` itself.
    Image,
}

/// For each node.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Request and limit.
    pub memory: Size,
    /// Request only.
    pub cpu: String,
    /// None for a memory-only cluster.
    pub storage: Option<Storage>,
}

#[derive(Clone, Debug)]
pub struct Storage {
    pub size: Size,
    /// None for the default StorageClass.
    pub class: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Redis {
    pub node_timeout_ms: u64,
    pub maxmemory_policy: String,
    /// Extra lines of redis.conf.
    pub config: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Placement {
    pub spread: Spread,
    pub node_selector: Vec<(String, String)>,
    pub tolerations: Vec<Toleration>,
    pub priority_class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Always on different workers: a pod that finds none stays pending
    Required,
    /// On different workers if possible
    Preferred,
    /// On any workers
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toleration {
    pub key: String,
    /// None tolerates any value.
    pub value: Option<String>,
    /// None tolerates all effects.
    pub effect: Option<String>,
}

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToleration {
    #[error("must be KEY[=VALUE][:EFFECT]")]
    NoKey,
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

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be KEY=VALUE")]
pub struct BadPair;

/// A label, an annotation, or any other name with a value.
///
/// # Errors
/// For text without a name.
pub fn key_value(text: &str) -> Result<(String, String), BadPair> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(BadPair),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    None,
    /// The password in the cluster's own Secret; the value is used only if the Secret must be
    /// created.
    Own(String),
    /// The password in an existing Secret.
    Secret {
        name: String,
        key: String,
    },
}

/// Who may connect to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Everyone, unless other policies restrict it.
    Open,
    /// Clients from the namespace; to the bus only the cluster's pods.
    Restricted,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSpec {
    /// See [`ClusterName::max_len`].
    #[error("the name \"{name}\" has {} characters; a cluster of this size allows at most {max}", name.len())]
    NameTooLong { name: String, max: usize },
    /// Only a StatefulSet has volumeClaimTemplates.
    #[error("a replicationcontroller has no volumes: its nodes keep their data in memory only")]
    StorageWithoutStatefulSet,
    /// The image's own entry point appends to nodes.conf at every start.
    #[error(
        "an image's own entry point rewrites nodes.conf at every start, which does not work with persistent volumes"
    )]
    StorageWithImageEntrypoint,
    #[error("{0} of memory is too little: the server itself needs {least} MiB; a size without a unit is in bytes", least = Spec::LEAST_MEMORY >> 20)]
    TooLittleMemory(Size),
    /// Linux limits an environment variable to 128 KiB (MAX_ARG_STRLEN).
    #[error(
        "a cluster of {nodes} nodes is too large: its nodes.conf exceeds the limit for an environment variable (128 KiB)"
    )]
    TooManyNodes { nodes: usize },
}

impl Spec {
    /// The longest line of nodes.conf with an IPv4 address, in bytes.
    const LINE: usize = 116;
    const LONGEST_VARIABLE: usize = 128 * 1024;
    /// Redis 8.0 without keys has 15 MB.
    pub const LEAST_MEMORY: u64 = 16 << 20;

    /// The Secret with the password, and its key.
    pub fn secret(&self) -> Option<(&str, &str)> {
        match &self.auth {
            Auth::None => None,
            Auth::Own(_) => Some((self.name.as_str(), names::PASSWORD_KEY)),
            Auth::Secret { name, key } => Some((name, key)),
        }
    }

    /// Rejects what the API server would accept but would never work.
    ///
    /// # Errors
    /// The options that contradict each other.
    pub fn validate(&self) -> Result<(), BadSpec> {
        let max = ClusterName::max_len(self.shape);
        let stored = self.resources.storage.is_some();
        if self.name.as_str().len() > max {
            Err(BadSpec::NameTooLong { name: self.name.to_string(), max })
        } else if stored && self.workload == Workload::ReplicationController {
            Err(BadSpec::StorageWithoutStatefulSet)
        } else if stored && self.image.entrypoint == Entrypoint::Image {
            Err(BadSpec::StorageWithImageEntrypoint)
        } else if self.resources.memory.bytes() < Self::LEAST_MEMORY {
            Err(BadSpec::TooLittleMemory(self.resources.memory.clone()))
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
    fn memory_that_no_server_can_start_with() {
        let mut spec = super::super::assembly::tests::spec();
        let mut with = |memory: &str| {
            spec.resources.memory = memory.parse().expect("a size");
            spec.validate().map_err(|error| error.to_string())
        };
        assert_eq!(with("16Mi"), Ok(()));
        let said = with("100").expect_err("too little");
        assert_eq!(
            said,
            "100 of memory is too little: the server itself needs 16 MiB; a size without a unit is in bytes"
        );
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
