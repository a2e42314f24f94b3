//! Logs of all nodes: complete, in order, and through restarts.

use testkit::{Background, Namespace, until, wait};

const FIRST: &str = "redis-001-node-101-0";

fn times(lines: &str) -> Vec<jiff::Timestamp> {
    lines.lines().map(|line| line.split(' ').next().and_then(|time| time.parse().ok()).expect(line)).collect()
}

#[test]
fn logs_are_complete_in_order_and_filtered() {
    let namespace = Namespace::new("logs");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    let mut merged = String::new();
    // Between the two a node may write one more line: then repeat.
    until(30, "the nodes' logs to be those that kubectl prints", || {
        merged = namespace.plugin(&["logs", "redis-001", "--no-prefix", "--timestamps"]).ok();
        let pods = namespace.values(&["pods"], "{.metadata.name}");
        let alone: String = pods.iter().map(|pod| namespace.kubectl(&["logs", pod]).ok()).collect();
        let mut alone: Vec<&str> = alone.lines().collect();
        let mut texts: Vec<&str> =
            merged.lines().map(|line| line.split_once(' ').map_or("", |(_, text)| text)).collect();
        alone.sort_unstable();
        texts.sort_unstable();
        texts == alone
    });
    let order = times(&merged);
    assert!(order.is_sorted() && order.len() > 60, "{merged}");

    let one = namespace.plugin(&["logs", "redis-001", "--node", "101", "--tail", "2"]).ok();
    assert!(
        one.lines().count() == 2 && one.lines().all(|line| line.starts_with("[redis-001-node-101 master] ")),
        "{one}"
    );
    let replicas = namespace
        .plugin(&["logs", "redis-001", "--role", "replica", "--grep", "bootstrap: starting", "-o", "json"])
        .ok();
    assert_eq!(replicas.lines().count(), 3, "{replicas}");
    assert!(replicas.lines().all(|line| line.contains("\"role\":\"replica\"")), "{replicas}");
    let shard = namespace.plugin(&["logs", "redis-001", "--shard", "2", "--grep", "bootstrap: starting"]).ok();
    assert_eq!(shard.lines().count(), 2, "{shard}");
    assert_eq!(namespace.plugin(&["logs", "redis-001", "--since-time", "2100-01-01T00:00:00Z"]).ok(), "");
    let few = namespace.plugin(&["logs", "redis-001", "--max-log-requests", "2"]).refused();
    assert!(few.contains("use --max-log-requests to increase the limit"), "{few}");
}

/// Waits until what was followed ends with a whole log; fails with both.
fn ends_with(following: &Background, what: &str, log: impl Fn() -> Option<String>) {
    wait(25, &format!("the log of {what} to be followed"), || {
        let (out, log) = (following.out(), log());
        let is_whole = log.as_ref().is_some_and(|log| out.ends_with(log));
        if is_whole { Ok(()) } else { Err(format!("--- log\n{}\n--- followed\n{out}", log.unwrap_or_default())) }
    });
}

#[test]
fn following_goes_on_through_a_restart_and_to_a_new_pod_without_loss_or_repetition() {
    let namespace = Namespace::new("follow");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    let follow = ["logs", "redis-001", "-f", "--no-prefix", "--node", "102"];
    let following = Background::start(namespace.plugin_command(&follow));
    let pod = "redis-001-node-102-0";
    until(20, "the log so far", || following.out().contains("bootstrap: starting"));

    // The same container twice, then another pod of the same name.
    for restart in 1..=2 {
        // Before it listens it cannot be told to end.
        let ping = ["exec", pod, "--", "redis-cli", "ping"];
        until(60, "the server to answer", || namespace.kubectl(&ping).out.trim() == "PONG");
        let _ = namespace.kubectl(&["exec", pod, "--", "redis-cli", "shutdown", "nosave"]);
        until(90, "the restarted container's log", || {
            following.out().matches("bootstrap: starting").count() == restart + 1
        });
    }
    let logs = |arguments: &[&str]| {
        let said = namespace.kubectl(&[&["logs", pod], arguments].concat());
        Some(said.out).filter(|_| said.code == Some(0))
    };
    let whole = || Some(logs(&["-p"])? + &logs(&[])?);
    ends_with(&following, "both lives", whole);
    namespace.kubectl(&["delete", "pod", pod]).ok();
    until(60, "the new pod's log", || following.out().matches("Ready to accept connections").count() >= 4);
    ends_with(&following, "the new pod", || logs(&[]));
    // A freshly started process numbers its own lines: none comes twice.
    for line in ["Server initialized", "Ready to accept connections"] {
        assert_eq!(following.out().matches(line).count(), 4, "{}", following.out());
    }
    assert!(namespace.plugin(&["logs", "redis-001", "--node", "101", "-p"]).err.contains(FIRST));
}
