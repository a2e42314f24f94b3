//! What Kubernetes reports about a cluster: its pods' state, Services, PodDisruptionBudgets,
//! volumes and workers.

use super::node::{Endpoint, NodeNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Labels, or a selector that requires all of them.
pub type Labels = BTreeMap<String, String>;

/// The label with the name of the cluster that an object belongs to.
pub const INSTANCE: &str = "app.kubernetes.io/instance";

/// Something that was read, skipped, or could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lookup<T> {
    #[default]
    Skipped,
    Seen(T),
    /// The reason.
    Denied(String),
}

impl<T> Lookup<T> {
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::Skipped | Self::Denied(_) => None,
        }
    }
}

impl<T> From<Result<T, String>> for Lookup<T> {
    fn from(result: Result<T, String>) -> Self {
        result.map_or_else(Self::Denied, Self::Seen)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// When it was read, in seconds since 1970.
    pub now: i64,
    /// Of the namespace.
    pub services: Lookup<Vec<Service>>,
    /// Of the namespace.
    pub budgets: Lookup<Vec<Budget>>,
    /// By name.
    pub claims: Lookup<BTreeMap<String, Claim>>,
    /// By volume claim, as the kubelets measure it.
    pub usage: Lookup<BTreeMap<String, Usage>>,
    /// By name.
    pub workers: Lookup<BTreeMap<String, Worker>>,
    /// The last log lines of crash-looping containers, by pod.
    pub last_log_lines: Lookup<BTreeMap<String, String>>,
    /// Those that make the pods.
    pub controllers: Lookup<Vec<ControllerState>>,
    /// Services of this tool that the cluster lacks: by name, with a manifest to make them by, or nothing
    /// if that is not known.
    pub lost_services: BTreeMap<String, String>,
    /// Secrets and ConfigMaps that pods refer to and that do not exist.
    pub lost_configuration: BTreeSet<Reference>,
    /// What was not answered beside the rest, and why.
    pub unanswered: BTreeMap<String, String>,
    /// Pods that the selector matches, and that are no nodes.
    pub bystanders: Vec<String>,
}

/// What makes a pod: a StatefulSet, a Deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Controller {
    pub kind: String,
    pub name: String,
}

/// As an argument of kubectl: `statefulset redis-001-node-101`.
impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.to_lowercase(), self.name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerState {
    pub controller: Controller,
    /// The node whose pod it makes, if this tool created it.
    pub number: Option<NodeNumber>,
    pub desired: usize,
    /// Pods that it has made, ready or not.
    pub made: usize,
    /// Whether it makes a pod only when all before are ready.
    pub in_order: bool,
    /// Why it could not make its last pod.
    pub failure: Option<String>,
}

impl ControllerState {
    pub fn lacks_pods(&self) -> bool {
        self.made < self.desired
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Configuration {
    Secret,
    ConfigMap,
}

/// A Secret or ConfigMap that a pod cannot start without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub kind: Configuration,
    pub name: String,
    /// The keys that the server has in its environment, and in which variables.
    pub variables: BTreeMap<String, String>,
    /// Whether the pod has more of it than these.
    pub has_more: bool,
    /// What this tool labels it with; empty if it is not this tool's.
    pub labels: Labels,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodState {
    pub labels: Labels,
    /// And since when, in seconds since 1970.
    pub ready: Option<(bool, i64)>,
    /// Seconds until the readiness probe has run at the latest.
    pub probe_delay: u64,
    /// None if the server is running.
    pub trouble: Option<Trouble>,
    pub restarts: u32,
    pub last_end: Option<End>,
    /// In bytes.
    pub memory_limit: Option<u64>,
    pub claims: Vec<String>,
    pub host_ip: Option<String>,
    /// Ports of its worker that lead to it.
    pub host_ports: BTreeSet<u16>,
    /// The port of the bus in the pod, if it is declared.
    pub bus_port: Option<u16>,
    pub controller: Option<Controller>,
    /// Whether its containers say that one of them is a Redis server.
    pub looks_like_server: bool,
    /// The init container because of which the server has not started.
    pub failing_init: Option<String>,
    /// The image of the server's container.
    pub image: Option<String>,
    /// Secrets and ConfigMaps without which it does not start.
    pub needs: Vec<Reference>,
    /// When something about it last changed, in seconds since 1970.
    pub changed: Option<i64>,
}

/// How a container terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// As in Kubernetes: `OOMKilled`, `Error`.
    pub reason: String,
    pub code: i32,
    /// In seconds since 1970.
    pub at: Option<i64>,
}

/// Why a pod's server is not running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    NoPod,
    Unschedulable,
    /// The image pull failed.
    Image,
    /// The container cannot be created: a Secret, ConfigMap or volume is missing.
    Container,
    CrashLoop,
    OutOfMemory,
    Ended,
    /// The pod is being deleted.
    Deleted,
    Starting,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// The node that it belongs to, if this tool created it.
    pub number: Option<NodeNumber>,
    /// Whether this tool created it for the cluster that is checked.
    pub ours: bool,
    /// Cluster IPs, which no other Service has.
    pub addresses: BTreeSet<String>,
    /// External IPs and load balancer IPs: other Services may have them too, with other ports.
    pub shared_addresses: BTreeSet<String>,
    /// Empty if its endpoints are managed without a selector.
    pub selector: Labels,
    pub ports: BTreeSet<u16>,
    /// On every worker.
    pub node_ports: BTreeSet<u16>,
    /// `publishNotReadyAddresses`.
    pub leads_to_unready: bool,
}

impl Service {
    pub fn selects(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && carries(labels, &self.selector)
    }

    /// Not by a NodePort.
    pub fn is_at(&self, at: &Endpoint) -> bool {
        self.addresses.contains(&at.host) || self.shared_addresses.contains(&at.host) && self.ports.contains(&at.port)
    }
}

/// Whether the labels match the selector.
pub fn carries(labels: &Labels, selector: &Labels) -> bool {
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    pub name: String,
    /// None if the selector has expressions, which are not evaluated here.
    pub selector: Option<Labels>,
    /// A number or a percentage.
    pub max_unavailable: Option<String>,
    /// A number or a percentage.
    pub min_available: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// `Bound`, `Pending` or `Lost`.
    pub phase: String,
    /// A deleted claim exists until its last pod terminates.
    pub deleted: bool,
}

/// In bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub used: u64,
    pub free: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    pub zone: Option<String>,
    /// Inside and outside the cluster.
    pub addresses: BTreeSet<String>,
    pub ready: bool,
    /// Conditions such as `MemoryPressure`.
    pub pressure: Vec<String>,
}
