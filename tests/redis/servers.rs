//! A cluster of redis-server processes that our own manifests and script start.

use super::hints::caller;
use super::server::Server;
use futures::FutureExt;
use futures::future::BoxFuture;
use kubectl_redis_cluster::cluster::commands::ClusterRef;
use kubectl_redis_cluster::cluster::health::{Report, check};
use kubectl_redis_cluster::cluster::node::NodeNumber;
use kubectl_redis_cluster::cluster::reply::KnownLines;
use kubectl_redis_cluster::cluster::shape::{Shape, Small};
use kubectl_redis_cluster::cluster::snapshot::{Member, NoResponse, Seen, Shell as InPod, Snapshot};
use kubectl_redis_cluster::cluster::surroundings::Surroundings;
use kubectl_redis_cluster::cluster::topology::{State, Topology};
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::manifest::config::{SCRIPTS, SCRIPTS_VERSION, cluster_config, redis_conf, scripts_version};
use kubectl_redis_cluster::manifest::names::{ClusterName, FORMED};
use kubectl_redis_cluster::manifest::spec::{
    Auth, Entrypoint, Image, Network, Placement, Redis, Resources, Spec, Spread, Storage, Workload,
};
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Dial, Target, Via};
use kubectl_redis_cluster::node::line::Line;
use kubectl_redis_cluster::ops::ask::answer;
use kubectl_redis_cluster::ops::questions::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
pub use testkit::until;
use testkit::{all_answered, aof, wait};

/// The shells that the script must run in.
#[derive(Clone, Copy)]
pub enum Shell {
    /// Debian's.
    Dash,
    /// Alpine's, with all its tools.
    Busybox,
}

impl Shell {
    fn command(self, folder: &Path, server: &Server) -> Command {
        match self {
            Self::Dash => {
                let mut command = Command::new("dash");
                command.env("PATH", debian(folder, server));
                command
            }
            Self::Busybox => {
                let mut command = Command::new("busybox");
                command.arg("sh").env("PATH", busybox(folder, server));
                command
            }
        }
    }
}

/// The machine's PATH, with the awk of Debian's images before all others.
fn debian(folder: &Path, server: &Server) -> String {
    let bin = folder.join("debian");
    if std::fs::create_dir(&bin).is_ok() {
        std::os::unix::fs::symlink("/usr/bin/mawk", bin.join("awk")).expect("a link");
    }
    format!("{}:{}", bin.display(), server.path())
}

/// A folder with busybox under the names of its tools, and Redis: the whole PATH.
fn busybox(folder: &Path, server: &Server) -> PathBuf {
    let bin = folder.join("busybox");
    if std::fs::create_dir(&bin).is_ok() {
        let installed = Command::new("busybox").args(["--install", "-s"]).arg(&bin).status().expect("busybox runs");
        assert!(installed.success());
        for program in ["redis-server", "redis-cli"] {
            std::os::unix::fs::symlink(server.program(program), bin.join(program)).expect("a link");
        }
    }
    bin
}

/// What is added to a node's number for its second process.
const BESIDE: u32 = 100_000;
/// And for the script that runs before its pod ends.
const LEAVING: u32 = 200_000;

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

pub struct Cluster {
    spec: Spec,
    server: Server,
    /// The third number of the nodes' addresses.
    network: u8,
    family: Family,
    password: Option<String>,
    /// That of `password()` if another one is used to read the cluster.
    reads_with: Option<String>,
    folder: tempfile::TempDir,
    children: BTreeMap<u32, Child>,
    forgotten: Option<u32>,
    /// Addresses of nodes that are not where they should be: (who sees it, whose, where).
    misplaced: Vec<(u32, u32, String)>,
    swapped: Option<(u32, u32)>,
    /// Those with a process namespace of their own.
    contained: BTreeSet<u32>,
}

impl Cluster {
    pub fn new(network: u8, password: Option<&str>) -> Self {
        Self::of(spec(), network, password)
    }

    /// One that runs this server.
    pub fn on(server: Server, network: u8) -> Self {
        let mut cluster = Self::new(network, None);
        cluster.server = server;
        cluster
    }

    /// The same with other addresses, which are there in a network of its own only (`ipv6.rs`).
    pub fn over_ipv6(mut self) -> Self {
        self.family = Family::V6;
        self
    }

    /// One whose nodes keep nothing on disk.
    pub fn in_memory(network: u8, password: Option<&str>) -> Self {
        let mut spec = spec();
        spec.resources.storage = None;
        Self::of(spec, network, password)
    }

    /// One whose servers let themselves be meddled with.
    pub fn with_debugging(network: u8) -> Self {
        let mut spec = spec();
        if Server::chosen().at_least(7, 0) {
            spec.redis.config = vec!["enable-debug-command yes".into()];
        }
        Self::of(spec, network, None)
    }

    /// One whose nodes load their data for many seconds.
    pub fn slow_to_load(network: u8) -> Self {
        let mut spec = spec();
        spec.redis.config = vec!["key-load-delay 10000".into(), "loading-process-events-interval-bytes 1024".into()];
        Self::of(spec, network, None)
    }

    fn of(spec: Spec, network: u8, password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config");
        std::fs::create_dir(&config).expect("a folder");
        let (conf, version) = (redis_conf(&spec), scripts_version());
        for (name, text) in SCRIPTS.into_iter().chain([("redis.conf", conf.as_str()), (SCRIPTS_VERSION, &version)]) {
            std::fs::write(config.join(name), text).expect("written");
        }
        let password = password.map(|password| Server::chosen().password(password));
        let (children, misplaced) = (BTreeMap::new(), Vec::new());
        let server = Server::chosen().clone();
        let (forgotten, swapped, reads_with, contained) = (None, None, None, BTreeSet::new());
        let family = Family::V4;
        Self {
            spec,
            server,
            network,
            family,
            password,
            reads_with,
            folder,
            children,
            forgotten,
            misplaced,
            swapped,
            contained,
        }
    }

    fn numbers(&self) -> Vec<NodeNumber> {
        self.spec.shape.nodes().collect()
    }

    pub fn address(&self, number: u32) -> String {
        let number = match self.swapped {
            Some((one, other)) if number == one => other,
            Some((one, other)) if number == other => one,
            _ => number,
        };
        let host = number / 100 * 10 + number % 100;
        match self.family {
            Family::V4 => format!("127.0.{}.{host}", self.network),
            Family::V6 => format!("2001:db8::{}:{host}", self.network),
        }
    }

    pub fn data(&self, number: u32) -> PathBuf {
        let folder = self.folder.path().join(format!("data-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// The script as the kubelet would start it: the variables with addresses in them.
    fn script(&self, number: u32, shell: Shell) -> Command {
        let myself = number.to_string().parse().expect("a node number");
        let mut nodes = cluster_config(&self.spec, myself);
        for each in self.numbers() {
            let digits = digits(&each);
            if self.forgotten != Some(digits) {
                let variable = format!("$({})", ClusterName::address_variable(&self.spec.name, each));
                nodes = nodes.replace(&variable, &self.seen_by(number, digits));
            }
        }
        let mut command = self.pod_script("bootstrap.sh", number, shell);
        let lines: String = self.spec.redis.config.iter().map(|line| format!("{line}\n")).collect();
        command.env("CLUSTER_CONFIG", nodes).env("REDIS_CONFIG", format!("bind {}\n{lines}", self.address(number)));
        command
    }

    /// One of the scripts of a pod, with the variables that are the same for all.
    fn pod_script(&self, name: &str, number: u32, shell: Shell) -> Command {
        let tmp = self.folder.path().join(format!("tmp-{number}"));
        std::fs::create_dir_all(&tmp).expect("a folder");
        let mut command = shell.command(self.folder.path(), &self.server);
        command
            .arg(self.folder.path().join("config").join(name))
            .env("BOOTSTRAP_CONFIG", self.folder.path().join("config"))
            .env("BOOTSTRAP_DATA", self.data(number))
            .env("BOOTSTRAP_TMP", tmp)
            .env("BOOTSTRAP_BIND", self.address(number))
            .env_remove("REDISCLI_AUTH")
            .envs(self.password.as_ref().map(|password| ("REDISCLI_AUTH", password)))
            .stdin(Stdio::null());
        command
    }

    /// Where `viewer` believes that `number` is.
    fn seen_by(&self, viewer: u32, number: u32) -> String {
        let wrong = self.misplaced.iter().find(|(who, whose, _)| (*who, *whose) == (viewer, number));
        wrong.map_or_else(|| self.address(number), |(_, _, address)| address.clone())
    }

    pub fn start(&mut self, number: u32, shell: Shell) {
        let log = std::fs::File::create(self.folder.path().join(format!("log-{number}"))).expect("a file");
        let errors = log.try_clone().expect("a file");
        let child = self.script(number, shell).stdout(log).stderr(errors).process_group(0).spawn();
        self.children.insert(number, child.expect("install redis-server: apt-get install redis-server busybox-static"));
    }

    pub fn start_all(&mut self, shell: Shell) {
        for number in self.numbers() {
            self.start(digits(&number), shell);
        }
    }

    /// A second process of a node, on the same volume and address, in a pod of its own;
    /// its exit code, if it has ended, and what it said when it said `text`.
    pub fn start_beside(&mut self, number: u32, shell: Shell, text: &str) -> (Option<i32>, String) {
        let beside = number + BESIDE;
        let log = std::fs::File::create(self.folder.path().join(format!("log-{beside}"))).expect("a file");
        let tmp = self.folder.path().join(format!("tmp-{beside}"));
        std::fs::create_dir_all(&tmp).expect("a folder");
        let mut command = self.script(number, shell);
        command.env("BOOTSTRAP_TMP", tmp).stdout(log).stderr(Stdio::null()).process_group(0);
        if self.spec.resources.storage.is_none() {
            command.env("BOOTSTRAP_DATA", self.data(beside));
        }
        self.children.insert(beside, command.spawn().expect("it runs"));
        self.wait_log(beside, text);
        let code = self.children.get_mut(&beside).expect("started").try_wait().expect("a child");
        (code.and_then(|code| code.code()), self.log(beside))
    }

    pub fn wait_log_beside(&self, number: u32, text: &str) {
        self.wait_log(number + BESIDE, text);
    }

    pub fn log_beside(&self, number: u32) -> String {
        self.log(number + BESIDE)
    }

    /// The exit code of a node that must end by itself.
    pub fn code(&mut self, number: u32) -> Option<i32> {
        let mut ended = None;
        until(10, "the node to end", || {
            ended = self.children.get_mut(&number).expect("started").try_wait().expect("a child");
            ended.is_some()
        });
        ended.and_then(|status| status.code())
    }

    /// Runs the script to its end, where it must end by itself.
    pub fn run(&self, number: u32, shell: Shell) -> (Option<i32>, String) {
        let output = self.script(number, shell).output().expect("the script runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The same with a server that says that it is of another version.
    pub fn run_as_version(&self, number: u32, version: &str, bus_port: Option<&str>) -> (Option<i32>, String) {
        let bin = self.folder.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        let server = bin.join("redis-server");
        std::fs::write(&server, format!("#!/bin/sh\necho 'Redis server v={version} sha=0:0'\n")).expect("written");
        std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let mut script = self.script(number, Shell::Dash);
        script.envs(bus_port.map(|port| ("CLUSTER_BUS", port)));
        let output = script.env("PATH", format!("{}:{}", bin.display(), self.server.path())).output();
        let output = output.expect("the script runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A master without slots that nobody knew at the cluster's first start.
    pub fn start_joining(&mut self, number: u32, member: u32) {
        let address = self.address(number);
        let mut server = Command::new(self.server.program("redis-server"));
        server.args(["--bind", &address, "--dir", &self.data(number).to_string_lossy(), "--cluster-enabled", "yes"]);
        server.args(["--cluster-announce-ip", &address, "--cluster-node-timeout", "2000", "--save", ""]);
        if self.server.at_least(6, 2) {
            server.args(["--cluster-allow-replica-migration", "no"]);
        }
        if self.server.at_least(3, 2) {
            server.args(["--protected-mode", "no"]);
        }
        server.stdout(Stdio::null()).process_group(0);
        self.children.insert(number, server.spawn().expect("redis-server runs"));
        until(20, "the new server to answer", || self.cli(number, &["PING"], None) == "PONG");
        assert_eq!(self.cli(number, &["CLUSTER", "MEET", &self.address(member), "6379"], None), "OK");
    }

    /// Moves a slot without keys from one master to another.
    pub fn move_slot(&self, slot: u16, from: u32, to: u32) {
        let (slot, password) = (slot.to_string(), self.password());
        assert_eq!(self.cli(from, &["CLUSTER", "COUNTKEYSINSLOT", &slot], password), "0");
        let id = |number| self.cli(number, &["CLUSTER", "MYID"], password);
        let set = |at, how: &str, id: &str| {
            until(20, "the slot's state to be set", || {
                self.cli(at, &["CLUSTER", "SETSLOT", &slot, how, id], password) == "OK"
            });
        };
        set(to, "IMPORTING", &id(from));
        set(from, "MIGRATING", &id(to));
        [to, from].into_iter().for_each(|at| set(at, "NODE", &id(to)));
    }

    /// From now on the clock that scripts can ask goes back by a minute each time.
    pub fn step_clock_back(&self) {
        let date = "#!/bin/sh\nnow=$(cat \"$0.now\" 2>/dev/null || echo 2000000000)\n\
                    echo $((now - 60)) >\"$0.now\"\ncat \"$0.now\"\n";
        let path = self.folder.path().join("debian/date");
        std::fs::write(&path, date).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }

    pub fn stop_all(&mut self) {
        for child in self.children.values() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
        }
        for (_, mut child) in std::mem::take(&mut self.children) {
            child.wait().expect("it ends");
        }
    }

    /// Power off: the node's processes die at once, all of them.
    pub fn kill(&mut self, numbers: &[u32]) {
        for number in numbers {
            let child = self.children.remove(number).expect("it runs");
            kill_group(child);
        }
    }

    /// The node's processes stand still, all of them, until they are thawed.
    pub fn freeze(&self, number: u32) {
        signal_group(&self.children[&number], "STOP");
    }

    pub fn thaw(&self, number: u32) {
        signal_group(&self.children[&number], "CONT");
    }

    /// Starts the nodes again whose processes have ended by themselves.
    pub fn restart_ended(&mut self, shell: Shell) {
        let children = self.children.iter_mut();
        let ended = children.filter_map(|(number, child)| child.try_wait().expect("a child").map(|_| *number));
        for number in ended.collect::<Vec<_>>() {
            self.start(number, shell);
        }
    }

    pub fn kill_all(&mut self) {
        std::mem::take(&mut self.children).into_values().for_each(kill_group);
    }

    /// The volume is lost.
    pub fn wipe(&self, number: u32) {
        std::fs::remove_dir_all(self.data(number)).expect("removed");
    }

    /// What a slow disk has not taken when its server is killed.
    pub fn lose_half_of_aof(&self, number: u32) {
        assert!(aof::lose_half(&self.data(number)), "an AOF");
    }

    /// What create does when all nodes are well.
    pub fn note_formed(&self) {
        std::fs::write(self.folder.path().join("config").join(FORMED), "yes").expect("written");
    }

    /// What the node has printed since its last start.
    pub fn log(&self, number: u32) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("log-{number}"))).unwrap_or_default()
    }

    /// Waits until the node has printed this.
    pub fn wait_log(&self, number: u32, text: &str) {
        wait(30, &format!("node {number} to say {text:?}"), || {
            Some(self.log(number)).filter(|log| !log.contains(text)).map_or(Ok(()), Err)
        });
    }

    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// From now on new processes of `viewer` look for `number` elsewhere.
    pub fn misplace(&mut self, viewer: u32, number: u32, address: &str) {
        self.misplaced.push((viewer, number, address.to_owned()));
    }

    pub fn put_right(&mut self) {
        self.misplaced.clear();
    }

    /// Two Services swap their addresses.
    pub fn swap(&mut self, one: u32, other: u32) {
        self.swapped = Some((one, other));
    }

    /// Writes `count` keys over all shards, through one node, until all are acknowledged.
    pub fn write(&self, count: usize) {
        let lines: String = (0..count).map(|index| format!("SET key:{index} {index}\n")).collect();
        until(20, "all keys to be written", || {
            self.in_cluster_mode(&lines).lines().filter(|line| *line == "OK").count() == count
        });
    }

    /// How many of them are there, counted once, when every shard answers.
    pub fn count(&self, count: usize) -> usize {
        let lines: String = (0..count).map(|index| format!("GET key:{index}\n")).collect();
        let mut replies = None;
        until(20, "an answer for every key", || {
            replies = all_answered(&self.in_cluster_mode(&lines), count);
            replies.is_some()
        });
        replies.into_iter().flatten().filter(|reply| reply.parse::<usize>().is_ok()).count()
    }

    fn in_cluster_mode(&self, lines: &str) -> String {
        self.feed(201, lines)
    }

    /// What a node, and those it points to, say to lines of commands.
    pub fn feed(&self, number: u32, lines: &str) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-c", "-h", &self.address(number)]).env_remove("REDISCLI_AUTH");
        cli.envs(self.password.as_ref().map(|password| ("REDISCLI_AUTH", password)));
        let mut child = cli.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("redis-cli runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), lines.as_bytes()).expect("it reads");
        String::from_utf8_lossy(&child.wait_with_output().expect("it ends").stdout).into_owned()
    }

    /// The script that runs before a pod ends.
    pub fn leave(&self, number: u32, shell: Shell) -> String {
        let leaving = number + LEAVING;
        let log = std::fs::File::create(self.folder.path().join(format!("log-{leaving}"))).expect("a file");
        assert!(self.pod_script("stop.sh", number, shell).stdout(log).status().expect("it runs").success());
        self.log(leaving)
    }

    /// Waits until the script that runs before a pod ends has printed this.
    pub fn wait_log_leaving(&self, number: u32, text: &str) {
        self.wait_log(number + LEAVING, text);
    }

    pub fn persistence(&self, number: u32) -> String {
        self.cli(number, &["INFO", "persistence"], self.password.as_deref())
    }

    pub fn role(&self, number: u32) -> String {
        let role = self.cli(number, &["ROLE"], self.password.as_deref());
        role.lines().next().unwrap_or_default().to_owned()
    }

    /// What a node that may not start says on the start-up port.
    pub fn at_startup(&self, number: u32, command: &[&str]) -> String {
        self.cli(number, &[&["-p", "26379"], command].concat(), self.password.as_deref())
    }

    /// The Services get new addresses.
    pub fn move_to(&mut self, network: u8) {
        self.network = network;
    }

    pub fn forget_address_of(&mut self, number: u32) {
        self.forgotten = Some(number);
    }

    /// The volume of `from` comes to `to`.
    pub fn give_volume_of(&self, from: u32, to: u32) {
        let myself = from.to_string().parse().expect("a node number");
        std::fs::write(self.data(to).join("nodes.conf"), cluster_config(&self.spec, myself)).expect("written");
    }

    pub fn nodes_conf(&self, number: u32) -> String {
        std::fs::read_to_string(self.data(number).join("nodes.conf")).unwrap_or_default()
    }

    pub fn edit_nodes_conf(&self, number: u32, from: &str, to: &str) {
        let text = self.nodes_conf(number);
        assert!(text.contains(from), "{text}");
        std::fs::write(self.data(number).join("nodes.conf"), text.replace(from, to)).expect("written");
    }

    /// redis-cli's answer.
    pub fn cli(&self, number: u32, command: &[&str], password: Option<&str>) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", &self.address(number)]).args(command).env_remove("REDISCLI_AUTH");
        cli.envs(password.map(|password| ("REDISCLI_AUTH", password)));
        let output = cli.output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The same, of a command that takes its time.
    pub fn in_background(&self, number: u32, command: &[&str]) -> Busy {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", &self.address(number)]).args(command).stdout(Stdio::null()).env_remove("REDISCLI_AUTH");
        cli.envs(self.password.as_ref().map(|password| ("REDISCLI_AUTH", password)));
        Busy(cli.spawn().expect("redis-cli runs"))
    }

    /// Whether a probe succeeds.
    pub fn probe(&self, what: &str, number: u32, shell: Shell) -> bool {
        self.probe_within(Duration::from_secs(10), what, number, shell) == Some(true)
    }

    /// The same as the kubelet does it: when the time is over it kills the process that it started,
    /// and that one alone.
    pub fn probe_within(&self, time: Duration, what: &str, number: u32, shell: Shell) -> Option<bool> {
        let mut probe = self.pod_script("probe.sh", number, shell);
        probe.arg(what);
        let first = self.first_process(number);
        if let Some(pod) = first {
            probe = within(&["/usr/bin/nsenter", "--pid", "--mount", "--target", &pod.to_string()], &probe);
        }
        let mut child = probe.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the probe runs");
        let end = Instant::now() + time;
        while Instant::now() < end {
            if let Some(status) = child.try_wait().expect("a child") {
                return Some(status.success());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let main = if first.is_some() { children(child.id()) } else { vec![child.id()] };
        main.iter().for_each(|process| signal(*process, "KILL"));
        child.wait().expect("it ends");
        None
    }

    /// Starts a node in a process namespace of its own, as a container does.
    pub fn start_as_first_process(&mut self, number: u32, shell: Shell) {
        let log = std::fs::File::create(self.folder.path().join(format!("log-{number}"))).expect("a file");
        let errors = log.try_clone().expect("a file");
        let unshare = ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let mut command = within(&unshare, &self.script(number, shell));
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0).spawn();
        self.children.insert(number, child.expect("unshare runs"));
        self.contained.insert(number);
    }

    /// Of a node that was started so: its pod's process 1.
    fn first_process(&self, number: u32) -> Option<u32> {
        let unshare = self.children.get(&number).filter(|_| self.contained.contains(&number))?;
        children(unshare.id()).first().copied()
    }

    /// What that process has to wait for: `Z sleep` for one that has ended.
    pub fn left(&self, number: u32) -> Vec<String> {
        let first = self.first_process(number).expect("it runs");
        children(first).into_iter().filter_map(state).collect()
    }

    /// What all nodes say, asked as the commands ask.
    pub fn snapshot(&self, scope: Scope) -> Snapshot {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let credentials = Credentials { user: None, password: self.reads_with.clone().or(self.password.clone()) };
        let seen = self.numbers().into_iter().map(|number| {
            let address = self.address(digits(&number));
            let target = Target { pod: address.clone(), container: String::new(), port: 6379, tls: None };
            let member = Member {
                name: number.to_string(),
                number: Some(number),
                pod: Some(format!("{number}-0")),
                pod_ip: Some(address),
                shell: Some(InPod { container: "redis".into(), port: 6379, ..InPod::default() }),
                ..Member::default()
            };
            let texts = runtime.block_on(async {
                let asked = answer(&Tcp, &member, (&target, Via::Auto), &credentials, scope);
                tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap_or_else(|_| Err("no answer".into()))
            });
            let view = texts.and_then(|texts| {
                texts.view(&mut KnownLines::default()).map_err(|error| NoResponse::from(error.to_string()))
            });
            Seen { member, view }
        });
        let seen = seen.collect();
        let cluster = ClusterRef::Named("a".into());
        Snapshot { cluster, caller: caller(), seen, around: Surroundings::default() }
    }

    /// From now on it is read with this password.
    pub fn read_with_password(&mut self, password: &str) {
        self.reads_with = Some(password.to_owned());
    }

    pub fn topology(&self) -> Topology {
        Topology::of(&self.snapshot(Scope::Nodes))
    }

    /// What `check` finds.
    pub fn report(&self, scope: Scope) -> Report {
        let snapshot = self.snapshot(scope);
        check(&snapshot, &Topology::of(&snapshot))
    }

    /// The codes of all that it finds, once each.
    pub fn codes(&self, scope: Scope) -> BTreeSet<&'static str> {
        self.report(scope).findings.into_iter().map(|finding| finding.code.name()).collect()
    }

    pub fn wait_ok(&self) {
        until(30, "the cluster to be ok", || {
            let topology = self.topology();
            topology.state == State::Ok && topology.agree
        });
    }
}

/// A command that has not been answered yet.
pub struct Busy(Child);

impl Busy {
    pub fn is_done(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some_and(|status| {
            assert!(status.success());
            true
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for number in self.numbers().iter().map(digits) {
                eprintln!("--- {number}\n{}", self.log(number));
            }
        }
        self.kill_all();
    }
}

/// This command, run by another one: by its path, for busybox has the same names.
fn within(outer: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer[0]);
    command.args(&outer[1..]).arg("--").arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn children(process: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn state(process: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(") ")?;
    Some(format!("{} {name}", rest.chars().next()?))
}

fn signal(process: u32, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
}

fn signal_group(child: &Child, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), "--", &format!("-{}", child.id())]).status();
}

fn kill_group(mut child: Child) {
    signal_group(&child, "KILL");
    let _ = child.wait();
}

fn digits(number: &NodeNumber) -> u32 {
    number.to_string().parse().expect("a number")
}

/// A real server on this machine instead of a pod.
pub struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, target: &'a Target, _: Via) -> BoxFuture<'a, Result<Line, Error>> {
        async move {
            let stream =
                tokio::net::TcpStream::connect((target.pod.as_str(), target.port)).await.map_err(Error::user)?;
            Ok(Line::Server { stream: Box::new(stream), trouble: async { None }.boxed() })
        }
        .boxed()
    }

    fn relay<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<Line, Error>> {
        async { Err(Error::user("no relay here")) }.boxed()
    }
}

fn spec() -> Spec {
    Spec {
        name: "a".parse().expect("a name"),
        namespace: "n".into(),
        shape: Shape::new(3, 1, Small::Refused).expect("valid"),
        workload: Workload::StatefulSet,
        image: Image { name: "redis:7.0".into(), pull_secret: None, entrypoint: Entrypoint::Bootstrap },
        resources: Resources {
            memory: "64Mi".parse().expect("a size"),
            cpu: "50m".into(),
            storage: Some(Storage { size: "1Gi".parse().expect("a size"), class: None }),
        },
        redis: Redis { node_timeout_ms: 2000, maxmemory_policy: "noeviction".into(), config: vec![] },
        placement: Placement { spread: Spread::None, node_selector: vec![], tolerations: vec![], priority_class: None },
        auth: Auth::None,
        annotations: vec![],
        network: Network::Open,
    }
}
