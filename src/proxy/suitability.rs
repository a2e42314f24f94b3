//! Whether the way that Services are forwarded suits Redis Cluster.

use super::evidence::WorkerReport;
use super::measure::Measurement;
use crate::cluster::commands::{Caller, ClusterRef};

/// The cluster that the verdict is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHand {
    /// No cluster: the verdict is for nodes that learn addresses from connections, as in the original
    /// example.
    Nothing,
    /// Its nodes announce their addresses (Redis 4 and newer): source IPs do not matter.
    Announces,
    /// At least one node learns addresses from connections.
    Learns,
    /// Unknown for some node.
    Unclear,
}

impl AtHand {
    /// Whether each node announces its address; none if unknown.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suitability {
    Suits,
    /// Source IPs are or may be rewritten, which does not affect the cluster.
    Harmless,
    /// Source IPs are rewritten, and nodes would mistake each other for the workers.
    Fails,
    Unknown,
}

impl Suitability {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suits => "suits",
            Self::Harmless => "harmless",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether source IPs are preserved, over all workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    Kept,
    /// On at least one worker.
    Rewritten,
    /// On at least one worker.
    Unknown,
}

/// Measurements override modes; for a worker without measurements, its mode decides. The worker
/// of the connecting pod forwards.
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

pub fn suitability(at_hand: AtHand, sources: Sources) -> Suitability {
    match (at_hand, sources) {
        (_, Sources::Kept) => Suitability::Suits,
        (AtHand::Announces, _) => Suitability::Harmless,
        (AtHand::Nothing | AtHand::Learns, Sources::Rewritten) => Suitability::Fails,
        (AtHand::Unclear, _) | (_, Sources::Unknown) => Suitability::Unknown,
    }
}

/// The verdict as a sentence, and a hint if there is something to do. `cluster` is the one at hand.
pub fn sentence(
    at_hand: AtHand,
    sources: Sources,
    caller: &Caller,
    cluster: Option<&ClusterRef>,
) -> (&'static str, Option<String>) {
    let command = |verb: &str| cluster.map_or_else(|| caller.plugin(verb), |cluster| caller.plugin_on(verb, cluster));
    let set = || format!("set the mode: {}", caller.plugin("set-gke-proxy-mode iptables"));
    match (at_hand, sources) {
        (_, Sources::Kept) => ("source IPs are preserved: this suits every Redis Cluster", None),
        (AtHand::Announces, Sources::Rewritten) => {
            ("source IPs are rewritten, which is harmless here: the nodes announce their addresses", None)
        }
        (AtHand::Announces, Sources::Unknown) => {
            ("source IPs may be rewritten, which would be harmless here: the nodes announce their addresses", None)
        }
        (AtHand::Nothing, Sources::Rewritten) => (
            "source IPs are rewritten: nodes that learn addresses from connections (Redis 3, the original example) would mistake each other for the workers",
            Some(format!(
                "nodes of Redis 4 or newer announce their addresses and are not affected: {}; on GKE, {}",
                caller.plugin("create NAME"),
                set()
            )),
        ),
        (AtHand::Learns, Sources::Rewritten) => (
            "source IPs are rewritten, and the nodes do not announce their addresses: they mistake each other for the workers",
            Some(format!("recreate the cluster with Redis 4 or newer, or on GKE {}", set())),
        ),
        (AtHand::Unclear, Sources::Rewritten) => (
            "source IPs are rewritten, and at least one node does not report whether it announces its address",
            Some(format!("to see why nodes do not respond, run: {}", command("info"))),
        ),
        (_, Sources::Unknown) => (
            "it is unknown for some workers whether source IPs are preserved",
            Some(format!("to measure it, run: {}", command("check-proxy-mode --probe"))),
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
    fn measurements_override_modes() {
        let workers = [worker("a", None), worker("b", Some(true))];
        assert_eq!(sources(&workers, &[]), Sources::Unknown);
        assert_eq!(sources(&workers, &[measured("a", Ok("1"))]), Sources::Kept);
        assert_eq!(sources(&workers, &[measured("a", Err("no shell"))]), Sources::Unknown);
        assert_eq!(sources(&workers, &[measured("b", Ok("2"))]), Sources::Rewritten);
        assert_eq!(sources(&[worker("a", Some(false)), worker("b", None)], &[]), Sources::Rewritten);
        assert_eq!(sources(&[], &[]), Sources::Unknown);
    }
}
