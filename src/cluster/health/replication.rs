//! Replicas: their masters, links and data.

use super::context::{CheckContext, has_no_pod};
use super::copies::replicate;
use crate::cluster::election::Obstacle;
use crate::cluster::finding::{Code, Finding};
use crate::cluster::node::{NodeId, Role};
use crate::cluster::reply::ServerInfo;
use crate::cluster::topology::{NodeFacts, Shard};

/// Bytes that a replica may lag: a burst of writes is no problem.
const TOLERATED_LAG: u64 = 16 << 20;
/// Full syncs per replica, with the link still down, that count as a loop.
const FULL_SYNCS: u64 = 5;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let links = context.topology.nodes().filter_map(|node| link(context, node));
    let shards = context.topology.shards.iter();
    let data = shards.flat_map(|shard| shard.replicas.iter().map(move |replica| (shard, replica)));
    let data = data.flat_map(|(shard, replica)| {
        [lagging(context, shard, replica), empty(context, shard, replica), looping(context, shard, replica)]
    });
    links.chain(data.flatten()).collect()
}

fn link(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let server = node.server.as_ref().filter(|server| server.link_up.is_some())?;
    let view = context.views().find(|(name, _)| *name == node.member.name)?.1;
    let id = view.myself()?.master.as_ref()?;
    match context.topology.nodes().find(|each| each.id.as_ref() == Some(id)) {
        Some(master) if master.role == Some(Role::Replica) => Some(of_replica(context, node, master)),
        Some(master) => down(context, node, master, server),
        None => Some(of_nobody(context, node, None, format!("no node has its master's ID {id}"))),
    }
}

fn of_replica(context: &CheckContext<'_>, node: &NodeFacts, master: &NodeFacts) -> Finding {
    let name = &node.member.name;
    let top = || context.topology.shards.iter().find(|shard| shard.replicas.iter().any(|each| each.id == master.id));
    let hint = match home(context, node).or_else(|| top()?.master.id.as_ref()) {
        Some(id) => context.hints.redis(&node.member, &format!("cluster replicate {id}")),
        None => context.hints.views_of_all(),
    };
    Code::ReplicaOfReplica.found(
        name,
        format!("{name} follows {}, which is itself a replica", master.member.name),
        format!("its own line of CLUSTER NODES names {}", master.member.name),
        hint,
    )
}

/// The owner of the shard that a node of this tool was made for: no other master lets it copy.
fn home<'a>(context: &CheckContext<'a>, node: &NodeFacts) -> Option<&'a NodeId> {
    let shard = node.member.number?.shard();
    let is_of = |owner: &&NodeFacts| owner.member.number.is_some_and(|number| number.shard() == shard);
    context.topology.owners().find(is_of).filter(|owner| owner.id != node.id)?.id.as_ref()
}

/// `right` is the ID of its master, if that is known and only its address is wrong.
fn of_nobody(context: &CheckContext<'_>, node: &NodeFacts, right: Option<&NodeId>, evidence: String) -> Finding {
    let name = &node.member.name;
    // A replica that follows another master drops its keys, which may be the last copy.
    let hint = match right {
        Some(id) => Some(context.hints.redis(&node.member, &format!("cluster replicate {id}"))),
        None => replicate(context, node),
    };
    let hint = hint.unwrap_or_else(|| context.hints.views_of_all());
    Code::ReplicaOfNobody.found(name, format!("{name} follows a master that does not exist"), evidence, hint)
}

fn down(context: &CheckContext<'_>, node: &NodeFacts, master: &NodeFacts, server: &ServerInfo) -> Option<Finding> {
    let name = &node.member.name;
    let mut evidence = match (server.link_up?, server.sync_in_progress) {
        (true, false) => return None,
        (true, true) | (false, true) => "master_sync_in_progress:1".to_owned(),
        (false, false) => "master_link_status:down".to_owned(),
    };
    if let Some(seconds) = server.link_down_seconds {
        evidence += &format!(", down for {seconds} s");
    }
    evidence += &match (node.obstacle, server.link_down_seconds) {
        (Some(Obstacle::Stale { allowed }), Some(_)) => format!(": after {allowed} s it is not elected any more"),
        (Some(Obstacle::Stale { .. }), None) => ", not once up: it is not elected".to_owned(),
        _ => String::new(),
    };
    // The cluster may know the right master while replication connects to an old address.
    let at = server.master.as_ref().map(|endpoint| endpoint.host.as_str()).unwrap_or_default();
    let is_there = at.is_empty()
        || master.member.pod_ip.as_deref() == Some(at)
        || context.views().any(|(_, view)| {
            view.nodes.iter().any(|line| Some(&line.id) == master.id.as_ref() && line.endpoint.host == at)
        });
    if !is_there && !has_no_pod(master) {
        let evidence = format!("{evidence}; it connects to {} at {at}", master.member.name);
        return Some(of_nobody(context, node, master.id.as_ref(), evidence));
    }
    // Its number says where it belongs.
    let (hint, evidence) = match home(context, node).filter(|id| master.id.as_ref() != Some(id)) {
        Some(id) if master.member.number.is_some() => {
            let evidence = format!("{evidence}; its master {} is of another shard", master.member.name);
            (context.hints.redis(&node.member, &format!("cluster replicate {id}")), evidence)
        }
        _ => (context.hints.logs_of(&node.member), evidence),
    };
    Some(Code::ReplicaLinkDown.found(name, format!("{name} is not in sync with its master"), evidence, hint))
}

fn lagging(context: &CheckContext<'_>, shard: &Shard, replica: &NodeFacts) -> Option<Finding> {
    let backlog = shard.master.server.as_ref()?.backlog?;
    let lag = replica.lag.filter(|lag| *lag > backlog && *lag > TOLERATED_LAG)?;
    let name = &replica.member.name;
    Some(Code::ReplicaLags.found(
        name,
        format!("{name} is {lag} bytes behind its master"),
        format!("the backlog of {} holds {backlog} bytes", shard.master.member.name),
        context.hints.logs_of(&replica.member),
    ))
}

fn empty(context: &CheckContext<'_>, shard: &Shard, replica: &NodeFacts) -> Option<Finding> {
    let keys = |node: &NodeFacts| node.server.as_ref().map(|server| server.keys);
    let (has, lacks) = (keys(&shard.master)?, keys(replica)? == 0);
    // The replica may have been queried just before the first key arrived.
    let settled = replica.lag == Some(0) || has >= 100;
    let name = &replica.member.name;
    (replica.is_linked() && lacks && has > 0 && settled).then(|| {
        Code::ReplicaEmpty.found(
            name,
            format!("{name} has no keys, but its master {} has {has}", shard.master.member.name),
            format!("its link is up and {} bytes behind", replica.lag.unwrap_or_default()),
            context.hints.restart(&replica.member),
        )
    })
}

fn looping(context: &CheckContext<'_>, shard: &Shard, replica: &NodeFacts) -> Option<Finding> {
    let copies = shard.master.server.as_ref()?.full_syncs;
    let followers = shard.replicas.len() as u64;
    let behind = replica.server.as_ref()?.is_synced() == Some(false);
    let name = &replica.member.name;
    (behind && copies >= FULL_SYNCS * followers).then(|| {
        Code::FullSyncLoop.found(
            name,
            format!("{name} starts one full sync after another"),
            format!("sync_full:{copies} on {} with {followers} followers", shard.master.member.name),
            context.hints.redis(&shard.master.member, "config get client-output-buffer-limit"),
        )
    })
}
