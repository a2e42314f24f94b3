//! The questions to a node: which commands they are, and what its replies say.

use crate::cluster::health::PATTERN;
use crate::cluster::reply::{self, BadReply, KnownLines};
use crate::cluster::slots::SlotSet;
use crate::cluster::snapshot::View;
use crate::cluster::surroundings::Look;
use crate::error::{Error, ErrorKind};
use crate::node::connection::Reply;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The nodes alone, each in its own words to the last digit.
    Verbatim,
    /// The nodes alone.
    Nodes,
    /// Their workers' zones too.
    Zones,
    /// And everything around them that can be wrong.
    All,
    /// And the keys of every slot that a master does not own: 16384 small questions each.
    AllAndKeys,
}

/// What every node is asked.
pub(super) fn commands(scope: Scope) -> Vec<Vec<&'static str>> {
    let settings = (scope >= Scope::All).then(|| vec!["CONFIG", "GET", PATTERN]);
    [vec!["CLUSTER", "NODES"], vec!["CLUSTER", "INFO"], vec!["INFO"]].into_iter().chain(settings).collect()
}

/// The replies of one node, as it sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// CLUSTER NODES.
    pub nodes: String,
    /// CLUSTER INFO.
    pub cluster_info: String,
    /// INFO.
    pub info: String,
    /// CONFIG GET, as far as it was asked.
    pub settings: Look<String>,
    /// The slots of which it holds keys though it does not own them, as far as it was asked.
    pub astray: SlotSet,
}

impl Texts {
    /// The replies to `commands(scope)`.
    pub(super) fn of(replies: Vec<Reply>, scope: Scope) -> Result<Self, Error> {
        let mut replies = replies.into_iter();
        let mut next = |command: &str| match replies.next() {
            Some(Ok(text)) => Ok(text),
            Some(Err(refusal)) => Err(refused(command, &refusal)),
            None => Err(Error::user("a reply is missing")),
        };
        let [nodes, cluster_info, info] = ["CLUSTER NODES", "CLUSTER INFO", "INFO"].map(&mut next);
        let mut texts = Self { nodes: nodes?, cluster_info: cluster_info?, info: info?, ..Self::default() };
        if scope >= Scope::All {
            texts.settings = next("CONFIG GET").map_err(|error| error.message().to_owned()).into();
        }
        Ok(texts)
    }

    /// The replies as values; its lines beside the `known` ones of others.
    ///
    /// # Errors
    /// When one of them does not say what it should.
    pub fn view(&self, known: &mut KnownLines) -> Result<View, BadReply> {
        let settings = match &self.settings {
            Look::Seen(text) => Look::Seen(reply::settings(text)),
            Look::Denied(why) => Look::Denied(why.clone()),
            Look::Skipped => Look::Skipped,
        };
        let view = View::parse(known, &self.nodes, &self.cluster_info, &self.info)?;
        Ok(View { settings, astray: self.astray.clone(), ..view })
    }
}

/// A server that lacks the right or the command says so; one that is busy may answer later.
fn refused(command: &str, refusal: &str) -> Error {
    let is_right = ["NOPERM", "NOAUTH", "ERR unknown command"].iter().any(|word| refusal.starts_with(word));
    let kind = if is_right { ErrorKind::Refused } else { ErrorKind::User };
    Error::new(kind, format!("{command}: {refusal}"))
}
