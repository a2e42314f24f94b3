//! How a shard without an owner gets back into service when the user accepts data loss.

use super::node::{NodeNumber, Role};
use super::snapshot::{Member, NoResponse, Seen, Snapshot};
use super::topology::{NodeFacts, Topology};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss<'a> {
    pub shard: u32,
    pub remedy: Remedy<'a>,
    /// Other nodes that have or may have data, which is given up: those that did not respond, and
    /// those whose nodes.conf is damaged.
    pub given_up: Vec<&'a Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy<'a> {
    /// A replica is promoted with the copy that it has.
    Promote(&'a Member, Election),
    /// A waiting node starts as the owner, empty.
    StartEmpty(&'a Member),
    /// A node whose nodes.conf is damaged becomes the owner with the data of its volume.
    StartKept(&'a Member),
}

impl Remedy<'_> {
    /// The node that will own the shard's slots.
    pub fn new_owner(&self) -> &Member {
        match self {
            Self::Promote(member, _) | Self::StartEmpty(member) | Self::StartKept(member) => member,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// CLUSTER FAILOVER with votes: a majority of masters responds.
    Voted,
    /// CLUSTER FAILOVER TAKEOVER: too few masters are left to vote.
    Unvoted,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLoss {
    #[error("there is no shard {0}")]
    Unknown(u32),
    #[error("shard {shard} is served by {owner}: there is no data loss to accept")]
    Served { shard: u32, owner: String },
    /// A node has the data, and serves it by itself: as soon as a majority of owners confirms that
    /// it may start, or as soon as it has loaded it.
    #[error("shard {shard} has its data: {node} {why}")]
    Kept {
        shard: u32,
        node: String,
        /// The node's own message while it is waiting to start.
        why: String,
    },
    /// A node runs, and what it has cannot be seen.
    #[error("shard {shard} may have its data: {node} cannot be queried: {why}")]
    Unasked { shard: u32, node: String, why: String },
    #[error("no node of shard {shard} could own it: {why}")]
    Nobody { shard: u32, why: String },
}

/// The shards of which a node reports that no copy of their data is left.
pub fn lost_shards(snapshot: &Snapshot) -> Vec<u32> {
    let is_lost =
        |seen: &&Seen| matches!(seen.view, Err(NoResponse::DataLost(_) | NoResponse::Damaged { unknown: true, .. }));
    let lost = snapshot.seen.iter().filter(is_lost);
    let mut shards: Vec<u32> = lost.filter_map(|seen| seen.member.number.map(NodeNumber::shard)).collect();
    shards.dedup();
    shards
}

/// Promotes the replica with the newest copy; if there is none, the first node that has data but no
/// good nodes.conf starts with it; if there is no data at all, the first waiting node starts empty.
///
/// # Errors
/// If the shard is served, or no node could serve it.
pub fn accept<'a>(topology: &'a Topology, shard: u32) -> Result<Loss<'a>, NoLoss> {
    let mut nodes: Vec<&NodeFacts> =
        topology.nodes().filter(|node| node.member.number.is_some_and(|number| number.shard() == shard)).collect();
    nodes.sort_by_key(|node| node.member.number);
    if nodes.is_empty() {
        return Err(NoLoss::Unknown(shard));
    }
    if let Some(owner) = topology.owners().find(|owner| owner.is_reachable() && nodes.contains(owner)) {
        return Err(NoLoss::Served { shard, owner: owner.member.name.clone() });
    }
    if let Some(refusal) = nodes.iter().find_map(|node| holder(shard, node)) {
        return Err(refusal);
    }
    let newest = nodes.iter().filter(|node| holds_data(node)).max_by_key(|node| offset(node));
    let damaged = nodes.iter().find(|node| matches!(node.error, Some(NoResponse::Damaged { .. })));
    let waiting = nodes.iter().find(|node| node.waits());
    let remedy = match (newest, damaged, waiting) {
        (Some(replica), _, _) => Remedy::Promote(&replica.member, election(topology)),
        (None, Some(node), _) => Remedy::StartKept(&node.member),
        (None, None, Some(node)) => Remedy::StartEmpty(&node.member),
        (None, None, None) => return Err(NoLoss::Nobody { shard, why: reasons(&nodes) }),
    };
    let may_have_data =
        |node: &NodeFacts| matches!(node.error, Some(NoResponse::Unreachable(_) | NoResponse::Damaged { .. }));
    let new_owner = &remedy.new_owner().name;
    let others = nodes.iter().filter(|node| may_have_data(node) && node.member.name != *new_owner);
    let given_up = others.map(|node| &node.member).collect();
    Ok(Loss { shard, remedy, given_up })
}

/// The refusal if the node has the data without a view of it, or may have it: as a node without
/// data waits for such a one (`unclear` of docs/start.md), nobody gives it up.
fn holder(shard: u32, node: &NodeFacts) -> Option<NoLoss> {
    let name = node.member.name.clone();
    match node.error.as_ref()? {
        NoResponse::Kept(why) => Some(NoLoss::Kept { shard, node: name, why: why.clone() }),
        NoResponse::Loading(_) => Some(NoLoss::Kept { shard, node: name, why: "is loading it from disk".into() }),
        NoResponse::Refused(why) | NoResponse::Rejected(_, why) => {
            Some(NoLoss::Unasked { shard, node: name, why: why.clone() })
        }
        // Without data; or only a person can tell whether it is gone for good, or its data is wanted.
        NoResponse::Waiting(_)
        | NoResponse::DataLost(_)
        | NoResponse::NotClustered(_)
        | NoResponse::Unreachable(_)
        | NoResponse::Damaged { .. } => None,
    }
}

/// A replica that is or was connected to its master.
fn holds_data(node: &NodeFacts) -> bool {
    let synced = |server: &super::reply::ServerInfo| {
        server.link_up == Some(true) || server.keys > 0 || server.offset.is_some_and(|offset| offset > 0)
    };
    node.role == Some(Role::Replica) && node.server.as_ref().is_some_and(synced)
}

fn offset(node: &NodeFacts) -> Option<u64> {
    node.server.as_ref().and_then(|server| server.offset)
}

/// Whether a majority of the owners of slots responds.
pub fn election(topology: &Topology) -> Election {
    let answering = topology.owners().filter(|owner| owner.is_reachable()).count();
    if answering * 2 > topology.owners().count() { Election::Voted } else { Election::Unvoted }
}

fn reasons(nodes: &[&NodeFacts]) -> String {
    let reason = |node: &&NodeFacts| match &node.error {
        Some(no_response) => format!("{}: {no_response}", node.member.name),
        None => format!("{} never had a copy", node.member.name),
    };
    nodes.iter().map(reason).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Rejection;
    use super::super::topology::tests::healthy;
    use super::*;

    fn silent(snapshot: &mut Snapshot, index: usize, no_response: NoResponse) {
        snapshot.seen[index].view = Err(no_response);
    }

    fn name(loss: &Loss<'_>) -> String {
        loss.remedy.new_owner().name.clone()
    }

    #[test]
    fn a_served_shard_has_lost_nothing() {
        let topology = Topology::of(&healthy());
        let refused = accept(&topology, 1).expect_err("served");
        assert_eq!(refused.to_string(), "shard 1 is served by redis-001-node-101: there is no data loss to accept");
        assert_eq!(accept(&topology, 9), Err(NoLoss::Unknown(9)));
    }

    #[test]
    fn a_copy_is_better_than_none() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, NoResponse::Waiting("waits".into()));
        let topology = Topology::of(&snapshot);
        let loss = accept(&topology, 1).expect("a loss");
        assert_eq!(name(&loss), "redis-001-node-102");
        assert!(matches!(loss.remedy, Remedy::Promote(_, Election::Voted)));
        assert!(lost_shards(&snapshot).is_empty());
        for index in [2, 4] {
            silent(&mut snapshot, index, "no power".into());
        }
        let topology = Topology::of(&snapshot);
        assert!(matches!(accept(&topology, 1).expect("a loss").remedy, Remedy::Promote(_, Election::Unvoted)));
    }

    #[test]
    fn without_a_copy_the_first_that_waits_starts_empty() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, "no power".into());
        silent(&mut snapshot, 1, NoResponse::DataLost("gone".into()));
        let topology = Topology::of(&snapshot);
        let loss = accept(&topology, 1).expect("a loss");
        assert_eq!(name(&loss), "redis-001-node-102");
        assert!(matches!(loss.remedy, Remedy::StartEmpty(_)));
        assert_eq!(loss.given_up[0].name, "redis-001-node-101");
        assert_eq!(lost_shards(&snapshot), [1]);
    }

    /// If one node has its data, no other starts empty.
    #[test]
    fn what_is_kept_is_not_lost() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, NoResponse::Waiting("holds no data: waits".into()));
        silent(&mut snapshot, 1, NoResponse::Kept("owned slots when it stopped: waits".into()));
        assert_eq!(
            accept(&Topology::of(&snapshot), 1).expect_err("kept").to_string(),
            "shard 1 has its data: redis-001-node-102 owned slots when it stopped: waits"
        );
    }

    /// A loading server has read some of its data already, and another with a copy has maybe less.
    #[test]
    fn what_is_being_loaded_is_not_lost() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, NoResponse::Loading("CLUSTER NODES: LOADING".into()));
        let refusal = "shard 1 has its data: redis-001-node-101 is loading it from disk";
        for sibling in [
            snapshot.seen[1].view.clone(),
            Err(NoResponse::DataLost("gone".into())),
            Err(NoResponse::Damaged { message: "damaged".into(), unknown: true }),
            Err("no power".into()),
        ] {
            snapshot.seen[1].view = sibling;
            assert_eq!(accept(&Topology::of(&snapshot), 1).expect_err("loading").to_string(), refusal);
        }
    }

    #[test]
    fn what_a_running_node_may_have_is_not_given_up_unseen() {
        for (why, no_response) in [
            ("WRONGPASS", NoResponse::Refused("WRONGPASS".into())),
            ("BUSY a script", NoResponse::Rejected(Rejection::Script, "BUSY a script".into())),
        ] {
            let mut snapshot = healthy();
            silent(&mut snapshot, 0, no_response);
            silent(&mut snapshot, 1, NoResponse::DataLost("gone".into()));
            assert_eq!(
                accept(&Topology::of(&snapshot), 1).expect_err("it runs").to_string(),
                format!("shard 1 may have its data: redis-001-node-101 cannot be queried: {why}")
            );
        }
    }

    /// Its loader is of another shard.
    #[test]
    fn a_loader_of_another_shard_keeps_nothing() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, "no power".into());
        silent(&mut snapshot, 1, NoResponse::DataLost("gone".into()));
        silent(&mut snapshot, 2, NoResponse::Loading("CLUSTER NODES: LOADING".into()));
        assert!(matches!(accept(&Topology::of(&snapshot), 1).expect("a loss").remedy, Remedy::StartEmpty(_)));
    }

    /// The data of a damaged node comes before no data.
    #[test]
    fn a_damaged_node_starts_with_its_data() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, NoResponse::DataLost("gone".into()));
        silent(&mut snapshot, 1, NoResponse::Damaged { message: "damaged".into(), unknown: true });
        silent(&mut snapshot, 3, NoResponse::Damaged { message: "damaged".into(), unknown: false });
        let topology = Topology::of(&snapshot);
        let loss = accept(&topology, 1).expect("a loss");
        assert_eq!(name(&loss), "redis-001-node-102");
        assert!(matches!(loss.remedy, Remedy::StartKept(_)) && loss.given_up.is_empty());
        assert_eq!(lost_shards(&snapshot), [1]);
    }

    #[test]
    fn the_data_of_a_second_damaged_node_is_given_up() {
        let mut snapshot = healthy();
        for index in [0, 1] {
            silent(&mut snapshot, index, NoResponse::Damaged { message: "damaged".into(), unknown: true });
        }
        let topology = Topology::of(&snapshot);
        let loss = accept(&topology, 1).expect("a loss");
        assert_eq!((name(&loss).as_str(), loss.given_up.len()), ("redis-001-node-101", 1));
        assert_eq!(loss.given_up[0].name, "redis-001-node-102");
    }

    #[test]
    fn nobody_is_left() {
        let mut snapshot = healthy();
        silent(&mut snapshot, 0, "no power".into());
        silent(&mut snapshot, 1, "no power".into());
        let topology = Topology::of(&snapshot);
        assert_eq!(
            accept(&topology, 1).expect_err("nobody").to_string(),
            "no node of shard 1 could own it: redis-001-node-101: no power; redis-001-node-102: no power"
        );
    }
}
