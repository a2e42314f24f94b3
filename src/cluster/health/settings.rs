//! Versions and settings: what should be the same on all nodes, and whether maxmemory fits.

use super::context::{CheckContext, count, list};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::Member;
use std::collections::BTreeMap;

/// Settings that should be the same on all nodes. All others differ by node or do not affect
/// the cluster.
const SHARED: [&str; 14] = [
    "appendfsync",
    "appendonly",
    "cluster-allow-reads-when-down",
    "cluster-allow-replica-migration",
    "cluster-migration-barrier",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "cluster-replica-validity-factor",
    "cluster-slave-validity-factor",
    "maxmemory",
    "maxmemory-policy",
    "min-replicas-to-write",
    "protected-mode",
    "save",
];

/// Settings of single nodes that are looked at, by the names that match.
#[cfg(test)]
const LOOKED_AT: [&str; 7] = [
    "bind",
    "cluster-replica-no-failover",
    "cluster-slave-no-failover",
    "maxclients",
    "min-slaves-to-write",
    "slave-ignore-maxmemory",
    "stop-writes-on-bgsave-error",
];

/// A CONFIG GET pattern that matches these, a few more, and no secrets. Before Redis 7, CONFIG GET
/// takes one pattern only, and each command is one more round trip to every node.
pub const PATTERN: &str = "[abcmsp][ailptr][anopuvx]*";

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(versions(context));
    findings.extend(SHARED.iter().filter_map(|name| differing(context, name)));
    findings.extend(memory(context));
    findings
}

/// The members by value, the most frequent first; none if all have the same.
fn split<'a>(values: impl Iterator<Item = (&'a Member, &'a str)>) -> Option<Vec<(&'a str, Vec<&'a Member>)>> {
    let mut groups: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for (member, value) in values {
        groups.entry(value).or_default().push(member);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    (groups.len() > 1).then_some(groups)
}

fn groups(groups: &[(&str, Vec<&Member>)]) -> String {
    let group = |(value, members): &(&str, Vec<&Member>)| {
        let value = if value.is_empty() { "\"\"" } else { value };
        format!("{value}: {}", list(members.iter().map(|member| &member.name)))
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

fn versions(context: &CheckContext<'_>) -> Option<Finding> {
    let versions =
        context.snapshot.answered().filter_map(|(member, view)| Some((member, view.server.version.as_deref()?)));
    let split = split(versions)?;
    let last = split.last().and_then(|(_, members)| members.first())?;
    Some(Code::VersionsDiffer.found(
        context.snapshot.name(),
        format!("the nodes run {} server versions", split.len()),
        groups(&split),
        context.hints.describe(last),
    ))
}

fn differing(context: &CheckContext<'_>, name: &str) -> Option<Finding> {
    let values = context
        .snapshot
        .answered()
        .filter_map(|(member, view)| Some((member, view.settings.seen()?.get(name)?.as_str())));
    let split = split(values)?;
    let right = right(name, &split)?;
    let odd = split.iter().rev().find(|(value, _)| *value != right).and_then(|(_, members)| members.first())?;
    // It would evict keys, or refuse writes, at once.
    let is_too_little = name == "maxmemory" && right.parse().is_ok_and(|max: u64| max > 0 && used(context, odd) > max);
    let hint = if is_too_little {
        format!("{} -o wide", context.hints.command("info"))
    } else {
        context.hints.redis(odd, &format!("config set {name} \"{right}\""))
    };
    Some(Code::SettingsDiffer.found(
        name,
        format!("the nodes have {} values of {name}", split.len()),
        groups(&split),
        hint,
    ))
}

/// The value for all: that of most nodes, but never one that ends the persistence of some, or that
/// lets in nobody but the node's own pod.
fn right<'a>(name: &str, split: &[(&'a str, Vec<&Member>)]) -> Option<&'a str> {
    let mut values = split.iter().map(|(value, _)| *value);
    match name {
        "appendonly" => values.find(|value| *value == "yes"),
        "protected-mode" => values.find(|value| *value == "no"),
        "save" => values.find(|value| !value.is_empty()),
        _ => values.next(),
    }
}

/// Bytes.
fn used(context: &CheckContext<'_>, member: &Member) -> u64 {
    let view = context.views().find(|(name, _)| *name == member.name).map(|(_, view)| view);
    view.and_then(|view| view.server.used_memory).unwrap_or_default()
}

/// One finding for all nodes with the same limit and maxmemory.
fn memory(context: &CheckContext<'_>) -> Vec<Finding> {
    let mut figures: BTreeMap<(u64, u64), Vec<&Member>> = BTreeMap::new();
    for (member, view) in context.snapshot.answered() {
        if let (Some(limit), Some(max)) = (member.state.memory_limit, view.server.max_memory)
            && (max == 0 || max > limit / 3 * 2)
        {
            figures.entry((limit, max)).or_default().push(member);
        }
    }
    figures
        .into_iter()
        .map(|((limit, max), members)| {
            let names = list(members.iter().map(|member| &member.name));
            let message = if max == 0 {
                format!("{} no maxmemory: a server that outgrows its memory limit is OOM-killed", have(members.len()))
            } else {
                format!("maxmemory of {} leaves no room for copy-on-write and buffers", count(members.len(), "node"))
            };
            let fitting = limit / 8 * 5;
            Code::MaxmemoryTooHigh.found(
                &names,
                message,
                format!("maxmemory {max}, limit {limit} bytes: {names}"),
                lower(context, &members, fitting),
            )
        })
        .collect()
}

/// Sets maxmemory, unless that would evict keys, or refuse writes, at once: then the limit is to be
/// raised.
fn lower(context: &CheckContext<'_>, members: &[&Member], fitting: u64) -> String {
    let set = format!("config set maxmemory {fitting}");
    match members {
        [first, ..] if members.iter().any(|member| used(context, member) > fitting) => context.hints.describe(first),
        [first, ..] if members.len() < context.snapshot.answered().count() => context.hints.redis(first, &set),
        _ => context.hints.redis_cluster("call", &set),
    }
}

fn have(nodes: usize) -> String {
    if nodes == 1 { "1 node has".into() } else { format!("{nodes} nodes have") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the pattern, which is three classes of letters and an asterisk, matches.
    fn is_asked_for(name: &str) -> bool {
        let classes = PATTERN.trim_end_matches("]*").split(']').map(|class| class.trim_start_matches('['));
        classes.zip(name.chars()).all(|(class, letter)| class.contains(letter))
    }

    #[test]
    fn one_question_brings_all_that_is_compared_and_no_secret() {
        assert_eq!(SHARED.iter().chain(&LOOKED_AT).find(|name| !is_asked_for(name)), None);
        let secret = [
            "masterauth",
            "masteruser",
            "primaryauth",
            "requirepass",
            "tls-key-file-pass",
            "aclfile",
            "user",
            "primaryuser",
        ];
        assert_eq!(secret.iter().find(|name| is_asked_for(name)), None);
    }
}
