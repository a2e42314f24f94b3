//! What commands say while they wait, when they end, and why.

use super::proxy::{gke, kubeadm};
use super::world::{Node, World};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// What a command says, and how long it takes.
async fn timed(world: &World, line: &str) -> (String, Duration) {
    let begin = Instant::now();
    let said = world.run(line).await;
    (said, begin.elapsed())
}

/// Two seconds are what a command may take longer than its deadline.
async fn ends_in_time(world: &World, line: &str, seconds: u64) -> String {
    let (said, took) = timed(world, line).await;
    assert!(said.contains(&format!("timed out after {seconds}s waiting for ")), "{said}");
    let (least, most) = (Duration::from_secs(seconds - 1), Duration::from_secs(seconds + 2));
    assert!((least..=most).contains(&took), "{took:?}: {said}");
    said
}

fn errors(said: &str) -> Vec<&str> {
    let stderr = said.split_once("------- stderr\n").map_or("", |(_, stderr)| stderr);
    stderr.lines().filter(|line| !line.starts_with('[')).collect()
}

fn is(pod: &Value, node: &str) -> bool {
    pod["metadata"]["name"] == format!("redis-001-node-{node}-0")
}

fn unready(pod: &mut Value) {
    pod["status"]["conditions"][0]["status"] = json!("False");
    pod["status"]["containerStatuses"][0]["ready"] = json!(false);
}

fn waiting(pod: &mut Value, reason: &str, message: &str) {
    unready(pod);
    pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": reason, "message": message } });
}

fn unschedulable(pod: &mut Value, message: &str) {
    pod["spec"].as_object_mut().expect("a spec").remove("nodeName");
    pod["status"] = json!({ "phase": "Pending", "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message }] });
}

#[tokio::test(start_paused = true)]
async fn create_ends_at_once_on_what_never_mends() {
    for (fault, cause) in [
        (
            Node::Rejects("AUTH", "WRONGPASS invalid username-password pair"),
            "the server rejected the password: WRONGPASS",
        ),
        (Node::Rejects("CLUSTER", "ERR unknown command 'CLUSTER'"), "CLUSTER NODES: ERR unknown command"),
        (Node::Rejects("INFO", "NOPERM this user has no permissions to run 'info'"), "INFO: NOPERM this user"),
    ] {
        let world = World::new();
        world.node("redis-001-node-201-0", fault);
        let (said, took) = timed(&world, "create redis-001 --timeout 5m").await;
        assert!(said.contains("error: cannot see whether redis cluster \"redis-001\" forms\n"), "{said}");
        assert!(said.contains("caused by: redis-001-node-201 cannot be queried\n"), "{said}");
        assert!(said.contains(&format!("caused by: {cause}")), "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

/// A server that restarts is no reason to give up.
#[tokio::test(start_paused = true)]
async fn create_goes_on_waiting_for_what_may_pass() {
    let world = World::new();
    world.node("redis-001-node-201-0", Node::Rejects("INFO", "LOADING Redis is loading the dataset in memory"));
    ends_in_time(&world, "create redis-001 --timeout 20s", 20).await;
    let world = World::new();
    world.fail("list pods", 503, "the server is currently unable to handle the request");
    let said = ends_in_time(&world, "create redis-001 --timeout 20s", 20).await;
    assert!(said.contains("currently unable to handle"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn accept_loss_ends_at_once_on_what_never_mends() {
    let world = World::with_cluster().await;
    for node in ["201", "202"] {
        world.node(&format!("redis-001-node-{node}-0"), Node::HasLostItsData);
    }
    world.once_accepted("redis-001-node-201-0", Node::Rejects("AUTH", "WRONGPASS invalid username-password pair"));
    let (said, took) = timed(&world, "accept-loss redis-001 --yes --timeout 5m").await;
    assert!(said.contains("error: redis-001-node-201 cannot be queried\n"), "{said}");
    assert!(said.contains("caused by: the server rejected the password: WRONGPASS"), "{said}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// One more is ready every four seconds; what each is doing until then is not news.
#[tokio::test(start_paused = true)]
async fn the_progress_of_create_is_one_sentence_that_grows_true() {
    let world = World::new();
    world.pods(|elapsed, pod| {
        let order = ["101", "201", "301", "102", "202", "302"];
        let turn = order.iter().position(|node| is(pod, node)).unwrap_or_default() as u64 + 1;
        match elapsed.as_secs() {
            now if now >= turn * 4 => {}
            now if now + 2 >= turn * 4 => unready(pod),
            now if now % 2 == 0 => waiting(pod, "ContainerCreating", ""),
            _ => waiting(pod, "PodInitializing", ""),
        }
    });
    let said = world.run("create redis-001").await;
    let lines = errors(&said);
    let progress: Vec<&str> = lines.iter().filter_map(|line| line.split(';').next()).take(6).collect();
    let expected: Vec<String> = (0..6).map(|ready| format!("{ready} of 6 nodes are ready")).collect();
    assert_eq!(progress, expected, "{said}");
    assert_eq!(lines.get(6), Some(&"redis cluster \"redis-001\" is ready; connect with:"), "{said}");
}

/// The cause stands in the first 80 columns, once: a crash loop swings between three states.
#[tokio::test(start_paused = true)]
async fn the_cause_of_a_long_wait_is_one_line() {
    let world = World::new();
    world.pods(|elapsed, pod| {
        let crash = json!({ "terminated": { "exitCode": 137, "reason": "Error" } });
        match elapsed.as_secs() % 15 {
            _ if !is(pod, "302") => {}
            0..5 => waiting(pod, "CrashLoopBackOff", "back-off 10s restarting failed container"),
            5..10 => {
                unready(pod);
                pod["status"]["containerStatuses"][0]["state"] = crash.clone();
            }
            _ => unready(pod),
        }
        if is(pod, "302") {
            pod["status"]["containerStatuses"][0]["lastState"] = crash;
        }
    });
    world.node("redis-001-node-302-0", Node::Refuses("nothing listens on its port"));
    let said = ends_in_time(&world, "create redis-001 --timeout 25s", 25).await;
    let lines = errors(&said);
    assert!(lines[0].starts_with("5 of 6 nodes are ready; node-302 crash-loops: exit code 137"), "{said}");
    assert!(lines[1].starts_with("error: timed out"), "{said}");
}

/// One of two pods that linger goes after ten seconds, the other after twenty.
#[tokio::test(start_paused = true)]
async fn the_progress_of_delete_ends_with_a_sentence() {
    let world = World::with_cluster().await;
    let paths = ["201", "301"].map(|node| format!("/api/v1/namespaces/default/pods/redis-001-node-{node}-0"));
    paths.iter().for_each(|path| world.edit(path, |pod| pod["metadata"]["finalizers"] = json!(["here/stay"])));
    let story = async {
        for path in &paths {
            pass(10).await;
            world.remove(path);
        }
    };
    let (said, ()) = futures::join!(world.run("delete redis-001 --yes --delete-data"), story);
    let told = [
        "2 pods left: redis-001-node-201-0, redis-001-node-301-0",
        "1 pod left: redis-001-node-301-0",
        "all pods of \"redis-001\" are gone",
    ];
    assert_eq!(errors(&said), told, "{said}");
}

#[tokio::test(start_paused = true)]
async fn no_command_outlasts_its_timeout() {
    let unscheduled = || {
        let world = World::new();
        world.pods(|_, pod| unschedulable(pod, "0/3 nodes are available: 3 Insufficient cpu."));
        world
    };
    // The replicas wait for the masters before the cluster is waited for.
    let said = ends_in_time(&unscheduled(), "create redis-001 --timeout 20s", 20).await;
    assert!(said.contains("\n0 of 6 nodes are ready; node-101 cannot be scheduled: 3 Insufficient cpu\n"), "{said}");
    let world = unscheduled();
    world.hang("list pods");
    ends_in_time(&world, "create redis-001 --timeout 20s", 20).await;

    let world = World::with_cluster().await;
    world.hang("delete services redis-001");
    ends_in_time(&world, "delete redis-001 --yes --timeout 20s", 20).await;
    let world = World::with_cluster().await;
    let pod = "/api/v1/namespaces/default/pods/redis-001-node-201-0";
    world.edit(pod, |pod| pod["metadata"]["finalizers"] = json!(["here/stay"]));
    let said = ends_in_time(&world, "delete redis-001 --yes --timeout 20s", 20).await;
    assert!(said.contains(": 1 pod left: redis-001-node-201-0\n"), "{said}");

    let world = World::with_cluster().await;
    world.node("redis-001-node-201-0", Node::IsDeaf);
    world.node("redis-001-node-202-0", Node::HasLostItsData);
    ends_in_time(&world, "accept-loss redis-001 --yes --timeout 20s", 20).await;

    let world = kubeadm();
    ends_in_time(&world, "check-proxy-mode --probe --timeout 20s", 20).await;
    // Neither the helper pod nor the probe pods ever run there.
    ends_in_time(&gke("gke-a"), "set-gke-proxy-mode ipvs --yes --timeout 20s", 20).await;
    ends_in_time(&gke("gke-a"), "set-gke-proxy-mode ipvs --yes --probe=false --timeout 20s", 20).await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_pod_that_stays_is_told_with_the_command_that_removes_it() {
    let world = gke("gke-a");
    world.fail("delete pods redis-cluster-set-proxy-mode-gke-a", 409, "not now");
    let said = world.run("set-gke-proxy-mode ipvs --yes --probe=false").await;
    let told = "hint: the privileged helper pod \"redis-cluster-set-proxy-mode-gke-a\" may still run on gke-a; to remove it, run: kubectl -n kube-system delete pod redis-cluster-set-proxy-mode-gke-a --grace-period=0 --force\n";
    assert!(said.contains(told), "{said}");
}

/// Half a minute of polls in which only the servers' ages change; then the API server fails for a while,
/// and a node hangs.
#[tokio::test(start_paused = true)]
async fn watch_prints_into_a_pipe_only_what_changes_but_ages() {
    let last = "5 of 6 nodes respond";
    for line in ["info redis-001 -w", "check redis-001 -w", "info redis-001 -w -o wide"] {
        let world = World::with_cluster().await;
        let story = async {
            pass(30).await;
            world.fail("list pods", 500, "etcd is on holiday");
            pass(10).await;
            world.mend();
            world.node("redis-001-node-102-0", Node::Hangs);
        };
        let watch = world.run_until(line, last, Duration::from_secs(60));
        let (said, ()) = futures::join!(watch, story);
        assert_eq!(said.matches("6 of 6 nodes respond").count(), 1, "{said}");
        assert_eq!(said.matches("etcd is on holiday").count(), 1, "{said}");
        assert_eq!(said.matches(last).count(), 1, "{said}");
    }
}

/// The states through which a kubelet takes a pod whose image cannot be pulled, each five seconds long.
fn pulls(elapsed: Duration, pod: &mut Value, why: &str, until: u64) {
    match elapsed.as_secs() {
        now if now >= until => {}
        0 => waiting(pod, "ContainerCreating", ""),
        now if now / 5 % 2 == 0 => waiting(pod, "ErrImagePull", why),
        _ => waiting(pod, "ImagePullBackOff", "Back-off pulling image \"nope:1\""),
    }
}

#[tokio::test(start_paused = true)]
async fn create_ends_early_on_an_image_that_its_registry_does_not_have() {
    let world = World::new();
    world.pods(|elapsed, pod| {
        let why = "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/nope:1\": docker.io/library/nope:1: not found";
        pulls(elapsed, pod, why, u64::MAX);
    });
    let (said, took) = timed(&world, "create redis-001 --image nope:1 --timeout 5m").await;
    assert!(said.contains("error: redis cluster \"redis-001\" cannot form\n"), "{said}");
    assert!(
        said.contains("caused by: node-101 cannot pull its image: docker.io/library/nope:1: not found\n"),
        "{said}"
    );
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// The third try succeeds.
#[tokio::test(start_paused = true)]
async fn create_waits_for_a_registry_that_is_slow() {
    for why in ["dial tcp: lookup registry-1.docker.io: no such host", "toomanyrequests: retry later", "i/o timeout"] {
        let world = World::new();
        let why = format!("rpc error: code = Unknown desc = failed to pull image \"nope:1\": {why}");
        world.pods(move |elapsed, pod| pulls(elapsed, pod, &why, 20));
        let (said, took) = timed(&world, "create redis-001 --timeout 5m").await;
        assert!(said.contains("redis cluster \"redis-001\" is ready"), "{said}");
        assert!(took >= Duration::from_secs(20), "{took:?}");
        let told = said.lines().filter(|line| line.contains("cannot pull its image: ")).count();
        assert_eq!(told, 1, "{said}");
    }
}

/// What crashes, from its first start on.
fn crashes(elapsed: Duration, pod: &mut Value) {
    let end = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
    let restarts = elapsed.as_secs() / 10;
    waiting(pod, "CrashLoopBackOff", "back-off restarting failed container");
    let status = &mut pod["status"]["containerStatuses"][0];
    (status["lastState"], status["restartCount"]) = (end, json!(restarts));
}

#[tokio::test(start_paused = true)]
async fn create_ends_early_on_a_setting_that_the_server_does_not_know() {
    let world = World::new();
    world.pods(crashes);
    let fatal = [
        "*** FATAL CONFIG FILE ERROR (Redis 8.0.2) ***",
        ">>> 'foo bar'",
        "Bad directive or wrong number of arguments",
    ];
    let log: String = fatal.iter().map(|line| format!("2026-01-01T00:00:00Z {line}\n")).collect();
    world.log("redis-001-node-101-0", &log);
    let (said, took) = timed(&world, "create redis-001 --timeout 5m").await;
    assert!(said.contains("caused by: node-101 crash-loops: exit code 1 (") && said.contains("'foo bar'"), "{said}");
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn create_waits_for_a_server_that_crashes_for_another_reason() {
    let world = World::new();
    world.pods(|elapsed, pod| {
        if elapsed.as_secs() < 60 {
            crashes(elapsed, pod);
        }
    });
    world
        .log("redis-001-node-101-0", "2026-01-01T00:00:00Z Can't open the append-only file: No space left on device\n");
    let (said, took) = timed(&world, "create redis-001 --timeout 5m").await;
    assert!(said.contains("redis cluster \"redis-001\" is ready"), "{said}");
    assert!(took >= Duration::from_secs(60), "{took:?}");
}

/// An autoscaler adds a worker after a minute.
#[tokio::test(start_paused = true)]
async fn create_waits_for_workers_that_an_autoscaler_adds() {
    let world = World::new();
    world.pods(|elapsed, pod| {
        if elapsed.as_secs() < 60 {
            unschedulable(pod, "0/3 nodes are available: 3 Insufficient cpu.");
        }
    });
    let (said, took) = timed(&world, "create redis-001 --timeout 5m").await;
    assert!(said.contains("redis cluster \"redis-001\" is ready"), "{said}");
    assert!(took >= Duration::from_secs(60), "{took:?}");
}

async fn pass(seconds: u64) {
    let forever = std::future::pending::<()>();
    tokio::time::timeout(Duration::from_secs(seconds), forever).await.expect_err("it takes that long");
}
