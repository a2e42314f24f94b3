//! `check` beside `redis-cli --cluster check`, on random states of real servers: what
//! redis-cli finds we find, and what we find alone is written down here with its reason.

mod faults;
mod plain;

use faults::{CLASSES, Dice, Fault};
use kubectl_redis_cluster::cluster::finding::{Code, Finding, Severity};
use kubectl_redis_cluster::cluster::health::{Report, Verdict};
use kubectl_redis_cluster::ops::questions::Scope;
use plain::{Plain, SHARDS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

/// Where all randomness comes from.
const SEED: u64 = 0x5eed_0f0a_c1e5;

/// How many states of each class there are.
const ROUNDS: usize = 25;

/// What redis-cli does not mind, and why. The last four need luck, or a slow machine.
const OURS_ALONE: &[(&str, &str)] = &[
    ("bus-link-down", "It leaves out a peer whose link is down, which makes a difference with masters only."),
    ("epochs-collide", "It reads no epochs."),
    ("node-in-handshake", "It takes the handshake for a node, and leaves it out when nobody is there."),
    ("node-unreachable", "It leaves out whoever does not answer, and misses a master's slots only."),
    ("replica-missing", "It counts replicas and expects none."),
    ("state-fail", "It does not ask a node whether it serves."),
    ("too-few-masters", "It wants three masters when it makes a cluster, and never again."),
    ("views-disagree", "It compares who owns slots, and neither replicas nor masters without slots."),
    ("node-forgotten", "It compares who owns slots, and not whether every master knows every replica."),
    ("node-failed", "It leaves out whoever its first node takes for failed, and does not ask the others."),
    ("node-suspected", "It reads no suspicions."),
    ("replica-link-down", "It does not ask a replica whether it has its master's data."),
    ("full-sync-loop", "It does not ask a master how often it has sent all its data."),
];

/// What both say of one state.
struct Lookup {
    ours: Report,
    redis_cli: (bool, String),
}

/// What may come and go by itself. Keys do not, and are looked for in 16384 slots.
fn restless(report: &Report) -> BTreeSet<Code> {
    report.findings.iter().map(|finding| finding.code).filter(|code| *code != Code::KeysAstray).collect()
}

impl Lookup {
    /// Asks us, redis-cli, and us again until we say the same twice: in between nothing has moved.
    fn at(servers: &Plain, entry: usize, thorough: bool) -> Self {
        let scope = if thorough { Scope::AllAndKeys } else { Scope::All };
        let mut before = servers.report(Scope::All);
        for _ in 0..30 {
            let redis_cli = servers.redis_cli_check(entry, thorough);
            let ours = servers.report(scope);
            if restless(&before) == restless(&ours) {
                return Self { ours, redis_cli };
            }
            before = ours;
        }
        panic!("it does not stand still: {:#?}\nafter:\n{}", before.findings, servers.told.join("\n"));
    }

    fn verdicts(&self) -> (Verdict, bool) {
        (self.ours.verdict(Severity::Warning), self.redis_cli.0)
    }

    /// What only we mind.
    fn ours_alone(&self) -> impl Iterator<Item = &'static str> {
        let minded = |finding: &&Finding| self.verdicts().1 && finding.severity >= Severity::Warning;
        self.ours.findings.iter().filter(minded).map(|finding| finding.code.name())
    }

    /// Why the two do not go together.
    fn contradiction(&self, class: &str) -> Option<String> {
        let unknown = self.ours_alone().find(|code| !OURS_ALONE.iter().any(|(known, _)| known == code));
        match self.verdicts() {
            (Verdict::Healthy, true) => None,
            (Verdict::Healthy, false) => Some("redis-cli minds what we do not".into()),
            _ if class == "healthy" => Some("what was done is harmless".into()),
            _ => unknown.map(|code| format!("redis-cli does not mind {code}, and nobody wrote down why")),
        }
    }
}

/// How often each of these was seen.
#[derive(Default)]
struct Tally {
    classes: BTreeMap<&'static str, usize>,
    healthy: usize,
    unhealthy: usize,
    /// Redis-cli's verdict is good, and we have none.
    unclear: usize,
    ours_alone: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn count(&mut self, class: &'static str, look: &Lookup) {
        *self.classes.entry(class).or_default() += 1;
        match look.verdicts() {
            (Verdict::Healthy, _) => self.healthy += 1,
            (_, false) => self.unhealthy += 1,
            (Verdict::Unclear, true) => self.unclear += 1,
            (Verdict::Unhealthy, true) => {
                let codes: BTreeSet<_> = look.ours_alone().collect();
                codes.into_iter().for_each(|code| *self.ours_alone.entry(code).or_default() += 1);
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: usize = self.classes.values().sum();
        let Self { healthy, unhealthy, unclear, .. } = self;
        write!(f, "{states} states: {healthy} healthy and {unhealthy} unhealthy for both, {unclear} unclear to us, ")?;
        let alone = states - healthy - unhealthy - unclear;
        write!(f, "{alone} unhealthy for us alone:")?;
        self.ours_alone.iter().try_for_each(|(code, times)| write!(f, " {code} {times}"))
    }
}

/// Makes a state of a class, now and then mixed with another one; returns their names.
fn disturb(servers: &mut Plain, dice: &mut Dice, class: (&'static str, Fault)) -> Vec<&'static str> {
    let shard = dice.below(SHARDS);
    let mut faults = vec![class];
    if class.0 != "healthy" && dice.one_in(4) {
        faults.push(CLASSES[1 + dice.below(CLASSES.len() - 1)]);
    }
    // Whoever is gone cannot be told anything.
    faults.sort_by_key(|(name, _)| *name == "unreachable");
    for (index, (_, fault)) in faults.iter().enumerate() {
        fault(servers, dice, (shard + index) % SHARDS);
    }
    // What one fault has done may be in the way of another.
    let refused = servers.told.iter().find(|told| told.contains("refused"));
    assert!(faults.len() > 1 || refused.is_none(), "{refused:?}");
    faults.into_iter().map(|(name, _)| name).collect()
}

/// What both say, once they go together. What does not is looked at for a minute: a link that
/// breaks and is mended is no state.
fn compare(servers: &Plain, dice: &mut Dice, class: &'static str) -> Result<Lookup, String> {
    let running = servers.running();
    let entry = running[dice.below(running.len())];
    // Redis-cli asks for each slot alone, so keys are looked for where there are some.
    let thorough = dice.one_in(60) || servers.holds_keys();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let look = Lookup::at(servers, entry, thorough);
        let Some(wrong) = look.contradiction(class) else { return Ok(look) };
        if Instant::now() > end {
            return Err(format!("{wrong}\nours: {:#?}\nredis-cli's:\n{}", look.ours, look.redis_cli.1));
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn what_redis_cli_minds_we_mind() {
    let mut servers = Plain::new();
    let mut dice = Dice(SEED);
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        for class in CLASSES {
            let names = disturb(&mut servers, &mut dice, class);
            let look = compare(&servers, &mut dice, class.0).unwrap_or_else(|wrong| {
                let told = servers.told.join("\n");
                panic!("seed {SEED:#x}, round {round}, {names:?}: {wrong}\nafter:\n{told}")
            });
            tally.count(class.0, &look);
            servers.heal();
        }
    }
    eprintln!("{tally}");
    assert!(tally.classes.values().sum::<usize>() >= 200, "{tally}");
    assert!(CLASSES.iter().all(|(name, _)| tally.classes[name] >= 25), "{tally}");
}
