//! The same on every server that can be had: it starts, fails over, returns, and hands over.
//! With `TEST_REDIS=8.0` all tests of this tier run on that one.
//!
//! Redis 4.0 is not among them: no package registry has it.

use super::guard::{failed_over, formed, is_handed_over, is_whole, is_whole_under_102};
use super::server::Server;
use super::servers::{Cluster, Shell, until};
use kubectl_redis_cluster::cluster::hopeless::is_final;
use kubectl_redis_cluster::k8s::last_lines::telling;
use kubectl_redis_cluster::manifest::settings::{Owner, owner};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

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

/// The names of all settings that a server has.
fn settings(server: &Server, network: u8) -> BTreeSet<String> {
    let (address, folder) = (format!("127.0.{network}.1"), tempfile::tempdir().expect("a folder"));
    let mut process = Command::new(server.program("redis-server"));
    process.args(["--bind", &address, "--port", "6379", "--save", "", "--cluster-enabled", "yes"]);
    let started = process.current_dir(folder.path()).stdout(Stdio::null()).spawn();
    let mut started = started.expect("redis-server runs");
    let mut said = String::new();
    until(20, "the server to answer", || {
        let cli = Command::new("redis-cli").args(["-h", &address, "CONFIG", "GET", "*"]).output();
        said = String::from_utf8_lossy(&cli.expect("redis-cli runs").stdout).into_owned();
        said.contains("maxmemory\n")
    });
    started.kill().expect("it runs");
    started.wait().expect("it ends");
    said.lines().step_by(2).map(str::to_owned).collect()
}

/// A new server's new setting shows up here: decide whether the design owns it.
#[test]
fn every_setting_of_every_server_has_an_owner() {
    let others = SERVERS.iter().map(|name| Server::of(name));
    let servers = others.chain([Server::chosen().clone()]).collect::<Vec<_>>();
    for (server, network) in servers.iter().zip(190..) {
        let names = settings(server, network);
        assert!(names.len() > 60 && names.contains("hz"), "{names:?}");
        let undecided: Vec<&String> = names.iter().filter(|name| owner(name) == Owner::Unknown).collect();
        assert!(undecided.is_empty(), "{undecided:?}");
    }
}

/// What each prints of a setting that it does not know is recognized as final.
#[test]
fn every_server_says_that_it_does_not_know_a_setting() {
    let others = SERVERS.iter().map(|name| Server::of(name));
    for server in others.chain([Server::chosen().clone()]) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("redis.conf"), "port 0\nunixsocket s\nfoo bar\n").expect("written");
        let ended = Command::new(server.program("redis-server")).arg("redis.conf").current_dir(folder.path()).output();
        let ended = ended.expect("redis-server runs");
        let said = [ended.stdout, ended.stderr].concat();
        let told = telling(&String::from_utf8_lossy(&said)).expect("last lines");
        assert!(is_final(&told) && told.contains("foo bar"), "{told}");
    }
}

/// What the pods' redis.conf is made of, on top of which `--config` comes, is the design's.
#[test]
fn what_the_scripts_write_is_no_users() {
    let script = include_str!("../../src/manifest/bootstrap.sh");
    let written = script.lines().filter_map(|line| line.split_once("echo \"")?.1.split([' ', '"']).next());
    let settings: Vec<&str> =
        written.filter(|name| name.contains('-') || ["dir", "masteruser"].contains(name)).collect();
    assert!(settings.contains(&"cluster-announce-ip") && settings.contains(&"masteruser"), "{settings:?}");
    for name in settings {
        assert!(matches!(owner(name), Owner::Design(_)), "{name}");
    }
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
