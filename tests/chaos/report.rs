//! What came of each fault, and whether that is good enough.

use crate::MENDED;
use crate::client::Outcome;
use crate::faults::Fault;
use crate::matrix::Layout;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What came of one fault for one cluster.
pub struct Line {
    pub fault: Fault,
    pub title: String,
    pub layout: Layout,
    pub outcome: Outcome,
    /// How long a shard might acknowledge nothing.
    pub patience: Duration,
    /// When the cluster was seen to be whole again, if it was.
    pub whole: Option<Duration>,
}

impl Line {
    fn outage(&self) -> Duration {
        Duration::from_millis(self.outcome.outage_ms)
    }

    /// The longest outage beside the longest that may be.
    fn served(&self) -> String {
        format!("{:.1} of {} s", self.outage().as_secs_f64(), self.patience.as_secs())
    }

    /// What must not be, of a cluster that this tool made.
    pub fn complaint(&self) -> Option<String> {
        let Outcome { lost, unreadable, .. } = self.outcome;
        let lost = lost + unreadable;
        let what = if self.whole.is_none() {
            "is not whole again".to_owned()
        } else if self.outcome.acknowledged == 0 {
            "acknowledged no write".to_owned()
        } else if lost > 0 && !self.fault.destroys(self.layout) {
            format!("lost {lost} acknowledged writes")
        } else if self.outage() > self.patience {
            format!("did not serve for {}", self.served())
        } else {
            return None;
        };
        Some(format!("{}: {} {what}", self.fault.title(), self.title))
    }

    pub fn loses(&self) -> bool {
        self.outcome.lost + self.outcome.lost_in_fault + self.outcome.unreadable > 0
    }

    fn cell(&self) -> String {
        let Outcome { acknowledged, lost, lost_in_fault, unreadable, .. } = self.outcome;
        let mut cell = format!("{lost}+{lost_in_fault} of {acknowledged}; {}", self.served());
        if unreadable > 0 {
            let _ = write!(cell, "; {unreadable} unreadable");
        }
        let whole = self.whole.map(|time| format!("whole in {} of {} s", time.as_secs(), MENDED.as_secs()));
        cell + "; " + whole.as_deref().unwrap_or("not whole")
    }
}

/// Who of the clusters that this tool made came nearest to the end of what is waited for.
pub fn slowest(lines: &[Line]) -> String {
    let used = |line: &&Line| line.outage().as_secs_f64() / line.patience.as_secs_f64();
    let ours = lines.iter().filter(|line| line.layout != Layout::Plain);
    let slowest = ours.max_by(|one, other| used(one).total_cmp(&used(other)));
    slowest.map_or_else(String::new, |line| {
        format!("the slowest: {}, {}: no service for {}", line.fault.title(), line.title, line.served())
    })
}

/// Faults by clusters; in each cell the acknowledged writes that were lost + those that were
/// lost in the time that the fault excuses, the longest time without service and the longest
/// that may be, and when the cluster was seen to be whole again.
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
