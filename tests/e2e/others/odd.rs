//! Clusters of odd forms, sound and broken: which container, port and pod is a node.

use super::workload::{Workload, hints};
use serde_json::{Value, json};
use testkit::{Namespace, feed, program, until};

/// It speaks of metrics, comes first in its pod, and is called like a server.
fn exporter() -> Value {
    json!({ "name": "redis-exporter", "image": "redis:8.0", "command": ["sh", "-c", "echo serving metrics; exec sleep 100000"],
            "ports": [{ "name": "metrics", "containerPort": 9121 }],
            "env": [{ "name": "REDIS_ADDR", "value": "redis://localhost:7000" }] })
}

/// A Job whose pod has the same labels as the nodes.
fn job(name: &str) -> String {
    let container = json!({ "name": "init", "image": "redis:8.0", "command": ["true"] });
    let pod = json!({ "restartPolicy": "Never", "containers": [container] });
    let template = json!({ "metadata": { "labels": { "app": name } }, "spec": pod });
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "init" }, "spec": { "template": template } })
        .to_string()
}

/// What the kubelet ends, as it does when it evicts: the Deployment makes another pod, and this one stays.
fn evict(namespace: &Namespace, pod: &str) {
    namespace.kubectl(&["patch", "pod", pod, "-p", r#"{"spec":{"activeDeadlineSeconds":1}}"#]).ok();
    namespace.kubectl(&["wait", "pod", pod, "--for=jsonpath={.status.phase}=Failed", "--timeout=120s"]).ok();
}

/// Pods without a StatefulSet, one of which was evicted.
#[test]
fn a_sound_cluster_beside_the_leftover_of_a_pod() {
    let namespace = Namespace::new("leftover");
    let settings = "--cluster-announce-ip $POD_IP";
    let pods = Workload::new("dp", 3).deployment().setting(settings).first("echo before the server").start(&namespace);
    let evicted = pods.running(&namespace).swap_remove(0);
    evict(&namespace, &evicted);
    until(120, "another pod in its place", || pods.running(&namespace).len() == 3);
    pods.wait_ready(&namespace);
    let pods = pods.form(&namespace, 0);
    let found = pods.wait_codes(&namespace, &["no-replica"]);
    assert_eq!(found["status"]["state"], "ok", "{found}");
    assert!(!found.to_string().contains(&evicted), "{found}");
}

/// Ports without names, an exporter's container before the server's, and a Job in the selector.
#[test]
fn a_sound_cluster_of_an_odd_form() {
    let namespace = Namespace::new("odd");
    namespace.apply(&job("odd")).ok();
    let ports = json!([{ "containerPort": 17000 }, { "containerPort": 7000 }]);
    let pods = Workload::new("odd", 3).ports(7000, ports).beside(exporter()).start(&namespace).form(&namespace, 0);
    namespace.kubectl(&["wait", "job/init", "--for=condition=Complete", "--timeout=120s"]).ok();
    let found = pods.wait_codes(&namespace, &["no-replica"]);
    assert_eq!(found["status"]["state"], "ok", "{found}");
    let selected = ["-l", &pods.selector()];
    let list = namespace.plugin(&[&["list", "--no-headers"], &selected[..]].concat()).ok();
    assert_eq!(list.split_whitespace().take(4).collect::<Vec<_>>(), ["odd", "ok", "3", "3/3"], "{list}");
    let logs = namespace.plugin(&[&["logs", "--tail", "1"], &selected[..]].concat()).ok();
    assert!(logs.lines().count() == 3 && !logs.contains("metrics"), "{logs}");

    // A hint goes to the server: it mends.
    let other = pods.cli(&namespace, "odd-1", &["cluster", "myid"]);
    pods.cli(&namespace, "odd-0", &["cluster", "setslot", "5", "migrating", other.trim()]);
    let open = pods.wait_codes(&namespace, &["no-replica", "slots-open"]);
    hints(&open, &["slots-open"]).iter().for_each(|hint| drop(feed(&mut program("sh"), hint).ok()));
    pods.wait_codes(&namespace, &["no-replica"]);
}
