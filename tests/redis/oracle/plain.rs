//! Six servers as anybody may run them: no script, no manifest, a cluster made by redis-cli.

use crate::servers::Tcp;
use kubectl_redis_cluster::cluster::commands::ClusterRef;
use kubectl_redis_cluster::cluster::health::{Report, check};
use kubectl_redis_cluster::cluster::node::{NodeId, Role};
use kubectl_redis_cluster::cluster::reply::KnownLines;
use kubectl_redis_cluster::cluster::slots::{SlotRange, SlotSet, split};
use kubectl_redis_cluster::cluster::snapshot::{Member, NoResponse, Seen, Snapshot, View};
use kubectl_redis_cluster::cluster::topology::Topology;
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::node::connection::{Credentials, Node, Reply};
use kubectl_redis_cluster::node::dial::{Target, Via};
use kubectl_redis_cluster::ops::ask::{no_response, texts};
use kubectl_redis_cluster::ops::questions::Scope;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How many there are: three shards of two.
pub const SERVERS: usize = 6;
pub const SHARDS: usize = 3;

/// The two nodes of a shard, in the roles that they had when all was last well.
#[derive(Clone, Copy)]
pub struct Pair {
    pub master: usize,
    pub replica: usize,
}

pub struct Plain {
    folder: tempfile::TempDir,
    runtime: Runtime,
    children: Vec<Option<Child>>,
    ids: Vec<NodeId>,
    pub shards: Vec<Pair>,
    /// Whether the nodes say nothing to each other.
    pub hushed: bool,
    /// What was done to the nodes since all was last well.
    pub told: Vec<String>,
}

impl Plain {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut servers = Self {
            folder: tempfile::tempdir().expect("a folder"),
            runtime,
            children: (0..SERVERS).map(|_| None).collect(),
            ids: Vec::new(),
            shards: Vec::new(),
            hushed: false,
            told: Vec::new(),
        };
        servers.start_missing();
        let addresses: Vec<String> = (0..SERVERS).map(endpoint).collect();
        let mut create = vec!["create", "--cluster-replicas", "1", "--cluster-yes"];
        create.extend(addresses.iter().map(String::as_str));
        let (made, said) = servers.redis_cli(&create);
        assert!(made, "{said}");
        let id = |node| servers.tell(node, "CLUSTER MYID").expect("an ID").parse().expect("an ID");
        servers.ids = (0..SERVERS).map(id).collect();
        soon("redis-cli's cluster to be whole", || servers.note_if_whole());
        servers
    }

    /// Starts every server that does not run, and waits until it speaks.
    fn start_missing(&mut self) {
        let missing: Vec<usize> = (0..SERVERS).filter(|node| !self.runs(*node)).collect();
        for node in &missing {
            self.children[*node] = Some(self.start(*node));
        }
        for node in missing {
            soon("the server to answer", || self.tell(node, "PING").is_ok());
        }
    }

    fn start(&self, node: usize) -> Child {
        let data = self.folder.path().join(node.to_string());
        std::fs::create_dir_all(&data).expect("a folder");
        let log = std::fs::File::create(data.join("log")).expect("a file");
        let address = address(node);
        let mut server = Command::new("redis-server");
        server.args(["--port", "6379", "--bind", &address, "--cluster-announce-ip", &address]);
        server.args(["--save", "", "--appendonly", "no", "--enable-debug-command", "yes", "--protected-mode", "no"]);
        server.args(["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]);
        server.args(["--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "yes"]);
        // Nobody changes sides by itself, and a replica is served at once.
        server.args(["--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0"]);
        server.current_dir(data).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        server.spawn().expect("install redis-server: apt-get install redis-server")
    }

    pub fn runs(&self, node: usize) -> bool {
        self.children[node].is_some()
    }

    /// The nodes that run.
    pub fn running(&self) -> Vec<usize> {
        (0..SERVERS).filter(|node| self.runs(*node)).collect()
    }

    pub fn kill(&mut self, node: usize) {
        self.told.push(format!("{}: killed", address(node)));
        self.children[node].take().into_iter().for_each(kill);
    }

    pub fn id(&self, node: usize) -> &NodeId {
        &self.ids[node]
    }

    pub fn master(&self, shard: usize) -> usize {
        self.shards[shard].master
    }

    pub fn replica(&self, shard: usize) -> usize {
        self.shards[shard].replica
    }

    /// The node's answer to one command.
    pub fn tell(&self, node: usize, command: &str) -> Reply {
        let mut replies = self.tell_all(node, &[command.to_owned()])?;
        replies.pop().unwrap_or_else(|| Err("no reply".into()))
    }

    /// The node's answers to commands, in one go.
    fn tell_all(&self, node: usize, commands: &[String]) -> Result<Vec<Reply>, String> {
        let words: Vec<Vec<&str>> = commands.iter().map(|command| command.split(' ').collect()).collect();
        let batch: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
        let answer = async {
            let mut server = Node::connect(&Tcp, &target(node), Via::Auto).await?;
            server.ask(&Credentials::default(), &batch).await
        };
        self.runtime.block_on(patient(answer)).map_err(|error| error.to_string())
    }

    /// Does something to a node, and notes whether it obeyed.
    pub fn order(&mut self, node: usize, command: &str) {
        let refusal = self.tell(node, command).err().map(|why| format!(", refused: {why}"));
        self.told.push(format!("{}: {command}{}", address(node), refusal.unwrap_or_default()));
    }

    /// The same to all that run.
    pub fn order_all(&mut self, command: &str) {
        self.running().into_iter().for_each(|node| self.order(node, command));
    }

    /// Whether keys were written since all was last well.
    pub fn holds_keys(&self) -> bool {
        self.told.iter().any(|told| told.contains(": SET "))
    }

    /// From now on the nodes say nothing to each other by themselves, and nobody is missed.
    /// (To drop what they say, as DEBUG can, leaves questions open on links that still work.)
    pub fn hush(&mut self) {
        self.order_all("DEBUG PAUSE-CRON 1");
        self.hushed = true;
    }

    /// The nodes speak again.
    pub fn speak(&mut self) {
        if std::mem::take(&mut self.hushed) {
            self.order_all("DEBUG PAUSE-CRON 0");
        }
    }

    /// All nodes tell each other at once what they would tell each other within a second.
    pub fn greet(&self) {
        if self.hushed {
            return;
        }
        let running = self.running();
        for node in &running {
            let others = running.iter().filter(|other| *other != node);
            let meet: Vec<String> = others.map(|other| format!("CLUSTER MEET {} 6379", address(*other))).collect();
            self.tell_all(*node, &meet).expect("it answers");
        }
        soon("the nodes to have greeted each other", || running.iter().all(|node| self.has_greeted_all(*node)));
    }

    /// Whether the node knows all its peers that run, and they have answered it.
    fn has_greeted_all(&self, node: usize) -> bool {
        let view = self.tell(node, "CLUSTER NODES").unwrap_or_default();
        let has_answered = |line: &str| line.split(' ').nth(4) == Some("0") && !line.contains("disconnected");
        !view.contains("handshake")
            && self.running().into_iter().all(|other| {
                let line = view.lines().find(|line| line.starts_with(self.ids[other].as_str()));
                line.is_some_and(has_answered)
            })
    }

    /// What all nodes say, asked as the commands ask; for Kubernetes they are nobody's.
    pub fn snapshot(&self, scope: Scope) -> Snapshot {
        let asked = futures::future::join_all((0..SERVERS).map(|node| seen(node, scope)));
        let seen = self.runtime.block_on(asked);
        Snapshot { cluster: ClusterRef::Selected("app=plain".into()), seen, ..Snapshot::default() }
    }

    pub fn report(&self, scope: Scope) -> Report {
        let snapshot = self.snapshot(scope);
        check(&snapshot, &Topology::of(&snapshot))
    }

    /// Whether `redis-cli --cluster` ended well, and what it printed.
    pub fn redis_cli(&self, arguments: &[&str]) -> (bool, String) {
        let path = self.folder.path().join("said");
        let said = std::fs::File::create(&path).expect("a file");
        let mut cli = Command::new("redis-cli");
        cli.arg("--cluster").args(arguments).env_remove("REDISCLI_AUTH");
        let errors = said.try_clone().expect("a file");
        let mut child = cli.stdin(Stdio::null()).stdout(said).stderr(errors).spawn().expect("redis-cli runs");
        let end = Instant::now() + Duration::from_secs(120);
        let status = loop {
            match child.try_wait().expect("a child") {
                Some(status) => break Some(status),
                None if Instant::now() > end => break None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let said = std::fs::read_to_string(&path).expect("it is text");
        if status.is_none() {
            kill(child);
        }
        let status = status.unwrap_or_else(|| panic!("redis-cli {arguments:?} did not end, but said:\n{said}"));
        (status.success(), said)
    }

    /// What redis-cli finds when it is led to one node.
    pub fn redis_cli_check(&self, entry: usize, thorough: bool) -> (bool, String) {
        let entry = endpoint(entry);
        let owners = ["--cluster-search-multiple-owners"].into_iter().filter(|_| thorough);
        self.redis_cli(&["check", &entry].into_iter().chain(owners).collect::<Vec<_>>())
    }

    /// Undoes whatever was done, and waits until all is well again for both.
    pub fn heal(&mut self) {
        self.start_missing();
        self.order_all("ACL SETUSER default +@all");
        let end = Instant::now() + Duration::from_secs(240);
        while Instant::now() < end {
            self.mend();
            self.speak();
            for attempt in 0..40 {
                if self.note_if_whole() {
                    self.told.clear();
                    return;
                }
                if attempt == 0 {
                    self.greet();
                } else {
                    std::thread::sleep(Duration::from_millis(25));
                }
            }
        }
        panic!("not healed: {:#?}\nafter:\n{}", self.report(Scope::All).findings, self.told.join("\n"));
    }

    /// Whether both find nothing, and each shard has its slots and one replica: if so, notes
    /// who has which role now.
    fn note_if_whole(&mut self) -> bool {
        let snapshot = self.snapshot(Scope::All);
        let topology = Topology::of(&snapshot);
        let shards = topology.shards.iter().map(|shard| shard.slots.clone());
        let is_whole = check(&snapshot, &topology).findings.is_empty()
            && shards.eq(rightful())
            && topology.shards.iter().all(|shard| shard.replicas.len() == 1)
            && self.redis_cli_check(0, false).0;
        if is_whole {
            let node = |name: &str| (0..SERVERS).find(|node| address(*node) == name).expect("one of them");
            let pairs = topology.shards.iter().map(|shard| Pair {
                master: node(&shard.master.member.name),
                replica: node(&shard.replicas[0].member.name),
            });
            self.shards = pairs.collect();
        }
        is_whole
    }

    /// Tells each node what it should believe.
    fn mend(&mut self) {
        let snapshot = self.snapshot(Scope::Nodes);
        let views: Vec<&View> = snapshot.seen.iter().filter_map(|seen| seen.view.as_ref().ok()).collect();
        // Later, when all answer.
        if views.len() < SERVERS {
            return;
        }
        let owners: Vec<usize> = self.shards.iter().map(|pair| owner(*pair, &views)).collect();
        for (node, view) in views.into_iter().enumerate() {
            // What is refused now is accepted when the nodes have met.
            let _ = self.tell_all(node, &self.corrections(node, view, &owners));
        }
    }

    fn corrections(&self, node: usize, view: &View, owners: &[usize]) -> Vec<String> {
        let mut commands = vec!["FLUSHALL".to_owned()];
        let myself = view.myself().expect("it knows itself");
        let open = myself.open.iter().filter_map(|token| token.trim_start_matches('[').split('-').next());
        commands.extend(open.map(|slot| format!("CLUSTER SETSLOT {slot} STABLE")));
        for ((slots, owner), pair) in rightful().zip(owners).zip(&self.shards) {
            let others = view.nodes.iter().filter(|line| line.id != self.ids[*owner]);
            let taken = others.map(|line| line.slots.intersection(&slots));
            commands.extend(taken.flat_map(|taken| each_range("DELSLOTSRANGE", &taken)));
            if *owner == node {
                commands.extend(each_range("ADDSLOTSRANGE", &slots.intersection(&myself.slots.complement())));
            } else if [pair.master, pair.replica].contains(&node) && myself.master.as_ref() != Some(&self.ids[*owner]) {
                commands.push(format!("CLUSTER REPLICATE {}", self.ids[*owner]));
            }
        }
        commands
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.children.drain(..).flatten().for_each(kill);
    }
}

/// Waits for what takes a moment.
pub fn soon(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(15));
    }
}

fn kill(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Who should own a shard's slots: of its masters the one with slots, or the newer one.
fn owner(pair: Pair, views: &[&View]) -> usize {
    let claim = |node: &usize| {
        views[*node].myself().map(|line| (line.role == Role::Master, !line.slots.is_empty(), line.epoch))
    };
    [pair.replica, pair.master].into_iter().max_by_key(claim).unwrap_or(pair.master)
}

fn each_range(verb: &str, slots: &SlotSet) -> Vec<String> {
    slots.ranges().iter().map(|range| format!("CLUSTER {verb} {} {}", range.first, range.last)).collect()
}

/// The slots of each shard.
fn rightful() -> impl Iterator<Item = SlotSet> {
    ranges().into_iter().map(|range| [range].into_iter().collect())
}

pub fn ranges() -> Vec<SlotRange> {
    split(3)
}

pub fn address(node: usize) -> String {
    format!("127.0.60.{}", node + 1)
}

fn endpoint(node: usize) -> String {
    format!("{}:6379", address(node))
}

fn target(node: usize) -> Target {
    Target { pod: address(node), container: String::new(), port: 6379, tls: None }
}

async fn patient<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Err(Error::user("no answer"));
    tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap_or_else(late)
}

async fn seen(node: usize, scope: Scope) -> Seen {
    let (target, credentials) = (target(node), Credentials::default());
    let texts = patient(texts(&Tcp, (&target, Via::Auto), &credentials, scope)).await;
    let view = texts.map_err(|error| no_response(&error));
    let view = view
        .and_then(|texts| texts.view(&mut KnownLines::default()).map_err(|error| NoResponse::from(error.to_string())));
    let pod_ip = Some(address(node));
    Seen { member: Member { name: address(node), pod: pod_ip.clone(), pod_ip, ..Member::default() }, view }
}
