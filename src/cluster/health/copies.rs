//! Shards without a master: who still has their keys, and which node a shard lacks.

use super::context::{CheckContext, count, has_no_pod, list};
use super::controllers::instead_of_forgetting;
use super::members::{meet, newcomers};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::loss::{Election, election};
use crate::cluster::node::Role;
use crate::cluster::slots::SlotSet;
use crate::cluster::topology::{NodeFacts, Shard};
use std::cmp::Reverse;

/// Ranges that ADDSLOTSRANGE can take in one line that a person can read.
const READABLE: usize = 20;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let lost = context.topology.shards.iter().filter(|shard| is_lost(shard));
    lost.map(|shard| lost_shard(context, shard)).collect()
}

fn nodes(shard: &Shard) -> impl Iterator<Item = &NodeFacts> {
    std::iter::once(&shard.master).chain(&shard.replicas)
}

/// Whether the shard's master is neither in a pod nor anywhere else where its peers reach it.
fn is_masterless(shard: &Shard) -> bool {
    let flags = shard.master.flags.as_ref();
    let is_gone = flags.is_some_and(|flags| flags.is_failed() || flags.is_suspected() || flags.has_no_address());
    has_no_pod(&shard.master) && is_gone && !shard.slots.is_empty()
}

fn is_lost(shard: &Shard) -> bool {
    is_masterless(shard) && nodes(shard).all(has_no_pod)
}

/// The replica with the newest copy, where the master of its shard is gone.
pub(super) fn only_copy<'a>(context: &CheckContext<'a>, master: &NodeFacts) -> Option<&'a NodeFacts> {
    let shard = context.topology.shards.iter().find(|shard| shard.master.id == master.id && is_masterless(shard))?;
    let copies = shard.replicas.iter().filter(|replica| replica.is_reachable());
    copies.max_by_key(|replica| replica.server.as_ref().map(|server| (server.offset, server.keys)))
}

/// Promotes a replica whose master is gone: by vote if a majority is there to vote.
pub(super) fn promote(context: &CheckContext<'_>, replica: &NodeFacts) -> String {
    let how = match election(context.topology) {
        Election::Voted => "force",
        Election::Unvoted => "takeover",
    };
    context.hints.redis(&replica.member, &format!("cluster failover {how}"))
}

fn lost_shard(context: &CheckContext<'_>, shard: &Shard) -> Finding {
    let slots = usize::from(shard.slots.len());
    Code::DataLost.found(
        &format!("shard {}", shard.number),
        format!("no node of shard {} is left: nobody has the keys of its {}", shard.number, count(slots, "slot")),
        format!("without a pod: {}", list(nodes(shard).map(|node| &node.member.name))),
        next_step(context, shard),
    )
}

/// A newcomer joins, the cluster forgets the owner that is gone, and the newcomer takes the slots.
fn next_step(context: &CheckContext<'_>, shard: &Shard) -> String {
    let host = context.topology.owners().find(|owner| owner.is_reachable());
    let (Some(id), Some(host), true) = (&shard.master.id, host, came_back(context)) else {
        return context.hints.pods();
    };
    let newcomers = newcomers(context);
    match newcomers.iter().max_by_key(|seen| seen.view.as_ref().map_or(0, |view| view.server.keys)) {
        Some(newcomer) if idle(context).next().is_none() => meet(context, &host.member, &newcomer.member),
        _ => context.hints.redis_cluster("call", &format!("cluster forget {id}")),
    }
}

/// Whether each node without a pod may have come back as another one. Otherwise pods may still come
/// back with their volumes, and what is gone is not given up.
fn came_back(context: &CheckContext<'_>) -> bool {
    let gone = context.topology.nodes().filter(|node| has_no_pod(node)).count();
    instead_of_forgetting(context).is_none() && newcomers(context).len() + idle(context).count() >= gone
}

/// What is left of the keys of a master that has no pod.
pub(super) fn copy_of(context: &CheckContext<'_>, copy: &NodeFacts) -> String {
    let name = &copy.member.name;
    if came_back(context) { format!("only {name} has the keys") } else { format!("{name} has a copy of its keys") }
}

/// Members that are masters without slots; the one with most keys first.
fn idle<'a>(context: &CheckContext<'a>) -> impl Iterator<Item = &'a NodeFacts> {
    let owns = |node: &NodeFacts| context.topology.owners().any(|owner| owner.id == node.id);
    let is_idle = |node: &&NodeFacts| {
        node.role == Some(Role::Master) && node.is_reachable() && node.ignored_by.is_empty() && !owns(node)
    };
    let mut idle: Vec<&NodeFacts> = context.topology.nodes().filter(is_idle).collect();
    idle.sort_by_key(|node| Reverse(node.server.as_ref().map(|server| server.keys)));
    idle.into_iter()
}

/// Gives slots that nobody owns to a master without any, as a whole. None if there is no such master,
/// or the slots are so scattered that they were no shard's.
pub(super) fn adopt(context: &CheckContext<'_>, slots: &SlotSet) -> Option<String> {
    let node = idle(context).next().filter(|_| slots.ranges().len() <= READABLE)?;
    let major = node.server.as_ref()?.version.as_ref()?.split('.').next()?.parse::<u32>().ok()?;
    let ranges = slots.ranges().iter();
    let command = if major >= 7 {
        let ranges: Vec<String> = ranges.map(|range| format!("{} {}", range.first, range.last)).collect();
        format!("cluster addslotsrange {}", ranges.join(" "))
    } else {
        let ranges: Vec<String> = ranges.map(|range| format!("$(seq {} {})", range.first, range.last)).collect();
        format!("cluster addslots {}", ranges.join(" "))
    };
    Some(context.hints.redis(&node.member, &command))
}

/// The shard that lacks this node as a replica: its own by its number, else the one with the fewest
/// of those that have fewer than others.
pub(super) fn lacking<'a>(context: &CheckContext<'a>, node: &NodeFacts) -> Option<&'a Shard> {
    let owning = || context.topology.shards.iter().filter(|shard| !shard.slots.is_empty());
    let is_other = |shard: &&Shard| shard.master.is_reachable() && shard.master.id != node.id;
    if let Some(number) = node.member.number {
        return owning().filter(is_other).find(|shard| shard.number == number.shard());
    }
    let most = owning().map(|shard| shard.replicas.len()).max()?;
    // A second master makes no majority: it is of more use as a replica.
    let wanted = most.max(usize::from(owning().count() == 1));
    let lacking = owning().filter(is_other).filter(|shard| shard.replicas.len() < wanted);
    lacking.min_by_key(|shard| shard.replicas.len())
}

/// Makes an empty node a replica of the shard that lacks it: a master with keys refuses, and a replica
/// drops them.
pub(super) fn replicate(context: &CheckContext<'_>, node: &NodeFacts) -> Option<String> {
    let is_empty = node.server.as_ref().is_some_and(|server| server.keys == 0);
    follow(context, node, lacking(context, node).filter(|_| is_empty)?)
}

/// CLUSTER REPLICATE, or what comes before it: a node takes no master that it does not know.
pub(super) fn follow(context: &CheckContext<'_>, node: &NodeFacts, shard: &Shard) -> Option<String> {
    let master = shard.master.id.as_ref()?;
    let (_, view) = context.views().find(|(name, _)| *name == node.member.name)?;
    if !view.nodes.iter().any(|line| line.id == *master) {
        return Some(meet(context, &shard.master.member, &node.member));
    }
    Some(context.hints.redis(&node.member, &format!("cluster replicate {master}")))
}
