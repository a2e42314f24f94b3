//! From the nodes' views to shards, state and consistency.

use super::election::Obstacle;
use super::identity::{self, Identities, Lines};
use super::membership::{Electorate, largest};
use super::node::{Endpoint, Flags, NodeId, Role};
use super::reply::{NodeLine, ServerInfo};
use super::slots::{SLOTS, SlotSet};
use super::snapshot::{Member, NoResponse, Seen, Snapshot, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every expected node responded and reports ok; every replica is in sync.
    Ok,
    /// All slots are served, but the above does not hold.
    Degraded,
    /// A slot is not served, or a node reports fail.
    Fail,
    /// Too few nodes responded.
    Unknown,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// Everything known about one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// A node without a pod has only a name here.
    pub member: Member,
    pub id: Option<NodeId>,
    /// From its own view, else from its peers'.
    pub role: Option<Role>,
    /// From its own view, else from its peers'.
    pub flags: Option<Flags>,
    pub endpoint: Option<Endpoint>,
    pub server: Option<ServerInfo>,
    pub error: Option<NoResponse>,
    /// Bytes that a connected replica is behind its master.
    pub lag: Option<u64>,
    /// The pod that has the same node ID, and is the node as long as both run.
    pub copy_of: Option<String>,
    /// Why it would not be elected if its master failed.
    pub obstacle: Option<Obstacle>,
    /// The names of owners that do not know it, if so many do not that it cannot be elected.
    pub ignored_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From the node numbers if there are any, else counted from 1 in slot order.
    pub number: u32,
    pub slots: SlotSet,
    pub master: NodeFacts,
    pub replicas: Vec<NodeFacts>,
}

/// Slot counts from the view with the highest current epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCounts {
    pub assigned: u16,
    pub ok: u16,
    pub pfail: u16,
    pub fail: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    pub state: State,
    /// Every expected node responded, with the same owners, roles and members.
    pub agree: bool,
    /// None if no node responded.
    pub slots: Option<SlotCounts>,
    /// Ordered by number.
    pub shards: Vec<Shard>,
    /// Nodes without a shard: unknown to the others, or masters without slots and replicas.
    pub unassigned: Vec<NodeFacts>,
    /// Nodes that may be any of the pods that do not respond.
    pub missing: BTreeSet<NodeId>,
    /// So many of them have a row as a pod, too.
    pub counted_twice: usize,
}

impl Topology {
    /// Merges the views. A node's own view decides about itself; for a node that did not respond,
    /// the view with the highest epoch decides.
    pub fn of(snapshot: &Snapshot) -> Self {
        let group: Vec<&Seen> = of_cluster(snapshot);
        let newest =
            group.iter().filter_map(|seen| seen.view.as_ref().ok()).max_by_key(|view| view.cluster.current_epoch);
        let lines = best_lines(snapshot, &group, newest);
        let identities = identity::identities(snapshot, &lines);
        let counted_twice = identities.counted_twice();
        let mut nodes = facts(snapshot, &lines, &identities);
        let mut shards = shards(&lines, &mut nodes);
        number(&mut shards);
        shards.iter_mut().for_each(measure_lag);
        let mut unassigned: Vec<NodeFacts> = nodes.into_values().collect();
        note_ignored(snapshot, &mut shards, &mut unassigned);
        let agree = agree(snapshot);
        let slots = newest.map(counts);
        let state = state(snapshot, &shards, slots);
        Self { state, agree, slots, shards, unassigned, missing: identities.missing, counted_twice }
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        self.nodes().count() - self.counted_twice
    }

    pub fn owners(&self) -> impl Iterator<Item = &NodeFacts> {
        owners(&self.shards)
    }

    /// Shard by shard, master first; unassigned nodes last.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeFacts> {
        self.shards
            .iter()
            .flat_map(|shard| std::iter::once(&shard.master).chain(&shard.replicas))
            .chain(&self.unassigned)
    }
}

/// The nodes that know each other: a pod of the selector may be of another cluster, with slots and
/// epochs of its own.
fn of_cluster(snapshot: &Snapshot) -> Vec<&Seen> {
    let members = largest(snapshot).map(|group| group.members).unwrap_or_default();
    members.into_iter().map(|index| &snapshot.seen[index]).collect()
}

fn counts(view: &View) -> SlotCounts {
    SlotCounts {
        assigned: view.cluster.slots_assigned,
        ok: view.cluster.slots_ok,
        pfail: view.cluster.slots_pfail,
        fail: view.cluster.slots_fail,
    }
}

/// The authoritative line for every known node ID.
fn best_lines(snapshot: &Snapshot, group: &[&Seen], newest: Option<&View>) -> Lines {
    let copies = identity::copies(snapshot);
    let by_peers =
        newest.into_iter().flat_map(|view| &view.nodes).map(Arc::as_ref).filter(|line| !line.flags.is_handshake());
    let originals = group.iter().filter(|seen| !copies.iter().any(|copy| std::ptr::eq(copy.copy, **seen)));
    let by_themselves = originals.filter_map(|seen| seen.view.as_ref().ok()?.myself());
    by_peers.chain(by_themselves).map(|line| (line.id.clone(), line.clone())).collect()
}

/// Orders nodes by number, then by name.
type NodeKey = (Option<super::node::NodeNumber>, String);

fn facts(snapshot: &Snapshot, lines: &Lines, identities: &Identities) -> BTreeMap<NodeKey, NodeFacts> {
    let mut nodes = BTreeMap::new();
    let mut met = BTreeSet::new();
    let copies = identity::copies(snapshot);
    for (seen, id) in snapshot.seen.iter().zip(&identities.ids) {
        let copy = copies.iter().find(|copy| std::ptr::eq(copy.copy, seen));
        // A copy says itself what it is, and so does a node of another cluster.
        let own = copy.and_then(|_| seen.view.as_ref().ok()?.myself());
        let line = own.or_else(|| lines.get(id.as_ref()?)).or_else(|| seen.view.as_ref().ok()?.myself());
        met.extend(line.map(|line| line.id.clone()));
        let copy_of = copy.map(|copy| copy.original.member.name.clone());
        let node = NodeFacts { copy_of, ..facts_of(seen, line) };
        nodes.insert((seen.member.number, seen.member.name.clone()), node);
    }
    for line in lines.values().filter(|line| !met.contains(&line.id)) {
        let member = Member { name: format!("<{}>", line.endpoint), ..Member::default() };
        let is_one_of = || format!("its pod is one of {}", identities.silent.join(", "));
        let without = || "this node has no pod".to_owned();
        let error = identities.missing.get(&line.id).map_or_else(without, |_| is_one_of());
        let seen = NodeFacts { error: Some(error.into()), ..NodeFacts::known(member, Some(line)) };
        nodes.insert((None, format!("{}{}", seen.member.name, line.id)), seen);
    }
    nodes
}

impl NodeFacts {
    fn known(member: Member, line: Option<&NodeLine>) -> Self {
        Self {
            id: line.map(|line| line.id.clone()).or_else(|| member.id.clone()),
            role: line.map(|line| line.role),
            flags: line.map(|line| line.flags.clone()),
            endpoint: line.map(|line| line.endpoint.clone()),
            server: None,
            error: None,
            lag: None,
            copy_of: None,
            obstacle: line.and_then(|line| Obstacle::of(line, None)),
            ignored_by: Vec::new(),
            member,
        }
    }

    pub fn is_reachable(&self) -> bool {
        self.error.is_none()
    }

    /// Whether its server answers, if only that it is no node.
    pub fn responds(&self) -> bool {
        matches!(self.error, None | Some(NoResponse::NotClustered(_)))
    }

    /// Whether the node responds, or would to somebody else: with more permissions, or in time.
    pub fn may_live(&self) -> bool {
        self.is_reachable() || matches!(self.error, Some(NoResponse::Refused(_) | NoResponse::Rejected(..)))
    }

    /// Whether the node is down, not only out of our reach: its peers flagged it, or Kubernetes or the
    /// node itself says so.
    pub fn is_gone(&self) -> bool {
        let is_flagged = self.flags.as_ref().is_some_and(|flags| flags.is_failed() || flags.is_suspected());
        match &self.error {
            None | Some(NoResponse::Refused(_) | NoResponse::Rejected(..)) => false,
            Some(NoResponse::Unreachable(_) | NoResponse::Loading(_)) => {
                is_flagged || self.member.state.trouble.is_some()
            }
            Some(_) => true,
        }
    }

    /// Whether a replica could be elected if its master failed.
    pub fn is_candidate(&self) -> bool {
        self.role == Some(Role::Replica) && self.may_live() && self.obstacle.is_none() && self.ignored_by.is_empty()
    }

    /// Whether it reports that it has no data and is waiting to start.
    pub fn waits(&self) -> bool {
        matches!(self.error, Some(NoResponse::Waiting(_) | NoResponse::DataLost(_)))
    }

    /// Whether a replica is connected and in sync.
    pub fn is_linked(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.is_synced() == Some(true))
    }
}

fn facts_of(seen: &Seen, line: Option<&NodeLine>) -> NodeFacts {
    NodeFacts {
        server: seen.view.as_ref().ok().map(|view| view.server.clone()),
        error: seen.view.as_ref().err().cloned(),
        obstacle: line.and_then(|line| Obstacle::of(line, seen.view.as_ref().ok())),
        ..NodeFacts::known(seen.member.clone(), line)
    }
}

fn owners(shards: &[Shard]) -> impl Iterator<Item = &NodeFacts> {
    shards.iter().filter(|shard| !shard.slots.is_empty()).map(|shard| &shard.master)
}

/// Takes the nodes of every shard out of `nodes`. If two masters claim a slot,
/// the one with the higher epoch owns it.
fn shards(lines: &Lines, nodes: &mut BTreeMap<NodeKey, NodeFacts>) -> Vec<Shard> {
    let mut masters: Vec<&NodeLine> = lines.values().filter(|line| line.role == Role::Master).collect();
    masters.sort_by_key(|line| std::cmp::Reverse(line.epoch));
    let mut free: SlotSet = SlotSet::default().complement();
    let mut shards = Vec::new();
    for line in masters {
        let slots = line.slots.intersection(&free);
        free = free.intersection(&slots.complement());
        let replicas: BTreeSet<_> =
            lines.values().filter(|each| each.master.as_ref() == Some(&line.id)).map(|each| &each.id).collect();
        if slots.is_empty() && replicas.is_empty() {
            continue;
        }
        let is_master = |node: &NodeFacts| node.copy_of.is_none() && node.id.as_ref() == Some(&line.id);
        let Some(master) = take(nodes, is_master).pop() else { continue };
        let replicas = take(nodes, |node| {
            node.copy_of.is_none()
                && node.role == Some(Role::Replica)
                && node.id.as_ref().is_some_and(|id| replicas.contains(id))
        });
        shards.push(Shard { number: 0, slots, master, replicas });
    }
    shards
}

fn take(nodes: &mut BTreeMap<NodeKey, NodeFacts>, wanted: impl Fn(&NodeFacts) -> bool) -> Vec<NodeFacts> {
    nodes.extract_if(.., |_, node| wanted(node)).map(|(_, node)| node).collect()
}

fn number(shards: &mut [Shard]) {
    shards.sort_by_key(|shard| shard.slots.ranges().first().copied());
    for (index, shard) in shards.iter_mut().enumerate() {
        let by_place = u32::try_from(index + 1).unwrap_or(u32::MAX);
        shard.number = shard.master.member.number.map_or(by_place, super::node::NodeNumber::shard);
    }
    shards.sort_by_key(|shard| shard.number);
}

fn measure_lag(shard: &mut Shard) {
    let offset = |node: &NodeFacts| node.server.as_ref().and_then(|server| server.offset);
    let Some(written) = offset(&shard.master) else { return };
    for replica in shard.replicas.iter_mut().filter(|replica| replica.is_linked()) {
        replica.lag = offset(replica).map(|read| written.saturating_sub(read));
    }
}

fn note_ignored(snapshot: &Snapshot, shards: &mut [Shard], unassigned: &mut [NodeFacts]) {
    let owners: Vec<(NodeId, String)> =
        owners(shards).filter_map(|owner| Some((owner.id.clone()?, owner.member.name.clone()))).collect();
    let electorate = Electorate::new(snapshot, owners.iter().map(|(id, name)| (id, name.as_str())));
    let note = |node: &mut NodeFacts, master: Option<&NodeId>| {
        let id = node.id.as_ref().filter(|_| node.is_reachable());
        let ignoring = id.map(|id| electorate.ignoring(id, master)).unwrap_or_default();
        node.ignored_by = ignoring.into_iter().map(str::to_owned).collect();
    };
    for shard in shards {
        note(&mut shard.master, None);
        let master = shard.master.id.clone();
        shard.replicas.iter_mut().for_each(|replica| note(replica, master.as_ref()));
    }
    unassigned.iter_mut().for_each(|node| note(node, None));
}

/// What must be equal in all views: members, roles, masters and slots.
pub type Signature<'a> = BTreeMap<&'a NodeId, (Role, Option<&'a NodeId>, &'a SlotSet)>;

/// Drops what may differ between healthy nodes.
pub fn signature(view: &View) -> Signature<'_> {
    let members = view.nodes.iter().filter(|line| !line.flags.is_handshake());
    members.map(|line| (&line.id, (line.role, line.master.as_ref(), &line.slots))).collect()
}

fn agree(snapshot: &Snapshot) -> bool {
    let mut signatures = snapshot.answered().map(|(_, view)| signature(view));
    let Some(first) = signatures.next() else { return false };
    signatures.all(|each| each == first) && snapshot.seen.iter().all(|seen| seen.view.is_ok())
}

fn state(snapshot: &Snapshot, shards: &[Shard], slots: Option<SlotCounts>) -> State {
    let wanted = snapshot.seen.len();
    let answered = snapshot.answered().count();
    let not_clustered = snapshot.seen.iter().filter(|seen| matches!(seen.view, Err(NoResponse::NotClustered(_))));
    if not_clustered.count() * 2 > wanted {
        return State::Fail;
    }
    let Some(slots) = slots.filter(|_| answered * 2 >= wanted) else { return State::Unknown };
    let all_say_ok = snapshot.answered().all(|(_, view)| view.cluster.ok);
    // Its peers notice only after the node timeout, but it reports itself that it does not serve.
    let owner_waits = owners(shards).any(NodeFacts::waits);
    if !all_say_ok || owner_waits || slots.ok + slots.pfail < SLOTS {
        State::Fail
    } else if answered == wanted && slots.ok == SLOTS && replicas_complete(snapshot, shards) {
        State::Ok
    } else {
        State::Degraded
    }
}

/// Whether every replica is in sync and known to the others, and no shard has fewer than it was created with.
fn replicas_complete(snapshot: &Snapshot, shards: &[Shard]) -> bool {
    let is_good = |replica: &&NodeFacts| replica.is_linked() && replica.ignored_by.is_empty();
    let good = shards.iter().flat_map(|shard| &shard.replicas).filter(is_good).count();
    let all = snapshot.seen.len();
    good + shards.len() == all && shards.iter().all(|shard| shard.replicas.len() >= expected_replicas(snapshot, shard))
}

/// How many replicas a shard was created with; 0 for clusters of other tools.
pub fn expected_replicas(snapshot: &Snapshot, shard: &Shard) -> usize {
    let of_shard = |seen: &&Seen| seen.member.number.is_some_and(|number| number.shard() == shard.number);
    snapshot.seen.iter().filter(of_shard).count().saturating_sub(1)
}

#[cfg(test)]
/// Also used by tests of other modules.
pub mod tests {
    use super::*;
    use crate::cluster::commands::{Caller, ClusterRef};
    use crate::cluster::node::NodeNumber;
    use crate::cluster::reply::KnownLines;
    use crate::cluster::shape::{Shape, Small};
    use crate::cluster::snapshot::Shell;
    use crate::cluster::surroundings::{PodState, Surroundings};

    /// The node's number, padded.
    fn id(number: NodeNumber) -> String {
        format!("{:0>40}", number.to_string())
    }

    /// The view of node `myself` in a healthy cluster.
    pub fn view(shape: Shape, myself: NodeNumber) -> View {
        let slots = shape.slots();
        let mut nodes = String::new();
        for number in shape.nodes() {
            let shard = u16::try_from(number.shard()).expect("small");
            let me = if number == myself { "myself," } else { "" };
            let rest = if number.is_initial_master() {
                format!("{me}master - 0 0 {shard} connected {}", slots[usize::from(shard) - 1])
            } else {
                format!("{me}slave {} 0 0 {shard} connected", id(NodeNumber::new(shard, 1)))
            };
            let (high, low) = (number.shard() / 20, number.shard() % 20 * 10 + number.position());
            nodes += &format!("{} 198.19.{high}.{low}:6379@16379 {rest}\n", id(number));
        }
        let role = if myself.is_initial_master() {
            "role:master\nmaster_repl_offset:100\n"
        } else {
            "role:slave\nmaster_link_status:up\nmaster_sync_in_progress:0\nslave_repl_offset:90\n"
        };
        let info = format!(
            "redis_version:8.0.2\nconfig_file:/tmp/scripts-0.1.0-1a2b3c4d/redis.conf\nuptime_in_seconds:61\nused_memory:1048576\nmaxmemory:167772160\ndb0:keys=3,a=0\n{role}"
        );
        View::parse(
            &mut KnownLines::default(),
            &nodes,
            "cluster_state:ok\ncluster_slots_assigned:16384\ncluster_slots_ok:16384\ncluster_slots_pfail:0\n\
             cluster_slots_fail:0\ncluster_current_epoch:3\n",
            &info,
        )
        .expect("complete")
    }

    /// Three shards with one replica each, on three workers.
    pub fn healthy() -> Snapshot {
        healthy_of(Shape::new(3, 1, Small::Refused).expect("valid"))
    }

    pub fn healthy_of(shape: Shape) -> Snapshot {
        let seen = shape.nodes().map(|number| {
            let worker = (number.shard() + number.position()) % 3 + 1;
            let member = Member {
                name: format!("redis-001-node-{number}"),
                number: Some(number),
                id: id(number).parse().ok(),
                pod: Some(format!("redis-001-node-{number}-0")),
                pod_uid: None,
                pod_ip: Some(format!("198.18.{worker}.{number}")),
                worker: Some(format!("node-{worker}")),
                zone: Some(format!("zone-{worker}")),
                shell: Some(Shell { container: "redis".into(), port: 6379, ..Shell::default() }),
                state: PodState::default(),
            };
            Seen { member, view: Ok(view(shape, number)) }
        });
        let around = Surroundings::default();
        let caller = Caller { namespace: "default".into(), ..Caller::default() };
        Snapshot { cluster: ClusterRef::Named("redis-001".into()), caller, seen: seen.collect(), around }
    }

    #[test]
    fn a_healthy_cluster_is_ok_and_agrees() {
        let topology = Topology::of(&healthy());
        assert_eq!((topology.state, topology.agree), (State::Ok, true));
        let shards: Vec<_> = topology
            .shards
            .iter()
            .map(|shard| {
                format!("{} {} {} +{}", shard.number, shard.slots, shard.master.member.name, shard.replicas.len())
            })
            .collect();
        assert_eq!(
            shards,
            [
                "1 0-5460 redis-001-node-101 +1",
                "2 5461-10922 redis-001-node-201 +1",
                "3 10923-16383 redis-001-node-301 +1"
            ]
        );
        assert_eq!(topology.shards[0].replicas[0].lag, Some(10));
        assert!(topology.unassigned.is_empty());
    }

    #[test]
    fn a_dead_replica_degrades_and_keeps_its_row() {
        let mut snapshot = healthy();
        snapshot.seen[1].view = Err("pod is gone".into());
        let topology = Topology::of(&snapshot);
        assert_eq!((topology.state, topology.agree), (State::Degraded, false));
        let replica = &topology.shards[0].replicas[0];
        assert_eq!(replica.error, Some("pod is gone".into()));
        assert_eq!(replica.role, Some(Role::Replica));
    }

    #[test]
    fn an_owner_that_may_not_start_serves_nobody() {
        let mut snapshot = healthy();
        snapshot.seen[0].view = Err("no response within 3s".into());
        assert_eq!(Topology::of(&snapshot).state, State::Degraded);
        snapshot.seen[0].view = Err(NoResponse::Waiting("waiting for node 102".into()));
        assert_eq!(Topology::of(&snapshot).state, State::Fail);
    }

    #[test]
    fn nobody_answers() {
        let mut snapshot = healthy();
        snapshot.seen.iter_mut().for_each(|seen| seen.view = Err("refused".into()));
        let topology = Topology::of(&snapshot);
        assert_eq!((topology.state, topology.agree, topology.slots), (State::Unknown, false, None));
        assert_eq!(topology.unassigned.len(), 6);
    }

    #[test]
    fn one_node_that_says_fail_is_believed() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[3].view {
            view.cluster.ok = false;
        }
        assert_eq!(Topology::of(&snapshot).state, State::Fail);
    }

    #[test]
    fn a_replica_that_still_copies_is_not_ok() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[1].view {
            view.server.sync_in_progress = true;
        }
        assert_eq!(Topology::of(&snapshot).state, State::Degraded);
    }

    #[test]
    fn the_higher_epoch_has_a_slot_that_two_claim() {
        let mut snapshot = healthy();
        if let Ok(view) = &mut snapshot.seen[2].view {
            let mine = view.nodes.iter_mut().find(|line| line.flags.is_myself()).map(Arc::make_mut).expect("itself");
            mine.slots = ["0-10922".parse().expect("a range")].into_iter().collect();
            mine.epoch = 9;
        }
        let topology = Topology::of(&snapshot);
        assert!(!topology.agree);
        assert_eq!(topology.shards[1].slots.to_string(), "0-10922");
        assert!(topology.shards[0].slots.is_empty());
    }

    #[test]
    fn a_node_that_no_pod_answers_for_is_shown() {
        let mut snapshot = healthy();
        snapshot.seen.remove(1);
        let topology = Topology::of(&snapshot);
        let stranger = &topology.shards[0].replicas[0];
        assert_eq!(stranger.error, Some("this node has no pod".into()));
        assert_eq!(stranger.member.name, "<198.19.0.12:6379>");
    }
}
