//! Slots: their owners, migrations, and the replicas of the owners.

use super::context::{CheckContext, count, has_no_pod, list};
use super::controllers;
use super::copies::{adopt, follow, lacking, replicate};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::{NodeId, Role};
use crate::cluster::reply::NodeLine;
use crate::cluster::slots::{Brief, SLOTS, SlotSet};
use crate::cluster::topology::{NodeFacts, Shard, expected_replicas};
use std::collections::BTreeMap;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(uncovered(context));
    findings.extend(owned_twice(context));
    findings.extend(astray(context));
    findings.extend(open(context));
    findings.extend(few_masters(context));
    findings.extend(replicas(context));
    findings.extend(uneven(context));
    findings.extend(without_slots(context));
    findings
}

fn uncovered(context: &CheckContext<'_>) -> Option<Finding> {
    let covered: SlotSet = context.topology.shards.iter().flat_map(|shard| shard.slots.ranges().to_vec()).collect();
    let gap = covered.complement();
    let asked = context.any_responded();
    (!gap.is_empty() && asked).then(|| {
        Code::SlotsUncovered.found(
            &format!("slots {}", Brief(&gap)),
            format!("{} of {SLOTS} slots have no owner: their keys cannot be read or written", gap.len()),
            format!("no reachable node knows an owner of {gap}"),
            cover(context, &gap),
        )
    })
}

/// Slots of which no node has keys go to one master, where redis-cli would scatter them. The keys may
/// be on the volumes of pods that are only not made yet: those come first.
fn cover(context: &CheckContext<'_>, gap: &SlotSet) -> String {
    if let Some(state) = controllers::all(context).iter().find(|state| state.lacks_pods()) {
        return controllers::mend(context, state);
    }
    let all_respond = context.topology.nodes().all(NodeFacts::is_reachable);
    adopt(context, gap).filter(|_| all_respond).unwrap_or_else(|| fix(context, ""))
}

/// redis-cli assigns slots by the keys that it finds: all nodes that may have keys must respond.
fn fix(context: &CheckContext<'_>, flags: &str) -> String {
    let all_respond = context.topology.nodes().all(NodeFacts::is_reachable);
    if all_respond { context.hints.redis_cluster_on_terminal("fix", flags) } else { context.hints.logs() }
}

/// Each responding master's own line.
fn masters<'a>(context: &CheckContext<'a>) -> Vec<(&'a str, &'a NodeLine)> {
    let own = context.views().filter_map(|(name, view)| Some((name, view.myself()?)));
    own.filter(|(_, line)| line.role == Role::Master).collect()
}

fn owned_twice(context: &CheckContext<'_>) -> Vec<Finding> {
    let masters = masters(context);
    let pairs = masters.iter().enumerate().flat_map(|(index, one)| {
        masters[index + 1..].iter().map(move |other| (one, other, one.1.slots.intersection(&other.1.slots)))
    });
    pairs
        .filter(|((_, one), (_, other), both)| !both.is_empty() && one.id != other.id)
        .map(|((one, first), (other, second), both)| {
            Code::SlotsOwnedTwice.found(
                &format!("slots {}", Brief(&both)),
                format!("{one} and {other} both claim {}", count(usize::from(both.len()), "slot")),
                format!("{both}: {one} with epoch {}, {other} with epoch {}", first.epoch, second.epoch),
                context.hints.views_of_all(),
            )
        })
        .collect()
}

fn astray(context: &CheckContext<'_>) -> Vec<Finding> {
    let holders = context.snapshot.answered().filter(|(_, view)| !view.astray.is_empty());
    holders
        .map(|(member, view)| {
            Code::KeysAstray.found(
                &member.name,
                format!("{} holds keys in slots that it does not own: clients cannot read them", member.name),
                format!("it has keys in slots {}", view.astray),
                fix(context, "--cluster-search-multiple-owners"),
            )
        })
        .collect()
}

/// One side of a slot's move: `[93-<-ID]` imports from, `[77->-ID]` migrates to.
fn sides(token: &str) -> Option<(&str, &str, &str)> {
    let inside = token.strip_prefix('[')?.strip_suffix(']')?;
    let arrow = if inside.contains("->-") { "->-" } else { "-<-" };
    let (slot, other) = inside.split_once(arrow)?;
    Some((slot, arrow, other))
}

fn open(context: &CheckContext<'_>) -> Vec<Finding> {
    let moving = || context.views().filter_map(|(name, view)| Some((name, view.myself()?)));
    let all: Vec<(&str, &str)> =
        moving().flat_map(|(_, line)| line.open.iter().map(|token| (line.id.as_str(), token.as_str()))).collect();
    let answered = |id: &str, token: &str| {
        let Some((slot, arrow, other)) = sides(token) else { return false };
        let back = if arrow == "->-" { "-<-" } else { "->-" };
        all.contains(&(other, format!("[{slot}{back}{id}]").as_str()))
    };
    moving()
        .filter(|(_, line)| !line.open.is_empty())
        .filter_map(|(name, line)| {
            if line.role == Role::Replica {
                return left_open(context, name, line);
            }
            let alone: Vec<&String> = line.open.iter().filter(|token| !answered(line.id.as_str(), token)).collect();
            let how = match (alone.len(), line.open.len()) {
                (0, _) => "migrating, or left open by an interrupted migration".to_owned(),
                (one_sided, all) if one_sided == all => {
                    "open on this node only: a migration was interrupted".to_owned()
                }
                (one_sided, _) => format!("migrating, {one_sided} of them open on this node only"),
            };
            Some(Code::SlotsOpen.found(
                name,
                format!("{name} has {} {how}", count(line.open.len(), "slot")),
                line.open.join(" "),
                fix(context, ""),
            ))
        })
        .collect()
}

/// Valkey's replicas know which slots their master moves. One that was copying while a move ended
/// keeps it open (valkey#998), and redis-cli cannot close it.
fn left_open(context: &CheckContext<'_>, name: &str, line: &NodeLine) -> Option<Finding> {
    let master = line.master.as_ref()?;
    let of_master = &context.views().find(|(_, view)| view.is_of(master))?.1.myself()?.open;
    let left: Vec<&str> = line.open.iter().filter(|token| !of_master.contains(token)).map(String::as_str).collect();
    let (slot, ..) = sides(left.first()?)?;
    Some(Code::SlotsOpen.found(
        name,
        format!("{name} has {} open that its master has not: a move ended without it", count(left.len(), "slot")),
        left.join(" "),
        close(context, &line.id, master, slot),
    ))
}

/// A replica obeys no SETSLOT. Valkey's repeats its master's; Redis' must be a master first.
fn close(context: &CheckContext<'_>, replica: &NodeId, master: &NodeId, slot: &str) -> String {
    let (Some(replica), Some(master)) = (context.node(replica), context.node(master)) else {
        return context.hints.views_of_all();
    };
    if replica.server.as_ref().is_some_and(|server| server.is_valkey) {
        context.hints.redis(&master.member, &format!("cluster setslot {slot} stable"))
    } else {
        context.hints.redis(&replica.member, "cluster failover")
    }
}

fn few_masters(context: &CheckContext<'_>) -> Option<Finding> {
    let owners: Vec<&str> = context.topology.owners().map(|node| node.member.name.as_str()).collect();
    (1..3).contains(&owners.len()).then(|| {
        Code::TooFewMasters.found(
            context.snapshot.name(),
            format!("only {} slots: if one fails, no majority can elect a new one", owning(owners.len())),
            list(&owners),
            format!("{} -o wide", context.hints.command("info")),
        )
    })
}

fn owning(masters: usize) -> String {
    if masters == 1 { "one master owns".into() } else { format!("{masters} masters own") }
}

fn replicas(context: &CheckContext<'_>) -> Vec<Finding> {
    let shards: Vec<_> = context.topology.shards.iter().filter(|shard| !shard.slots.is_empty()).collect();
    let most = shards.iter().map(|shard| shard.replicas.len()).max().unwrap_or_default();
    let made_with = |shard| expected_replicas(context.snapshot, shard);
    if most == 0 && !shards.is_empty() && shards.iter().all(|shard| made_with(shard) == 0) {
        let names = list(shards.iter().map(|shard| &shard.master.member.name));
        return vec![Code::NoReplica.found(
            context.snapshot.name(),
            "no shard has a replica: if a node fails, its slots are down until it is back".into(),
            names,
            format!("{} -o wide", context.hints.command("info")),
        )];
    }
    let lacking = shards.into_iter().filter_map(|shard| {
        // For clusters of other tools, other shards are the measure.
        let wanted = made_with(shard).max(usize::from(shard.replicas.is_empty() && most > 0));
        (shard.replicas.len() < wanted).then(|| {
            Code::ReplicaMissing.found(
                &format!("shard {}", shard.number),
                format!("shard {} has {} of {wanted} replicas", shard.number, shard.replicas.len()),
                format!(
                    "replicas of {}: {}",
                    shard.master.member.name,
                    list(shard.replicas.iter().map(|replica| &replica.member.name))
                ),
                refill(context, shard),
            )
        })
    });
    lacking.collect()
}

/// Turns a node that the shard lacks, and that is here for nothing else, into its replica.
fn refill(context: &CheckContext<'_>, shard: &Shard) -> String {
    let belongs = |node: &&NodeFacts| lacking(context, node).is_some_and(|lacking| lacking.number == shard.number);
    let hint = |node| match () {
        () if is_surplus(context, node) => follow(context, node, shard),
        () if is_idle(context, node) => replicate(context, node),
        () => None,
    };
    context.topology.nodes().filter(belongs).find_map(hint).unwrap_or_else(|| context.hints.logs())
}

/// Whether the node is a replica of a shard that it was not created for, or that has two more than another.
fn is_surplus(context: &CheckContext<'_>, node: &NodeFacts) -> bool {
    let shards = &context.topology.shards;
    let shard = shards.iter().find(|shard| shard.replicas.iter().any(|replica| replica.id == node.id));
    let fewest = shards.iter().filter(|shard| !shard.slots.is_empty()).map(|shard| shard.replicas.len()).min();
    shard.is_some_and(|shard| match node.member.number {
        Some(number) => number.shard() != shard.number,
        None => shard.replicas.len() > fewest.unwrap_or_default() + 1,
    })
}

fn uneven(context: &CheckContext<'_>) -> Vec<Finding> {
    let owners: BTreeMap<&str, u16> = context
        .topology
        .shards
        .iter()
        .filter(|shard| !shard.slots.is_empty())
        .map(|shard| (shard.master.member.name.as_str(), shard.slots.len()))
        .collect();
    let share = usize::from(SLOTS) / owners.len().max(1);
    let heavy =
        owners.into_iter().filter(|(_, slots)| usize::from(*slots) * 2 > share * 3 && share < usize::from(SLOTS));
    heavy
        .map(|(name, slots)| {
            Code::SlotsUneven.found(
                name,
                format!("{name} owns {slots} slots; an even share is {share}"),
                format!("{slots} of {SLOTS}"),
                context.hints.redis_cluster("rebalance", ""),
            )
        })
        .collect()
}

fn without_slots(context: &CheckContext<'_>) -> Vec<Finding> {
    let idle = context.topology.nodes().filter(|node| is_idle(context, node));
    idle.map(|node| {
        let name = &node.member.name;
        Code::MasterWithoutSlots
            .found(
                name,
                format!("{name} is a master without slots and serves no keys"),
                "no slots in its own line of CLUSTER NODES".into(),
                replicate(context, node)
                    .unwrap_or_else(|| context.hints.redis_cluster("rebalance", "--cluster-use-empty-masters")),
            )
            .at(Severity::Info)
    })
    .collect()
}

fn is_idle(context: &CheckContext<'_>, node: &NodeFacts) -> bool {
    node.role == Some(Role::Master)
        && node.is_reachable()
        && !has_no_pod(node)
        && !context.topology.owners().any(|owner| owner.id == node.id)
}
