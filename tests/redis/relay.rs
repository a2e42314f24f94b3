//! Real nodes asked by the relay's own program, which runs beside them here.

use crate::servers::{Cluster, Shell, until};
use kubectl_redis_cluster::node::connection::{Credentials, Reply};
use kubectl_redis_cluster::node::line::Line;
use kubectl_redis_cluster::node::relay::{Peer, ask, command};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PASSWORD: &str = "p\"a\\s";

fn relayed(peers: &[Peer]) -> Vec<Option<Vec<Reply>>> {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let end = || Stdio::from(OwnedFd::from(theirs.try_clone().expect("a socket")));
    let words = command();
    let mut program = Command::new(&words[0]).args(&words[1..]).stdin(end()).stdout(end()).spawn().expect("sh");
    drop(theirs);
    let talk = async {
        ours.set_nonblocking(true).expect("a socket");
        let stream = Box::new(tokio::net::UnixStream::from_std(ours).expect("a socket"));
        let line = Line::Cli { stream, trouble: Box::pin(async { None }) };
        let credentials = Credentials { user: None, password: Some(PASSWORD.into()) };
        let commands: [&[&str]; 3] =
            [&["CLUSTER", "NODES"], &["INFO", "replication"], &["CONFIG", "GET", "maxmemory*"]];
        ask(line, &credentials, &commands, peers, Duration::from_secs(120)).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answers = runtime.block_on(talk);
    program.wait().expect("an end");
    answers
}

/// A busy machine may need more than the relay's two seconds: what is left out then is asked
/// again here as it is by the program.
fn relayed_until(peers: &[Peer], whole: &[bool]) -> Vec<Option<Vec<Reply>>> {
    let mut answers = Vec::new();
    until(20, "the relay to get as far as it can", || {
        answers = relayed(peers);
        answers.iter().map(Option::is_some).eq(whole.iter().copied())
    });
    answers
}

/// Without the two times that change by themselves.
fn steady(nodes: &str) -> Vec<String> {
    let without = |line: &str| {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        if fields.len() > 7 {
            fields.drain(4..6);
        }
        fields.join(" ")
    };
    let mut lines: Vec<String> = nodes.lines().map(without).filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines
}

#[test]
fn a_relay_hands_on_what_each_node_says_and_leaves_out_who_does_not() {
    let mut cluster = Cluster::new(70, Some(PASSWORD));
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    let numbers = [101, 102, 201, 999, 202, 301, 302];
    let host = |number| if number == 999 { "127.0.70.99".to_owned() } else { cluster.address(number) };
    let peers: Vec<Peer> = numbers.iter().map(|number| Peer { host: host(*number), port: 6379 }).collect();
    let mut answers = Vec::new();
    // Between the two a node may hear something new: then both are asked again.
    until(20, "the relay to hand on what each node says", || {
        answers = relayed_until(&peers, &numbers.map(|number| number != 999));
        numbers.into_iter().zip(&answers).filter(|(number, _)| *number != 999).all(|(number, answer)| {
            let said = answer.as_ref().and_then(|replies| replies[0].as_deref().ok()).unwrap_or_default();
            steady(said) == steady(&cluster.cli(number, &["CLUSTER", "NODES"], Some(PASSWORD)))
        })
    });
    for (number, answer) in numbers.into_iter().zip(&answers).filter(|(number, _)| *number != 999) {
        let replies = answer.as_ref().unwrap_or_else(|| panic!("{number} is left out"));
        let said = |index: usize| replies[index].as_deref().expect("no refusal");
        let role = if number % 100 == 1 { "role:master\r\n" } else { "role:slave\r\n" };
        assert!(said(1).contains(role), "{number}: {}", said(1));
        assert!(said(2).contains("maxmemory-policy"), "{number}: {}", said(2));
    }

    // Whoever hangs ends the relay after two seconds; what was said before it counts.
    cluster.freeze(202);
    let begin = Instant::now();
    relayed(&peers);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    relayed_until(&peers, &[true, true, true, false, false, false, false]);
    cluster.thaw(202);
}
