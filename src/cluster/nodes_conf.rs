//! The nodes.conf that a node finds before its first start.
//!
//! Nodes that know each other from this file need no CLUSTER MEET: they form the cluster
//! by themselves, in any order. Roles are declared and the masters' epochs are
//! distinct, so that no two nodes ever claim the same slots.
//!
//! A peer's epoch is 0 here: the server stores the real one as soon as the peer responds, so
//! that a node's view shows whether another node was ever up.
//!
//! The form is the oldest one, `ID IP:PORT FLAGS MASTER PING PONG EPOCH LINK SLOTS`,
//! which every version from 3.0 on loads (the bus port is then the port + 10000).

use super::node::{NodeId, NodeNumber};
use super::shape::Shape;

/// The client port of every node.
pub const PORT: u16 = 6379;
pub const BUS_PORT: u16 = PORT + 10000;
/// The port on which a waiting node reports what it is waiting for.
pub const STARTUP_PORT: u16 = PORT + 20000;

pub struct InitialNode {
    pub number: NodeNumber,
    pub id: NodeId,
    /// Anything that becomes an IP address before the server reads the file.
    pub address: String,
}

/// The whole file for the node `myself`. `peers` are all nodes of `shape`, in order.
pub fn nodes_conf(shape: Shape, peers: &[InitialNode], myself: NodeNumber) -> String {
    let slots = shape.slots();
    let mut file = String::new();
    for (index, peer) in peers.iter().enumerate() {
        let shard = index / usize::from(shape.replicas() + 1);
        let (epoch, myself) = if peer.number == myself { (shard + 1, "myself,") } else { (0, "") };
        let place = format!("{} {}:{PORT}", peer.id, peer.address);
        file += &if peer.number.is_initial_master() {
            format!("{place} {myself}master - 0 0 {epoch} connected {}\n", slots[shard])
        } else {
            let master = &peers[shard * usize::from(shape.replicas() + 1)].id;
            format!("{place} {myself}slave {master} 0 0 {epoch} connected\n")
        };
    }
    file + &format!("vars currentEpoch {} lastVoteEpoch 0\n", shape.shards())
}

#[cfg(test)]
mod tests {
    use super::super::shape::Small;
    use super::*;

    fn file(myself: &str) -> String {
        let shape = Shape::new(3, 1, Small::Refused).expect("valid");
        let peers: Vec<_> = shape
            .nodes()
            .map(|number| InitialNode {
                number,
                id: format!("{number:0>40}", number = number.to_string()).parse().expect("an ID"),
                address: format!("${{{number}}}"),
            })
            .collect();
        nodes_conf(shape, &peers, myself.parse().expect("a number"))
            .replace("0000000000000000000000000000000000000", "")
    }

    #[test]
    fn a_master_at_the_first_start() {
        insta::assert_snapshot!(file("201"), @r"
        101 ${101}:6379 master - 0 0 0 connected 0-5460
        102 ${102}:6379 slave 101 0 0 0 connected
        201 ${201}:6379 myself,master - 0 0 2 connected 5461-10922
        202 ${202}:6379 slave 201 0 0 0 connected
        301 ${301}:6379 master - 0 0 0 connected 10923-16383
        302 ${302}:6379 slave 301 0 0 0 connected
        vars currentEpoch 3 lastVoteEpoch 0
        ");
    }

    #[test]
    fn a_replica_claims_nothing_at_the_first_start() {
        let mine = file("302").lines().find(|line| line.contains("myself")).map(str::to_owned);
        assert_eq!(mine.as_deref(), Some("302 ${302}:6379 myself,slave 301 0 0 3 connected"));
    }
}
