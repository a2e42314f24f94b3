//! Servers that announce what is no address, and whether what `check` says mends them.

use super::server::Server;
use super::servers::{Tcp, until};
use kubectl_redis_cluster::cluster::finding::Severity;
use kubectl_redis_cluster::cluster::health::{Report, check};
use kubectl_redis_cluster::cluster::reply::KnownLines;
use kubectl_redis_cluster::cluster::snapshot::{Member, NoResponse, Seen, Shell, Snapshot};
use kubectl_redis_cluster::cluster::topology::Topology;
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Target, Via};
use kubectl_redis_cluster::ops::ask::{no_response, texts};
use kubectl_redis_cluster::ops::questions::Scope;
use std::process::{Child, Command, Stdio};
use testkit::wait;

const SERVERS: u8 = 3;

fn address(server: u8) -> String {
    format!("127.0.61.{server}")
}

struct Servers(Vec<Child>);

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Servers {
    /// As a configuration file says it in which nothing is expanded.
    fn announcing(what: &str, folder: &std::path::Path) -> Self {
        let start = |server: u8| {
            let data = folder.join(server.to_string());
            std::fs::create_dir(&data).expect("a folder");
            let mut command = Command::new(Server::chosen().program("redis-server"));
            command.args(["--port", "6379", "--bind", &address(server), "--cluster-announce-ip", what, "--save", ""]);
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--protected-mode", "no"]);
            command.current_dir(data).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redis-server runs")
        };
        let servers = Self((1..=SERVERS).map(start).collect());
        for server in 1..=SERVERS {
            until(20, "the server to answer", || cli(&address(server), "ping") == "PONG");
        }
        servers
    }

    fn report(&self) -> Report {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let seen = (1..=SERVERS).map(|server| {
            let target = Target { pod: address(server), container: String::new(), port: 6379, tls: None };
            let texts = runtime.block_on(texts(&Tcp, (&target, Via::Auto), &Credentials::default(), Scope::All));
            let view = texts.map_err(|error| no_response(&error)).and_then(|texts| {
                texts.view(&mut KnownLines::default()).map_err(|error| NoResponse::from(error.to_string()))
            });
            let shell = Some(Shell { container: "redis".into(), port: 6379, ..Shell::default() });
            let (name, pod_ip) = (format!("li-{server}"), Some(address(server)));
            Seen { member: Member { pod: Some(name.clone()), name, pod_ip, shell, ..Member::default() }, view }
        });
        let snapshot = Snapshot { seen: seen.collect(), ..Snapshot::default() };
        check(&snapshot, &Topology::of(&snapshot))
    }
}

fn cli(address: &str, words: &str) -> String {
    let script = format!("redis-cli -h {address} {words}");
    let output = Command::new("sh").args(["-c", &script]).output().expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a hint as kubectl would in the pod that it names.
fn take(hint: &str) {
    let Some((before, words)) = hint.split_once(" -- redis-cli ") else { return };
    let server = before.split("exec li-").nth(1).and_then(|rest| rest.split(' ').next()).expect("a pod");
    let address = address(server.parse().expect("a number"));
    cli(&address, &words.replace("127.0.0.1:6379", &format!("{address}:6379")));
}

/// redis-cli has given each its slots, and waits for ever for them to join.
#[test]
fn a_cluster_that_never_formed_because_nobody_expanded_an_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let servers = Servers::announcing("$(POD_IP)", folder.path());
    let addresses: Vec<String> = (1..=SERVERS).map(|server| format!("{}:6379", address(server))).collect();
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create"]).args(addresses).arg("--cluster-yes");
    let _create = Servers(vec![create.stdout(Stdio::null()).spawn().expect("redis-cli runs")]);
    let owns_slots = |server| cli(&address(server), "cluster nodes").lines().any(|line| line.split(' ').count() > 8);
    until(20, "all to have their slots", || (1..=SERVERS).all(owns_slots));

    let named = |report: &Report| {
        let stale = report.findings.iter().filter(|finding| finding.code.name() == "address-stale");
        stale.map(|finding| finding.subject.clone()).collect::<Vec<_>>()
    };
    let first = servers.report();
    assert_eq!(named(&first), ["li-1", "li-2", "li-3"], "{:#?}", first.findings);
    // One hint alone leaves the others named.
    take(&first.findings.iter().find(|finding| finding.subject == "li-1").expect("named").hint);
    assert_eq!(named(&servers.report()), ["li-2", "li-3"]);
    wait(15, "one wave of hints after another to end in a cluster", || {
        let report = servers.report();
        report.findings.iter().for_each(|finding| take(&finding.hint));
        let is_bad = |severity: Severity| severity >= Severity::Warning;
        if report.findings.iter().any(|finding| is_bad(finding.severity)) {
            Err(format!("{report:#?}"))
        } else {
            Ok(())
        }
    });
    assert_eq!(cli(&address(1), "cluster info").lines().next().map(str::trim), Some("cluster_state:ok"));
}
