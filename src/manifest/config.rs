//! redis.conf, the pods' scripts, and the environment variables of a node.

use super::names::ClusterName;
use super::spec::{Redis, Spec};
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::{BUS_PORT, InitialNode, PORT, nodes_conf};
use sha2::{Digest, Sha256};

/// The pods' scripts by file name: start-up and the files that it sources, probes, and the
/// preStop hook.
pub const SCRIPTS: [(&str, &str); 9] = [
    ("ask.sh", include_str!("ask.sh")),
    ("bootstrap.sh", include_str!("bootstrap.sh")),
    ("decide.awk", include_str!("decide.awk")),
    ("gather.sh", include_str!("gather.sh")),
    ("guard.sh", include_str!("guard.sh")),
    ("poll.sh", include_str!("poll.sh")),
    ("probe.sh", include_str!("probe.sh")),
    ("startup.sh", include_str!("startup.sh")),
    ("stop.sh", include_str!("stop.sh")),
];

pub const MAXMEMORY_POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// The ConfigMap's key with the version of its scripts.
pub const SCRIPTS_VERSION: &str = "scripts.version";

/// The version of the scripts: that of the plugin that they came with, and a hash that tells them
/// from any others. It is apart from what a user asks for: see [`super::difference`].
pub fn scripts_version() -> String {
    let digest = SCRIPTS.iter().fold(Sha256::new(), |hash, (name, text)| hash.chain_update(name).chain_update(text));
    let hash: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", env!("CARGO_PKG_VERSION"))
}

/// The mount path of the ConfigMap.
pub const MOUNT: &str = "/redis-cluster";
pub const DATA_FOLDER: &str = "/data";

/// Settings that every version knows. Settings that depend on the version are added in the pod,
/// by the server's actual version.
pub fn settings(spec: &Spec) -> Vec<(&'static str, String)> {
    let persistent = if spec.resources.storage.is_some() { "yes" } else { "no" };
    vec![
        ("port", PORT.to_string()),
        ("cluster-enabled", "yes".into()),
        ("cluster-config-file", "nodes.conf".into()),
        ("cluster-node-timeout", spec.redis.node_timeout_ms.to_string()),
        ("cluster-require-full-coverage", "yes".into()),
        ("appendonly", persistent.into()),
        ("save", String::new()),
        ("maxmemory", maxmemory(spec.resources.memory.bytes()).to_string()),
        ("maxmemory-policy", spec.redis.maxmemory_policy.clone()),
        // Sync at once: until then the data has no copy.
        ("repl-diskless-sync-delay", "0".into()),
        // Reconnect a link that hangs after a network partition soon: until then the master's
        // new keys have no copy. The master pings often enough to keep a healthy link.
        ("repl-timeout", repl_timeout(spec.redis.node_timeout_ms).to_string()),
        ("repl-ping-slave-period", "2".into()),
        ("client-output-buffer-limit", replica_buffer(spec.resources.memory.bytes())),
    ]
}

/// Three node timeouts in seconds, but at least 15: a busy worker is not a network partition.
fn repl_timeout(node_timeout_ms: u64) -> u64 {
    (node_timeout_ms * 3 / 1000).max(15)
}

/// Five eighths of the limit: the rest is for copy-on-write while a child saves,
/// for replication buffers and for the allocator.
pub(super) fn maxmemory(limit: u64) -> u64 {
    limit / 8 * 5
}

/// Output buffers of slow replicas do not count toward maxmemory, and the server's default of
/// 256 MiB would exceed the memory limit.
fn replica_buffer(limit: u64) -> String {
    let (hard, soft) = (limit / 8, limit / 16);
    format!("slave {hard} {soft} 60")
}

pub fn redis_conf(spec: &Spec) -> String {
    settings(spec).into_iter().map(|(name, value)| format!("{name} {}\n", quote(value))).collect()
}

/// For an image's own entry point.
pub fn arguments(spec: &Spec) -> Vec<String> {
    let words = |value: String| match value.as_str() {
        "" => vec![String::new()],
        words => words.split(' ').map(str::to_owned).collect(),
    };
    let flags = settings(spec).into_iter().flat_map(|(name, value)| [vec![format!("--{name}")], words(value)].concat());
    std::iter::once("redis-server".to_owned()).chain(flags).collect()
}

fn quote(value: String) -> String {
    if value.is_empty() { "\"\"".into() } else { value }
}

/// The initial nodes.conf; the kubelet expands the Services' addresses.
pub fn cluster_config(spec: &Spec, myself: NodeNumber) -> String {
    let peer = |number| InitialNode {
        number,
        id: spec.name.node_id(&spec.namespace, number),
        address: format!("$({})", ClusterName::address_variable(&spec.name, number)),
    };
    let peers: Vec<_> = spec.shape.nodes().map(peer).collect();
    nodes_conf(spec.shape, &peers, myself)
}

/// The port of the node's bus in its pod.
pub fn bus_port(spec: &Spec, number: NodeNumber) -> u16 {
    if spec.image.has_own_bus_port() { spec.name.bus_port(&spec.namespace, number) } else { BUS_PORT }
}

/// The lines of `--config`, as one variable. The kubelet would expand `$(NAME)`.
pub fn redis_config(redis: &Redis) -> String {
    redis.config.iter().map(|line| format!("{}\n", line.replace("$(", "$$("))).collect()
}
