//! Servers at a limit of their own, which `cluster_state` does not show: found, with a hint that
//! mends it, and not found where a sound cluster nearly looks so.

use super::faults::{NODES, finds, id, running, says, tell, tell_all};
use super::server::Server;
use super::servers::{Cluster, Shell, until};
use kubectl_redis_cluster::cluster::finding::Finding;
use kubectl_redis_cluster::ops::questions::Scope;
use std::collections::BTreeSet;
use std::net::TcpStream;

fn findings(cluster: &Cluster, code: &str) -> Vec<Finding> {
    let found = cluster.report(Scope::All).findings.into_iter();
    found.filter(|finding| finding.code.name() == code).collect()
}

fn subjects(cluster: &Cluster, code: &str) -> Vec<String> {
    findings(cluster, code).into_iter().map(|finding| finding.subject).collect()
}

/// A person pastes the hint of the first finding of this code, looks again, and goes on.
fn mend(cluster: &mut Cluster, code: &str) {
    until(60, &format!("the hints to mend {code}"), || {
        let is_found = cluster.codes(Scope::All).contains(code);
        if is_found {
            cluster.follow(code);
        }
        !is_found
    });
}

/// What a client gets for its write to a key of this node's shard.
fn write(cluster: &Cluster, number: u32) -> String {
    let mut replies = (0..1000).map(|key| says(cluster, number, &format!("SET {key} 1")));
    replies.find(|reply| !reply.starts_with("MOVED ")).expect("a key of its own")
}

fn used(cluster: &Cluster, number: u32) -> u64 {
    let info = says(cluster, number, "INFO memory");
    let used = info.lines().find_map(|line| line.trim_end().strip_prefix("used_memory:"));
    used.expect("a number").parse().expect("a number")
}

fn limit_memory(cluster: &Cluster, bytes: u64) {
    tell_all(cluster, &format!("CONFIG SET maxmemory {bytes}"));
}

#[test]
fn masters_whose_memory_is_full() {
    let mut cluster = running(120);
    let most = NODES.map(|number| used(&cluster, number)).into_iter().max().expect("six");
    limit_memory(&cluster, most + (1 << 20));
    finds(&cluster, &[]);
    assert_eq!(write(&cluster, 101), "OK", "nearly full is not full");

    limit_memory(&cluster, most / 2);
    finds(&cluster, &["writes-refused"]);
    assert!(write(&cluster, 101).starts_with("OOM "));
    assert_eq!(subjects(&cluster, "writes-refused"), ["101", "201", "301"], "a replica ignores maxmemory");
    tell_all(&cluster, "CONFIG SET maxmemory-policy volatile-lru");
    finds(&cluster, &["writes-refused"]);
    assert!(write(&cluster, 101).starts_with("OOM "), "no key expires: nothing may be evicted");
    mend(&mut cluster, "writes-refused");
    finds(&cluster, &[]);
    assert_eq!(write(&cluster, 101), "OK");
}

#[test]
fn a_cache_that_evicts() {
    let cluster = running(121);
    let most = NODES.map(|number| used(&cluster, number)).into_iter().max().expect("six");
    tell_all(&cluster, "CONFIG SET maxmemory-policy allkeys-lru");
    limit_memory(&cluster, most + (8 << 20));
    let lines: String = (0..12_000).map(|key| format!("SET {{key:0}}{key} {}\n", "x".repeat(1000))).collect();
    let replies = cluster.feed(101, &lines);
    assert_eq!(replies.lines().filter(|line| *line == "OK").count(), 12_000);
    assert!(!says(&cluster, 101, "INFO stats").contains("evicted_keys:0"));
    finds(&cluster, &[]);
}

#[test]
fn masters_with_too_few_replicas() {
    let mut cluster = running(122);
    tell_all(&cluster, "CONFIG SET min-replicas-to-write 1");
    finds(&cluster, &[]);
    tell_all(&cluster, "CONFIG SET min-replicas-to-write 2");
    finds(&cluster, &["writes-refused"]);
    assert!(write(&cluster, 201).starts_with("NOREPLICAS "));
    mend(&mut cluster, "writes-refused");
    finds(&cluster, &[]);
    assert_eq!(write(&cluster, 201), "OK");
}

#[test]
fn a_snapshot_that_failed() {
    let mut cluster = running(123);
    for number in NODES {
        assert_eq!(cluster.cli(number, &["CONFIG", "SET", "save", "900 1"], None), "OK");
    }
    cluster.wipe(301);
    until(20, "nothing else to be written", || says(&cluster, 301, "BGSAVE") == "Background saving started");
    finds(&cluster, &["persistence-fails", "writes-refused"]);
    assert!(write(&cluster, 301).starts_with("MISCONF "));
    mend(&mut cluster, "writes-refused");
    finds(&cluster, &["persistence-fails"]);
    assert_eq!(write(&cluster, 301), "OK");
}

/// Silently: its link is up, its offset that of its master.
#[test]
fn a_replica_that_drops_writes() {
    let mut cluster = running(124);
    tell(&cluster, 102, "CONFIG SET replica-ignore-maxmemory no");
    finds(&cluster, &[]);
    limit_memory(&cluster, used(&cluster, 102) + (8 << 20));
    tell(&cluster, 102, "CONFIG SET maxmemory 1mb");
    finds(&cluster, &["settings-differ", "writes-refused"]);
    assert_eq!(subjects(&cluster, "writes-refused"), ["102"]);
    assert_eq!(write(&cluster, 101), "OK");
    let keys = || [101, 102].map(|number| says(&cluster, number, "DBSIZE"));
    assert_eq!(keys(), ["1", "0"]);
    mend(&mut cluster, "writes-refused");
    // Its maxmemory is that of its configuration again.
    finds(&cluster, &["settings-differ"]);
    mend(&mut cluster, "settings-differ");
    finds(&cluster, &[]);
    assert_eq!([101, 102].map(|number| says(&cluster, number, "DBSIZE")), ["1", "1"]);
}

#[test]
fn old_servers_that_are_full() {
    for (index, name) in ["3.0", "3.2", "5.0", "6.2", "8.0", "valkey-9.1"].into_iter().enumerate() {
        let mut cluster = Cluster::on(Server::of(name), 125 + u8::try_from(index).expect("few"));
        cluster.start_all(Shell::Dash);
        cluster.wait_ok();
        limit_memory(&cluster, 300_000);
        finds(&cluster, &["writes-refused"]);
        let ignores = Server::of(name).at_least(5, 0);
        let full: &[&str] = if ignores { &["101", "201", "301"] } else { &["101", "102", "201", "202", "301", "302"] };
        assert_eq!(subjects(&cluster, "writes-refused"), full, "{name}");
        assert!(write(&cluster, 101).starts_with("OOM "), "{name}");
    }
}

#[test]
fn clients_that_somebody_paused() {
    let mut cluster = Cluster::on(Server::of("valkey-9.1"), 133);
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    finds(&cluster, &[]);
    tell(&cluster, 101, "CLIENT PAUSE 600000 WRITE");
    finds(&cluster, &["writes-refused"]);
    mend(&mut cluster, "writes-refused");
    finds(&cluster, &[]);
}

/// Before Redis 6.0 it does not even say whom it knows.
#[test]
fn a_replica_that_rejects_all_commands_without_its_master() {
    let mut cluster = Cluster::on(Server::of("5.0"), 134);
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    tell(&cluster, 102, "CONFIG SET slave-serve-stale-data no");
    finds(&cluster, &[]);
    tell(&cluster, 101, "CONFIG SET requirepass other");
    says(&cluster, 102, "CLIENT KILL TYPE master");
    finds(&cluster, &["passwords-differ", "replica-link-down"]);
    let found = findings(&cluster, "replica-link-down");
    assert!(found[0].evidence.contains("MASTERDOWN "), "{}", found[0].evidence);
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "requirepass", ""], Some("other")), "OK");
    finds(&cluster, &[]);
}

#[test]
fn no_room_for_clients() {
    let cluster = running(135);
    let address = cluster.address(101);
    let crowd = |size: usize| -> Vec<TcpStream> {
        (0..size).map(|_| TcpStream::connect((address.as_str(), 6379)).expect("it accepts")).collect()
    };
    tell_all(&cluster, "CONFIG SET maxclients 60");
    let mut clients = crowd(30);
    finds(&cluster, &[]);
    clients.extend(crowd(60));
    finds(&cluster, &["clients-limit"]);
    let found = findings(&cluster, "clients-limit");
    assert!(found[0].evidence.starts_with("ERR max number of clients"), "{}", found[0].evidence);
    drop(clients);
    let said = cluster.paste(&cluster.snapshot(Scope::All), &found[0].hint).said;
    assert!(said.contains("OK"), "{said}");
    finds(&cluster, &[]);
    let _clients = crowd(90);
    finds(&cluster, &[]);
}

#[test]
fn a_script_that_does_not_end() {
    let mut cluster = running(136);
    tell(&cluster, 101, "CONFIG SET lua-time-limit 2000");
    // One of a second is waited for.
    let mut brief = cluster.in_background(101, &["EVAL", BRIEF, "0"]);
    assert_eq!(cluster.codes(Scope::All), BTreeSet::new());
    until(20, "the brief script to end", || brief.is_done());

    let mut endless = cluster.in_background(101, &["EVAL", "while true do end", "0"]);
    finds(&cluster, &["node-busy"]);
    mend(&mut cluster, "node-busy");
    finds(&cluster, &[]);
    until(20, "the script to be gone", || endless.is_done());
    if Server::chosen().at_least(7, 0) {
        let library = "#!lua name=l\nredis.register_function('f', function() while true do end end)";
        assert_eq!(cluster.cli(101, &["FUNCTION", "LOAD", library], None), "l");
        let _endless = cluster.in_background(101, &["FCALL", "f", "0"]);
        finds(&cluster, &["node-busy"]);
        mend(&mut cluster, "node-busy");
        finds(&cluster, &[]);
    }
}

/// Runs for a second.
const BRIEF: &str = "local t = redis.call('TIME') local s = t[1] + t[2] / 1000000 \
                     while true do local n = redis.call('TIME') if n[1] + n[2] / 1000000 > s + 1 then return 1 end end";

#[test]
fn replicas_that_never_take_over() {
    let mut cluster = running(137);
    tell_all(&cluster, "CONFIG SET cluster-replica-no-failover yes");
    finds(&cluster, &["failover-disabled"]);
    mend(&mut cluster, "failover-disabled");
    finds(&cluster, &[]);
    // Another one takes over: this one may only be read from.
    tell(&cluster, 302, &format!("CLUSTER REPLICATE {}", id(&cluster, 201)));
    tell(&cluster, 202, "CONFIG SET cluster-replica-no-failover yes");
    until(60, "no failover-disabled", || !cluster.codes(Scope::All).contains("failover-disabled"));
}

#[test]
fn protected_from_everybody() {
    let mut cluster = running(138);
    for replica in [102, 202, 302] {
        tell(&cluster, replica, "CONFIG SET protected-mode yes");
    }
    finds(&cluster, &["settings-differ"]);
    assert_eq!(says(&cluster, 102, "CLUSTER FAILOVER"), "OK");
    let is_master = || cluster.role(102) == "master" && cluster.role(101) == "slave";
    until(20, "the switchover", is_master);
    // On loopback nobody is denied.
    finds(&cluster, &["clients-denied", "settings-differ"]);
    mend(&mut cluster, "clients-denied");
    mend(&mut cluster, "settings-differ");
    finds(&cluster, &[]);
}

#[test]
fn a_majority_that_is_gone() {
    let mut cluster = running(139);
    cluster.write(300);
    cluster.kill(&[101]);
    // One is replaced: no majority is needed from anybody.
    until(60, "a failover", || cluster.role(102) == "master");
    cluster.start(101, Shell::Dash);
    finds(&cluster, &[]);

    cluster.kill(&[102, 201]);
    finds(&cluster, &["majority-lost", "node-unreachable", "replica-link-down", "state-fail"]);
    let report = cluster.report(Scope::All);
    assert_eq!(report.findings[0].code.name(), "majority-lost", "it is said first");
    cluster.follow("majority-lost");
    until(60, "the replicas to have taken over", || [101, 202].iter().all(|number| cluster.role(*number) == "master"));
    [102, 201].into_iter().for_each(|number| cluster.start(number, Shell::Dash));
    finds(&cluster, &[]);
    assert_eq!(cluster.count(300), 300);
}

#[test]
fn a_password_that_one_node_does_not_take() {
    let mut cluster = Cluster::new(118, Some("fakepass"));
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    cluster.note_formed();
    assert_eq!(cluster.cli(202, &["CONFIG", "SET", "requirepass", "other"], Some("fakepass")), "OK");
    finds(&cluster, &["passwords-differ"]);
    mend(&mut cluster, "passwords-differ");
    finds(&cluster, &[]);
    // The Secret of a cluster of others, of which its script took only the line.
    cluster.read_with_password("fakepass\n");
    finds(&cluster, &[]);
    cluster.read_with_password("fake\n");
    assert!(cluster.report(Scope::All).gaps.iter().all(|gap| gap.why.contains("WRONGPASS")));
}
