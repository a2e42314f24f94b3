//! What is wrong with a cluster: every finding with its evidence and a command that
//! helps, what could not be looked at, and the verdict of both.

mod addresses;
mod budgets;
mod context;
mod hints;
mod nodes;
mod placement;
mod pods;
mod replication;
mod services;
mod settings;
mod slots;
mod views;
mod volumes;

use super::finding::{Finding, Severity};
use super::snapshot::{Silence, Snapshot};
use super::surroundings::Look;
use super::topology::Topology;
use context::CheckContext;
pub use hints::Hints;
pub use placement::{FailureDomain, FailureImpact, failure_impacts};
pub use settings::PATTERN;

/// What was found, and what was not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
    /// Whether no verdict can be given without it.
    pub matters: bool,
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of this severity was found, and nothing that matters was left out.
    Healthy,
    /// Something was found.
    Unhealthy,
    /// Nothing was found, but something that matters could not be looked at.
    Unclear,
}

impl Report {
    /// The verdict, where only findings of at least this severity count.
    pub fn verdict(&self, bar: Severity) -> Verdict {
        if self.findings.iter().any(|finding| finding.severity >= bar) {
            Verdict::Unhealthy
        } else if self.gaps.iter().any(|gap| gap.matters) {
            Verdict::Unclear
        } else {
            Verdict::Healthy
        }
    }
}

/// Looks at everything that was seen.
pub fn check(snapshot: &Snapshot, topology: &Topology) -> Report {
    let context = CheckContext { snapshot, topology, hints: Hints { snapshot } };
    let parts = [
        slots::check,
        nodes::check,
        pods::check,
        views::check,
        addresses::check,
        replication::check,
        placement::check,
        budgets::check,
        services::check,
        volumes::check,
        settings::check,
    ];
    let mut findings: Vec<Finding> = parts.into_iter().flat_map(|part| part(&context)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let gaps = gaps(snapshot);
    if nobody_was_asked(snapshot) {
        // Their silence is ours.
        findings.retain(|finding| !finding.code.follows_from_silence());
    }
    Report { findings, gaps }
}

/// Whether not one node answered, and Kubernetes knows no reason.
fn nobody_was_asked(snapshot: &Snapshot) -> bool {
    let mute = |silence: &Silence| matches!(silence, Silence::Unreachable(_) | Silence::Refused(_));
    snapshot.seen.iter().all(|seen| seen.member.state.trouble.is_none() && seen.view.as_ref().err().is_some_and(mute))
}

fn gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let around = &snapshot.around;
    let kubernetes = [
        ("Services", denied(&around.services)),
        ("disruption budgets", denied(&around.budgets)),
        ("volume claims", denied(&around.claims)),
        ("how full the volumes are", denied(&around.usage)),
        ("workers and zones", denied(&around.workers)),
        ("what ended containers have printed", denied(&around.last_words)),
    ];
    let kubernetes = kubernetes
        .into_iter()
        .filter_map(|(what, why)| Some(Gap { what: what.to_owned(), why: why?.to_owned(), matters: false }));
    let all_mute = nobody_was_asked(snapshot);
    let nodes = snapshot.seen.iter().filter_map(|seen| {
        let name = &seen.member.name;
        match &seen.view {
            Err(Silence::Refused(why)) => Some(Gap { what: name.clone(), why: why.clone(), matters: true }),
            Err(Silence::Unreachable(why)) if all_mute => {
                Some(Gap { what: name.clone(), why: why.clone(), matters: true })
            }
            Err(_) => None,
            Ok(view) => {
                let why = denied(&view.settings)?.to_owned();
                Some(Gap { what: format!("the settings of {name}"), why, matters: false })
            }
        }
    });
    kubernetes.chain(nodes).collect()
}

fn denied<T>(look: &Look<T>) -> Option<&str> {
    match look {
        Look::Denied(why) => Some(why),
        Look::Skipped | Look::Seen(_) => None,
    }
}

#[cfg(test)]
mod tests;
