//! Nodes that reject writes although `cluster_state` is ok.

use super::context::{CheckContext, list};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::{Member, View};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    context.snapshot.answered().flat_map(|(member, view)| of_node(context, member, view)).collect()
}

fn of_node(context: &CheckContext<'_>, member: &Member, view: &View) -> Vec<Finding> {
    let owns_slots = view.myself().is_some_and(|line| !line.slots.is_empty());
    if view.server.link_up.is_some() {
        dropping(context, member, view).into_iter().collect()
    } else if owns_slots {
        let reasons = [full, lonely, unsaved, paused];
        reasons.into_iter().filter_map(|reason| reason(context, member, view)).collect()
    } else {
        Vec::new()
    }
}

/// In bytes.
struct Memory {
    used: u64,
    max: u64,
}

impl Memory {
    /// The server's own rule (`getMaxmemoryState`, `performEvictions`); none while there is room, or
    /// keys that may be evicted.
    fn exhausted(view: &View) -> Option<Self> {
        let server = &view.server;
        // Redis 3.0 has it among its settings only.
        let max = server.max_memory.or_else(|| view.setting(&["maxmemory"])?.parse().ok()).filter(|max| *max > 0)?;
        let used = server.used_memory?.saturating_sub(server.not_counted_memory);
        let policy = view.setting(&["maxmemory-policy"])?;
        let evictable = match policy.split('-').next() {
            Some("allkeys") => server.keys,
            Some("volatile") => server.expiring_keys,
            _ => 0,
        };
        (used > max && evictable == 0).then_some(Self { used, max })
    }
}

/// A maxmemory for all nodes, so that they do not differ: as much as the containers' limits allow
/// without a finding; without a limit, a quarter more than is used. None if that is full at once.
fn enough(context: &CheckContext<'_>) -> Option<u64> {
    let answered = || context.snapshot.answered();
    let used = answered().filter_map(|(_, view)| view.server.used_memory).max()?;
    let limit = answered().filter_map(|(member, _)| member.state.memory_limit).min();
    let more = limit.map_or(used / 4 * 5, |limit| limit / 3 * 2);
    (more > used + used / 50).then_some(more)
}

fn raise_or_look(context: &CheckContext<'_>, member: &Member) -> String {
    match enough(context) {
        Some(more) => context.hints.redis_cluster("call", &format!("config set maxmemory {more}")),
        // There is no room: what takes it?
        None => context.hints.redis(member, "--bigkeys"),
    }
}

fn evidence(memory: &Memory, member: &Member, view: &View) -> String {
    let policy = view.setting(&["maxmemory-policy"]).unwrap_or_default();
    let limit = member.state.memory_limit.map(|limit| format!(", memory limit {limit}")).unwrap_or_default();
    let Memory { used, max } = memory;
    format!("used_memory {used} of maxmemory {max} bytes ({} %), maxmemory-policy {policy}{limit}", used * 100 / max)
}

fn full(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    let memory = Memory::exhausted(view)?;
    let hint = raise_or_look(context, member);
    let name = &member.name;
    let message = format!("{name} rejects writes: its memory is full and nothing may be evicted");
    Some(Code::WritesRefused.found(name, message, evidence(&memory, member, view), hint))
}

/// A replica that enforces maxmemory rejects its master's writes, and nobody is told. Replicas do
/// so before Redis 5.0, which brought `replica-ignore-maxmemory`.
fn dropping(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    view.settings.seen()?;
    let ignores = view.setting(&["replica-ignore-maxmemory", "slave-ignore-maxmemory"]);
    if ignores == Some("yes") {
        return None;
    }
    let memory = Memory::exhausted(view)?;
    let hint = match ignores {
        // The server's default is back, and a full sync brings what was dropped.
        Some(_) => context.hints.restart(member),
        None => raise_or_look(context, member),
    };
    let name = &member.name;
    let message = format!("{name} drops the writes of its master: its memory is full and nothing may be evicted");
    Some(Code::WritesRefused.found(name, message, evidence(&memory, member, view), hint))
}

fn lonely(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    const NAMES: [&str; 2] = ["min-replicas-to-write", "min-slaves-to-write"];
    let setting = NAMES.into_iter().find(|name| view.setting(&[name]).is_some())?;
    let required: u64 = view.setting(&[setting])?.parse().ok()?;
    let present = view.server.good_replicas.filter(|present| *present < required)?;
    // For all nodes, so that they do not differ: what the poorest master has.
    let fewest = context.views().filter_map(|(_, view)| view.server.good_replicas).min()?;
    let name = &member.name;
    Some(Code::WritesRefused.found(
        name,
        format!("{name} rejects writes: {present} of the {required} replicas that it requires are in sync"),
        format!("min_slaves_good_slaves:{present}, {setting} {required}"),
        context.hints.redis_cluster("call", &format!("config set {setting} {fewest}")),
    ))
}

fn paused(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    let pause = view.server.pause?;
    let name = &member.name;
    Some(Code::WritesRefused.found(
        name,
        format!("{name} holds writes back: somebody paused its clients (CLIENT PAUSE)"),
        format!("paused_reason:client_pause, for {} more s", pause / 1000),
        context.hints.redis(member, "client unpause"),
    ))
}

/// The server's own rule (`writeCommandsDeniedByDiskError`).
fn unsaved(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    const STOP: &str = "stop-writes-on-bgsave-error";
    let failed = |name: &str| view.server.failed_writes.iter().any(|failed| failed == name);
    let snapshots = view.setting(&["save"]).is_some_and(|save| !save.is_empty());
    let by_snapshot = failed("rdb_last_bgsave_status") && snapshots && view.setting(&[STOP]) == Some("yes");
    let by_aof = failed("aof_last_write_status") && view.server.append_only == Some(true);
    let hint = match (by_snapshot, by_aof) {
        (false, false) => return None,
        (true, false) => context.hints.redis(member, &format!("config set {STOP} no")),
        // The server tries again each second, and takes writes as soon as the disk does.
        (_, true) => context.hints.logs_of(member),
    };
    let name = &member.name;
    Some(Code::WritesRefused.found(
        name,
        format!("{name} rejects writes: it failed to write its data to disk"),
        list(view.server.failed_writes.iter().map(|status| format!("{status}:err"))),
        hint,
    ))
}
