//! kube-proxy's mode on a real Kubernetes with real kube-proxies: found, measured, set,
//! and taken back. Only on the throwaway one, since its workers are changed.

#![expect(clippy::print_stderr, reason = "a failed test shows what it saw")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use testkit::throwaway::{refuse_other_clusters, state_folder};
use testkit::{Background, Namespace, Said, interrupt, program, run, until};

const WORKERS: [&str; 3] = ["node-1", "node-2", "node-3"];

fn set(namespace: &Namespace, mode: &str, more: &[&str]) -> Said {
    namespace.plugin(&[&["set-gke-proxy-mode", mode, "--allow-any-provider", "--yes"], more].concat())
}

fn check(namespace: &Namespace, more: &[&str]) -> (Option<i32>, Value) {
    let said = namespace.plugin(&[&["check-proxy-mode", "-o", "json"], more].concat());
    let value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
    (said.code, value)
}

/// Waits until that is seen: a worker may be late once.
fn wait_to_see(namespace: &Namespace, more: &[&str], what: &str, is_it: impl Fn(Option<i32>, &Value) -> bool) {
    let mut last = Value::Null;
    until(60, what, || {
        let (code, seen) = check(namespace, more);
        let is_it = is_it(code, &seen);
        if !is_it && seen != last {
            eprintln!("--- not {what}: {code:?} {seen}");
            last = seen;
        }
        is_it
    });
}

/// How the check ends, and its word.
fn verdict(code: Option<i32>, seen: &Value) -> (Option<i32>, Option<&str>) {
    (code, seen["verdict"].as_str())
}

fn modes(seen: &Value) -> Vec<&str> {
    seen["workers"].as_array().expect("workers").iter().filter_map(|worker| worker["mode"].as_str()).collect()
}

/// Whether each measured source was the one that was expected.
fn kept(seen: &Value) -> Vec<bool> {
    seen["measured"].as_array().expect("a list").iter().map(|each| each["expected"] == each["seen"]).collect()
}

/// The workers' files as the throwaway Kubernetes keeps them.
fn kubernetes_folder(worker: usize) -> PathBuf {
    state_folder().join("nodes").join(worker.to_string()).join("kubernetes")
}

fn manifest(worker: usize) -> String {
    std::fs::read_to_string(kubernetes_folder(worker).join("manifests/kube-proxy.manifest")).expect("a manifest")
}

/// No helper, no probe, no file that was not there before.
fn nothing_is_left() {
    for selector in ["kubectl-redis-cluster/set-proxy-mode", "kubectl-redis-cluster/probe"] {
        let left = run(program("kubectl").args(["get", "pods,services", "-A", "-l", selector, "-o", "name"])).ok();
        assert_eq!(left, "");
    }
    for worker in 1..=3 {
        assert!(!kubernetes_folder(worker).join("kubectl-redis-cluster").exists(), "node-{worker}");
    }
}

fn services_still_forward(namespace: &Namespace) {
    wait_to_see(namespace, &["--probe"], "Services that forward", |code, _| code == Some(0));
}

/// The mode that all other tests need.
struct Iptables<'a>(&'a Namespace);

impl Drop for Iptables<'_> {
    fn drop(&mut self) {
        // Where it fails, so do the tests that follow.
        let _ = (0..3).any(|_| {
            let said = set(self.0, "iptables", &[]);
            if said.code != Some(0) {
                eprintln!("{}{}", said.out, said.err);
            }
            said.code == Some(0)
        });
    }
}

#[test]
fn every_mode_is_found_measured_and_set() {
    refuse_other_clusters();
    let namespace = Namespace::new("proxy");
    let _back = Iptables(&namespace);
    services_still_forward(&namespace);

    let said = set(&namespace, "userspace", &[]);
    assert!(said.err.contains("-    - exec kube-proxy") && said.err.contains("--proxy-mode=userspace"), "{}", said.err);
    let lines: Vec<String> = WORKERS.iter().map(|worker| format!("node/{worker} set to userspace")).collect();
    assert_eq!(said.ok().lines().collect::<Vec<_>>(), lines);
    nothing_is_left();

    // No cluster: an original one would fail.
    wait_to_see(&namespace, &["--probe"], "that it fails", |code, seen| {
        verdict(code, seen) == (Some(1), Some("fails"))
            && modes(seen) == ["userspace"; 3]
            && seen["workers"][0]["evidence"][0] == "/proxyMode: userspace"
            && kept(seen) == [false; 6]
            && seen["measured"][0]["seen"].as_str().is_some_and(|seen| seen.starts_with("198.51.100."))
    });
    nothing_is_left();

    // One of ours does not care.
    namespace.plugin(&["create", "redis-001"]).ok();
    wait_to_see(&namespace, &["redis-001"], "that it is harmless", |code, seen| {
        verdict(code, seen) == (Some(0), Some("harmless")) && kept(seen).contains(&false)
    });
    namespace.plugin(&["delete", "redis-001", "--yes", "--delete-data"]).ok();

    // The original's does: its nodes take each other for the workers.
    let image = ["--image", "balon/docker-redis:3.0.7", "--image-entrypoint", "--no-auth"];
    let original = [&["create", "redis-001", "--workload", "replicationcontroller"][..], &image].concat();
    namespace.plugin(&[&original[..], &["--wait=false"]].concat()).ok();
    until(90, "the original's nodes to take each other for workers", || {
        let info = namespace.plugin(&["info", "-l", "app=redis", "-o", "raw"]).out;
        info.contains("198.51.100.")
    });
    wait_to_see(&namespace, &["-l", "app=redis"], "that it fails", |code, seen| {
        verdict(code, seen) == (Some(1), Some("fails"))
    });
    namespace.plugin(&["delete", "redis-001", "--yes"]).ok();

    // And back: now it forms.
    set(&namespace, "iptables", &[]).ok();
    wait_to_see(&namespace, &["--probe"], "that it suits", |code, seen| {
        verdict(code, seen) == (Some(0), Some("suits")) && kept(seen) == [true; 6]
    });
    namespace.plugin(&original).ok();
    namespace.wait_ok(&["-l", "app=redis"]);
    wait_to_see(&namespace, &["-l", "app=redis"], "that it suits", |code, _| code == Some(0));

    // One worker apart.
    assert_eq!(set(&namespace, "userspace", &["--node", "node-2"]).ok(), "node/node-2 set to userspace\n");
    let shown = namespace.plugin(&["check-proxy-mode"]);
    assert_eq!(shown.code, Some(1), "{}", shown.err);
    assert!(
        shown.out.contains("note: workers differ: iptables on node-1, node-3; userspace on node-2"),
        "{}",
        shown.out
    );
    let unchanged = set(&namespace, "userspace", &["--node", "node-2"]).ok();
    assert_eq!(unchanged, "node/node-2 unchanged\n");
}

#[test]
fn a_helper_without_a_shell_is_said_and_removed() {
    refuse_other_clusters();
    let namespace = Namespace::new("helper");
    let said = set(&namespace, "userspace", &["--node", "node-3", "--probe=false", "--image", "throwaway/pause:1"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
    assert!(said.err.contains("hint: the helper's image must have a shell"), "{}", said.err);
    nothing_is_left();
    assert!(set(&namespace, "userspace", &["--node", "node-9"]).err.contains("nodes \"node-9\" not found"));
}

/// This kube-proxy, asked for ipvs where the kernel has none, runs in iptables mode.
#[test]
fn a_mode_that_does_not_come_is_taken_back() {
    refuse_other_clusters();
    let namespace = Namespace::new("ipvs");
    let before = [1, 2, 3].map(manifest);
    let said = set(&namespace, "ipvs", &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
    for part in [
        "error: kube-proxy on node-1 runs in iptables mode instead of ipvs\n",
        "hint: node-1 has its old manifest again, and its kube-proxy runs in iptables mode\n",
        "hint: not changed: node-2, node-3\n",
    ] {
        assert!(said.err.contains(part), "{}", said.err);
    }
    assert_eq!([1, 2, 3].map(manifest), before);
    nothing_is_left();
    services_still_forward(&namespace);
}

/// Somebody spoils the new manifest at the very moment: no kube-proxy comes up. That it crash-loops
/// is not waited for until the deadline.
#[test]
fn a_kube_proxy_that_does_not_come_up_is_taken_back() {
    refuse_other_clusters();
    let namespace = Namespace::new("spoiled");
    let before = [1, 2, 3].map(manifest);
    let spoiler = std::thread::spawn(|| {
        wait_for(|| manifest(1).contains("--proxy-mode=userspace"));
        let path = kubernetes_folder(1).join("manifests/kube-proxy.manifest");
        let spoiled = manifest(1).replace("exec kube-proxy", "exec no-such-program; kube-proxy");
        std::fs::write(path, spoiled).expect("written");
    });
    let mut said = set(&namespace, "userspace", &[]);
    until(60, "the change to begin", || {
        spoiler.is_finished() || {
            said = set(&namespace, "userspace", &[]);
            false
        }
    });
    spoiler.join().expect("spoiled");
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
    assert!(said.err.contains("error: kube-proxy on node-1 crash-loops in userspace mode\n"), "{}", said.err);
    assert!(
        said.err.contains("caused by: its last log line: ") && said.err.contains("no-such-program"),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: node-1 has its old manifest again"), "{}", said.err);
    assert_eq!([1, 2, 3].map(manifest), before);
    nothing_is_left();
    services_still_forward(&namespace);
}

#[test]
fn an_interrupted_change_leaves_nothing_and_a_second_run_completes_it() {
    refuse_other_clusters();
    let namespace = Namespace::new("interrupted");
    let _back = Iptables(&namespace);
    let safe = kubernetes_folder(1).join("kubectl-redis-cluster");
    let prepared = move || safe.join("kube-proxy.manifest.old").exists();
    let committed = || manifest(1).contains("--proxy-mode=userspace");
    let before = manifest(1);
    let helper = Pods::watch("kubectl-redis-cluster/set-proxy-mode");
    let probes = Pods::watch("kubectl-redis-cluster/probe");
    let earlier_helpers = std::cell::Cell::new(0);
    let helped = || helper.names().len() > earlier_helpers.get();
    // Some probes come and go before the change.
    let earlier = std::cell::OnceCell::new();
    let measured = || committed() && !probes.names().is_subset(earlier.get_or_init(|| probes.names()));
    let moments: [(&dyn Fn() -> bool, &str); 4] =
        [(&helped, "false"), (&prepared, "false"), (&committed, "false"), (&measured, "true")];
    for (moment, probe) in moments {
        loop {
            earlier_helpers.set(helper.names().len());
            let mut child = begin(&namespace, probe);
            wait_for(moment);
            interrupt(&child);
            let code = child.wait().expect("it ends").code();
            if code == Some(130) {
                break;
            }
            // It was done before it heard of it.
            assert_eq!(code, Some(0));
            set(&namespace, "iptables", &["--node", "node-1"]).ok();
            settles(&namespace);
        }
        assert_eq!(manifest(1), before);
        nothing_is_left();
        settles(&namespace);
    }
    // Ended by force in the middle, it cannot put anything away: the next run does.
    let mut child = begin(&namespace, "false");
    wait_for(committed);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    set(&namespace, "userspace", &["--node", "node-1", "--probe=false"]).ok();
    assert!(manifest(1).contains("--proxy-mode=userspace"));
    nothing_is_left();
}

/// Waits until every kube-proxy has run in iptables mode for a while: a kubelet that had read a
/// manifest which was taken back starts what it says nevertheless, for a moment.
fn settles(namespace: &Namespace) {
    let mut looks = 0;
    until(60, "kube-proxy to run as before", || {
        looks = if modes(&check(namespace, &[]).1) == ["iptables"; 3] { looks + 1 } else { 0 };
        looks == 10
    });
}

/// The pods that there were since it began: some are gone sooner than they can be asked for.
struct Pods(Background);

impl Pods {
    fn watch(selector: &str) -> Self {
        let mut command = program("kubectl");
        command.args(["get", "pods", "-A", "-l", selector, "-o", "name", "--watch"]);
        Self(Background::start(command))
    }

    fn names(&self) -> BTreeSet<String> {
        self.0.out().lines().map(str::to_owned).collect()
    }
}

/// kubectl becomes the plugin: signals to it are for the plugin.
fn begin(namespace: &Namespace, probe: &str) -> Child {
    let probe = format!("--probe={probe}");
    let arguments = ["set-gke-proxy-mode", "userspace", "--allow-any-provider", "--yes", "--node", "node-1", &probe];
    let mut command = namespace.plugin_command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
}

/// A moment that is over soon: looked for without a pause.
fn wait_for(moment: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(300);
    while !moment() {
        assert!(Instant::now() < end, "waited 300 s for the moment");
        std::thread::sleep(Duration::from_millis(2));
    }
}
