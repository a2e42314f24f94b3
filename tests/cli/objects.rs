//! What the objects beside the nodes say: Services, controllers, Secrets and ConfigMaps.

use super::world::World;
use serde_json::{Value, json};

const NAMESPACE: &str = "/api/v1/namespaces/default";
const CONTROLLERS: &str = "/apis/apps/v1/namespaces/default/statefulsets";

/// The findings of `check`.
async fn found(world: &World) -> Vec<Value> {
    let said = world.run("check redis-001 -o json").await;
    let json = said.split("[exit status").next().expect("JSON");
    let found: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("{said}"));
    found["findings"].as_array().expect("a list").clone()
}

fn texts<'a>(findings: &'a [Value], key: &str) -> Vec<&'a str> {
    findings.iter().map(|finding| finding[key].as_str().expect("text")).collect()
}

/// All in parallel but for the pods and the password, which come first.
#[tokio::test(start_paused = true)]
async fn check_asks_for_each_kind_once() {
    let world = World::with_cluster().await;
    assert_eq!(found(&world).await, Vec::<Value>::new());
    let mut requests = world.requests();
    requests.sort();
    insta::assert_snapshot!(requests.join("\n"), @"
    GET /api/v1/namespaces/default/configmaps/redis-001
    GET /api/v1/namespaces/default/pods
    GET /api/v1/namespaces/default/secrets/redis-001
    GET /api/v1/namespaces/default/services
    GET /api/v1/nodes
    GET /api/v1/nodes/node-3
    GET /apis/apps/v1/namespaces/default/statefulsets
    GET /apis/policy/v1
    GET /apis/policy/v1/namespaces/default/poddisruptionbudgets
    ");
}

#[tokio::test(start_paused = true)]
async fn a_lost_secret_is_named_with_the_way_back() {
    let world = World::with_cluster().await;
    world.remove(&format!("{NAMESPACE}/secrets/redis-001"));
    insta::assert_snapshot!(world.run("check redis-001").await);
    world.remove(&format!("{NAMESPACE}/configmaps/redis-001"));
    assert_eq!(texts(&found(&world).await, "code"), ["secret-missing", "configmap-missing"]);
    // One that was asked for is not given up.
    let said = world.run("check redis-001 --auth-secret mine/password").await;
    assert!(said.contains("error: secret \"mine\" with the cluster's password not found"), "{said}");
    world.forbid("get configmaps");
    let said = world.run("check redis-001").await;
    assert!(said.contains("\nnot checked: ConfigMaps: you need permission to get configmaps: "), "{said}");
}

/// As `create` would make it.
#[tokio::test(start_paused = true)]
async fn a_lost_service_is_made_again_at_its_address() {
    let world = World::with_cluster().await;
    let before = world.object(&format!("{NAMESPACE}/services/redis-001-node-202"));
    world.remove(&format!("{NAMESPACE}/services/redis-001-node-202"));
    let findings = found(&world).await;
    assert_eq!(texts(&findings, "code"), ["service-missing"]);
    let hint = texts(&findings, "hint")[0];
    let manifest = hint.strip_prefix("echo '").and_then(|rest| rest.split_once("' | ")).expect("a manifest");
    assert_eq!(manifest.1, "kubectl -n default create -f -");
    assert_eq!(serde_json::from_str::<Value>(manifest.0).expect("JSON"), before);
    let clients = world.object(&format!("{NAMESPACE}/services/redis-001"));
    world.remove(&format!("{NAMESPACE}/services/redis-001"));
    let findings = found(&world).await;
    let made =
        texts(&findings, "hint")[0].strip_prefix("echo '").and_then(|rest| rest.split_once("' | ")).expect("one");
    assert_eq!(serde_json::from_str::<Value>(made.0).expect("JSON"), clients);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_forbids_a_pod_is_the_cause() {
    let world = World::with_cluster().await;
    world.remove(&format!("{NAMESPACE}/pods/redis-001-node-202-0"));
    world.edit(&format!("{CONTROLLERS}/redis-001-node-202"), |set| set["status"]["replicas"] = json!(0));
    let message = "create Pod redis-001-node-202-0 in StatefulSet redis-001-node-202 failed error: pods \
                   \"redis-001-node-202-0\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5";
    let event = json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": "e" }, "type": "Warning",
        "reason": "FailedCreate", "message": message, "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": { "kind": "StatefulSet", "name": "redis-001-node-202", "uid": "x" } });
    world.put(&format!("{NAMESPACE}/events/e"), event);
    let findings = found(&world).await;
    assert_eq!(texts(&findings, "code"), ["pod-missing"]);
    let evidence = "its pod does not exist: exceeded quota: small, requested: pods=1, used: pods=5";
    assert_eq!(texts(&findings, "evidence"), [evidence]);
    let said = world.run("create redis-001 --timeout 1m").await;
    assert!(said.contains("has no pod (exceeded quota: small, requested: pods=1"), "{said}");

    world.forbid("list events");
    let said = world.run("check redis-001").await;
    assert!(said.contains("\nnot checked: events of controllers: you need permission to list events: "), "{said}");
    world.mend();
    world.edit(&format!("{CONTROLLERS}/redis-001-node-202"), |set| set["spec"]["replicas"] = json!(0));
    let hint = "kubectl -n default scale statefulset redis-001-node-202 --replicas 1";
    assert_eq!(texts(&found(&world).await, "hint"), [hint]);
    world.forbid("list statefulsets");
    let said = world.run("check redis-001").await;
    let denied = "\nnot checked: controllers of the pods: you need permission to list statefulsets: ";
    assert!(said.contains(denied) && said.contains("redis-001-node-202 has no pod [pod-missing]"), "{said}");
}

/// Each kind of controller is listed only if a pod has it.
#[tokio::test(start_paused = true)]
async fn controllers_of_every_kind() {
    let world = World::with_cluster().await;
    for (kind, resource) in [("ReplicaSet", "deployments"), ("ReplicationController", "replicationcontrollers")] {
        world.edit(&format!("{NAMESPACE}/pods/redis-001-node-101-0"), |pod| {
            pod["metadata"]["labels"]["pod-template-hash"] = json!("7f");
            pod["metadata"]["ownerReferences"][0]["kind"] = json!(kind);
            pod["metadata"]["ownerReferences"][0]["name"] = json!("dp-7f");
        });
        world.forbid(&format!("list {resource}"));
        let said = world.run("check redis-001").await;
        let denied = format!("not checked: controllers of the pods: you need permission to list {resource}: ");
        assert!(said.contains(&denied), "{said}");
        world.mend();
    }
}
