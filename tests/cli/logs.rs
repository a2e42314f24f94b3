//! Logs whose streams break or hang: no line is lost, none comes twice, and the others go on.

use super::world::{End, World};
use std::time::Duration;

const ONE: &str = "2026-01-01T00:00:01.1Z a1\n2026-01-01T00:00:01.1Z a2\n2026-01-01T00:00:03Z a3\n";
const TWO: &str = "2026-01-01T00:00:02Z b1\n2026-01-01T00:00:04Z b2\n";
const ALL: &str = "[redis-001-node-101] a1\n[redis-001-node-101] a2\n[redis-001-node-102] b1\n\
                   [redis-001-node-101] a3\n[redis-001-node-102] b2\n";

async fn world() -> World {
    let world = World::with_cluster().await;
    world.log("redis-001-node-101-0", ONE);
    world.log("redis-001-node-102-0", TWO);
    world
}

/// Without the roles.
fn plain(said: &str) -> String {
    said.replace(" master]", "]").replace(" replica]", "]")
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_or_hangs_is_opened_anew() {
    for end in [End::Breaks, End::Hangs] {
        for lines in 0..3 {
            let world = world().await;
            world.log_ends("redis-001-node-101-0", [(lines, end), (2, end)]);
            assert_eq!(plain(&world.run("logs redis-001 --shard 1").await), ALL, "{end:?} after {lines}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_again_and_again_is_told_and_the_others_go_on() {
    for (end, why) in [(End::Breaks, "the connection was reset"), (End::Hangs, "nothing came for 30s")] {
        let world = world().await;
        world.log_ends("redis-001-node-101-0", [(2, end); 9]);
        let said = plain(&world.run("logs redis-001 --shard 1").await);
        let rest: String = ALL.lines().filter(|line| !line.ends_with("a3")).map(|line| format!("{line}\n")).collect();
        let note = "note: the log of redis-001-node-101-0 breaks off here: its stream was cut off: ";
        assert!(said.starts_with(&format!("{rest}------- stderr\n{note}")) && said.contains(why), "{said}");
    }
}

/// The followed stream hangs as well, before its last line.
#[tokio::test(start_paused = true)]
async fn following_loses_and_repeats_nothing_where_streams_break_or_hang() {
    for end in [End::Breaks, End::Hangs] {
        let world = world().await;
        world.log_ends("redis-001-node-101-0", [(1, end), (2, end), (2, end), (2, end), (2, end)]);
        let line = "logs redis-001 --shard 1 -f";
        let said = plain(&world.run_until(line, "a3", Duration::from_secs(600)).await);
        let mut lines: Vec<&str> = said.lines().take_while(|line| !line.starts_with('-')).collect();
        let mut all: Vec<&str> = ALL.lines().collect();
        assert_eq!(lines.pop(), Some("[redis-001-node-101] a3"), "{said}");
        all.retain(|line| !line.ends_with("a3"));
        lines.sort_unstable();
        all.sort_unstable();
        assert_eq!(lines, all, "{end:?}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_opened_costs_a_deadline_and_is_told_once() {
    let world = world().await;
    world.hang("get pods/log redis-001-node-101-0");
    let said = plain(&world.run_until("logs redis-001 --shard 1 -f", "never", Duration::from_secs(300)).await);
    assert!(said.starts_with("[redis-001-node-102] b1\n[redis-001-node-102] b2\n"), "{said}");
    let late = "timed out after 30s waiting for the API server at test: a pod's log\n";
    assert_eq!(said.matches(&format!("note: no logs from redis-001-node-101-0 yet: {late}")).count(), 1, "{said}");
    assert_eq!(
        said.matches(&format!("note: no new lines from redis-001-node-101-0 for now: {late}")).count(),
        1,
        "{said}"
    );
}
