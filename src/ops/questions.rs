//! The commands to a node, and its raw replies.

use crate::cluster::health::PATTERN;
use crate::cluster::reply::{self, BadReply, KnownLines};
use crate::cluster::slots::SlotSet;
use crate::cluster::snapshot::View;
use crate::cluster::surroundings::Lookup;
use crate::error::{Error, ErrorKind};
use crate::node::connection::Reply;

/// How much to query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Only the nodes, with unmodified replies.
    Verbatim,
    /// Only the nodes.
    Nodes,
    /// Also their workers' zones.
    Zones,
    /// Also everything around them that `check` needs.
    All,
    /// Also the keys in every slot that a master does not own: 16384 small commands each.
    AllAndKeys,
}

pub(super) fn commands(scope: Scope) -> Vec<Vec<&'static str>> {
    let settings = (scope >= Scope::All).then(|| vec!["CONFIG", "GET", PATTERN]);
    [vec!["CLUSTER", "NODES"], vec!["CLUSTER", "INFO"], vec!["INFO"]].into_iter().chain(settings).collect()
}

/// The raw replies of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub nodes: String,
    pub cluster_info: String,
    pub info: String,
    /// CONFIG GET, if it was sent.
    pub settings: Lookup<String>,
    /// Whether it answered without a password.
    pub needs_no_password: bool,
    /// Slots with keys that the node does not own, if they were searched for.
    pub astray: SlotSet,
}

impl Texts {
    pub(super) fn of(replies: Vec<Reply>, scope: Scope) -> Result<Self, Error> {
        if let Some(error) = not_clustered(&replies) {
            return Err(error);
        }
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

    /// `known` has the lines of other nodes' replies.
    ///
    /// # Errors
    /// If a reply cannot be parsed.
    pub fn view(&self, known: &mut KnownLines) -> Result<View, BadReply> {
        let settings = match &self.settings {
            Lookup::Seen(text) => Lookup::Seen(reply::settings(text)),
            Lookup::Denied(why) => Lookup::Denied(why.clone()),
            Lookup::Skipped => Lookup::Skipped,
        };
        let view = View::parse(known, &self.nodes, &self.cluster_info, &self.info)?;
        Ok(View { settings, needs_no_password: self.needs_no_password, astray: self.astray.clone(), ..view })
    }
}

/// INFO is answered without cluster mode too, and says where the server has its configuration from.
fn not_clustered(replies: &[Reply]) -> Option<Error> {
    let refusal = replies.first()?.as_ref().err()?;
    if !refusal.contains("cluster support disabled") {
        return None;
    }
    let info = replies.get(2).and_then(|reply| reply.as_ref().ok()).map(String::as_str).unwrap_or_default();
    let file = info.lines().find_map(|line| line.trim_end().strip_prefix("config_file:"));
    let source = match file.filter(|file| !file.is_empty()) {
        Some(file) => format!("its configuration is {file}"),
        None => "it was started without a configuration file: its command line has no cluster-enabled yes".to_owned(),
    };
    Some(Error::new(ErrorKind::NotClustered, format!("{refusal}; {source}")))
}

/// Distinguishes a missing permission or command, a server that loads, and a busy one.
fn refused(command: &str, refusal: &str) -> Error {
    let is_right = ["NOPERM", "NOAUTH", "ERR unknown command"].iter().any(|word| refusal.starts_with(word));
    let kind = match refusal.split(' ').next() {
        _ if is_right => ErrorKind::Refused,
        Some("LOADING") => ErrorKind::Loading,
        _ => ErrorKind::User,
    };
    Error::new(kind, format!("{command}: {refusal}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_cluster_mode_says_where_its_configuration_is() {
        let off = || Err("ERR This instance has cluster support disabled".to_owned());
        let said = |info: &str| {
            let error = Texts::of(vec![off(), off(), Ok(info.to_owned())], Scope::Nodes).expect_err("no node");
            (error.kind(), error.message().to_owned())
        };
        assert_eq!(
            said("redis_mode:standalone\r\nconfig_file:/etc/redis.conf\r\n"),
            (
                ErrorKind::NotClustered,
                "ERR This instance has cluster support disabled; its configuration is /etc/redis.conf".to_owned()
            )
        );
        assert!(said("config_file:\r\n").1.ends_with("its command line has no cluster-enabled yes"));
    }
}
