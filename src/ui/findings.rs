//! Findings, for people.

use super::terminal::{Paint, painted};
use crate::cluster::health::{Finding, Severity};

/// Each finding: severity, code and sentence; then what was seen and what may help.
pub fn render(findings: &[Finding], colored: bool) -> String {
    findings.iter().map(|finding| one(finding, colored)).collect::<Vec<_>>().join("\n")
}

fn one(finding: &Finding, colored: bool) -> String {
    let severity = finding.severity.as_str();
    let paint = match finding.severity {
        Severity::Info => Paint::Green,
        Severity::Warning => Paint::Yellow,
        Severity::Error => Paint::Red,
    };
    let severity = if colored { painted(severity, paint) } else { severity.to_owned() };
    format!(
        "{severity}: {} [{}]\n  seen: {}\n  hint: {}",
        finding.message, finding.code, finding.evidence, finding.hint
    )
}
