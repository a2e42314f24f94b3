//! One node of a Redis Cluster: its names, role, flags and address.

use std::fmt;

/// A node's ID: 40 characters, constant for the node's life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a node ID (40 characters)")]
pub struct BadNodeId(pub String);

impl NodeId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for NodeId {
    type Err = BadNodeId;

    /// Any 40 visible characters: Redis 7.0 and newer take only `[a-z0-9]`, but older clusters may
    /// have dashes and upper case.
    fn from_str(text: &str) -> Result<Self, BadNodeId> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadNodeId(text.to_owned()))
        }
    }
}

/// Shard × 100 + position at bootstrap, both from 1. Position 1 is the initial master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(u32);

impl NodeNumber {
    /// The node at `position` (1 to 99) of `shard` (from 1).
    pub fn new(shard: u16, position: u16) -> Self {
        Self(u32::from(shard) * 100 + u32::from(position))
    }

    pub fn shard(self) -> u32 {
        self.0 / 100
    }

    pub fn position(self) -> u32 {
        self.0 % 100
    }

    /// Whether the initial nodes.conf declares the node as its shard's master.
    pub fn is_initial_master(self) -> bool {
        self.position() == 1
    }
}

impl fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a node number such as 101 (shard 1, position 1)")]
pub struct BadNodeNumber(pub String);

impl std::str::FromStr for NodeNumber {
    type Err = BadNodeNumber;

    fn from_str(text: &str) -> Result<Self, BadNodeNumber> {
        match text.parse() {
            Ok(number) if number >= 101 && number % 100 > 0 => Ok(Self(number)),
            _ => Err(BadNodeNumber(text.to_owned())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Owns slots, or could.
    Master,
    /// Follows a master ("slave" in the replies of every version).
    Replica,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The flags of one line of CLUSTER NODES, without the role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(Vec<String>);

impl Flags {
    /// Of a replica that never asks for votes.
    pub const NO_FAILOVER: &'static str = "nofailover";

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the line is about the responding node itself.
    pub fn is_myself(&self) -> bool {
        self.has("myself")
    }

    /// Marked FAIL: a majority of masters agreed that the node is down.
    pub fn is_failed(&self) -> bool {
        self.has("fail")
    }

    /// PFAIL (`fail?`): the responding node cannot reach this one.
    pub fn is_suspected(&self) -> bool {
        self.has("fail?")
    }

    pub fn is_handshake(&self) -> bool {
        self.has("handshake")
    }

    pub fn has_no_address(&self) -> bool {
        self.has("noaddr")
    }

    fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|each| each == flag)
    }
}

impl<'a> FromIterator<&'a str> for Flags {
    fn from_iter<I: IntoIterator<Item = &'a str>>(flags: I) -> Self {
        Self(flags.into_iter().map(str::to_owned).collect())
    }
}

/// The address that a node announces to peers and clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// An IP address (v4 or v6, without brackets); empty while unknown.
    pub host: String,
    /// The client port; 0 while unknown.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The bus link from the responding node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connected,
    Disconnected,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_number_knows_its_place() {
        let number: NodeNumber = "1002".parse().expect("a number");
        assert_eq!((number.shard(), number.position()), (10, 2));
        assert!(!number.is_initial_master());
        assert_eq!(NodeNumber::new(3, 1).to_string(), "301");
    }

    #[test]
    fn what_is_no_node_number_is_refused() {
        for text in ["", "1", "100", "200", "x01", "-101"] {
            assert!(text.parse::<NodeNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_the_original_are_ids() {
        assert!("redis-cluster-001---------redis-node-101".parse::<NodeId>().is_ok());
        assert!("short".parse::<NodeId>().is_err());
    }

    #[test]
    fn an_ipv6_endpoint_has_brackets() {
        let endpoint = Endpoint { host: "fd00::1".into(), port: 6379 };
        assert_eq!(endpoint.to_string(), "[fd00::1]:6379");
    }
}
