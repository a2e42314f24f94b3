//! Whether the way in which Services are forwarded suits Redis Cluster.

use super::evidence::WorkerReport;
use super::measure::Measurement;

/// The cluster that is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHand {
    /// None: judged for one whose nodes learn addresses from connections, as the original
    /// example's.
    Nothing,
    /// Its nodes announce their addresses (Redis 4 and newer): sources do not matter.
    Announces,
    /// Its nodes learn each other's addresses from connections.
    Learns,
    /// Some node does not say whether it announces its address.
    Unclear,
}

impl AtHand {
    /// By what each node says of its announced address; none for one that did not say.
    pub fn of(announced: &[Option<bool>]) -> Self {
        if announced.contains(&Some(false)) {
            Self::Learns
        } else if announced.is_empty() || announced.contains(&None) {
            Self::Unclear
        } else {
            Self::Announces
        }
    }
}

/// The judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suitability {
    /// Sources are kept.
    Suits,
    /// Sources are rewritten, or may be, and the cluster does not care.
    Harmless,
    /// Sources are rewritten, and nodes would take each other for the worker.
    Fails,
    /// Too little is known.
    Unknown,
}

impl Suitability {
    /// The word for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suits => "suits",
            Self::Harmless => "harmless",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of the sources of all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// They are kept everywhere.
    Kept,
    /// They are rewritten somewhere.
    Rewritten,
    /// It is not known of some worker.
    Unknown,
}

/// What was measured comes first; of a worker from which nothing could be measured, its
/// mode must tell. It is the connecting pod's worker that forwards.
pub fn sources(workers: &[WorkerReport], measured: &[Measurement]) -> Sources {
    if measured.iter().any(|each| each.is_kept() == Some(false)) {
        return Sources::Rewritten;
    }
    let of_worker = |worker: &WorkerReport| {
        let from = |each: &&Measurement| each.from.worker == worker.worker && each.is_kept().is_some();
        if measured.iter().any(|each| from(&each)) { Some(true) } else { worker.suits }
    };
    let known: Vec<Option<bool>> = workers.iter().map(of_worker).collect();
    if known.contains(&Some(false)) {
        Sources::Rewritten
    } else if known.is_empty() || known.contains(&None) {
        Sources::Unknown
    } else {
        Sources::Kept
    }
}

/// The judgement for what is at hand.
pub fn suitability(at_hand: AtHand, sources: Sources) -> Suitability {
    match (at_hand, sources) {
        (_, Sources::Kept) => Suitability::Suits,
        (AtHand::Announces, _) => Suitability::Harmless,
        (AtHand::Nothing | AtHand::Learns, Sources::Rewritten) => Suitability::Fails,
        (AtHand::Unclear, _) | (_, Sources::Unknown) => Suitability::Unknown,
    }
}

/// The judgement as a sentence, and what to do next where there is something to do.
pub fn sentence(at_hand: AtHand, sources: Sources) -> (&'static str, Option<&'static str>) {
    match (at_hand, sources) {
        (_, Sources::Kept) => ("source addresses are kept: this suits every Redis Cluster", None),
        (AtHand::Announces, Sources::Rewritten) => {
            ("source addresses are rewritten, which is harmless here: the nodes announce their addresses", None)
        }
        (AtHand::Announces, Sources::Unknown) => (
            "source addresses may be rewritten, which would be harmless here: the nodes announce their addresses",
            None,
        ),
        (AtHand::Nothing, Sources::Rewritten) => (
            "source addresses are rewritten: nodes that learn addresses from connections (Redis 3, the original example) would take each other for the workers",
            Some(
                "a cluster of Redis 4 or newer that announces its addresses does not care: kubectl redis-cluster create NAME; on GKE the mode can be set: kubectl redis-cluster set-gke-proxy-mode iptables",
            ),
        ),
        (AtHand::Learns, Sources::Rewritten) => (
            "source addresses are rewritten, and the nodes do not announce theirs: they take each other for the workers",
            Some(
                "make it with Redis 4 or newer, or on GKE set the mode: kubectl redis-cluster set-gke-proxy-mode iptables",
            ),
        ),
        (AtHand::Unclear, Sources::Rewritten) => (
            "source addresses are rewritten, and some node does not say whether it announces its own",
            Some("see why the nodes do not answer: kubectl redis-cluster info"),
        ),
        (_, Sources::Unknown) => (
            "it is not known of every worker whether source addresses are kept",
            Some("measure it: kubectl redis-cluster check-proxy-mode --probe"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::forwarder::Forwarder;
    use super::super::measure::PodLocation;
    use super::*;

    fn worker(name: &str, suits: Option<bool>) -> WorkerReport {
        WorkerReport { worker: name.into(), forwarder: Forwarder::Unknown, mode: None, evidence: vec![], suits }
    }

    fn measured(from: &str, seen: Result<&str, &str>) -> Measurement {
        let place = |worker: &str| PodLocation { pod: "p".into(), worker: worker.into() };
        let seen = seen.map(str::to_owned).map_err(str::to_owned);
        Measurement { from: place(from), to: place("b"), expected: "1".into(), seen }
    }

    #[test]
    fn the_table() {
        use AtHand::*;
        let row =
            |at_hand| [Sources::Kept, Sources::Rewritten, Sources::Unknown].map(|known| suitability(at_hand, known));
        assert_eq!(row(Nothing), [Suitability::Suits, Suitability::Fails, Suitability::Unknown]);
        assert_eq!(row(Announces), [Suitability::Suits, Suitability::Harmless, Suitability::Harmless]);
        assert_eq!(row(Learns), [Suitability::Suits, Suitability::Fails, Suitability::Unknown]);
        assert_eq!(row(Unclear), [Suitability::Suits, Suitability::Unknown, Suitability::Unknown]);
    }

    #[test]
    fn one_node_that_learns_is_enough() {
        assert_eq!(AtHand::of(&[Some(true), Some(true)]), AtHand::Announces);
        assert_eq!(AtHand::of(&[Some(true), None, Some(false)]), AtHand::Learns);
        assert_eq!(AtHand::of(&[Some(true), None]), AtHand::Unclear);
        assert_eq!(AtHand::of(&[]), AtHand::Unclear);
    }

    #[test]
    fn what_is_measured_beats_what_is_believed() {
        let workers = [worker("a", None), worker("b", Some(true))];
        assert_eq!(sources(&workers, &[]), Sources::Unknown);
        assert_eq!(sources(&workers, &[measured("a", Ok("1"))]), Sources::Kept);
        assert_eq!(sources(&workers, &[measured("a", Err("no shell"))]), Sources::Unknown);
        assert_eq!(sources(&workers, &[measured("b", Ok("2"))]), Sources::Rewritten);
        assert_eq!(sources(&[worker("a", Some(false)), worker("b", None)], &[]), Sources::Rewritten);
        assert_eq!(sources(&[], &[]), Sources::Unknown);
    }
}
