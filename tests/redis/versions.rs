//! The same on every server that can be had: it starts, fails over, returns, and hands over.
//! With `TEST_REDIS=8.0` all tests of this tier run on that one.
//!
//! Redis 4.0 is not among them: no package registry has it.

use super::guard::{failed_over, formed, is_handed_over, is_whole, is_whole_under_102};
use super::server::Server;
use super::servers::{Cluster, Shell};

/// By the names that `fetch-server` knows.
const SERVERS: [&str; 8] = ["3.0", "3.2", "5.0", "6.0", "6.2", "8.0", "valkey-8.1", "valkey-9.1"];

fn lives_through_the_loss_of_a_master(name: &str, network: u8) {
    let mut cluster = formed(Cluster::on(Server::of(name), network), Shell::Dash);
    failed_over(&mut cluster, &[102, 201, 202, 301, 302]);
    cluster.start(101, Shell::Busybox);
    is_whole_under_102(&cluster);
    let said = cluster.leave(102, Shell::Busybox);
    assert!(is_handed_over(&said), "{said}");
    cluster.kill(&[102]);
    cluster.start(102, Shell::Dash);
    is_whole(&cluster);
    assert_eq!((cluster.role(101), cluster.role(102)), ("master".into(), "slave".into()));
}

#[test]
fn redis_3_0() {
    lives_through_the_loss_of_a_master("3.0", 180);
}

#[test]
fn redis_3_2() {
    lives_through_the_loss_of_a_master("3.2", 181);
}

#[test]
fn redis_5_0() {
    lives_through_the_loss_of_a_master("5.0", 182);
}

#[test]
fn redis_6_0() {
    lives_through_the_loss_of_a_master("6.0", 183);
}

#[test]
fn redis_6_2() {
    lives_through_the_loss_of_a_master("6.2", 184);
}

#[test]
fn redis_8_0() {
    lives_through_the_loss_of_a_master("8.0", 185);
}

#[test]
fn valkey_8_1() {
    lives_through_the_loss_of_a_master("valkey-8.1", 186);
}

#[test]
fn valkey_9_1() {
    lives_through_the_loss_of_a_master("valkey-9.1", 187);
}

#[test]
fn every_server_that_can_be_had_has_a_test() {
    assert_eq!(Server::names(), SERVERS);
    for name in SERVERS {
        let test = name.replace(['-', '.'], "_");
        let test = if test.starts_with("valkey") { test } else { format!("redis_{test}") };
        assert!(include_str!("versions.rs").contains(&format!("fn {test}()")), "no test {test}");
    }
}

/// What is left out on a server is a test that there is, of a server that there is.
#[test]
fn every_exception_is_a_test_of_this_tier() {
    let sources = [include_str!("main.rs"), include_str!("damaged.rs"), include_str!("guard.rs")].concat();
    for line in include_str!("exceptions").lines().filter(|line| !line.starts_with('#')) {
        let [versions, test, why] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let name = test.rsplit("::").next().unwrap_or_default();
        assert!(sources.contains(&format!("fn {name}()")), "{test} is no test");
        assert!(versions.split(',').all(|version| SERVERS.contains(&version)), "{versions}");
        assert!(!why.is_empty(), "{line}");
    }
}
