//! What was seen of a cluster at one moment: who should be there, and what each
//! of them says. A node that cannot be asked is part of the picture, no failure.

use super::node::{Flags, NodeId, NodeNumber};
use super::reply::{BadReply, ClusterInfo, KnownLines, NodeLine, ServerInfo, Settings};
use super::slots::SlotSet;
use super::surroundings::{Look, PodState, Surroundings};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A node that should be there, as Kubernetes knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The node's name; the pod's where the node has none of its own.
    pub name: String,
    /// Its number, where this tool made it.
    pub number: Option<NodeNumber>,
    /// Its ID, where this tool chose it.
    pub id: Option<NodeId>,
    /// Its pod, when there is one.
    pub pod: Option<String>,
    /// What tells the pod from others that had its name.
    pub pod_uid: Option<String>,
    /// The pod's address.
    pub pod_ip: Option<String>,
    /// The worker that the pod runs on.
    pub worker: Option<String>,
    /// The worker's zone, when it could be read.
    pub zone: Option<String>,
    /// How a command is run beside its server; none without a pod.
    pub shell: Option<Shell>,
    /// What Kubernetes says of the pod.
    pub state: PodState,
}

/// How a `redis-cli` is run in a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    /// The server's container.
    pub container: String,
    /// The server's client port.
    pub port: u16,
    /// The container's variable with the password, where redis-cli does not know it by itself.
    pub password_variable: Option<String>,
    /// What redis-cli must be told besides, such as to speak TLS; empty or ending in a space.
    pub flags: &'static str,
}

/// What one node says of the cluster and of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its line of every node that it knows, its own included.
    pub nodes: Vec<Arc<NodeLine>>,
    /// Its judgement of the whole.
    pub cluster: ClusterInfo,
    /// What it says of itself.
    pub server: ServerInfo,
    /// Its settings.
    pub settings: Look<Settings>,
    /// Slots that it holds keys of though another owns them; empty when not looked for.
    pub astray: SlotSet,
}

impl View {
    /// Reads the three replies, the first one beside the `known` ones of others.
    ///
    /// # Errors
    /// When one of them does not say what it should.
    pub fn parse(known: &mut KnownLines, nodes: &str, cluster_info: &str, info: &str) -> Result<Self, BadReply> {
        Ok(Self {
            nodes: known.nodes(nodes)?,
            cluster: cluster_info.parse()?,
            server: ServerInfo::parse(info),
            settings: Look::Skipped,
            astray: SlotSet::default(),
        })
    }

    /// The node's line of itself.
    pub fn myself(&self) -> Option<&NodeLine> {
        self.nodes.iter().map(Arc::as_ref).find(|line| line.flags.is_myself())
    }
}

/// Why a node's server said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It cannot be asked: one sentence that says why.
    Unreachable(String),
    /// It has no data and may not start yet: what it waits for, in its own words.
    Waiting(String),
    /// It has its data, owned slots when it stopped, and may not start yet, in its own words.
    Kept(String),
    /// It has no data, and nobody else has any of its shard, in its own words: only a
    /// person can say that it may start empty.
    DataLost(String),
    /// Whoever asks may not: it lacks rights, or the server refuses its password.
    Refused(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(text)
            | Self::Waiting(text)
            | Self::Kept(text)
            | Self::DataLost(text)
            | Self::Refused(text) => f.pad(text),
        }
    }
}

impl<T: Into<String>> From<T> for Silence {
    fn from(text: T) -> Self {
        Self::Unreachable(text.into())
    }
}

/// A node that should be there, and what it said or why it said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub member: Member,
    /// What it said, or why not.
    pub view: Result<View, Silence>,
}

/// A cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The cluster's name; the selector where it was selected by labels.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Every node that should be there, by number and name.
    pub seen: Vec<Seen>,
    /// What Kubernetes says of the things around the nodes, as far as it was asked.
    pub around: Surroundings,
}

impl Snapshot {
    /// The first node that may not be asked, and why: what it would have said is not known.
    pub fn unasked(&self) -> Option<String> {
        self.seen.iter().find_map(|seen| match &seen.view {
            Err(Silence::Refused(why)) => Some(format!("{} may not be asked: {why}", seen.member.name)),
            _ => None,
        })
    }

    /// The nodes that some peer suspects, takes for failed, or does not know well yet.
    pub fn doubted(&self) -> BTreeSet<&NodeId> {
        let lines = self.answered().flat_map(|(_, view)| &view.nodes);
        let in_doubt =
            |flags: &Flags| flags.is_failed() || flags.is_suspected() || flags.is_handshake() || flags.has_no_address();
        lines.filter(|line| in_doubt(&line.flags)).map(|line| &line.id).collect()
    }

    /// The nodes that answered.
    pub fn answered(&self) -> impl Iterator<Item = (&Member, &View)> {
        self.seen.iter().filter_map(|seen| Some((&seen.member, seen.view.as_ref().ok()?)))
    }
}
