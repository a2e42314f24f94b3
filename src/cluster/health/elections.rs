//! Whether replicas can take over: a majority of masters to elect them, and candidates.

use super::context::{CheckContext, list};
use crate::cluster::election::Obstacle;
use crate::cluster::finding::{Code, Finding};
use crate::cluster::node::Flags;
use crate::cluster::snapshot::NoResponse;
use crate::cluster::topology::{NodeFacts, Shard};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let shards = context.topology.shards.iter().filter(|shard| !shard.slots.is_empty());
    majority_lost(context).into_iter().chain(shards.filter_map(|shard| disabled(context, shard))).collect()
}

/// Whether a majority of masters is gone, so that nobody is elected.
pub(super) fn lacks_majority(context: &CheckContext<'_>) -> bool {
    gone_and_left(context).is_some()
}

/// The shards with slots whose masters are gone, and those whose masters are left; none while these
/// are a majority.
fn gone_and_left<'a>(context: &CheckContext<'a>) -> Option<(Vec<&'a Shard>, Vec<&'a Shard>)> {
    let shards = context.topology.shards.iter().filter(|shard| !shard.slots.is_empty());
    let (gone, left): (Vec<_>, Vec<_>) = shards.partition(|shard| shard.master.is_gone());
    let is_lost = context.any_responded() && !gone.is_empty() && left.len() <= gone.len();
    is_lost.then_some((gone, left))
}

fn majority_lost(context: &CheckContext<'_>) -> Option<Finding> {
    let (gone, left) = gone_and_left(context)?;
    let masters = gone.len() + left.len();
    let names = |shards: &[&Shard]| list(shards.iter().map(|shard| &shard.master.member.name));
    let are_gone = if gone.len() == 1 { "is gone" } else { "are gone" };
    let message = format!(
        "{} of {masters} masters {are_gone}: without a majority no replica is elected. Bring them back, or, \
         if they are gone for good, let replicas take over without a vote",
        gone.len()
    );
    let evidence = format!("gone: {}; left: {}", names(&gone), names(&left));
    Some(Code::MajorityLost.found(context.snapshot.name(), message, evidence, takeovers(context, &gone)))
}

/// For each shard without a master, its most advanced replica. Nothing while a master has its data
/// and is about to serve it again.
fn takeovers(context: &CheckContext<'_>, shards: &[&Shard]) -> String {
    let is_starting = |shard: &&Shard| matches!(shard.master.error, Some(NoResponse::Kept(_)));
    if shards.iter().any(is_starting) {
        return context.hints.logs();
    }
    let offset = |replica: &&NodeFacts| replica.server.as_ref().and_then(|server| server.offset);
    let best = shards.iter().filter_map(|shard| {
        let there = shard.replicas.iter().filter(|replica| replica.is_reachable());
        there.max_by_key(offset)
    });
    let commands: Vec<String> =
        best.map(|replica| context.hints.redis(&replica.member, "cluster failover takeover")).collect();
    if commands.is_empty() { context.hints.pods() } else { commands.join("; ") }
}

/// A shard of which no replica takes over because of a setting: one that is only read from may
/// stand beside another that takes over.
fn disabled(context: &CheckContext<'_>, shard: &Shard) -> Option<Finding> {
    // A node that stops gives up its candidacy, and its peers remember that while it is away.
    let is_disabled = |replica: &&NodeFacts| replica.obstacle == Some(Obstacle::Disabled) && !replica.is_gone();
    let disabled: Vec<&NodeFacts> = shard.replicas.iter().filter(is_disabled).collect();
    let first = disabled.first()?;
    if shard.replicas.iter().any(NodeFacts::is_candidate) {
        return None;
    }
    let names = list(disabled.iter().map(|replica| &replica.member.name));
    let view = context.snapshot.answered().find(|(member, _)| member.name == first.member.name).map(|(_, view)| view);
    let is_old = view.is_some_and(|view| view.setting(&[SETTING]).is_none() && view.setting(&[OLD]).is_some());
    let setting = if is_old { OLD } else { SETTING };
    Some(Code::FailoverDisabled.found(
        &format!("shard {}", shard.number),
        format!("no replica takes over if the master of shard {} fails", shard.number),
        format!("{setting} yes, flag {}: {names}", Flags::NO_FAILOVER),
        context.hints.redis_cluster("call", &format!("config set {setting} no")),
    ))
}

const SETTING: &str = "cluster-replica-no-failover";
/// Its name in Redis 4.0.
const OLD: &str = "cluster-slave-no-failover";
