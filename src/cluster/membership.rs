//! Which nodes belong to one cluster: a selector may match two.

use super::node::NodeId;
use super::snapshot::Snapshot;
use std::collections::HashSet;

/// Nodes that know each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The common prefix of their names.
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

fn common_name(snapshot: &Snapshot, members: &[usize]) -> String {
    let mut names = members.iter().map(|index| snapshot.seen[*index].member.name.as_str());
    let first = names.next().unwrap_or_default();
    let common = names.fold(first.len(), |common, name| {
        first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count().min(common)
    });
    let prefix = if members.len() > 1 { &first[..common] } else { first };
    prefix.trim_end_matches(|last: char| last == '-' || last.is_ascii_digit()).to_owned()
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
}
