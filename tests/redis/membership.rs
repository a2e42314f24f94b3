//! Nodes that the others do not know, that came back as others, or that were reset: what is found,
//! and that the hints lead out of it.

use super::bare::Bare;
use super::server::Server;
use kubectl_redis_cluster::cluster::health::failure_impacts;
use kubectl_redis_cluster::cluster::topology::State;
use testkit::until;

fn forget(bare: &Bare, node: usize, by: impl Iterator<Item = usize>) {
    let id = bare.id(node);
    by.for_each(|other| bare.tell(other, &format!("CLUSTER FORGET {id}")));
}

/// What an election shows to be true.
fn is_elected_after(bare: &mut Bare, master: usize, replica: usize) {
    bare.kill(master);
    until(30, "the replica to be elected", || bare.role(replica) == "master");
}

#[test]
fn a_replica_that_its_peers_forgot_counts_for_nothing_until_they_met_it_again() {
    let mut bare = Bare::cluster(110, 3);
    bare.nodes().for_each(|node| bare.put_on(node, &format!("worker-{node}")));
    let (master, replica) = bare.pair(0);
    forget(&bare, replica, bare.nodes().filter(|node| *node != replica));
    let found = bare.finding("node-forgotten", |_| true);
    assert_eq!(found.subject, Bare::name(replica));
    let topology = bare.topology();
    assert_eq!(topology.state, State::Degraded);
    let lost = failure_impacts(&topology).into_iter().find(|impact| impact.name == format!("worker-{master}"));
    assert_eq!(lost.expect("its worker").shards, [1]);

    let followed = bare.follow(&["views-disagree"]);
    assert!(followed.iter().all(|code| *code == "node-forgotten"), "{followed:?}");
    is_elected_after(&mut bare, master, replica);
}

#[test]
fn a_replica_that_its_master_forgot_is_elected_nevertheless() {
    let mut bare = Bare::cluster(111, 3);
    let (master, replica) = bare.pair(0);
    forget(&bare, replica, [master].into_iter());
    bare.finds(&["views-disagree"]);
    is_elected_after(&mut bare, master, replica);
}

/// No majority can elect a replica where there is one master.
#[test]
fn the_only_copy_takes_over_and_the_primary_that_came_back_empty_follows_it() {
    let mut bare = Bare::new(112, 2);
    let address = bare.address(1);
    bare.tell(0, "CLUSTER ADDSLOTSRANGE 0 16383");
    bare.tell(0, &format!("CLUSTER MEET {address} 6379"));
    let id = bare.id(0);
    until(20, "the replica to know its master", || bare.cli(1, &format!("CLUSTER REPLICATE {id}")) == "OK");
    bare.finds(&["too-few-masters"]);
    (0..5).for_each(|key| bare.tell(0, &format!("SET key:{key} x")));
    until(20, "the keys to be copied", || bare.cli(1, "DBSIZE") == "5");

    bare.reborn(0);
    let found = bare.finding("node-without-pod", |finding| finding.hint.contains("takeover"));
    assert!(found.message.contains("only bare-1 has the keys"), "{found:#?}");
    bare.follow(&["too-few-masters"]);
    assert_eq!((bare.role(1).as_str(), bare.role(0).as_str()), ("master", "slave"));
    until(20, "both to have the keys", || [0, 1].iter().all(|node| bare.cli(*node, "DBSIZE") == "5"));
}

#[test]
fn a_shard_whose_nodes_all_came_back_empty_is_named_and_starts_again() {
    let mut bare = Bare::cluster(113, 3);
    (0..30).for_each(|key| bare.tell(0, &format!("SET key:{key} x")));
    let (master, replica) = bare.pair(1);
    let (kept, _) = bare.pair(0);
    let before = bare.cli(kept, "DBSIZE");
    [master, replica].into_iter().for_each(|node| bare.reborn(node));
    let found = bare.finding("data-lost", |_| true);
    assert_eq!(found.subject, "shard 2");
    bare.follow(&[]);
    assert_eq!(bare.cli(kept, "DBSIZE"), before);
    let topology = bare.topology();
    assert_eq!(topology.shards.iter().map(|shard| shard.slots.ranges().len()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(topology.state, State::Ok);
}

#[test]
fn a_replica_that_was_reset_is_a_replica_again() {
    for (network, how) in [(114, "HARD"), (115, "SOFT")] {
        let bare = Bare::cluster(network, 3);
        let (_, replica) = bare.pair(1);
        bare.tell(replica, &format!("CLUSTER RESET {how}"));
        bare.finding("pod-outside-cluster", |finding| finding.subject == Bare::name(replica));
        bare.follow(&[]);
        assert_eq!((bare.pair(1).1, bare.topology().state), (replica, State::Ok));
    }
}

/// Two of three masters on one worker: one of them changes places with a replica elsewhere.
#[test]
fn a_switchover_spreads_the_masters() {
    let mut bare = Bare::cluster(116, 3);
    let pairs = [0, 1, 2].map(|shard| bare.pair(shard));
    // The replica of the first is beside the third master: only the second's helps.
    for (node, worker) in [
        (pairs[0].0, "a"),
        (pairs[1].0, "a"),
        (pairs[2].0, "b"),
        (pairs[0].1, "b"),
        (pairs[1].1, "c"),
        (pairs[2].1, "c"),
    ] {
        bare.put_on(node, worker);
    }
    bare.finds(&["majority-on-one-worker"]);
    assert_eq!(bare.follow(&["views-disagree"]), ["majority-on-one-worker"]);
    assert_eq!(bare.role(pairs[1].1), "master");
}

/// Valkey tells replicas which slots move. What one keeps of a move that ended while it copied,
/// its master can tell it to forget.
#[test]
fn a_slot_that_stayed_open_on_a_replica_is_closed() {
    let bare = Bare::on(&Server::of("valkey-8.1"), 117, 6);
    bare.form(1);
    let ((from, _), (to, replica)) = (bare.pair(0), bare.pair(1));
    let (from_id, to_id) = (bare.id(from), bare.id(to));
    bare.tell(to, &format!("CLUSTER SETSLOT 93 IMPORTING {from_id}"));
    bare.tell(from, &format!("CLUSTER SETSLOT 93 MIGRATING {to_id}"));
    until(20, "the replica to be told", || bare.cli(replica, "CLUSTER NODES").contains("[93-<-"));
    // Its master is told, and not the replica.
    bare.finds(&["slots-open"]);
    let open = bare.report().findings;
    assert_eq!(open.iter().map(|finding| finding.subject.clone()).collect::<Vec<_>>(), [from, to].map(Bare::name));

    // The move ends while the replica starts to copy.
    bare.tell(to, "CONFIG SET repl-diskless-sync-delay 5");
    bare.tell(to, "DEBUG CHANGE-REPL-ID");
    bare.cli(to, "CLIENT KILL TYPE replica");
    until(20, "the copy to begin", || bare.cli(to, "INFO replication").contains("state=wait_bgsave"));
    bare.tell(to, "CLUSTER SETSLOT 93 STABLE");
    bare.tell(from, "CLUSTER SETSLOT 93 STABLE");
    let found = bare.finding("slots-open", |finding| finding.subject == Bare::name(replica));
    assert!(found.hint.contains(&format!("exec {}", Bare::name(to))), "{found:#?}");
    bare.follow(&[]);
}

/// Redis tells replicas nothing of moves: only as a master can one be told to forget one.
#[test]
fn a_slot_that_stayed_open_on_a_replica_of_redis_is_closed() {
    let mut bare = Bare::cluster(118, 3);
    let ((from, _), (_, replica)) = (bare.pair(0), bare.pair(1));
    let from = bare.id(from);
    bare.kill(replica);
    let open = |text: String| {
        let lines = text.lines().map(|line| match line.contains("myself") {
            true => format!("{line} [93-<-{from}]\n"),
            false => format!("{line}\n"),
        });
        lines.collect()
    };
    bare.edit_nodes_conf(replica, open);
    bare.start(replica);
    bare.finding("slots-open", |finding| finding.subject == Bare::name(replica));
    bare.follow(&[]);
}

#[test]
fn a_handshake_with_nobody_is_ended() {
    let bare = Bare::cluster(119, 3);
    bare.nodes().for_each(|node| bare.tell(node, "CONFIG SET cluster-node-timeout 60000"));
    bare.tell(1, "CLUSTER MEET 127.0.119.99 6379");
    bare.finding("node-in-handshake", |_| true);
    assert_eq!(bare.follow(&[]), ["node-in-handshake"]);
}

#[test]
fn a_replica_of_nobody_follows_the_shard_that_lacks_it() {
    let mut bare = Bare::cluster(120, 3);
    let (_, replica) = bare.pair(2);
    bare.kill(replica);
    // It knows nobody but itself and a master that is no more.
    let orphan = |text: String| {
        let lines = text.lines().filter(|line| line.contains("myself") || line.starts_with("vars"));
        let lines = lines.map(|line| {
            let mut words: Vec<&str> = line.split(' ').collect();
            if line.contains("myself") {
                words[3] = "ffffffffffffffffffffffffffffffffffffffff";
            }
            format!("{}\n", words.join(" "))
        });
        lines.collect()
    };
    bare.edit_nodes_conf(replica, orphan);
    bare.start(replica);
    bare.follow(&[]);
    assert_eq!(bare.pair(2).1, replica);
}

/// The new master is not wanted as a replica: no shard lacks one.
#[test]
fn slots_are_spread_over_all_masters() {
    let mut bare = Bare::new(121, 3);
    bare.form(0);
    bare.add();
    bare.tell(0, &format!("CLUSTER MEET {} 6379", bare.address(3)));
    bare.finding("master-without-slots", |finding| finding.subject == Bare::name(3));
    bare.finds(&["master-without-slots", "no-replica"]);
    (0..30).for_each(|key| bare.tell(0, &format!("SET key:{key} x")));
    bare.follow(&["no-replica"]);
    let keys = bare.nodes().map(|node| bare.cli(node, "DBSIZE").parse::<u32>().expect("a number"));
    assert_eq!(keys.sum::<u32>(), 30);
    assert!(bare.topology().shards.iter().all(|shard| shard.slots.len() == 4096));
}
