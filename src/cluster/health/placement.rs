//! Where nodes run, and what losing a worker or a zone would cost.

use super::context::{CheckContext, list};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::{Member, Silence};
use crate::cluster::topology::{NodeFacts, Shard, Topology};
use std::collections::BTreeMap;

/// What can be lost at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureDomain {
    /// One worker.
    Worker,
    /// All workers of a zone.
    Zone,
}

impl FailureDomain {
    /// The word for people and JSON.
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

/// What losing a worker or a zone would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureImpact {
    /// What is lost.
    pub domain: FailureDomain,
    /// Its name.
    pub name: String,
    /// The nodes there.
    pub nodes: usize,
    /// The masters there.
    pub masters: usize,
    /// The shards that would have no node left that answers now.
    pub shards: Vec<u32>,
    /// Whether most masters would be left, so that new ones can be elected.
    pub majority_left: bool,
}

/// What losing each worker and each zone would cost.
pub fn failure_impacts(topology: &Topology) -> Vec<FailureImpact> {
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
        let gone = |shard: &&&Shard| {
            let mut alive = std::iter::once(&shard.master).chain(&shard.replicas).filter(|node| may_live(node));
            alive.all(there)
        };
        FailureImpact {
            domain,
            name: name.to_owned(),
            nodes,
            masters,
            shards: shards.iter().filter(gone).map(|shard| shard.number).collect(),
            majority_left: (shards.len() - masters) * 2 > shards.len(),
        }
    };
    nodes.into_iter().map(impact).collect()
}

/// Whether the node answers, or would answer others.
fn may_live(node: &NodeFacts) -> bool {
    node.is_reachable() || matches!(node.error, Some(Silence::Refused(_)))
}

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let shards = context.topology.shards.iter();
    let mut findings: Vec<Finding> = shards.filter_map(|shard| together(context, shard)).collect();
    findings.extend(majority(context));
    findings.extend(workers(context));
    findings
}

/// The one place that all nodes of a shard are in, where there is one.
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
        let message = format!("a master and its replica share the worker {worker}: losing it may lose keys");
        return Some(Code::ShardOnOneWorker.found(
            &subject,
            message,
            format!("{} run there", nodes()),
            context.hints.pods(),
        ));
    }
    let zone = only_domain(shard, FailureDomain::Zone).filter(|_| zones(context) > 1)?;
    let message = format!("all of shard {} is in the zone {zone}: losing it may lose keys", shard.number);
    Some(Code::ShardInOneZone.found(&subject, message, format!("{} run there", nodes()), context.hints.pods()))
}

/// The worker of the master, where all its replicas that answer run there too.
fn beside(shard: &Shard) -> Option<&str> {
    only_domain(shard, FailureDomain::Worker)
}

/// How many zones there are; of the workers that the nodes do not use yet, nothing is known.
fn zones(context: &CheckContext<'_>) -> usize {
    let zones: std::collections::BTreeSet<&str> =
        context.topology.nodes().filter_map(|node| node.member.zone.as_deref()).collect();
    zones.len()
}

/// A worker, or a zone, whose loss would take the majority that elects new masters.
fn majority(context: &CheckContext<'_>) -> Option<Finding> {
    let masters = context.topology.owners().count();
    let worst = |domain| impacts_of(context.topology, domain).into_iter().find(|impact| !impact.majority_left);
    let (code, impact) = worst(FailureDomain::Worker)
        .map(|impact| (Code::MajorityOnOneWorker, impact))
        .or_else(|| Some((Code::MajorityInOneZone, worst(FailureDomain::Zone).filter(|_| zones(context) > 1)?)))
        .filter(|_| masters > 2)?;
    let domain = impact.domain.as_str();
    let there = context.topology.owners().filter(|owner| impact.domain.of(&owner.member) == Some(&impact.name));
    let finding = code.found(
        &impact.name,
        format!("losing the {domain} {} leaves no majority of masters, so no failover", impact.name),
        format!("{} of {masters} masters run there: {}", impact.masters, list(there.map(|node| &node.member.name))),
        context.hints.pods(),
    );
    let inevitable = impact.domain == FailureDomain::Zone && zones(context) < 3;
    Some(if inevitable { finding.at(Severity::Info) } else { finding })
}

fn workers(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(workers) = context.around().workers.seen() else { return Vec::new() };
    let found = workers.iter().filter_map(|(name, worker)| {
        let nodes = context.topology.nodes().filter(|node| node.member.worker.as_ref() == Some(name));
        let evidence = format!("nodes there: {}", list(nodes.map(|node| &node.member.name)));
        let hint = format!("kubectl describe node {name}");
        if !worker.ready {
            let message = format!("the worker {name} is not ready");
            Some(Code::WorkerNotReady.found(name, message, evidence, hint))
        } else if worker.pressure.is_empty() {
            None
        } else {
            let message = format!("the worker {name} has {}: it may evict pods", worker.pressure.join(", "));
            Some(Code::WorkerUnderPressure.found(name, message, evidence, hint))
        }
    });
    found.collect()
}
