//! A cluster from its first start to its deletion.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use testkit::{Namespace, feed, interrupt, program, run, until};

const FIRST: &str = "redis-001-node-101-0";

fn write_keys(namespace: &Namespace, count: usize) {
    let lines: String = (0..count).map(|index| format!("SET key:{index} value:{index}\n")).collect();
    assert_eq!(namespace.answers(FIRST, &lines), vec!["OK"; count]);
}

fn read_keys(namespace: &Namespace, count: usize) {
    let lines: String = (0..count).map(|index| format!("GET key:{index}\n")).collect();
    let values: Vec<_> = (0..count).map(|index| format!("value:{index}")).collect();
    assert_eq!(namespace.answers(FIRST, &lines), values);
}

fn pod_uids(namespace: &Namespace) -> BTreeSet<String> {
    namespace.values(&["pods", "-l", "app.kubernetes.io/instance=redis-001"], "{.metadata.uid}").into_iter().collect()
}

fn owners(namespace: &Namespace) -> Vec<(String, String)> {
    let info = namespace.info(&["redis-001"]);
    let shards = info["status"]["shards"].as_array().expect("shards").clone();
    shards.iter().map(|shard| (shard["slots"].to_string(), shard["master"]["node"].to_string())).collect()
}

#[test]
fn the_default_cluster_is_whole_spread_and_left_alone_by_a_second_create() {
    let namespace = Namespace::new("default");
    let created = namespace.plugin(&["create", "redis-001"]);
    assert!(created.err.contains("kubectl -n"), "it must say how to connect:\n{}", created.err);
    let lines = created.ok();
    assert_eq!(lines.lines().filter(|line| line.ends_with(" created")).count(), 16, "{lines}");

    let mut info = Value::Null;
    until(30, "nothing to be found", || {
        info = namespace.wait_ok(&["redis-001"]);
        info["findings"] == json!([])
    });
    let status = &info["status"];
    assert_eq!(status["slots"]["assigned"], 16384);
    let shards = status["shards"].as_array().expect("shards");
    assert_eq!(shards.len(), 3);
    let masters: BTreeSet<_> = shards.iter().map(|shard| shard["master"]["worker"].to_string()).collect();
    assert_eq!(masters.len(), 3, "one master a worker: {info:#}");
    for shard in shards {
        assert_eq!(shard["replicas"].as_array().map(Vec::len), Some(1));
        assert_ne!(shard["master"]["worker"], shard["replicas"][0]["worker"], "{shard:#}");
        assert_ne!(shard["master"]["zone"], Value::Null);
    }

    // The application of the documentation connects.
    let connecting = include_str!("../../docs/connecting.md");
    let client = connecting.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```")).expect("its manifest");
    // There is no DNS on the throwaway Kubernetes; pods have the Service's address as a variable too.
    namespace.apply(&client.0.replace("-h redis-001", "-h \"$REDIS_001_SERVICE_HOST\"")).ok();
    until(60, "the client of the documentation", || namespace.values(&["jobs"], "{.status.succeeded}") == ["1"]);
    namespace.kubectl(&["delete", "job", "client-of-redis-001"]).ok();

    let before = pod_uids(&namespace);
    let mut lines = String::new();
    // A node that is late once is a line on stderr.
    until(30, "a create that has nothing to say", || {
        let again = namespace.plugin(&["create", "redis-001"]);
        let is_silent = again.err.is_empty();
        lines = again.ok();
        is_silent
    });
    assert!(lines.lines().count() == 16 && lines.lines().all(|line| line.ends_with(" unchanged")), "{lines}");
    assert_eq!(pod_uids(&namespace), before);

    let other = namespace.plugin(&["create", "redis-001", "--memory", "512Mi"]).refused();
    assert!(other.contains("--memory: is 256Mi, requested 512Mi"), "{other}");
    assert!(other.lines().count() <= 6, "{other}");
    let other = namespace.plugin(&["create", "redis-001", "--shards", "4"]).refused();
    assert!(other.contains("already exists with a different configuration"), "{other}");
    assert_eq!(pod_uids(&namespace), before);

    let list = namespace.plugin(&["list", "-o", "json"]).json();
    assert_eq!((list["items"][0]["shards"].as_u64(), list["items"][0]["replicas"].as_u64()), (Some(3), Some(1)));
    let names = namespace.plugin(&["info", "-o", "name"]).ok();
    assert_eq!(names.lines().next(), Some("pod/redis-001-node-101-0"));
    let without_password = ["exec", FIRST, "--", "env", "-u", "REDISCLI_AUTH", "redis-cli", "ping"];
    assert!(namespace.kubectl(&without_password).out.contains("NOAUTH"));
}

#[test]
fn keys_survive_a_restart_of_everything_and_a_deletion() {
    let namespace = Namespace::new("keys");
    namespace.plugin(&["create", "redis-001"]).ok();
    write_keys(&namespace, 300);

    let before = pod_uids(&namespace);
    namespace.kubectl(&["delete", "pods", "--all"]).ok();
    until(120, "six new pods", || {
        let now = pod_uids(&namespace);
        now.len() == 6 && now.is_disjoint(&before)
    });
    namespace.wait_ok(&["redis-001"]);
    assert_eq!(owners(&namespace).len(), 3, "one owner a shard");
    read_keys(&namespace, 300);

    let addresses = namespace.values(&["services"], "{.spec.clusterIP}");
    namespace.plugin(&["delete", "redis-001", "--yes"]).ok();
    assert!(namespace.values(&["services"], "{.metadata.name}").is_empty());
    assert_eq!(namespace.values(&["pvc"], "{.metadata.name}").len(), 6);

    let wrong = namespace.plugin(&["create", "redis-001", "--replicas", "2"]).refused();
    assert!(wrong.contains("another size"), "{wrong}");
    let created = namespace.plugin(&["create", "redis-001"]);
    assert!(created.err.contains("reusing 6 kept volumes"), "{}", created.err);
    created.ok();
    let same = namespace.values(&["services"], "{.spec.clusterIP}");
    assert!(same.iter().all(|address| !addresses.contains(address)), "the Services must have new addresses");
    assert_eq!(owners(&namespace).len(), 3, "one owner a shard");
    read_keys(&namespace, 300);

    let gone = namespace.plugin(&["delete", "redis-001", "--yes", "--delete-data"]).ok();
    assert!(gone.contains("persistentvolumeclaim \"data-redis-001-node-101-0\" deleted"), "{gone}");
    let left =
        namespace.kubectl(&["get", "all,pvc,secret,configmap,pdb", "-l", "app.kubernetes.io/instance=redis-001"]);
    assert_eq!(left.ok(), "");
}

#[test]
fn manifests_alone_form_a_cluster() {
    let namespace = Namespace::new("apply");
    let create = ["create", "redis-001", "--dry-run=client", "-o", "yaml"];
    let manifests = namespace.plugin(&create).ok();
    namespace.apply(&manifests).ok();
    namespace.wait_ok(&["redis-001"]);
    let before = pod_uids(&namespace);
    // kubectl calls a StatefulSet with a volume "configured" at every apply, since the server fills
    // in its volume's status, and a budget of policy/v1, whose selector it replaces as a whole. Its
    // own diff finds no difference, and the server counts no change.
    let again = namespace.apply(&manifests).ok();
    let counted = ["statefulset.", "poddisruptionbudget."];
    let is_as_before = |line: &str| {
        let is_counted = counted.iter().any(|kind| line.starts_with(kind));
        line.ends_with(" unchanged") || is_counted && line.ends_with(" configured")
    };
    assert!(again.lines().all(is_as_before), "{again}");
    assert_eq!(feed(program("kubectl").args(["diff", "-f", "-"]), &manifests).ok(), "");
    assert_eq!(namespace.values(&["statefulsets,poddisruptionbudgets"], "{.metadata.generation}"), ["1"; 7]);
    // Printed anew, the password is the one that is there.
    let again = namespace.apply(&namespace.plugin(&create).ok()).ok();
    assert!(again.contains("secret/redis-001 unchanged"), "{again}");
    assert_eq!(pod_uids(&namespace), before);
    let adopted = namespace.plugin(&["create", "redis-001"]).ok();
    assert!(adopted.lines().all(|line| line.ends_with(" unchanged")), "{adopted}");
}

#[test]
fn an_interrupted_create_is_finished_by_the_same_command() {
    let namespace = Namespace::new("interrupt");
    // kubectl becomes the plugin, so the signal reaches it.
    let mut command = namespace.plugin_command(&["create", "redis-001", "--ephemeral"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    until(30, "the first service", || !namespace.values(&["services"], "{.metadata.name}").is_empty());
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{complaint}");
    assert!(complaint.contains("error: interrupted\nhint: created objects stay"), "{complaint}");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    namespace.wait_ok(&["redis-001"]);
}

#[test]
fn a_hanging_node_and_a_missing_pod_are_rows_that_say_why() {
    let namespace = Namespace::new("hang");
    let create = ["create", "redis-001", "--ephemeral", "--config", "enable-debug-command=yes"];
    namespace.plugin(&create).ok();
    let sleep = ["-n", &namespace.name, "exec", FIRST, "--", "redis-cli", "debug", "sleep", "20"];
    let fall_asleep = || program("kubectl").args(sleep).stdout(Stdio::null()).spawn().expect("it runs");
    let mut asleep = fall_asleep();
    // Whoever looks late may find it awake, or others late too.
    until(60, "a row that says that the node hangs", || {
        if asleep.try_wait().expect("a child").is_some() {
            asleep = fall_asleep();
        }
        let shown = namespace.plugin(&["info", "redis-001", "--ask-timeout", "4s"]).ok();
        shown.contains("5 of 6 nodes respond")
            && shown.lines().any(|line| line.contains(FIRST) && line.ends_with("no response within 4s"))
    });
    asleep.wait().expect("it ends");
    namespace.wait_ok(&["redis-001"]);

    namespace.kubectl(&["delete", "statefulset", "redis-001-node-302"]).ok();
    until(60, "the pod to go", || namespace.kubectl(&["get", "pod", "redis-001-node-302-0"]).code != Some(0));
    let info = namespace.info(&["redis-001"]);
    let replica = &info["status"]["shards"][2]["replicas"][0];
    let row = if replica.is_null() { &info["status"]["unassigned"][0] } else { replica };
    assert_eq!(row["error"], "its pod does not exist", "{info:#}");
    // The next create makes just what is missing.
    let created = |said: &str| -> Vec<String> {
        said.lines().filter(|line| line.ends_with(" created")).map(str::to_owned).collect()
    };
    let made = namespace.plugin(&create).ok();
    assert_eq!(created(&made), ["statefulset.apps/redis-001-node-302 created"]);
    // A lost Secret gets the password of the pods that run, which are logged in to with it.
    namespace.kubectl(&["delete", "secret", "redis-001"]).ok();
    let again = namespace.plugin(&create);
    assert!(again.err.contains("it gets the password of the running pods back"), "{}", again.err);
    assert_eq!(created(&again.ok()), ["secret/redis-001 created"]);
}

#[test]
fn dry_runs_change_nothing() {
    let namespace = Namespace::new("dry");
    for place in ["client", "server"] {
        let said = namespace.plugin(&["create", "redis-001", &format!("--dry-run={place}")]).ok();
        assert!(said.lines().count() == 16 && said.lines().all(|line| line.ends_with("dry run)")), "{said}");
        assert!(namespace.values(&["services,statefulsets,pvc"], "{.metadata.name}").is_empty());
    }
    namespace.plugin(&["create", "redis-001", "--ephemeral", "--wait=false"]).ok();
    for place in ["client", "server"] {
        let said = namespace.plugin(&["delete", "redis-001", &format!("--dry-run={place}")]).ok();
        assert!(said.lines().count() == 15 && said.lines().all(|line| line.ends_with("dry run)")), "{said}");
        assert_eq!(namespace.values(&["statefulsets"], "{.metadata.name}").len(), 6);
    }
}

#[test]
fn kubectl_finds_the_plugin_and_has_nothing_to_complain_of() {
    let said = run(program("kubectl").args(["plugin", "list"]));
    assert_eq!(said.err, "", "{}", said.out);
    assert!(said.ok().contains("kubectl-redis_cluster"));
    let usage = run(program("kubectl").args(["redis-cluster", "nonsense"]));
    assert_eq!((usage.code, usage.out.as_str()), (Some(1), ""));
    let help = run(program("kubectl").args(["redis-cluster", "--help"])).ok();
    assert!(help.contains("Usage: kubectl redis-cluster"), "{help}");
    let version = run(program("kubectl").args(["redis-cluster", "version", "-o", "json"])).json();
    assert_eq!(version["clientVersion"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert!(version["serverVersion"]["gitVersion"].is_string());
}
