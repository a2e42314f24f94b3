//! `create` over what is there, over what is lost, and with flags that cannot mean what a person
//! thinks.

use super::world::{NAMESPACE, World};
use k8s_openapi::ByteString;
use serde_json::{Value, json};

fn secret(name: &str, password: &[u8]) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name },
            "data": { "password": ByteString(password.to_vec()) } })
}

/// Refused, with nothing made.
async fn refused(world: &World, line: &str) -> String {
    let said = world.run(line).await;
    assert!(said.ends_with("[exit status: 1]\n"), "{said}");
    assert_eq!(world.changes(), Vec::<String>::new(), "{said}");
    said
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_a_usable_password_is_refused_before_the_first_object() {
    let world = World::new();
    let path = format!("{NAMESPACE}/secrets/mine");
    world.put(&path, secret("mine", b""));
    insta::assert_snapshot!(refused(&world, "create redis-001 --auth-secret mine").await);
    for (password, why) in [
        (&b"secret\n"[..], "ends with a line break"),
        (b"two\nlines", "contains a line break"),
        (b"\xff\xfe", "contains bytes that are not text"),
        (&[b'a'; 600], "has 600 bytes"),
    ] {
        world.put(&path, secret("mine", password));
        let said = refused(&world, "create redis-001 --auth-secret mine").await;
        assert!(said.contains(why), "{said}");
    }
    world.put(&path, secret("mine", b" p\"a\\s' $w\xc3\xa9 "));
    let said = refused(&world, "create redis-001 --auth-secret mine --image redis:3.2").await;
    assert!(said.contains("replicas before Redis 4.0 cannot log in"), "{said}");
    let made = world.run("create redis-001 --auth-secret mine --wait=false").await;
    assert!(made.contains("statefulset.apps/redis-001-node-302 created"), "{made}");
}

#[tokio::test(start_paused = true)]
async fn the_own_secret_that_lost_its_password_is_refused() {
    let world = World::with_cluster().await;
    world.edit(&format!("{NAMESPACE}/secrets/redis-001"), |secret| secret["data"]["password"] = json!(""));
    let said = refused(&world, "create redis-001").await;
    assert!(said.contains("the password in secret \"redis-001\" (key \"password\") is empty"), "{said}");
}

/// A new password would lock everybody out of the nodes that run.
#[tokio::test(start_paused = true)]
async fn a_running_cluster_whose_secret_is_gone_gets_no_new_password() {
    let world = World::with_cluster().await;
    world.remove(&format!("{NAMESPACE}/secrets/redis-001"));
    let said = refused(&world, "create redis-001").await;
    insta::assert_snapshot!(said);
    let manifests = refused(&world, "create redis-001 --dry-run=client -o yaml").await;
    assert!(manifests.contains("secret \"redis-001\" is gone"), "{manifests}");
    world.forbid("get pods/exec");
    let said = refused(&world, "create redis-001").await;
    assert!(said.contains("you need permission to get and create pods/exec"), "{said}");
}

/// Nobody has the old one.
#[tokio::test(start_paused = true)]
async fn a_cluster_without_running_pods_gets_a_new_password_and_it_is_said() {
    let world = World::with_cluster().await;
    world.remove(&format!("{NAMESPACE}/secrets/redis-001"));
    for number in [101, 102, 201, 202, 301, 302] {
        world.edit(&format!("{NAMESPACE}/pods/redis-001-node-{number}-0"), |pod| {
            pod["status"]["containerStatuses"][0]["state"] =
                json!({ "waiting": { "reason": "CreateContainerConfigError" } });
        });
    }
    let said = world.run("create redis-001 --wait=false").await;
    assert!(said.contains("secret/redis-001 created\n"), "{said}");
    assert!(said.contains("no pod runs that has its password: it gets a new one, which clients need"), "{said}");
}

const UNUSUAL: &str = "create redis-001 --memory 512Mi --config hz=20 --node-timeout 7s --annotation team=x";

#[tokio::test(start_paused = true)]
async fn what_differs_is_one_line_a_setting_with_the_ways_on() {
    let world = World::new();
    world.run(UNUSUAL).await;
    world.requests();
    insta::assert_snapshot!(refused(&world, "create redis-001 --config maxclients=99").await);
    let said = refused(&world, "create redis-001 --shards 4").await;
    assert!(said.contains("caused by: --shards: is 3, requested 4\n"), "{said}");
    assert!(said.contains("--shards cannot be changed: use another name, or delete this one first: "), "{said}");
    // What is printed is what fits.
    let fitting = said.lines().find_map(|line| line.strip_prefix("hint: to continue with what it has, run: "));
    let fitting = fitting.expect("a command").trim_start_matches("kubectl redis-cluster -n default ");
    let again = world.run(fitting).await;
    assert_eq!(again.matches(" unchanged\n").count(), 16, "{again}");
    assert!(!again.contains("stderr"), "{again}");
}

/// What no flag says: somebody has edited an object.
#[tokio::test(start_paused = true)]
async fn what_was_edited_is_named_by_its_place() {
    let world = World::with_cluster().await;
    world.edit("/apis/apps/v1/namespaces/default/statefulsets/redis-001-node-201", |set| {
        set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(5);
    });
    insta::assert_snapshot!(refused(&world, "create redis-001").await);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_though_it_is_not_asked_for_is_said() {
    let world = World::new();
    world
        .run("create redis-001 --config hz=20 --node-selector kubernetes.io/os=linux --network-policy --wait=false")
        .await;
    let again = world.run("create redis-001 --wait=false").await;
    let note = again.split_once("note: ").map(|(_, note)| note.trim_end());
    insta::assert_snapshot!(note.unwrap_or_default());
}

/// The API server writes quantities in its own way.
#[tokio::test(start_paused = true)]
async fn the_same_quantities_in_other_words_are_no_difference() {
    let world = World::new();
    world.run("create redis-001 --cpu 0.5 --memory 1024Mi").await;
    for number in [101, 102, 201, 202, 301, 302] {
        world.edit(&format!("/apis/apps/v1/namespaces/default/statefulsets/redis-001-node-{number}"), |set| {
            let resources = &mut set["spec"]["template"]["spec"]["containers"][0]["resources"];
            *resources = json!({ "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "memory": "1Gi" } });
        });
    }
    let again = world.run("create redis-001 --cpu 0.5 --memory 1024Mi").await;
    assert_eq!(again.matches(" unchanged\n").count(), 16, "{again}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_config_map_names_the_flags_that_only_it_had() {
    let world = World::new();
    world.run(UNUSUAL).await;
    world.remove(&format!("{NAMESPACE}/configmaps/redis-001"));
    world.requests();
    let said = refused(&world, "create redis-001").await;
    assert!(
        said.contains("create redis-001 --shards 3 --replicas 1 --workload statefulset --image redis:8.0"),
        "{said}"
    );
    assert!(said.contains("--memory 512Mi --cpu 50m --config hz=20") && !said.contains("--node-timeout"), "{said}");
    let made = world.run(UNUSUAL).await;
    assert!(made.contains("configmap/redis-001 created\n"), "{made}");
    let note = made.lines().find(|line| line.starts_with("note: "));
    insta::assert_snapshot!(note.unwrap_or_default());
}

fn claim(number: u32, size: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": format!("data-redis-001-node-{number}-0"),
                      "labels": { "app.kubernetes.io/instance": "redis-001" },
                      "annotations": { "kubectl-redis-cluster/shape": "3x2" } },
        "spec": { "resources": { "requests": { "storage": size } }, "storageClassName": "standard" } })
}

#[tokio::test(start_paused = true)]
async fn kept_volumes_of_another_size() {
    let world = World::new();
    for number in [101, 102, 201, 202, 301, 302] {
        let path = format!("{NAMESPACE}/persistentvolumeclaims/data-redis-001-node-{number}-0");
        world.put(&path, claim(number, "1Gi"));
    }
    insta::assert_snapshot!(refused(&world, "create redis-001 --storage 2Gi").await);
    let larger = world.run("create redis-001 --storage 512Mi --storage-class fast --dry-run=server").await;
    assert!(larger.contains("note: the kept volumes stay as they are: 1Gi, StorageClass \"standard\"\n"), "{larger}");
    let same = world.run("create redis-001 --storage 1024Mi --storage-class standard").await;
    assert!(same.contains("reusing 6 kept volumes") && !same.contains("stay as they are"), "{same}");
}

#[tokio::test(start_paused = true)]
async fn flags_that_cannot_mean_what_a_person_thinks() {
    let world = World::new();
    insta::assert_snapshot!(refused(&world, "create redis-001 --password foo").await);
    insta::assert_snapshot!(refused(&world, "create redis-001 --tls").await);
    insta::assert_snapshot!(refused(&world, "create redis-001 --redis-user app").await);
    for line in
        ["create redis-001 --username app", "create redis-001 --username app --password x", "info --password foo"]
    {
        let said = refused(&world, line).await;
        assert!(said.contains("is kubectl's flag to log in to the API server, not to Redis"), "{said}");
    }
    for line in ["create redis-001 --redis-port 7000", "create redis-001 --redis-container app"] {
        let said = refused(&world, line).await;
        assert!(said.contains("each node of the new cluster is in the container redis, on port 6379"), "{said}");
    }
    // With both, every other command logs in to the API server.
    let listed = world.run("list --username app --password x").await;
    assert!(listed.contains("No resources found"), "{listed}");
    let made = world.run("create redis-001 --config aclfile=/x --redis-user app --dry-run=client").await;
    assert!(made.contains("created (dry run)"), "{made}");
}

#[tokio::test(start_paused = true)]
async fn what_no_worker_can_take_is_refused_before_the_first_object() {
    let world = World::new();
    for number in 1..=3 {
        world.edit(&format!("/api/v1/nodes/node-{number}"), |worker| {
            worker["status"]["allocatable"] = json!({ "cpu": "2", "memory": "8127568Ki" });
        });
    }
    insta::assert_snapshot!(refused(&world, "create redis-001 --cpu 100").await);
    insta::assert_snapshot!(refused(&world, "create redis-001 --node-selector x=y").await);
    insta::assert_snapshot!(refused(&world, "create redis-001 --memory 100").await);
    // Whoever does not wait may know of workers that are to come.
    let said = world.run("create redis-001 --node-selector x=y --wait=false").await;
    assert!(said.contains("note: a shard needs 2 workers") && said.contains("node-302 created\n"), "{said}");
}
