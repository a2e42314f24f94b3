//! The wanted size of a cluster.

use super::node::NodeNumber;
use super::slots::{self, SlotRange};

/// How many shards, and how many replicas each has. Valid by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    shards: u16,
    replicas: u16,
}

/// A size that cannot or should not be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    /// Not between 1 and 1000 shards.
    #[error("a cluster has 1 to {max} shards, not {0}", max = Shape::MAX_SHARDS)]
    Shards(u16),
    /// Not between 0 and 5 replicas.
    #[error("a shard has 0 to {max} replicas, not {0}", max = Shape::MAX_REPLICAS)]
    Replicas(u16),
    /// Nobody could vote for a new master.
    #[error("with {0} shard(s) no failover is possible: it needs the votes of a majority of at least 3 masters")]
    TooSmall(u16),
}

/// Whether a cluster in which nothing can fail over is wanted nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// Below three shards is refused.
    Refused,
    /// Below three shards is what the user wants.
    Allowed,
}

impl Shape {
    /// The most shards: the bound that Redis itself recommends.
    pub const MAX_SHARDS: u16 = 1000;
    /// The most replicas of a shard.
    pub const MAX_REPLICAS: u16 = 5;

    /// A valid shape, or why it is none.
    ///
    /// # Errors
    /// Sizes out of bounds, and fewer than three shards unless they are allowed.
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

    /// The number of shards, and so of masters.
    pub fn shards(self) -> u16 {
        self.shards
    }

    /// The number of replicas of each master.
    pub fn replicas(self) -> u16 {
        self.replicas
    }

    /// The number of nodes in all.
    pub fn size(self) -> usize {
        usize::from(self.shards) * usize::from(self.replicas + 1)
    }

    /// Every node, shard by shard, each shard's master at birth first.
    pub fn nodes(self) -> impl Iterator<Item = NodeNumber> {
        (1..=self.shards).flat_map(move |shard| (1..=self.replicas + 1).map(move |place| NodeNumber::new(shard, place)))
    }

    /// The slots of each shard at birth, in order.
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
