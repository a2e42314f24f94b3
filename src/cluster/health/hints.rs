//! Commands that show more about a finding or fix it. A test checks that each one exists.

use crate::cluster::commands::{ClusterRef, quoted};
use crate::cluster::identity::copies;
use crate::cluster::membership::largest;
use crate::cluster::node::NodeId;
use crate::cluster::snapshot::{Member, Seen, Snapshot};
use crate::cluster::surroundings::{Controller, INSTANCE};
use crate::cluster::topology::NodeFacts;
use std::cmp::Reverse;
use std::collections::HashMap;

#[derive(Clone, Copy)]
pub struct Hints<'a> {
    pub snapshot: &'a Snapshot,
}

impl Hints<'_> {
    /// `kubectl redis-cluster VERB` for this cluster, by its name or selector.
    pub fn command(&self, verb: &str) -> String {
        self.snapshot.caller.plugin_on(verb, &self.snapshot.cluster)
    }

    /// Makes again what is missing of a cluster of this tool; it says which flags fit.
    pub fn create(&self) -> String {
        match &self.snapshot.cluster {
            ClusterRef::Named(_) => self.command("create"),
            ClusterRef::Selected(_) => self.kubectl("get events"),
        }
    }

    pub fn kubectl(&self, words: &str) -> String {
        self.snapshot.caller.kubectl(words)
    }

    pub fn describe_worker(&self, name: &str) -> String {
        self.snapshot.caller.kubectl_without_namespace(&format!("describe node {name}"))
    }

    pub fn views_of_all(&self) -> String {
        format!("{} -o raw", self.command("info"))
    }

    pub fn logs(&self) -> String {
        format!("{} --tail 20", self.command("logs"))
    }

    pub fn logs_of(&self, member: &Member) -> String {
        match (member.number, &member.pod, &member.shell) {
            (Some(number), ..) => format!("{} --node {number} --tail 20", self.command("logs")),
            (None, Some(pod), Some(shell)) => self.kubectl(&format!("logs {pod} -c {} --tail 20", shell.container)),
            _ => self.logs(),
        }
    }

    /// Where the settings of a pod are: in what keeps it.
    pub fn edit(&self, member: &Member) -> String {
        match &member.state.controller {
            Some(Controller { kind, name }) => self.kubectl(&format!("edit {} {}", kind.to_lowercase(), quoted(name))),
            None => self.describe(member),
        }
    }

    /// No pods of this controller any more.
    pub fn scale_to_none(&self, controller: &Controller) -> String {
        let Controller { kind, name } = controller;
        self.kubectl(&format!("scale {} {} --replicas 0", kind.to_lowercase(), quoted(name)))
    }

    pub fn describe(&self, member: &Member) -> String {
        match &member.pod {
            Some(pod) => self.kubectl(&format!("describe pod {pod}")),
            None => self.kubectl("get events"),
        }
    }

    pub fn pods(&self) -> String {
        self.kubectl("get pods -o wide")
    }

    /// Restarts a replica so that it does a full sync: one that is already connected would only
    /// continue at its offset.
    pub fn restart(&self, member: &Member) -> String {
        // A pod that nobody makes again must not be deleted.
        let is_made_again = member.number.is_some() || member.state.controller.is_some();
        match &member.pod {
            Some(pod) if is_made_again => self.kubectl(&format!("delete pod {pod}")),
            Some(_) => self.describe(member),
            None => self.views_of_all(),
        }
    }

    /// Runs redis-cli in the node's pod.
    pub fn redis(&self, member: &Member, command: &str) -> String {
        self.redis_in(Terminal::None, member, command)
    }

    /// The same for what talks with its user.
    pub fn redis_on_terminal(&self, member: &Member, command: &str) -> String {
        self.redis_in(Terminal::Yes, member, command)
    }

    /// `command` is for a shell, without single quotes.
    fn redis_in(&self, terminal: Terminal, member: &Member, command: &str) -> String {
        let (Some(pod), Some(shell)) = (&member.pod, &member.shell) else { return self.views_of_all() };
        let user = shell.user.as_ref().map(|user| format!("--user {} ", quoted(user))).unwrap_or_default();
        let port = if shell.port == 6379 { String::new() } else { format!("-p {} ", shell.port) };
        let cli = format!("redis-cli {user}{}{port}{command}", shell.flags);
        let exec = |flags: &str, inside: &str| {
            self.kubectl(&format!("exec{flags} {pod} -c {} -- {inside}", quoted(&shell.container)))
        };
        let in_shell = |script: &str| format!("sh -c {}", quoted(script));
        let on_terminal = if terminal == Terminal::Yes { " -it" } else { "" };
        match (&shell.password_secret, &shell.password_variable) {
            (Some((name, key)), _) => {
                // By standard input: arguments of exec are in the API server's audit log.
                let inside = format!("IFS= read -r REDISCLI_AUTH; export REDISCLI_AUTH; {cli}");
                let secret = self.snapshot.caller.secret(name, key);
                let input = match terminal {
                    Terminal::Yes => format!("{{ {secret}; echo; cat; }}"),
                    Terminal::None => secret,
                };
                format!("{input} | {}", exec(" -i", &in_shell(&inside)))
            }
            (None, Some(variable)) => exec(on_terminal, &in_shell(&format!("REDISCLI_AUTH=\"${variable}\" {cli}"))),
            (None, None) => exec(on_terminal, &cli),
        }
    }

    /// `redis-cli --cluster VERB` on a member of the cluster.
    pub fn redis_cluster(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in(Terminal::None, verb, rest)
    }

    /// The same for a verb that asks for confirmation, which needs a terminal.
    pub fn redis_cluster_on_terminal(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in(Terminal::Yes, verb, rest)
    }

    fn redis_cluster_in(&self, terminal: Terminal, verb: &str, rest: &str) -> String {
        let Some(member) = self.best_known() else { return self.logs() };
        let port = member.shell.as_ref().map_or(6379, |shell| shell.port);
        self.redis_in(terminal, member, format!("--cluster {verb} 127.0.0.1:{port} {rest}").trim_end())
    }

    /// Of the largest group the node that most others know: the selector may match strangers, and a
    /// node that its peers forgot is no member either.
    pub fn best_known(&self) -> Option<&Member> {
        let mut viewers: HashMap<&NodeId, usize> = HashMap::new();
        let lines = self.snapshot.answered().flat_map(|(_, view)| &view.nodes);
        for line in lines.filter(|line| !line.flags.is_handshake()) {
            *viewers.entry(&line.id).or_default() += 1;
        }
        let known = |seen: &Seen| Some(*viewers.get(&seen.view.as_ref().ok()?.myself()?.id)?);
        // The first of several; never the copy of another.
        let copies = copies(self.snapshot);
        let members = largest(self.snapshot)?.members;
        let members = members.into_iter().map(|index| (Reverse(index), &self.snapshot.seen[index]));
        let originals = members.filter(|(_, seen)| !copies.iter().any(|copy| std::ptr::eq(copy.copy, *seen)));
        originals.max_by_key(|(index, seen)| (known(seen), *index)).map(|(_, seen)| &seen.member)
    }

    /// For nodes of this tool only; they have its label.
    pub fn accept_loss(&self, node: &NodeFacts) -> String {
        let shard = node.member.number.map(|number| format!(" --shard {}", number.shard())).unwrap_or_default();
        let cluster = match (&self.snapshot.cluster, node.member.state.labels.get(INSTANCE)) {
            (ClusterRef::Selected(_), Some(name)) => ClusterRef::Named(name.clone()),
            (given, _) => given.clone(),
        };
        format!("{}{shard}", self.snapshot.caller.plugin_on("accept-loss", &cluster))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminal {
    None,
    Yes,
}
