//! Pods whose server runs: ready or not, and how often it had to be started.

use super::context::{CheckContext, count};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::Member;
use crate::cluster::topology::NodeFacts;

/// How long a pod may take to become ready after its server has started, in seconds; longer
/// where its probe runs less often.
const PATIENCE: u64 = 30;
const HOUR: u64 = 3600;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let not_ready = context.topology.nodes().filter_map(|node| not_ready(context, node));
    let members = context.snapshot.seen.iter().map(|seen| &seen.member);
    not_ready.chain(members.filter_map(|member| restarted(context, member))).collect()
}

fn not_ready(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let server = node.server.as_ref()?;
    let well = !server.loading && server.is_synced() != Some(false);
    let (ready, since) = node.member.state.ready?;
    let seconds = server.uptime_seconds.unwrap_or(u64::MAX).min(context.since(since));
    let patience = node.member.state.probe_delay.max(PATIENCE);
    let name = &node.member.name;
    (well && !ready && seconds > patience).then(|| {
        Code::PodNotReady.found(
            name,
            format!("{name} answers and is well, but its pod is not ready: Services leave it out"),
            format!("not ready for {seconds} s"),
            context.hints.describe(&node.member),
        )
    })
}

fn restarted(context: &CheckContext<'_>, member: &Member) -> Option<Finding> {
    let state = &member.state;
    let end = state.last_end.as_ref().filter(|_| state.trouble.is_none() && state.restarts > 0)?;
    let ago = end.at.map(|at| context.since(at));
    let recent = ago.is_none_or(|ago| ago < HOUR);
    let name = &member.name;
    let when = ago.map(|ago| format!(", {ago} s ago")).unwrap_or_default();
    let evidence = format!(
        "{}, the last one after {} with exit code {}{when}",
        count(state.restarts as usize, "restart"),
        end.reason,
        end.code
    );
    let hint = context.hints.describe(member);
    Some(if end.reason == "OOMKilled" {
        let message = format!("the container of {name} was ended for its memory, and runs again");
        let severity = if recent { Severity::Warning } else { Severity::Info };
        Code::OutOfMemory.found(name, message, evidence, hint).at(severity)
    } else {
        let message = format!("the container of {name} was started again");
        let severity = if recent && state.restarts >= 3 { Severity::Warning } else { Severity::Info };
        Code::ContainerRestarted.found(name, message, evidence, hint).at(severity)
    })
}
