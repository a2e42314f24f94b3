//! The addresses that nodes are known by, and whether they are correct.

use super::context::{CheckContext, list};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::node::{LinkState, NodeId};
use crate::cluster::reply::NodeLine;
use crate::cluster::snapshot::Member;
use crate::cluster::topology::NodeFacts;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let known = Addresses::of(context);
    let reachable = context.topology.nodes().filter(|node| node.is_reachable());
    reachable.flat_map(|node| known.of_node(context, node)).collect()
}

struct Addresses<'a> {
    /// The addresses of each member, by its name.
    by_member: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Whether the Services of the namespace could be read.
    complete: bool,
    /// The lines about a node, with the name of the viewer.
    lines: HashMap<&'a NodeId, Vec<(&'a str, &'a NodeLine)>>,
}

impl<'a> Addresses<'a> {
    fn of(context: &CheckContext<'a>) -> Self {
        let services = context.around().services.seen();
        let by_member = context.snapshot.seen.iter().map(|seen| {
            let member = &seen.member;
            let own = [member.pod_ip.as_deref(), member.state.host_ip.as_deref()].into_iter().flatten();
            let selected = services
                .into_iter()
                .flatten()
                .filter(|service| service.selects(&member.state.labels))
                .flat_map(|service| service.addresses.iter().map(String::as_str));
            (member.name.as_str(), own.chain(selected).collect())
        });
        let mut lines: HashMap<&NodeId, Vec<(&str, &NodeLine)>> = HashMap::new();
        for (name, view) in context.views() {
            for line in &view.nodes {
                lines.entry(&line.id).or_default().push((name, line));
            }
        }
        Self { by_member: by_member.collect(), complete: services.is_some(), lines }
    }

    fn is_of(&self, member: &Member, host: &str) -> bool {
        self.by_member.get(member.name.as_str()).is_some_and(|addresses| addresses.contains(host))
    }

    /// The node with this address; none if several have it.
    fn owner(&self, host: &str) -> Option<&'a str> {
        let mut owners = self.by_member.iter().filter(|(_, addresses)| addresses.contains(host)).map(|(name, _)| *name);
        owners.next().filter(|_| owners.next().is_none())
    }

    fn of_node(&self, context: &CheckContext<'a>, node: &NodeFacts) -> Vec<Finding> {
        let lines = || node.id.as_ref().and_then(|id| self.lines.get(id)).into_iter().flatten().copied();
        let elsewhere: Vec<(&str, &NodeLine)> = lines()
            .filter(|(_, line)| !line.endpoint.host.is_empty() && !self.is_of(&node.member, &line.endpoint.host))
            .collect();
        let (taken, unknown): (Vec<_>, Vec<_>) =
            elsewhere.into_iter().partition(|(_, line)| self.owner(&line.endpoint.host).is_some());
        let hosts: BTreeSet<&str> = lines().map(|(_, line)| line.endpoint.host.as_str()).collect();
        let unusable = |line: &NodeLine| {
            line.link == LinkState::Disconnected || line.flags.is_failed() || line.flags.is_suspected()
        };
        // An address that Kubernetes does not know may belong to a proxy in front of it: as long as the
        // links over it are up and all nodes know the same one, it is correct.
        let stale = self.complete
            && (unknown.iter().any(|(_, line)| unusable(line)) || (!unknown.is_empty() && hosts.len() > 1));
        [
            (!taken.is_empty()).then(|| self.of_another(context, node, &taken)),
            stale.then(|| outdated(context, node, &unknown)),
            self.not_service(context, node),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn of_another(&self, context: &CheckContext<'_>, node: &NodeFacts, taken: &[(&str, &NodeLine)]) -> Finding {
        let name = &node.member.name;
        let seen = taken.iter().map(|(viewer, line)| {
            let host = &line.endpoint.host;
            format!("{viewer} has {host}, which belongs to {}", self.owner(host).unwrap_or("no node"))
        });
        Code::AddressOfAnother.found(
            name,
            format!("{name} is known by an address that belongs to another node"),
            list(seen),
            meet(context, node, taken),
        )
    }

    /// Only for nodes of this tool, which should announce their Service's address.
    fn not_service(&self, context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
        let number = node.member.number?;
        let announces = node.server.as_ref()?.version.as_ref()?.split('.').next()?.parse::<u32>().ok()? >= 4;
        let services = context.around().services.seen()?;
        let service = services.iter().find(|service| service.ours && service.number == Some(number))?;
        let host = &node.endpoint.as_ref()?.host;
        let wrong = announces && !service.addresses.contains(host) && self.is_of(&node.member, host);
        wrong.then(|| {
            let name = &node.member.name;
            let address = service.addresses.first().map_or("", String::as_str);
            Code::AddressNotService.found(
                name,
                format!("{name} announces its pod's address instead of its Service's"),
                format!("{host} instead of {address}"),
                context.hints.redis(&node.member, &format!("config set cluster-announce-ip {address}")),
            )
        })
    }
}

fn outdated(context: &CheckContext<'_>, node: &NodeFacts, seen: &[(&str, &NodeLine)]) -> Finding {
    let name = &node.member.name;
    let is = node.member.pod_ip.as_deref().unwrap_or("unknown");
    let said = list(seen.iter().map(|(viewer, line)| format!("{viewer} has {}", line.endpoint.host)));
    Code::AddressStale.found(
        name,
        format!("{name} has a stale address"),
        format!("{said}; its pod IP is {is}"),
        meet(context, node, seen),
    )
}

/// CLUSTER MEET on a peer with a wrong address. A node that is wrong about itself must change what
/// it announces.
fn meet(context: &CheckContext<'_>, node: &NodeFacts, seen: &[(&str, &NodeLine)]) -> String {
    let Some(address) = &node.member.pod_ip else { return context.hints.views_of_all() };
    let port = node.endpoint.as_ref().map_or(6379, |endpoint| endpoint.port);
    match seen.iter().find(|(_, line)| !line.flags.is_myself()) {
        Some((viewer, _)) => {
            let viewer = context.snapshot.seen.iter().find(|seen| seen.member.name == *viewer);
            let command = format!("cluster meet {address} {port}");
            viewer.map_or_else(|| context.hints.views_of_all(), |viewer| context.hints.redis(&viewer.member, &command))
        }
        None => context.hints.redis(&node.member, &format!("config set cluster-announce-ip {address}")),
    }
}
