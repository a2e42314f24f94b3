//! redis.conf, the start-up script, and the variables that a node starts from.

use super::names::ClusterName;
use super::spec::{Redis, Spec};
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::{BUS_PORT, PORT, Peer, nodes_conf};

/// The pod's scripts, by the names that the pod finds them under: the start, what it
/// reads in, the health checks and what is done before the end.
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

/// Where the pod finds the ConfigMap.
pub const MOUNT: &str = "/redis-cluster";
/// Where the pod keeps its data.
pub const DATA_FOLDER: &str = "/data";

/// The settings that every version knows; what differs by version is added in the
/// pod, from what the server really is.
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
        // A replica copies its master at once: until then nothing protects the data.
        ("repl-diskless-sync-delay", "0".into()),
        // A link that a cut network has left hanging is made anew soon: until then the
        // master's new keys have no copy. The master speaks often enough to be heard.
        ("repl-timeout", repl_timeout(spec.redis.node_timeout_ms).to_string()),
        ("repl-ping-slave-period", "2".into()),
        ("client-output-buffer-limit", replica_buffer(spec.resources.memory.bytes())),
    ]
}

/// Three node timeouts in seconds, and not less than 15: a busy machine is no cut network.
fn repl_timeout(node_timeout_ms: u64) -> u64 {
    (node_timeout_ms * 3 / 1000).max(15)
}

/// Five eighths of the limit: the rest is for copy-on-write while a child saves,
/// for replication buffers and for the allocator.
pub(super) fn maxmemory(limit: u64) -> u64 {
    limit / 8 * 5
}

/// What a replica that reads slowly may keep its master from freeing: it is no part of
/// maxmemory, and the server's default of 256 MiB would be more than the whole limit.
fn replica_buffer(limit: u64) -> String {
    let (hard, soft) = (limit / 8, limit / 16);
    format!("slave {hard} {soft} 60")
}

/// The settings as a file.
pub fn redis_conf(spec: &Spec) -> String {
    settings(spec).into_iter().map(|(name, value)| format!("{name} {}\n", quote(value))).collect()
}

/// The settings as arguments, for an image's own entry point.
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

/// The node's nodes.conf; the kubelet puts the Services' addresses in.
pub fn cluster_config(spec: &Spec, myself: NodeNumber) -> String {
    let peer = |number| Peer {
        number,
        id: spec.name.node_id(&spec.namespace, number),
        address: format!("$({})", ClusterName::address_variable(&spec.name, number)),
    };
    let peers: Vec<_> = spec.shape.nodes().map(peer).collect();
    nodes_conf(spec.shape, &peers, myself)
}

/// The port that a node's bus listens on in its pod.
pub fn bus_port(spec: &Spec, number: NodeNumber) -> u16 {
    if spec.image.has_own_bus_port() { spec.name.bus_port(&spec.namespace, number) } else { BUS_PORT }
}

/// The user's lines of redis.conf, as one variable.
pub fn redis_config(redis: &Redis) -> String {
    redis.config.iter().map(|line| format!("{line}\n")).collect()
}

/// A redis.conf line that the design owns.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// Not `KEY=VALUE`.
    #[error("\"{0}\" is not KEY=VALUE")]
    NoValue(String),
    /// Owned by the design, with the flag that sets it, if there is one.
    #[error("\"{key}\" cannot be set by --config: {reason}")]
    Reserved {
        /// The key.
        key: String,
        /// Why, and which flag to use instead.
        reason: &'static str,
    },
    /// A line break would smuggle in another line.
    #[error("the value of \"{0}\" has a line break")]
    LineBreak(String),
}

const NODES: &str = "the nodes could not find each other";
const SCRIPT: &str = "the start-up script sets it in every pod";

/// What the design owns, by prefix, and why.
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
    ("maxmemory", "it follows --memory"),
    ("requirepass", "use --auth-secret NAME[/KEY]"),
    ("masterauth", "use --auth-secret NAME[/KEY]"),
    ("replicaof", "roles belong to the cluster"),
    ("slaveof", "roles belong to the cluster"),
];

/// Turns `KEY=VALUE` into a line of redis.conf.
///
/// # Errors
/// When it is no such pair, or a line that the design owns.
pub fn config_line(text: &str) -> Result<String, BadConfig> {
    let (key, value) = text.split_once('=').ok_or_else(|| BadConfig::NoValue(text.to_owned()))?;
    let key = key.trim().to_ascii_lowercase();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(BadConfig::NoValue(text.to_owned()));
    }
    if value.contains(['\n', '\r']) {
        return Err(BadConfig::LineBreak(key));
    }
    let owned = |(name, _): &&(&str, &str)| {
        key == *name
            || (name.ends_with('-') && key.starts_with(name))
            || (*name == "unixsocket" && key.starts_with(name))
    };
    match RESERVED.iter().find(owned) {
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
        assert_eq!(text("port=1"), "\"port\" cannot be set by --config: the nodes could not find each other");
        assert_eq!(
            text("cluster-node-timeout=1"),
            "\"cluster-node-timeout\" cannot be set by --config: use --node-timeout"
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
