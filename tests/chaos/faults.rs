//! The faults, each on the real thing and on all clusters at the same time.

use crate::MENDED;
use crate::machine::{self, kill, processes};
use crate::matrix::{Cluster, Layout};
use std::thread;
use std::time::Duration;
use testkit::throwaway::kube;
use testkit::{program, run, until};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    DeleteMaster,
    DeleteReplica,
    RollingRestart,
    Drain,
    KillMaster,
    KillMasterOnSlowDisk,
    KillReplica,
    ForceDeleteMaster,
    LoseVolumeOfMaster,
    PowerOff10,
    PowerOff120,
    CutOff,
    KillWithoutApiServer,
    AllPodsAtOnce,
    BornInHalves,
    KilledYoung,
}

use Fault::*;

/// All. What a lost worker costs is asked first, while the masters are where `create` has
/// put them; births come last, since they make new clusters.
pub const ALL: [Fault; 16] = [
    PowerOff10,
    CutOff,
    PowerOff120,
    KillMaster,
    KillMasterOnSlowDisk,
    KillReplica,
    KillWithoutApiServer,
    ForceDeleteMaster,
    LoseVolumeOfMaster,
    DeleteMaster,
    DeleteReplica,
    RollingRestart,
    Drain,
    AllPodsAtOnce,
    BornInHalves,
    KilledYoung,
];

/// One of each kind: a lost worker, a lost network, a crash, a slow disk, lost data, a planned
/// end, everything, a birth. The crash follows the lost network: the pods that a
/// ReplicationController has replaced meanwhile come back with the worker.
pub const SHORT: [Fault; 8] = [
    PowerOff10,
    CutOff,
    KillMaster,
    KillMasterOnSlowDisk,
    LoseVolumeOfMaster,
    DeleteMaster,
    AllPodsAtOnce,
    BornInHalves,
];

impl Fault {
    pub fn title(self) -> &'static str {
        match self {
            DeleteMaster => "a master's pod deleted",
            DeleteReplica => "a replica's pod deleted",
            RollingRestart => "every pod restarted in turn",
            Drain => "every worker drained in turn",
            KillMaster => "SIGKILL of a master's server",
            KillMasterOnSlowDisk => "SIGKILL of a master's server, half of its AOF lost",
            KillReplica => "SIGKILL of a replica's server",
            ForceDeleteMaster => "a master's pod deleted by force",
            LoseVolumeOfMaster => "a master's pod and volume gone",
            PowerOff10 => "a worker without power for 10 s",
            PowerOff120 => "a worker without power for 2 min",
            CutOff => "a worker cut off for 30 s",
            KillWithoutApiServer => "SIGKILL of a master's server, no API server",
            AllPodsAtOnce => "all pods deleted at once",
            BornInHalves => "born in halves",
            KilledYoung => "SIGKILL of a master's server in its first 10 s",
        }
    }

    /// How long before and after it an acknowledged write may be lost, in milliseconds. Redis
    /// replicates asynchronously: what an owner that does not come back with its data has
    /// acknowledged last, nobody else may have. That it goes on for a moment after it was
    /// to be struck is the time that the means take.
    pub fn excused(self, victim: &Victim<'_>) -> (u32, u32) {
        let comes_back = victim.cluster.layout.keeps_data();
        match self {
            // On purpose, or no owner goes.
            DeleteMaster | DeleteReplica | RollingRestart | Drain | KillReplica | BornInHalves => (0, 0),
            // The owner comes back, and has its data.
            KillMaster | KillWithoutApiServer | KilledYoung | AllPodsAtOnce if comes_back => (0, 0),
            KillMaster | KillWithoutApiServer | KilledYoung | AllPodsAtOnce | KillMasterOnSlowDisk
            | LoseVolumeOfMaster => (1000, 1000),
            // The majority is on the other side of the cut. The master on this side acknowledges
            // until it sees that: one and a half node timeouts of 5 s.
            CutOff if !self.leaves_a_majority(victim) => (1000, 10_000),
            // A program of the throwaway Kubernetes does it.
            PowerOff10 | PowerOff120 | CutOff => (1000, 3000),
            // A kubelet does it, when it hears of it, and gives the server 2 s.
            ForceDeleteMaster => (1000, 5000),
        }
    }

    /// How long a shard may acknowledge nothing. The node timeout and an election are 5 to 9 s,
    /// and a client that hangs finds the new owner a second later; the rest is for two cores
    /// that bear six clusters.
    pub fn patience(self, victim: &Victim<'_>) -> Duration {
        let seconds = match self {
            PowerOff120 if !self.leaves_a_majority(victim) => 300,
            _ if !self.leaves_a_majority(victim) => 120,
            DeleteMaster | DeleteReplica | RollingRestart | Drain | KillReplica => 15,
            KillMaster | KillMasterOnSlowDisk | KillWithoutApiServer | KilledYoung => 20,
            _ => 30,
        };
        Duration::from_secs(seconds)
    }

    /// Whether it happens while a cluster forms.
    pub fn is_birth(self) -> bool {
        matches!(self, BornInHalves | KilledYoung)
    }

    /// Whether it destroys all copies of a shard.
    pub fn destroys(self, layout: Layout) -> bool {
        self == AllPodsAtOnce && !layout.keeps_data()
    }

    /// Whether a majority of masters and a copy of each shard live on: then service returns
    /// soon, and else with the pods. Where pods were restarted before, masters may share the
    /// lost worker.
    fn leaves_a_majority(self, victim: &Victim<'_>) -> bool {
        match self {
            AllPodsAtOnce | BornInHalves => false,
            PowerOff10 | PowerOff120 => victim.masters_on("node-3") < 2,
            CutOff => victim.masters_on("node-2") < 2,
            _ => true,
        }
    }

    /// Strikes; `mark` is told of each cluster the moment before it is struck.
    pub fn strike(self, victims: &[Victim<'_>], mark: &(impl Fn(&Victim<'_>) + Sync)) {
        let one = |what: &(dyn Fn(&Victim<'_>) + Sync)| {
            each(victims, |victim| {
                mark(victim);
                what(victim);
            });
        };
        let all = || victims.iter().for_each(mark);
        match self {
            DeleteMaster => one(&|victim| delete(victim.cluster, &victim.master, &[])),
            DeleteReplica => one(&|victim| delete(victim.cluster, &victim.replica, &[])),
            RollingRestart => one(&|victim| rolling_restart(victim.cluster)),
            Drain => (all(), drain_all(victims)).1,
            KillMaster | KilledYoung => one(&|victim| kill(&victim.master_processes)),
            KillMasterOnSlowDisk => one(&|victim| {
                victim.master_processes.iter().for_each(|process| machine::lose_half_of_aof(*process));
            }),
            KillReplica => one(&|victim| kill(&victim.replica_processes)),
            ForceDeleteMaster => one(&|victim| delete(victim.cluster, &victim.master, &FORCE)),
            LoseVolumeOfMaster => one(&lose_volume),
            PowerOff10 => (all(), power_off(10)).1,
            PowerOff120 => (all(), power_off(120)).1,
            CutOff => (all(), cut_off()).1,
            KillWithoutApiServer => kill_without_api_server(&|| one(&|victim| kill(&victim.master_processes))),
            AllPodsAtOnce => one(&|victim| {
                victim.cluster.namespace.kubectl(&["delete", "pods", "--all", "--wait=false"]).ok();
            }),
            BornInHalves => (all(), last(10)).1,
        }
    }
}

/// Who is to be hit in a cluster, found out before, so that the fault comes at once.
pub struct Victim<'a> {
    pub cluster: &'a Cluster,
    master: String,
    replica: String,
    workers: Vec<String>,
    master_processes: Vec<u32>,
    replica_processes: Vec<u32>,
}

impl<'a> Victim<'a> {
    /// The nodes of the first shard; of a cluster that still forms, whoever is there. Of
    /// others one look may miss some, and a fault must hit somebody.
    pub fn of(cluster: &'a Cluster, fault: Fault) -> Self {
        let mut victim = Self::seen(cluster);
        until(60, &format!("the nodes of {}", cluster.title), || {
            let is_known = fault.is_birth() || victim.is_known();
            if !is_known {
                victim = Self::seen(cluster);
            }
            is_known
        });
        victim
    }

    fn is_known(&self) -> bool {
        self.workers.len() == 3 && !self.master_processes.is_empty() && !self.replica_processes.is_empty()
    }

    fn seen(cluster: &'a Cluster) -> Self {
        let (master, replica) = cluster.shard(0).unwrap_or_default();
        let namespace = &cluster.namespace;
        Self {
            master_processes: processes(namespace, &master),
            replica_processes: processes(namespace, &replica),
            workers: cluster.workers_of_masters(),
            cluster,
            master,
            replica,
        }
    }

    fn masters_on(&self, worker: &str) -> usize {
        self.workers.iter().filter(|each| *each == worker).count()
    }
}

const FORCE: [&str; 2] = ["--grace-period=0", "--force"];

/// How long a fault lasts: nothing is waited for.
fn last(seconds: u64) {
    thread::sleep(Duration::from_secs(seconds));
}

/// The same to all, at the same time.
pub fn each<T: Sync>(all: &[T], what: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for one in all {
            scope.spawn(|| what(one));
        }
    });
}

fn delete(cluster: &Cluster, pod: &str, how: &[&str]) {
    cluster.namespace.kubectl(&[&["delete", "pod", pod, "--wait=false"], how].concat()).ok();
}

/// Before the next step. The plain one is given some time: it may never be whole again.
fn settle(cluster: &Cluster) {
    match cluster.layout {
        Layout::Plain => last(10),
        _ => assert!(cluster.wait_whole(MENDED), "{} is not whole again", cluster.title),
    }
}

fn rolling_restart(cluster: &Cluster) {
    for pod in cluster.pods() {
        cluster.namespace.kubectl(&["delete", "pod", &pod]).ok();
        settle(cluster);
    }
}

fn lose_volume(victim: &Victim<'_>) {
    victim.master_processes.iter().for_each(|process| machine::lose_volume(*process));
    delete(victim.cluster, &victim.master, &FORCE);
}

fn power_off(seconds: u64) {
    kube(&["kill-node", "3"]);
    last(seconds);
    kube(&["start-node", "3"]);
}

fn cut_off() {
    kube(&["cut", "2"]);
    last(30);
    kube(&["join", "2"]);
}

fn kill_without_api_server(kill: &(impl Fn() + Sync)) {
    thread::scope(|scope| {
        scope.spawn(|| kube(&["restart-apiserver", "20"]));
        last(2);
        kill();
    });
}

/// Ends by itself, one worker after the other, as a person would do it.
fn drain_all(victims: &[Victim<'_>]) {
    for worker in ["node-1", "node-2", "node-3"] {
        let drain = ["drain", worker, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s"];
        run(program("kubectl").args(drain)).ok();
        run(program("kubectl").args(["uncordon", worker])).ok();
        each(victims, |victim| settle(victim.cluster));
    }
}
