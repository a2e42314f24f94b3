//! What every part of the check looks at, and how it words what it finds.

use super::hints::Hints;
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::NodeId;
use crate::cluster::snapshot::{Snapshot, View};
use crate::cluster::surroundings::Surroundings;
use crate::cluster::topology::{NodeFacts, Topology};

/// A cluster at one moment.
pub(super) struct CheckContext<'a> {
    pub snapshot: &'a Snapshot,
    pub topology: &'a Topology,
    pub hints: Hints<'a>,
}

impl<'a> CheckContext<'a> {
    /// What Kubernetes says of the things around the nodes.
    pub fn around(&self) -> &'a Surroundings {
        &self.snapshot.around
    }

    /// The node with this ID, if its pod is known.
    pub fn node(&self, id: &NodeId) -> Option<&'a NodeFacts> {
        self.topology.nodes().find(|node| node.id.as_ref() == Some(id) && !is_stranger(node))
    }

    /// What to call a node.
    pub fn name(&self, id: &NodeId) -> String {
        let known = self.topology.nodes().find(|node| node.id.as_ref() == Some(id));
        known.map_or_else(|| format!("{}...", &id.as_str()[..8]), |node| node.member.name.clone())
    }

    /// Whether anybody answered.
    pub fn is_heard(&self) -> bool {
        self.snapshot.answered().next().is_some()
    }

    /// The nodes that answered, with their names.
    pub fn views(&self) -> impl Iterator<Item = (&'a str, &'a View)> {
        self.snapshot.answered().map(|(member, view)| (member.name.as_str(), view))
    }

    /// Seconds since a moment.
    pub fn since(&self, moment: i64) -> u64 {
        u64::try_from(self.around().now - moment).unwrap_or_default()
    }
}

/// Whether the cluster knows the node, but no pod answers for it.
pub(super) fn is_stranger(node: &NodeFacts) -> bool {
    node.member.pod.is_none() && node.member.number.is_none()
}

impl Code {
    /// A finding of this kind: what it is about, what is wrong, what was seen, what helps.
    pub(super) fn found(self, subject: &str, message: String, evidence: String, hint: String) -> Finding {
        Finding { code: self, severity: self.severity(), subject: subject.to_owned(), message, evidence, hint }
    }
}

impl Finding {
    /// The same, but of another severity.
    pub(super) fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// Names as a list.
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
