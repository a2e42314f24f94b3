//! The nodes' views of each other.

use super::context::{CheckContext, count, has_no_pod, list};
use super::controllers::{instead_of_forgetting, scale_up};
use super::copies::{copy_of, only_copy, promote};
use super::reach::{Places, address_to_meet};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::{Flags, LinkState, NodeId, Role};
use crate::cluster::reply::NodeLine;
use crate::cluster::slots::{Brief, SlotSet};
use crate::cluster::snapshot::View;
use crate::cluster::topology::{NodeFacts, Signature, signature};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(state_fail(context));
    findings.extend(disagreement(context));
    findings.extend(equal_epochs(context));
    findings.extend(without_pod(context));
    findings.extend(flagged(context));
    findings
}

fn state_fail(context: &CheckContext<'_>) -> Option<Finding> {
    let failing: Vec<&str> = context.views().filter(|(_, view)| !view.cluster.ok).map(|(name, _)| name).collect();
    (!failing.is_empty()).then(|| {
        Code::StateFail.found(
            context.snapshot.name(),
            failed(failing.len()),
            list(&failing),
            context.hints.views_of_all(),
        )
    })
}

fn failed(nodes: usize) -> String {
    let verbs = if nodes == 1 { ("reports", "rejects") } else { ("report", "reject") };
    format!("{} {} cluster_state:fail and {} client commands", count(nodes, "node"), verbs.0, verbs.1)
}

fn disagreement(context: &CheckContext<'_>) -> Option<Finding> {
    let mut views: BTreeMap<Signature<'_>, Vec<&str>> = BTreeMap::new();
    for (name, view) in context.views() {
        views.entry(signature(view)).or_default().push(name);
    }
    let mut groups: Vec<(Signature<'_>, Vec<&str>)> = views.into_iter().collect();
    groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let [(most, majority), others @ ..] = &groups[..] else { return None };
    let differences = others.iter().flat_map(|(view, names)| differences(context, (most, majority), (view, names)));
    let differences: Vec<String> = differences.collect();
    (!others.is_empty()).then(|| {
        Code::ViewsDisagree.found(
            context.snapshot.name(),
            format!("the nodes have {} different views of owners, roles and members", groups.len()),
            differences.join("; "),
            introduce(context).unwrap_or_else(|| context.hints.views_of_all()),
        )
    })
}

/// CLUSTER MEET on a node that does not know a peer by which it is known: gossip spreads only to those
/// whom one knows.
fn introduce(context: &CheckContext<'_>) -> Option<String> {
    let knows = |view: &View, id: &NodeId| view.nodes.iter().any(|line| line.id == *id);
    let pairs = context.snapshot.answered().flat_map(|one| context.snapshot.answered().map(move |other| (one, other)));
    let mut lacking = pairs.filter_map(|((viewer, view), (peer, by))| {
        let (own, its) = (&view.myself()?.id, &by.myself()?.id);
        (own != its && knows(by, own) && !knows(view, its)).then_some((viewer, peer))
    });
    let (viewer, peer) = lacking.next()?;
    let address = address_to_meet(context, &Places::of(context), peer)?;
    Some(context.hints.redis(viewer, &format!("cluster meet {address}")))
}

/// Nodes that only one side knows, then nodes that both know with another role, master or slots.
fn differences(
    context: &CheckContext<'_>,
    (most, majority): (&Signature<'_>, &[&str]),
    (view, viewers): (&Signature<'_>, &[&str]),
) -> Vec<String> {
    let name = |id: &&NodeId| context.name(id);
    let only_in = |one: &Signature<'_>, other: &Signature<'_>| -> Vec<String> {
        one.keys().filter(|id| !other.contains_key(**id)).map(name).collect()
    };
    let many = count(majority.len(), "node");
    let few = viewers.join(", ");
    let disputed = view.iter().filter_map(|(id, seen)| Some((id, seen, most.get(*id).filter(|other| *other != seen)?)));
    let disputed = disputed.map(|(id, seen, other)| {
        let (seen, other) = descriptions(context, seen, other);
        format!("{} is {seen} to {few}, {other} to {many}", name(id))
    });
    let unknown = |names: Vec<String>, viewers: &str, number: usize| {
        let verb = if number == 1 { "does" } else { "do" };
        (!names.is_empty()).then(|| format!("{viewers} {verb} not know {}", list(names)))
    };
    let unknown =
        [unknown(only_in(view, most), &many, majority.len()), unknown(only_in(most, view), &few, viewers.len())];
    unknown.into_iter().flatten().chain(disputed).collect()
}

type Part<'a> = (Role, Option<&'a NodeId>, &'a SlotSet);

/// How two views of one node differ: in its role, else in its master, else in slots.
fn descriptions(context: &CheckContext<'_>, one: &Part<'_>, other: &Part<'_>) -> (String, String) {
    let extra = |a: &Part<'_>, b: &Part<'_>| a.2.intersection(&b.2.complement());
    match (one.0, other.0) {
        (Role::Master, Role::Master) => (
            with_and_without(&extra(one, other), &extra(other, one)),
            with_and_without(&extra(other, one), &extra(one, other)),
        ),
        _ => (part(context, one), part(context, other)),
    }
}

fn with_and_without(with: &SlotSet, without: &SlotSet) -> String {
    let slots = |word: &str, set: &SlotSet| (!set.is_empty()).then(|| format!("{word} {}", Brief(set)));
    let parts: Vec<String> = [slots("with", with), slots("without", without)].into_iter().flatten().collect();
    format!("a master {}", parts.join(" and "))
}

fn part(context: &CheckContext<'_>, (role, master, slots): &Part<'_>) -> String {
    match (role, master) {
        (Role::Replica, Some(master)) => format!("a replica of {}", context.name(master)),
        (Role::Replica, None) => "a replica of nobody".to_owned(),
        (Role::Master, _) if slots.is_empty() => "a master without slots".to_owned(),
        (Role::Master, _) => format!("a master with {}", Brief(slots)),
    }
}

fn equal_epochs(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut epochs: BTreeMap<u64, Vec<(&str, &NodeLine)>> = BTreeMap::new();
    for (name, line) in context.views().filter_map(|(name, view)| Some((name, view.myself()?))) {
        let owners = epochs.entry(line.epoch).or_default();
        if !line.slots.is_empty() && owners.iter().all(|(_, other)| other.id != line.id) {
            owners.push((name, line));
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

/// Nodes that the cluster knows and that have no pod.
fn without_pod(context: &CheckContext<'_>) -> Vec<Finding> {
    let expected: Option<BTreeSet<&NodeId>> =
        context.snapshot.seen.iter().map(|seen| seen.member.number.and(seen.member.id.as_ref())).collect();
    // A node that may be one of the silent pods is told with these.
    let is_missing = |node: &&NodeFacts| node.id.as_ref().is_some_and(|id| context.topology.missing.contains(id));
    let nodes = context.topology.nodes().filter(|node| has_no_pod(node) && !is_missing(node));
    let nodes: Vec<&NodeFacts> = nodes.collect();
    let missing = nodes.len();
    nodes
        .into_iter()
        .filter_map(|node| {
            let id = node.id.as_ref()?;
            let flags = list(node.flags.iter().flat_map(Flags::iter));
            let evidence = format!("{id} at {}, flags {flags}", node.member.name);
            // Forgetting an owner of slots makes its keys unreachable.
            let owns = context.topology.owners().any(|owner| owner.id == node.id);
            let forget = || context.hints.redis_cluster("call", &format!("cluster forget {id}"));
            let keep = || scale_up(context, missing).unwrap_or_else(|| context.hints.views_of_all());
            let copy = only_copy(context, node);
            let is_foreign = expected.as_ref().is_some_and(|expected| !expected.contains(id));
            let hint = match (instead_of_forgetting(context).filter(|_| !is_foreign), copy) {
                (Some(hint), _) => hint,
                (None, Some(replica)) => promote(context, replica),
                (None, None) if owns => keep(),
                (None, None) => forget(),
            };
            Some(if is_foreign {
                let message = format!("the cluster knows {}, which does not belong to it", node.member.name);
                Code::ForeignNode.found(&node.member.name, message, evidence, hint)
            } else {
                let severity = if owns { Severity::Error } else { Severity::Warning };
                let left = copy.map(|copy| format!("; {}", copy_of(context, copy))).unwrap_or_default();
                let message = format!("the cluster knows {}, which has no pod{left}", node.member.name);
                Code::NodeWithoutPod.found(&node.member.name, message, evidence, hint).at(severity)
            })
        })
        .collect()
}

/// Nodes that peers flagged or lost the link to.
fn flagged(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut flagged: BTreeMap<(&NodeId, Code), Vec<&str>> = BTreeMap::new();
    for (name, view) in context.views() {
        for line in &view.nodes {
            if let Some(code) = flag(line) {
                flagged.entry((&line.id, code)).or_default().push(name);
            }
        }
    }
    flagged.into_iter().filter_map(|((id, code), by)| one_flagged(context, id, code, &by)).collect()
}

fn flag(line: &NodeLine) -> Option<Code> {
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

fn one_flagged(context: &CheckContext<'_>, id: &NodeId, code: Code, by: &[&str]) -> Option<Finding> {
    let viewers = by.join(", ");
    if code == Code::NodeInHandshake {
        let forget = context.hints.redis_cluster("call", &format!("cluster forget {id}"));
        let subject = format!("{}...", &id.as_str()[..8]);
        let message = format!("a node was introduced to {} and is not accepted yet", count(by.len(), "node"));
        return Some(code.found(&subject, message, format!("handshake with {id}, seen by {viewers}"), forget));
    }
    let node = context.node(id)?;
    // A node that does not respond has a finding of its own.
    if !node.is_reachable() && code != Code::NodeWithoutAddress {
        return None;
    }
    let name = &node.member.name;
    let (message, seen) = match code {
        Code::NodeFailed => (format!("{name} responds, but its peers marked it FAIL"), "flagged fail by"),
        Code::NodeSuspected => (format!("{name} responds, but a peer cannot reach it"), "flagged fail? by"),
        Code::NodeWithoutAddress => (format!("a peer has no address for {name}"), "flagged noaddr by"),
        _ => (format!("a bus link to {name} is down, although it responds"), "disconnected from"),
    };
    let hint =
        if code == Code::NodeWithoutAddress { meet(context, node, by) } else { context.hints.logs_of(&node.member) };
    Some(code.found(name, message, format!("{seen} {viewers}"), hint))
}

/// CLUSTER MEET on the first peer that lacks the node's address.
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
