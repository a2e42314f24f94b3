//! What is wrong with a cluster, each finding with a command that helps.

use super::node::{NodeId, Role};
use super::slots::{SLOTS, SlotSet};
use super::snapshot::{Silence, Snapshot};
use super::topology::{NodeFacts, Shard, Signature, Topology, signature, wanted_replicas};
use std::collections::BTreeMap;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The next fault may cost service or data.
    Warning,
    /// Service or data suffer now.
    Error,
}

impl Severity {
    /// The word for people and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing; stable.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Which node, shard or worker it is about.
    pub subject: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was seen.
    pub evidence: String,
    /// A command that shows more or mends it.
    pub hint: String,
}

/// All findings, the worst first.
pub fn check(snapshot: &Snapshot, topology: &Topology) -> Vec<Finding> {
    let context = Context { snapshot, topology };
    let mut findings = Vec::new();
    findings.extend(context.uncovered_slots());
    findings.extend(topology.nodes().filter_map(|node| context.silent(node)));
    findings.extend(context.failed_nodes());
    findings.extend(topology.nodes().filter_map(|node| context.broken_link(node)));
    findings.extend(topology.shards.iter().filter_map(|shard| context.missing_replica(shard)));
    findings.extend(context.disagreement());
    findings.extend(context.open_slots());
    findings.extend(topology.shards.iter().flat_map(|shard| context.same_worker(shard)));
    findings.extend(context.masters_on_one_worker());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

struct Context<'a> {
    snapshot: &'a Snapshot,
    topology: &'a Topology,
}

impl Context<'_> {
    fn uncovered_slots(&self) -> Option<Finding> {
        let covered: SlotSet = self.topology.shards.iter().flat_map(|shard| shard.slots.ranges().to_vec()).collect();
        let gap = covered.complement();
        (!gap.is_empty() && self.snapshot.answered().next().is_some()).then(|| Finding {
            code: "slots-uncovered",
            severity: Severity::Error,
            subject: format!("slots {gap}"),
            message: format!("{} of {SLOTS} slots have no owner: their keys cannot be read or written", gap.len()),
            evidence: format!("no reachable view names an owner of {gap}"),
            hint: self.logs(),
        })
    }

    fn silent(&self, node: &NodeFacts) -> Option<Finding> {
        let silence = node.error.as_ref()?;
        let name = &node.member.name;
        let (code, message, hint) = match silence {
            Silence::Unreachable(_) => ("node-unreachable", format!("{name} did not answer"), self.describe(node)),
            Silence::Waiting(_) => ("node-waiting", format!("{name} may not start yet"), self.node_logs(node)),
            Silence::DataLost(_) => {
                let message = format!("{name} and its whole shard have lost their data, and stay down");
                ("data-lost", message, self.accept(node))
            }
        };
        let lost = matches!(silence, Silence::DataLost(_));
        let severity = if node.role == Some(Role::Replica) && !lost { Severity::Warning } else { Severity::Error };
        Some(Finding { code, severity, subject: name.clone(), message, evidence: silence.to_string(), hint })
    }

    fn describe(&self, node: &NodeFacts) -> String {
        match &node.member.pod {
            Some(pod) => format!("kubectl -n {} describe pod {pod}", self.snapshot.namespace),
            None => format!("kubectl -n {} get events", self.snapshot.namespace),
        }
    }

    fn accept(&self, node: &NodeFacts) -> String {
        let shard = node.member.number.map(|number| format!(" --shard {}", number.shard())).unwrap_or_default();
        format!("{}{shard}", self.command("accept-loss"))
    }

    /// Nodes that answer us, but that some peer takes for dead.
    fn failed_nodes(&self) -> Vec<Finding> {
        let mut accused: BTreeMap<&NodeId, Vec<&str>> = BTreeMap::new();
        for (member, view) in self.snapshot.answered() {
            for line in view.nodes.iter().filter(|line| line.flags.is_failed() || line.flags.is_suspected()) {
                accused.entry(&line.id).or_default().push(&member.name);
            }
        }
        let reachable = self.topology.nodes().filter(|node| node.is_reachable());
        reachable
            .filter_map(|node| {
                let by = accused.get(node.id.as_ref()?)?.join(", ");
                Some(Finding {
                    code: "node-failed",
                    severity: Severity::Error,
                    subject: node.member.name.clone(),
                    message: format!("{} answers, but its peers take it for failed", node.member.name),
                    evidence: format!("flagged fail or fail? by {by}"),
                    hint: self.node_logs(node),
                })
            })
            .collect()
    }

    fn broken_link(&self, node: &NodeFacts) -> Option<Finding> {
        let server = node.server.as_ref()?;
        let evidence = match (server.link_up?, server.sync_in_progress) {
            (true, false) => return None,
            (true, true) | (false, true) => "master_sync_in_progress:1",
            (false, false) => "master_link_status:down",
        };
        Some(Finding {
            code: "replica-link-down",
            severity: Severity::Warning,
            subject: node.member.name.clone(),
            message: format!("{} is not up to date with its master", node.member.name),
            evidence: evidence.to_owned(),
            hint: self.node_logs(node),
        })
    }

    fn missing_replica(&self, shard: &Shard) -> Option<Finding> {
        let wanted = wanted_replicas(self.snapshot, shard);
        (shard.replicas.len() < wanted).then(|| Finding {
            code: "replica-missing",
            severity: Severity::Warning,
            subject: format!("shard {}", shard.number),
            message: format!("shard {} has {} of {wanted} replicas", shard.number, shard.replicas.len()),
            evidence: format!("nodes that follow {}: {}", shard.master.member.name, names(&shard.replicas)),
            hint: self.logs(),
        })
    }

    fn disagreement(&self) -> Option<Finding> {
        let mut views: BTreeMap<Signature<'_>, Vec<&str>> = BTreeMap::new();
        for (member, view) in self.snapshot.answered() {
            views.entry(signature(view)).or_default().push(&member.name);
        }
        (views.len() > 1).then(|| Finding {
            code: "views-disagree",
            severity: Severity::Warning,
            subject: self.snapshot.name.clone(),
            message: format!("the nodes hold {} different views of owners, roles and members", views.len()),
            evidence: views.values().map(|group| group.join(", ")).collect::<Vec<_>>().join(" | "),
            hint: format!("{} -o raw", self.command("info")),
        })
    }

    fn open_slots(&self) -> Vec<Finding> {
        self.snapshot
            .answered()
            .filter_map(|(member, view)| Some((member, view.myself().filter(|line| !line.open.is_empty())?)))
            .map(|(member, line)| Finding {
                code: "slots-open",
                severity: Severity::Warning,
                subject: member.name.clone(),
                message: format!("{} has slots on the move", member.name),
                evidence: line.open.join(" "),
                hint: format!("{} -o raw", self.command("info")),
            })
            .collect()
    }

    fn same_worker(&self, shard: &Shard) -> Vec<Finding> {
        let Some(worker) = &shard.master.member.worker else { return Vec::new() };
        let beside = shard.replicas.iter().filter(|replica| replica.member.worker.as_ref() == Some(worker));
        beside
            .map(|replica| Finding {
                code: "shard-on-one-worker",
                severity: Severity::Warning,
                subject: format!("shard {}", shard.number),
                message: format!("a master and its replica share the worker {worker}: losing it may lose keys"),
                evidence: format!("{} and {} run on {worker}", shard.master.member.name, replica.member.name),
                hint: format!("kubectl -n {} get pods -o wide", self.snapshot.namespace),
            })
            .collect()
    }

    /// A worker whose loss would take the majority that elects new masters.
    fn masters_on_one_worker(&self) -> Option<Finding> {
        let masters = self.topology.shards.len();
        let mut workers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for shard in &self.topology.shards {
            if let Some(worker) = &shard.master.member.worker {
                workers.entry(worker).or_default().push(&shard.master.member.name);
            }
        }
        let (worker, crowd) = workers.into_iter().find(|(_, crowd)| masters > 1 && crowd.len() * 2 >= masters)?;
        Some(Finding {
            code: "majority-on-one-worker",
            severity: Severity::Warning,
            subject: worker.to_owned(),
            message: format!("losing the worker {worker} leaves no majority of masters, so no failover"),
            evidence: format!("{} of {masters} masters run on {worker}: {}", crowd.len(), crowd.join(", ")),
            hint: format!("kubectl -n {} get pods -o wide", self.snapshot.namespace),
        })
    }

    fn node_logs(&self, node: &NodeFacts) -> String {
        match node.member.number {
            Some(number) => format!("{} --node {number} --tail 20", self.command("logs")),
            None => self.logs(),
        }
    }

    fn logs(&self) -> String {
        format!("{} --tail 20", self.command("logs"))
    }

    /// A command of ours about this cluster, whether it has a name or a selector.
    fn command(&self, verb: &str) -> String {
        let Snapshot { namespace, name, .. } = self.snapshot;
        let which = if name.contains(['=', '!', ',', ' ']) { format!("-l '{name}'") } else { name.clone() };
        format!("kubectl redis-cluster -n {namespace} {verb} {which}")
    }
}

fn names(nodes: &[NodeFacts]) -> String {
    if nodes.is_empty() {
        "none".to_owned()
    } else {
        nodes.iter().map(|node| node.member.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::topology::tests::healthy;
    use super::*;

    fn codes(snapshot: &Snapshot) -> Vec<&'static str> {
        check(snapshot, &Topology::of(snapshot)).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_healthy_cluster_has_no_finding() {
        assert!(codes(&healthy()).is_empty());
    }

    #[test]
    fn a_silent_replica() {
        let mut snapshot = healthy();
        snapshot.seen[1].view = Err("connection refused".into());
        let findings = check(&snapshot, &Topology::of(&snapshot));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Warning);
        assert_eq!(findings[0].hint, "kubectl -n default describe pod redis-001-node-102-0");
    }

    #[test]
    fn a_broken_link() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[1].view {
            view.server.link_up = Some(false);
        }
        assert_eq!(codes(&snapshot), ["replica-link-down"]);
    }

    #[test]
    fn slots_without_owner_make_the_views_differ() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[0].view {
            view.nodes[0].slots = SlotSet::default();
        }
        assert_eq!(codes(&snapshot), ["slots-uncovered", "views-disagree"]);
    }

    #[test]
    fn workers_that_hold_too_much() {
        let mut snapshot = healthy();
        for index in [0, 1, 2] {
            snapshot.seen[index].member.worker = Some("node-9".into());
        }
        assert_eq!(codes(&snapshot), ["shard-on-one-worker", "majority-on-one-worker"]);
    }

    #[test]
    fn a_peer_that_takes_a_living_node_for_dead() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[0].view {
            view.nodes[3].flags = ["slave", "fail?"].into_iter().collect();
        }
        assert_eq!(codes(&snapshot), ["node-failed"]);
    }
}
