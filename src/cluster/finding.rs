//! What can be wrong with a cluster: the codes, and one finding.

mod all;

use std::fmt;

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
    /// What kind of thing.
    pub code: Code,
    /// How much it matters here.
    pub severity: Severity,
    /// Which node, shard, worker or object it is about.
    pub subject: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was seen.
    pub evidence: String,
    /// A command that shows more or mends it.
    pub hint: String,
}

/// A kind of thing that can be wrong. `docs/findings.md` lists them.
#[expect(missing_docs, reason = "entry() says what each means")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    // Slots.
    SlotsUncovered,
    SlotsOwnedTwice,
    KeysAstray,
    SlotsOpen,
    TooFewMasters,
    ReplicaMissing,
    NoReplica,
    SlotsUneven,
    MasterWithoutSlots,
    // Views.
    ViewsDisagree,
    StateFail,
    EpochsCollide,
    NodeWithoutPod,
    PodOutsideCluster,
    ForeignNode,
    NodeFailed,
    NodeSuspected,
    NodeInHandshake,
    NodeWithoutAddress,
    BusLinkDown,
    AddressOfAnother,
    AddressStale,
    AddressNotService,
    // Replication.
    ReplicaLinkDown,
    ReplicaLags,
    ReplicaOfReplica,
    ReplicaOfNobody,
    FullSyncLoop,
    ReplicaEmpty,
    // Nodes that do not answer.
    NodeUnreachable,
    NodeWaiting,
    DataLost,
    NodeLoading,
    PasswordsDiffer,
    // Pods.
    PodMissing,
    PodUnschedulable,
    ImageNotPulled,
    ContainerNotMade,
    CrashLoop,
    OutOfMemory,
    PodStarting,
    PodNotReady,
    ContainerRestarted,
    // Placement.
    ShardOnOneWorker,
    ShardInOneZone,
    MajorityOnOneWorker,
    MajorityInOneZone,
    WorkerNotReady,
    WorkerUnderPressure,
    // Budgets.
    BudgetMissing,
    BudgetUseless,
    BudgetsOverlap,
    // Services.
    ServiceWithoutEndpoint,
    ServiceWithoutPort,
    // Volumes.
    VolumeLost,
    VolumeFull,
    PersistenceFails,
    PersistenceOff,
    // Settings.
    VersionsDiffer,
    SettingsDiffer,
    MaxmemoryTooHigh,
}

impl Code {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// How much it usually matters.
    pub fn severity(self) -> Severity {
        self.entry().1
    }

    /// What it means, and when it matters more or less than usual.
    pub fn meaning(self) -> &'static str {
        self.entry().2
    }

    /// Whether it is only the shadow of nodes that were not heard.
    pub fn follows_from_silence(self) -> bool {
        matches!(self, Self::NodeUnreachable)
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn entry(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Error, Info, Warning};
        match self {
            Self::SlotsUncovered => {
                ("slots-uncovered", Error, "Some slots have no owner: their keys cannot be read or written.")
            }
            Self::SlotsOwnedTwice => (
                "slots-owned-twice",
                Error,
                "Two masters say that they own the same slots: writes go to either, and one of them will lose its keys.",
            ),
            Self::KeysAstray => (
                "keys-astray",
                Error,
                "A master holds keys of slots that another one owns: nobody can read them. Looked for with `--search-multiple-owners` only.",
            ),
            Self::SlotsOpen => (
                "slots-open",
                Warning,
                "Slots are being moved, or a move was interrupted: on both sides, or on one side alone.",
            ),
            Self::TooFewMasters => (
                "too-few-masters",
                Warning,
                "Fewer than three masters own slots: when one is lost, the others have no majority to elect a new one.",
            ),
            Self::ReplicaMissing => {
                ("replica-missing", Warning, "A shard has fewer replicas than it was made with, or than others have.")
            }
            Self::NoReplica => {
                ("no-replica", Info, "No shard has a replica: whoever loses a node loses its slots until it is back.")
            }
            Self::SlotsUneven => {
                ("slots-uneven", Info, "A master owns more than one and a half times its share of the slots.")
            }
            Self::MasterWithoutSlots => ("master-without-slots", Info, "A master owns no slots: it serves nobody."),
            Self::ViewsDisagree => {
                ("views-disagree", Warning, "The nodes hold different views of owners, roles and members.")
            }
            Self::StateFail => ("state-fail", Error, "Nodes say `cluster_state:fail`: they answer no client."),
            Self::EpochsCollide => (
                "epochs-collide",
                Warning,
                "Two masters have the same configuration epoch: should they ever claim the same slot, no rule decides.",
            ),
            Self::NodeWithoutPod => (
                "node-without-pod",
                Warning,
                "The cluster knows a node that no pod answers for. An error where it owns slots.",
            ),
            Self::PodOutsideCluster => {
                ("pod-outside-cluster", Warning, "A pod runs a Redis node that no other node knows.")
            }
            Self::ForeignNode => (
                "foreign-node",
                Error,
                "The cluster knows a node that was not made for it: two clusters have met, and may take slots from each other.",
            ),
            Self::NodeFailed => ("node-failed", Error, "A node answers, but its peers take it for failed (`fail`)."),
            Self::NodeSuspected => {
                ("node-suspected", Warning, "A node answers, but some peer cannot reach it (`fail?`).")
            }
            Self::NodeInHandshake => (
                "node-in-handshake",
                Warning,
                "A node has been introduced to a peer and is not accepted (`handshake`).",
            ),
            Self::NodeWithoutAddress => (
                "node-without-address",
                Error,
                "A peer has forgotten a node's address (`noaddr`): it never calls it again, and never takes it for failed.",
            ),
            Self::BusLinkDown => (
                "bus-link-down",
                Warning,
                "A node's bus link to a peer is down, though both answer and nobody is taken for failed.",
            ),
            Self::AddressOfAnother => (
                "address-of-another-node",
                Error,
                "A node is known by an address that belongs to another node: clients and peers reach the wrong one.",
            ),
            Self::AddressStale => (
                "address-stale",
                Error,
                "A node is known by an address that is neither its pod's nor one of its Services'.",
            ),
            Self::AddressNotService => (
                "address-not-service",
                Warning,
                "A node announces its pod's address instead of its Service's: it is lost with the pod.",
            ),
            Self::ReplicaLinkDown => {
                ("replica-link-down", Warning, "A replica is not linked to its master, or is still copying it.")
            }
            Self::ReplicaLags => (
                "replica-lags",
                Warning,
                "A linked replica is behind its master by more than 16 MiB and than the replication backlog holds: after a short cut it must copy everything.",
            ),
            Self::ReplicaOfReplica => {
                ("replica-of-replica", Warning, "A replica follows a replica: no shard counts on it.")
            }
            Self::ReplicaOfNobody => (
                "replica-of-nobody",
                Error,
                "A replica follows a master that the cluster does not know, or a wrong address of it.",
            ),
            Self::FullSyncLoop => (
                "full-sync-loop",
                Warning,
                "A replica copies its master from the beginning again and again, and never gets done.",
            ),
            Self::ReplicaEmpty => (
                "replica-empty",
                Error,
                "A linked replica holds no key, and its master does: a failover would lose them.",
            ),
            Self::NodeUnreachable => {
                ("node-unreachable", Error, "A node's pod runs, but the node did not answer. A warning for a replica.")
            }
            Self::NodeWaiting => (
                "node-waiting",
                Error,
                "A node may not start yet: others may hold its shard's data, or newer data. A warning for a replica.",
            ),
            Self::DataLost => {
                ("data-lost", Error, "A whole shard has lost its data and stays down until a person accepts the loss.")
            }
            Self::NodeLoading => (
                "node-loading",
                Error,
                "A node is still reading its data from disk and answers nobody yet. A warning for a replica.",
            ),
            Self::PasswordsDiffer => ("passwords-differ", Error, "A node refuses the password that other nodes take."),
            Self::PodMissing => ("pod-missing", Error, "A node has no pod. A warning for a replica."),
            Self::PodUnschedulable => {
                ("pod-unschedulable", Error, "No worker may take a node's pod. A warning for a replica.")
            }
            Self::ImageNotPulled => {
                ("image-not-pulled", Error, "A node's image cannot be had. A warning for a replica.")
            }
            Self::ContainerNotMade => (
                "container-not-made",
                Error,
                "A node's container cannot be made: a Secret, a ConfigMap or a volume is missing. A warning for a replica.",
            ),
            Self::CrashLoop => {
                ("crash-loop", Error, "A node's container ends again and again, or has ended. A warning for a replica.")
            }
            Self::OutOfMemory => (
                "out-of-memory",
                Error,
                "The kernel ended a node's container for its memory. A warning once it runs again, info an hour later.",
            ),
            Self::PodStarting => ("pod-starting", Warning, "A node's pod has not started its container yet."),
            Self::PodNotReady => (
                "pod-not-ready",
                Warning,
                "A node has been well for as long as its readiness probe takes, and its pod is not ready: Services leave it out.",
            ),
            Self::ContainerRestarted => (
                "container-restarted",
                Info,
                "A node's container was started again. A warning when it was three times or more, the last one within the hour.",
            ),
            Self::ShardOnOneWorker => {
                ("shard-on-one-worker", Warning, "A master and its replica share a worker: losing it may lose keys.")
            }
            Self::ShardInOneZone => (
                "shard-in-one-zone",
                Warning,
                "All nodes of a shard are in one zone, though the cluster has others: losing it may lose keys.",
            ),
            Self::MajorityOnOneWorker => (
                "majority-on-one-worker",
                Warning,
                "Half of the masters or more are on one worker: when it is lost, nobody elects new ones.",
            ),
            Self::MajorityInOneZone => (
                "majority-in-one-zone",
                Warning,
                "Half of the masters or more are in one zone: when it is lost, nobody elects new ones. Info with fewer than three zones.",
            ),
            Self::WorkerNotReady => ("worker-not-ready", Error, "A worker with nodes of the cluster is not ready."),
            Self::WorkerUnderPressure => (
                "worker-under-pressure",
                Warning,
                "A worker with nodes of the cluster is short of memory, disk or processes: it may evict them.",
            ),
            Self::BudgetMissing => (
                "budget-missing",
                Warning,
                "No disruption budget covers the nodes: a drain may take a whole shard at once. Info for a single node.",
            ),
            Self::BudgetUseless => (
                "budget-useless",
                Warning,
                "A disruption budget lets as many nodes go at once as a shard has, or as make a majority.",
            ),
            Self::BudgetsOverlap => (
                "budgets-overlap",
                Warning,
                "Two disruption budgets cover one pod: Kubernetes then evicts it never, and drains hang.",
            ),
            Self::ServiceWithoutEndpoint => {
                ("service-without-endpoint", Error, "A Service of the cluster leads to no pod.")
            }
            Self::ServiceWithoutPort => (
                "service-without-port",
                Error,
                "A node announces a Service that lacks the node's client or bus port: peers cannot reach it there.",
            ),
            Self::VolumeLost => (
                "volume-lost",
                Error,
                "A node's volume claim is gone, has lost its volume, has none yet, or was deleted and goes with the pod.",
            ),
            Self::VolumeFull => ("volume-full", Error, "A node's volume has less than 5 % left. A warning below 15 %."),
            Self::PersistenceFails => (
                "persistence-fails",
                Error,
                "A node could not write its data to disk: it may refuse writes, and a restart loses keys.",
            ),
            Self::PersistenceOff => (
                "persistence-off",
                Warning,
                "A node has a volume and writes no data to it: neither an append-only file nor snapshots.",
            ),
            Self::VersionsDiffer => ("versions-differ", Warning, "The nodes run different versions of the server."),
            Self::SettingsDiffer => {
                ("settings-differ", Warning, "The nodes have different settings where they should be the same.")
            }
            Self::MaxmemoryTooHigh => (
                "maxmemory-too-high",
                Warning,
                "`maxmemory` is none, or more than two thirds of the container's limit: copy-on-write and buffers need the rest.",
            ),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Code::ALL.into_iter().map(Code::name).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let variants = include_str!("finding.rs").split("enum Code {").nth(1).and_then(|rest| rest.split('}').next());
        assert_eq!(variants.map(|text| text.matches(",\n").count()), Some(Code::ALL.len()));
    }

    #[test]
    fn the_documentation_lists_every_code_with_its_meaning() {
        let row = |code: Code| {
            format!("| [`{code}`](troubleshooting.md#{code}) | {} | {} |\n", code.severity().as_str(), code.meaning())
        };
        let rows: String = Code::ALL.into_iter().map(row).collect();
        let documented = include_str!("../../docs/findings.md");
        assert!(documented.contains(&rows), "docs/findings.md must have these lines:\n{rows}");
    }

    /// Its sections are the groups and the codes of this file, in the same order.
    #[test]
    fn the_help_for_the_night_has_a_section_for_every_code() {
        let variants = include_str!("finding.rs").split("enum Code {\n").nth(1).and_then(|rest| rest.split('}').next());
        let mut codes = Code::ALL.into_iter();
        let heading = |line: &str| match line.trim().strip_prefix("// ") {
            Some(group) => format!("## {}", group.trim_end_matches('.')),
            None => format!("### {}", codes.next().expect("as many codes as variants")),
        };
        let wanted: Vec<String> = variants.expect("the codes").trim_end().lines().map(heading).collect();
        let documented = include_str!("../../docs/troubleshooting.md");
        let help = documented.find(&wanted[0]).map_or("", |start| &documented[start..]);
        let headings: Vec<&str> = help.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, wanted);
        let sections = help.split("\n### ").skip(1);
        let silent: Vec<&str> = sections.filter(|section| !section.contains("**Do:**")).collect();
        assert!(silent.is_empty(), "these sections do not say what to do: {silent:#?}");
    }
}
