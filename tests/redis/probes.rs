//! What probes leave behind in a pod whose first process is the server: it waits for processes of
//! others only while it has one of its own.

use super::servers::{Cluster, Shell, until};
use std::time::Duration;

const SHELLS: [Shell; 2] = [Shell::Dash, Shell::Busybox];
/// Sooner than any probe ends by itself.
const SOON: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

/// 101 is in a container.
fn formed(network: u8, shell: Shell) -> Cluster {
    let mut cluster = Cluster::in_memory(network, Some("p\"a\\s' $w"));
    cluster.start_as_first_process(101, shell);
    for number in [102, 201, 202, 301, 302] {
        cluster.start(number, shell);
    }
    cluster.wait_ok();
    until(20, "it to have no child of its own", || cluster.left(101).is_empty());
    cluster
}

#[test]
fn a_liveness_probe_that_is_killed_leaves_nothing() {
    for (network, shell) in [(170, SHELLS[0]), (171, SHELLS[1])] {
        let cluster = formed(network, shell);
        cluster.freeze(101);
        for _ in 0..10 {
            assert_eq!(cluster.probe_within(SOON, "alive", 101, shell), None, "it hangs");
        }
        assert_eq!(cluster.left(101), [""; 0]);
    }
}

/// Its end and that of redis-cli often come at the same moment.
#[test]
fn probes_that_end_leave_nothing() {
    for (network, shell) in [(172, SHELLS[0]), (173, SHELLS[1])] {
        let cluster = formed(network, shell);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope
                    .spawn(|| (0..60).for_each(|_| assert!(cluster.probe_within(LONG, "ready", 101, shell).is_some())));
            }
        });
        assert_eq!(cluster.left(101), [""; 0], "it answers");
        cluster.freeze(101);
        assert_eq!(cluster.probe_within(LONG, "ready", 101, shell), Some(false), "it ends by itself");
        assert_eq!(cluster.left(101), [""; 0], "it hangs");
    }
}
