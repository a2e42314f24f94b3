//! The commands in process, against an API server and nodes in memory: faults that a real
//! Kubernetes cannot be made to show at the right moment.
//!
//! One snapshot holds all that a user sees: standard output, standard error, status.

mod create;
mod documents;
mod logs;
mod objects;
mod proxy;
mod waits;
mod wire;
mod world;

use kubectl_redis_cluster::manifest::config::scripts_version;
use serde_json::{Value, json};
use world::{Node, World};

#[tokio::test(start_paused = true)]
async fn create_and_the_same_again() {
    let world = World::new();
    let said = world.run("create redis-001").await;
    insta::assert_snapshot!(said);
    assert!(world.order_is(&["services/redis-001-node-302", "statefulsets/redis-001-node-101"]));
    assert!(world.order_is(&["statefulsets/redis-001-node-301", "statefulsets/redis-001-node-102"]));
    let again = world.run("create redis-001").await;
    assert_eq!(again.matches(" unchanged\n").count(), 16, "{again}");
    assert!(!again.contains("stderr"), "{again}");
}

/// The pods' scripts come with the plugin: nobody asked for others.
#[tokio::test(start_paused = true)]
async fn create_leaves_the_scripts_of_another_version_as_they_are() {
    let world = World::new();
    world.run("create redis-001").await;
    world.edit("/api/v1/namespaces/default/configmaps/redis-001", |map| {
        map["data"]["scripts.version"] = json!("0.0.9-12345678");
        map["data"]["bootstrap.sh"] = json!("#!/bin/sh");
    });
    let again = world.run("create redis-001").await.replace(&scripts_version(), "<version>");
    assert_eq!(again.matches(" unchanged\n").count(), 16, "{again}");
    let note = again.split_once("note: ").map(|(_, note)| note.trim_end());
    insta::assert_snapshot!(note.unwrap_or_default());
}

#[tokio::test(start_paused = true)]
async fn create_that_fails_in_the_middle_says_how_to_go_on_and_then_does() {
    let world = World::new();
    world.fail("patch statefulsets redis-001-node-201", 500, "etcd is on holiday");
    insta::assert_snapshot!(world.run("create redis-001").await);
    world.mend();
    let again = world.run("create redis-001 --wait=false").await;
    assert!(again.contains("statefulset.apps/redis-001-node-201 created\n"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn create_sends_nothing_that_changes_before_it_knows_that_it_may() {
    let world = World::new();
    world.forbid("create services");
    insta::assert_snapshot!(world.run("create redis-001").await, @r#"
    ------- stderr
    error: you may not create services in the namespace "default"
    hint: to list your permissions, run: kubectl auth can-i --list -n default
    [exit status: 1]
    "#);
    world.run("create redis-001 --dry-run=client").await;
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn create_wants_a_way_to_the_nodes_before_it_waits_for_them() {
    let world = World::new();
    world.forbid("create pods/portforward");
    world.forbid("create pods/exec");
    insta::assert_snapshot!(world.run("create redis-001").await, @r#"
    ------- stderr
    error: you may not create pods/portforward in the namespace "default"
    hint: to list your permissions, run: kubectl auth can-i --list -n default
    [exit status: 1]
    "#);
    assert_eq!(world.changes(), Vec::<String>::new());
    let unasked = world.run("create redis-001 --wait=false").await;
    assert!(unasked.contains("statefulset.apps/redis-001-node-302 created\n"), "{unasked}");
}

/// Pods, the password and the workers' zones; one more where a worker has another name than
/// its label says.
#[tokio::test(start_paused = true)]
async fn info_asks_the_api_server_for_little() {
    let world = World::with_cluster().await;
    let said = world.run("info redis-001 -o json").await;
    let mut requests = world.requests();
    requests.sort();
    insta::assert_snapshot!(requests.join("\n"), @"
    GET /api/v1/namespaces/default/pods
    GET /api/v1/namespaces/default/secrets/redis-001
    GET /api/v1/nodes
    GET /api/v1/nodes/node-3
    ");
    let zones: Vec<String> = (1..=3).map(|zone| format!("\"zone-{zone}\"")).collect();
    assert!(zones.iter().all(|zone| said.contains(zone)), "{said}");
    world.forbid("list nodes");
    let said = world.run("info redis-001").await;
    assert!(said.contains("you need permission to list nodes"), "{said}");
    world.mend();
    world.forbid("get nodes");
    let said = world.run("info redis-001").await;
    assert!(said.contains("you need permission to get nodes"), "{said}");
}

/// Its Services still say which nodes it has.
#[tokio::test(start_paused = true)]
async fn a_cluster_without_any_pod() {
    let world = World::with_cluster().await;
    for node in ["101", "102", "201", "202", "301", "302"] {
        world.remove(&format!("/api/v1/namespaces/default/pods/redis-001-node-{node}-0"));
    }
    let said = world.run("info redis-001").await;
    assert_eq!(said.matches("its pod does not exist").count(), 6, "{said}");
    world.forbid("list services");
    let said = world.run("list --state").await;
    assert!(said.contains("you need permission to list services"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn create_that_waits_says_what_kubernetes_says_of_this_pod() {
    let world = World::new();
    world.node("redis-001-node-101-0", Node::Hangs);
    for (uid, time, message) in
        [("earlier", "02", "of a pod that is gone"), ("redis-001-node-101-0", "01", "of this pod")]
    {
        let object = json!({ "kind": "Pod", "name": "redis-001-node-101-0", "uid": uid });
        let event = json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": uid }, "type": "Warning",
                            "involvedObject": object, "message": message, "lastTimestamp": format!("2026-01-{time}T00:00:00Z") });
        world.put(&format!("/api/v1/namespaces/default/events/{uid}"), event);
    }
    let said = world.run("create redis-001 --timeout 1m").await;
    assert!(said.contains("(of this pod)") && !said.contains("of a pod that is gone"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn create_that_waits_says_what_it_may_not_look_at() {
    let world = World::new();
    world.node("redis-001-node-201-0", Node::Hangs);
    world.forbid("get pods/log");
    world.forbid("list events");
    let said = world.run("create redis-001 --timeout 1m").await;
    for right in ["get pods/log", "list events"] {
        assert!(said.contains(&format!("you need permission to {right}: kubectl auth can-i")), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn info_of_nodes_that_answer_badly_or_not_at_all() {
    let world = World::with_cluster().await;
    insta::assert_snapshot!("info_healthy", world.run("info redis-001").await);
    world.node("redis-001-node-102-0", Node::Hangs);
    world.node("redis-001-node-201-0", Node::Refuses("nothing listens on its port"));
    world.node("redis-001-node-302-0", Node::Says("what?"));
    insta::assert_snapshot!("info_partial", world.run("info").await);
}

#[tokio::test(start_paused = true)]
async fn check_of_what_is_well_of_what_is_not_and_of_what_may_not_be_seen() {
    let world = World::with_cluster().await;
    insta::assert_snapshot!("check_healthy", world.run("check redis-001").await);
    world.node("redis-001-node-102-0", Node::Hangs);
    world.remove("/apis/policy/v1/namespaces/default/poddisruptionbudgets/redis-001");
    insta::assert_snapshot!("check_partial", world.run("check redis-001").await);
    let lenient = world.run("check redis-001 --severity error").await;
    assert!(lenient.ends_with("below --severity: 2 warnings\n"), "{lenient}");
    world.fail("get nodes", 403, "nodes is forbidden");
    world.fail("list poddisruptionbudgets", 403, "poddisruptionbudgets.policy is forbidden");
    world.node("redis-001-node-102-0", Node::Says("what?"));
    insta::assert_snapshot!("check_without_rights", world.run("check redis-001").await);
    let shown = world.run("info redis-001").await;
    assert!(
        shown.ends_with("not checked: workers and zones: Error from server (Forbidden): nodes is forbidden\n"),
        "{shown}"
    );
    world.fail("list pods", 403, "pods is forbidden");
    let said = world.run("check redis-001").await;
    assert!(said.ends_with("[exit status: 2]\n"), "{said}");
}

/// Each pod with a volume, of which its worker's kubelet knows how full it is.
fn with_volumes(world: &World) {
    for node in [101, 102, 201, 202, 301, 302] {
        let claim = format!("data-redis-001-node-{node}-0");
        world.edit(&format!("/api/v1/namespaces/default/pods/redis-001-node-{node}-0"), |pod| {
            pod["spec"]["volumes"] = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }]);
        });
        let object = json!({ "metadata": { "name": claim }, "status": { "phase": "Bound" } });
        world.put(&format!("/api/v1/namespaces/default/persistentvolumeclaims/{claim}"), object);
        let worker = node / 100 + node % 100;
        let volume =
            json!({ "usedBytes": 1, "availableBytes": 99, "pvcRef": { "name": claim, "namespace": "default" } });
        let path = format!("/api/v1/nodes/node-{}/proxy/stats/summary", worker % 3 + 1);
        world.put(&path, json!({ "pods": [{ "volume": [volume] }] }));
    }
}

/// Its kubelet is behind the API server, which answers at once that it cannot be reached, or, before
/// it has noticed, not at all.
#[tokio::test(start_paused = true)]
async fn a_worker_without_power_costs_check_at_most_a_second() {
    let world = World::with_cluster().await;
    with_volumes(&world);
    let healthy = world.run("check redis-001").await;
    assert!(!healthy.contains("not checked"), "{healthy}");
    world.fail("get nodes/proxy node-3", 503, "error trying to reach service: dial tcp 198.51.100.3:10250: no route");
    let said = world.run("check redis-001").await;
    assert!(said.contains("\nnot checked: volume usage on node-3: Error from server: error trying to reach"), "{said}");
    world.mend();
    world.hang("get nodes/proxy node-3");
    let begin = tokio::time::Instant::now();
    let said = world.run("check redis-001").await;
    assert!(said.contains("\nnot checked: volume usage on node-3: no response from its kubelet within 1s\n"), "{said}");
    assert!(begin.elapsed() < std::time::Duration::from_millis(1100), "{:?}", begin.elapsed());
    // The log of what has ended there, too.
    world.edit("/api/v1/namespaces/default/pods/redis-001-node-102-0", |pod| {
        pod["status"]["containerStatuses"][0]["state"] = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
    });
    world.hang("get pods/log redis-001-node-102-0");
    let begin = tokio::time::Instant::now();
    let said = world.run("check redis-001").await;
    assert!(said.contains("\nnot checked: the log of redis-001-node-102-0: no response from its kubelet"), "{said}");
    assert!(begin.elapsed() < std::time::Duration::from_millis(1100), "{:?}", begin.elapsed());
}

/// What is around nodes that nobody could ask says nothing about them.
#[tokio::test(start_paused = true)]
async fn nobody_could_be_asked() {
    let world = World::with_cluster().await;
    world.remove("/apis/policy/v1/namespaces/default/poddisruptionbudgets/redis-001");
    for node in ["101", "102", "201", "202", "301", "302"] {
        world.node(&format!("redis-001-node-{node}-0"), Node::Hangs);
    }
    let said = world.run("check redis-001").await;
    assert!(said.ends_with("unknown: no node could be asked, 1 warning\n[exit status: 2]\n"), "{said}");
    assert!(!said.contains("IF-LOST") && !said.contains("if any single"), "{said}");
    let said = world.run("list --no-headers -l app.kubernetes.io/instance=redis-001").await;
    let row: Vec<&str> = said.split_whitespace().take(4).collect();
    assert_eq!(row, ["redis-001-node", "unknown", "0", "0/6"], "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_matches_no_node() {
    let world = World::new();
    let pod = |name: &str, phase: &str, container: &str| {
        let labels = json!({ "app": "redis" });
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": labels },
                          "spec": { "containers": [{ "name": container }] }, "status": { "phase": phase } });
        world.put(&format!("/api/v1/namespaces/default/pods/{name}"), pod);
    };
    pod("init-x", "Succeeded", "init");
    insta::assert_snapshot!(world.run("info -l app=redis").await, @r#"
    ------- stderr
    error: "app=redis" matches no Redis node in namespace "default": its pods have ended or belong to Jobs
    [exit status: 1]
    "#);
    pod("redis-0", "Running", "server");
    insta::assert_snapshot!(world.run("info -l app=redis --redis-container redis").await, @r#"
    ------- stderr
    error: no pod that matches "app=redis" has a container "redis"
    hint: to see the containers, run: kubectl -n default describe pods -l app=redis
    [exit status: 1]
    "#);
}

#[tokio::test(start_paused = true)]
async fn accept_loss_of_a_shard_that_is_gone() {
    let world = World::with_cluster().await;
    insta::assert_snapshot!("accept_loss_refused", world.run("accept-loss redis-001 --shard 2 --yes").await);
    for node in ["201", "202"] {
        world.node(&format!("redis-001-node-{node}-0"), Node::HasLostItsData);
    }
    insta::assert_snapshot!("info_of_lost_data", world.run("info redis-001").await);
    insta::assert_snapshot!("accept_loss", world.run("accept-loss redis-001 --yes").await);
    world.node("redis-001-node-201-0", Node::IsDeaf);
    insta::assert_snapshot!("accept_loss_unheard", world.run("accept-loss --shard 2 --yes --timeout 5s").await);
}

#[tokio::test(start_paused = true)]
async fn info_of_what_is_not_there() {
    let world = World::new();
    insta::assert_snapshot!(world.run("info nope").await, @r#"
    ------- stderr
    error: redis cluster "nope" not found in namespace "default"
    hint: to list all clusters, run: kubectl redis-cluster list -A
    [exit status: 1]
    "#);
    insta::assert_snapshot!(world.run("info").await, @r#"
    ------- stderr
    error: no redis cluster found in namespace "default"
    hint: to create one, run: kubectl redis-cluster -n default create NAME
    hint: for other namespaces, run: kubectl redis-cluster list -A; for pods of other tools, add -l SELECTOR
    [exit status: 1]
    "#);
}

/// Asserts that a command is printed, and that each acts on what was asked about.
fn assert_commands_repeat_what_was_given(said: &str) {
    let commands: Vec<&str> = said.split("kubectl ").skip(1).collect();
    assert!(!commands.is_empty(), "{said}");
    for words in commands {
        let of_plugin = words.strip_prefix("redis-cluster ");
        let rest = of_plugin.unwrap_or(words).strip_prefix("--context staging --as bob ").expect(said);
        if rest.starts_with("list -A") || rest.starts_with("auth can-i") {
            continue;
        }
        let rest = rest.strip_prefix("-n default ").expect(said);
        let is_complete =
            of_plugin.is_none() || rest.starts_with("--via port-forward --auth-secret redis-001/password ");
        // It has them as what the cluster is made of.
        assert!(is_complete || rest.starts_with("create redis-001 --shards "), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_printed_command_repeats_what_was_given() {
    let run = async |world: &World, line: &str| {
        let line = format!("{line} --context staging --as bob --auth-secret redis-001 --via port-forward");
        let said = world.run(&line).await;
        assert_commands_repeat_what_was_given(&said);
        said
    };
    let empty = World::new();
    for line in ["info", "info nope", "delete nope --yes", "logs nope", "check-proxy-mode"] {
        run(&empty, line).await;
    }
    let world = World::with_cluster().await;
    for line in ["create redis-001 --memory 1Gi", "accept-loss --yes", "logs --node 999", "list --sort-by .nope"] {
        run(&world, line).await;
    }
    run(&world, "accept-loss --shard 1 --yes").await;
    world.node("redis-001-node-302-0", Node::Hangs);
    let checked = run(&world, "check").await;
    assert!(checked.contains(" describe pod redis-001-node-302-0"), "{checked}");
    run(&world, "info redis-001").await;
    let selected = run(&world, "info -l app.kubernetes.io/instance").await;
    assert!(selected.contains(" check -l app.kubernetes.io/instance"), "{selected}");
    world.forbid("delete services");
    run(&world, "delete redis-001 --yes").await;
    world.mend();
    world.fail("delete services redis-001-node-201", 500, "no");
    run(&world, "delete redis-001 --yes").await;
    world.mend();
    run(&world, "delete redis-001 --yes").await;
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_hangs_costs_a_deadline() {
    let world = World::with_cluster().await;
    world.hang("list pods");
    insta::assert_snapshot!(world.run("info redis-001").await, @r"
    ------- stderr
    error: timed out after 30s waiting for the API server at test: list pods
    [exit status: 1]
    ");
}

#[tokio::test(start_paused = true)]
async fn tls_with_a_secret_that_has_no_ca() {
    let world = World::with_cluster().await;
    let secret = |data: Value| {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "redis-tls" }, "data": data });
        world.put("/api/v1/namespaces/default/secrets/redis-tls", secret);
    };
    let line = "info redis-001 --tls-secret redis-tls";
    insta::assert_snapshot!(world.run(line).await, @r#"
    ------- stderr
    error: secret "redis-tls" with the nodes' CA not found
    hint: to list secrets, run: kubectl -n default get secrets
    hint: --tls alone needs no Secret, but does not verify the nodes' certificates
    [exit status: 1]
    "#);
    secret(json!({ "tls.crt": "eA==" }));
    insta::assert_snapshot!(world.run(line).await, @r#"
    ------- stderr
    error: secret "redis-tls" has no key "ca.crt"
    hint: to see its keys, run: kubectl -n default describe secret redis-tls
    hint: --tls alone needs no Secret, but does not verify the nodes' certificates
    [exit status: 1]
    "#);
    secret(json!({ "ca.crt": "eA==" }));
    insta::assert_snapshot!(world.run(line).await, @r#"
    ------- stderr
    error: secret "redis-tls": "ca.crt" contains no PEM certificate
    hint: to see its keys, run: kubectl -n default describe secret redis-tls
    [exit status: 1]
    "#);
    world.forbid("get secrets redis-tls");
    insta::assert_snapshot!(world.run(line).await, @r#"
    ------- stderr
    Error from server (Forbidden): secrets "redis-tls" is forbidden: User "bob" cannot get resource "secrets" in API group "" in the namespace "default"
    hint: you need permission to get secrets: kubectl auth can-i get secrets -n default
    hint: --tls alone needs no Secret, but does not verify the nodes' certificates
    [exit status: 1]
    "#);
}

/// A plain server waits for the rest of what TLS begins with.
#[tokio::test(start_paused = true)]
async fn tls_with_nodes_that_say_nothing() {
    let world = World::with_cluster().await;
    for node in [101, 102, 201, 202, 301, 302] {
        world.node(&format!("redis-001-node-{node}-0"), Node::Hangs);
    }
    let said = world.run("info redis-001 --tls").await;
    let hint = "no response within 3s; if the server does not use TLS, omit --tls";
    assert_eq!(said.matches(hint).count(), 6, "{said}");
}

#[tokio::test(start_paused = true)]
async fn list_of_one_of_none_and_of_what_may_not_be_seen() {
    let world = World::with_cluster().await;
    insta::assert_snapshot!(world.run("list --state --no-headers").await, @"redis-001   ok   3   6/6   StatefulSet   redis:8.0   <unknown>");
    insta::assert_snapshot!(World::new().run("list").await, @r"
    ------- stderr
    No resources found in default namespace.
    ");
    world.forbid("list statefulsets");
    insta::assert_snapshot!(world.run("list -A").await, @r#"
    ------- stderr
    Error from server (Forbidden): statefulsets.apps is forbidden: User "bob" cannot list resource "statefulsets" in API group "apps" at the cluster scope
    hint: you need permission to list statefulsets: kubectl auth can-i list statefulsets -A
    [exit status: 1]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_has_gone_is_no_failure() {
    let world = World::with_cluster().await;
    for line in ["list", "info", "check", "version"] {
        assert_eq!(world.run_unread(line).await, (0, String::new()), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn delete_in_order_and_nothing_of_others() {
    let world = World::with_cluster().await;
    let other = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "other" } });
    world.put("/api/v1/namespaces/default/services/other", other);
    insta::assert_snapshot!("delete_asks", world.run("delete redis-001").await);
    assert_eq!(world.count("statefulsets"), 6);
    insta::assert_snapshot!("delete_keeps_data", world.run("delete redis-001 --yes").await);
    assert_eq!((world.count("services"), world.count("secrets")), (1, 1));
    let rest = world.run("delete redis-001 --yes --delete-data").await;
    assert_eq!(rest, "secret \"redis-001\" deleted\n");
}

#[tokio::test(start_paused = true)]
async fn delete_begins_nothing_that_it_may_not_end() {
    let world = World::with_cluster().await;
    world.forbid("delete services");
    world.forbid("delete secrets");
    insta::assert_snapshot!(world.run("delete redis-001 --yes --delete-data").await, @r#"
    ------- stderr
    error: you may not delete secrets, delete services in the namespace "default"
    hint: to list your permissions, run: kubectl auth can-i --list -n default
    [exit status: 1]
    "#);
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn delete_that_fails_in_the_middle_says_how_to_go_on() {
    let world = World::with_cluster().await;
    world.fail("delete services redis-001-node-201", 500, "no");
    let said = world.run("delete redis-001 --yes").await;
    let complaint = said.split("------- stderr\n").nth(1);
    insta::assert_snapshot!(complaint.unwrap_or_default(), @r#"
    error: cannot delete service "redis-001-node-201"
    caused by: Error from server: no
    hint: deleted objects are gone, the others still exist; to continue, run: kubectl redis-cluster -n default delete redis-001
    [exit status: 1]
    "#);
}

#[tokio::test(start_paused = true)]
async fn logs_in_order_and_without_the_pod_that_has_none() {
    let world = World::with_cluster().await;
    world.log("redis-001-node-101-0", "2026-01-01T00:00:01.5Z first\n2026-01-01T00:00:03Z third\n");
    world.log("redis-001-node-102-0", "2026-01-01T00:00:02Z second\n2026-01-01T00:00:04Z fourth\n");
    insta::assert_snapshot!(world.run("logs redis-001 --shard 1").await, @r"
    [redis-001-node-101 master] first
    [redis-001-node-102 replica] second
    [redis-001-node-101 master] third
    [redis-001-node-102 replica] fourth
    ");
    world.fail("get pods/log redis-001-node-102-0", 400, "container \"redis\" is waiting to start");
    insta::assert_snapshot!(world.run("logs redis-001 --shard 1 -o raw --tail 1").await, @r#"
    Pod: redis-001-node-101-0
    third
    Pod: redis-001-node-102-0
    ------- stderr
    error: no logs from redis-001-node-102-0: Error from server: container "redis" is waiting to start
    "#);
    world.fail("get secrets", 500, "etcd is on holiday");
    insta::assert_snapshot!(world.run("logs redis-001 --node 101").await, @r"
    [redis-001-node-101] first
    [redis-001-node-101] third
    ------- stderr
    note: the nodes' roles are unknown: Error from server: etcd is on holiday
    ");
    world.mend();
    insta::assert_snapshot!(world.run("logs redis-001 --node 901").await, @r#"
    ------- stderr
    error: no pods of "redis-001" match
    hint: to list all nodes, run: kubectl redis-cluster -n default info redis-001
    [exit status: 1]
    "#);
}

#[tokio::test(start_paused = true)]
async fn version_with_and_without_a_server() {
    let world = World::new();
    insta::assert_snapshot!(world.run("version").await, @r"
    Client Version: v0.1.0
    Server Version: v1.99.0
    ");
    world.fail("get /version", 503, "resting");
    insta::assert_snapshot!(world.run("version").await, @r"
    Client Version: v0.1.0
    ------- stderr
    Error from server: resting
    [exit status: 1]
    ");
}

/// clap would break it where it may not be broken.
#[test]
fn every_line_of_the_examples_fits_80_columns() {
    let whole = kubectl_redis_cluster::cli::command();
    let pages = std::iter::once(&whole).chain(whole.get_subcommands());
    let examples: Vec<String> = pages.filter_map(|page| Some(page.get_after_help()?.to_string())).collect();
    assert!(examples.len() > 10, "{examples:?}");
    let long: Vec<&str> = examples
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| line.starts_with("  ") && line.chars().count() > 80)
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_help_page() {
    let whole = kubectl_redis_cluster::cli::command();
    let verbs = whole.get_subcommands().map(|verb| verb.get_name().to_owned());
    let pages: Vec<String> = std::iter::once(String::new()).chain(verbs).collect();
    let page = |verb: &String| {
        let words = std::iter::once("kubectl").chain(verb.split_whitespace()).chain(["-h"]);
        let command = kubectl_redis_cluster::cli::command().term_width(100);
        let help = command.try_get_matches_from(words).expect_err("help");
        help.to_string()
    };
    insta::assert_snapshot!(pages.iter().map(page).collect::<Vec<_>>().join("\n=======\n"));
}
