//! Do acknowledged writes survive? Clients write through the clusters, faults strike on a
//! real Kubernetes, and everything is read back.
//!
//! `short` (the default): one fault of each kind on one cluster of each layout. `first`
//! and `second`: all faults on all layouts and versions, in two parts. Beside them a plain
//! StatefulSet formed by `redis-cli --cluster create` goes through the same, which shows
//! that the harness sees a loss. Names of faults as further arguments: only these, in this
//! order.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a program of its own, which shows what it does"
)]

mod client;
mod faults;
mod machine;
mod matrix;
mod report;

use client::Outcome;
use faults::{Fault, Victim, each};
use matrix::{Cluster, Layout};
use report::{Line, slowest, table};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use testkit::{program, run, throwaway};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lines = match words[..] {
        ["client"] => return client::serve(),
        ["first", ref names @ ..] => Chaos::new(&FIRST).go_through(&chosen(&faults::ALL, names)),
        ["second", ref names @ ..] => Chaos::new(&SECOND).go_through(&chosen(&faults::ALL, names)),
        ["short", ref names @ ..] | ref names => Chaos::new(&SHORT).go_through(&chosen(&faults::SHORT, names)),
    };
    let complaints: Vec<String> = lines.iter().filter_map(complaint).collect();
    println!("\n{}\n{}", table(&lines), slowest(&lines));
    if !complaints.is_empty() {
        eprintln!("error: {}", complaints.join("\nerror: "));
        std::process::exit(1);
    }
    println!("chaos: {} faults, no acknowledged write was lost that could have been kept", lines.len());
}

const SHORT: [(Layout, &str); 4] = [
    (Layout::Volume, "redis:8.0"),
    (Layout::Ephemeral, "valkey/valkey:8.1"),
    (Layout::Controller, "redis:7.0"),
    (Layout::Plain, "redis:8.0"),
];

/// The matrix in two parts: two cores do not bear more at a time.
const FIRST: [(Layout, &str); 5] = [
    (Layout::Volume, "redis:8.0"),
    (Layout::Volume, "valkey/valkey:9.1"),
    (Layout::Ephemeral, "valkey/valkey:8.1"),
    (Layout::Controller, "redis:7.0"),
    (Layout::Plain, "redis:8.0"),
];
const SECOND: [(Layout, &str); 6] = [
    (Layout::Volume, "redis:7.0"),
    (Layout::Volume, "valkey/valkey:8.1"),
    (Layout::Ephemeral, "redis:7.0"),
    (Layout::Ephemeral, "redis:8.0"),
    (Layout::Controller, "redis:8.0"),
    (Layout::Controller, "valkey/valkey:8.1"),
];

fn chosen(faults: &[Fault], names: &[&str]) -> Vec<Fault> {
    let named = |name: &&str| {
        faults::ALL.into_iter().find(|fault| format!("{fault:?}") == **name).unwrap_or_else(|| {
            let all: Vec<String> = faults::ALL.iter().map(|fault| format!("{fault:?}")).collect();
            eprintln!("error: unknown fault \"{name}\"\nhint: one of {}", all.join(", "));
            std::process::exit(1);
        })
    };
    if names.is_empty() { faults.to_vec() } else { names.iter().map(named).collect() }
}

/// Of the plain one the contrary is asked: a harness that sees no loss there sees none.
fn complaint(line: &Line) -> Option<String> {
    match line.layout {
        Layout::Plain if line.fault == Fault::KillMaster && !line.loses() => {
            Some("the plain StatefulSet lost nothing: this harness would not see a loss".to_owned())
        }
        Layout::Plain => None,
        _ => line.complaint(),
    }
}

/// How long the clients write before a fault, and after the clusters are whole again.
const BEFORE: Duration = Duration::from_secs(5);
const AFTER: Duration = Duration::from_secs(3);
/// How long the clusters may take to be whole again.
pub const MENDED: Duration = Duration::from_secs(900);

struct Chaos {
    clusters: Vec<Cluster>,
    plain: Option<Cluster>,
    clients: Clients,
    born: bool,
}

impl Chaos {
    fn new(matrix: &[(Layout, &'static str)]) -> Self {
        throwaway::refuse_other_clusters();
        let (plain, clusters) = matrix
            .iter()
            .map(|(layout, image)| Cluster::new(*layout, image))
            .partition::<Vec<_>, _>(|cluster| cluster.layout == Layout::Plain);
        Self { clusters, plain: plain.into_iter().next(), clients: Clients::start(), born: false }
    }

    fn go_through(mut self, faults: &[Fault]) -> Vec<Line> {
        let mut lines = Vec::new();
        for fault in faults {
            let begin = Instant::now();
            let new = self.go_through_one(*fault);
            println!("{} ({} s)", fault.title(), begin.elapsed().as_secs());
            print!("{}", table(&new).lines().skip(2).fold(String::new(), |text, line| text + line + "\n"));
            for line in &new {
                let Some(complaint) = complaint(line) else { continue };
                println!("  error: {complaint}");
                line.outcome.losses.iter().for_each(|loss| println!("    {loss}"));
            }
            lines.extend(new);
        }
        lines
    }

    fn go_through_one(&mut self, fault: Fault) -> Vec<Line> {
        self.make_ready(fault);
        self.clients.say("forget");
        let struck: Vec<&Cluster> =
            self.clusters.iter().chain(self.plain.as_ref().filter(|_| !fault.is_birth())).collect();
        struck.iter().for_each(|cluster| self.clients.add(cluster));
        self.clients.say("start");
        let known = Mutex::new(Vec::new());
        each(&struck, |cluster| {
            if fault == Fault::KilledYoung {
                cluster.wait_whole(MENDED);
            }
            known.lock().expect("no panic").push(Victim::of(cluster, fault));
        });
        let mut victims = known.into_inner().expect("no panic");
        victims.sort_by_key(|victim| struck.iter().position(|cluster| cluster.title == victim.cluster.title));
        if !fault.is_birth() {
            std::thread::sleep(BEFORE);
        }
        fault.strike(&victims, &|victim| self.clients.fault(victim, fault));
        self.mend(fault);
        let whole = wait_for_all(&struck);
        std::thread::sleep(AFTER);
        let outcomes = self.clients.stop();
        let line = |victim: &Victim<'_>| Line {
            fault,
            title: victim.cluster.title.clone(),
            layout: victim.cluster.layout,
            patience: fault.patience(victim),
            outcome: outcomes[&victim.cluster.key()].clone(),
            whole: whole[victim.cluster.title.as_str()],
        };
        victims.iter().map(line).collect()
    }

    /// Births happen to new clusters, all else to whole ones.
    fn make_ready(&mut self, fault: Fault) {
        throwaway::wait_for_workers();
        if fault.is_birth() || !self.born {
            if self.born {
                each(&self.clusters, Cluster::delete);
            }
            if fault == Fault::BornInHalves {
                cordon("cordon");
                each(&self.clusters, Cluster::apply);
            } else {
                each(&self.clusters, Cluster::create);
            }
            self.born = true;
        }
        if !fault.is_birth() {
            each(&self.clusters, |cluster| {
                assert!(cluster.wait_whole(MENDED), "{} is not whole", cluster.title);
                cluster.restore_roles();
                assert!(cluster.wait_whole(MENDED), "{} is not whole", cluster.title);
            });
            self.plain.iter().for_each(make_anew);
        }
    }

    fn mend(&self, fault: Fault) {
        if fault == Fault::BornInHalves {
            for cluster in &self.clusters {
                println!("  {} in half: {:?}", cluster.title, cluster.findings());
            }
            cordon("uncordon");
        }
    }
}

/// How long each took to be whole again, which the plain one may never be. One after the other:
/// every look costs the machine what the clusters need.
fn wait_for_all<'a>(clusters: &[&'a Cluster]) -> BTreeMap<&'a str, Option<Duration>> {
    let begin = Instant::now();
    let wait = |cluster: &&'a Cluster| {
        let patience = if cluster.layout == Layout::Plain { Duration::ZERO } else { MENDED };
        (cluster.title.as_str(), cluster.wait_whole(patience).then(|| begin.elapsed()))
    };
    clusters.iter().map(wait).collect()
}

/// Until the plain one is whole: a fault that hits nobody there shows nothing.
fn make_anew(plain: &Cluster) {
    let form = || {
        plain.delete();
        plain.create();
        plain.form() && plain.wait_whole(Duration::from_secs(180))
    };
    assert!(plain.is_whole() || (0..5).any(|_| form()), "{} is not whole", plain.title);
}

/// Half of the nodes find no worker: those of a shard never share one.
fn cordon(verb: &str) {
    for worker in ["node-2", "node-3"] {
        run(program("kubectl").args([verb, worker])).ok();
    }
}

/// The writing process, in the network of the worker that no fault hits.
struct Clients {
    child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Clients {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new("nsenter");
        command.arg("--net=/run/netns/krc-node-1").arg(program).arg("client");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nsenter runs");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, lines: Mutex::new((input, BufReader::new(output))) }
    }

    fn say(&self, line: &str) -> String {
        let mut lines = self.lines.lock().expect("no panic");
        writeln!(lines.0, "{line}").expect("the clients listen");
        let mut answer = String::new();
        lines.1.read_line(&mut answer).expect("the clients answer");
        answer
    }

    fn add(&self, cluster: &Cluster) {
        self.say(&format!("add {} {} {}", cluster.key(), cluster.password(), cluster.nodes().join(" ")));
    }

    fn fault(&self, victim: &Victim<'_>, fault: Fault) {
        let (before, after) = fault.excused(victim);
        self.say(&format!("fault {} {before} {after}", victim.cluster.key()));
    }

    fn stop(&self) -> BTreeMap<String, Outcome> {
        serde_json::from_str(&self.say("stop")).expect("what became of the writes")
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        cordon("uncordon");
    }
}
