//! What Kubernetes says of the things around a cluster: its pods' state, Services,
//! disruption budgets, volumes and workers.

use super::node::NodeNumber;
use std::collections::{BTreeMap, BTreeSet};

/// Labels, or a selector that wants all of them.
pub type Labels = BTreeMap<String, String>;

/// Something that was looked at, or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Look<T> {
    /// Nobody asked for it.
    #[default]
    Skipped,
    /// What was seen.
    Seen(T),
    /// Why it could not be seen.
    Denied(String),
}

impl<T> Look<T> {
    /// What was seen, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::Skipped | Self::Denied(_) => None,
        }
    }
}

impl<T> From<Result<T, String>> for Look<T> {
    fn from(result: Result<T, String>) -> Self {
        result.map_or_else(Self::Denied, Self::Seen)
    }
}

/// Everything around the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// When it was looked at, in seconds since 1970.
    pub now: i64,
    /// The namespace's Services.
    pub services: Look<Vec<Service>>,
    /// The namespace's disruption budgets.
    pub budgets: Look<Vec<Budget>>,
    /// The pods' volume claims by name.
    pub claims: Look<BTreeMap<String, Claim>>,
    /// How full volumes are, by claim; as the workers measure it.
    pub usage: Look<BTreeMap<String, Usage>>,
    /// The pods' workers by name.
    pub workers: Look<BTreeMap<String, Worker>>,
    /// The last lines of containers that end again and again, by pod.
    pub last_words: Look<BTreeMap<String, String>>,
}

/// What Kubernetes says of a node's pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodState {
    /// Its labels.
    pub labels: Labels,
    /// Whether it is ready, and since when in seconds since 1970.
    pub ready: Option<(bool, i64)>,
    /// How long it takes at most until a probe has seen that the server is well, in seconds.
    pub probe_delay: u64,
    /// Why its server does not run; none when it does.
    pub trouble: Option<Trouble>,
    /// How often the server's container was started again.
    pub restarts: u32,
    /// How the server's container ended the last time.
    pub last_end: Option<End>,
    /// The server's memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// The volume claims that it uses.
    pub claims: Vec<String>,
    /// The address of its worker.
    pub host_ip: Option<String>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Kubernetes' word for it: `OOMKilled`, `Error`.
    pub reason: String,
    /// The exit code.
    pub code: i32,
    /// When, in seconds since 1970.
    pub at: Option<i64>,
}

/// Why a pod's server does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of thing it is.
    pub kind: TroubleKind,
    /// One sentence about it.
    pub text: String,
}

/// What keeps a pod's server from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// There is no pod.
    NoPod,
    /// No worker may take the pod.
    Unschedulable,
    /// The image cannot be had.
    Image,
    /// The container cannot be made: a Secret, ConfigMap or volume is missing.
    Container,
    /// It ends again and again.
    CrashLoop,
    /// The kernel ended it for its memory.
    OutOfMemory,
    /// It ended.
    Ended,
    /// It has not been started yet.
    Starting,
}

/// A Service of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The node that it was made for, where this tool made it.
    pub number: Option<NodeNumber>,
    /// Whether this tool made it for the cluster that is looked at.
    pub ours: bool,
    /// The addresses that lead to it.
    pub addresses: BTreeSet<String>,
    /// What its pods carry; empty where somebody else names its endpoints.
    pub selector: Labels,
    /// Its ports.
    pub ports: BTreeSet<u16>,
    /// Whether it leads to pods that are not ready too.
    pub leads_to_unready: bool,
}

impl Service {
    /// Whether a pod with these labels is behind it.
    pub fn selects(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && carries(labels, &self.selector)
    }
}

/// Whether the labels have all that the selector wants.
pub fn carries(labels: &Labels, selector: &Labels) -> bool {
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// A disruption budget of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// What its pods carry; one that is not made of labels alone selects by a rule that is
    /// not looked at.
    pub selector: Option<Labels>,
    /// How many of its pods may be gone: a number, or a percentage.
    pub max_unavailable: Option<String>,
    /// How many of its pods must stay: a number, or a percentage.
    pub min_available: Option<String>,
}

/// A volume claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// `Bound`, `Pending` or `Lost`.
    pub phase: String,
    /// Whether somebody has deleted it; it goes with its last pod.
    pub deleted: bool,
}

/// How full a volume is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What it holds.
    pub used: u64,
    /// What is left.
    pub free: u64,
}

/// A worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    /// Its zone.
    pub zone: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
    /// The conditions that say that it is short of something: `MemoryPressure`.
    pub pressure: Vec<String>,
}
