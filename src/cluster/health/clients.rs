//! Nodes that clients cannot use although their peers can.

use super::context::CheckContext;
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::{Member, View};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let nodes = context.snapshot.answered();
    nodes
        .flat_map(|(member, view)| [protected(context, member, view), crowded(context, member, view)])
        .flatten()
        .collect()
}

/// The server's own rule: before Redis 7.0, an address to listen on ends protected mode.
pub(super) fn is_protected(view: &View) -> bool {
    let major: u32 =
        view.server.version.as_deref().and_then(|version| version.split('.').next()?.parse().ok()).unwrap_or_default();
    let listens_everywhere = || view.setting(&["bind"]).is_some_and(str::is_empty);
    view.setting(&["protected-mode"]) == Some("yes") && (major >= 7 || listens_everywhere())
}

/// We come from inside of its pod, like its probes; clients, replicas and the other nodes' redis-cli
/// do not. A replica is one of `settings-differ` until it is a master.
fn protected(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    let is_replica = view.server.link_up.is_some();
    let denies = is_protected(view) && view.needs_no_password && !is_replica;
    let name = &member.name;
    denies.then(|| {
        Code::ClientsDenied.found(
            name,
            format!("{name} denies every client that is not in its own pod"),
            "protected-mode yes, and no password".into(),
            context.hints.redis(member, "config set protected-mode no"),
        )
    })
}

/// Our own connection has taken the last place.
fn crowded(context: &CheckContext<'_>, member: &Member, view: &View) -> Option<Finding> {
    let most: u64 = view.setting(&["maxclients"])?.parse().ok()?;
    let connections = view.server.connections.filter(|connections| *connections >= most)?;
    let name = &member.name;
    Some(Code::ClientsLimit.found(
        name,
        format!("{name} rejects new connections: it has as many as maxclients allows"),
        format!("{connections} connections, maxclients {most}"),
        context.hints.redis(member, &format!("config set maxclients {}", most * 2)),
    ))
}

/// Of the other nodes: a node that rejects connections cannot be asked.
pub(super) fn limits_elsewhere(context: &CheckContext<'_>) -> (u64, String) {
    let limits = context.views().filter_map(|(_, view)| view.setting(&["maxclients"])?.parse::<u64>().ok());
    let most = limits.max().unwrap_or(DEFAULT);
    let crowd = context.views().filter_map(|(name, view)| Some((view.server.connections?, name))).max();
    let crowd = crowd.map(|(connections, name)| format!(", at most {connections} connections ({name})"));
    (most, format!("the other nodes have maxclients {most}{}", crowd.unwrap_or_default()))
}

/// The server's default of `maxclients`.
const DEFAULT: u64 = 10_000;
