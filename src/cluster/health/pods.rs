//! Pods whose server is running: readiness and restarts.

use super::context::{CheckContext, count};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::Member;
use crate::cluster::topology::NodeFacts;

/// How many seconds a pod may take to become ready after its server has started; more if its probe
/// runs less often.
const GRACE: u64 = 30;
const HOUR: u64 = 3600;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let not_ready = context.topology.nodes().filter_map(|node| not_ready(context, node));
    let members = context.snapshot.seen.iter().map(|seen| &seen.member);
    not_ready.chain(members.filter_map(|member| restarted(context, member))).collect()
}

fn not_ready(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let server = node.server.as_ref()?;
    let healthy = !server.loading && server.is_synced() != Some(false);
    let (ready, since) = node.member.state.ready?;
    let seconds = server.uptime_seconds.unwrap_or(u64::MAX).min(context.since(since));
    let grace = node.member.state.probe_delay.max(GRACE);
    let name = &node.member.name;
    (healthy && !ready && seconds > grace).then(|| {
        Code::PodNotReady.found(
            name,
            format!("{name} is healthy, but its pod is not ready: Services leave it out"),
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
        let message = format!("the container of {name} was OOM-killed and is running again");
        let severity = if recent { Severity::Warning } else { Severity::Info };
        Code::OutOfMemory.found(name, message, evidence, hint).at(severity)
    } else {
        let message = format!("the container of {name} was restarted");
        let severity = if recent && state.restarts >= 3 { Severity::Warning } else { Severity::Info };
        Code::ContainerRestarted.found(name, message, evidence, hint).at(severity)
    })
}
