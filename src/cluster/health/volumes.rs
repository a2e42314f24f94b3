//! Volumes, and whether data is written to them.

use super::context::{CheckContext, list};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::{Seen, View};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    context.snapshot.seen.iter().flat_map(|seen| of_node(context, seen)).collect()
}

fn of_node(context: &CheckContext<'_>, seen: &Seen) -> Vec<Finding> {
    let claims = || seen.member.state.claims.iter();
    let mut findings: Vec<Finding> = claims().filter_map(|claim| lost(context, seen, claim)).collect();
    findings.extend(claims().filter_map(|claim| full(context, seen, claim)));
    if let Ok(view) = &seen.view {
        findings.extend(failing(context, seen, view));
        findings.extend(unused(context, seen, view));
    }
    findings
}

fn lost(context: &CheckContext<'_>, seen: &Seen, claim: &str) -> Option<Finding> {
    let name = &seen.member.name;
    let state = context.around().claims.seen()?.get(claim);
    let (message, severity) = match state {
        None => (format!("the volume claim of {name} is missing"), Severity::Error),
        Some(state) if state.phase == "Lost" => (format!("the volume of {name} is lost"), Severity::Error),
        Some(state) if state.phase == "Pending" => {
            (format!("the volume claim of {name} is not bound yet"), Severity::Error)
        }
        Some(state) if state.deleted => {
            (format!("the volume of {name} was deleted and is lost when its pod ends"), Severity::Warning)
        }
        Some(_) => return None,
    };
    let phase = state.map_or("not found", |state| &state.phase);
    let hint = context.hints.kubectl(&format!("describe persistentvolumeclaim {claim}"));
    let hint = if state.is_none() { context.hints.kubectl("get events") } else { hint };
    Some(Code::VolumeLost.found(name, message, format!("persistentvolumeclaim {claim}: {phase}"), hint).at(severity))
}

fn full(context: &CheckContext<'_>, seen: &Seen, claim: &str) -> Option<Finding> {
    let usage = context.around().usage.seen()?.get(claim)?;
    let whole = usage.used + usage.free;
    let left = usage.free * 100 / whole.max(1);
    let name = &seen.member.name;
    let severity = match left {
        0..5 => Severity::Error,
        5..15 => Severity::Warning,
        _ => return None,
    };
    Some(
        Code::VolumeFull
            .found(
                name,
                format!("the volume of {name} has {left} % free space"),
                format!("{claim}: {} of {whole} bytes are free", usage.free),
                context.hints.kubectl(&format!("describe persistentvolumeclaim {claim}")),
            )
            .at(severity),
    )
}

fn failing(context: &CheckContext<'_>, seen: &Seen, view: &View) -> Option<Finding> {
    let failed = &view.server.failed_writes;
    let name = &seen.member.name;
    (!failed.is_empty()).then(|| {
        Code::PersistenceFails.found(
            name,
            format!("{name} failed to write its data to disk"),
            list(failed.iter().map(|status| format!("{status}:err"))),
            context.hints.logs_of(&seen.member),
        )
    })
}

fn unused(context: &CheckContext<'_>, seen: &Seen, view: &View) -> Option<Finding> {
    let name = &seen.member.name;
    let snapshots = view.settings.seen()?.get("save")?;
    let nothing = view.server.append_only == Some(false) && snapshots.is_empty();
    (nothing && !seen.member.state.claims.is_empty()).then(|| {
        Code::PersistenceOff.found(
            name,
            format!("{name} has a volume but writes no data to it"),
            "appendonly no, save \"\"".into(),
            context.hints.redis(&seen.member, "config set appendonly yes"),
        )
    })
}
