//! Faults that are made of real servers, and exactly the codes that each is found by.

use super::servers::{Cluster, Shell, until};
use kubectl_redis_cluster::cluster::finding::Severity;
use kubectl_redis_cluster::cluster::health::Verdict;
use kubectl_redis_cluster::ops::questions::Scope;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub fn running(network: u8) -> Cluster {
    let mut cluster = Cluster::with_debugging(network);
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    cluster.note_formed();
    finds(&cluster, &[]);
    cluster
}

/// Waits until exactly these codes are found: what follows from a fault may take its time.
pub fn finds(cluster: &Cluster, codes: &[&str]) {
    finds_in(cluster, Scope::All, codes);
}

fn finds_in(cluster: &Cluster, scope: Scope, codes: &[&str]) {
    let expected: BTreeSet<&str> = codes.iter().copied().collect();
    let end = Instant::now() + Duration::from_secs(240);
    let mut found = cluster.codes(scope);
    while found != expected && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
        found = cluster.codes(scope);
    }
    if found != expected {
        let views: Vec<String> = NODES.iter().map(|number| says(cluster, *number, "CLUSTER NODES")).collect();
        assert_eq!(found, expected, "{}", views.join("\n\n"));
    }
}

pub fn says(cluster: &Cluster, number: u32, command: &str) -> String {
    cluster.cli(number, &command.split(' ').collect::<Vec<_>>(), None)
}

pub fn tell(cluster: &Cluster, number: u32, command: &str) {
    assert_eq!(says(cluster, number, command), "OK", "{number}: {command}");
}

pub const NODES: [u32; 6] = [101, 102, 201, 202, 301, 302];

pub fn tell_all(cluster: &Cluster, command: &str) {
    NODES.into_iter().for_each(|number| tell(cluster, number, command));
}

/// Takes slots from all nodes and gives them to one. A word that was under way may bring the old
/// owner back in between.
fn give(cluster: &Cluster, slots: &str, to: u32) {
    until(10, "the slots to be free", || {
        for number in NODES {
            says(cluster, number, &format!("CLUSTER DELSLOTSRANGE {slots}"));
        }
        says(cluster, to, &format!("CLUSTER ADDSLOTSRANGE {slots}")) == "OK"
    });
}

pub fn id(cluster: &Cluster, number: u32) -> String {
    says(cluster, number, "CLUSTER MYID")
}

/// The kinds of messages on the bus that a node can be made to drop.
const PING: &str = "0";
const PONG: &str = "1";
const NONE: &str = "-1";

fn drops(cluster: &Cluster, number: u32, kind: &str) {
    tell(cluster, number, &format!("DEBUG DROP-CLUSTER-PACKET-FILTER {kind}"));
}

/// Nobody answers a ping, so that nobody hears anything of anybody; and nobody minds.
fn all_deaf(cluster: &Cluster) {
    tell_all(cluster, "CONFIG SET cluster-node-timeout 60000");
    NODES.into_iter().for_each(|number| drops(cluster, number, PING));
}

/// Waits until this code is among those found: the fault is over soon by itself.
pub fn meets(cluster: &Cluster, code: &str) {
    until(20, code, || cluster.codes(Scope::All).contains(code));
}

#[test]
fn slots() {
    let mut cluster = running(50);
    let to = id(&cluster, 201);
    let from = id(&cluster, 101);

    tell(&cluster, 101, &format!("CLUSTER SETSLOT 7 MIGRATING {to}"));
    finds(&cluster, &["slots-open"]);
    cluster.follow("slots-open");
    finds(&cluster, &[]);
    tell(&cluster, 201, &format!("CLUSTER SETSLOT 7 IMPORTING {from}"));
    tell(&cluster, 101, &format!("CLUSTER SETSLOT 7 MIGRATING {to}"));
    finds(&cluster, &["slots-open"]);
    cluster.follow("slots-open");
    finds(&cluster, &[]);

    // It was moved.
    tell(&cluster, 201, "CLUSTER DELSLOTS 7");
    finds(&cluster, &["slots-uncovered", "state-fail", "views-disagree"]);
    cluster.follow("slots-uncovered");
    finds(&cluster, &[]);

    // key:0 is in slot 2592: its owner forgets that the slot is its own, and keeps the key.
    cluster.write(1);
    give(&cluster, "2592 2592", 201);
    // The highest epoch wins; it may have that since the hint before.
    let epoch = says(&cluster, 201, "CLUSTER BUMPEPOCH");
    assert!(epoch.starts_with("BUMPED") || epoch.starts_with("STILL"), "{epoch}");
    finds_in(&cluster, Scope::AllAndKeys, &["keys-astray"]);
    finds(&cluster, &[]);
    cluster.follow_in(Scope::AllAndKeys, "keys-astray");
    finds_in(&cluster, Scope::AllAndKeys, &[]);
    assert_eq!(cluster.count(1), 1);
}

#[test]
fn two_owners_that_do_not_hear_of_each_other() {
    let cluster = running(51);
    all_deaf(&cluster);
    tell(&cluster, 201, "CLUSTER DELSLOTS 7");
    tell(&cluster, 201, "CLUSTER ADDSLOTS 7");
    finds(&cluster, &["slots-owned-twice", "views-disagree"]);
}

#[test]
fn two_masters_of_one_epoch() {
    let cluster = running(52);
    all_deaf(&cluster);
    for number in [101, 201] {
        assert_eq!(says(&cluster, number, "CLUSTER BUMPEPOCH"), "BUMPED 4");
    }
    finds(&cluster, &["epochs-collide"]);
}

#[test]
fn nodes_that_do_not_hear_each_other() {
    let mut cluster = running(53);
    // Nobody is there to shake hands with: it is tried for as long as a node may be silent.
    tell_all(&cluster, "CONFIG SET cluster-node-timeout 60000");
    tell(&cluster, 101, "CLUSTER MEET 127.0.53.99 6379");
    finds(&cluster, &["node-in-handshake"]);
    cluster.follow("node-in-handshake");
    finds(&cluster, &[]);
    tell_all(&cluster, "CONFIG SET cluster-node-timeout 2000");
    finds(&cluster, &[]);

    // The others do not hear that it is back, nor each other, which they must not mind.
    tell(&cluster, 102, "CONFIG SET cluster-node-timeout 60000");
    cluster.freeze(102);
    until(20, "the others to notice", || says(&cluster, 101, "CLUSTER NODES").contains("slave,fail "));
    let others = NODES.into_iter().filter(|number| *number != 102);
    others.clone().for_each(|number| tell(&cluster, number, "CONFIG SET cluster-node-timeout 60000"));
    others.for_each(|number| drops(&cluster, number, PONG));
    cluster.thaw(102);
    finds(&cluster, &["node-failed"]);
    NODES.into_iter().for_each(|number| drops(&cluster, number, NONE));
    // Whoever missed the one answer that it waits for asks again on a new link only.
    for other in NODES {
        let id = id(&cluster, other);
        for number in NODES.into_iter().filter(|number| *number != other) {
            tell(&cluster, number, &format!("DEBUG CLUSTERLINK KILL to {id}"));
        }
    }
    finds(&cluster, &[]);

    tell_all(&cluster, "CONFIG SET cluster-node-timeout 2000");
    NODES.into_iter().for_each(|number| drops(&cluster, number, PING));
    meets(&cluster, "node-suspected");
    meets(&cluster, "state-fail");
}

#[test]
fn a_replica_that_moves_in_with_others() {
    let mut cluster = running(54);
    tell(&cluster, 302, &format!("CLUSTER REPLICATE {}", id(&cluster, 101)));
    // A replica of ours logs in as its shard: that of another may not copy it.
    finds(&cluster, &["replica-link-down", "replica-missing"]);
    cluster.follow("replica-link-down");
    finds(&cluster, &[]);
    tell(&cluster, 302, &format!("CLUSTER REPLICATE {}", id(&cluster, 101)));
    finds(&cluster, &["replica-link-down", "replica-missing"]);

    // What it knew when it was last there.
    cluster.kill(&[302]);
    let (old, new) = (id(&cluster, 101), id(&cluster, 102));
    cluster.edit_nodes_conf(302, &format!("myself,slave {old}"), &format!("myself,slave {new}"));
    cluster.start(302, Shell::Dash);
    finds(&cluster, &["replica-missing", "replica-of-replica"]);
    cluster.follow("replica-of-replica");
    finds(&cluster, &[]);
}

#[test]
fn a_node_that_was_reset() {
    let cluster = running(55);
    tell(&cluster, 302, "CLUSTER RESET HARD");
    tell(&cluster, 302, "CONFIG SET cluster-announce-ip 127.0.55.99");
    // What follows: it serves nobody, and the others miss who it was.
    let follows = ["master-without-slots", "node-without-pod", "state-fail", "views-disagree"];
    finds(&cluster, &[&["pod-outside-cluster"], &follows[..]].concat());
}

#[test]
fn masters_of_very_different_size() {
    let cluster = running(56);
    give(&cluster, "0 3000", 201);
    finds(&cluster, &["slots-uneven"]);
    give(&cluster, "3001 5460", 301);
    finds(&cluster, &["master-without-slots", "too-few-masters"]);
}

#[test]
fn replication() {
    let mut cluster = running(57);
    let user = says(&cluster, 102, "CONFIG GET masteruser").replace("masteruser\n", "");
    tell(&cluster, 102, "CONFIG SET masteruser nobody");
    says(&cluster, 102, "CLIENT KILL TYPE master");
    finds(&cluster, &["replica-link-down"]);
    tell(&cluster, 102, &format!("CONFIG SET masteruser {user}"));
    finds(&cluster, &[]);

    cluster.write(300);
    tell(&cluster, 302, "CONFIG SET replica-read-only no");
    tell(&cluster, 302, "FLUSHALL");
    finds(&cluster, &["replica-empty"]);
    cluster.follow("replica-empty");
    finds(&cluster, &[]);
}

#[test]
fn a_replica_that_is_far_behind() {
    let cluster = running(58);
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "client-output-buffer-limit", "slave 0 0 0"], None), "OK");
    tell_all(&cluster, "CONFIG SET repl-timeout 300");
    // The same key again and again: the stream grows, the data does not.
    let lines = format!("SET key:0 {}\n", "x".repeat(1 << 20)).repeat(60);
    // It answers before it reads on: what was asked while it stood still comes first.
    let lags = || {
        cluster.freeze(102);
        cluster.feed(101, &lines);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(1));
                cluster.thaw(102);
            });
            cluster.codes(Scope::All).contains("replica-lags")
        })
    };
    assert!((0..20).any(|_| lags()));
    finds(&cluster, &[]);
}

#[test]
fn a_replica_that_never_gets_done() {
    let cluster = running(59);
    cluster.write(3000);
    // Whatever is written during a copy is more than the master keeps for a replica.
    tell(&cluster, 101, "CONFIG SET rdb-key-save-delay 5000");
    let copies =
        || says(&cluster, 101, "INFO stats").lines().find(|line| line.starts_with("sync_full:")).map(str::to_owned);
    // A look must fit into a copy: where it does not, another one follows.
    until(30, "copies without end", || {
        let before = copies();
        says(&cluster, 101, "DEBUG CHANGE-REPL-ID");
        says(&cluster, 101, "CLIENT KILL TYPE replica");
        until(10, "a copy to begin", || copies() != before);
        cluster.codes(Scope::All) == ["full-sync-loop", "replica-link-down"].into()
    });
    tell(&cluster, 101, "CONFIG SET rdb-key-save-delay 0");
    finds(&cluster, &[]);
}

#[test]
fn nodes_that_load_fail_to_write_or_refuse() {
    let mut cluster = running(49);
    cluster.write(3000);
    tell(&cluster, 102, "CONFIG SET loading-process-events-interval-bytes 1024");
    tell(&cluster, 102, "CONFIG SET key-load-delay 3000");
    until(20, "node-loading", || {
        let mut busy = cluster.in_background(102, &["DEBUG", "RELOAD"]);
        let mut is_met = false;
        while !busy.is_done() {
            is_met |= cluster.codes(Scope::All).contains("node-loading");
        }
        is_met
    });
    finds(&cluster, &[]);

    tell(&cluster, 201, "CONFIG SET cluster-node-timeout 7000");
    finds(&cluster, &["settings-differ"]);
    cluster.follow("settings-differ");
    finds(&cluster, &[]);
    tell(&cluster, 202, "CONFIG SET requirepass other");
    finds(&cluster, &["passwords-differ"]);
    assert_eq!(cluster.cli(202, &["CONFIG", "SET", "requirepass", ""], Some("other")), "OK");
    finds(&cluster, &[]);
    cluster.wipe(302);
    until(20, "nothing else to be written", || says(&cluster, 302, "BGSAVE") == "Background saving started");
    finds(&cluster, &["persistence-fails"]);
}

#[test]
fn addresses() {
    let mut cluster = running(48);
    tell(&cluster, 302, "CONFIG SET cluster-announce-ip 127.0.48.31");
    // Who calls it there hears another one, and forgets the address until it calls again.
    meets(&cluster, "address-of-another-node");
    tell(&cluster, 302, "CONFIG SET cluster-announce-ip 127.0.48.32");
    finds(&cluster, &[]);

    // Nobody is there to talk to, and nobody minds.
    tell_all(&cluster, "CONFIG SET cluster-node-timeout 60000");
    tell(&cluster, 302, "CONFIG SET cluster-announce-bus-port 1");
    finds(&cluster, &["bus-link-down"]);
    cluster.stop_all();

    // Two nodes each look for the other at a third one's address.
    cluster.misplace(101, 302, "127.0.48.22");
    cluster.misplace(302, 101, "127.0.48.22");
    cluster.start_all(Shell::Dash);
    meets(&cluster, "node-without-address");
}

#[test]
fn what_may_not_be_asked() {
    let cluster = running(47);
    // Nothing is found, but for what comes and goes on a busy machine.
    let misses = |what: &str, verdict: Verdict| {
        until(20, what, || {
            let report = cluster.report(Scope::All);
            let gap = report.gaps.first().map(|gap| format!("{}: {}", gap.what, gap.why));
            gap.is_some_and(|gap| gap.starts_with(what))
                && (report.findings.len(), report.verdict(Severity::Warning)) == (0, verdict)
        });
    };
    tell(&cluster, 101, "ACL SETUSER default -config");
    misses("the settings of 101: CONFIG GET: NOPERM", Verdict::Healthy);
    tell(&cluster, 101, "ACL SETUSER default -cluster");
    misses("101: CLUSTER NODES: NOPERM", Verdict::Unclear);
}
