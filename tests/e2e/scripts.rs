//! The pods' scripts come with the plugin, apart from what a user asks for.

use serde_json::Value;
use testkit::{Namespace, feed, until};

fn scripts_of_nodes(namespace: &Namespace) -> Vec<Value> {
    let info = namespace.info(&["redis-001"]);
    let shards = info["status"]["shards"].as_array().cloned().unwrap_or_default();
    let nodes = shards.iter().flat_map(|shard| {
        let replicas = shard["replicas"].as_array().cloned().unwrap_or_default();
        std::iter::once(shard["master"].clone()).chain(replicas)
    });
    nodes.map(|node| node["scripts"].clone()).collect()
}

fn data(namespace: &Namespace, key: &str) -> String {
    let map = ["configmap", "-l", "app.kubernetes.io/instance=redis-001"];
    namespace.values(&map, &format!("{{.data.{key}}}")).concat()
}

#[test]
fn scripts_of_another_version_stay_until_they_are_replaced() {
    let namespace = Namespace::new("scripts");
    let create = ["create", "redis-001", "--ephemeral"];
    namespace.plugin(&create).ok();
    let version = data(&namespace, "scripts\\.version");
    assert_eq!(scripts_of_nodes(&namespace), vec![Value::from(version.clone()); 6]);

    // What another version of the plugin has left.
    let manifests = namespace.plugin(&[&create[..], &["--dry-run=client", "-o", "yaml"]].concat()).ok();
    let apply = ["apply", "--server-side", "--field-manager", "kubectl-redis-cluster", "-f", "-"];
    feed(&mut namespace.kubectl_command(&apply), &manifests.replace(&version, "0.0.9-00000000")).ok();
    let again = namespace.plugin(&create);
    let note = again.err.clone();
    assert!(again.ok().lines().all(|line| line.ends_with(" unchanged")));
    assert!(note.contains("keeps its scripts (0.0.9-00000000; this plugin has "), "{note}");

    // What the note says.
    let (_, apply) = note.split_once("| kubectl ").expect("a command");
    let words: Vec<&str> = apply.split_whitespace().collect();
    feed(&mut namespace.kubectl_command(&words), &manifests).ok();
    assert_eq!((data(&namespace, "scripts\\.version"), data(&namespace, "formed")), (version.clone(), "yes".into()));
    namespace.kubectl(&["delete", "pod", "redis-001-node-302-0"]).ok();
    namespace.wait_ok(&["redis-001"]);
    until(30, "the new pod to be there", || scripts_of_nodes(&namespace).len() == 6);
    let quiet = namespace.plugin(&create);
    assert!(!quiet.err.contains("keeps its scripts"), "{}", quiet.err);
    assert!(quiet.ok().lines().all(|line| line.ends_with(" unchanged")));
}
