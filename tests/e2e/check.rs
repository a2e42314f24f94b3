//! Faults that are made of real pods, and exactly the codes that each is found by.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::workers::workers;
use testkit::{Namespace, feed, program, until, wait};

/// What `check` finds, and how it ends.
fn check(namespace: &Namespace, arguments: &[&str]) -> (Value, Option<i32>) {
    let said = namespace.plugin(&[&["check", "-o", "json", "--ask-timeout", "10s"], arguments].concat());
    (serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err)), said.code)
}

fn codes(found: &Value) -> BTreeSet<String> {
    let findings = found["findings"].as_array().expect("a list");
    findings.iter().map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}

/// Waits until exactly these codes are found: what follows from a fault takes its time.
fn finds(namespace: &Namespace, cluster: &str, expected: &[&str]) -> Value {
    let expected: BTreeSet<String> = expected.iter().map(|code| (*code).to_owned()).collect();
    wait(45, &format!("{expected:?} to be found"), || {
        let found = check(namespace, &[cluster]).0;
        if codes(&found) == expected { Ok(found) } else { Err(format!("{:?}: {found:#}", codes(&found))) }
    })
}

/// The finding of this code.
fn finding<'a>(found: &'a Value, code: &str) -> &'a Value {
    let findings = found["findings"].as_array().expect("a list");
    findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code} in {found:#}"))
}

/// Does what the finding says helps.
fn take_the_hint(found: &Value, code: &str) {
    let hint = finding(found, code)["hint"].as_str().expect("a hint");
    feed(&mut program("sh"), hint).ok();
}

/// Changes the template of a node's pod, and has the pod made anew.
fn remake(namespace: &Namespace, node: &str, container: Value, pod: &Value) {
    let mut container = container;
    container["name"] = json!("redis");
    let mut spec = pod.clone();
    spec["containers"] = json!([container]);
    let patch = json!({ "spec": { "template": { "spec": spec } } }).to_string();
    namespace.kubectl(&["patch", "statefulset", node, "-p", &patch]).ok();
    namespace.kubectl(&["delete", "pod", &format!("{node}-0"), "--grace-period=1"]).ok();
}

fn unmake(namespace: &Namespace, node: &str) {
    namespace.kubectl(&["rollout", "undo", &format!("statefulset/{node}")]).ok();
}

const REPLICA: &str = "a-node-302";
const POD: &str = "a-node-302-0";

#[test]
fn pods_that_do_not_run() {
    let namespace = Namespace::new("check-pods");
    namespace.plugin(&["create", "a", "--ephemeral", "--image", "redis:7.0"]).ok();
    finds(&namespace, "a", &[]);
    let none = json!({});
    let faults: [(&str, Value, Value); 6] = [
        ("image-not-pulled", json!({ "image": "redis:nowhere" }), none.clone()),
        ("pod-unschedulable", none.clone(), json!({ "nodeSelector": { "nowhere": "at-all" } })),
        ("pod-starting", none.clone(), json!({ "volumes": [{ "name": "x", "configMap": { "name": "nowhere" } }] })),
        ("container-not-made", json!({ "envFrom": [{ "secretRef": { "name": "nowhere" } }] }), none.clone()),
        ("crash-loop", json!({ "command": ["sh", "-c", "echo so it is; exit 3"] }), none.clone()),
        (
            "out-of-memory",
            json!({ "command": ["sh", "-c", "x=a; while :; do x=$x$x; done"],
                    "resources": { "limits": { "memory": "24Mi" }, "requests": { "memory": "24Mi" } } }),
            none.clone(),
        ),
    ];
    for (code, container, pod) in faults {
        remake(&namespace, REPLICA, container, &pod);
        // What it refers to is missed as such too.
        let missing: &[&str] = match code {
            "pod-starting" => &["configmap-missing"],
            "container-not-made" => &["secret-missing"],
            _ => &[],
        };
        let found = finds(&namespace, "a", &[&[code], missing].concat());
        let finding = finding(&found, code);
        assert_eq!((finding["severity"].as_str(), finding["subject"].as_str()), (Some("warning"), Some(REPLICA)));
        if code == "crash-loop" {
            until(30, "its last log lines", || {
                check(&namespace, &["a"]).0["findings"].to_string().contains("last log lines: so it is\"")
            });
        }
        feed(&mut program("sh"), finding["hint"].as_str().expect("a hint")).ok();
        // That hint has set the image that there was before, which is what an undo would do.
        if code != "image-not-pulled" {
            unmake(&namespace, REPLICA);
        }
    }
    namespace.kubectl(&["delete", "statefulset", REPLICA]).ok();
    finds(&namespace, "a", &["pod-missing"]);
    namespace.plugin(&["create", "a", "--ephemeral", "--image", "redis:7.0"]).ok();
    finds(&namespace, "a", &[]);

    let keys: String = (0..300).map(|key| format!("set {key} x\n")).collect();
    namespace.redis("a-node-101-0", &keys);
    namespace.redis(POD, "config set replica-read-only no\nflushall\n");
    take_the_hint(&finds(&namespace, "a", &["replica-empty"]), "replica-empty");
    finds(&namespace, "a", &[]);

    let _ = namespace.kubectl(&["exec", POD, "--", "redis-cli", "shutdown", "nosave"]);
    finds(&namespace, "a", &["container-restarted"]);
    // A gate that nobody opens: the node is well, its pod never ready.
    remake(&namespace, REPLICA, none.clone(), &json!({ "readinessGates": [{ "conditionType": "example.com/gate" }] }));
    finds(&namespace, "a", &["pod-not-ready"]);
    unmake(&namespace, REPLICA);
    remake(&namespace, REPLICA, json!({ "image": "valkey/valkey:8.1" }), &none);
    finds(&namespace, "a", &["versions-differ"]);
}

#[test]
fn what_is_around_the_pods() {
    let namespace = Namespace::new("check-around");
    namespace.plugin(&["create", "a"]).ok();
    finds(&namespace, "a", &[]);

    namespace.kubectl(&["delete", "poddisruptionbudget", "a"]).ok();
    let found = finds(&namespace, "a", &["budget-missing"]);
    let hint = finding(&found, "budget-missing")["hint"].as_str().expect("a hint");
    assert!(hint.contains("create poddisruptionbudget a --selector"), "{hint}");
    // This kubectl is too new for a server of 1.20 to take the hint.
    namespace.plugin(&["create", "a"]).ok();
    finds(&namespace, "a", &[]);
    let patch = "{\"spec\":{\"maxUnavailable\":\"50%\"}}";
    namespace.kubectl(&["patch", "poddisruptionbudget", "a", "--type=merge", "-p", patch]).ok();
    take_the_hint(&finds(&namespace, "a", &["budget-useless"]), "budget-useless");
    finds(&namespace, "a", &[]);
    let first = namespace.kubectl(&["get", "poddisruptionbudget", "a", "-o", "json"]).ok();
    let mut second: Value = serde_json::from_str(&first).expect("JSON");
    second["metadata"] = json!({ "name": "b" });
    namespace.apply(&second.to_string()).ok();
    take_the_hint(&finds(&namespace, "a", &["budgets-overlap"]), "budgets-overlap");
    finds(&namespace, "a", &[]);

    let select = |node: &str| json!({ "spec": { "selector": { "kubectl-redis-cluster/node": node } } }).to_string();
    namespace.kubectl(&["patch", "service", REPLICA, "-p", &select("nobody")]).ok();
    finds(&namespace, "a", &["service-without-endpoint"]);
    namespace.kubectl(&["patch", "service", REPLICA, "-p", &select("302")]).ok();
    finds(&namespace, "a", &[]);
    let bus = namespace.kubectl(&["get", "service", REPLICA, "-o", "jsonpath={.spec.ports[1]}"]).ok();
    let patch = |change: Value| {
        let patch = json!([change]).to_string();
        namespace.kubectl(&["patch", "service", REPLICA, "--type=json", "-p", &patch]).ok();
    };
    patch(json!({ "op": "remove", "path": "/spec/ports/1" }));
    finds(&namespace, "a", &["service-without-port"]);
    let bus: Value = serde_json::from_str(&bus).expect("a port");
    patch(json!({ "op": "add", "path": "/spec/ports/1", "value": bus }));
    finds(&namespace, "a", &[]);

    let redis = |command: &str| {
        let words = command.split(' ');
        namespace.kubectl(&["exec", POD, "--", "redis-cli"].into_iter().chain(words).collect::<Vec<_>>()).ok()
    };
    let pod_ip = namespace.kubectl(&["get", "pod", POD, "-o", "jsonpath={.status.podIP}"]).ok();
    redis(&format!("config set cluster-announce-ip {pod_ip}"));
    // The bus has a port of its own behind the Service: at the pod's address nobody finds it.
    let follows = ["address-not-service", "bus-link-down", "node-failed", "node-suspected"];
    let mut found = Value::Null;
    until(60, "the address to be found", || {
        found = check(&namespace, &["a"]).0;
        let codes = codes(&found);
        codes.contains("address-not-service") && codes.iter().all(|code| follows.contains(&code.as_str()))
    });
    take_the_hint(&found, "address-not-service");
    finds(&namespace, "a", &[]);

    lose_objects(&namespace);

    redis("--cluster call 127.0.0.1:6379 config set maxmemory 0");
    take_the_hint(&finds(&namespace, "a", &["maxmemory-too-high"]), "maxmemory-too-high");
    finds(&namespace, "a", &[]);
    redis("--cluster call 127.0.0.1:6379 config set appendonly no");
    finds(&namespace, "a", &["persistence-off"]);
    redis("--cluster call 127.0.0.1:6379 config set appendonly yes");
    finds(&namespace, "a", &[]);

    namespace.kubectl(&["delete", "persistentvolumeclaim", "data-a-node-302-0", "--wait=false"]).ok();
    finds(&namespace, "a", &["volume-lost"]);
}

/// Waits until this code is among those found, and does what helps: what follows from it may take its
/// time.
fn mend(namespace: &Namespace, code: &str) {
    let found = wait(45, code, || {
        let found = check(namespace, &["a"]).0;
        if codes(&found).contains(code) { Ok(found) } else { Err(format!("{found:#}")) }
    });
    take_the_hint(&found, code);
}

/// Objects are deleted that the nodes need no more until somebody connects anew or a pod restarts.
fn lose_objects(namespace: &Namespace) {
    let address = || namespace.kubectl(&["get", "service", REPLICA, "-o", "jsonpath={.spec.clusterIP}"]).ok();
    let before = address();
    namespace.kubectl(&["delete", "service", REPLICA]).ok();
    mend(namespace, "service-missing");
    assert_eq!(address(), before);
    finds(namespace, "a", &[]);
    assert_eq!(namespace.plugin(&["create", "a"]).ok().matches(" unchanged\n").count(), 16);
    // Made again by `create` it has another address, which its node must announce.
    namespace.kubectl(&["delete", "service", REPLICA]).ok();
    namespace.plugin(&["create", "a", "--wait=false"]).ok();
    assert_ne!(address(), before);
    mend(namespace, "address-stale");
    finds(namespace, "a", &[]);

    let password = namespace.password("a");
    namespace.kubectl(&["delete", "secret", "a"]).ok();
    mend(namespace, "secret-missing");
    assert_eq!(namespace.password("a"), password);
    namespace.kubectl(&["delete", "configmap", "a"]).ok();
    mend(namespace, "configmap-missing");
    finds(namespace, "a", &[]);
    namespace.kubectl(&["scale", "statefulset", REPLICA, "--replicas", "0"]).ok();
    mend(namespace, "pod-missing");
    finds(namespace, "a", &[]);
}

#[test]
fn clusters_that_were_wished_so() {
    let namespace = Namespace::new("check-wish");
    let create = |name: &str, arguments: &[&str]| {
        namespace.plugin(&[&["create", name, "--ephemeral"], arguments].concat()).ok();
    };
    create("small", &["--shards", "1", "--replicas", "0", "--allow-small"]);
    finds(&namespace, "small", &["no-replica", "too-few-masters"]);
    let crowded = workers().into_iter().find(|worker| worker.takes_pods).expect("a worker");
    let selector = format!("kubernetes.io/hostname={}", crowded.hostname);
    create("crowded", &["--spread", "none", "--node-selector", &selector]);
    let found = finds(&namespace, "crowded", &["majority-on-one-worker", "shard-on-one-worker"]);
    let loss = &found["status"]["losses"][0];
    assert_eq!((&loss["name"], &loss["shardsLost"]), (&json!(crowded.name), &json!([1, 2, 3])));
    assert_eq!(loss["majorityLeft"], false);

    // Two clusters are made to meet: each finds the nodes of the other.
    let other = namespace.kubectl(&["get", "service", "small-node-101", "-o", "jsonpath={.spec.clusterIP}"]).ok();
    let meet = ["exec", "crowded-node-101-0", "--", "redis-cli", "cluster", "meet", &other, "6379"];
    namespace.kubectl(&meet).ok();
    for cluster in ["crowded", "small"] {
        until(60, "the other's nodes to be found", || codes(&check(&namespace, &[cluster]).0).contains("foreign-node"));
    }
}

/// What the namespace's owner may not see is said, and is no reason for doubt; what the
/// verdict hangs on is one.
#[test]
fn who_may_not_ask() {
    let namespace = Namespace::new("check-rights");
    namespace.plugin(&["create", "a", "--ephemeral"]).ok();
    // The Services' endpoints come a moment after the pods are ready.
    finds(&namespace, "a", &[]);
    let role = |name: &str, resources: &str| {
        let verbs = ["--verb=get", "--verb=list", "--verb=create"];
        namespace.kubectl(&[&["create", "role", name, "--resource", resources], &verbs[..]].concat()).ok();
        let binding = ["create", "rolebinding", name, "--role", name, "--user", name];
        namespace.kubectl(&binding).ok();
        namespace.wait_until_may(name, "list", "pods");
    };
    role("owner", "pods,services,secrets,persistentvolumeclaims,pods/portforward");
    role("looker", "pods,services");
    let mut found = Value::Null;
    until(30, "the owner to find nothing", || {
        let (now, code) = check(&namespace, &["a", "--as", "owner"]);
        found = now;
        code == Some(0)
    });
    let what: Vec<_> = found["notChecked"].as_array().expect("a list").iter().map(|gap| gap["what"].clone()).collect();
    assert_eq!(what, ["disruption budgets", "workers and zones", "controllers of the pods", "ConfigMaps"]);
    let said = namespace.plugin(&["check", "a", "--as", "looker"]);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.out.contains("not checked: a-node-101: you may not use"), "{}", said.out);
    assert!(said.out.ends_with("unknown: no node could be asked\n"), "{}", said.out);
    let said = namespace.plugin(&["check", "a", "--as", "nobody"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
}
