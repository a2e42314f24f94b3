//! What is wrong with a cluster: every finding with its evidence and a command that helps, what
//! could not be checked, and the verdict.

mod addresses;
mod budgets;
mod clients;
mod configuration;
mod context;
mod controllers;
mod copies;
mod elections;
mod hints;
mod identity;
mod members;
mod nodes;
mod placement;
mod pods;
mod reach;
mod replication;
mod services;
mod settings;
mod slots;
mod views;
mod volumes;
mod writes;

use super::finding::{Finding, Severity};
use super::snapshot::{NoResponse, Snapshot};
use super::surroundings::Lookup;
use super::topology::Topology;
use context::CheckContext;
pub use hints::Hints;
pub use placement::{FailureDomain, FailureImpact, failure_impacts};
pub use settings::PATTERN;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The most severe first.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub gaps: Vec<Gap>,
    /// Whether no node could be asked, and Kubernetes gives no reason.
    pub none_responded: bool,
}

/// Something that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub what: String,
    pub why: String,
    /// Whether the check is incomplete without it.
    pub matters: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No finding of this severity, and nothing that matters was skipped.
    Healthy,
    Unhealthy,
    /// No finding, but something that matters could not be checked.
    Unclear,
}

impl Report {
    /// What was found, without the evidence: that may have ages.
    pub fn key(&self) -> String {
        let found = |finding: &Finding| format!("{} {} {}\n", finding.severity.as_str(), finding.code, finding.message);
        self.findings.iter().map(found).collect()
    }

    /// Only findings of at least severity `bar` count; while no node could be asked, only errors.
    pub fn verdict(&self, bar: Severity) -> Verdict {
        let bar = if self.none_responded { Severity::Error } else { bar };
        if self.findings.iter().any(|finding| finding.severity >= bar) {
            Verdict::Unhealthy
        } else if self.gaps.iter().any(|gap| gap.matters) {
            Verdict::Unclear
        } else {
            Verdict::Healthy
        }
    }
}

pub fn check(snapshot: &Snapshot, topology: &Topology) -> Report {
    let context = CheckContext { snapshot, topology, hints: Hints { snapshot } };
    let parts = [
        // Before what follows from it.
        elections::check,
        slots::check,
        writes::check,
        clients::check,
        copies::check,
        nodes::check,
        pods::check,
        identity::check,
        controllers::check,
        views::check,
        members::check,
        addresses::check,
        replication::check,
        placement::check,
        budgets::check,
        services::check,
        configuration::check,
        volumes::check,
        settings::check,
    ];
    let mut findings: Vec<Finding> = parts.into_iter().flat_map(|part| part(&context)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let gaps = gaps(snapshot);
    let none_responded = no_node_responded(snapshot);
    if none_responded {
        // If no node responds, the connection is the likely cause, not the nodes.
        findings.retain(|finding| !finding.code.follows_from_no_response());
    }
    Report { findings, gaps, none_responded }
}

/// Whether no node responded and Kubernetes reports no reason.
fn no_node_responded(snapshot: &Snapshot) -> bool {
    let unreachable =
        |no_response: &NoResponse| matches!(no_response, NoResponse::Unreachable(_) | NoResponse::Refused(_));
    snapshot
        .seen
        .iter()
        .all(|seen| seen.member.state.trouble.is_none() && seen.view.as_ref().err().is_some_and(unreachable))
}

fn gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let around = &snapshot.around;
    let kubernetes = [
        ("Services", denied(&around.services)),
        ("disruption budgets", denied(&around.budgets)),
        ("volume claims", denied(&around.claims)),
        ("volume usage", denied(&around.usage)),
        ("workers and zones", denied(&around.workers)),
        ("controllers of the pods", denied(&around.controllers)),
        ("logs of terminated containers", denied(&around.last_log_lines)),
    ];
    let kubernetes = kubernetes
        .into_iter()
        .filter_map(|(what, why)| Some(Gap { what: what.to_owned(), why: why?.to_owned(), matters: false }));
    let unanswered = around.unanswered.iter();
    let unanswered = unanswered.map(|(what, why)| Gap { what: what.clone(), why: why.clone(), matters: false });
    let none_responded = no_node_responded(snapshot);
    let nodes = snapshot.seen.iter().filter_map(|seen| {
        let name = &seen.member.name;
        match &seen.view {
            Err(NoResponse::Refused(why)) => Some(Gap { what: name.clone(), why: why.clone(), matters: true }),
            Err(NoResponse::Unreachable(why)) if none_responded => {
                Some(Gap { what: name.clone(), why: why.clone(), matters: true })
            }
            Err(_) => None,
            Ok(view) => {
                let why = denied(&view.settings)?.to_owned();
                Some(Gap { what: format!("the settings of {name}"), why, matters: false })
            }
        }
    });
    kubernetes.chain(unanswered).chain(nodes).collect()
}

fn denied<T>(lookup: &Lookup<T>) -> Option<&str> {
    match lookup {
        Lookup::Denied(why) => Some(why),
        Lookup::Skipped | Lookup::Seen(_) => None,
    }
}

#[cfg(test)]
mod tests;
