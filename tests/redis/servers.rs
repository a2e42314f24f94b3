//! A cluster of redis-server processes that our own manifests and script start.

use futures::FutureExt;
use futures::future::BoxFuture;
use kubectl_redis_cluster::cluster::node::NodeNumber;
use kubectl_redis_cluster::cluster::shape::{Shape, Small};
use kubectl_redis_cluster::cluster::snapshot::{Member, Seen, Snapshot, View};
use kubectl_redis_cluster::cluster::topology::{State, Topology};
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::manifest::config::{BOOTSTRAP, PROBE, cluster_config, redis_conf};
use kubectl_redis_cluster::manifest::names::ClusterName;
use kubectl_redis_cluster::manifest::spec::{
    Auth, Entrypoint, Image, Network, Placement, Redis, Resources, Spec, Spread, Storage, Workload,
};
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Dial, Line, Target, Via};
use kubectl_redis_cluster::ops::observe::texts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The shells that the script must run in.
#[derive(Clone, Copy)]
pub enum Shell {
    /// Debian's.
    Dash,
    /// Alpine's.
    Busybox,
}

impl Shell {
    fn command(self) -> Command {
        match self {
            Self::Dash => Command::new("dash"),
            Self::Busybox => {
                let mut command = Command::new("busybox");
                command.arg("sh");
                command
            }
        }
    }
}

pub struct Cluster {
    spec: Spec,
    /// The third number of the nodes' addresses.
    network: u8,
    password: Option<String>,
    folder: tempfile::TempDir,
    children: BTreeMap<u32, Child>,
    forgotten: Option<u32>,
}

impl Cluster {
    pub fn new(network: u8, password: Option<&str>) -> Self {
        let spec = spec();
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config");
        std::fs::create_dir(&config).expect("a folder");
        for (name, text) in
            [("redis.conf", redis_conf(&spec).as_str()), ("bootstrap.sh", BOOTSTRAP), ("probe.sh", PROBE)]
        {
            std::fs::write(config.join(name), text).expect("written");
        }
        let password = password.map(str::to_owned);
        Self { spec, network, password, folder, children: BTreeMap::new(), forgotten: None }
    }

    fn numbers(&self) -> Vec<NodeNumber> {
        self.spec.shape.nodes().collect()
    }

    fn address(&self, number: u32) -> String {
        format!("127.0.{}.{}", self.network, number / 100 * 10 + number % 100)
    }

    fn data(&self, number: u32) -> PathBuf {
        let folder = self.folder.path().join(format!("data-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// The script as the kubelet would start it: the variables with addresses in them.
    fn script(&self, number: u32, shell: Shell) -> Command {
        let myself = number.to_string().parse().expect("a node number");
        let mut nodes = cluster_config(&self.spec, myself);
        for each in self.numbers() {
            let digits: u32 = each.to_string().parse().expect("a number");
            if self.forgotten != Some(digits) {
                let variable = format!("$({})", ClusterName::address_variable(&self.spec.name, each));
                nodes = nodes.replace(&variable, &self.address(digits));
            }
        }
        let tmp = self.folder.path().join(format!("tmp-{number}"));
        std::fs::create_dir_all(&tmp).expect("a folder");
        let mut command = shell.command();
        command
            .arg(self.folder.path().join("config/bootstrap.sh"))
            .env("BOOTSTRAP_CONFIG", self.folder.path().join("config"))
            .env("BOOTSTRAP_DATA", self.data(number))
            .env("BOOTSTRAP_TMP", tmp)
            .env("CLUSTER_CONFIG", nodes)
            .env("REDIS_CONFIG", format!("bind {}\n", self.address(number)))
            .env_remove("REDISCLI_AUTH")
            .stdin(Stdio::null());
        if let Some(password) = &self.password {
            command.env("REDISCLI_AUTH", password);
        }
        command
    }

    pub fn start(&mut self, number: u32, shell: Shell) {
        let log = std::fs::File::create(self.folder.path().join(format!("log-{number}"))).expect("a file");
        let child = self.script(number, shell).stdout(log).stderr(Stdio::null()).spawn();
        self.children.insert(number, child.expect("install redis-server: apt-get install redis-server busybox-static"));
    }

    pub fn start_all(&mut self, shell: Shell) {
        for number in self.numbers() {
            self.start(number.to_string().parse().expect("a number"), shell);
        }
    }

    /// Runs the script to its end, where it must end by itself.
    pub fn run(&self, number: u32, shell: Shell) -> (Option<i32>, String) {
        let output = self.script(number, shell).output().expect("the script runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub fn stop_all(&mut self) {
        for child in self.children.values() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
        }
        for (_, mut child) in std::mem::take(&mut self.children) {
            child.wait().expect("it ends");
        }
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

    /// redis-cli's answer.
    pub fn cli(&self, number: u32, command: &[&str], password: Option<&str>) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", &self.address(number)]).args(command).env_remove("REDISCLI_AUTH");
        cli.envs(password.map(|password| ("REDISCLI_AUTH", password)));
        let output = cli.output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Whether a probe succeeds. In a pod the server is on 127.0.0.1: here a redis-cli
    /// before the real one on the PATH adds the address.
    pub fn probe(&self, what: &str, number: u32, shell: Shell) -> bool {
        let bin = self.folder.path().join(format!("bin-{number}"));
        std::fs::create_dir_all(&bin).expect("a folder");
        let cli = bin.join("redis-cli");
        let text = format!("#!/bin/sh\nexec /usr/bin/redis-cli -h {} \"$@\"\n", self.address(number));
        std::fs::write(&cli, text).expect("written");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&cli, executable).expect("allowed");
        let mut probe = shell.command();
        probe.arg(self.folder.path().join("config/probe.sh")).arg(what).env_remove("REDISCLI_AUTH");
        probe.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        probe.envs(self.password.as_ref().map(|password| ("REDISCLI_AUTH", password)));
        probe.status().expect("the probe runs").success()
    }

    /// What all nodes say, asked as the commands ask.
    pub fn topology(&self) -> Topology {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let seen = self.numbers().into_iter().map(|number| {
            let digits: u32 = number.to_string().parse().expect("a number");
            let target = Target { pod: self.address(digits), container: String::new(), port: 6379 };
            let credentials = Credentials { user: None, password: self.password.clone() };
            let view = runtime.block_on(texts(&Tcp, &target, Via::Auto, &credentials));
            let view = view.map_err(|error| error.to_string());
            let view = view.and_then(|texts| {
                View::parse(&texts.nodes, &texts.cluster_info, &texts.info).map_err(|error| error.to_string())
            });
            Seen { member: Member { name: number.to_string(), number: Some(number), ..Member::default() }, view }
        });
        Topology::of(&Snapshot { name: "a".into(), namespace: "n".into(), seen: seen.collect() })
    }

    pub fn wait_ok(&self) {
        until(30, "the cluster to be ok", || {
            let topology = self.topology();
            topology.state == State::Ok && topology.agree
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A real server on this machine instead of a pod.
struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, target: &'a Target, _: Via) -> BoxFuture<'a, Result<Line, Error>> {
        async move {
            let stream =
                tokio::net::TcpStream::connect((target.pod.as_str(), target.port)).await.map_err(Error::user)?;
            Ok(Line::Server { stream: Box::new(stream), trouble: async { None }.boxed() })
        }
        .boxed()
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
        redis: Redis { node_timeout_ms: 5000, maxmemory_policy: "noeviction".into(), config: vec![] },
        placement: Placement { spread: Spread::None, node_selector: vec![], tolerations: vec![], priority_class: None },
        auth: Auth::None,
        annotations: vec![],
        network: Network::Open,
    }
}

/// Waits for a condition; fails with what was waited for.
pub fn until(seconds: u64, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !condition() {
        assert!(Instant::now() < end, "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
