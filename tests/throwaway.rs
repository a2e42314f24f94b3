//! What only the throwaway Kubernetes may be put through: losing a node, a network,
//! the API server. `make test` does not run these on a cluster of your own
//! (`TEST_KUBECONFIG`); run by hand there, they fail before they touch anything.

#![expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a failed test shows what it saw")]

#[path = "e2e/support.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod support;
#[path = "cluster/throwaway.rs"]
mod throwaway;

use support::{Namespace, program, run, until};
use throwaway::{kube, refuse_other_clusters, script};

/// What was hurt is mended, also when a test fails.
struct Mended(&'static [&'static [&'static str]]);

impl Drop for Mended {
    fn drop(&mut self) {
        self.0.iter().for_each(|arguments| kube(arguments));
    }
}

fn worker_is_ready(name: &str) -> bool {
    let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    run(program("kubectl").args(["get", "node", name, "-o", ready])).out == "True"
}

#[test]
fn losing_any_worker_or_the_api_server_is_seen_and_survived() {
    refuse_other_clusters();
    let namespace = Namespace::new("worker");
    namespace.plugin(&["create", "redis-001"]).ok();

    let workers = namespace.values(&["pods"], "{.spec.nodeName}");
    let lost = workers.iter().filter(|worker| *worker == "node-3").count();
    assert!(lost > 0, "{workers:?}");

    // No power: its nodes are rows that say why, the others elect and go on.
    {
        let _mended = Mended(&[&["start-node", "3"]]);
        kube(&["kill-node", "3"]);
        until(60, "the failover", || {
            let info = namespace.info(&["redis-001"]);
            let reachable = info["status"]["shards"].as_array().is_some_and(|shards| {
                shards.len() == 3 && shards.iter().all(|shard| shard["master"]["reachable"] == true)
            });
            reachable && info["status"]["state"] == "degraded"
        });
        let shown = namespace.plugin(&["info", "redis-001", "--ask-timeout", "2s"]).ok();
        assert!(shown.contains(&format!("{} of 6 nodes answer", 6 - lost)), "{shown}");
        assert_eq!(shown.matches("[node-unreachable]").count(), lost, "{shown}");
    }
    until(60, "the worker", || worker_is_ready("node-3"));
    namespace.wait_ok(&["redis-001"]);

    // No network, and back.
    {
        let _mended = Mended(&[&["join", "2"]]);
        kube(&["cut", "2"]);
        until(60, "the failover", || {
            let info = namespace.info(&["redis-001"]);
            info["status"]["state"] == "degraded"
        });
    }
    until(60, "the worker", || worker_is_ready("node-2"));
    namespace.wait_ok(&["redis-001"]);

    kube(&["restart-apiserver"]);
    namespace.wait_ok(&["redis-001"]);
}

#[test]
fn no_record_of_an_exec_has_the_password() {
    refuse_other_clusters();
    let namespace = Namespace::new("audit");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    namespace.info(&["redis-001", "--via", "exec"]);
    let password = namespace.password("redis-001");
    let records = run(script().arg("audit")).ok();
    let ours: Vec<&str> = records.lines().filter(|line| line.contains(&namespace.name)).collect();
    assert!(ours.iter().any(|line| line.contains("redis-cli")), "the execs must be among the records");
    assert!(ours.iter().all(|line| !line.contains(&password)));
}

#[test]
fn the_cluster_says_what_is_wrong_with_a_command() {
    let complaint = |arguments: &[&str]| {
        let output = script().args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(complaint(&["up", "--nodes", "0"]), "error: --nodes must be a number from 1 to 9, not \"0\"\n");
    assert!(complaint(&["up", "--proxy-mode", "x"]).starts_with("error: --proxy-mode must be userspace, iptables"));
    assert!(complaint(&["kill-node", "12"]).starts_with("error: "));
    assert!(complaint(&["nonsense"]).starts_with("usage: tests/cluster/kube"));
}
