//! Which replicas could be elected when their master fails.

use super::node::{Flags, Role};
use super::reply::NodeLine;
use super::snapshot::View;

/// Why a replica would not be elected, by the server's own rule (`clusterHandleSlaveFailover`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// `cluster-replica-no-failover yes`.
    Disabled,
    /// Its link has been down for longer than `cluster-replica-validity-factor` allows, in seconds.
    Stale { allowed: u64 },
}

impl Obstacle {
    /// `view` is its own; without it, only what the others say is known.
    pub fn of(line: &NodeLine, view: Option<&View>) -> Option<Self> {
        if line.role == Role::Master {
            return None;
        }
        let disabled = line.flags.iter().any(|flag| flag == Flags::NO_FAILOVER);
        if disabled { Some(Self::Disabled) } else { view.and_then(stale) }
    }
}

/// Seconds between two pings of a master to its replicas, which the rule adds: the server's default.
const PING: u64 = 10;

fn stale(view: &View) -> Option<Obstacle> {
    let number = |names: &[&str]| view.setting(names)?.parse::<u64>().ok();
    let factor = number(&["cluster-replica-validity-factor", "cluster-slave-validity-factor"])?;
    let timeout = number(&["cluster-node-timeout"])? / 1000;
    let is_down = view.server.link_up == Some(false);
    let allowed = PING + timeout * (factor + 1);
    // A link that was never up has no number.
    let is_stale = view.server.link_down_seconds.is_none_or(|seconds| seconds > allowed);
    // 0 is no limit.
    (is_down && is_stale && factor > 0).then_some(Obstacle::Stale { allowed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::reply::{KnownLines, ServerInfo};
    use crate::cluster::surroundings::Lookup;

    const LINE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 10.0.0.1:6379@16379 myself,slave bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0 0 1 connected";

    fn obstacle(line: &str, info: &str, factor: &str) -> Option<Obstacle> {
        let state = "cluster_state:ok\ncluster_slots_assigned:0\ncluster_slots_ok:0\ncluster_slots_pfail:0\n\
                     cluster_slots_fail:0\ncluster_current_epoch:1\n";
        let mut view = View::parse(&mut KnownLines::default(), line, state, "").expect("a view");
        view.server = ServerInfo::parse(&format!("role:slave\nmaster_link_status:{info}"));
        let settings = [("cluster-node-timeout", "5000"), ("cluster-slave-validity-factor", factor)];
        view.settings = Lookup::Seen(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let line = view.myself().expect("itself").clone();
        Obstacle::of(&line, Some(&view))
    }

    #[test]
    fn a_replica_in_sync_can_be_elected() {
        assert_eq!(obstacle(LINE, "up", "10"), None);
    }

    #[test]
    fn a_replica_that_never_takes_over_cannot() {
        let line = LINE.replace("slave", "slave,nofailover");
        assert_eq!(obstacle(&line, "up", "10"), Some(Obstacle::Disabled));
    }

    #[test]
    fn a_link_may_be_down_for_a_while() {
        let down = |seconds: &str| obstacle(LINE, &format!("down\nmaster_link_down_since_seconds:{seconds}"), "10");
        assert_eq!(down("65"), None);
        assert_eq!(down("66"), Some(Obstacle::Stale { allowed: 65 }));
        // Redis 7.0 for a link that was never up.
        assert_eq!(down("-1"), Some(Obstacle::Stale { allowed: 65 }));
    }

    #[test]
    fn without_a_validity_factor_data_may_be_as_old_as_it_likes() {
        assert_eq!(obstacle(LINE, "down\nmaster_link_down_since_seconds:9999", "0"), None);
    }
}
