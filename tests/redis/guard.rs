//! Lost volumes, lost memory, halves and doubles: what must never cost a key without a
//! word. The experiments are those that lose keys on servers started without a guard.

use super::servers::{Cluster, Shell, until};
use super::service::{Endpoint, Service};
use kubectl_redis_cluster::cluster::loss::accept;
use kubectl_redis_cluster::cluster::topology::State;

pub const KEYS: usize = 300;

pub fn formed(mut cluster: Cluster, shell: Shell) -> Cluster {
    cluster.start_all(shell);
    cluster.wait_ok();
    cluster.write(KEYS);
    // What a master has not handed on yet, nobody could keep.
    let password = cluster.password();
    let keys = |number| cluster.cli(number, &["DBSIZE"], password).parse::<usize>().unwrap_or_default();
    until(20, "the copies to be whole", || [102, 202, 302].into_iter().map(keys).sum::<usize>() == KEYS);
    // A replica's append-only file begins with its first copy: until it is written out, a
    // killed replica has nothing on disk.
    until(20, "the copies to be on disk", || {
        let at_rest =
            |said: &str| said.contains("aof_rewrite_in_progress:0") && said.contains("aof_rewrite_scheduled:0");
        [102, 202, 302].iter().all(|number| at_rest(&cluster.persistence(*number)))
    });
    cluster
}

pub fn is_whole(cluster: &Cluster) {
    cluster.wait_ok();
    assert_eq!(cluster.count(KEYS), KEYS, "all keys are there");
}

/// Whether the last word is that of a handover.
pub fn is_handed_over(said: &str) -> bool {
    said.lines().last().is_some_and(|line| line.starts_with("stop: handed over to "))
}

pub fn is_whole_under_102(cluster: &Cluster) {
    is_whole(cluster);
    assert_eq!((cluster.role(101), cluster.role(102)), ("slave".into(), "master".into()));
}

/// The first master dies, and all others know that its replica has taken over.
pub fn failed_over(cluster: &mut Cluster, others: &[u32]) {
    cluster.kill(&[101]);
    let knows = |line: &str| line.contains("node000102 ") && line.contains("master");
    let all_know = || others.iter().all(|peer| cluster.feed(*peer, "CLUSTER NODES\n").lines().any(knows));
    until(20, "the failover", all_know);
}

/// Nobody at a master's address may be empty while its replica follows.
#[test]
fn a_master_that_comes_back_empty_at_once_joins_its_replica() {
    let mut cluster = formed(Cluster::new(10, None), Shell::Dash);
    cluster.kill(&[101]);
    cluster.wipe(101);
    cluster.start(101, Shell::Dash);
    cluster.wait_log(101, "joining as a replica of node 102");
    is_whole_under_102(&cluster);
    // And back: the one that was empty is promoted, the other one loses its volume.
    cluster.kill(&[102]);
    cluster.wipe(102);
    cluster.start(102, Shell::Busybox);
    cluster.wait_log(102, "joining as a replica of node 101");
    is_whole(&cluster);
}

#[test]
fn a_replica_that_lost_its_volume_copies_its_master_again() {
    let mut cluster = formed(Cluster::new(11, Some("a b'c")), Shell::Busybox);
    cluster.kill(&[302]);
    cluster.wipe(302);
    cluster.start(302, Shell::Busybox);
    cluster.wait_log(302, "joining as a replica of node 301");
    is_whole(&cluster);
}

/// In memory a process that was restarted is empty, although its nodes.conf is there.
#[test]
fn a_memory_only_master_whose_process_ends_is_followed_at_once() {
    let mut cluster = formed(Cluster::in_memory(12, Some("pass")), Shell::Busybox);
    cluster.kill(&[101]);
    cluster.start(101, Shell::Busybox);
    // It asks its replica to take over, unless the others were quicker to elect it.
    cluster.wait_log(101, "joining as a replica of node 102");
    is_whole(&cluster);
}

/// After a failover the whole cluster restarts, and the owner of old is empty.
#[test]
fn an_old_owner_is_not_elected_again() {
    let mut cluster = formed(Cluster::new(13, None), Shell::Dash);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    cluster.kill_all();
    cluster.wipe(101);
    cluster.start(101, Shell::Dash);
    cluster.start(301, Shell::Dash);
    cluster.wait_log(101, "waiting for");
    for number in [102, 201, 202, 302] {
        cluster.start(number, Shell::Dash);
    }
    is_whole_under_102(&cluster);
}

/// A server serves two seconds after its start, alone if need be: a write that an owner of
/// old acknowledges then is lost as soon as its successor is back.
#[test]
fn an_owner_that_was_succeeded_while_it_was_away_serves_nobody() {
    let mut cluster = formed(Cluster::new(39, Some("p\"a\\s")), Shell::Busybox);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    cluster.kill_all();
    cluster.start(101, Shell::Busybox);
    cluster
        .wait_log(101, "owned slots when it stopped: waiting for a majority of owners to answer (1 of 3 do, 2 must)");
    assert!(cluster.probe("alive", 101, Shell::Busybox));
    assert!(cluster.at_startup(101, &["GET", "kept"]).contains("myself,master"));
    // A replica of another shard that knows of the failover is enough.
    cluster.start(302, Shell::Dash);
    cluster.wait_log(101, "node 102 owns this shard's slots since: starting as its replica");
    until(20, "it to run", || cluster.role(101) == "slave");
    for number in [102, 201, 202, 301] {
        cluster.start(number, Shell::Dash);
    }
    is_whole_under_102(&cluster);
}

/// A replica that went away with it knows of no failover: only who could vote does.
#[test]
fn an_owner_that_was_succeeded_believes_no_witness_that_was_away_too() {
    let mut cluster = formed(Cluster::new(42, None), Shell::Dash);
    cluster.kill(&[302]);
    failed_over(&mut cluster, &[102, 201, 202, 301]);
    cluster.kill_all();
    cluster.start(302, Shell::Dash);
    until(20, "the witness to run", || cluster.role(302) == "slave");
    cluster.start(101, Shell::Dash);
    cluster.wait_log(101, "waiting for a majority of owners to answer (1 of 3 do, 2 must)");
    cluster.start(301, Shell::Dash);
    cluster.wait_log(101, "node 102 owns this shard's slots since: starting as its replica");
    for number in [102, 201, 202] {
        cluster.start(number, Shell::Dash);
    }
    is_whole_under_102(&cluster);
}

/// The successor has lost its volume: what the owner of old has kept is the best there is.
#[test]
fn an_owner_that_was_succeeded_by_one_that_is_empty_now_takes_over_again() {
    let mut cluster = formed(Cluster::new(40, None), Shell::Dash);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    cluster.kill_all();
    cluster.wipe(102);
    cluster.start_all(Shell::Dash);
    cluster.wait_log(101, "starting as its replica");
    cluster.wait_log(102, "joining as a replica of node 101");
    is_whole(&cluster);
}

/// E7 once more: the owner's volume is lost while nobody could elect its replica, which
/// says after its own restart that it was without a master for too long.
#[test]
fn a_replica_that_may_not_be_elected_any_more_is_asked_to_take_over() {
    let mut cluster = formed(Cluster::new(14, None), Shell::Dash);
    cluster.kill_all();
    cluster.wipe(101);
    cluster.start_all(Shell::Dash);
    cluster.wait_log(101, "waiting for its replica node 102 to be promoted");
    assert!(cluster.probe("alive", 101, Shell::Dash));
    cluster.wait_log(101, "asking node 102 to take over");
    is_whole(&cluster);
    assert_eq!(cluster.role(102), "master");
}

/// Half of the nodes first. A shard begins only when all its nodes are there, so
/// the late half finds nothing that it could contradict.
#[test]
fn a_cluster_born_in_halves_has_one_owner_a_shard() {
    for (network, half) in [(15, [101, 201, 301]), (16, [102, 202, 302])] {
        let mut cluster = Cluster::new(network, None);
        half.iter().for_each(|number| cluster.start(*number, Shell::Dash));
        half.iter().for_each(|number| cluster.wait_log(*number, "which may hold this shard's data, to answer"));
        assert_eq!(cluster.cli(half[1], &["SET", "key:1", "1"], None), "", "nobody acknowledges a write");
        for number in [101, 102, 201, 202, 301, 302].into_iter().filter(|number| !half.contains(number)) {
            cluster.start(number, Shell::Dash);
        }
        cluster.wait_ok();
        cluster.write(KEYS);
        is_whole(&cluster);
        assert_eq!(cluster.role(101), "master");
    }
}

/// Replicas with their masters: half of a large cluster that runs alone would knock at the
/// other half all the time.
#[test]
fn the_nodes_of_a_new_cluster_start_when_the_last_one_has_come() {
    let mut cluster = Cluster::new(46, Some("p"));
    let (early, last) = ([101, 102, 201, 202, 301], 302);
    early.iter().for_each(|number| cluster.start(*number, Shell::Busybox));
    until(20, "all others to have come", || cluster.log(101).contains("waiting for all nodes (5 of 6 joined)"));
    cluster.start(last, Shell::Busybox);
    cluster.wait_ok();
    for number in [102, 202, 302] {
        let log = cluster.log(number);
        assert!(log.contains("no node of the shard holds data: starting as declared"), "{number}: {log}");
    }
    cluster.write(KEYS);
    is_whole(&cluster);
}

#[test]
fn a_node_that_waits_ends_with_its_startup_server() {
    let mut cluster = Cluster::new(43, None);
    cluster.start(201, Shell::Dash);
    cluster.wait_log(201, "waiting for a majority of shards to answer");
    cluster.at_startup(201, &["SHUTDOWN", "NOSAVE"]);
    cluster.wait_log(201, "the start-up server has ended");
}

/// Two parts that cannot reach each other at the first start. Only the one with the majority
/// begins, and only with whole shards.
#[test]
fn parts_that_are_cut_off_at_birth_never_both_begin() {
    let mut cluster = Cluster::new(17, None);
    let (larger, smaller) = ([101, 102, 201, 202], [301, 302]);
    for (here, there) in larger.iter().flat_map(|one| smaller.map(|other| (*one, other))) {
        cluster.misplace(here, there, "127.0.17.99");
        cluster.misplace(there, here, "127.0.17.99");
    }
    cluster.start_all(Shell::Dash);
    cluster.wait_log(301, "waiting for a majority of shards to answer (1 of 3 do, 2 must)");
    [101, 201].iter().for_each(|number| cluster.wait_log(*number, "starting as declared"));
    [102, 202].iter().for_each(|number| cluster.wait_log(*number, "starting redis-server"));
    assert_eq!(cluster.cli(301, &["PING"], None), "");
    cluster.put_right();
    cluster.kill_all();
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    cluster.write(KEYS);
    is_whole(&cluster);
}

/// Every address is another one after a restart of everything.
#[test]
fn all_addresses_may_change_at_once() {
    let mut cluster = formed(Cluster::new(18, None), Shell::Dash);
    cluster.kill_all();
    cluster.move_to(19);
    cluster.start_all(Shell::Dash);
    is_whole(&cluster);
}

/// An address in nodes.conf belongs to another node of the cluster now.
#[test]
fn swapped_addresses_are_put_right() {
    let mut cluster = formed(Cluster::new(20, None), Shell::Dash);
    cluster.kill_all();
    cluster.swap(101, 302);
    cluster.start_all(Shell::Busybox);
    is_whole(&cluster);
    let nodes = cluster.cli(201, &["CLUSTER", "NODES"], None);
    assert!(!nodes.contains("noaddr"), "{nodes}");
}

#[test]
fn a_shard_whose_data_is_gone_stays_down_until_the_loss_is_accepted() {
    for (mut cluster, shell) in
        [(Cluster::new(21, None), Shell::Dash), (Cluster::in_memory(22, Some("p")), Shell::Busybox)]
    {
        cluster.start_all(shell);
        cluster.wait_ok();
        cluster.write(KEYS);
        let before = cluster.count(KEYS);
        cluster.kill(&[101, 102]);
        cluster.wipe(101);
        cluster.wipe(102);
        cluster.start(101, shell);
        cluster.wait_log(101, "waiting for node 102, which may hold this shard's data, to answer");
        cluster.start(102, shell);
        for number in [101, 102] {
            cluster.wait_log(number, "no node holds this shard's data any more");
        }
        assert_eq!(cluster.role(101), "", "it stays down");
        assert_eq!(cluster.at_startup(102, &["SET", "accepted", "yes"]), "OK");
        cluster.wait_log(102, "the loss of this shard's data is accepted");
        cluster.wait_log(101, "joining as a replica of node 102");
        cluster.wait_ok();
        assert_eq!((before, cluster.role(102)), (KEYS, "master".into()));
        let left = cluster.count(KEYS);
        assert!((KEYS / 2..KEYS * 3 / 4).contains(&left), "the other shards keep theirs: {left}");
        cluster.write(KEYS);
        is_whole(&cluster);
    }
}

/// What accept-loss would do to the first shard.
fn loss(cluster: &Cluster) -> Result<String, String> {
    let topology = cluster.topology();
    accept(&topology, 1).map(|loss| format!("{loss:?}")).map_err(|refusal| refusal.to_string())
}

/// It serves what it has as soon as it has read it.
#[test]
fn what_a_node_is_loading_is_not_given_up() {
    let mut cluster = formed(Cluster::slow_to_load(76), Shell::Dash);
    never_elect(&cluster);
    cluster.write(10 * KEYS);
    // It answers while it reads an RDB, but seldom while it reads commands.
    assert_eq!(cluster.cli(101, &["BGREWRITEAOF"], None), "Background append only file rewriting started");
    until(20, "its RDB to be written", || cluster.persistence(101).contains("aof_rewrite_in_progress:0"));
    cluster.kill(&[101, 102]);
    cluster.wipe(102);
    cluster.start(102, Shell::Dash);
    cluster.wait_log(102, "waiting for node 101, which may hold this shard's data, to answer");
    assert!(loss(&cluster).expect("101 is gone").contains("StartEmpty"), "it may be gone for good");
    cluster.start(101, Shell::Dash);
    until(20, "it to load", || cluster.cli(101, &["PING"], None).starts_with("LOADING"));
    assert_eq!(
        (loss(&cluster), cluster.cli(101, &["PING"], None).starts_with("LOADING")),
        (Err("shard 1 has its data: 101 is loading it from disk".into()), true)
    );
    // All is there once it has.
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "key-load-delay", "0"], None), "OK");
    is_whole(&cluster);
    assert_eq!(cluster.count(10 * KEYS), 10 * KEYS);
}

/// With volumes nothing begins anew that has formed once, not even when all is lost.
#[test]
fn volumes_that_are_all_empty_are_lost_ones_once_the_cluster_has_formed() {
    let mut cluster = formed(Cluster::new(29, None), Shell::Dash);
    cluster.note_formed();
    cluster.kill_all();
    for number in [101, 102, 201, 202, 301, 302] {
        cluster.wipe(number);
    }
    cluster.start_all(Shell::Dash);
    for number in [101, 201, 202, 302] {
        cluster.wait_log(number, "the cluster has formed once, and all volumes of this shard are empty now");
    }
    for number in [101, 201, 302] {
        assert_eq!(cluster.at_startup(number, &["SET", "accepted", "yes"]), "OK");
    }
    cluster.wait_ok();
    assert_eq!((cluster.role(302), cluster.count(KEYS)), ("master".into(), 0));
}

#[test]
fn a_memory_only_cluster_that_lost_everything_starts_anew() {
    let mut cluster = formed(Cluster::in_memory(23, None), Shell::Dash);
    until(20, "a failover by hand", || cluster.cli(102, &["CLUSTER", "FAILOVER"], None) == "OK");
    until(20, "the failover", || cluster.role(102) == "master");
    cluster.kill_all();
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    assert_eq!((cluster.count(KEYS), cluster.role(101)), (0, "master".into()), "as at the first start");
    cluster.write(KEYS);
    is_whole(&cluster);
}

/// Waits until the cluster has formed; what ends meanwhile is restarted, as the kubelet does.
fn wait_ok_restarting(cluster: &mut Cluster, shell: Shell) {
    until(30, "the cluster to begin anew", || {
        cluster.restart_ended(shell);
        let topology = cluster.topology();
        topology.state == State::Ok && topology.agree
    });
}

/// `kubectl apply`, `delete` while it forms, and `apply` once more: a new pod joined the old ones
/// before they ended, and knows of shards that nobody has any more.
#[test]
fn what_is_left_of_a_cluster_without_a_key_keeps_nobody_from_starting_anew() {
    for (network, left, shell) in [(77, 102, Shell::Dash), (78, 301, Shell::Busybox)] {
        let mut cluster = Cluster::in_memory(network, Some("p\"a\\s"));
        cluster.start_all(shell);
        cluster.wait_ok();
        let others: Vec<u32> = [101, 102, 201, 202, 301, 302].into_iter().filter(|each| *each != left).collect();
        cluster.kill(&others);
        others.iter().for_each(|number| cluster.start(*number, shell));
        cluster.wait_log(101, &format!("ending node {left}, which has no key, so that all begin anew"));
        wait_ok_restarting(&mut cluster, shell);
        assert_eq!([101, 201, 301].map(|number| cluster.role(number)), ["master"; 3], "as declared");
        cluster.write(KEYS);
        is_whole(&cluster);
    }
}

/// The same with one key.
#[test]
fn what_has_the_last_key_is_never_ended() {
    let mut cluster = Cluster::in_memory(79, None);
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    // In the slots of the first shard.
    cluster.write(1);
    until(20, "its copy", || cluster.cli(102, &["DBSIZE"], None) == "1");
    let others = [101, 201, 202, 301, 302];
    cluster.kill(&others);
    others.iter().for_each(|number| cluster.start(*number, Shell::Dash));
    for number in [201, 202, 301, 302] {
        cluster.wait_log(number, "no node holds this shard's data any more: accept the loss");
    }
    let waits = "waiting for its replica node 102 to be promoted";
    until(40, "it to have been looked for again and again", || cluster.log(101).matches(waits).count() > 1);
    assert_eq!((cluster.cli(102, &["DBSIZE"], None), cluster.role(102)), ("1".into(), "slave".into()));
    assert!(others.iter().all(|number| !cluster.log(*number).contains("ending node")));
    // What docs/troubleshooting.md says.
    assert_eq!(cluster.cli(102, &["CLUSTER", "FAILOVER", "TAKEOVER"], None), "OK");
    for number in [201, 301] {
        assert_eq!(cluster.at_startup(number, &["SET", "accepted", "yes"]), "OK");
    }
    cluster.wait_ok();
    assert_eq!(cluster.count(1), 1);
}

/// Pods of a ReplicationController start beside the old ones: what they join may leave.
#[test]
fn a_replica_that_never_had_a_copy_keeps_nobody_from_starting_anew() {
    let mut cluster = formed(Cluster::in_memory(30, None), Shell::Dash);
    // The default only since Redis 7.0; else there is no delay.
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "repl-diskless-sync", "yes"], None), "OK");
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "repl-diskless-sync-delay", "600"], None), "OK");
    cluster.kill(&[102]);
    cluster.start(102, Shell::Dash);
    cluster.wait_log(102, "joining as a replica of node 101");
    until(20, "the replica to run", || cluster.role(102) == "slave");
    cluster.kill(&[101, 201, 202, 301, 302]);
    for number in [101, 201, 202, 301, 302] {
        cluster.start(number, Shell::Dash);
    }
    wait_ok_restarting(&mut cluster, Shell::Dash);
    assert_eq!(cluster.count(KEYS), 0);
    // Who was away longer than the node timeout may be succeeded when it comes.
    until(20, "one of the two to follow the other", || {
        let roles = [101, 102].map(|number| cluster.role(number));
        roles == ["master", "slave"] || roles == ["slave", "master"]
    });
}

#[test]
fn nobody_joins_a_master_that_is_leaving() {
    let mut cluster = formed(Cluster::in_memory(31, None), Shell::Busybox);
    // A server that is too busy to hear of it is told again.
    until(20, "the replica to be leaving", || {
        assert_eq!(cluster.leave(102, Shell::Busybox), "");
        cluster.cli(102, &["CONFIG", "GET", "cluster-slave-no-failover"], None).ends_with("yes")
    });
    assert_eq!(cluster.leave(101, Shell::Busybox), "", "its replica leaves too");
    cluster.kill(&[102]);
    cluster.start(102, Shell::Busybox);
    cluster.wait_log(102, "waiting for node 101, which is terminating, to be succeeded");
}

/// Started and killed before anything was written: the volumes keep who they are.
#[test]
fn a_master_killed_in_its_first_seconds_comes_back() {
    let mut cluster = Cluster::new(24, None);
    cluster.start_all(Shell::Dash);
    cluster.wait_log(101, "starting redis-server");
    cluster.kill(&[101]);
    cluster.start(101, Shell::Dash);
    cluster.wait_ok();
    cluster.write(KEYS);
    is_whole(&cluster);
}

#[test]
fn a_node_waits_for_another_process_of_itself() {
    let mut cluster = formed(Cluster::in_memory(25, None), Shell::Dash);
    // The new pod of a ReplicationController beside the old one: its own address answers.
    let waits = "waiting for another process of this node to end";
    let (code, log) = cluster.start_beside(302, Shell::Dash, waits);
    assert_eq!(code, None, "{log}");
    until(20, "it to say so again, some looks later", || cluster.log_beside(302).matches(waits).count() > 1);
    cluster.kill(&[302]);
    cluster.wait_log_beside(302, "joining as a replica of node 301");
}

/// The new pod of a ReplicationController while the old one is on a worker that is cut off:
/// the old one may come back with its worker, and its Service leads to both.
#[test]
fn a_node_waits_for_a_pod_of_itself_that_does_not_answer() {
    for (network, shell) in [(32, Shell::Dash), (33, Shell::Busybox)] {
        let mut cluster = formed(Cluster::in_memory(network, Some("p")), shell);
        cluster.kill(&[302]);
        let address = format!("127.0.{network}.99");
        let new = Endpoint::Pod(cluster.address(302));
        let service = Service::start(&address, vec![Endpoint::Silent, new.clone()]);
        cluster.misplace(302, 302, &address);
        cluster.start(302, shell);
        cluster.wait_log(302, "waiting for another pod of this node to be gone");
        assert_eq!(cluster.role(302), "", "it does not serve");
        service.lead_to(vec![new]);
        cluster.wait_log(302, "joining as a replica of node 301");
        is_whole(&cluster);
    }
}

/// A worker is back, and its pods have swapped their addresses: until all have heard of
/// it, a master's Service leads to another shard's master, which would be copied.
#[test]
fn a_replica_copies_nobody_but_its_own_shard() {
    for (network, password) in [(34, None), (35, Some("p\"a\\s' $w"))] {
        let address = format!("127.0.{network}.99");
        let mut cluster = Cluster::new(network, password);
        let service = Service::start(&address, vec![Endpoint::Pod(cluster.address(101))]);
        cluster.misplace(101, 101, &address);
        let mut cluster = formed(cluster, Shell::Dash);
        service.lead_to(vec![Endpoint::Stranger(cluster.address(201))]);
        cluster.kill(&[101]);
        // Or PRIMARY, as Valkey says.
        cluster.wait_log(102, "Unable to AUTH to ");
        until(20, "the failover", || cluster.role(102) == "master");
        service.lead_to(vec![Endpoint::Pod(cluster.address(101))]);
        cluster.start(101, Shell::Dash);
        is_whole(&cluster);
    }
}

/// With `flock`, which Debian and Alpine have (the busybox of these tests has none).
#[test]
fn two_processes_never_share_a_volume() {
    let mut cluster = formed(Cluster::new(26, None), Shell::Dash);
    let before = cluster.nodes_conf(201);
    let (code, log) = cluster.start_beside(201, Shell::Dash, "waiting for another process to release this volume");
    assert_eq!(code, None, "{log}");
    assert_eq!(cluster.nodes_conf(201), before);
    cluster.kill(&[201]);
    is_whole(&cluster);
}

/// Nobody takes a place by itself.
pub fn never_elect(cluster: &Cluster) {
    for number in [101, 102, 201, 202, 301, 302] {
        assert_eq!(cluster.cli(number, &["CONFIG", "SET", "cluster-node-timeout", "60000"], cluster.password()), "OK");
    }
}

/// A server writes no AOF while a slow disk syncs: its replica may have what a killed one
/// has not on disk, and would copy it with the gap.
#[test]
fn a_killed_master_gives_way_to_a_replica_that_has_all_it_wrote() {
    for (network, shell) in [(44, Shell::Dash), (45, Shell::Busybox)] {
        let mut cluster = formed(Cluster::new(network, None), shell);
        never_elect(&cluster);
        cluster.kill(&[101]);
        cluster.lose_half_of_aof(101);
        cluster.start(101, shell);
        cluster.wait_log(101, "waiting for its replica node 102, which was linked at the last write, to be promoted");
        cluster.wait_log(101, "node 102 owns this shard's slots since: starting as its replica");
        is_whole_under_102(&cluster);
    }
}

/// What was written after a replica had lost its link is on the master's disk alone.
#[test]
fn a_killed_master_starts_again_when_its_replica_lacks_what_it_wrote() {
    let mut cluster = formed(Cluster::new(71, None), Shell::Busybox);
    never_elect(&cluster);
    let user = cluster.cli(102, &["CONFIG", "GET", "masteruser"], None);
    let log_in_as = |cluster: &Cluster, user| cluster.cli(102, &["CONFIG", "SET", "masteruser", user], None);
    assert_eq!(log_in_as(&cluster, "nobody"), "OK");
    assert_eq!(cluster.cli(101, &["CLIENT", "KILL", "TYPE", "replica"], None), "1");
    until(20, "the link to be down for a while", || {
        let said = cluster.cli(102, &["INFO", "replication"], None);
        let since = said.lines().find_map(|line| line.trim().strip_prefix("master_link_down_since_seconds:"));
        since.is_some_and(|since| since.parse::<u64>().is_ok_and(|since| since >= 5))
    });
    cluster.write(2 * KEYS);
    cluster.kill(&[101]);
    cluster.start(101, Shell::Busybox);
    until(20, "it to run", || cluster.role(101) == "master");
    assert_eq!(log_in_as(&cluster, user.lines().last().unwrap_or_default()), "OK");
    cluster.wait_ok();
    assert_eq!(cluster.count(2 * KEYS), 2 * KEYS, "all keys are there");
}

/// What a replica that was restarted too has, is what was on its own disk.
#[test]
fn a_killed_master_does_not_ask_a_replica_that_was_not_linked_since_its_own_start() {
    let mut cluster = formed(Cluster::new(72, Some("p")), Shell::Dash);
    // On a busy machine it may be away long enough to be succeeded.
    never_elect(&cluster);
    cluster.kill(&[101, 102]);
    cluster.lose_half_of_aof(102);
    cluster.start(102, Shell::Dash);
    until(20, "the replica to run", || cluster.role(102) == "slave");
    cluster.start(101, Shell::Dash);
    is_whole(&cluster);
    assert_eq!((cluster.role(101), cluster.role(102)), ("master".into(), "slave".into()));
}

/// What its master could not send it any more is on the master's disk alone.
#[test]
fn a_killed_master_does_not_ask_a_replica_that_lagged() {
    let mut cluster = formed(Cluster::new(75, None), Shell::Dash);
    never_elect(&cluster);
    cluster.freeze(102);
    let large = "x".repeat(1 << 20);
    let lines: String = (0..16).map(|index| format!("SET {{key:4}}:{index} {large}\n")).collect();
    assert_eq!(cluster.feed(101, &lines).matches("OK\n").count(), 16);
    until(20, "another shard to hear of it", || {
        let said = cluster.cli(201, &["CLUSTER", "SHARDS"], None);
        let lines: Vec<_> = said.lines().collect();
        let of_101 = lines.iter().position(|line| line.ends_with("node000101"));
        let offset = of_101.and_then(|at| lines[at..].iter().skip_while(|line| **line != "replication-offset").nth(1));
        offset.is_some_and(|offset| offset.parse::<usize>().is_ok_and(|offset| offset > 16 << 20))
    });
    cluster.kill(&[101]);
    cluster.thaw(102);
    until(20, "the replica to answer", || cluster.role(102) == "slave");
    cluster.start(101, Shell::Dash);
    is_whole(&cluster);
    assert_eq!(cluster.role(101), "master");
    assert_eq!(cluster.feed(101, "EXISTS {key:4}:15\n").trim(), "1");
}

/// The votes of the other owners are needed for it.
#[test]
fn a_killed_master_awaits_nobody_whom_too_few_could_elect() {
    let mut cluster = formed(Cluster::new(73, None), Shell::Dash);
    never_elect(&cluster);
    cluster.kill(&[301]);
    cluster.kill(&[101]);
    cluster.start(101, Shell::Dash);
    until(20, "it to run", || cluster.role(101) == "master");
    assert!(!cluster.log(101).contains("to be promoted"), "{}", cluster.log(101));
    cluster.start(301, Shell::Dash);
    is_whole(&cluster);
}

#[test]
fn a_killed_master_starts_after_all_when_its_replica_does_not_take_over() {
    let mut cluster = formed(Cluster::new(74, None), Shell::Busybox);
    never_elect(&cluster);
    assert_eq!(cluster.cli(102, &["ACL", "SETUSER", "default", "-cluster|failover"], None), "OK");
    cluster.kill(&[101]);
    cluster.start(101, Shell::Busybox);
    cluster.wait_log(101, "node 102 was not promoted: starting with what this node has written down");
    is_whole(&cluster);
    assert_eq!(cluster.role(101), "master");
}

#[test]
fn a_leaving_master_hands_over_to_a_replica_that_stays() {
    for (network, password, shell) in [(27, None, Shell::Dash), (28, Some("p\"a\\s"), Shell::Busybox)] {
        let cluster = formed(Cluster::new(network, password), shell);
        let said = cluster.leave(101, shell);
        assert!(is_handed_over(&said), "{said}");
        assert_eq!((cluster.role(101), cluster.role(102)), ("slave".into(), "master".into()));
        assert_eq!(cluster.leave(102, shell), "", "101 is leaving too");
        assert_eq!(cluster.role(102), "master");
        assert_eq!(cluster.leave(302, shell), "", "a replica has nothing to hand over");
        is_whole(&cluster);
    }
}

/// After a cut in the network a link looks sound and hangs, while clients write again.
#[test]
fn a_leaving_master_waits_for_a_replica_whose_link_hangs() {
    let mut cluster = Cluster::new(36, Some("p"));
    let service = Service::start("127.0.36.99", vec![Endpoint::Pod(cluster.address(101))]);
    cluster.misplace(101, 101, "127.0.36.99");
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    service.hang();
    cluster.write(KEYS);
    let said = cluster.leave(101, Shell::Dash);
    assert!(
        said.contains("did not take over: closing its link so that it connects again\n") && is_handed_over(&said),
        "{said}"
    );
    assert_eq!(cluster.role(102), "master");
    is_whole(&cluster);
}

/// A replica that has just begun to copy is the only one that will have the data.
#[test]
fn a_leaving_master_waits_for_a_replica_that_copies() {
    let mut cluster = formed(Cluster::in_memory(37, None), Shell::Busybox);
    // The default only since Redis 7.0; else there is no delay.
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "repl-diskless-sync", "yes"], None), "OK");
    assert_eq!(cluster.cli(101, &["CONFIG", "SET", "repl-diskless-sync-delay", "600"], None), "OK");
    cluster.kill(&[102]);
    cluster.start(102, Shell::Busybox);
    cluster.wait_log(102, "joining as a replica of node 101");
    until(20, "the replica to run", || cluster.role(102) == "slave");
    let said = std::thread::scope(|scope| {
        let leaving = scope.spawn(|| cluster.leave(101, Shell::Busybox));
        cluster.wait_log_leaving(101, "to sync\n");
        assert_eq!(cluster.cli(101, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"], None), "OK");
        leaving.join().expect("no panic")
    });
    assert!(is_handed_over(&said), "{said}");
    is_whole(&cluster);
}

/// One that says nothing for a moment is no replica yet.
#[test]
fn a_leaving_master_that_is_busy_hands_over_all_the_same() {
    let cluster = formed(Cluster::new(41, None), Shell::Dash);
    never_elect(&cluster);
    cluster.freeze(101);
    let said = std::thread::scope(|scope| {
        let leaving = scope.spawn(|| cluster.leave(101, Shell::Dash));
        std::thread::sleep(std::time::Duration::from_millis(2500));
        cluster.thaw(101);
        leaving.join().expect("no panic")
    });
    assert!(is_handed_over(&said), "{said}");
    is_whole(&cluster);
}
