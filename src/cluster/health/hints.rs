//! Commands that show more of a finding or mend it. Each one exists.

use crate::cluster::snapshot::{Member, Snapshot};
use crate::cluster::topology::NodeFacts;

/// Commands about this cluster.
#[derive(Clone, Copy)]
pub struct Hints<'a> {
    /// The cluster.
    pub snapshot: &'a Snapshot,
}

impl Hints<'_> {
    /// A command of ours about this cluster, whether it has a name or a selector.
    pub fn command(&self, verb: &str) -> String {
        let name = &self.snapshot.name;
        let which = if self.is_selected() { format!("-l '{name}'") } else { name.clone() };
        format!("kubectl redis-cluster -n {} {verb} {which}", self.snapshot.namespace)
    }

    /// Whether the cluster is meant by its labels.
    pub fn is_selected(&self) -> bool {
        self.snapshot.name.contains(['=', '!', ',', ' '])
    }

    /// A command of kubectl's in the cluster's namespace.
    pub fn kubectl(&self, words: &str) -> String {
        format!("kubectl -n {} {words}", self.snapshot.namespace)
    }

    /// What each node says, side by side.
    pub fn views_of_all(&self) -> String {
        format!("{} -o raw", self.command("info"))
    }

    /// The cluster's last log lines.
    pub fn logs(&self) -> String {
        format!("{} --tail 20", self.command("logs"))
    }

    /// A node's last log lines.
    pub fn logs_of(&self, member: &Member) -> String {
        match (member.number, &member.pod, &member.shell) {
            (Some(number), ..) => format!("{} --node {number} --tail 20", self.command("logs")),
            (None, Some(pod), Some(shell)) => self.kubectl(&format!("logs {pod} -c {} --tail 20", shell.container)),
            _ => self.logs(),
        }
    }

    /// What Kubernetes says of a node's pod.
    pub fn describe(&self, member: &Member) -> String {
        match &member.pod {
            Some(pod) => self.kubectl(&format!("describe pod {pod}")),
            None => self.kubectl("get events"),
        }
    }

    /// The pods and where they run.
    pub fn pods(&self) -> String {
        self.kubectl("get pods -o wide")
    }

    /// A new start of a node, which copies all of its master's data: one that is linked already
    /// would only go on where it is.
    pub fn restart(&self, member: &Member) -> String {
        match &member.pod {
            Some(pod) => self.kubectl(&format!("delete pod {pod}")),
            None => self.views_of_all(),
        }
    }

    /// A command to a node, by the redis-cli in its pod.
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

    /// A command to any node that answers.
    pub fn redis_anywhere(&self, command: &str) -> String {
        self.somebody().map_or_else(|| self.logs(), |member| self.redis(member, command))
    }

    /// A command of redis-cli's about the whole cluster.
    pub fn redis_cluster(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in("exec", verb, rest)
    }

    /// The same for one that asks before it does something: on a terminal.
    pub fn redis_cluster_asking(&self, verb: &str, rest: &str) -> String {
        self.redis_cluster_in("exec -it", verb, rest)
    }

    fn redis_cluster_in(&self, exec: &str, verb: &str, rest: &str) -> String {
        let Some(member) = self.somebody() else { return self.logs() };
        let port = member.shell.as_ref().map_or(6379, |shell| shell.port);
        self.redis_in(exec, member, format!("--cluster {verb} 127.0.0.1:{port} {rest}").trim_end())
    }

    /// Any node that answered: commands about the whole cluster are given there.
    fn somebody(&self) -> Option<&Member> {
        self.snapshot.answered().map(|(member, _)| member).next()
    }

    /// The command that accepts that a shard's data is lost.
    pub fn accept_loss(&self, node: &NodeFacts) -> String {
        let shard = node.member.number.map(|number| format!(" --shard {}", number.shard())).unwrap_or_default();
        format!("{}{shard}", self.command("accept-loss"))
    }
}
