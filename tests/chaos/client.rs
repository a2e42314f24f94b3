//! The clients: they write through the clusters without end, remember every write that
//! was acknowledged, and read all of them back.
//!
//! A process of its own, in a worker's network, since only there Services have
//! addresses. It is told what to do line by line, and answers with JSON.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How many equal parts of the slots get a writer each: the initial shards.
const SHARDS: u16 = 3;
/// Pause between two writes of a writer.
const PACE: Duration = Duration::from_millis(40);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it may take when nothing is measured any more.
const PATIENCE_IN_READING: Duration = Duration::from_secs(5);
/// How long a cluster may take to hand one key back.
const READING: Duration = Duration::from_secs(20);

/// What became of one cluster's writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Acknowledged writes.
    pub acknowledged: usize,
    /// Lost ones that the fault does not excuse.
    pub lost: usize,
    /// Lost ones that were acknowledged in the time that it excuses.
    pub lost_in_fault: usize,
    /// Ones that could not be asked for, because their slots are not served.
    pub unreadable: usize,
    /// The longest time after the fault in which some shard acknowledged nothing, in
    /// milliseconds.
    pub outage_ms: u64,
    /// A sentence for each lost one: what has to be known to find out why.
    pub losses: Vec<String>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.lost_in_fault += other.lost_in_fault;
        self.unreadable += other.unreadable;
        self.outage_ms = self.outage_ms.max(other.outage_ms);
        self.losses.extend(other.losses);
    }
}

/// When a fault struck, and the time around it in which a loss is excused.
#[derive(Clone, Copy)]
struct Struck {
    at: Instant,
    before: Duration,
    after: Duration,
}

impl Struck {
    /// By the words `BEFORE AFTER`, in milliseconds.
    fn now(words: &[&str]) -> Self {
        let [before, after] = words else { panic!("fault NAME BEFORE AFTER, not {words:?}") };
        let time = |word: &str| Duration::from_millis(word.parse().expect("milliseconds"));
        Self { at: Instant::now(), before: time(before), after: time(after) }
    }

    fn excuses(&self, at: Instant) -> bool {
        at + self.before > self.at && at < self.at + self.after
    }
}

/// One acknowledged write.
struct Write {
    key: String,
    at: Instant,
    /// Who acknowledged it.
    node: usize,
}

struct Writer {
    link: Link,
    tag: String,
    run: usize,
    writes: Vec<Write>,
    ended: Option<Instant>,
}

/// A connection to whichever node owns the writer's slot.
struct Link {
    password: Option<String>,
    nodes: Vec<String>,
    current: usize,
    connection: Option<MultiplexedConnection>,
}

impl Link {
    fn new(password: Option<String>, nodes: Vec<String>) -> Self {
        Self { password, nodes, current: 0, connection: None }
    }

    async fn connect(&self) -> Option<MultiplexedConnection> {
        let stream = TcpStream::connect(&self.nodes[self.current]).await.ok()?;
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (mut connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await.ok()?;
        tokio::spawn(driver);
        if let Some(password) = &self.password {
            redis::cmd("AUTH").arg(password).query_async::<()>(&mut connection).await.ok()?;
        }
        Some(connection)
    }

    /// One command to the owner; whatever goes wrong is a failed attempt, and the next
    /// one goes where the answer points, or to the next node.
    async fn attempt<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd, patience: Duration) -> Option<T> {
        let answer = tokio::time::timeout(patience, async {
            if self.connection.is_none() {
                self.connection = self.connect().await;
            }
            let connection = self.connection.as_mut()?;
            Some(command.query_async::<T>(connection).await)
        });
        match answer.await {
            Ok(Some(Ok(value))) => return Some(value),
            Ok(Some(Err(error))) => self.turn_to(redirection(&error)),
            _ => self.turn_to(None),
        }
        None
    }

    fn turn_to(&mut self, node: Option<String>) {
        self.connection = None;
        self.current = match node {
            Some(node) => self.nodes.iter().position(|each| *each == node).unwrap_or_else(|| {
                self.nodes.push(node);
                self.nodes.len() - 1
            }),
            None => (self.current + 1) % self.nodes.len(),
        };
    }
}

fn redirection(error: &RedisError) -> Option<String> {
    error.redirect_node().map(|(node, _)| node.to_owned())
}

impl Writer {
    async fn write_until(mut self, stop: Arc<AtomicBool>) -> Self {
        let mut number = 0_usize;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let key = format!("{{{}}}:{}:{number}", self.tag, self.run);
            let mut set = redis::cmd("SET");
            if self.link.attempt::<()>(set.arg(&key).arg(number), PATIENCE).await.is_some() {
                self.writes.push(Write { key, at: Instant::now(), node: self.link.current });
            }
            pause(PACE).await;
        }
        self.ended = Some(Instant::now());
        self
    }

    /// The longest time without an acknowledgement that reached beyond the fault.
    fn outage(&self, fault: Instant) -> Duration {
        let ended = self.ended.unwrap_or(fault);
        let times = self.writes.iter().map(|write| write.at).filter(|at| *at > fault);
        let mut longest = Duration::ZERO;
        let mut last = fault;
        for at in times.chain([ended]) {
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest
    }

    async fn read_back(mut self, fault: Struck) -> Outcome {
        let mut outcome = Outcome { acknowledged: self.writes.len(), ..Outcome::default() };
        outcome.outage_ms = u64::try_from(self.outage(fault.at).as_millis()).unwrap_or(u64::MAX);
        for write in std::mem::take(&mut self.writes) {
            if outcome.unreadable > 0 {
                // Its slots were not served for so long: nor will they be for the rest.
                outcome.unreadable += 1;
                continue;
            }
            match self.read(&write.key).await {
                None => outcome.unreadable += 1,
                Some(Some(_)) => continue,
                Some(None) if fault.excuses(write.at) => outcome.lost_in_fault += 1,
                Some(None) => outcome.lost += 1,
            }
            outcome.losses.push(self.loss(&write, fault.at));
        }
        outcome
    }

    fn loss(&self, write: &Write, fault: Instant) -> String {
        let after = write.at.saturating_duration_since(fault).as_secs_f64();
        let before = fault.saturating_duration_since(write.at).as_secs_f64();
        let node = |index: usize| self.link.nodes.get(index).map_or("", String::as_str);
        let (writer, reader) = (node(write.node), node(self.link.current));
        format!(
            "{}: acknowledged by {writer} {:+.1} s from the fault, asked for at {reader}",
            write.key,
            after - before
        )
    }

    async fn read(&mut self, key: &str) -> Option<Option<u64>> {
        let deadline = Instant::now() + READING;
        loop {
            if let Some(value) = self.link.attempt(redis::cmd("GET").arg(key), PATIENCE_IN_READING).await {
                return Some(value);
            }
            if Instant::now() > deadline {
                return None;
            }
            pause(PACE).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace of a load, no wait for a condition")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A key tag whose slot is in the middle of one of the equal parts.
fn tag(part: u16) -> String {
    let wanted = 16384 / SHARDS * part + 16384 / SHARDS / 2;
    let near = |number: &u32| slot(&number.to_string()).abs_diff(wanted) < 1000;
    (0..).find(near).map(|number| number.to_string()).expect("a tag for every slot")
}

/// CRC16/XMODEM, as <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model>.
fn slot(key: &str) -> u16 {
    let step = |crc: u16, byte: u8| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    };
    key.bytes().fold(0, step) % 16384
}

struct Target {
    password: Option<String>,
    nodes: Vec<String>,
}

/// What the process is in the middle of.
#[derive(Default)]
struct Clients {
    targets: BTreeMap<String, Target>,
    running: Vec<(String, JoinHandle<Writer>)>,
    stop: Arc<AtomicBool>,
    faults: BTreeMap<String, Struck>,
    run: usize,
}

impl Clients {
    fn add(&mut self, words: &[&str]) {
        let [name, password, nodes @ ..] = words else { return };
        let password = Some((*password).to_owned()).filter(|password| password != "-");
        let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        self.targets.insert((*name).to_owned(), Target { password, nodes });
    }

    fn start(&mut self) {
        self.run += 1;
        self.faults.clear();
        self.stop = Arc::new(AtomicBool::new(false));
        for (name, target) in &self.targets {
            for part in 0..SHARDS {
                let link = Link::new(target.password.clone(), target.nodes.clone());
                let writer = Writer { link, tag: tag(part), run: self.run, writes: Vec::new(), ended: None };
                self.running.push((name.clone(), tokio::spawn(writer.write_until(Arc::clone(&self.stop)))));
            }
        }
    }

    fn strike(&mut self, words: &[&str]) {
        let [name, excused @ ..] = words else { return };
        self.faults.insert((*name).to_owned(), Struck::now(excused));
    }

    async fn stop(&mut self) -> BTreeMap<String, Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        let now = Struck { at: Instant::now(), before: Duration::ZERO, after: Duration::ZERO };
        let mut reading = Vec::new();
        for (name, writer) in self.running.drain(..) {
            let writer = writer.await.expect("a writer does not panic");
            let fault = self.faults.get(&name).copied().unwrap_or(now);
            reading.push((name, tokio::spawn(writer.read_back(fault))));
        }
        let mut outcomes = BTreeMap::<String, Outcome>::new();
        for (name, outcome) in reading {
            outcomes.entry(name).or_default().add(outcome.await.expect("a reader does not panic"));
        }
        outcomes
    }
}

/// `add NAME PASSWORD|- NODE ...`, `forget`, `start`, `fault NAME BEFORE AFTER`, `stop`: one a
/// line, each answered by a line.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut clients = Clients::default();
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let words: Vec<&str> = line.split(' ').collect();
            let mut answer = String::from("ok");
            match words.first().copied() {
                Some("add") => clients.add(&words[1..]),
                Some("forget") => clients.targets.clear(),
                Some("start") => clients.start(),
                Some("fault") => clients.strike(&words[1..]),
                _ => answer = serde_json::to_string(&clients.stop().await).expect("JSON"),
            }
            println!("{answer}");
        }
    });
}
