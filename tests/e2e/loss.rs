//! A shard of which no copy is left: it is said, and only a person can end it.

use testkit::{Namespace, until, wait};

const KEYS: usize = 300;

fn answers(namespace: &Namespace, line: impl Fn(usize) -> String) -> Vec<String> {
    namespace.answers("redis-001-node-201-0", &(0..KEYS).map(line).collect::<String>())
}

#[test]
fn a_shard_without_a_copy_waits_for_a_persons_word() {
    let namespace = Namespace::new("loss");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    assert_eq!(answers(&namespace, |index| format!("SET key:{index} {index}\n")), vec!["OK"; KEYS]);
    let nothing = namespace.plugin(&["accept-loss", "redis-001", "--yes"]).refused();
    insta::assert_snapshot!(nothing.replace(&namespace.name, "<ns>"), @r#"
    error: no shard of redis cluster "redis-001" reports that its data is lost
    hint: to give up a shard that waits for a node that will never come back, add --shard NUMBER
    hint: to see the state of each node, run: kubectl redis-cluster -n <ns> info redis-001
    "#);
    let served = namespace.plugin(&["accept-loss", "redis-001", "--shard", "1", "--yes"]).refused();
    insta::assert_snapshot!(served.replace(&namespace.name, "<ns>"), @"
    error: shard 1 is served by redis-001-node-101: there is no data loss to accept
    hint: to see the state of each node, run: kubectl redis-cluster -n <ns> info redis-001
    ");

    let found = |code: &str| {
        let info = namespace.info(&["redis-001"]);
        let findings = info["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().filter(|finding| finding["code"] == code).count()
    };
    // The master's pod is new, and its replica may still have the data.
    let replica = "redis-001-node-102";
    namespace.kubectl(&["scale", "statefulset", replica, "--replicas=0"]).ok();
    until(60, "the replica to go", || found("pod-missing") == 1);
    let master = "redis-001-node-101-0";
    namespace.kubectl(&["delete", "pod", master, "--grace-period=0", "--force"]).ok();
    until(90, "the master to wait", || found("node-waiting") == 1);
    // It has none either.
    namespace.kubectl(&["scale", "statefulset", replica, "--replicas=1"]).ok();
    until(90, "both nodes to say that the data is gone", || found("data-lost") == 2);
    let shown = namespace.plugin(&["check", "redis-001"]);
    assert_eq!(shown.code, Some(1), "{}", shown.err);
    let shown = shown.out;
    let hint = format!("hint: kubectl redis-cluster -n {} accept-loss redis-001 --shard 1", namespace.name);
    assert!(shown.contains("no node holds this shard's data any more") && shown.contains(&hint), "{shown}");
    // The guard tells those who ask before it prints the same.
    wait(10, "the log to say how to accept the loss", || {
        let log = namespace.kubectl(&["logs", master]).ok();
        if log.contains("accept the loss with accept-loss") { Ok(()) } else { Err(log) }
    });

    let plan = namespace.plugin(&["accept-loss", "redis-001", "--dry-run=client"]);
    assert!(plan.err.contains("shard 1: redis-001-node-101 starts as the new owner, empty"), "{}", plan.err);
    assert_eq!(plan.ok(), "shard/1 accepted (dry run)\n");
    let unasked = namespace.plugin(&["accept-loss", "redis-001"]);
    assert_eq!(unasked.code, Some(1), "nobody is there to ask: {}", unasked.err);
    assert_eq!(namespace.plugin(&["accept-loss", "redis-001", "--yes"]).ok(), "shard/1 accepted\n");
    namespace.wait_ok(&["redis-001"]);
    let kept = answers(&namespace, |index| format!("GET key:{index}\n"));
    let kept = kept.iter().filter(|reply| !reply.is_empty()).count();
    assert!((KEYS / 2..KEYS * 3 / 4).contains(&kept), "the other shards keep theirs: {kept}");
}
