//! What power cuts, clocks, moves and hanging servers leave behind: data without a nodes.conf
//! is never taken for none, and a wait is never taken for an answer.

use super::guard::{KEYS, failed_over, formed, is_whole, is_whole_under_102, never_elect};
use super::servers::{Cluster, Shell, until};
use std::fs;

const ALL: [u32; 6] = [101, 102, 201, 202, 301, 302];

/// What becomes of a nodes.conf when power is lost while it is written.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Empty,
    Cut,
    Missing,
}

fn damage(cluster: &Cluster, number: u32, damage: Damage) {
    let path = cluster.data(number).join("nodes.conf");
    let text = fs::read(&path).expect("a nodes.conf");
    match damage {
        Damage::Empty => fs::write(&path, "").expect("written"),
        Damage::Cut => fs::write(&path, &text[..text.len() * 2 / 3]).expect("written"),
        Damage::Missing => fs::remove_file(&path).expect("removed"),
    }
}

#[test]
fn data_whose_nodes_conf_is_damaged_is_not_taken_for_an_empty_volume() {
    for (network, shell, how) in
        [(80, Shell::Dash, Damage::Empty), (81, Shell::Busybox, Damage::Cut), (82, Shell::Dash, Damage::Missing)]
    {
        let mut cluster = formed(Cluster::new(network, Some("p\"a\\s")), shell);
        // Both copies of the shard: what is taken for empty would be given up.
        cluster.kill(&[101, 102]);
        damage(&cluster, 101, how);
        damage(&cluster, 102, how);
        cluster.start(101, shell);
        cluster.wait_log(101, "nodes.conf is damaged: rebuilt from what node");
        cluster.start(102, shell);
        cluster.wait_log(102, "nodes.conf is damaged: rebuilt from what node");
        is_whole(&cluster);
    }
}

#[test]
fn a_damaged_owner_that_was_succeeded_follows_its_successor() {
    let mut cluster = formed(Cluster::new(95, None), Shell::Busybox);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    damage(&cluster, 101, Damage::Cut);
    cluster.start(101, Shell::Busybox);
    cluster.wait_log(101, "nodes.conf is damaged: rebuilt from what node");
    is_whole_under_102(&cluster);
}

/// Its sibling is empty: that must not begin anew beside it.
#[test]
fn an_empty_node_waits_for_data_whose_nodes_conf_is_damaged() {
    let mut cluster = formed(Cluster::new(83, None), Shell::Dash);
    cluster.kill_all();
    ALL.iter().for_each(|number| damage(&cluster, *number, Damage::Cut));
    cluster.wipe(101);
    cluster.start_all(Shell::Dash);
    cluster.wait_log(102, "holds data, but its nodes.conf is damaged, and what other nodes know cannot replace it");
    cluster.wait_log(101, "holds no data: waiting for");
    assert!(!cluster.log(101).contains("starting"), "{}", cluster.log(101));
    // A person says of each shard that what is there counts.
    for number in [102, 201, 302] {
        assert!(cluster.probe("alive", number, Shell::Dash));
        assert_eq!(cluster.at_startup(number, &["SET", "accepted", "yes"]), "OK");
    }
    is_whole(&cluster);
    assert_eq!([102, 201, 302].map(|number| cluster.role(number)), ["master"; 3]);
}

#[test]
fn a_damaged_nodes_conf_without_data_is_no_volume_of_another_node() {
    let mut cluster = formed(Cluster::new(84, None), Shell::Busybox);
    cluster.kill(&[302]);
    cluster.wipe(302);
    fs::write(cluster.data(302).join("nodes.conf"), "").expect("written");
    cluster.start(302, Shell::Busybox);
    cluster.wait_log(302, "nodes.conf (damaged) has no data beside it");
    cluster.wait_log(302, "joining as a replica of node 301");
    is_whole(&cluster);
}

/// With "appendonly yes" a server reads its AOF alone.
#[test]
fn an_rdb_file_beside_no_aof_is_no_data_and_stays() {
    let mut cluster = formed(Cluster::new(85, None), Shell::Dash);
    cluster.kill_all();
    let rdb = cluster.data(301).join("dump.rdb");
    // A folder since Redis 7.0, before that a file.
    let (folder, file) = (cluster.data(301).join("appendonlydir"), cluster.data(301).join("appendonly.aof"));
    fs::remove_dir_all(folder).or_else(|_| fs::remove_file(file)).expect("removed");
    fs::write(&rdb, "an old copy").expect("written");
    cluster.start(301, Shell::Dash);
    cluster.wait_log(301, "nodes.conf (whole) has no data beside it: ignored");
    cluster.wait_log(301, "holds no data: waiting for a majority of shards to answer");
    assert_eq!(fs::read_to_string(&rdb).expect("still there"), "an old copy");
    for number in [101, 102, 201, 202, 302] {
        cluster.start(number, Shell::Dash);
    }
    is_whole(&cluster);
    assert_eq!(cluster.role(302), "master");
}

#[test]
fn an_aof_that_the_server_is_too_old_for_is_not_taken_for_none() {
    let mut cluster = formed(Cluster::new(86, None), Shell::Dash);
    cluster.kill(&[301]);
    let (code, said) = cluster.run_as_version(301, "6.2.14", None);
    assert_eq!(code, Some(1));
    assert!(said.contains("the volume has the AOF of Redis 7.0 or newer, which Redis 6.2.14 cannot read"), "{said}");
    cluster.start(301, Shell::Dash);
    is_whole(&cluster);
}

/// A move gives a slot to a node that succeeded nobody.
#[test]
fn an_owner_whose_first_slot_was_moved_while_it_was_away_follows_its_successor() {
    let mut cluster = formed(Cluster::new(87, None), Shell::Busybox);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    cluster.move_slot(0, 102, 301);
    cluster.start(101, Shell::Busybox);
    cluster.wait_log(101, "node 102 owns this shard's slots since: starting as its replica");
    is_whole_under_102(&cluster);
}

/// Half of six owners: those that joined later are asked as well.
#[test]
fn an_owner_hears_owners_that_joined_after_its_first_start() {
    let mut cluster = formed(Cluster::new(88, None), Shell::Dash);
    for (number, from, slot) in [(401, 101, 0), (501, 201, 6000), (601, 301, 12000)] {
        cluster.start_joining(number, 101);
        until(20, "all to know it", || {
            [101, 201, 301]
                .iter()
                .all(|peer| cluster.cli(*peer, &["CLUSTER", "NODES"], None).contains(&cluster.address(number)))
        });
        cluster.move_slot(slot, from, number);
    }
    never_elect(&cluster);
    let owners = |peer: u32| {
        let nodes = cluster.cli(peer, &["CLUSTER", "NODES"], None);
        nodes.lines().filter(|line| line.contains("master") && line.split(' ').nth(8).is_some()).count()
    };
    until(20, "all to know all owners", || [101, 201, 301].iter().all(|peer| owners(*peer) == 6));
    cluster.kill(&[101]);
    // One that hangs is not waited for.
    cluster.freeze(601);
    cluster.start(101, Shell::Dash);
    cluster.wait_log(101, "node 102 owns this shard's slots since: starting as its replica");
    cluster.thaw(601);
    until(20, "it to run", || cluster.role(101) == "slave");
    assert_eq!((cluster.count(KEYS), cluster.role(102)), (KEYS, "master".into()));
}

/// `date` that goes back by a minute each time it is asked.
#[test]
fn a_clock_that_steps_back_lets_no_second_process_start() {
    let mut cluster = formed(Cluster::in_memory(89, None), Shell::Dash);
    cluster.step_clock_back();
    let waits = "waiting for another process of this node to end";
    cluster.start_beside(302, Shell::Dash, waits);
    until(60, "it to say so for the fourth time", || cluster.log_beside(302).matches(waits).count() >= 4);
    assert!(!cluster.log_beside(302).contains("starting"), "{}", cluster.log_beside(302));
}

/// Alive is who loads, waits, runs a script or answers.
#[test]
fn a_server_that_hangs_is_not_alive() {
    for (network, shell) in [(90, Shell::Dash), (91, Shell::Busybox)] {
        let cluster = formed(Cluster::new(network, Some("p\"a\\s' $w")), shell);
        assert!(cluster.probe("alive", 202, shell));
        cluster.freeze(202);
        assert!(!cluster.probe("alive", 202, shell), "it hangs");
        cluster.thaw(202);
        until(20, "it to answer again", || cluster.probe("alive", 202, shell));
        let password = cluster.password();
        assert_eq!(cluster.cli(101, &["CONFIG", "SET", "lua-time-limit", "100"], password), "OK");
        let mut script = cluster.in_background(101, &["EVAL", "while true do end", "0"]);
        until(20, "the script to run", || cluster.cli(101, &["PING"], password).starts_with("BUSY"));
        assert!(cluster.probe("alive", 101, shell), "it runs a script");
        assert_eq!(cluster.cli(101, &["SCRIPT", "KILL"], password), "OK");
        until(20, "the script to end", || script.is_done());
    }
}
