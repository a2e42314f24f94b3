//! What only the throwaway Kubernetes may be put through: losing a node, a network,
//! the API server. `make test` does not run these on a cluster of your own
//! (`TEST_KUBECONFIG`); run by hand there, they fail before they touch anything.

use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::throwaway::{kube, refuse_other_clusters, script, state_folder, wait_for_workers};
use testkit::{Namespace, Said, program, run, until};

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
    wait_for_workers();
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
        found(&namespace, &["node-unreachable", "worker-not-ready"]);
        // What its kubelet alone knows is not waited for, and is told to be missing.
        let begin = Instant::now();
        let said = namespace.plugin(&["check", "redis-001", "--ask-timeout", "10s"]);
        assert!(said.out.contains("not checked: volume usage on node-3: "), "{}{}", said.out, said.err);
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        until(60, "all that are lost to be seen, and no others", || {
            let shown = namespace.plugin(&["info", "redis-001", "--ask-timeout", "10s"]).ok();
            shown.contains(&format!("{} of 6 nodes respond", 6 - lost))
                && shown.matches("[node-unreachable]").count() == lost
        });
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

/// Waits until `check` finds all of these codes, among what follows from them.
fn found(namespace: &Namespace, codes: &[&str]) -> Value {
    let mut last = Value::Null;
    until(120, &codes.join(", "), || {
        let said = namespace.plugin(&["check", "redis-001", "-o", "json", "--ask-timeout", "10s"]);
        last = serde_json::from_str(&said.out).unwrap_or_default();
        let there =
            |code: &&str| last["findings"].as_array().is_some_and(|all| all.iter().any(|each| each["code"] == **code));
        codes.iter().all(there)
    });
    last
}

/// A worker's label or configuration as it was.
struct Restored<F: Fn()>(F);

impl<F: Fn()> Drop for Restored<F> {
    fn drop(&mut self) {
        self.0();
    }
}

#[test]
fn workers_that_are_short_of_memory_or_in_one_zone() {
    refuse_other_clusters();
    let namespace = Namespace::new("workers");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();

    let info = namespace.info(&["redis-001"]);
    let shard = &info["status"]["shards"][0];
    let worker = |node: &Value| node["worker"].as_str().expect("a worker").to_owned();
    let pair = [worker(&shard["master"]), worker(&shard["replicas"][0])];
    {
        let label = |zone: &str, worker: &str| {
            let label = format!("topology.kubernetes.io/zone={zone}");
            let _ = run(program("kubectl").args(["label", "--overwrite", "node", worker, &label]));
        };
        let own =
            |worker: &str| worker.replace("node-1", "zone-a").replace("node-2", "zone-b").replace("node-3", "zone-c");
        let _restored = Restored(|| pair.iter().for_each(|worker| label(&own(worker), worker)));
        pair.iter().for_each(|worker| label("zone-x", worker));
        found(&namespace, &["shard-in-one-zone", "majority-in-one-zone"]);
    }

    // The kubelet calls everything above one percent a shortage, and evicts in an hour.
    let configuration = state_folder().join("nodes/2/kubernetes/kubelet.yaml");
    let before = std::fs::read_to_string(&configuration).expect("a configuration");
    let restart = || {
        let begin = run(program("date").args(["-u", "+%FT%TZ"])).out;
        kube(&["kill-node", "2"]);
        kube(&["start-node", "2"]);
        // Until then the API server still believes what the kubelet said before it ended.
        (0..300).any(|_| {
            std::thread::sleep(Duration::from_secs(1));
            let ready = "jsonpath={range .status.conditions[?(@.type==\"Ready\")]}{.status} {.lastHeartbeatTime}{end}";
            let said = run(program("kubectl").args(["get", "node", "node-2", "-o", ready])).out;
            said.strip_prefix("True ").is_some_and(|heard| heard > begin.trim())
        })
    };
    let _restored = Restored(|| {
        std::fs::write(&configuration, &before).expect("written");
        // What has not come back is for "up" to repair.
        let _ = restart();
        kube(&["up"]);
    });
    let soft = "evictionSoft: {memory.available: 99%}\nevictionSoftGracePeriod: {memory.available: 1h}\n";
    std::fs::write(&configuration, format!("{before}{soft}")).expect("written");
    assert!(restart(), "the worker is not back");
    found(&namespace, &["worker-under-pressure"]);
}

/// A program among a worker's own mounts; busybox's, which needs no /proc.
fn on_worker(worker: usize, program: &[&str]) -> Said {
    let process = std::fs::read_to_string(state_folder().join(format!("pid/node-{worker}"))).expect("it runs");
    run(Command::new("nsenter").args(["--mount", "--target", process.trim(), "busybox"]).args(program))
}

#[test]
fn a_volume_that_is_full() {
    refuse_other_clusters();
    let namespace = Namespace::new("full");
    let folder = state_folder().join("small");
    let name = namespace.name.clone();
    let path = folder.to_str().expect("text");
    std::fs::create_dir_all(&folder).expect("a folder");
    on_worker(1, &["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", path]).ok();
    let _restored = Restored(|| {
        let _ = namespace.plugin(&["delete", "redis-001", "--yes", "--delete-data"]);
        let _ = run(program("kubectl").args(["delete", "persistentvolume,storageclass", &name, "--ignore-not-found"]));
        let _ = on_worker(1, &["umount", "-l", path]);
    });
    let volume = json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name }, "spec": {
        "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "storageClassName": name,
        "local": { "path": folder }, "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
            { "key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"] }] }] } } } });
    let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": name },
                        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer" });
    namespace.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": [volume, class] }).to_string()).ok();
    let small = ["--shards", "1", "--replicas", "0", "--allow-small", "--storage-class", &name];
    namespace.plugin(&[&["create", "redis-001"], &small[..]].concat()).ok();

    let lines = format!("SET key {}\n", "x".repeat(1 << 18)).repeat(80);
    assert!(namespace.redis("redis-001-node-101-0", &lines).contains("MISCONF"));
    let seen = found(&namespace, &["persistence-fails", "volume-full"]);
    let full = seen["findings"].as_array().expect("a list").iter().find(|each| each["code"] == "volume-full");
    assert_eq!(full.expect("found")["severity"], "error");
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
