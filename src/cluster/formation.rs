//! What holds up a cluster that is forming: one node and why, in one sentence.

use super::snapshot::{Member, NoResponse, Snapshot};
use super::surroundings::{Trouble, TroubleKind};
use super::topology::{State, Topology};

/// How far a cluster is, as a sentence in two parts: the first differs only if the state has
/// changed, so that a busy reason does not count as news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formation {
    pub ready: usize,
    pub nodes: usize,
    pub holdup: Option<Holdup>,
}

impl Formation {
    /// `4 of 6 nodes are ready; node-302 cannot be scheduled`, and `: 3 Insufficient cpu`.
    pub fn sentence(&self) -> (String, String) {
        let ready = format!("{} of {} nodes are ready", self.ready, self.nodes);
        match &self.holdup {
            None => (ready, String::new()),
            Some(Holdup { what, detail, lasts: Lasts::Yes, .. }) => (format!("{ready}; {what}"), detail.clone()),
            Some(Holdup { what, detail, lasts: Lasts::No, .. }) => (ready, format!("; {what}{detail}")),
        }
    }
}

/// Whether a holdup belongs to every start, or needs somebody or something to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    No,
    Yes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdup {
    /// The member's name; none if it is not about one.
    pub node: Option<String>,
    /// `node-302 cannot be scheduled`
    pub what: String,
    /// `: 3 Insufficient cpu`, or nothing.
    pub detail: String,
    pub lasts: Lasts,
}

impl Holdup {
    fn of(cluster: &str, member: &Member, (what, why, lasts): (&str, &str, Lasts)) -> Self {
        let what = format!("{} {what}", short(cluster, member));
        let detail = if why.is_empty() { String::new() } else { format!(": {why}") };
        Self { node: Some(member.name.clone()), what, detail, lasts }
    }

    fn of_cluster(what: String) -> Self {
        Self { node: None, what, detail: String::new(), lasts: Lasts::No }
    }

    /// Why a node's pod does not run its server; none if it does and always has.
    pub fn of_pod(cluster: &str, member: &Member) -> Option<Self> {
        let state = &member.state;
        let is_ready = state.ready.is_some_and(|(ready, _)| ready);
        match (&state.trouble, &state.last_end) {
            (Some(trouble), _) => Some(Self::of(cluster, member, of_trouble(trouble))),
            // Between two crashes it runs for a moment.
            (None, Some(end)) if !is_ready && end.code != 0 => {
                Some(Self::of(cluster, member, ("crash-loops", &format!("exit code {}", end.code), Lasts::Yes)))
            }
            _ => None,
        }
    }

    /// Why a node whose server runs has not said what it should.
    pub fn of_response(cluster: &str, member: &Member, no_response: &NoResponse) -> Self {
        let why = no_response.to_string();
        let (what, lasts) = match no_response {
            NoResponse::Unreachable(_) => ("does not respond", Lasts::No),
            NoResponse::Refused(_) => ("cannot be queried", Lasts::Yes),
            _ => ("is waiting to start", Lasts::No),
        };
        Self::of(cluster, member, (what, &why, lasts))
    }

    /// The same, with what else is known about it, unless that says the same.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        let why = self.detail.trim_start_matches(": ");
        if why.is_empty() || !more.contains(why) {
            self.detail += &format!(" ({more})");
        }
        self
    }
}

/// Every node must be asked, or one must have refused.
///
/// None if the cluster has formed: every node reports ok, views are consistent, no node is
/// flagged, and every replica is in sync.
pub fn holdup(cluster: &str, snapshot: &Snapshot) -> Option<Holdup> {
    let topology = Topology::of(snapshot);
    let flagged = snapshot.flagged().len();
    if topology.state == State::Ok && topology.agree && flagged == 0 {
        return None;
    }
    let count = |what: &str, count: usize| {
        Holdup::of_cluster(format!("{count} {} {what}", if count == 1 { "is" } else { "are" }))
    };
    let views = || snapshot.answered().map(|(_, view)| view);
    let syncing = views().filter(|view| view.server.is_synced() == Some(false)).count();
    let not_ok = views().filter(|view| !view.cluster.ok).count();
    let silent = || {
        let silent = snapshot.seen.iter().find_map(|seen| Some((&seen.member, seen.view.as_ref().err()?)));
        silent.map(|(member, why)| Holdup::of_response(cluster, member, why))
    };
    pods(cluster, snapshot.seen.iter().map(|seen| &seen.member)).or_else(silent).or_else(|| {
        Some(match (syncing, flagged, not_ok) {
            (1.., ..) => count("syncing", syncing),
            (0, 1.., _) => count("flagged by peers", flagged),
            (0, 0, 1..) => count("waiting for the cluster's state to be ok", not_ok),
            (0, 0, 0) => Holdup::of_cluster("views differ".into()),
        })
    })
}

/// The first of the pods that needs help, else the first that is only starting.
pub fn pods<'a>(cluster: &str, members: impl Iterator<Item = &'a Member>) -> Option<Holdup> {
    let all: Vec<Holdup> = members.filter_map(|member| Holdup::of_pod(cluster, member)).collect();
    all.iter().find(|holdup| holdup.lasts == Lasts::Yes).or(all.first()).cloned()
}

/// `node-302` of `redis-001-node-302`.
fn short<'a>(cluster: &str, member: &'a Member) -> &'a str {
    let name = member.name.as_str();
    name.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).unwrap_or(name)
}

/// What it is, why, and whether it lasts.
fn of_trouble(trouble: &Trouble) -> (&'static str, &str, Lasts) {
    let why = without_our_words(&trouble.text);
    match trouble.kind {
        TroubleKind::NoPod => ("has no pod", "", Lasts::No),
        TroubleKind::Unschedulable => ("cannot be scheduled", of_scheduler(why), Lasts::Yes),
        TroubleKind::Image => ("cannot pull its image", of_registry(why), Lasts::Yes),
        TroubleKind::Container => ("cannot create its container", why, Lasts::Yes),
        TroubleKind::OutOfMemory => ("is OOM-killed", "", Lasts::Yes),
        TroubleKind::CrashLoop | TroubleKind::Ended => {
            ("crash-loops", why.find("exit code").map_or(why, |at| &why[at..]), Lasts::Yes)
        }
        _ => ("is starting", why, Lasts::No),
    }
}

/// What the sentence has said already.
fn without_our_words(text: &str) -> &str {
    let ours = [
        "its pod cannot be scheduled: ",
        "its container is not running: ",
        "its container terminated: ",
        "its pod is ",
    ];
    ours.iter().find_map(|words| text.strip_prefix(words)).unwrap_or(text)
}

/// `3 Insufficient cpu.` of `0/3 nodes are available: 3 Insufficient cpu. preemption: …`
fn of_scheduler(message: &str) -> &str {
    let counted = message.split_once(" nodes are available: ").filter(|(count, _)| count.contains('/'));
    let reason = counted.map_or(message, |(_, reason)| reason);
    reason.split(" preemption: ").next().unwrap_or(reason).trim_end_matches('.')
}

/// The last of the nested reasons: `docker.io/library/nope:1: not found`. Runtimes quote the image
/// in each of the outer ones.
fn of_registry(message: &str) -> &str {
    let inner = message.rsplit_once("\": ").map_or(message, |(_, inner)| inner);
    inner.rsplit_once(" desc = ").map_or(inner, |(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::surroundings::End;
    use crate::cluster::topology::tests::healthy;

    fn member(kind: TroubleKind, text: &str) -> Member {
        let mut member = Member { name: "redis-001-node-302".into(), ..Member::default() };
        member.state.trouble = Some(Trouble { kind, text: text.into() });
        member
    }

    fn sentence(holdup: Option<Holdup>) -> (String, String) {
        Formation { ready: 4, nodes: 6, holdup }.sentence()
    }

    fn of_pod(member: &Member) -> (String, String) {
        sentence(Holdup::of_pod("redis-001", member))
    }

    /// As Kubernetes 1.20 and 1.34, containerd and CRI-O say it.
    #[test]
    fn the_cause_is_in_the_first_80_columns() {
        let scheduler = "its pod cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";
        let containerd = "its container is not running: ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/nope:1\": failed to resolve reference \"docker.io/library/nope:1\": docker.io/library/nope:1: not found";
        let crio = "its container is not running: ErrImagePull: rpc error: code = Unknown desc = reading manifest 1 in docker.io/library/nope: manifest unknown";
        let crash = "its container is not running: CrashLoopBackOff, last exit code 1";
        let config = "its container is not running: CreateContainerConfigError: secret \"a\" not found";
        for (kind, text, cause) in [
            (TroubleKind::Unschedulable, scheduler, "node-302 cannot be scheduled: 3 Insufficient cpu"),
            (TroubleKind::Image, containerd, "node-302 cannot pull its image: docker.io"),
            (TroubleKind::Image, crio, "node-302 cannot pull its image: reading manifest 1"),
            (TroubleKind::CrashLoop, crash, "node-302 crash-loops: exit code 1"),
            (TroubleKind::Container, config, "node-302 cannot create its container: CreateC"),
        ] {
            let (state, detail) = of_pod(&member(kind, text));
            let start: String = format!("{state}{detail}").chars().take(80).collect();
            assert!(start.starts_with(&format!("4 of 6 nodes are ready; {cause}")), "{start}");
            assert!(state.ends_with("; node-302 cannot be scheduled") || !state.contains(": "), "{state}");
        }
    }

    /// A pipe gets a line for each state.
    #[test]
    fn what_belongs_to_every_start_or_swings_is_one_state() {
        let state = |kind, text: &str| of_pod(&member(kind, text)).0;
        let mut between = Member { name: "redis-001-node-302".into(), ..Member::default() };
        between.state.last_end = Some(End { reason: "Error".into(), code: 1, at: None });
        let crashes = [
            state(TroubleKind::CrashLoop, "its container is not running: CrashLoopBackOff, last exit code 1"),
            state(TroubleKind::Ended, "its container terminated: Error, exit code 1"),
            of_pod(&between).0,
        ];
        assert_eq!(crashes, ["4 of 6 nodes are ready; node-302 crash-loops"; 3]);
        let pulls = ["ErrImagePull: no", "ImagePullBackOff: Back-off pulling image"];
        let pulls = pulls.map(|why| state(TroubleKind::Image, &format!("its container is not running: {why}")));
        assert_eq!(pulls, ["4 of 6 nodes are ready; node-302 cannot pull its image"; 2]);
        assert_eq!(state(TroubleKind::Starting, "its pod is pending"), "4 of 6 nodes are ready");
        assert_eq!(state(TroubleKind::NoPod, "its pod does not exist"), "4 of 6 nodes are ready");
        between.state.ready = Some((true, 0));
        assert_eq!(Holdup::of_pod("redis-001", &between), None, "a restart long ago");
    }

    #[test]
    fn a_pod_that_needs_help_is_told_before_one_that_starts() {
        let starts = member(TroubleKind::Starting, "its pod is pending");
        let waits = member(TroubleKind::Unschedulable, "its pod cannot be scheduled: 1 node(s) had taints");
        let told = pods("redis-001", [&starts, &waits].into_iter()).expect("one");
        assert_eq!(told.what, "node-302 cannot be scheduled");
        assert_eq!(pods("redis-001", [&starts].into_iter()).expect("one").what, "node-302 is starting");
    }

    #[test]
    fn what_a_cluster_whose_pods_run_waits_for() {
        let mut snapshot = healthy();
        assert_eq!(holdup("redis-001", &snapshot), None);
        let last = snapshot.seen.len() - 1;
        let view = snapshot.seen[last].view.as_mut().expect("a view");
        (view.cluster.ok, view.server.link_up) = (false, Some(false));
        assert_eq!(holdup("redis-001", &snapshot).expect("one").what, "1 is syncing");
        snapshot.seen[last].view.as_mut().expect("a view").server.link_up = Some(true);
        let what = holdup("redis-001", &snapshot).expect("one").what;
        assert_eq!(what, "1 is waiting for the cluster's state to be ok");
        snapshot.seen[0].view = Err(NoResponse::Waiting("waiting for all nodes (4 of 6 joined)".into()));
        let told = sentence(holdup("redis-001", &snapshot));
        assert!(told.1.ends_with(" is waiting to start: waiting for all nodes (4 of 6 joined)"), "{told:?}");
    }
}
