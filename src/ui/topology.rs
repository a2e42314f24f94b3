//! The nodes of a cluster as a table.

use super::human::{age, bytes, table};
use super::terminal::{Paint, painted};
use crate::cluster::node::Flags;
use crate::cluster::slots::{Brief, SLOTS, SlotSet};
use crate::cluster::topology::{NodeFacts, State, Topology};

/// Which columns are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The usual columns, as far as they fit into so many characters.
    Normal(Option<usize>),
    /// Also IDs, addresses and flags.
    Wide,
}

const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";

/// The columns that a narrow terminal leaves out, in this order.
const DISPENSABLE: [&str; 6] = ["VERSION", "UPTIME", "POD", "LAG", "ZONE", "MEMORY"];

pub fn render(name: &str, topology: &Topology, width: Width, colored: bool) -> String {
    let mut header =
        vec!["SHARD", "ROLE", "NODE", "POD", "WORKER", "ZONE", "SLOTS", "KEYS", "MEMORY", "LAG", "UPTIME", "VERSION"];
    if width == Width::Wide {
        header.extend(["ID", "POD-IP", "ADDRESS", "FLAGS"]);
    }
    header.push("STATUS");
    let shards = topology.shards.iter().flat_map(|shard| {
        let number = shard.number.to_string();
        let master = row(number.clone(), slots(&shard.slots, width), &shard.master, width);
        std::iter::once(master)
            .chain(shard.replicas.iter().map(move |replica| row(number.clone(), NONE.to_owned(), replica, width)))
    });
    let unassigned = topology.unassigned.iter().map(|node| row(NONE.to_owned(), NONE.to_owned(), node, width));
    let rows = shards.chain(unassigned).collect();
    let table = match width {
        Width::Normal(Some(room)) => fitted(header, rows, room),
        _ => table(&header, rows),
    };
    format!("{}\n\n{table}", summary(name, topology, colored))
}

fn slots(slots: &SlotSet, width: Width) -> String {
    match width {
        _ if slots.is_empty() => NONE.to_owned(),
        Width::Normal(_) => Brief(slots).to_string(),
        Width::Wide => slots.to_string(),
    }
}

/// The table without the columns that do not fit, and a line that names them.
fn fitted(mut header: Vec<&str>, mut rows: Vec<Vec<String>>, room: usize) -> String {
    let mut left_out = Vec::new();
    for name in DISPENSABLE {
        // The status may be long and is the last column: only it may exceed the width.
        let short = rows.iter().map(|row| [&row[..row.len() - 1], &["ok".to_owned()]].concat());
        if table(&header, short.collect()).lines().all(|line| line.chars().count() <= room) {
            break;
        }
        if let Some(column) = header.iter().position(|title| *title == name) {
            header.remove(column);
            rows.iter_mut().for_each(|row| drop(row.remove(column)));
            left_out.push(name.to_lowercase());
        }
    }
    let table = table(&header, rows);
    if left_out.is_empty() {
        return table;
    }
    format!("{table}\nnot shown in {room} columns: {}; see -o wide", left_out.join(", "))
}

/// `redis-001: ok, 3 shards, 6 of 6 nodes respond, 16384 of 16384 slots ok, views consistent`
pub fn summary(name: &str, topology: &Topology, colored: bool) -> String {
    let state = topology.state.as_str();
    let paint = match topology.state {
        State::Ok => Paint::Green,
        State::Degraded => Paint::Yellow,
        State::Fail | State::Unknown => Paint::Red,
    };
    let state = if colored { painted(state, paint) } else { state.to_owned() };
    let nodes = topology.count();
    let answered = topology.nodes().filter(|node| node.responds()).count();
    let slots = topology.slots.map_or("?".to_owned(), |slots| slots.ok.to_string());
    let agree = if topology.agree { "views consistent" } else { "views inconsistent" };
    let shards = topology.shards.len();
    let plural = if shards == 1 { "shard" } else { "shards" };
    format!(
        "{name}: {state}, {shards} {plural}, {answered} of {nodes} nodes respond, {slots} of {SLOTS} slots ok, {agree}"
    )
}

fn row(shard: String, slots: String, node: &NodeFacts, width: Width) -> Vec<String> {
    let server = node.server.as_ref();
    let member = &node.member;
    let known = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let memory = |used: u64| match server.and_then(|server| server.max_memory).filter(|max| *max > 0) {
        Some(max) => format!("{}/{}", bytes(used), bytes(max)),
        None => bytes(used),
    };
    let mut row = vec![
        shard,
        known(node.role.map(|role| role.to_string())),
        member.number.map_or_else(|| member.name.clone(), |number| number.to_string()),
        member.pod.clone().unwrap_or_else(|| NONE.to_owned()),
        member.worker.clone().unwrap_or_else(|| NONE.to_owned()),
        known(member.zone.clone()),
        slots,
        known(server.map(|server| server.keys.to_string())),
        known(server.and_then(|server| server.used_memory).map(memory)),
        node.lag.map_or_else(|| NONE.to_owned(), bytes),
        known(server.and_then(|server| server.uptime_seconds).map(age)),
        known(server.and_then(|server| server.version.clone())),
    ];
    if width == Width::Wide {
        row.extend([
            known(node.id.as_ref().map(ToString::to_string)),
            member.pod_ip.clone().unwrap_or_else(|| NONE.to_owned()),
            known(node.endpoint.as_ref().map(ToString::to_string)),
            known(node.flags.as_ref().map(flags)),
        ]);
    }
    row.push(status(node));
    row
}

/// The flags that the role column does not show.
fn flags(flags: &Flags) -> String {
    let said = ["myself", "master", "slave"];
    let rest: Vec<&str> = flags.iter().filter(|flag| !said.contains(flag)).collect();
    if rest.is_empty() { NONE.to_owned() } else { rest.join(",") }
}

/// `ok`, or the node's most serious problem.
fn status(node: &NodeFacts) -> String {
    match (&node.error, &node.server) {
        (Some(error), _) => error.to_string(),
        (None, _) if node.copy_of.is_some() => {
            format!("same node ID as {}", node.copy_of.as_deref().unwrap_or_default())
        }
        (None, Some(server)) if server.loading => "loading".to_owned(),
        _ if !node.ignored_by.is_empty() => format!("unknown to {}", masters(node.ignored_by.len())),
        (None, Some(server)) if server.sync_in_progress => "syncing".to_owned(),
        (None, Some(server)) if server.link_up == Some(false) => "master link down".to_owned(),
        _ => "ok".to_owned(),
    }
}

fn masters(number: usize) -> String {
    if number == 1 { "1 master".to_owned() } else { format!("{number} masters") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::topology::tests::healthy;

    #[test]
    fn a_healthy_cluster() {
        let snapshot = healthy();
        let topology = Topology::of(&snapshot);
        let text = render("redis-001", &topology, Width::Normal(None), false);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_documentation_explains_every_column() {
        let topology = Topology::of(&healthy());
        let table = render("redis-001", &topology, Width::Wide, false);
        let header = table.lines().nth(2).expect("a header");
        let documented = include_str!("../../docs/reading.md");
        let section = documented.split("\n## ").find(|part| part.starts_with("The columns")).expect("the section");
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        assert_eq!(
            rows.skip(1).filter(|word| *word != "---").collect::<Vec<_>>(),
            header.split_whitespace().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_narrow_terminal() {
        let snapshot = healthy();
        let topology = Topology::of(&snapshot);
        let text = |room| render("redis-001", &topology, Width::Normal(Some(room)), false);
        assert_eq!(text(500), render("redis-001", &topology, Width::Normal(None), false));
        assert!(text(80).lines().skip(1).all(|line| line.chars().count() <= 80), "{}", text(80));
        insta::assert_snapshot!(text(80));
    }

    #[test]
    fn a_cluster_with_a_dead_master() {
        let mut snapshot = healthy();
        snapshot.seen[0].view = Err("no response within 3s".into());
        let topology = Topology::of(&snapshot);
        let text = render("redis-001", &topology, Width::Wide, false);
        insta::assert_snapshot!(text);
    }
}
