//! Clusters whose nodes have IPv6 addresses only.
//!
//! `127.0.0.0/8` is there on every machine, of `::1` there is one: these tests run once more in a
//! network of their own, which has addresses of 2001:db8::/32, the range for documentation.
//!
//! A node can announce an address since Redis 4.0 (`cluster-announce-ip`), and every server that
//! can announce one can announce an IPv6 address: it is a text. Peers of Redis 3.0 and 3.2 hear it from
//! the bus.

use super::guard::{failed_over, formed, is_handed_over, is_whole, is_whole_under_102};
use super::server::Server;
use super::servers::{Cluster, Shell, until};
use kubectl_redis_cluster::cluster::health::Hints;
use kubectl_redis_cluster::ops::questions::Scope;
use kubectl_redis_cluster::proxy::measure::source_of;
use std::net::{Ipv6Addr, TcpListener};
use std::process::Command;

const ALL: [u32; 6] = [101, 102, 201, 202, 301, 302];

/// Only loopback, with these addresses: the rest of the arguments is the command.
const NETWORK: &str = "busybox ip link set lo up
    for address in $1; do busybox ip addr add \"$address/128\" dev lo; done
    shift
    exec \"$@\"";

/// Runs the test's body where the addresses of its cluster are: the test again, in a network that
/// has them.
fn with_addresses(cluster: Cluster, test: &str, body: impl FnOnce(Cluster)) {
    let addresses = ALL.map(|number| cluster.address(number));
    if TcpListener::bind((addresses[0].as_str(), 0)).is_ok() {
        return body(cluster);
    }
    let is_root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    let mut again = Command::new("unshare");
    again.args((!is_root).then_some("--map-root-user"));
    again.args(["--net", "sh", "-euc", NETWORK, "sh", &addresses.join(" ")]);
    again.arg(std::env::current_exe().expect("this program")).args(["--exact", test, "--nocapture"]);
    let output = again.output().expect("unshare runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    // A test of another name would be none that fails.
    let ran = output.status.success() && said.contains("1 passed");
    assert!(ran, "in a network of its own, which only root can make everywhere:\n{said}");
}

fn nothing_is_found(cluster: &Cluster) {
    until(30, "nothing to be found", || cluster.codes(Scope::All).is_empty());
}

fn lives_through_the_loss_of_a_master(cluster: Cluster) {
    let mut cluster = formed(cluster, Shell::Dash);
    failed_over(&mut cluster, &ALL[1..]);
    cluster.start(101, Shell::Busybox);
    is_whole_under_102(&cluster);
    let said = cluster.leave(102, Shell::Busybox);
    assert!(is_handed_over(&said), "{said}");
    cluster.kill_all();
    cluster.start_all(Shell::Dash);
    is_whole(&cluster);
    nothing_is_found(&cluster);
}

/// All pods are deleted at once, and later a master alone.
#[test]
fn a_cluster_with_ipv6_addresses_keeps_its_keys() {
    let cluster = Cluster::new(220, Some("p\"a s\\")).over_ipv6();
    with_addresses(cluster, "ipv6::a_cluster_with_ipv6_addresses_keeps_its_keys", |cluster| {
        let mut cluster = formed(cluster, Shell::Busybox);
        nothing_is_found(&cluster);
        for node in cluster.topology().nodes() {
            let host = node.endpoint.as_ref().expect("an address").host.clone();
            assert!(host.parse::<Ipv6Addr>().is_ok(), "{host}");
        }
        cluster.kill_all();
        cluster.start_all(Shell::Busybox);
        is_whole(&cluster);
        for what in ["alive", "ready"] {
            until(10, "the probe to succeed", || cluster.probe(what, 101, Shell::Busybox));
        }
        nothing_is_found(&cluster);

        // Its volume is lost: it has to ask the others, and says meanwhile who it is.
        cluster.kill(&[101]);
        cluster.wipe(101);
        cluster.start(101, Shell::Dash);
        cluster.wait_log(101, "joining as a replica of node 102");
        is_whole_under_102(&cluster);
        nothing_is_found(&cluster);
    });
}

#[test]
fn hints_for_a_cluster_with_ipv6_addresses_mend() {
    let cluster = Cluster::new(221, Some("p\"a s\\")).over_ipv6();
    with_addresses(cluster, "ipv6::hints_for_a_cluster_with_ipv6_addresses_mend", |mut cluster| {
        cluster.start_all(Shell::Dash);
        cluster.wait_ok();
        let snapshot = cluster.snapshot(Scope::Nodes);
        let ping = Hints { snapshot: &snapshot }.redis_cluster("call", "ping");
        assert_eq!(cluster.paste(&snapshot, &ping).said.matches("PONG").count(), 6);

        let password = cluster.password().map(str::to_owned);
        let id = cluster.cli(302, &["CLUSTER", "MYID"], password.as_deref());
        assert_eq!(cluster.cli(201, &["CLUSTER", "FORGET", &id], password.as_deref()), "OK");
        until(20, "the views to disagree", || cluster.codes(Scope::All).contains("views-disagree"));
        let followed = cluster.follow("views-disagree");
        let met = format!("cluster meet {} 6379", cluster.address(302));
        assert!(followed.asked.iter().any(|words| words.ends_with(&met)), "{followed:?}");
        nothing_is_found(&cluster);

        let list = cluster.feed(101, "CLIENT SETNAME mine\nCLIENT LIST\n");
        let source = source_of(&list, "mine").expect("the own line");
        assert!(source.parse::<Ipv6Addr>().is_ok(), "{list}");
    });
}

/// The oldest server has no `cluster-announce-ip`, and no bus port in its CLUSTER NODES.
#[test]
fn redis_3_0_over_ipv6() {
    let cluster = Cluster::on(Server::of("3.0"), 222).over_ipv6();
    with_addresses(cluster, "ipv6::redis_3_0_over_ipv6", lives_through_the_loss_of_a_master);
}

/// The newest has a shard ID behind the address.
#[test]
fn valkey_9_1_over_ipv6() {
    let cluster = Cluster::on(Server::of("valkey-9.1"), 223).over_ipv6();
    with_addresses(cluster, "ipv6::valkey_9_1_over_ipv6", lives_through_the_loss_of_a_master);
}
