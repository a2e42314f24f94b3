//! What the nodes think of each other.

use super::context::{CheckContext, count, is_stranger, list};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::membership::groups;
use crate::cluster::node::{Flags, LinkState, NodeId};
use crate::cluster::reply::NodeLine;
use crate::cluster::topology::{NodeFacts, Signature, signature};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(state_fail(context));
    findings.extend(disagreement(context));
    findings.extend(equal_epochs(context));
    findings.extend(strangers(context));
    findings.extend(outside(context));
    findings.extend(doubts(context));
    findings
}

fn state_fail(context: &CheckContext<'_>) -> Option<Finding> {
    let failing: Vec<&str> = context.views().filter(|(_, view)| !view.cluster.ok).map(|(name, _)| name).collect();
    (!failing.is_empty()).then(|| {
        Code::StateFail.found(
            &context.snapshot.name,
            format!("{} cluster_state:fail: they answer no client", say(failing.len())),
            list(&failing),
            context.hints.views_of_all(),
        )
    })
}

fn say(nodes: usize) -> String {
    if nodes == 1 { "1 node says".into() } else { format!("{nodes} nodes say") }
}

fn disagreement(context: &CheckContext<'_>) -> Option<Finding> {
    let mut views: BTreeMap<Signature<'_>, Vec<&str>> = BTreeMap::new();
    for (name, view) in context.views() {
        views.entry(signature(view)).or_default().push(name);
    }
    let mut groups: Vec<(Signature<'_>, Vec<&str>)> = views.into_iter().collect();
    groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let [(most, majority), others @ ..] = &groups[..] else { return None };
    let differing: Vec<String> = others
        .iter()
        .map(|(view, names)| format!("{} see {} otherwise", names.join(", "), list(different(context, most, view))))
        .collect();
    (!others.is_empty()).then(|| {
        Code::ViewsDisagree.found(
            &context.snapshot.name,
            format!("the nodes hold {} different views of owners, roles and members", groups.len()),
            format!("unlike {}: {}", count(majority.len(), "node"), differing.join("; ")),
            context.hints.views_of_all(),
        )
    })
}

/// The nodes that two views say different things about.
fn different(context: &CheckContext<'_>, one: &Signature<'_>, other: &Signature<'_>) -> BTreeSet<String> {
    let ids: BTreeSet<&&NodeId> = one.keys().chain(other.keys()).collect();
    ids.into_iter().filter(|id| one.get(**id) != other.get(**id)).map(|id| context.name(id)).collect()
}

fn equal_epochs(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut epochs: BTreeMap<u64, Vec<(&str, &NodeLine)>> = BTreeMap::new();
    for (name, line) in context.views().filter_map(|(name, view)| Some((name, view.myself()?))) {
        if !line.slots.is_empty() {
            epochs.entry(line.epoch).or_default().push((name, line));
        }
    }
    let shared = epochs.into_iter().filter(|(_, owners)| owners.len() > 1);
    shared
        .map(|(epoch, owners)| {
            let names = list(owners.iter().map(|(name, _)| name));
            let last = owners.last().and_then(|(_, line)| context.node(&line.id));
            Code::EpochsCollide.found(
                &names,
                format!("{} have the same configuration epoch", count(owners.len(), "master")),
                format!("epoch {epoch}: {names}"),
                last.map_or_else(
                    || context.hints.views_of_all(),
                    |node| context.hints.redis(&node.member, "cluster bumpepoch"),
                ),
            )
        })
        .collect()
}

/// Nodes that the cluster knows and no pod answers for.
fn strangers(context: &CheckContext<'_>) -> Vec<Finding> {
    let made_for_it: Option<BTreeSet<&NodeId>> =
        context.snapshot.seen.iter().map(|seen| seen.member.number.and(seen.member.id.as_ref())).collect();
    let strangers = context.topology.nodes().filter(|node| is_stranger(node));
    strangers
        .filter_map(|node| {
            let id = node.id.as_ref()?;
            let flags = list(node.flags.iter().flat_map(Flags::iter));
            let evidence = format!("{id} at {} with the flags {flags}", node.member.name);
            // Whoever owns slots has keys: those who forget it, forget where they are.
            let owns = context.topology.owners().any(|owner| owner.id == node.id);
            let forget = || context.hints.redis_cluster("call", &format!("cluster forget {id}"));
            let hint = if owns { context.hints.views_of_all() } else { forget() };
            let is_foreign = made_for_it.as_ref().is_some_and(|made| !made.contains(id));
            Some(if is_foreign {
                let message = format!("the cluster knows {}, which was not made for it", node.member.name);
                Code::ForeignNode.found(&node.member.name, message, evidence, hint)
            } else {
                let severity = if owns { Severity::Error } else { Severity::Warning };
                let message = format!("the cluster knows {}, and no pod answers for it", node.member.name);
                Code::NodeWithoutPod.found(&node.member.name, message, evidence, hint).at(severity)
            })
        })
        .collect()
}

/// Pods of nodes that the most of the others do not know.
fn outside(context: &CheckContext<'_>) -> Vec<Finding> {
    let groups = groups(context.snapshot);
    let Some(main) = groups.iter().max_by_key(|group| group.members.len()) else { return Vec::new() };
    let others = groups.iter().filter(|group| group.members != main.members).flat_map(|group| &group.members);
    let host = main.members.first().and_then(|index| context.snapshot.seen.get(*index)).map(|seen| &seen.member);
    others
        .filter_map(|index| context.snapshot.seen.get(*index))
        .map(|seen| {
            let member = &seen.member;
            let address = member.pod_ip.clone().unwrap_or_else(|| "IP".into());
            let port = member.shell.as_ref().map_or(6379, |shell| shell.port);
            let meet = format!("cluster meet {address} {port}");
            Code::PodOutsideCluster.found(
                &member.name,
                format!("{} runs a Redis node that the others do not know", member.name),
                format!("its ID is in no view of the other {}", count(main.members.len(), "node")),
                host.map_or_else(|| context.hints.views_of_all(), |host| context.hints.redis(host, &meet)),
            )
        })
        .collect()
}

/// Who doubts a node, and how.
fn doubts(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut doubts: BTreeMap<(&NodeId, Code), Vec<&str>> = BTreeMap::new();
    for (name, view) in context.views() {
        for line in &view.nodes {
            if let Some(code) = doubt(line) {
                doubts.entry((&line.id, code)).or_default().push(name);
            }
        }
    }
    doubts.into_iter().filter_map(|((id, code), by)| one_doubt(context, id, code, &by)).collect()
}

fn doubt(line: &NodeLine) -> Option<Code> {
    let flags = &line.flags;
    if flags.is_myself() {
        None
    } else if flags.is_handshake() {
        Some(Code::NodeInHandshake)
    } else if flags.has_no_address() {
        Some(Code::NodeWithoutAddress)
    } else if flags.is_failed() {
        Some(Code::NodeFailed)
    } else if flags.is_suspected() {
        Some(Code::NodeSuspected)
    } else {
        (line.link == LinkState::Disconnected).then_some(Code::BusLinkDown)
    }
}

fn one_doubt(context: &CheckContext<'_>, id: &NodeId, code: Code, by: &[&str]) -> Option<Finding> {
    let viewers = by.join(", ");
    if code == Code::NodeInHandshake {
        let forget = context.hints.redis_cluster("call", &format!("cluster forget {id}"));
        let subject = format!("{}...", &id.as_str()[..8]);
        let message = format!("a node has been introduced to {} and is not accepted", count(by.len(), "node"));
        return Some(code.found(&subject, message, format!("handshake with {id}, seen by {viewers}"), forget));
    }
    let node = context.node(id)?;
    // Of a node that does not answer, its silence says it all.
    if !node.is_reachable() && code != Code::NodeWithoutAddress {
        return None;
    }
    let name = &node.member.name;
    let (message, seen) = match code {
        Code::NodeFailed => (format!("{name} answers, but its peers take it for failed"), "flagged fail by"),
        Code::NodeSuspected => (format!("{name} answers, but some peer cannot reach it"), "flagged fail? by"),
        Code::NodeWithoutAddress => (format!("a peer has forgotten the address of {name}"), "flagged noaddr by"),
        _ => (format!("a bus link to {name} is down, though it answers"), "disconnected from"),
    };
    let hint =
        if code == Code::NodeWithoutAddress { meet(context, node, by) } else { context.hints.logs_of(&node.member) };
    Some(code.found(name, message, format!("{seen} {viewers}"), hint))
}

/// The first of those who cannot find the node is told where it is.
fn meet(context: &CheckContext<'_>, node: &NodeFacts, by: &[&str]) -> String {
    let viewer = context.snapshot.seen.iter().find(|seen| by.first() == Some(&seen.member.name.as_str()));
    let address = node.endpoint.as_ref().filter(|endpoint| !endpoint.host.is_empty());
    match (viewer, address) {
        (Some(viewer), Some(address)) => {
            context.hints.redis(&viewer.member, &format!("cluster meet {} {}", address.host, address.port))
        }
        _ => context.hints.views_of_all(),
    }
}
