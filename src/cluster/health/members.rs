//! Nodes that the others do not know, or that do not know the others.

use super::context::{CheckContext, count, list};
use super::reach::{Places, address_to_meet};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::membership::{Group, groups, largest};
use crate::cluster::node::Role;
use crate::cluster::snapshot::{Member, Seen, View};
use crate::cluster::topology::NodeFacts;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(main) = largest(context.snapshot) else { return Vec::new() };
    let members: Vec<&Seen> = main.members.iter().map(|index| &context.snapshot.seen[*index]).collect();
    let outside = strangers(context, &main).into_iter().map(|seen| outside(context, &members, seen));
    let lost = members.iter().filter(|seen| knows_no_owner(context, seen)).map(|seen| alone(context, &members, seen));
    let forgotten = context.topology.nodes().filter(|node| {
        !node.ignored_by.is_empty()
            && members.iter().any(|seen| seen.member == node.member && !knows_no_owner(context, seen))
    });
    let forgotten = forgotten.map(|node| forgotten_by(context, node));
    outside.chain(lost).chain(forgotten).collect()
}

/// Pods whose nodes know none of the cluster's, nor are known by one.
fn strangers<'a>(context: &CheckContext<'a>, main: &Group) -> Vec<&'a Seen> {
    let others = groups(context.snapshot).into_iter().filter(|group| group.members != main.members);
    others.flat_map(|group| group.members).map(|index| &context.snapshot.seen[index]).collect()
}

/// Nodes of the selector that could become members: alone and without slots.
pub(super) fn newcomers<'a>(context: &CheckContext<'a>) -> Vec<&'a Seen> {
    let Some(main) = largest(context.snapshot) else { return Vec::new() };
    let is_free = |seen: &&Seen| seen.view.as_ref().is_ok_and(|view| !has_cluster(view));
    strangers(context, &main).into_iter().filter(is_free).collect()
}

fn has_cluster(view: &View) -> bool {
    view.nodes.iter().any(|line| !line.slots.is_empty())
}

/// CLUSTER RESET makes a node forget all others, while they still know it.
fn knows_no_owner(context: &CheckContext<'_>, seen: &Seen) -> bool {
    let Ok(view) = &seen.view else { return false };
    let mut owners = context.topology.owners().filter_map(|owner| owner.id.as_ref()).peekable();
    owners.peek().is_some() && !owners.any(|owner| view.nodes.iter().any(|line| line.id == *owner))
}

fn outside(context: &CheckContext<'_>, members: &[&Seen], seen: &Seen) -> Finding {
    let member = &seen.member;
    if let Some(view) = seen.view.as_ref().ok().filter(|view| has_cluster(view)) {
        // To introduce it would merge the two clusters.
        return Code::PodOutsideCluster.found(
            &member.name,
            format!("{} belongs to another cluster, of {}", member.name, count(view.nodes.len(), "node")),
            format!("it knows owners of slots, and none of the other {}", count(members.len(), "node")),
            context.hints.redis(member, "cluster nodes"),
        );
    }
    Code::PodOutsideCluster.found(
        &member.name,
        format!("{} runs a Redis node that the other nodes do not know", member.name),
        format!("its ID is unknown to the other {}", count(members.len(), "node")),
        introduce(context, members, member),
    )
}

fn alone(context: &CheckContext<'_>, members: &[&Seen], seen: &Seen) -> Finding {
    let name = &seen.member.name;
    Code::PodOutsideCluster.found(
        name,
        format!("{name} runs a Redis node that does not know the other nodes: it was reset"),
        "its CLUSTER NODES has no master with slots".into(),
        introduce(context, members, &seen.member),
    )
}

fn forgotten_by(context: &CheckContext<'_>, node: &NodeFacts) -> Finding {
    let name = &node.member.name;
    let effect = match node.role {
        Some(Role::Replica) => "it cannot be elected if its master fails",
        _ => "they ignore it",
    };
    let masters = match node.ignored_by.len() {
        1 => "a master does".to_owned(),
        number => format!("{number} masters do"),
    };
    let viewer = context.snapshot.seen.iter().find(|seen| node.ignored_by.first() == Some(&seen.member.name));
    Code::NodeForgotten.found(
        name,
        format!("{masters} not know {name}: {effect}"),
        format!("not in CLUSTER NODES of {}", list(&node.ignored_by)),
        viewer.map_or_else(|| context.hints.views_of_all(), |viewer| meet(context, &viewer.member, &node.member)),
    )
}

/// CLUSTER MEET on a member, one with slots if there is one.
fn introduce(context: &CheckContext<'_>, members: &[&Seen], newcomer: &Member) -> String {
    let owns = |seen: &&&Seen| {
        let line = seen.view.as_ref().ok().and_then(View::myself);
        seen.member != *newcomer && line.is_some_and(|line| !line.slots.is_empty())
    };
    let host = members.iter().find(owns).or_else(|| members.iter().find(|seen| seen.member != *newcomer));
    host.map_or_else(|| context.hints.views_of_all(), |host| meet(context, &host.member, newcomer))
}

/// CLUSTER MEET on `host`.
pub(super) fn meet(context: &CheckContext<'_>, host: &Member, newcomer: &Member) -> String {
    let address = address_to_meet(context, &Places::of(context), newcomer);
    let meet = address.map(|address| context.hints.redis(host, &format!("cluster meet {address}")));
    meet.unwrap_or_else(|| context.hints.views_of_all())
}
