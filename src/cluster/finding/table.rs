//! What each code means, in the order of the documentation.

use super::{Code, Severity};

impl Code {
    /// Name, usual severity and meaning.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub(super) fn entry(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Error, Info, Warning};
        match self {
            Self::SlotsUncovered => {
                ("slots-uncovered", Error, "Some slots have no owner: their keys cannot be read or written.")
            }
            Self::SlotsOwnedTwice => (
                "slots-owned-twice",
                Error,
                "Two masters claim the same slots: writes go to either, and one of them will lose its keys.",
            ),
            Self::KeysAstray => (
                "keys-astray",
                Error,
                "A master holds keys in slots that another master owns: clients cannot read them. Checked with `--search-multiple-owners` only.",
            ),
            Self::SlotsOpen => (
                "slots-open",
                Warning,
                "Slots are migrating, or a migration was interrupted: on both nodes, or on one only.",
            ),
            Self::TooFewMasters => (
                "too-few-masters",
                Warning,
                "Fewer than three masters own slots: if one fails, the others have no majority to elect a new one.",
            ),
            Self::ReplicaMissing => (
                "replica-missing",
                Warning,
                "A shard has fewer replicas than it was created with, or than other shards have.",
            ),
            Self::NoReplica => {
                ("no-replica", Info, "No shard has a replica: if a node fails, its slots are down until it is back.")
            }
            Self::SlotsUneven => {
                ("slots-uneven", Info, "A master owns more than one and a half times its even share of the slots.")
            }
            Self::MasterWithoutSlots => ("master-without-slots", Info, "A master owns no slots and serves no keys."),
            Self::ViewsDisagree => {
                ("views-disagree", Warning, "The nodes have different views of owners, roles and members.")
            }
            Self::StateFail => ("state-fail", Error, "Nodes report `cluster_state:fail` and reject client commands."),
            Self::MajorityLost => (
                "majority-lost",
                Error,
                "Half of the masters or more are gone: no replica is elected, and their slots stay down.",
            ),
            Self::EpochsCollide => (
                "epochs-collide",
                Warning,
                "Two masters have the same configuration epoch: if both claim a slot, no rule decides between them.",
            ),
            Self::NodeWithoutPod => {
                ("node-without-pod", Warning, "The cluster knows a node that has no pod. An error if it owns slots.")
            }
            Self::PodOutsideCluster => (
                "pod-outside-cluster",
                Warning,
                "A pod runs a Redis node that no other node knows, or that knows no other.",
            ),
            Self::NodeForgotten => (
                "node-forgotten",
                Error,
                "So many masters do not know a node that it cannot be elected: its shard has one copy less than it seems.",
            ),
            Self::ForeignNode => (
                "foreign-node",
                Error,
                "The cluster knows a node that does not belong to it: two clusters have met and may take slots from each other.",
            ),
            Self::SameNodeId => (
                "same-node-id",
                Error,
                "Two pods run with one node ID, as of a copied volume: peers reach now the one, now the other.",
            ),
            Self::PodNotANode => {
                ("pod-not-a-node", Info, "The selector also matches a pod that does not run Redis, as an exporter's.")
            }
            Self::NodeFailed => ("node-failed", Error, "A node responds, but its peers marked it FAIL (`fail`)."),
            Self::NodeSuspected => {
                ("node-suspected", Warning, "A node responds, but a peer cannot reach it (`fail?`).")
            }
            Self::NodeInHandshake => {
                ("node-in-handshake", Warning, "A node was introduced to a peer and is not accepted yet (`handshake`).")
            }
            Self::NodeWithoutAddress => (
                "node-without-address",
                Error,
                "A peer has no address for a node (`noaddr`): it never connects to it again and never marks it as failed.",
            ),
            Self::BusLinkDown => (
                "bus-link-down",
                Warning,
                "A node's bus link to a peer is down, although both respond and neither is marked as failed.",
            ),
            Self::AddressOfAnother => (
                "address-of-another-node",
                Error,
                "A node is known by an address that belongs to another node: clients and peers reach the wrong node.",
            ),
            Self::AddressStale => {
                ("address-stale", Error, "A node has a stale address: neither its pod's nor one of its Services'.")
            }
            Self::AddressNotService => (
                "address-not-service",
                Warning,
                "A node announces its pod's address instead of its Service's: it changes when the pod is replaced.",
            ),
            Self::ReplicaLinkDown => {
                ("replica-link-down", Warning, "A replica is not connected to its master, or is still syncing.")
            }
            Self::ReplicaLags => (
                "replica-lags",
                Warning,
                "A connected replica lags behind its master by more than 16 MiB and by more than the replication backlog holds: after a short disconnect it needs a full sync.",
            ),
            Self::ReplicaOfReplica => {
                ("replica-of-replica", Warning, "A replica follows another replica: it counts for no shard.")
            }
            Self::ReplicaOfNobody => (
                "replica-of-nobody",
                Error,
                "A replica follows a master that the cluster does not know, or follows it at a wrong address.",
            ),
            Self::FullSyncLoop => {
                ("full-sync-loop", Warning, "A replica starts one full sync after another and never finishes.")
            }
            Self::ReplicaEmpty => (
                "replica-empty",
                Error,
                "A connected replica has no keys, but its master does: a failover would lose them.",
            ),
            Self::FailoverDisabled => (
                "failover-disabled",
                Warning,
                "No replica of a shard takes over, because of `cluster-replica-no-failover yes`: if its master fails, its slots are down until it is back.",
            ),
            Self::WritesRefused => (
                "writes-refused",
                Error,
                "A master rejects writes although `cluster_state` is ok, or a replica drops its master's: memory, replicas or disk do not suffice.",
            ),
            Self::ClientsDenied => (
                "clients-denied",
                Error,
                "A master is in protected mode and has no password: it denies every client that is not in its own pod.",
            ),
            Self::ClientsLimit => (
                "clients-limit",
                Error,
                "A node has as many connections as `maxclients` allows and rejects new ones. A warning for a replica.",
            ),
            Self::NodeUnreachable => (
                "node-unreachable",
                Error,
                "A node's pod is running, but the node did not respond. A warning for a replica.",
            ),
            Self::NodeWaiting => (
                "node-waiting",
                Error,
                "A node is waiting to start: others may hold its shard's data, or newer data. A warning for a replica.",
            ),
            Self::DataLost => (
                "data-lost",
                Error,
                "A whole shard has lost its data, or all its nodes, and stays down until someone accepts the loss.",
            ),
            Self::NodeLoading => (
                "node-loading",
                Error,
                "A node is still loading its data from disk and rejects client commands. A warning for a replica.",
            ),
            Self::NodeBusy => (
                "node-busy",
                Error,
                "A node has been running a script or a function for many seconds and rejects all other commands. A warning for a replica.",
            ),
            Self::PasswordsDiffer => {
                ("passwords-differ", Error, "A node rejects the password that other nodes accept.")
            }
            Self::ClusterModeOff => (
                "cluster-mode-off",
                Error,
                "A server runs without cluster mode (`cluster-enabled no`): it is no node of any cluster.",
            ),
            Self::PodMissing => ("pod-missing", Error, "A node has no pod. A warning for a replica."),
            Self::PodDeleted => (
                "pod-deleted",
                Error,
                "A node's pod is being deleted and its server has ended. A warning for a replica.",
            ),
            Self::PodUnschedulable => {
                ("pod-unschedulable", Error, "A node's pod cannot be scheduled. A warning for a replica.")
            }
            Self::ImageNotPulled => ("image-not-pulled", Error, "A node's image pull failed. A warning for a replica."),
            Self::ContainerNotMade => (
                "container-not-made",
                Error,
                "A node's container cannot be created: a Secret, a ConfigMap or a volume is missing. A warning for a replica.",
            ),
            Self::CrashLoop => {
                ("crash-loop", Error, "A node's container is crash-looping or has terminated. A warning for a replica.")
            }
            Self::OutOfMemory => (
                "out-of-memory",
                Error,
                "A node's container was OOM-killed. A warning once it runs again, info after an hour.",
            ),
            Self::PodStarting => ("pod-starting", Warning, "A node's pod has not started its container yet."),
            Self::PodNotReady => (
                "pod-not-ready",
                Warning,
                "A node is healthy for longer than its readiness probe needs, but its pod is not ready: Services leave it out.",
            ),
            Self::ContainerRestarted => (
                "container-restarted",
                Info,
                "A node's container was restarted. A warning after three or more restarts, the last one within an hour.",
            ),
            Self::ShardOnOneWorker => (
                "shard-on-one-worker",
                Warning,
                "A master and its replicas share a worker: if it fails, keys may be lost.",
            ),
            Self::ShardInOneZone => (
                "shard-in-one-zone",
                Warning,
                "All nodes of a shard are in one zone although the cluster uses others: if it fails, keys may be lost.",
            ),
            Self::MajorityOnOneWorker => (
                "majority-on-one-worker",
                Warning,
                "Half of the masters or more are on one worker: if it fails, no majority is left to elect new ones.",
            ),
            Self::MajorityInOneZone => (
                "majority-in-one-zone",
                Warning,
                "Half of the masters or more are in one zone: if it fails, no majority is left to elect new ones. Info with fewer than three zones.",
            ),
            Self::WorkerNotReady => {
                ("worker-not-ready", Error, "A worker that runs nodes of the cluster is not ready.")
            }
            Self::WorkerUnderPressure => (
                "worker-under-pressure",
                Warning,
                "A worker that runs nodes of the cluster is low on memory, disk or process IDs and may evict them.",
            ),
            Self::BudgetMissing => (
                "budget-missing",
                Warning,
                "No PodDisruptionBudget covers the nodes: a drain may evict a whole shard at once. Info for a single node.",
            ),
            Self::BudgetUseless => (
                "budget-useless",
                Warning,
                "A PodDisruptionBudget allows as many evictions at once as a shard has nodes, or as make a majority.",
            ),
            Self::BudgetsOverlap => (
                "budgets-overlap",
                Warning,
                "Two PodDisruptionBudgets cover one pod: Kubernetes never evicts it, and drains hang.",
            ),
            Self::ServiceMissing => (
                "service-missing",
                Error,
                "A Service of the cluster does not exist: peers and clients that connect anew do not reach its nodes.",
            ),
            Self::ServiceWithoutEndpoint => {
                ("service-without-endpoint", Error, "A Service of the cluster has no ready endpoints.")
            }
            Self::ServiceWithoutPort => (
                "service-without-port",
                Error,
                "A node announces a Service that lacks the node's client or bus port: peers cannot reach it there.",
            ),
            Self::SecretMissing => (
                "secret-missing",
                Warning,
                "A Secret that the pods refer to does not exist: a pod that restarts cannot start any more.",
            ),
            Self::ConfigMapMissing => (
                "configmap-missing",
                Warning,
                "A ConfigMap that the pods refer to does not exist: a pod that restarts cannot start any more.",
            ),
            Self::VolumeLost => (
                "volume-lost",
                Error,
                "A node's volume claim is missing, has lost its volume, is not bound yet, or is deleted together with its pod.",
            ),
            Self::VolumeFull => {
                ("volume-full", Error, "A node's volume has less than 5 % free space. A warning below 15 %.")
            }
            Self::PersistenceFails => (
                "persistence-fails",
                Error,
                "A node failed to write its data to disk: it may reject writes, and a restart loses keys.",
            ),
            Self::PersistenceOff => (
                "persistence-off",
                Warning,
                "A node has a volume but writes no data to it: neither an append-only file nor snapshots.",
            ),
            Self::VersionsDiffer => ("versions-differ", Warning, "The nodes run different server versions."),
            Self::SettingsDiffer => {
                ("settings-differ", Warning, "The nodes differ in settings that should be the same.")
            }
            Self::MaxmemoryTooHigh => (
                "maxmemory-too-high",
                Warning,
                "`maxmemory` is unset, or more than two thirds of the container's memory limit: copy-on-write and buffers need the rest.",
            ),
        }
    }
}
