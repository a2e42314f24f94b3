//! Clusters of odd forms, sound and broken: which container, port and pod is a node.

use super::workload::{Workload, codes, hints};
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

/// A Deployment whose pods have the same labels as the nodes, and run no server.
fn deployment_of_exporters(name: &str) -> String {
    let labels = json!({ "app": name, "component": "exporter" });
    let pod = json!({ "terminationGracePeriodSeconds": 1, "containers": [exporter()] });
    let template = json!({ "metadata": { "labels": labels }, "spec": pod });
    let spec = json!({ "replicas": 2, "selector": { "matchLabels": labels }, "template": template });
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "exporter" }, "spec": spec })
        .to_string()
}

/// What the kubelet ends, as it does when it evicts: the Deployment makes another pod, and this one stays.
fn evict(namespace: &Namespace, pod: &str) {
    namespace.kubectl(&["patch", "pod", pod, "-p", r#"{"spec":{"activeDeadlineSeconds":1}}"#]).ok();
    namespace.kubectl(&["wait", "pod", pod, "--for=jsonpath={.status.phase}=Failed", "--timeout=120s"]).ok();
}

#[test]
fn pods_that_are_nodes_and_pods_that_are_not() {
    let namespace = Namespace::new("odd");
    let ports = json!([{ "containerPort": 17000 }, { "containerPort": 7000 }]);
    let fails = json!([{ "name": "sysctl", "image": "redis:8.0",
                         "command": ["sh", "-c", "echo sysctl: error setting key: Read-only file system; exit 255"] }]);
    let announces = "--cluster-announce-ip $POD_IP";
    // All of them start together.
    let odd = Workload::new("odd", 3).ports(7000, ports).beside(exporter()).apply(&namespace);
    let replaced = Workload::new("dp", 3).deployment().setting(announces).first("echo before it").apply(&namespace);
    let single = Workload::new("dis", 2).setting("--cluster-enabled no").apply(&namespace);
    let failing = Workload::new("in", 1).pod(|pod| pod["initContainers"] = fails).apply(&namespace);
    [&odd, &replaced, &single].into_iter().for_each(|pods| pods.wait_ready(&namespace));
    an_odd_form(&namespace, &odd);
    leftovers(&namespace, &replaced);
    without_cluster_mode(&namespace, &single);
    a_failing_init_container(&namespace, &failing);
}

/// Pods without a StatefulSet, one of which was evicted; then one is deleted.
fn leftovers(namespace: &Namespace, pods: &Workload) {
    let evicted = pods.running(namespace).swap_remove(0);
    evict(namespace, &evicted);
    until(120, "another pod in its place", || pods.running(namespace).len() == 3);
    pods.wait_ready(namespace);
    pods.form(namespace, 0);
    let found = pods.wait_codes(namespace, &["no-replica"]);
    assert_eq!(found["status"]["state"], "ok", "{found}");
    assert!(!found.to_string().contains(&evicted), "{found}");

    // A pod that somebody deletes, and that is held in that state.
    let deleted = pods.running(namespace).swap_remove(0);
    let hold = |finalizers: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
        namespace.kubectl(&["patch", "pod", &deleted, "--type", "merge", "-p", &patch]).ok();
    };
    hold(r#"["kubectl-redis-cluster/test"]"#);
    namespace.kubectl(&["delete", "pod", &deleted, "--wait=false"]).ok();
    until(90, "the deleted pod to be told as such", || {
        let found = pods.found(namespace);
        assert!(!codes(&found).contains("crash-loop"), "{found}");
        codes(&found).contains("pod-deleted")
    });
    hold("[]");
}

/// Ports without names, an exporter's container before the server's, a Job and exporters in the selector.
fn an_odd_form(namespace: &Namespace, pods: &Workload) {
    pods.form(namespace, 0);
    namespace.apply(&job("odd")).ok();
    namespace.apply(&deployment_of_exporters("odd")).ok();
    namespace.kubectl(&["wait", "job/init", "--for=condition=Complete", "--timeout=120s"]).ok();
    namespace.kubectl(&["rollout", "status", "deployment/exporter", "--timeout=120s"]).ok();
    // Told once, and no fault.
    let found = pods.wait_codes(namespace, &["no-replica", "pod-not-a-node"]);
    assert_eq!(found["status"]["state"], "ok", "{found}");
    let strangers =
        found["findings"].as_array().expect("a list").iter().filter(|each| each["code"] == "pod-not-a-node");
    assert_eq!(strangers.map(|each| each["severity"].clone()).collect::<Vec<_>>(), ["info"], "{found}");
    let selected = ["-l", &pods.selector()];
    let list = namespace.plugin(&[&["list", "--no-headers"], &selected[..]].concat()).ok();
    assert_eq!(list.split_whitespace().take(4).collect::<Vec<_>>(), ["odd", "ok", "3", "3/3"], "{list}");
    let logs = namespace.plugin(&[&["logs", "--tail", "1"], &selected[..]].concat()).ok();
    let (metrics, servers): (Vec<&str>, Vec<&str>) = logs.lines().partition(|line| line.contains("metrics"));
    assert_eq!((servers.len(), metrics.len()), (3, 2), "of each pod its own container: {logs}");

    // A hint goes to the server: it mends.
    let other = pods.cli(namespace, "odd-1", &["cluster", "myid"]);
    pods.cli(namespace, "odd-0", &["cluster", "setslot", "5", "migrating", other.trim()]);
    let open = pods.wait_codes(namespace, &["no-replica", "pod-not-a-node", "slots-open"]);
    hints(&open, &["slots-open"]).iter().for_each(|hint| drop(feed(&mut program("sh"), hint).ok()));
    pods.wait_codes(namespace, &["no-replica", "pod-not-a-node"]);
}

fn without_cluster_mode(namespace: &Namespace, single: &Workload) {
    let found = single.wait_codes(namespace, &["cluster-mode-off"]);
    assert_eq!(found["status"]["state"], "fail", "{found}");
    assert_eq!(hints(&found, &["cluster-mode-off"])[0], format!("kubectl -n {} edit statefulset dis", namespace.name));
    let list = namespace.plugin(&["list", "--no-headers", "-l", &single.selector()]);
    assert!(list.err.contains("dis-0, dis-1 run without cluster mode"), "{}", list.err);
    assert_eq!(list.out.split_whitespace().take(4).collect::<Vec<_>>(), ["dis", "fail", "0", "0/2"]);
}

/// Its server never got its turn.
fn a_failing_init_container(namespace: &Namespace, failing: &Workload) {
    let found = failing.wait_codes(namespace, &["crash-loop"]);
    let crash = found["findings"].as_array().expect("a list").iter().find(|each| each["code"] == "crash-loop");
    let evidence = crash.expect("found")["evidence"].as_str().expect("text");
    assert!(evidence.contains("init container sysctl") && evidence.contains("exit code 255"), "{evidence}");
    assert!(evidence.contains("Read-only file system"), "{evidence}");
    let [logs] = &hints(&found, &["crash-loop"])[..] else { panic!("{found}") };
    assert!(feed(&mut program("sh"), logs).ok().contains("Read-only file system"), "{logs}");
}
