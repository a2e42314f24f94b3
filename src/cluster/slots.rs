//! Hash slots.

use std::fmt;

/// The number of hash slots of every Redis Cluster (CRC16 of the key modulo this).
pub const SLOTS: u16 = 16384;

/// Both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRange {
    pub first: u16,
    /// Not less than `first`.
    pub last: u16,
}

impl SlotRange {
    pub fn single(slot: u16) -> Self {
        Self { first: slot, last: slot }
    }

    pub fn slots(&self) -> std::ops::RangeInclusive<u16> {
        self.first..=self.last
    }

    pub fn size(self) -> u16 {
        self.last - self.first + 1
    }
}

impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a slot or a range of slots")]
pub struct BadSlots(pub String);

impl std::str::FromStr for SlotRange {
    type Err = BadSlots;

    /// `7` or `0-5460`, as in CLUSTER NODES.
    fn from_str(text: &str) -> Result<Self, BadSlots> {
        let bad = || BadSlots(text.to_owned());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first: u16 = first.parse().map_err(|_| bad())?;
        let last: u16 = last.parse().map_err(|_| bad())?;
        if first <= last && last < SLOTS { Ok(Self { first, last }) } else { Err(bad()) }
    }
}

/// Sorted ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotSet(Vec<SlotRange>);

impl SlotSet {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> u16 {
        self.0.iter().map(|range| range.size()).sum()
    }

    pub fn ranges(&self) -> &[SlotRange] {
        &self.0
    }

    pub fn complement(&self) -> Self {
        let mut gaps = Vec::new();
        let mut next = 0;
        for range in &self.0 {
            if range.first > next {
                gaps.push(SlotRange { first: next, last: range.first - 1 });
            }
            next = range.last + 1;
        }
        if next < SLOTS {
            gaps.push(SlotRange { first: next, last: SLOTS - 1 });
        }
        Self(gaps)
    }

    pub fn intersection(&self, other: &Self) -> Self {
        self.0
            .iter()
            .flat_map(|a| other.0.iter().map(move |b| (a.first.max(b.first), a.last.min(b.last))))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| SlotRange { first, last })
            .collect()
    }
}

impl FromIterator<SlotRange> for SlotSet {
    fn from_iter<I: IntoIterator<Item = SlotRange>>(ranges: I) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<SlotRange> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            write!(f, "{}{range}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// How many ranges are shown in short; every third slot may be another master's.
const FEW: usize = 4;

/// The first ranges of a set and how many more there are: `0,3,6,9 + 5457 more`.
pub struct Brief<'a>(pub &'a SlotSet);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0.len().checked_sub(FEW) {
            Some(more) if more > 0 => write!(f, "{} + {more} more", SlotSet(self.0.0[..FEW].to_vec())),
            _ => self.0.fmt(f),
        }
    }
}

/// All slots as `shards` ranges whose sizes differ by at most one, larger ones first apart from
/// rounding: the split that `redis-cli --cluster create` makes.
///
/// `shards` must be between 1 and [`SLOTS`].
pub fn split(shards: u16) -> Vec<SlotRange> {
    let edge = |shard: u16| -> u16 {
        let slots = u32::from(SLOTS) * u32::from(shard);
        u16::try_from((slots + u32::from(shards) / 2) / u32::from(shards)).unwrap_or(SLOTS)
    };
    (0..shards).map(|shard| SlotRange { first: edge(shard), last: edge(shard + 1) - 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> SlotSet {
        text.split_whitespace().map(|range| range.parse::<SlotRange>().expect("a range")).collect()
    }

    #[test]
    fn three_shards_get_the_slots_that_the_original_gave_them() {
        let ranges: Vec<_> = split(3).iter().map(SlotRange::to_string).collect();
        assert_eq!(ranges, ["0-5460", "5461-10922", "10923-16383"]);
    }

    #[test]
    fn every_split_covers_everything_once_and_evenly() {
        for shards in 1..=1000 {
            let ranges = split(shards);
            let lengths: Vec<_> = ranges.iter().map(|range| range.size()).collect();
            let all: SlotSet = ranges.iter().copied().collect();
            assert_eq!(ranges.len(), usize::from(shards));
            assert_eq!(lengths.iter().map(|len| u32::from(*len)).sum::<u32>(), u32::from(SLOTS));
            assert!(all.complement().is_empty());
            assert!(lengths.iter().max() <= lengths.iter().min().map(|min| min + 1).as_ref());
        }
    }

    #[test]
    fn runs_merge_when_they_touch() {
        assert_eq!(set("5 0-4 10-20 15-30 32").to_string(), "0-5,10-30,32");
        assert_eq!(set("0-16383").len(), SLOTS);
    }

    #[test]
    fn in_short_only_the_first_ranges_are_shown() {
        let set: SlotSet = (0..SLOTS).step_by(3).map(SlotRange::single).collect();
        assert_eq!(Brief(&set).to_string(), "0,3,6,9 + 5458 more");
        let few: SlotSet = [0, 3, 6, 9].map(SlotRange::single).into_iter().collect();
        assert_eq!(Brief(&few).to_string(), "0,3,6,9");
    }

    #[test]
    fn complement_and_intersection() {
        assert_eq!(set("1-2 16383").complement().to_string(), "0,3-16382");
        assert_eq!(set("").complement().to_string(), "0-16383");
        assert_eq!(set("0-10 20-30").intersection(&set("5-25")).to_string(), "5-10,20-25");
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for text in ["", "-1", "16384", "5-4", "a-b", "1-", "[93-<-abc]"] {
            assert!(text.parse::<SlotRange>().is_err(), "{text}");
        }
    }
}
