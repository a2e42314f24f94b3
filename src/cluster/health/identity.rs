//! Pods that are not what they seem: two with one node ID, and pods that are no nodes.

use super::context::{CheckContext, count, list};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::identity::{Copy, copies};
use crate::cluster::snapshot::{Seen, View};
use crate::cluster::surroundings::Controller;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let copies = copies(context.snapshot);
    let mut findings: Vec<Finding> = copies.iter().map(|copy| same_id(context, copy, &copies)).collect();
    findings.extend(not_nodes(context));
    findings
}

fn same_id(context: &CheckContext<'_>, copy: &Copy<'_>, all: &[Copy<'_>]) -> Finding {
    let (original, double) = (&copy.original.member, &copy.copy.member);
    let keys = |seen: &Seen| {
        let keys = seen.view.as_ref().map_or(0, |view| view.server.keys);
        let address = seen.member.pod_ip.as_deref().unwrap_or("an unknown address");
        format!("{} at {address} has {}", seen.member.name, count(usize::try_from(keys).unwrap_or(usize::MAX), "key"))
    };
    Code::SameNodeId.found(
        &double.name,
        format!("{} has the same node ID as {}: stop the copy, {}", double.name, original.name, double.name),
        format!("{}: {}, {}", copy.id, keys(copy.original), keys(copy.copy)),
        stop(context, copy, all),
    )
}

/// Only a pod that has nothing to lose is stopped: it has no keys, or keeps them in a volume.
fn stop(context: &CheckContext<'_>, copy: &Copy<'_>, all: &[Copy<'_>]) -> String {
    let member = &copy.copy.member;
    let is_copy = |seen: &&Seen| all.iter().any(|each| std::ptr::eq(each.copy, *seen));
    let has_others = |controller: &Controller| {
        let pods =
            context.snapshot.seen.iter().filter(|seen| seen.member.state.controller.as_ref() == Some(controller));
        pods.into_iter().any(|seen| !is_copy(&seen))
    };
    let is_empty = copy.copy.view.as_ref().is_ok_and(|view: &View| view.server.keys == 0);
    let may_stop = is_empty || !member.state.claims.is_empty();
    match &member.state.controller {
        Some(controller) if may_stop && !has_others(controller) => context.hints.scale_to_none(controller),
        None if may_stop && member.number.is_none() => context.hints.restart(member),
        _ => context.hints.describe(member),
    }
}

/// Once for all of them.
fn not_nodes(context: &CheckContext<'_>) -> Option<Finding> {
    let pods = &context.around().bystanders;
    let are = if pods.len() == 1 {
        "pod matches the selector and is no node"
    } else {
        "pods match the selector and are no nodes"
    };
    (!pods.is_empty()).then(|| {
        Code::PodNotANode.found(
            context.snapshot.name(),
            format!("{} {are}: {}", pods.len(), list(pods)),
            "no node knows their addresses, none answered as a Redis server, and no container looks like one".into(),
            context.hints.kubectl("get pods --show-labels"),
        )
    })
}
