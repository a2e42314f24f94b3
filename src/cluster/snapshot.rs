//! A cluster at one moment: the expected nodes, and the view of each node that responded. An
//! unreachable node is data, not an error.

use super::commands::{Caller, ClusterRef};
use super::node::{Flags, NodeId, NodeNumber};
use super::reply::{BadReply, ClusterInfo, KnownLines, NodeLine, ServerInfo, Settings};
use super::slots::SlotSet;
use super::surroundings::{Lookup, PodState, Surroundings};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// An expected node, as Kubernetes knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The pod's name for nodes of other tools.
    pub name: String,
    /// None for nodes of other tools.
    pub number: Option<NodeNumber>,
    /// The ID that this tool assigned; none for nodes of other tools.
    pub id: Option<NodeId>,
    pub pod: Option<String>,
    /// Differs between pods of the same name.
    pub pod_uid: Option<String>,
    pub pod_ip: Option<String>,
    pub worker: Option<String>,
    /// None if it could not be read.
    pub zone: Option<String>,
    /// How to run redis-cli in the pod; none without a pod.
    pub shell: Option<Shell>,
    pub state: PodState,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    pub container: String,
    pub port: u16,
    /// The environment variable with the password, unless redis-cli reads it itself.
    pub password_variable: Option<String>,
    /// The ACL user to log in as.
    pub user: Option<String>,
    /// The Secret and key of the password, if it is not the pod's own.
    pub password_secret: Option<(String, String)>,
    /// Extra flags of redis-cli, such as for TLS; empty or ending in a space.
    pub flags: &'static str,
}

/// What one node reports about the cluster and itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Including itself.
    pub nodes: Vec<Arc<NodeLine>>,
    pub cluster: ClusterInfo,
    pub server: ServerInfo,
    pub settings: Lookup<Settings>,
    /// Whether it was asked without a password, and answered.
    pub needs_no_password: bool,
    /// Slots that it has keys in but does not own; empty if not searched for.
    pub astray: SlotSet,
}

impl View {
    /// `known` has the lines of other nodes' replies.
    ///
    /// # Errors
    /// If a reply cannot be parsed.
    pub fn parse(known: &mut KnownLines, nodes: &str, cluster_info: &str, info: &str) -> Result<Self, BadReply> {
        Ok(Self {
            nodes: known.nodes(nodes)?,
            cluster: cluster_info.parse()?,
            server: ServerInfo::parse(info),
            settings: Lookup::Skipped,
            needs_no_password: false,
            astray: SlotSet::default(),
        })
    }

    /// The value of the first of a setting's names that the server knows; none if it was not asked.
    pub fn setting(&self, names: &[&str]) -> Option<&str> {
        let settings = self.settings.seen()?;
        names.iter().find_map(|name| settings.get(*name)).map(String::as_str)
    }

    /// Whether it is the view of the node with this ID.
    pub fn is_of(&self, id: &NodeId) -> bool {
        self.myself().is_some_and(|line| line.id == *id)
    }

    pub fn myself(&self) -> Option<&NodeLine> {
        self.nodes.iter().map(Arc::as_ref).find(|line| line.flags.is_myself())
    }
}

/// Why there is no view of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoResponse {
    /// Did not respond, or cannot be reached: the reason in one sentence.
    Unreachable(String),
    /// Has no data and is waiting to start: its own message.
    Waiting(String),
    /// Has its data, owned slots when it stopped, and is waiting to start: its own message.
    Kept(String),
    /// Has data, but its nodes.conf is damaged, and is waiting to start.
    Damaged {
        /// Its own message.
        message: String,
        /// Whether no other node knows it: only the user can decide that it may start.
        unknown: bool,
    },
    /// Has no data, and no other node of its shard has any: its own message. Only the user can
    /// decide that it may start empty.
    DataLost(String),
    /// Runs, and rejects every command: its own message.
    Rejected(Rejection, String),
    /// Its server is loading its data, which it will serve: the server's own message.
    Loading(String),
    /// The user lacks permission, or the server rejects the password.
    Refused(String),
    /// A server that does not run in cluster mode: where its configuration comes from.
    NotClustered(String),
}

/// Why a running server rejects every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A script runs for longer than `busy-reply-threshold` (5 s).
    Script,
    /// The same with a function (Redis 7.0).
    Function,
    /// It has as many connections as `maxclients` allows.
    ClientsLimit,
    /// Protected mode, without a password.
    ProtectedMode,
    /// A replica without its master, with `replica-serve-stale-data no`.
    NoMaster,
}

impl Rejection {
    /// By the server's message.
    pub fn of(message: &str) -> Option<Self> {
        let says = |words: &str| message.contains(words);
        match () {
            () if says("BUSY Redis is busy") || says("BUSY Valkey is busy") => {
                Some(if says("FUNCTION KILL") { Self::Function } else { Self::Script })
            }
            () if says("max number of clients") => Some(Self::ClientsLimit),
            () if says("DENIED ") && says("protected mode") => Some(Self::ProtectedMode),
            () if says("MASTERDOWN ") => Some(Self::NoMaster),
            () => None,
        }
    }
}

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(text)
            | Self::Waiting(text)
            | Self::Kept(text)
            | Self::Damaged { message: text, .. }
            | Self::DataLost(text)
            | Self::Rejected(_, text)
            | Self::Loading(text)
            | Self::Refused(text)
            | Self::NotClustered(text) => f.pad(text),
        }
    }
}

impl<T: Into<String>> From<T> for NoResponse {
    fn from(text: T) -> Self {
        Self::Unreachable(text.into())
    }
}

/// An expected node with its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub member: Member,
    pub view: Result<View, NoResponse>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub cluster: ClusterRef,
    /// What printed commands repeat.
    pub caller: Caller,
    /// Every expected node, ordered by number and name.
    pub seen: Vec<Seen>,
    /// As far as it was queried.
    pub around: Surroundings,
}

impl Snapshot {
    /// The selector if the cluster was selected by labels.
    pub fn name(&self) -> &str {
        self.cluster.title()
    }

    /// The first node that the user may not query, and why: its view is unknown.
    pub fn unasked(&self) -> Option<String> {
        self.seen.iter().find_map(|seen| match &seen.view {
            Err(NoResponse::Refused(why)) => Some(format!("{} cannot be queried: {why}", seen.member.name)),
            _ => None,
        })
    }

    /// The servers that do not run in cluster mode, and why none of them is a node.
    pub fn not_clustered(&self) -> Option<String> {
        let is_such = |seen: &&Seen| matches!(seen.view, Err(NoResponse::NotClustered(_)));
        let names: Vec<&str> = self.seen.iter().filter(is_such).map(|seen| seen.member.name.as_str()).collect();
        let runs = if names.len() == 1 { "runs" } else { "run" };
        (!names.is_empty()).then(|| format!("{} {runs} without cluster mode (cluster-enabled no)", names.join(", ")))
    }

    /// The nodes that a peer flagged `fail?`, `fail`, `handshake` or `noaddr`.
    pub fn flagged(&self) -> BTreeSet<&NodeId> {
        let lines = self.answered().flat_map(|(_, view)| &view.nodes);
        let is_flagged =
            |flags: &Flags| flags.is_failed() || flags.is_suspected() || flags.is_handshake() || flags.has_no_address();
        lines.filter(|line| is_flagged(&line.flags)).map(|line| &line.id).collect()
    }

    /// The same, but for what only time changes.
    #[must_use]
    pub fn without_ages(&self) -> Self {
        let mut ageless = self.clone();
        ageless.around.now = 0;
        for view in ageless.seen.iter_mut().filter_map(|seen| seen.view.as_mut().ok()) {
            (view.server.uptime_seconds, view.server.link_down_seconds) = (None, None);
        }
        ageless
    }

    pub fn answered(&self) -> impl Iterator<Item = (&Member, &View)> {
        self.seen.iter().filter_map(|seen| Some((&seen.member, seen.view.as_ref().ok()?)))
    }
}
