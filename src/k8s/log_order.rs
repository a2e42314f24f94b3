//! Log lines in time order, without losses or duplicates. Pure.

use jiff::Timestamp;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The container runtime's timestamp.
    pub at: Timestamp,
    /// Without the timestamp and the line break; not always UTF-8.
    pub text: Vec<u8>,
}

impl LogLine {
    /// Parses `2026-11-23T03:58:33.123456789Z text`. A line without a timestamp, such as the
    /// kubelet's own messages, gets that of the line before it.
    pub fn parse(line: &[u8], before: Option<Timestamp>) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let time = std::str::from_utf8(&line[..space]).ok().and_then(|text| text.parse::<Timestamp>().ok());
        match time {
            Some(at) => Self { at, text: line.get(space + 1..).unwrap_or_default().to_vec() },
            None => Self { at: before.unwrap_or(Timestamp::UNIX_EPOCH), text: line.to_vec() },
        }
    }
}

/// How far a container's log was shown, to reopen it there.
///
/// The API server accepts only whole seconds as a start: lines of the last second arrive again and
/// are dropped here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    at: Option<Timestamp>,
    /// Lines shown with this exact timestamp.
    shown: usize,
    /// Lines with this exact timestamp that are still to be dropped.
    drop: usize,
    catching_up: bool,
}

impl Resume {
    /// Where to reopen the log.
    pub fn since(&self) -> Option<Timestamp> {
        self.at
    }

    /// Lines that were already shown will arrive again.
    pub fn reopened(&mut self) {
        self.drop = self.shown;
        self.catching_up = self.at.is_some();
    }

    pub fn is_new(&mut self, line: &LogLine) -> bool {
        if self.catching_up
            && let Some(at) = self.at
        {
            match line.at.cmp(&at) {
                Ordering::Less => return false,
                Ordering::Equal if self.drop > 0 => {
                    self.drop -= 1;
                    return false;
                }
                _ => self.catching_up = false,
            }
        }
        if self.at == Some(line.at) {
            self.shown += 1;
        } else {
            (self.at, self.shown) = (Some(line.at), 1);
        }
        true
    }
}

/// Ordered by time, then source, then arrival.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    at: Timestamp,
    source: usize,
    arrival: u64,
    line: LogLine,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.source, self.arrival).cmp(&(other.at, other.source, other.arrival))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, Default)]
pub struct Order {
    waiting: BinaryHeap<Reverse<Waiting>>,
    arrivals: u64,
    newest: Option<Timestamp>,
    newest_at_last_tick: Option<Timestamp>,
}

impl Order {
    pub fn push(&mut self, source: usize, line: LogLine) {
        self.newest = self.newest.max(Some(line.at));
        self.arrivals += 1;
        self.waiting.push(Reverse(Waiting { at: line.at, source, arrival: self.arrivals, line }));
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The earliest line and its source.
    pub fn pop(&mut self) -> Option<(usize, LogLine)> {
        self.waiting.pop().map(|Reverse(next)| (next.source, next.line))
    }

    /// For live logs, called at a fixed interval: returns all lines that are not newer than the
    /// newest line at the previous call. So a line waits one to two intervals for earlier lines of
    /// slower sources.
    pub fn tick(&mut self) -> Vec<(usize, LogLine)> {
        let mut ripe = Vec::new();
        if let Some(until) = self.newest_at_last_tick {
            while self.waiting.peek().is_some_and(|Reverse(next)| next.at <= until) {
                ripe.extend(self.pop());
            }
        }
        self.newest_at_last_tick = self.newest;
        ripe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: i64, text: &str) -> LogLine {
        LogLine { at: Timestamp::from_second(second).expect("a time"), text: text.into() }
    }

    fn texts(lines: Vec<(usize, LogLine)>) -> Vec<String> {
        lines.into_iter().map(|(_, line)| String::from_utf8(line.text).expect("text")).collect()
    }

    #[test]
    fn lines_are_read() {
        let read = LogLine::parse(b"2026-11-23T03:58:33.5Z a b\n", None);
        assert_eq!((read.at.as_millisecond(), read.text.as_slice()), (1_795_406_313_500, b"a b".as_slice()));
        assert_eq!(LogLine::parse(b"2026-11-23T03:58:33Z\n", None).text, b"");
        let remark = LogLine::parse(b"unable to retrieve logs", Some(read.at));
        assert_eq!((remark.at, remark.text.as_slice()), (read.at, b"unable to retrieve logs".as_slice()));
    }

    #[test]
    fn shown_lines_are_dropped_after_reopening() {
        let mut resume = Resume::default();
        for text in ["a", "b"] {
            assert!(resume.is_new(&line(5, text)));
        }
        resume.reopened();
        let new: Vec<_> = [line(4, "old"), line(5, "a"), line(5, "b"), line(5, "c"), line(6, "d")]
            .into_iter()
            .filter(|line| resume.is_new(line))
            .collect();
        assert_eq!(new, [line(5, "c"), line(6, "d")]);
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let mut resume = Resume::default();
        assert!(resume.is_new(&line(5, "a")) && resume.is_new(&line(3, "b")));
        resume.reopened();
        assert!(!resume.is_new(&line(3, "b")) && resume.is_new(&line(4, "c")));
    }

    #[test]
    fn many_sources_become_one_in_order() {
        let mut order = Order::default();
        order.push(1, line(3, "c"));
        order.push(0, line(1, "a"));
        order.push(1, line(1, "b"));
        let all: Vec<_> = std::iter::from_fn(|| order.pop()).collect();
        assert_eq!(texts(all), ["a", "b", "c"]);
    }

    #[test]
    fn a_late_line_still_gets_its_place() {
        let mut order = Order::default();
        order.push(0, line(5, "second"));
        assert!(order.tick().is_empty());
        order.push(1, line(4, "first"));
        order.push(0, line(9, "third"));
        assert_eq!(texts(order.tick()), ["first", "second"]);
        assert_eq!(texts(order.tick()), ["third"]);
        assert!(order.is_empty());
    }
}
