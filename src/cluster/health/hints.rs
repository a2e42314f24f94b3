//! Commands that show more about a finding or fix it. A test checks that each one exists.

use crate::cluster::snapshot::{Member, Snapshot};
use crate::cluster::topology::NodeFacts;

#[derive(Clone, Copy)]
pub struct Hints<'a> {
    pub snapshot: &'a Snapshot,
}

impl Hints<'_> {
    /// `kubectl redis-cluster VERB` for this cluster, by its name or selector.
    pub fn command(&self, verb: &str) -> String {
        let name = &self.snapshot.name;
        let which = if self.is_selected() { format!("-l '{name}'") } else { name.clone() };
        format!("kubectl redis-cluster -n {} {verb} {which}", self.snapshot.namespace)
    }

    /// Whether the cluster was selected by labels.
    pub fn is_selected(&self) -> bool {
        self.snapshot.name.contains(['=', '!', ',', ' '])
    }

    pub fn kubectl(&self, words: &str) -> String {
        format!("kubectl -n {} {words}", self.snapshot.namespace)
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
        match &member.pod {
            Some(pod) => self.kubectl(&format!("delete pod {pod}")),
            None => self.views_of_all(),
        }
    }

    /// Runs redis-cli in the node's pod.
    pub fn redis(&self, member: &Member, command: &str) -> String {
        self.redis_in("exec", member, command)
    }

    fn redis_in(&self, exec: &str, member: &Member, command: &str) -> String {
        let (Some(pod), Some(shell)) = (&member.pod, &member.shell) else { return self.views_of_all() };
        let port = if shell.port == 6379 { String::new() } else { format!("-p {} ", shell.port) };
        let inside = match &shell.password_variable {
            None => format!("redis-cli {}{port}{command}", shell.flags),
            Some(variable) => {
                format!("sh -c 'REDISCLI_AUTH=\"${variable}\" redis-cli {}{port}{command}'", shell.flags)
            }
        };
        self.kubectl(&format!("{exec} {pod} -c {} -- {inside}", shell.container))
    }

    /// `redis-cli --cluster VERB` on any node that responded.
    pub fn redis_cluster(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in("exec", verb, rest)
    }

    /// The same for a verb that asks for confirmation, which needs a terminal.
    pub fn redis_cluster_on_terminal(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in("exec -it", verb, rest)
    }

    fn redis_cluster_in(&self, exec: &str, verb: &str, rest: &str) -> String {
        let Some(member) = self.any_responding() else { return self.logs() };
        let port = member.shell.as_ref().map_or(6379, |shell| shell.port);
        self.redis_in(exec, member, format!("--cluster {verb} 127.0.0.1:{port} {rest}").trim_end())
    }

    fn any_responding(&self) -> Option<&Member> {
        self.snapshot.answered().map(|(member, _)| member).next()
    }

    pub fn accept_loss(&self, node: &NodeFacts) -> String {
        let shard = node.member.number.map(|number| format!(" --shard {}", number.shard())).unwrap_or_default();
        format!("{}{shard}", self.command("accept-loss"))
    }
}
