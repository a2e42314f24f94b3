//! What forwards Services on each worker, and what was measured.

use super::human::table;
use super::terminal::{Paint, painted};
use crate::cluster::commands::{Caller, ClusterRef};
use crate::proxy::evidence::{Evidence, WorkerReport};
use crate::proxy::measure::Measurement;
use crate::proxy::mode::Mode;
use crate::proxy::suitability::{AtHand, Sources, Suitability, sentence};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Shown<'a> {
    pub workers: &'a [WorkerReport],
    pub measured: &'a [Measurement],
    /// Which cluster the verdict is for.
    pub at_hand: AtHand,
    pub cluster: Option<&'a ClusterRef>,
    pub caller: &'a Caller,
    pub sources: Sources,
    pub suitability: Suitability,
}

pub fn render(shown: &Shown<'_>, colored: bool) -> String {
    let mut parts = vec![workers(shown.workers)];
    if !shown.measured.is_empty() {
        parts.push(measured(shown.measured));
    }
    parts.push(verdict_lines(shown, colored));
    parts.join("\n\n")
}

fn workers(reports: &[WorkerReport]) -> String {
    let row = |report: &WorkerReport| {
        let suits = report.suits.map_or("<unknown>", |suits| if suits { "yes" } else { "no" });
        let mode = report.mode.map_or("<none>".to_owned(), |mode| mode.to_string());
        vec![report.worker.clone(), report.forwarder.to_string(), mode, suits.to_owned(), evidence(report)]
    };
    table(&["WORKER", "FORWARDER", "MODE", "PRESERVES SOURCE IP", "EVIDENCE"], reports.iter().map(row).collect())
}

fn evidence(report: &WorkerReport) -> String {
    let all: Vec<String> = report.evidence.iter().map(Evidence::to_string).collect();
    if all.is_empty() { "<none>".to_owned() } else { all.join("; ") }
}

fn measured(measured: &[Measurement]) -> String {
    let row = |each: &Measurement| {
        let (seen, kept) = match &each.seen {
            Ok(seen) => (seen.clone(), if each.is_kept() == Some(true) { "yes" } else { "no" }),
            Err(reason) => (format!("not measured: {reason}"), "<unknown>"),
        };
        let place = |place: &crate::proxy::measure::PodLocation| format!("{} ({})", place.worker, place.pod);
        vec![place(&each.from), place(&each.to), each.expected.clone(), kept.to_owned(), seen]
    };
    table(&["FROM", "TO", "SOURCE IP", "PRESERVED", "SEEN AS"], measured.iter().map(row).collect())
}

fn verdict_lines(shown: &Shown<'_>, colored: bool) -> String {
    let (text, hint) = sentence(shown.at_hand, shown.sources, shown.caller, shown.cluster);
    let paint = match shown.suitability {
        Suitability::Suits | Suitability::Harmless => Paint::Green,
        Suitability::Fails => Paint::Red,
        Suitability::Unknown => Paint::Yellow,
    };
    let word = shown.suitability.as_str();
    let word = if colored { painted(word, paint) } else { word.to_owned() };
    let mut lines = vec![format!("{word}: {text}")];
    lines.extend(hint.map(|hint| format!("hint: {hint}")));
    lines.extend(differing_modes(shown.workers));
    lines.extend(shown.workers.iter().flat_map(|report| {
        let other =
            |evidence: &Evidence| format!("note: {}: {evidence}, but this is not the mode in use", report.worker);
        report.contradictions().into_iter().map(other).collect::<Vec<_>>()
    }));
    lines.join("\n")
}

/// A note if the workers differ.
fn differing_modes(reports: &[WorkerReport]) -> Option<String> {
    let mut modes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for report in reports {
        let mode = report.mode.map_or(report.forwarder.as_str(), |mode| mode.as_str());
        modes.entry(mode).or_default().push(&report.worker);
    }
    let groups: Vec<String> = modes.iter().map(|(mode, workers)| format!("{mode} on {}", workers.join(", "))).collect();
    (groups.len() > 1).then(|| format!("note: workers differ: {}", groups.join("; ")))
}

/// The stable JSON form. A failed measurement is null, with its reason.
pub fn to_json(shown: &Shown<'_>) -> Value {
    let worker = |report: &WorkerReport| {
        json!({
            "worker": report.worker,
            "forwarder": report.forwarder.as_str(),
            "mode": report.mode.map(Mode::as_str),
            "evidence": report.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "suits": report.suits,
        })
    };
    let measurement = |each: &Measurement| {
        json!({
            "from": each.from.worker,
            "fromPod": each.from.pod,
            "to": each.to.worker,
            "toPod": each.to.pod,
            "expected": each.expected,
            "seen": each.seen.as_ref().ok(),
            "error": each.seen.as_ref().err(),
        })
    };
    json!({
        "workers": shown.workers.iter().map(worker).collect::<Vec<_>>(),
        "measured": shown.measured.iter().map(measurement).collect::<Vec<_>>(),
        "verdict": shown.suitability.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::json::pretty;
    use super::*;
    use crate::proxy::evidence::running;
    use crate::proxy::forwarder::Forwarder;
    use crate::proxy::measure::PodLocation;
    use crate::proxy::suitability::{sources, suitability};

    fn report(worker: &str, mode: &str) -> WorkerReport {
        let node = k8s_openapi::api::core::v1::Node {
            metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                name: Some(worker.into()),
                ..Default::default()
            },
            ..Default::default()
        };
        WorkerReport::of(&node, Forwarder::StaticPod, vec![running(Ok(mode))])
    }

    #[test]
    fn differing_workers() {
        let workers = [report("node-1", "iptables"), report("node-2", "userspace")];
        let place = |worker: &str| PodLocation { pod: format!("pod-on-{worker}"), worker: worker.into() };
        let measured = [
            Measurement {
                from: place("node-2"),
                to: place("node-1"),
                expected: "198.18.2.4".into(),
                seen: Ok("198.51.100.12".into()),
            },
            Measurement {
                from: place("node-1"),
                to: place("node-2"),
                expected: "198.18.1.4".into(),
                seen: Err("no Service selects only this pod".into()),
            },
        ];
        let known = sources(&workers, &measured);
        let shown = Shown {
            workers: &workers,
            measured: &measured,
            at_hand: AtHand::Learns,
            cluster: None,
            caller: &Caller { namespace: "default".into(), ..Caller::default() },
            sources: known,
            suitability: suitability(AtHand::Learns, known),
        };
        insta::assert_snapshot!(format!("{}\n{}", render(&shown, false), pretty(&to_json(&shown))));
    }
}
