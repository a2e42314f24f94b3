//! The requested size of a cluster.

use super::node::NodeNumber;
use super::slots::{self, SlotRange};

/// Valid by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    shards: u16,
    replicas: u16,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    #[error("a cluster has 1 to {max} shards, not {0}", max = Shape::MAX_SHARDS)]
    Shards(u16),
    #[error("a shard has 0 to {max} replicas, not {0}", max = Shape::MAX_REPLICAS)]
    Replicas(u16),
    /// No majority could elect a new master.
    #[error("with {0} shard(s) no failover is possible: it needs the votes of a majority of at least 3 masters")]
    TooSmall(u16),
}

/// Whether a cluster without failover is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    Refused,
    Allowed,
}

impl Shape {
    /// The limit that the Redis Cluster specification recommends.
    pub const MAX_SHARDS: u16 = 1000;
    /// Of each shard.
    pub const MAX_REPLICAS: u16 = 5;

    /// # Errors
    /// For sizes out of range, and for fewer than three shards unless `small` allows them.
    pub fn new(shards: u16, replicas: u16, small: Small) -> Result<Self, BadShape> {
        if !(1..=Self::MAX_SHARDS).contains(&shards) {
            Err(BadShape::Shards(shards))
        } else if replicas > Self::MAX_REPLICAS {
            Err(BadShape::Replicas(replicas))
        } else if shards < 3 && small == Small::Refused {
            Err(BadShape::TooSmall(shards))
        } else {
            Ok(Self { shards, replicas })
        }
    }

    pub fn shards(self) -> u16 {
        self.shards
    }

    /// Of each master.
    pub fn replicas(self) -> u16 {
        self.replicas
    }

    /// The total number of nodes.
    pub fn size(self) -> usize {
        usize::from(self.shards) * usize::from(self.replicas + 1)
    }

    /// Every node, shard by shard, with the initial master of each shard first.
    pub fn nodes(self) -> impl Iterator<Item = NodeNumber> {
        (1..=self.shards).flat_map(move |shard| (1..=self.replicas + 1).map(move |place| NodeNumber::new(shard, place)))
    }

    /// The initial slots of each shard, in order.
    pub fn slots(self) -> Vec<SlotRange> {
        slots::split(self.shards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_shape_has_the_originals_nodes() {
        let shape = Shape::new(3, 1, Small::Refused).expect("valid");
        let nodes: Vec<_> = shape.nodes().map(|node| node.to_string()).collect();
        assert_eq!(nodes, ["101", "102", "201", "202", "301", "302"]);
        assert_eq!(shape.size(), 6);
    }

    #[test]
    fn bounds() {
        assert_eq!(Shape::new(0, 1, Small::Allowed), Err(BadShape::Shards(0)));
        assert_eq!(Shape::new(1001, 1, Small::Allowed), Err(BadShape::Shards(1001)));
        assert_eq!(Shape::new(3, 6, Small::Allowed), Err(BadShape::Replicas(6)));
        assert_eq!(Shape::new(2, 1, Small::Refused), Err(BadShape::TooSmall(2)));
        assert!(Shape::new(1, 0, Small::Allowed).is_ok());
    }
}
