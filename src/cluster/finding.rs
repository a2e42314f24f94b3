//! The codes of everything that `check` can find.

mod all;
mod table;

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is at risk.
    Info,
    /// The next fault may cost service or data.
    Warning,
    /// Service or data are affected now.
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    /// May differ from the code's usual severity.
    pub severity: Severity,
    /// A node, shard, worker or object.
    pub subject: String,
    /// One sentence without a period.
    pub message: String,
    pub evidence: String,
    /// A command that shows more or fixes it.
    pub hint: String,
}

/// The order is that of `docs/findings.md`; names are stable, see [`Code::name`].

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
    MajorityLost,
    EpochsCollide,
    NodeWithoutPod,
    PodOutsideCluster,
    NodeForgotten,
    ForeignNode,
    SameNodeId,
    PodNotANode,
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
    FailoverDisabled,
    // Writes.
    WritesRefused,
    ClientsDenied,
    ClientsLimit,
    // Nodes that do not answer.
    NodeUnreachable,
    NodeWaiting,
    DataLost,
    NodeLoading,
    NodeBusy,
    PasswordsDiffer,
    ClusterModeOff,
    // Pods.
    PodMissing,
    PodDeleted,
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
    ServiceMissing,
    ServiceWithoutEndpoint,
    ServiceWithoutPort,
    // Secrets and ConfigMaps.
    SecretMissing,
    ConfigMapMissing,
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
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    pub fn severity(self) -> Severity {
        self.entry().1
    }

    /// Also says when the severity differs from the usual one.
    pub fn meaning(self) -> &'static str {
        self.entry().2
    }

    /// Whether it only says that a node did not respond.
    pub fn follows_from_no_response(self) -> bool {
        matches!(self, Self::NodeUnreachable)
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

    /// The sections are the groups and codes of this file, in the same order.
    #[test]
    fn troubleshooting_has_a_section_for_every_code() {
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
        let without_advice: Vec<&str> = sections.filter(|section| !section.contains("**Do:**")).collect();
        assert!(without_advice.is_empty(), "these sections do not say what to do: {without_advice:#?}");
    }
}
