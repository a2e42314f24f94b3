//! Nodes that others do not know, and what is said of views that differ.

use super::*;
use crate::cluster::slots::SLOTS;
use crate::cluster::snapshot::Member;
use crate::cluster::topology::State;

fn found(snapshot: &Snapshot, code: Code) -> Vec<Finding> {
    report(snapshot).findings.into_iter().filter(|finding| finding.code == code).collect()
}

/// As another tool's: without numbers and assigned IDs.
fn of_others() -> Snapshot {
    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| (seen.member.number, seen.member.id) = (None, None));
    snapshot
}

#[test]
fn a_forgotten_replica_is_no_copy() {
    let mut snapshot = whole();
    forget(&mut snapshot, 1, &[0, 2, 3, 4, 5]);
    let topology = Topology::of(&snapshot);
    assert_eq!((topology.state, topology.shards[0].replicas[0].ignored_by.len()), (State::Degraded, 2));
    let worker = snapshot.seen[0].member.worker.clone().expect("a worker");
    let loss = failure_impacts(&topology).into_iter().find(|impact| impact.name == worker);
    assert_eq!(loss.expect("its worker").shards, [1]);
    let [finding] = &found(&snapshot, Code::NodeForgotten)[..] else { panic!("one") };
    assert_eq!(
        (finding.message.as_str(), finding.evidence.as_str()),
        (
            "2 masters do not know redis-001-node-102: it cannot be elected if its master fails",
            "not in CLUSTER NODES of redis-001-node-201, redis-001-node-301"
        )
    );
    assert!(
        finding.hint.contains("node-201-0 -c redis -- redis-cli cluster meet 198.19.0.12 6379"),
        "{}",
        finding.hint
    );
}

#[test]
fn whoever_cannot_be_asked_is_no_evidence_that_a_node_is_forgotten() {
    let mut snapshot = whole();
    forget(&mut snapshot, 1, &[0]);
    snapshot.seen[2].view = Err("no answer".into());
    snapshot.seen[4].view = Err(NoResponse::Refused("you may not".into()));
    assert!(found(&snapshot, Code::NodeForgotten).is_empty());
}

/// With one master, nobody else could elect: it must know its replica itself.
#[test]
fn the_only_master_must_know_its_replica() {
    let mut snapshot = of_others();
    snapshot.seen.truncate(2);
    each_view(&mut snapshot, |view| {
        view.nodes.truncate(2);
        changed(view, 0).slots = slots(&["0-16383"]);
    });
    assert!(found(&snapshot, Code::NodeForgotten).is_empty());
    forget(&mut snapshot, 1, &[0]);
    assert_eq!(found(&snapshot, Code::NodeForgotten).len(), 1);
}

/// A pod of the selector that has a whole cluster of its own, and a higher epoch.
#[test]
fn another_cluster_changes_nothing_of_this_one_and_is_not_invited() {
    let mut snapshot = of_others();
    let mut other = whole().seen.remove(0);
    other.member = Member { name: "other".into(), number: None, id: None, ..other.member };
    if let Ok(view) = &mut other.view {
        for line in &mut view.nodes {
            let line = Arc::make_mut(line);
            line.id = line.id.as_str().replacen("00", "xx", 1).parse().expect("an ID");
            (line.epoch, line.master) = (900, None);
        }
        view.cluster.current_epoch = 900;
    }
    snapshot.seen.push(other);
    let topology = Topology::of(&snapshot);
    let masters: Vec<&str> = topology.owners().map(|owner| owner.member.name.as_str()).collect();
    assert_eq!(masters, ["redis-001-node-101", "redis-001-node-201", "redis-001-node-301"]);
    let [finding] = &found(&snapshot, Code::PodOutsideCluster)[..] else { panic!("one") };
    assert_eq!(finding.message, "other belongs to another cluster, of 6 nodes");
    assert!(finding.hint.ends_with("redis-cli cluster nodes"), "{}", finding.hint);
}

#[test]
fn what_differs_between_views_is_said() {
    let says = |change: fn(&mut Snapshot)| {
        let mut snapshot = whole();
        change(&mut snapshot);
        found(&snapshot, Code::ViewsDisagree).remove(0).evidence
    };
    assert_eq!(
        says(|snapshot| line(snapshot, 2, 0).slots = slots(&["0-6", "8-5460"])),
        "redis-001-node-101 is a master without 7 to redis-001-node-201, a master with 7 to 5 nodes"
    );
    assert_eq!(
        says(|snapshot| {
            let other = line(snapshot, 2, 2).id.clone();
            line(snapshot, 4, 1).master = Some(other);
        }),
        "redis-001-node-102 is a replica of redis-001-node-201 to redis-001-node-301, \
         a replica of redis-001-node-101 to 5 nodes"
    );
    assert_eq!(
        says(|snapshot| {
            let line = line(snapshot, 4, 1);
            (line.role, line.master) = (crate::cluster::node::Role::Master, None);
        }),
        "redis-001-node-102 is a master without slots to redis-001-node-301, a replica of redis-001-node-101 to 5 nodes"
    );
    assert_eq!(
        says(|snapshot| forget(snapshot, 1, &[0, 3, 5])),
        "redis-001-node-101, redis-001-node-202, redis-001-node-302 do not know redis-001-node-102"
    );
}

#[test]
fn no_message_grows_with_the_number_of_ranges() {
    let mut snapshot = whole();
    let third: SlotSet = (0..SLOTS).step_by(3).map(SlotRange::single).collect();
    line(&mut snapshot, 0, 0).slots = third.clone();
    line(&mut snapshot, 2, 2).slots = third;
    line(&mut snapshot, 4, 4).open = (0..SLOTS).map(|slot| format!("[{slot}->-{:0>40}]", 201)).collect();
    for finding in report(&snapshot).findings {
        let shown = [&finding.subject, &finding.message, &finding.hint];
        assert!(shown.iter().all(|text| text.len() < 300), "{finding:#?}");
    }
}

/// Valkey tells replicas which slots move: that is no migration of their own.
#[test]
fn replicas_of_both_sides_of_a_move_are_not_told() {
    let mut snapshot = whole();
    let (to, from) = (format!("[7->-{:0>40}]", 201), format!("[7-<-{:0>40}]", 101));
    for (node, token) in [(0, &to), (1, &to), (2, &from), (3, &from)] {
        line(&mut snapshot, node, node).open = vec![token.clone()];
    }
    let subjects = |snapshot: &Snapshot| {
        found(snapshot, Code::SlotsOpen).into_iter().map(|finding| finding.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects(&snapshot), ["redis-001-node-101", "redis-001-node-201"]);
    for node in [0, 2] {
        line(&mut snapshot, node, node).open.clear();
    }
    assert_eq!(subjects(&snapshot), ["redis-001-node-102", "redis-001-node-202"]);
    let hint = |snapshot: &Snapshot| found(snapshot, Code::SlotsOpen).remove(0).hint;
    assert!(hint(&snapshot).contains("node-102-0 -c redis -- redis-cli cluster failover"), "{}", hint(&snapshot));
    view(&mut snapshot, 1).server.is_valkey = true;
    assert!(
        hint(&snapshot).contains("node-101-0 -c redis -- redis-cli cluster setslot 7 stable"),
        "{}",
        hint(&snapshot)
    );
}

/// A selector that is too narrow leaves out pods that are well.
#[test]
fn nodes_that_are_not_selected_are_not_lost() {
    let mut snapshot = of_others();
    snapshot.seen.drain(0..2);
    assert!(found(&snapshot, Code::DataLost).is_empty());
    each_view(&mut snapshot, |view| {
        changed(view, 0).flags = flags(["master", "fail"]);
        changed(view, 1).flags = flags(["slave", "fail"]);
    });
    let [finding] = &found(&snapshot, Code::DataLost)[..] else { panic!("one") };
    assert_eq!(finding.message, "no node of shard 1 is left: nobody has the keys of its 5461 slots");
    // They may come back with their volumes: nothing is forgotten.
    assert!(finding.hint.contains("get pods"), "{}", finding.hint);
}

/// A fourth master on a fourth worker, and replicas beside other masters.
#[test]
fn the_replica_that_spreads_the_masters_is_chosen() {
    let on = |workers: [&str; 6]| {
        let mut snapshot = whole();
        for (seen, worker) in snapshot.seen.iter_mut().zip(workers) {
            seen.member.worker = Some(worker.to_owned());
        }
        found(&snapshot, Code::MajorityOnOneWorker).remove(0).hint
    };
    assert!(on(["a", "b", "a", "c", "b", "c"]).contains("node-202-0 -c redis -- redis-cli cluster failover"));
    assert!(on(["a", "c", "a", "b", "b", "c"]).contains("node-102-0 -c redis -- redis-cli cluster failover"));
    // With two workers one of them always has two masters of three.
    assert!(on(["a", "b", "a", "b", "b", "a"]).contains("get pods"));
}
