//! The input of every part of the check, and how findings are built.

use super::hints::Hints;
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::NodeId;
use crate::cluster::snapshot::{Snapshot, View};
use crate::cluster::surroundings::Surroundings;
use crate::cluster::topology::{NodeFacts, Topology};

pub(super) struct CheckContext<'a> {
    pub snapshot: &'a Snapshot,
    pub topology: &'a Topology,
    pub hints: Hints<'a>,
}

impl<'a> CheckContext<'a> {
    pub fn around(&self) -> &'a Surroundings {
        &self.snapshot.around
    }

    /// The node with this ID, if it has a pod.
    pub fn node(&self, id: &NodeId) -> Option<&'a NodeFacts> {
        self.topology.nodes().find(|node| node.id.as_ref() == Some(id) && !has_no_pod(node))
    }

    /// The node's name, or the beginning of its ID if it is unknown.
    pub fn name(&self, id: &NodeId) -> String {
        let known = self.topology.nodes().find(|node| node.id.as_ref() == Some(id));
        known.map_or_else(|| format!("{}...", &id.as_str()[..8]), |node| node.member.name.clone())
    }

    pub fn any_responded(&self) -> bool {
        self.snapshot.answered().next().is_some()
    }

    pub fn views(&self) -> impl Iterator<Item = (&'a str, &'a View)> {
        self.snapshot.answered().map(|(member, view)| (member.name.as_str(), view))
    }

    /// In seconds; `moment` counts from 1970.
    pub fn since(&self, moment: i64) -> u64 {
        u64::try_from(self.around().now - moment).unwrap_or_default()
    }
}

/// A node that the cluster knows and that has no pod.
pub(super) fn has_no_pod(node: &NodeFacts) -> bool {
    node.member.pod.is_none() && node.member.number.is_none()
}

impl Code {
    pub(super) fn found(self, subject: &str, message: String, evidence: String, hint: String) -> Finding {
        Finding { code: self, severity: self.severity(), subject: subject.to_owned(), message, evidence, hint }
    }
}

impl Finding {
    pub(super) fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

pub(super) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

/// `1 replica`, `2 replicas`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
