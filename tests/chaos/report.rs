//! What came of each fault, and whether that is good enough.

use crate::client::Outcome;
use crate::faults::Fault;
use crate::matrix::Layout;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How soon service must be back without a person: the node timeout and ten seconds.
const BACK_AFTER_MS: u64 = 15_000;

/// What came of one fault for one cluster.
pub struct Line {
    pub fault: Fault,
    pub title: String,
    pub layout: Layout,
    pub outcome: Outcome,
    /// Whether a majority of masters and a copy of each shard lived on.
    pub survivable: bool,
    /// Whether the cluster was whole again in the end.
    pub whole: bool,
}

impl Line {
    /// Whether service was back, but late.
    fn is_late(&self) -> bool {
        self.survivable && self.outcome.outage_ms > BACK_AFTER_MS
    }

    /// Whether nothing else is wrong with a cluster that this tool made.
    pub fn is_only_late(&self) -> bool {
        let in_time = Outcome { outage_ms: 0, ..self.outcome.clone() };
        self.layout != Layout::Plain
            && self.is_late()
            && Self { outcome: in_time, title: String::new(), ..*self }.complaint().is_none()
    }

    /// What must not be, of a cluster that this tool made.
    pub fn complaint(&self) -> Option<String> {
        let Outcome { lost, lost_in_fault, unreadable, outage_ms, .. } = self.outcome;
        let lost = lost + unreadable + if self.fault.is_planned() { lost_in_fault } else { 0 };
        let what = if !self.whole {
            "is not whole again".to_owned()
        } else if lost > 0 && !self.fault.destroys(self.layout) {
            format!("lost {lost} acknowledged writes")
        } else if self.is_late() {
            format!("did not serve for {:.1} s", seconds(outage_ms))
        } else {
            return None;
        };
        Some(format!("{}: {} {what}", self.fault.title(), self.title))
    }

    pub fn loses(&self) -> bool {
        self.outcome.lost + self.outcome.lost_in_fault + self.outcome.unreadable > 0
    }

    fn cell(&self) -> String {
        let Outcome { acknowledged, lost, lost_in_fault, unreadable, outage_ms, .. } = self.outcome;
        let mut cell = format!("{lost}+{lost_in_fault} of {acknowledged}, {:.1} s", seconds(outage_ms));
        if unreadable > 0 {
            let _ = write!(cell, ", {unreadable} unreadable");
        }
        if !self.whole {
            cell += ", not whole";
        }
        cell
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Faults by clusters; in each cell the acknowledged writes that were lost + those that
/// were lost in the moment of the fault, and the longest time without service.
pub fn table(lines: &[Line]) -> String {
    let mut rows: Vec<(Fault, BTreeMap<&str, String>)> = Vec::new();
    let mut titles: Vec<&str> = Vec::new();
    for line in lines {
        if !titles.contains(&line.title.as_str()) {
            titles.push(&line.title);
        }
        if rows.last().is_none_or(|(fault, _)| *fault != line.fault) {
            rows.push((line.fault, BTreeMap::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            cells.insert(&line.title, line.cell());
        }
    }
    let mut text = format!("| fault | {} |\n|{}\n", titles.join(" | "), " --- |".repeat(titles.len() + 1));
    for (fault, cells) in rows {
        let cells: Vec<&str> = titles.iter().map(|title| cells.get(title).map_or("", String::as_str)).collect();
        let _ = writeln!(text, "| {} | {} |", fault.title(), cells.join(" | "));
    }
    text
}
