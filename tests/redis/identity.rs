//! Servers that are not the nodes that they seem to be: without cluster mode, or with the node ID of
//! another one. Each is at an address of its own, 127.0.61.x.

use crate::servers::Tcp;
use kubectl_redis_cluster::cluster::finding::{Code, Finding, Severity};
use kubectl_redis_cluster::cluster::health::{Report, Verdict, check};
use kubectl_redis_cluster::cluster::reply::KnownLines;
use kubectl_redis_cluster::cluster::snapshot::{Member, NoResponse, Seen, Snapshot};
use kubectl_redis_cluster::cluster::topology::{State, Topology};
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Target, Via};
use kubectl_redis_cluster::ops::ask::{no_response, texts};
use kubectl_redis_cluster::ops::questions::Scope;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use testkit::{run, until};

struct Servers {
    folder: tempfile::TempDir,
    children: Vec<(String, Child)>,
}

impl Servers {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), children: Vec::new() }
    }

    fn data(&self, address: &str) -> PathBuf {
        let data = self.folder.path().join(address);
        std::fs::create_dir_all(&data).expect("a folder");
        data
    }

    fn start(&mut self, address: &str, arguments: &[&str]) {
        let mut server = Command::new("redis-server");
        server.args(arguments).args([
            "--protected-mode",
            "no",
            "--bind",
            address,
            "--port",
            "6379",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        server.current_dir(self.data(address)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = server.spawn().expect("install redis-server: apt-get install redis-server");
        self.children.push((address.to_owned(), child));
        until(20, "the server to answer", || cli(address, &["PING"]) == "PONG");
    }

    fn start_node(&mut self, address: &str) {
        self.start(
            address,
            &["--cluster-enabled", "yes", "--cluster-announce-ip", address, "--cluster-node-timeout", "2000"],
        );
    }

    fn stop(&mut self, address: &str) {
        let (which, others) = std::mem::take(&mut self.children).into_iter().partition(|(each, _)| each == address);
        self.children = others;
        let which: Vec<(String, Child)> = which;
        which.into_iter().for_each(|(_, child)| kill(child));
    }

    /// What all of them say, asked as the commands ask, of pods without controllers.
    fn snapshot(&self) -> Snapshot {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let seen = self.children.iter().map(|(address, _)| runtime.block_on(seen(address)));
        Snapshot { seen: seen.collect(), ..Snapshot::default() }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.children.drain(..).for_each(|(_, child)| kill(child));
    }
}

fn kill(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

async fn seen(address: &str) -> Seen {
    let target = Target { pod: address.into(), container: String::new(), port: 6379, tls: None };
    let texts = texts(&Tcp, (&target, Via::Auto), &Credentials::default(), Scope::All).await;
    let view = texts.map_err(|error| no_response(&error));
    let view = view
        .and_then(|texts| texts.view(&mut KnownLines::default()).map_err(|error| NoResponse::from(error.to_string())));
    let pod = Some(address.to_owned());
    Seen { member: Member { name: address.into(), pod: pod.clone(), pod_ip: pod, ..Member::default() }, view }
}

fn cli(address: &str, words: &[&str]) -> String {
    let mut cli = Command::new("redis-cli");
    run(cli.args(["-h", address]).args(words)).out.trim().to_owned()
}

fn judged(snapshot: &Snapshot) -> (Topology, Report) {
    let topology = Topology::of(snapshot);
    let report = check(snapshot, &topology);
    (topology, report)
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.code.name()).collect()
}

fn of(report: &Report, code: Code) -> Vec<Finding> {
    report.findings.iter().filter(|finding| finding.code == code).cloned().collect()
}

#[test]
fn servers_without_cluster_mode_are_told() {
    let mut servers = Servers::new();
    let file = servers.data("127.0.61.2").join("redis.conf");
    std::fs::write(&file, "cluster-enabled no\n").expect("written");
    servers.start("127.0.61.1", &[]);
    servers.start("127.0.61.2", &[&file.to_string_lossy()]);
    let snapshot = servers.snapshot();
    let (topology, report) = judged(&snapshot);
    assert_eq!((topology.state, report.verdict(Severity::Warning)), (State::Fail, Verdict::Unhealthy));
    assert_eq!(codes(&report), ["cluster-mode-off"].into());
    let [first, second] = &of(&report, Code::ClusterModeOff)[..] else { panic!("{report:?}") };
    assert!(first.evidence.contains("without a configuration file"), "{}", first.evidence);
    assert!(second.evidence.contains(&*file.to_string_lossy()), "{}", second.evidence);
    assert_eq!(
        snapshot.not_clustered().as_deref(),
        Some("127.0.61.1, 127.0.61.2 run without cluster mode (cluster-enabled no)")
    );
}

/// A server with a copy of another one's nodes.conf, as of a cloned volume.
#[test]
fn two_servers_with_one_id_are_both_shown_until_the_copy_is_stopped() {
    let nodes = ["127.0.61.11", "127.0.61.12", "127.0.61.13"];
    let copy = "127.0.61.14";
    let mut servers = Servers::new();
    nodes.iter().for_each(|node| servers.start_node(node));
    let addresses: Vec<String> = nodes.iter().map(|node| format!("{node}:6379")).collect();
    let create =
        ["--cluster", "create"].into_iter().chain(addresses.iter().map(String::as_str)).chain(["--cluster-yes"]);
    let said = cli(nodes[0], &create.collect::<Vec<_>>());
    assert!(said.contains("All 16384 slots covered"), "{said}");
    let sound = |servers: &Servers| codes(&judged(&servers.snapshot()).1) == ["no-replica"].into();
    until(30, "a sound cluster", || sound(&servers));
    for key in 0..30 {
        cli(nodes[0], &["-c", "SET", &format!("k{key}"), "v"]);
    }

    let conf = servers.data(nodes[2]).join("nodes.conf");
    std::fs::copy(conf, servers.data(copy).join("nodes.conf")).expect("copied");
    servers.start_node(copy);
    // However far the others have noticed.
    let (topology, report) = judged(&servers.snapshot());
    let shown: BTreeSet<&str> = topology.nodes().map(|node| node.member.name.as_str()).collect();
    assert!(shown.is_superset(&[nodes[0], nodes[1], nodes[2], copy].into()), "{shown:?}");
    assert!(codes(&report).contains("same-node-id"), "{report:?}");
    let [found] = &of(&report, Code::SameNodeId)[..] else { panic!("{report:?}") };
    assert_eq!(found.subject, copy);
    assert!(found.evidence.ends_with(&format!("{copy} at {copy} has 0 keys")), "{}", found.evidence);
    // Nothing would make such a pod again.
    assert_eq!(found.hint, format!("kubectl -n '' describe pod {copy}"));
    assert!(topology.owners().any(|owner| owner.member.name == nodes[2]), "the one with the keys is the node");
    let no_hint_helps_the_copy = |finding: &Finding| !finding.hint.contains(&format!("meet {copy}"));
    assert!(report.findings.iter().all(no_hint_helps_the_copy), "{report:?}");

    servers.stop(copy);
    until(60, "a sound cluster", || sound(&servers));
    assert_eq!(cli(nodes[0], &["-c", "GET", "k7"]), "v");
}
