//! The Redis nodes in the pods: each reads commands and answers them, with the password that is in
//! the cluster's Secret.

use super::{NAMESPACE, World};
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::ByteString;
use kubectl_redis_cluster::cluster::node::NodeNumber;
use kubectl_redis_cluster::cluster::nodes_conf::{InitialNode, PORT, STARTUP_PORT, nodes_conf};
use kubectl_redis_cluster::cluster::shape::{Shape, Small};
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::manifest::names::{ClusterName, NODE};
use kubectl_redis_cluster::node::dial::{Dial, Target, Via};
use kubectl_redis_cluster::node::line::Line;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

/// What a node that is not healthy does when it is asked.
#[derive(Clone, Copy)]
pub enum Node {
    Hangs,
    Refuses(&'static str),
    Says(&'static str),
    /// Answers this command with this error.
    Rejects(&'static str, &'static str),
    /// Listens on the start-up port alone, where it says that its data is lost; becomes a
    /// healthy node when that is accepted.
    HasLostItsData,
    /// The same, but does not hear of an acceptance.
    IsDeaf,
}

impl Node {
    fn port(node: Option<Self>) -> u16 {
        if matches!(node, Some(Self::HasLostItsData | Self::IsDeaf)) { STARTUP_PORT } else { PORT }
    }
}

impl Dial for World {
    fn dial<'a>(&'a self, target: &'a Target, _: Via) -> BoxFuture<'a, Result<Line, Error>> {
        async move {
            let node = self.state().nodes.get(&target.pod).copied();
            if !self.state().has_pod(&target.pod) {
                return Err(Error::user(format!("pods \"{}\" not found", target.pod)));
            }
            if let Some(Node::Refuses(reason)) = node {
                return Err(Error::user(reason));
            }
            if Node::port(node) != target.port {
                return Err(Error::user("nothing listens on its port"));
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            if matches!(node, Some(Node::Hangs)) {
                std::mem::forget(theirs);
            } else {
                tokio::spawn(serve(theirs, self.clone(), target.clone()));
            }
            Ok(Line::Server { stream: Box::new(ours), trouble: async { None }.boxed() })
        }
        .boxed()
    }

    fn relay<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<Line, Error>> {
        async { Err(Error::user("no relay here")) }.boxed()
    }
}

/// Answers one connection, until the other side ends it.
async fn serve(stream: DuplexStream, world: World, target: Target) {
    let mut stream = BufReader::new(stream);
    let mut is_known = false;
    while let Some(command) = read(&mut stream).await {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let node = world.state().nodes.get(&target.pod).copied();
        let reply = match (node, &command[..]) {
            (Some(Node::Says(reply)), _) => bulk(reply),
            (Some(Node::Rejects(name, why)), [first, ..]) if *first == name => error(why),
            (_, ["AUTH", password]) => {
                is_known = world.password().as_deref() == Some(password);
                if is_known { "+OK\r\n".to_owned() } else { error("WRONGPASS invalid username-password pair") }
            }
            _ if !is_known && world.password().is_some() => error("NOAUTH Authentication required."),
            _ if target.port == STARTUP_PORT => world.at_startup(&target.pod, &command),
            _ => healthy(world.number(&target.pod), &command, world.uptime()),
        };
        stream.write_all(reply.as_bytes()).await.expect("somebody listens");
    }
}

/// One command, as clients send it: an array of bulk strings.
async fn read(stream: &mut BufReader<DuplexStream>) -> Option<Vec<String>> {
    let count = length(stream, '*').await?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let length = length(stream, '$').await?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(length);
        words.push(String::from_utf8(word).expect("text"));
    }
    Some(words)
}

/// None at the end of the connection.
async fn length(stream: &mut BufReader<DuplexStream>, mark: char) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line.trim_end().strip_prefix(mark).and_then(|digits| digits.parse().ok()).expect("Redis' protocol"))
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn array(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|text| bulk(text)).collect();
    format!("*{}\r\n{items}", texts.len())
}

fn error(text: &str) -> String {
    format!("-{text}\r\n")
}

impl World {
    fn password(&self) -> Option<String> {
        let secret = self.state().objects.get(&format!("{NAMESPACE}/secrets/redis-001")).cloned()?;
        let ByteString(password) = serde_json::from_value(secret["data"]["password"].clone()).expect("a password");
        Some(String::from_utf8(password).expect("text"))
    }

    /// In seconds, at least those that a cluster needs to form.
    fn uptime(&self) -> u64 {
        self.state().first_pod.map_or(0, |begin| begin.elapsed().as_secs()) + 7
    }

    fn number(&self, pod: &str) -> NodeNumber {
        let state = self.state();
        let label = &state.objects[&format!("{NAMESPACE}/pods/{pod}")]["metadata"]["labels"][NODE];
        label.as_str().and_then(|number| number.parse().ok()).expect("a node of ours")
    }

    /// What a node without data says.
    fn at_startup(&self, pod: &str, command: &[&str]) -> String {
        match command {
            ["GET", "waiting"] => bulk("no node holds this shard's data any more"),
            ["GET", "lost"] => bulk("lost"),
            ["GET", _] => "$-1\r\n".to_owned(),
            ["SET", "accepted", "yes"] => {
                let mut state = self.state();
                if matches!(state.nodes.get(pod), Some(Node::HasLostItsData)) {
                    let next = state.once_accepted.remove(pod);
                    state.nodes.remove(pod);
                    state.nodes.extend(next.map(|next| (pod.to_owned(), next)));
                }
                "+OK\r\n".to_owned()
            }
            _ => unknown(command),
        }
    }
}

fn healthy(number: NodeNumber, command: &[&str], uptime: u64) -> String {
    match command {
        ["CLUSTER", "NODES"] => bulk(&nodes(number)),
        ["CLUSTER", "INFO"] => bulk(CLUSTER_INFO),
        ["INFO"] => bulk(&info(number, uptime)),
        // What `check` asks for; the pattern is not looked at.
        ["CONFIG", "GET", _] => {
            array(&["maxmemory", "167772160", "maxmemory-policy", "noeviction", "appendonly", "yes"])
        }
        _ => unknown(command),
    }
}

fn unknown(command: &[&str]) -> String {
    error(&format!("ERR unknown command '{}'", command.join(" ")))
}

const CLUSTER_INFO: &str = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n\
    cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_current_epoch:3\r\n";

/// What a node of a new cluster writes into its nodes.conf.
fn nodes(myself: NodeNumber) -> String {
    let shape = Shape::new(3, 1, Small::Refused).expect("valid");
    let name: ClusterName = "redis-001".parse().expect("a name");
    let peer = |number: NodeNumber| InitialNode {
        number,
        id: name.node_id("default", number),
        address: format!("198.19.{}.{}", number.shard(), number.position()),
    };
    let peers: Vec<_> = shape.nodes().map(peer).collect();
    let file = nodes_conf(shape, &peers, myself);
    file.lines().filter(|line| !line.starts_with("vars")).map(|line| format!("{line}\n")).collect()
}

fn info(myself: NodeNumber, uptime: u64) -> String {
    let role = if myself.is_initial_master() {
        "role:master\r\nmaster_repl_offset:10\r\n"
    } else {
        "role:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:10\r\n"
    };
    format!("redis_version:8.0.2\r\nuptime_in_seconds:{uptime}\r\nused_memory:2097152\r\nmaxmemory:167772160\r\n{role}")
}
