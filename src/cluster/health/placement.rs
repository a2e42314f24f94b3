//! Where nodes run, and what the loss of a worker or a zone would cost.

use super::context::{CheckContext, list};
use super::elections::lacks_majority;
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::Member;
use crate::cluster::topology::{NodeFacts, Shard, Topology};
use std::collections::BTreeMap;

/// A failure domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureDomain {
    Worker,
    Zone,
}

impl FailureDomain {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Zone => "zone",
        }
    }

    fn of(self, member: &Member) -> Option<&str> {
        match self {
            Self::Worker => member.worker.as_deref(),
            Self::Zone => member.zone.as_deref(),
        }
    }
}

/// What the loss of one worker or zone would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureImpact {
    pub domain: FailureDomain,
    pub name: String,
    pub nodes: usize,
    pub masters: usize,
    /// The shards of which all nodes that respond now, and serve or could be elected, run there.
    pub shards: Vec<u32>,
    /// Whether a majority of masters would be left to elect new ones.
    pub majority_left: bool,
}

/// None if no node responded, or no owner of slots is known: then nothing is known of their loss.
pub fn failure_impacts(topology: &Topology) -> Vec<FailureImpact> {
    if topology.owners().next().is_none() || !topology.nodes().any(NodeFacts::is_reachable) {
        return Vec::new();
    }
    [FailureDomain::Worker, FailureDomain::Zone].into_iter().flat_map(|domain| impacts_of(topology, domain)).collect()
}

fn impacts_of(topology: &Topology, domain: FailureDomain) -> Vec<FailureImpact> {
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for name in topology.nodes().filter_map(|node| domain.of(&node.member)) {
        *nodes.entry(name).or_default() += 1;
    }
    let shards: Vec<&Shard> = topology.shards.iter().filter(|shard| !shard.slots.is_empty()).collect();
    let impact = |(name, nodes): (&str, usize)| {
        let there = |node: &NodeFacts| domain.of(&node.member) == Some(name);
        let masters = shards.iter().filter(|shard| there(&shard.master)).count();
        let left = shards.iter().filter(|shard| !shard.master.is_gone() && !there(&shard.master)).count();
        let gone = |shard: &&&Shard| {
            let mut survivors = survivors(shard).peekable();
            survivors.peek().is_some() && survivors.all(there)
        };
        FailureImpact {
            domain,
            name: name.to_owned(),
            nodes,
            masters,
            shards: shards.iter().filter(gone).map(|shard| shard.number).collect(),
            majority_left: left * 2 > shards.len(),
        }
    };
    nodes.into_iter().map(impact).collect()
}

/// The nodes that serve the shard, or could be elected to.
fn survivors(shard: &Shard) -> impl Iterator<Item = &NodeFacts> {
    let replicas = shard.replicas.iter().filter(|replica| replica.is_candidate());
    std::iter::once(&shard.master).filter(|master| master.may_live()).chain(replicas)
}

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let shards = context.topology.shards.iter();
    let mut findings: Vec<Finding> = shards.filter_map(|shard| together(context, shard)).collect();
    findings.extend(majority(context));
    findings.extend(workers(context));
    findings
}

/// The worker or zone that has all nodes of the shard; none for a shard without replicas.
fn only_domain(shard: &Shard, domain: FailureDomain) -> Option<&str> {
    let name = domain.of(&shard.master.member)?;
    let mut others = shard.replicas.iter().peekable();
    others.peek()?;
    others.all(|replica| domain.of(&replica.member) == Some(name)).then_some(name)
}

fn together(context: &CheckContext<'_>, shard: &Shard) -> Option<Finding> {
    let subject = format!("shard {}", shard.number);
    let nodes = || list(std::iter::once(&shard.master).chain(&shard.replicas).map(|node| &node.member.name));
    if let Some(worker) = beside(shard) {
        let message =
            format!("all nodes of shard {} are on worker {worker}: if it fails, keys may be lost", shard.number);
        let evidence = format!("nodes there: {}", nodes());
        return Some(Code::ShardOnOneWorker.found(&subject, message, evidence, context.hints.pods()));
    }
    let zone = only_domain(shard, FailureDomain::Zone).filter(|_| zones(context) > 1)?;
    let message = format!("all nodes of shard {} are in zone {zone}: if it fails, keys may be lost", shard.number);
    Some(Code::ShardInOneZone.found(&subject, message, format!("nodes there: {}", nodes()), context.hints.pods()))
}

fn beside(shard: &Shard) -> Option<&str> {
    only_domain(shard, FailureDomain::Worker)
}

/// Only the zones that the nodes use are known.
fn zones(context: &CheckContext<'_>) -> usize {
    let zones: std::collections::BTreeSet<&str> =
        context.topology.nodes().filter_map(|node| node.member.zone.as_deref()).collect();
    zones.len()
}

/// A worker, or a zone, without which no majority could elect new masters.
fn majority(context: &CheckContext<'_>) -> Option<Finding> {
    if lacks_majority(context) {
        return None;
    }
    let masters = context.topology.owners().count();
    // Wherever masters are gone for now, too: it is about where they are placed.
    let is_half = |impact: &FailureImpact| impact.masters * 2 >= masters;
    let worst = |domain| impacts_of(context.topology, domain).into_iter().find(is_half);
    let (code, impact) = worst(FailureDomain::Worker)
        .map(|impact| (Code::MajorityOnOneWorker, impact))
        .or_else(|| Some((Code::MajorityInOneZone, worst(FailureDomain::Zone).filter(|_| zones(context) > 1)?)))
        .filter(|_| masters > 2)?;
    let domain = impact.domain.as_str();
    let there = context.topology.owners().filter(|owner| impact.domain.of(&owner.member) == Some(&impact.name));
    let finding = code.found(
        &impact.name,
        format!("if {domain} {} fails, no majority of masters is left for a failover", impact.name),
        format!("{} of {masters} masters run there: {}", impact.masters, list(there.map(|node| &node.member.name))),
        switchover(context, impact.domain).unwrap_or_else(|| context.hints.pods()),
    );
    let inevitable = impact.domain == FailureDomain::Zone && zones(context) < 3;
    Some(if inevitable { finding.at(Severity::Info) } else { finding })
}

/// Lets a replica change places with its master: the one after which the fewest masters are where
/// they are too many, if that is fewer than now.
fn switchover(context: &CheckContext<'_>, domain: FailureDomain) -> Option<String> {
    let shards: Vec<&Shard> = context.topology.shards.iter().filter(|shard| !shard.slots.is_empty()).collect();
    let now = crowded(domain, shards.iter().map(|shard| &shard.master));
    let after = |changed: usize, replica| {
        let masters = shards.iter().enumerate();
        crowded(domain, masters.map(|(index, shard)| if index == changed { replica } else { &shard.master }))
    };
    let replicas =
        shards.iter().enumerate().flat_map(|(index, shard)| shard.replicas.iter().map(move |each| (index, each)));
    let able = replicas.filter(|(_, replica)| replica.is_linked() && replica.is_candidate());
    let choices = able.map(|(index, replica)| (after(index, replica), replica));
    let (_, replica) = choices.filter(|(crowd, _)| *crowd < now).min_by_key(|(crowd, _)| *crowd)?;
    Some(context.hints.redis(&replica.member, "cluster failover"))
}

/// How many masters are where half of them or more are.
fn crowded<'a>(domain: FailureDomain, masters: impl Iterator<Item = &'a NodeFacts>) -> usize {
    let places: Vec<Option<&str>> = masters.map(|master| domain.of(&master.member)).collect();
    let together = |place: &Option<&str>| places.iter().filter(|each| *each == place).count();
    places.iter().filter(|place| place.is_some() && together(place) * 2 >= places.len()).count()
}

fn workers(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(workers) = context.around().workers.seen() else { return Vec::new() };
    let found = workers.iter().filter_map(|(name, worker)| {
        let nodes = context.topology.nodes().filter(|node| node.member.worker.as_ref() == Some(name));
        let evidence = format!("nodes there: {}", list(nodes.map(|node| &node.member.name)));
        let hint = context.hints.describe_worker(name);
        if !worker.ready {
            let message = format!("worker {name} is not ready");
            Some(Code::WorkerNotReady.found(name, message, evidence, hint))
        } else if worker.pressure.is_empty() {
            None
        } else {
            let message = format!("worker {name} has {} and may evict pods", worker.pressure.join(", "));
            Some(Code::WorkerUnderPressure.found(name, message, evidence, hint))
        }
    });
    found.collect()
}
