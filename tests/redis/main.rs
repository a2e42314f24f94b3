//! The start-up script, run for real, with real redis-server processes on loopback.
//!
//! Every test has loopback addresses of its own (127.0.N.x), since each node of a
//! cluster listens on the same port.

#![expect(clippy::print_stderr, reason = "a failed test shows what its nodes printed")]

mod announced;
mod bare;
mod damaged;
mod faults;
mod guard;
mod hints;
mod identity;
mod ipv6;
mod limits;
mod membership;
mod oracle;
mod probes;
mod relay;
mod server;
mod servers;
mod service;
mod tls;
mod versions;

use kubectl_redis_cluster::cluster::topology::State;
use kubectl_redis_cluster::manifest::config::scripts_version;
use kubectl_redis_cluster::manifest::password;
use kubectl_redis_cluster::manifest::spec::{Entrypoint, Image};
use server::Server;
use servers::{Cluster, Shell, until};

/// All that redis.conf, a shell and redis-cli read as something else, and blanks at both ends.
const AWKWARD: &str = " p\"a\\s' $w #%s$(x)`*\u{e9}\t\\ ";

fn image(name: &str) -> Image {
    Image { name: name.into(), pull_secret: None, entrypoint: Entrypoint::Bootstrap }
}

#[test]
fn nodes_form_a_cluster_in_any_order_with_an_awkward_password() {
    let password = Server::chosen().password(AWKWARD);
    assert_eq!(password::check(password.as_bytes(), &image("redis:7.0")), Ok(()), "no user may be kept from it");
    let mut cluster = Cluster::new(1, Some(&password));
    for number in [302, 202, 102, 101, 301, 201] {
        cluster.start(number, Shell::Dash);
    }
    cluster.wait_ok();
    let topology = cluster.topology();
    let masters: Vec<_> = topology.shards.iter().map(|shard| shard.master.member.name.clone()).collect();
    assert_eq!(masters, ["101", "201", "301"], "the declared roles");
    assert_eq!(cluster.cli(101, &["PING"], None), "NOAUTH Authentication required.");
    let scripts = topology.nodes().map(|node| node.server.as_ref().and_then(|server| server.scripts.clone()));
    assert!(scripts.into_iter().all(|version| version == Some(scripts_version())), "what started each is seen");
    for (what, number) in [("alive", 101), ("ready", 101), ("ready", 102)] {
        until(10, "the probe to succeed", || cluster.probe(what, number, Shell::Dash));
    }
}

#[test]
fn a_kept_volume_keeps_everything_but_the_addresses() {
    let mut cluster = Cluster::new(2, None);
    cluster.start_all(Shell::Busybox);
    cluster.wait_ok();
    assert_eq!(cluster.cli(101, &["CLUSTER", "KEYSLOT", "a"], None), "15495");
    assert_eq!(cluster.cli(301, &["SET", "a", "1"], None), "OK");
    // A failover first, so that the roles are not the initial ones.
    assert_eq!(cluster.cli(302, &["CLUSTER", "FAILOVER"], None), "OK");
    until(20, "the failover", || cluster.cli(302, &["ROLE"], None).starts_with("master"));
    cluster.wait_ok();
    cluster.stop_all();

    cluster.move_to(3);
    cluster.start_all(Shell::Busybox);
    cluster.wait_ok();
    assert!(cluster.cli(302, &["ROLE"], None).starts_with("master"), "the owner stays the owner");
    assert_eq!(cluster.cli(302, &["GET", "a"], None), "1");
    let nodes = cluster.cli(101, &["CLUSTER", "NODES"], None);
    assert!(!nodes.contains("127.0.2.") && nodes.matches("127.0.3.").count() == 6, "{nodes}");
    for what in ["alive", "ready"] {
        until(10, "the probe to succeed", || cluster.probe(what, 302, Shell::Busybox));
    }
    cluster.stop_all();
    assert!(!cluster.probe("alive", 302, Shell::Busybox), "nobody is there to be alive");
}

#[test]
fn a_volume_of_another_node_is_refused_and_left_as_it_is() {
    let cluster = Cluster::new(4, None);
    cluster.give_volume_of(201, 101);
    let before = cluster.nodes_conf(101);
    let (code, said) = cluster.run(101, Shell::Dash);
    assert_eq!(code, Some(1));
    assert!(said.contains("bootstrap: the volume belongs to another node: its nodes.conf says"), "{said}");
    assert_eq!(cluster.nodes_conf(101), before);
}

#[test]
fn a_service_that_was_missing_when_the_container_was_made_is_waited_for() {
    let mut cluster = Cluster::new(5, None);
    cluster.forget_address_of(302);
    let (code, said) = cluster.run(101, Shell::Busybox);
    assert_eq!(code, Some(1));
    assert!(said.contains("a Service of this cluster was not there yet"), "{said}");
    assert_eq!(cluster.nodes_conf(101), "", "nothing was written");
}

/// Tags lie: the manifest believed that the server could.
#[test]
fn a_server_that_cannot_have_a_bus_port_of_its_own_is_refused() {
    let cluster = Cluster::new(38, None);
    let (code, said) = cluster.run_as_version(101, "6.2.14", Some("17001"));
    assert_eq!(code, Some(1));
    assert!(said.contains("bootstrap: Redis 6.2.14 cannot have a port of its own for its bus"), "{said}");
}

/// The server would let everybody in, or nobody.
#[test]
fn a_password_that_was_asked_for_and_is_none_is_refused() {
    for (network, password, why) in
        [(97, "", "is empty"), (98, "secret\n", "has a line break"), (99, "two\nlines", "has a line break")]
    {
        assert!(password::check(password.as_bytes(), &image("redis:7.0")).is_err(), "{password:?}");
        for shell in [Shell::Dash, Shell::Busybox] {
            let mut cluster = Cluster::new(network, Some(password));
            cluster.start(101, shell);
            cluster.wait_log(101, why);
            assert_eq!(cluster.code(101), Some(1), "{}", cluster.log(101));
            assert_eq!(cluster.nodes_conf(101), "", "nothing was written");
        }
    }
}

/// Its replicas would never link, without a word.
#[test]
fn a_password_that_an_old_server_cannot_send_is_refused() {
    for (network, password) in [(92, "a b"), (93, "a\"b"), (94, "a'b")] {
        let (code, said) = Cluster::new(network, Some(password)).run_as_version(101, "3.2.6", None);
        assert_eq!(code, Some(1));
        assert!(said.contains("replicas of Redis 3.2.6 cannot log in with a password that has blanks"), "{said}");
    }
}

#[test]
fn a_node_that_nobody_answers_stays_apart() {
    let mut cluster = Cluster::new(6, Some("p\"a\\s"));
    cluster.start(102, Shell::Busybox);
    cluster.wait_log(102, "waiting for a majority of shards to answer (1 of 3 do, 2 must)");
    assert!(cluster.probe("alive", 102, Shell::Busybox), "who waits is alive");
    assert!(!cluster.probe("ready", 102, Shell::Busybox), "and not ready");
    assert_eq!(cluster.topology().state, State::Unknown);
    assert!(cluster.at_startup(102, &["GET", "waiting"]).starts_with("holds no data: waiting for a majority"));
    assert!(cluster.at_startup(102, &["GET", "node"]).ends_with("node000102"));
    cluster.start(101, Shell::Dash);
    cluster.wait_log(101, "waiting for a majority");
    cluster.start(201, Shell::Dash);
    cluster.wait_log(201, "waiting for node 202, which may hold this shard's data, to answer");
    cluster.wait_log(102, "starting redis-server");
    // Started together with its master, or when that served already.
    let ways = ["starting as declared", "joining as a replica of node 101"];
    assert!(ways.iter().any(|way| cluster.log(102).contains(way)), "{}", cluster.log(102));
    until(20, "the replica to be ready", || cluster.probe("ready", 102, Shell::Busybox));
    assert_eq!(cluster.role(102), "slave");
}
