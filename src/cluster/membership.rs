//! Which nodes belong to one cluster: a selector may match two.

use super::node::NodeId;
use super::snapshot::{NoResponse, Seen, Snapshot, View};
use super::surroundings::Controller;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Nodes that know each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Of the controller that keeps most of them, else the common prefix of their names.
    pub name: String,
    /// Indexes into the snapshot.
    pub members: Vec<usize>,
}

impl Group {
    /// A single node that knows no other and owns no slots: it has not joined its cluster yet, and
    /// is not a cluster of its own.
    pub fn is_stray(&self, snapshot: &Snapshot) -> bool {
        let [index] = self.members[..] else { return false };
        let view = snapshot.seen.get(index).and_then(|seen| seen.view.as_ref().ok());
        view.is_some_and(|view| view.nodes.iter().all(|line| line.slots.is_empty()))
    }
}

/// The largest group; of equal ones the one that knows most owners of slots: a node that came back
/// empty is alone too.
pub fn largest(snapshot: &Snapshot) -> Option<Group> {
    let owned = |group: &Group| {
        let views = group.members.iter().filter_map(|index| snapshot.seen[*index].view.as_ref().ok());
        views.map(|view| view.nodes.iter().filter(|line| !line.slots.is_empty()).count()).max()
    };
    // The first of several.
    groups(snapshot).into_iter().rev().max_by_key(|group| (group.members.len(), owned(group)))
}

/// The owners of slots, with their views: those who can elect.
pub struct Electorate<'a> {
    owners: Vec<(&'a NodeId, &'a str, Option<&'a View>)>,
}

impl<'a> Electorate<'a> {
    /// `owners`: the IDs and names of the masters with slots.
    pub fn new(snapshot: &'a Snapshot, owners: impl IntoIterator<Item = (&'a NodeId, &'a str)>) -> Self {
        let view = |id: &NodeId| snapshot.answered().map(|(_, view)| view).find(|view| view.is_of(id));
        Self { owners: owners.into_iter().map(|(id, name)| (id, name, view(id))).collect() }
    }

    /// The owners that do not know a node, if so many do not that it cannot be elected: the votes of a
    /// majority of all owners are needed, its own master's cannot be among them, and nobody votes for a
    /// node that is not in its list (Redis 7.0, clusterProcessPacket). Owners without a view count
    /// as if they knew it.
    pub fn ignoring(&self, node: &NodeId, master: Option<&NodeId>) -> Vec<&'a str> {
        let mut voters: Vec<_> = self.owners.iter().filter(|(id, ..)| *id != node && Some(*id) != master).collect();
        if voters.is_empty() {
            voters = self.owners.iter().filter(|(id, ..)| *id != node).collect();
        }
        let ignores = |view: &View| !view.nodes.iter().any(|line| line.id == *node && !line.flags.is_handshake());
        let ignoring: Vec<&str> =
            voters.iter().filter(|(.., view)| view.is_some_and(ignores)).map(|(_, name, _)| *name).collect();
        let needed = (self.owners.len() / 2 + 1).min(voters.len());
        if voters.len() - ignoring.len() < needed { ignoring } else { Vec::new() }
    }
}

/// The clusters, by which nodes know each other; only nodes that responded.
pub fn groups(snapshot: &Snapshot) -> Vec<Group> {
    let mut found: Vec<(HashSet<&NodeId>, Vec<usize>)> = Vec::new();
    for (index, seen) in snapshot.seen.iter().enumerate() {
        let Ok(view) = &seen.view else { continue };
        let mut ids: HashSet<&NodeId> = view.nodes.iter().map(|line| &line.id).collect();
        let mut members = vec![index];
        let (same, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|(others, _)| !others.is_disjoint(&ids));
        found = others;
        for (others, theirs) in same {
            ids.extend(others);
            members.extend(theirs);
        }
        members.sort_unstable();
        found.push((ids, members));
    }
    found.sort_by_key(|(_, members)| members.first().copied());
    found.into_iter().map(|(_, members)| Group { name: common_name(snapshot, &members), members }).collect()
}

/// Takes out the pods that are no nodes: no node knows them, nothing about them says that they run a
/// server, and none answered. A pod of a controller whose other pods are nodes is one that is broken.
pub fn set_bystanders_aside(snapshot: &mut Snapshot) {
    let controllers: BTreeSet<Controller> =
        snapshot.answered().filter_map(|(member, _)| member.state.controller.clone()).collect();
    let known: BTreeSet<String> =
        snapshot.answered().flat_map(|(_, view)| &view.nodes).map(|line| line.endpoint.host.clone()).collect();
    if known.is_empty() {
        return;
    }
    let is_bystander = |seen: &mut Seen| {
        let member = &seen.member;
        member.number.is_none()
            && matches!(seen.view, Err(NoResponse::Unreachable(_)))
            && !member.state.looks_like_server
            && !member.state.controller.as_ref().is_some_and(|controller| controllers.contains(controller))
            && !member.pod_ip.as_ref().is_some_and(|address| known.contains(address))
    };
    let bystanders = snapshot.seen.extract_if(.., is_bystander);
    snapshot.around.bystanders = bystanders.map(|seen| seen.member.name).collect();
}

/// Pods of which none answered, and that no node of a group knows: clusters of their own, by the
/// controllers that keep them.
pub fn unheard(snapshot: &Snapshot, groups: &[Group]) -> Vec<Group> {
    let of_groups = || groups.iter().flat_map(|group| &group.members).filter_map(|index| snapshot.seen.get(*index));
    let controllers: BTreeSet<&Controller> =
        of_groups().filter_map(|seen| seen.member.state.controller.as_ref()).collect();
    let known: BTreeSet<&str> =
        snapshot.answered().flat_map(|(_, view)| &view.nodes).map(|line| line.endpoint.host.as_str()).collect();
    let is_apart = |seen: &Seen| {
        let member = &seen.member;
        seen.view.is_err()
            && !member.state.controller.as_ref().is_some_and(|controller| controllers.contains(controller))
            && !member.pod_ip.as_ref().is_some_and(|address| known.contains(address.as_str()))
    };
    let apart: Vec<usize> =
        snapshot.seen.iter().enumerate().filter(|(_, seen)| is_apart(seen)).map(|(index, _)| index).collect();
    (!apart.is_empty()).then(|| Group { name: common_name(snapshot, &apart), members: apart }).into_iter().collect()
}

fn common_name(snapshot: &Snapshot, members: &[usize]) -> String {
    let mut controllers: BTreeMap<&Controller, usize> = BTreeMap::new();
    for controller in members.iter().filter_map(|index| snapshot.seen[*index].member.state.controller.as_ref()) {
        *controllers.entry(controller).or_default() += 1;
    }
    let most = controllers.into_iter().find(|(_, pods)| pods * 2 > members.len());
    most.filter(|_| members.len() > 1)
        .map_or_else(|| common_prefix(snapshot, members), |(controller, _)| controller.name.clone())
}

fn common_prefix(snapshot: &Snapshot, members: &[usize]) -> String {
    let mut names = members.iter().map(|index| snapshot.seen[*index].member.name.as_str());
    let first = names.next().unwrap_or_default();
    let common = names.fold(first.len(), |common, name| {
        first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count().min(common)
    });
    let prefix = if members.len() > 1 { without_number(&first[..common]) } else { without_number(first) };
    if prefix.is_empty() { commonest_name(snapshot, members) } else { prefix.to_owned() }
}

/// Where names have nothing in common: of most pods.
fn commonest_name(snapshot: &Snapshot, members: &[usize]) -> String {
    let mut stems: BTreeMap<&str, usize> = BTreeMap::new();
    for index in members {
        *stems.entry(without_number(&snapshot.seen[*index].member.name)).or_default() += 1;
    }
    let commonest = stems.into_iter().max_by_key(|(stem, pods)| (*pods, std::cmp::Reverse(*stem)));
    commonest.map(|(stem, _)| stem.to_owned()).unwrap_or_default()
}

fn without_number(name: &str) -> &str {
    name.trim_end_matches(|last: char| last.is_ascii_digit()).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::super::topology::tests::healthy;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn one_cluster_is_one_group() {
        let groups = groups(&healthy());
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].name.as_str(), groups[0].members.len()), ("redis-001-node", 6));
    }

    #[test]
    fn two_clusters_are_two() {
        let mut both = healthy();
        let mut other = healthy();
        for seen in &mut other.seen {
            seen.member.name = seen.member.name.replace("redis-001", "other");
            for line in seen.view.as_mut().map(|view| &mut view.nodes).into_iter().flatten() {
                let line = Arc::make_mut(line);
                line.id = line.id.as_str().replacen("00", "xx", 1).parse().expect("an ID");
            }
        }
        both.seen.extend(other.seen);
        let names: Vec<_> = groups(&both).into_iter().map(|group| group.name).collect();
        assert_eq!(names, ["redis-001-node", "other-node"]);
    }

    /// Pods of another tool: of a controller, at an address, that do not look like anything.
    fn pod(name: &str, controller: &str) -> Seen {
        let mut seen = healthy().seen.swap_remove(0);
        seen.member = super::super::snapshot::Member {
            name: name.into(),
            pod: Some(name.into()),
            pod_ip: Some(format!("198.18.50.{}", name.len())),
            ..Default::default()
        };
        seen.member.state.controller = Some(Controller { kind: "StatefulSet".into(), name: controller.into() });
        seen.view = Err("nothing listens on its port".into());
        seen
    }

    fn others() -> Snapshot {
        let mut snapshot = healthy();
        for seen in &mut snapshot.seen {
            (seen.member.number, seen.member.id) = (None, None);
            seen.member.state.controller = Some(Controller { kind: "StatefulSet".into(), name: "redis".into() });
        }
        snapshot
    }

    #[test]
    fn a_pod_that_nothing_says_to_be_a_node_is_set_aside() {
        let mut snapshot = others();
        snapshot.seen.push(pod("exporter-7f-x", "exporter"));
        set_bystanders_aside(&mut snapshot);
        assert_eq!((snapshot.seen.len(), &snapshot.around.bystanders[..]), (6, &["exporter-7f-x".to_owned()][..]));
    }

    #[test]
    fn a_broken_node_is_not_set_aside() {
        let known = healthy().seen[0].view.as_ref().expect("a view").nodes[1].endpoint.host.clone();
        let broken: [&dyn Fn(&mut Seen); 4] = [
            &|seen| seen.member.state.looks_like_server = true,
            &|seen| seen.member.pod_ip = Some(known.clone()),
            &|seen| seen.view = Err(NoResponse::Refused("NOAUTH".into())),
            &|seen| seen.member.state.controller = others().seen[0].member.state.controller.clone(),
        ];
        for change in broken {
            let mut snapshot = others();
            let mut broken = pod("own-start-script-7f-x", "own");
            change(&mut broken);
            snapshot.seen.push(broken);
            set_bystanders_aside(&mut snapshot);
            assert_eq!(snapshot.seen.len(), 7);
        }
        let mut silent = others();
        silent.seen.iter_mut().for_each(|seen| seen.view = Err("no response".into()));
        set_bystanders_aside(&mut silent);
        assert_eq!(silent.seen.len(), 6, "nobody answered: nothing is known");
    }

    #[test]
    fn a_cluster_of_which_no_node_answers_is_still_one() {
        let mut snapshot = others();
        for index in 0..3 {
            let mut silent = pod(&format!("down-{index}"), "down");
            silent.member.state.looks_like_server = true;
            snapshot.seen.push(silent);
        }
        snapshot.seen[1].view = Err("no response".into());
        let heard = groups(&snapshot);
        let unheard = unheard(&snapshot, &heard);
        assert_eq!(unheard.len(), 1);
        assert_eq!((unheard[0].name.as_str(), &unheard[0].members[..]), ("down", &[6, 7, 8][..]));
    }

    #[test]
    fn names_that_have_nothing_in_common() {
        let mut snapshot = others();
        snapshot.seen[5].member.name = "twin-0".into();
        assert_eq!(groups(&snapshot)[0].name, "redis", "of the controller");
        snapshot.seen.iter_mut().for_each(|seen| seen.member.state.controller = None);
        assert_eq!(groups(&snapshot)[0].name, "redis-001-node");
        for (index, seen) in snapshot.seen.iter_mut().enumerate() {
            seen.member.name = format!("p7-{index}");
        }
        assert_eq!(groups(&snapshot)[0].name, "p7");
    }
}
