//! Servers as anybody may run them: no script, no manifest. Each is in a pod as far as `check`
//! knows, and what its hints say is done to them.

use super::hints::caller;
use super::server::Server;
use super::servers::Tcp;
use kubectl_redis_cluster::cluster::commands::ClusterRef;
use kubectl_redis_cluster::cluster::finding::Finding;
use kubectl_redis_cluster::cluster::health::{Report, check};
use kubectl_redis_cluster::cluster::reply::KnownLines;
use kubectl_redis_cluster::cluster::snapshot::{Member, NoResponse, Seen, Shell, Snapshot};
use kubectl_redis_cluster::cluster::surroundings::{Lookup, Surroundings};
use kubectl_redis_cluster::cluster::topology::Topology;
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Target, Via};
use kubectl_redis_cluster::ops::ask::{no_response, texts};
use kubectl_redis_cluster::ops::questions::Scope;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::{until, wait};

/// `kubectl exec POD -c CONTAINER -- COMMAND`, on this machine.
const KUBECTL: &str = r#"#!/bin/sh
while [ "$1" != exec ]; do shift; done
[ "$2" != -it ] || shift
export ADDRESS=$(cat "${0%/*}/$2")
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"#;

/// The pod's own address is 127.0.0.1 inside it.
const REDIS_CLI: &str = r#"#!/bin/sh
case " $* " in
*" --cluster "*) exec /usr/bin/redis-cli $(echo "$*" | sed "s/ 127\.0\.0\.1:/ $ADDRESS:/") ;;
*) exec /usr/bin/redis-cli -h "$ADDRESS" "$@" ;;
esac
"#;

/// How long a hint may take until its finding is gone.
const EFFECT: Duration = Duration::from_secs(15);

struct Pod {
    process: Option<Child>,
    /// The last number of its address.
    host: u8,
    worker: Option<String>,
}

pub struct Bare {
    server: Server,
    /// The third number of all addresses.
    network: u8,
    folder: tempfile::TempDir,
    pods: Vec<Pod>,
}

impl Bare {
    /// So many nodes, none of which knows another.
    pub fn new(network: u8, nodes: usize) -> Self {
        Self::on(Server::chosen(), network, nodes)
    }

    /// The same that run this server.
    pub fn on(server: &Server, network: u8, nodes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bare = Self { server: server.clone(), network, folder, pods: Vec::new() };
        bare.program("kubectl", KUBECTL);
        bare.program("redis-cli", REDIS_CLI);
        (0..nodes).for_each(|_| bare.add());
        bare
    }

    /// A cluster of so many masters with one replica each, made by redis-cli.
    pub fn cluster(network: u8, masters: usize) -> Self {
        let bare = Self::new(network, masters * 2);
        bare.form(1);
        bare
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// One more node, which nobody knows.
    pub fn add(&mut self) {
        let host = u8::try_from(self.pods.len() + 1).expect("few");
        self.pods.push(Pod { process: None, host, worker: None });
        self.start(self.pods.len() - 1);
    }

    pub fn form(&self, replicas: u8) {
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create", "--cluster-yes", "--cluster-replicas", &replicas.to_string()]);
        create.args((0..self.pods.len()).map(|node| format!("{}:6379", self.address(node))));
        let said = testkit::run(&mut create).ok();
        assert!(said.contains("All 16384 slots covered"), "{said}");
        self.finds(if replicas == 0 { &["no-replica"] } else { &[] });
    }

    pub fn name(node: usize) -> String {
        format!("bare-{node}")
    }

    pub fn address(&self, node: usize) -> String {
        format!("127.0.{}.{}", self.network, self.pods[node].host)
    }

    fn data(&self, node: usize) -> std::path::PathBuf {
        self.folder.path().join(format!("data-{node}"))
    }

    /// With what its folder has.
    pub fn start(&mut self, node: usize) {
        let (address, data) = (self.address(node), self.data(node));
        std::fs::create_dir_all(&data).expect("a folder");
        std::fs::write(self.folder.path().join(Self::name(node)), &address).expect("written");
        let log = std::fs::File::create(data.join("log")).expect("a file");
        let mut server = Command::new(self.server.program("redis-server"));
        server.args([
            "--bind",
            &address,
            "--cluster-announce-ip",
            &address,
            "--port",
            "6379",
            "--save",
            "",
            "--protected-mode",
            "no",
        ]);
        server.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"]);
        if self.server.at_least(6, 2) {
            server.args(["--cluster-allow-replica-migration", "no"]);
        }
        if self.server.at_least(7, 0) {
            server.args(["--enable-debug-command", "yes"]);
        }
        server.current_dir(data).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        self.pods[node].process = Some(server.spawn().expect("redis-server runs"));
        until(20, "the server to answer", || self.cli(node, "PING") == "PONG");
    }

    pub fn kill(&mut self, node: usize) {
        self.pods[node].process.take().into_iter().for_each(kill);
    }

    /// Its pod is replaced by one with another address and nothing of what it had.
    pub fn reborn(&mut self, node: usize) {
        self.kill(node);
        std::fs::remove_dir_all(self.data(node)).expect("removed");
        self.pods[node].host += 100;
        self.start(node);
    }

    pub fn edit_nodes_conf(&self, node: usize, change: impl Fn(String) -> String) {
        let path = self.data(node).join("nodes.conf");
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(&path, change(text)).expect("written");
    }

    pub fn put_on(&mut self, node: usize, worker: &str) {
        self.pods[node].worker = Some(worker.to_owned());
    }

    pub fn nodes(&self) -> std::ops::Range<usize> {
        0..self.pods.len()
    }

    pub fn cli(&self, node: usize, command: &str) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-c", "-h", &self.address(node)]).args(command.split(' ')).env_remove("REDISCLI_AUTH");
        String::from_utf8_lossy(&cli.output().expect("redis-cli runs").stdout).trim().to_owned()
    }

    pub fn tell(&self, node: usize, command: &str) {
        assert_eq!(self.cli(node, command), "OK", "{}: {command}", Self::name(node));
    }

    pub fn id(&self, node: usize) -> String {
        self.cli(node, "CLUSTER MYID")
    }

    pub fn role(&self, node: usize) -> String {
        self.cli(node, "ROLE").lines().next().unwrap_or_default().to_owned()
    }

    /// A node that owns slots, and its replica.
    pub fn pair(&self, shard: usize) -> (usize, usize) {
        let topology = self.topology();
        let shard = &topology.shards[shard];
        let node = |name: &str| self.nodes().find(|node| Self::name(*node) == name).expect("one of them");
        (node(&shard.master.member.name), node(&shard.replicas[0].member.name))
    }

    pub fn snapshot(&self) -> Snapshot {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let asked = futures::future::join_all(self.nodes().map(|node| self.seen(node)));
        let seen = runtime.block_on(asked);
        // All pods are there.
        let around = Surroundings { controllers: Lookup::Seen(Vec::new()), ..Surroundings::default() };
        let cluster = ClusterRef::Selected("app=bare".into());
        Snapshot { cluster, caller: caller(), seen, around }
    }

    async fn seen(&self, node: usize) -> Seen {
        let address = self.address(node);
        let target = Target { pod: address.clone(), container: String::new(), port: 6379, tls: None };
        let credentials = Credentials::default();
        let asked = texts(&Tcp, (&target, Via::Auto), &credentials, Scope::All);
        let answer = tokio::time::timeout(Duration::from_secs(30), asked).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::user("no answer")));
        let view = answer.map_err(|error| no_response(&error)).and_then(|texts| {
            texts.view(&mut KnownLines::default()).map_err(|error| NoResponse::from(error.to_string()))
        });
        let shell = Shell { container: "redis".into(), port: 6379, ..Shell::default() };
        let member = Member {
            name: Self::name(node),
            pod: Some(Self::name(node)),
            pod_ip: Some(address),
            worker: self.pods[node].worker.clone(),
            shell: Some(shell),
            ..Member::default()
        };
        Seen { member, view }
    }

    pub fn topology(&self) -> Topology {
        Topology::of(&self.snapshot())
    }

    pub fn report(&self) -> Report {
        let snapshot = self.snapshot();
        check(&snapshot, &Topology::of(&snapshot))
    }

    /// Waits for the finding of this code that fulfils a condition.
    pub fn finding(&self, code: &str, fits: impl Fn(&Finding) -> bool) -> Finding {
        wait(30, code, || {
            let findings = self.report().findings;
            let found = findings.iter().find(|finding| finding.code.name() == code && fits(finding));
            found.cloned().ok_or_else(|| format!("{findings:#?}"))
        })
    }

    /// Waits until exactly these codes are found.
    pub fn finds(&self, codes: &[&str]) {
        let expected: BTreeSet<&str> = codes.iter().copied().collect();
        wait(60, &format!("{codes:?} to be found"), || {
            let findings = self.report().findings;
            let found: BTreeSet<&str> = findings.iter().map(|finding| finding.code.name()).collect();
            if found == expected { Ok(()) } else { Err(format!("{findings:#?}")) }
        });
    }

    /// Does what the first hint says that is a command for a node, looks again, and so on, until
    /// only these codes are found; returns the codes whose hints were followed.
    pub fn follow(&self, left: &[&str]) -> Vec<&'static str> {
        let allowed: BTreeSet<&str> = left.iter().copied().collect();
        let (mut followed, mut said) = (Vec::new(), Vec::new());
        wait(90, &format!("hints to lead to {left:?}"), || {
            let findings = self.report().findings;
            let mut open = findings.iter().filter(|finding| !allowed.contains(finding.code.name())).peekable();
            if open.peek().is_none() {
                return Ok(());
            }
            if let Some(finding) = open.find(|finding| finding.hint.contains(" -- ")) {
                said.push(self.obey(finding));
                eprintln!("{}", said[said.len() - 1]);
                followed.push(finding.code.name());
                self.watch(finding);
            }
            Err(format!("{findings:#?}\nafter\n{}", said.join("\n")))
        });
        followed
    }

    /// Runs the hint.
    pub fn obey(&self, finding: &Finding) -> String {
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("yes yes 2>/dev/null | {}", finding.hint)]);
        let done = testkit::run(shell.env("PATH", path).env_remove("REDISCLI_AUTH"));
        format!("{}: {}\n{}{}", finding.code, finding.hint, done.out, done.err)
    }

    /// Waits until a finding is gone, for some time.
    fn watch(&self, finding: &Finding) {
        let end = Instant::now() + EFFECT;
        let is_there = || {
            let findings = self.report().findings;
            findings.iter().any(|each| (each.code, &each.hint) == (finding.code, &finding.hint))
        };
        while is_there() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.pods.iter_mut().filter_map(|pod| pod.process.take()).for_each(kill);
    }
}

fn kill(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}
