//! The findings of a check, for people.

use super::human::table;
use super::terminal::{Paint, painted};
use crate::cluster::finding::{Finding, Severity};
use crate::cluster::health::{FailureDomain, FailureImpact, Gap, Report, Verdict};

/// How many findings of one kind are shown in full; the rest are listed by subject.
const WHOLE: usize = 3;
/// How many characters of evidence are shown; the JSON has all of it.
const EVIDENCE: usize = 400;

/// One line for each finding, and the command that shows more; then what was not checked
/// around the nodes. Nodes that were not checked have their own rows.
pub fn short(report: &Report, more: &str, colored: bool) -> String {
    let lines = report.findings.iter().map(|finding| headline(finding, colored));
    let mut lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        lines.push(format!("for evidence and fixes, run: {more}"));
    }
    lines.extend(report.gaps.iter().filter(|gap| !gap.matters).map(left_out));
    lines.join("\n")
}

fn left_out(gap: &Gap) -> String {
    format!("not checked: {}: {}", gap.what, gap.why)
}

/// Each finding with its evidence and a fix, what losing a worker or zone would cost, what
/// was not checked, and the verdict.
pub fn full(report: &Report, impacts: &[FailureImpact], verdict: Verdict, colored: bool) -> String {
    let mut parts = Vec::new();
    if !report.findings.is_empty() {
        parts.push(folded(&report.findings, colored));
    }
    if !impacts.is_empty() {
        parts.push(costs(impacts));
    }
    let gaps: Vec<String> = report.gaps.iter().map(left_out).collect();
    if !gaps.is_empty() {
        parts.push(gaps.join("\n"));
    }
    parts.push(sum(report, verdict, colored));
    parts.join("\n\n")
}

fn headline(finding: &Finding, colored: bool) -> String {
    format!("{}: {} [{}]", word(finding.severity, colored), finding.message, finding.code)
}

fn word(severity: Severity, colored: bool) -> String {
    let paint = match severity {
        Severity::Info => Paint::Green,
        Severity::Warning => Paint::Yellow,
        Severity::Error => Paint::Red,
    };
    if colored { painted(severity.as_str(), paint) } else { severity.as_str().to_owned() }
}

fn one(finding: &Finding, colored: bool) -> String {
    let evidence = match finding.evidence.char_indices().nth(EVIDENCE) {
        Some((end, _)) => format!("{} ... (-o json shows all)", &finding.evidence[..end]),
        None => finding.evidence.clone(),
    };
    format!("{}\n  evidence: {evidence}\n  hint: {}", headline(finding, colored), finding.hint)
}

/// A hundred nodes with the same fault must not fill the screen.
fn folded(findings: &[Finding], colored: bool) -> String {
    let mut shown: Vec<String> = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let same = |other: &&Finding| (other.code, other.severity) == (finding.code, finding.severity);
        let before = findings[..index].iter().filter(same).count();
        if before < WHOLE {
            shown.push(one(finding, colored));
        } else if before == WHOLE {
            let rest: Vec<&str> = findings[index..].iter().filter(same).map(|each| each.subject.as_str()).collect();
            let severity = word(finding.severity, colored);
            shown.push(format!(
                "{severity}: {} more of the same kind [{}]: {}",
                rest.len(),
                finding.code,
                rest.join(", ")
            ));
        }
    }
    shown.join("\n")
}

const COSTS: [&str; 5] = ["IF-LOST", "NODES", "MASTERS", "SHARDS-LOST", "QUORUM-KEPT"];

/// A row for each worker or zone whose loss costs more than failovers; the others on one line.
fn costs(impacts: &[FailureImpact]) -> String {
    let is_harmless = |impact: &&FailureImpact| impact.shards.is_empty() && impact.majority_left;
    let (harmless, costly): (Vec<&FailureImpact>, Vec<&FailureImpact>) = impacts.iter().partition(is_harmless);
    let row = |impact: &&FailureImpact| {
        let shards: Vec<String> = impact.shards.iter().map(ToString::to_string).collect();
        vec![
            format!("{} {}", impact.domain.as_str(), impact.name),
            impact.nodes.to_string(),
            impact.masters.to_string(),
            if shards.is_empty() { "none".into() } else { shards.join(",") },
            if impact.majority_left { "yes" } else { "no" }.to_owned(),
        ]
    };
    let mut parts = Vec::new();
    if !costly.is_empty() {
        parts.push(table(&COSTS, costly.iter().map(row).collect()));
    }
    if costly.is_empty() {
        let zones = harmless.iter().any(|impact| impact.domain == FailureDomain::Zone);
        let domain = if zones { "worker or zone" } else { "worker" };
        parts.push(format!("no shard is lost if any single {domain} fails"));
    } else if !harmless.is_empty() {
        let names: Vec<String> =
            harmless.iter().map(|impact| format!("{} {}", impact.domain.as_str(), impact.name)).collect();
        parts.push(format!("no shard is lost if any single one of these fails: {}", names.join(", ")));
    }
    parts.join("\n")
}

/// `unhealthy: 1 error, 2 warnings`
fn sum(report: &Report, verdict: Verdict, colored: bool) -> String {
    let findings = &report.findings;
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut counts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .filter(|(severity, _)| count(*severity) > 0)
        .map(|(severity, noun)| plural(count(severity), noun))
        .collect();
    if count(Severity::Info) > 0 {
        counts.push(format!("{} info", count(Severity::Info)));
    }
    if verdict == Verdict::Unclear {
        let why = if report.none_responded { "no node could be asked" } else { "check incomplete" };
        counts.insert(0, why.to_owned());
    }
    let found = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
    let below_the_bar = findings.iter().any(|finding| finding.severity > Severity::Info);
    let (text, paint) = match verdict {
        Verdict::Healthy if below_the_bar => ("below --severity", Paint::Green),
        Verdict::Healthy => ("healthy", Paint::Green),
        Verdict::Unhealthy => ("unhealthy", Paint::Red),
        Verdict::Unclear => ("unknown", Paint::Yellow),
    };
    let text = if colored { painted(text, paint) } else { text.to_owned() };
    format!("{text}: {found}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::health::{check, failure_impacts};
    use crate::cluster::shape::{Shape, Small};
    use crate::cluster::snapshot::{NoResponse, Snapshot};
    use crate::cluster::surroundings::Lookup;
    use crate::cluster::topology::Topology;
    use crate::cluster::topology::tests::{healthy, healthy_of};

    fn shown(snapshot: &Snapshot) -> String {
        let topology = Topology::of(snapshot);
        let report = check(snapshot, &topology);
        full(&report, &failure_impacts(&topology), report.verdict(Severity::Warning), false)
    }

    #[test]
    fn the_documentation_explains_every_column() {
        let documented = include_str!("../../docs/reading.md");
        let section = documented.split("\n## ").find(|part| part.starts_with("What the loss of")).expect("the section");
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        assert_eq!(rows.skip(2).collect::<Vec<_>>(), COSTS);
    }

    #[test]
    fn a_healthy_cluster() {
        insta::assert_snapshot!(shown(&healthy()));
    }

    #[test]
    fn what_was_found_and_what_was_not_looked_at() {
        let mut snapshot = healthy();
        snapshot.seen[0].view = Err("no response within 3s".into());
        snapshot.seen[3].view = Err(NoResponse::Refused("you may not use pods/portforward".into()));
        snapshot.seen[0].member.worker = snapshot.seen[1].member.worker.clone();
        insta::assert_snapshot!(shown(&snapshot));
        let topology = Topology::of(&snapshot);
        insta::assert_snapshot!(short(&check(&snapshot, &topology), "kubectl redis-cluster check", false));
    }

    /// What is around the nodes is no verdict on them, and what a loss would cost is unknown.
    #[test]
    fn of_nodes_that_nobody_could_ask_nothing_is_known() {
        let mut snapshot = healthy();
        snapshot.seen.iter_mut().for_each(|seen| seen.view = Err("no response within 3s".into()));
        snapshot.around.budgets = Lookup::Seen(Vec::new());
        let said = shown(&snapshot);
        assert!(said.ends_with("\nunknown: no node could be asked, 1 warning"), "{said}");
        assert!(!said.contains("IF-LOST") && !said.contains("if any single"), "{said}");
        snapshot.seen[0].view = healthy().seen.swap_remove(0).view;
        assert!(shown(&snapshot).contains("unhealthy: "));
    }

    #[test]
    fn of_a_hundred_nodes_the_well_ones_are_folded() {
        let mut snapshot = healthy_of(Shape::new(50, 1, Small::Refused).expect("valid"));
        for seen in snapshot.seen.iter_mut().step_by(5) {
            seen.view = Err("no response within 3s".into());
        }
        insta::assert_snapshot!(shown(&snapshot));
    }
}
