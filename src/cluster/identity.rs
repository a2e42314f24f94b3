//! Which pod is which node: by its own word, by its address or host name, or because no other is
//! left. A pod that was replaced has another address than the one that the cluster knows.

use super::node::{LinkState, NodeId};
use super::reply::NodeLine;
use super::snapshot::{Member, Seen, Snapshot, View};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The nodes that the cluster knows.
pub type Lines = BTreeMap<NodeId, NodeLine>;

/// In the order of the snapshot's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities {
    pub ids: Vec<Option<NodeId>>,
    /// Pods that do not respond, and of which it is unknown which of [`Self::missing`] they are.
    pub silent: Vec<String>,
    /// Nodes that do not respond, and that may be any of [`Self::silent`].
    pub missing: BTreeSet<NodeId>,
}

impl Identities {
    /// How many nodes are among both the silent pods and the missing nodes.
    pub fn counted_twice(&self) -> usize {
        self.silent.len().min(self.missing.len())
    }
}

pub fn identities(snapshot: &Snapshot, lines: &Lines) -> Identities {
    let mut ids: Vec<Option<NodeId>> = snapshot.seen.iter().map(|seen| assigned(seen).cloned()).collect();
    // Pods in the network of one worker share its address.
    let shares = |member: &Member| snapshot.seen.iter().filter(|seen| seen.member.pod_ip == member.pod_ip).count() > 1;
    let is_there =
        |member: &Member, line: &NodeLine| is_at(member, line) && (has_port(member, line) || !shares(member));
    for rule in [&is_there as &dyn Fn(&Member, &NodeLine) -> bool, &has_name] {
        for line in unclaimed(lines, &ids) {
            let pods = snapshot.seen.iter().enumerate();
            let mut pods = pods.filter(|(index, seen)| ids[*index].is_none() && rule(&seen.member, line));
            if let (Some((index, _)), None) = (pods.next(), pods.next()) {
                ids[index] = Some(line.id.clone());
            }
        }
    }
    let pods = snapshot.seen.iter().enumerate();
    let silent: Vec<usize> =
        pods.filter(|(index, seen)| ids[*index].is_none() && is_silent(seen)).map(|(index, _)| index).collect();
    let missing = unclaimed(lines, &ids).into_iter().filter(|line| is_lost(line)).map(|line| line.id.clone());
    let missing: Vec<NodeId> = missing.collect();
    match (&silent[..], &missing[..]) {
        ([], _) | (_, []) => Identities { ids, ..Identities::default() },
        ([index], [id]) => {
            ids[*index] = Some(id.clone());
            Identities { ids, ..Identities::default() }
        }
        _ => {
            let silent = silent.into_iter().map(|index| snapshot.seen[index].member.name.clone()).collect();
            Identities { ids, silent, missing: missing.into_iter().collect() }
        }
    }
}

/// By its own view, or by this tool.
fn assigned(seen: &Seen) -> Option<&NodeId> {
    let own = seen.view.as_ref().ok().and_then(View::myself).map(|line| &line.id);
    own.or(seen.member.id.as_ref())
}

fn unclaimed<'a>(lines: &'a Lines, ids: &[Option<NodeId>]) -> Vec<&'a NodeLine> {
    let claimed: BTreeSet<&NodeId> = ids.iter().flatten().collect();
    lines.values().filter(|line| !claimed.contains(&line.id)).collect()
}

fn is_at(member: &Member, line: &NodeLine) -> bool {
    member.pod_ip.as_ref() == Some(&line.endpoint.host)
}

fn has_port(member: &Member, line: &NodeLine) -> bool {
    member.shell.as_ref().is_some_and(|shell| shell.port == line.endpoint.port)
}

/// Pods of a StatefulSet that announce their names keep them.
fn has_name(member: &Member, line: &NodeLine) -> bool {
    let host = line.hostname.as_deref().and_then(|name| name.split('.').next());
    member.pod.as_deref().is_some_and(|pod| host == Some(pod))
}

fn is_silent(seen: &Seen) -> bool {
    seen.view.is_err() && seen.member.pod.is_some() && seen.member.number.is_none()
}

/// A node that its peers reach is none of the pods that do not respond: the selector leaves it out.
fn is_lost(line: &NodeLine) -> bool {
    let flags = &line.flags;
    let is_flagged = flags.is_failed() || flags.is_suspected() || flags.has_no_address();
    is_flagged || line.link == LinkState::Disconnected
}

/// Two pods with one node ID, as of a copied volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy<'a> {
    pub id: &'a NodeId,
    /// The one with the keys; if both have as many, the one that the others reach.
    pub original: &'a Seen,
    pub copy: &'a Seen,
}

pub fn copies(snapshot: &Snapshot) -> Vec<Copy<'_>> {
    let mut by_id: BTreeMap<&NodeId, Vec<(&Seen, &View)>> = BTreeMap::new();
    for seen in &snapshot.seen {
        if let Ok(view) = &seen.view
            && let Some(myself) = view.myself()
        {
            by_id.entry(&myself.id).or_default().push((seen, view));
        }
    }
    let mut copies = Vec::new();
    for (id, mut pods) in by_id.into_iter().filter(|(_, pods)| pods.len() > 1) {
        pods.sort_by_key(|(seen, view)| {
            Reverse((view.server.keys, is_known(snapshot, id, &seen.member), view.server.uptime_seconds))
        });
        let original = pods[0].0;
        copies.extend(pods[1..].iter().map(|(copy, _)| Copy { id, original, copy }));
    }
    copies
}

/// Whether a peer knows the node at this pod's address.
fn is_known(snapshot: &Snapshot, id: &NodeId, member: &Member) -> bool {
    snapshot
        .answered()
        .flat_map(|(_, view)| &view.nodes)
        .any(|line| line.id == *id && !line.flags.is_myself() && is_at(member, line))
}

#[cfg(test)]
mod tests {
    use super::super::topology::tests::healthy;
    use super::super::topology::{State, Topology};
    use super::*;
    use crate::cluster::node::Flags;
    use std::sync::Arc;

    /// A healthy cluster of another tool, announcing its pods' addresses.
    fn others() -> Snapshot {
        let mut snapshot = healthy();
        for seen in &mut snapshot.seen {
            (seen.member.number, seen.member.id) = (None, None);
            seen.member.pod_ip = seen.view.as_ref().ok().and_then(View::myself).map(|line| line.endpoint.host.clone());
        }
        snapshot
    }

    /// The pod is another one now, at another address, and does not respond; its peers have noticed.
    fn replace(snapshot: &mut Snapshot, index: usize) {
        let address = snapshot.seen[index].member.pod_ip.replace(format!("198.18.99.{index}"));
        snapshot.seen[index].view = Err("its container is not running".into());
        for line in snapshot.seen.iter_mut().filter_map(|seen| seen.view.as_mut().ok()).flat_map(|view| &mut view.nodes)
        {
            if Some(&line.endpoint.host) == address.as_ref() {
                let role = if line.master.is_some() { "slave" } else { "master" };
                Arc::make_mut(line).flags = [role, "fail"].into_iter().collect::<Flags>();
            }
        }
    }

    #[test]
    fn a_pod_at_another_address_is_the_only_node_that_is_left() {
        let mut snapshot = others();
        replace(&mut snapshot, 1);
        let topology = Topology::of(&snapshot);
        assert_eq!((topology.count(), topology.nodes().count()), (6, 6));
        let replica = &topology.shards[0].replicas[0];
        assert_eq!(replica.member.name, "redis-001-node-102");
    }

    #[test]
    fn two_pods_at_other_addresses_are_counted_once() {
        let mut snapshot = others();
        replace(&mut snapshot, 0);
        replace(&mut snapshot, 2);
        let topology = Topology::of(&snapshot);
        assert_eq!(topology.count(), 6, "and not eight");
        let row = topology.shards[0].master.error.as_ref().map(ToString::to_string);
        assert_eq!(row.as_deref(), Some("its pod is one of redis-001-node-101, redis-001-node-201"));
    }

    #[test]
    fn two_pods_that_announce_their_names_are_told_apart() {
        let mut snapshot = others();
        let pods: Vec<Option<String>> = snapshot.seen.iter().map(|seen| seen.member.pod.clone()).collect();
        for view in snapshot.seen.iter_mut().filter_map(|seen| seen.view.as_mut().ok()) {
            for (line, pod) in view.nodes.iter_mut().zip(&pods) {
                Arc::make_mut(line).hostname = pod.as_ref().map(|pod| format!("{pod}.peers"));
            }
        }
        replace(&mut snapshot, 0);
        replace(&mut snapshot, 2);
        let topology = Topology::of(&snapshot);
        assert_eq!((topology.count(), topology.nodes().count()), (6, 6));
        assert_eq!(topology.shards[1].master.member.name, "redis-001-node-201");
    }

    /// The selector leaves out a node that is well: a pod that does not respond is another one.
    #[test]
    fn a_node_that_its_peers_reach_is_not_the_silent_pod() {
        let mut snapshot = others();
        snapshot.seen.remove(1);
        snapshot.seen.push(Seen {
            member: Member { name: "new-0".into(), pod: Some("new-0".into()), ..Member::default() },
            view: Err("its pod is pending".into()),
        });
        let topology = Topology::of(&snapshot);
        assert_eq!(topology.count(), 7);
        assert_eq!(topology.unassigned.len(), 1);
    }

    /// Pods in the network of their worker: the same address, other ports.
    #[test]
    fn an_address_is_a_host_and_a_port() {
        let mut snapshot = others();
        for (index, seen) in snapshot.seen.iter_mut().enumerate() {
            seen.member.pod_ip = Some("198.51.100.1".into());
            let port = 7000 + u16::try_from(index).expect("small");
            seen.member.shell.as_mut().expect("a shell").port = port;
            for other in 0..6 {
                let port = 7000 + u16::try_from(other).expect("small");
                let line = seen.view.as_mut().map(|view| Arc::make_mut(&mut view.nodes[other])).expect("a view");
                (line.endpoint.host, line.endpoint.port) = ("198.51.100.1".into(), port);
            }
        }
        snapshot.seen[1].view = Err("nothing listens on its port".into());
        snapshot.seen[3].view = Err("nothing listens on its port".into());
        let topology = Topology::of(&snapshot);
        assert_eq!((topology.count(), topology.nodes().count()), (6, 6));
        assert_eq!(topology.shards[0].replicas[0].member.name, "redis-001-node-102");
        assert_eq!(topology.shards[1].replicas[0].member.name, "redis-001-node-202");
    }

    #[test]
    fn both_pods_with_one_id_are_shown_and_the_one_with_keys_is_the_node() {
        for empty in [0, 6] {
            let mut snapshot = others();
            let mut twin = snapshot.seen[0].clone();
            (twin.member.name, twin.member.pod) = ("twin-0".into(), Some("twin-0".into()));
            twin.member.pod_ip = Some("198.18.99.9".into());
            snapshot.seen.push(twin);
            snapshot.seen[empty].view.as_mut().expect("a view").server.keys = 0;
            let topology = Topology::of(&snapshot);
            let names = (topology.shards[0].master.member.name.as_str(), topology.unassigned[0].member.name.as_str());
            let expected = if empty == 0 { ("twin-0", "redis-001-node-101") } else { ("redis-001-node-101", "twin-0") };
            assert_eq!(names, expected);
            assert_eq!(topology.unassigned[0].copy_of.as_deref(), Some(expected.0));
            assert_eq!((topology.count(), topology.state), (7, State::Degraded));
        }
        assert_eq!(copies(&others()), []);
    }
}
