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

/// The lines of `--config`, as one variable.
pub fn redis_config(redis: &Redis) -> String {
    redis.config.iter().map(|line| format!("{line}\n")).collect()
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    #[error("\"{0}\" is not KEY=VALUE")]
    NoValue(String),
    /// A setting that this tool controls.
    #[error("\"{key}\" cannot be set with --config: {reason}")]
    Reserved {
        key: String,
        /// Why, or which flag to use instead.
        reason: &'static str,
    },
    /// A line break would add another line.
    #[error("the value of \"{0}\" contains a line break")]
    LineBreak(String),
}

const NODES: &str = "the nodes would not find each other";
const SCRIPT: &str = "the start-up script sets it in every pod";

/// Settings that this tool controls, by name or prefix, and why.
const RESERVED: [(&str, &str); 23] = [
    ("cluster-node-timeout", "use --node-timeout"),
    ("cluster-", NODES),
    ("port", NODES),
    ("tls-", NODES),
    ("bind", NODES),
    ("protected-mode", NODES),
    ("unixsocket", SCRIPT),
    ("dir", SCRIPT),
    ("daemonize", SCRIPT),
    ("supervised", SCRIPT),
    ("pidfile", SCRIPT),
    ("include", SCRIPT),
    ("logfile", "the pod's log is standard output: use the logs command"),
    ("appendonly", "use --storage SIZE to keep data, --ephemeral to keep none"),
    ("appendfilename", SCRIPT),
    ("appenddirname", SCRIPT),
    ("dbfilename", SCRIPT),
    ("maxmemory-policy", "use --maxmemory-policy"),
    ("maxmemory", "it is derived from --memory"),
    ("requirepass", "use --auth-secret NAME[/KEY]"),
    ("masterauth", "use --auth-secret NAME[/KEY]"),
    ("replicaof", "the cluster manages roles"),
    ("slaveof", "the cluster manages roles"),
];

/// `KEY=VALUE` as a line of redis.conf.
///
/// # Errors
/// If it is not such a pair, or a setting that this tool controls.
pub fn config_line(text: &str) -> Result<String, BadConfig> {
    let (key, value) = text.split_once('=').ok_or_else(|| BadConfig::NoValue(text.to_owned()))?;
    let key = key.trim().to_ascii_lowercase();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(BadConfig::NoValue(text.to_owned()));
    }
    if value.contains(['\n', '\r']) {
        return Err(BadConfig::LineBreak(key));
    }
    let is_reserved = |(name, _): &&(&str, &str)| {
        key == *name
            || (name.ends_with('-') && key.starts_with(name))
            || (*name == "unixsocket" && key.starts_with(name))
    };
    match RESERVED.iter().find(is_reserved) {
        Some((_, reason)) => Err(BadConfig::Reserved { key, reason }),
        None => Ok(format!("{key} {}", quote(value.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_users() {
        assert_eq!(config_line("hz=20").as_deref(), Ok("hz 20"));
        assert_eq!(
            config_line("Client-Output-Buffer-Limit=normal 0 0 0").as_deref(),
            Ok("client-output-buffer-limit normal 0 0 0")
        );
        assert_eq!(config_line("save=").as_deref(), Ok("save \"\""));
        assert_eq!(config_line("maxmemory-samples=9").as_deref(), Ok("maxmemory-samples 9"));
    }

    #[test]
    fn lines_that_the_design_owns_name_the_flag() {
        let text = |line: &str| config_line(line).expect_err(line).to_string();
        assert_eq!(text("port=1"), "\"port\" cannot be set with --config: the nodes would not find each other");
        assert_eq!(
            text("cluster-node-timeout=1"),
            "\"cluster-node-timeout\" cannot be set with --config: use --node-timeout"
        );
        for key in ["cluster-enabled", "DIR", "requirepass", "tls-port", "unixsocketperm", "include", "maxmemory"] {
            assert!(matches!(config_line(&format!("{key}=x")), Err(BadConfig::Reserved { .. })), "{key}");
        }
    }

    #[test]
    fn what_is_no_line() {
        assert!(matches!(config_line("hz"), Err(BadConfig::NoValue(_))));
        assert!(matches!(config_line("=1"), Err(BadConfig::NoValue(_))));
        assert!(matches!(config_line("hz=1\nport 2"), Err(BadConfig::LineBreak(_))));
    }
}
