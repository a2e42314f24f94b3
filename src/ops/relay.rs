//! Queries the nodes of a large cluster through a few of them.

use super::access::{Passwords, way};
use super::questions::{Scope, commands};
use crate::context::Context;
use crate::k8s::members::Candidate;
use crate::node::connection::{Credentials, Reply};
use crate::node::dial::Via;
use crate::node::relay::{Peer, ask};
use futures::future::join_all;
use std::time::Duration;

/// Fewer nodes are queried by a stream each. On two cores, a relay pays off from between 12 nodes
/// (1.1 to 1.3 of the time of streams) and 24 (two thirds of it); streams are opened on as many
/// cores as an API server has, while a relay works in one pod.
const WORTH: usize = 32;

/// How many nodes a relay queries at most, one after the other, before its own limit of two
/// seconds. Two relays for a hundred nodes take nine tenths of the time of one (on two cores).
const EACH: usize = 50;

/// A relay's own limit plus the connection.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The replies to `commands(scope)` through relays; `None` for nodes that need a direct query.
pub async fn replies(
    context: &Context,
    candidates: &[Candidate],
    passwords: &Passwords,
    scope: Scope,
) -> Vec<Option<Vec<Reply>>> {
    let mut replies = vec![None; candidates.len()];
    if candidates.len() < WORTH || matches!(scope, Scope::Verbatim | Scope::AllAndKeys) {
        return replies;
    }
    let peers: Vec<_> = candidates.iter().enumerate().filter_map(|each| peer(context, each, passwords)).collect();
    let Some(credentials) = peers.first().map(|first| first.credentials.clone()) else { return replies };
    let peers: Vec<_> = peers.into_iter().filter(|peer| peer.credentials == credentials).collect();
    let evenly = peers.len().div_ceil(peers.len().div_ceil(EACH));
    let relays = peers.chunks(evenly).map(|peers| relay(context, peers, &credentials, scope));
    for (index, reply) in join_all(relays).await.into_iter().flatten() {
        replies[index] = reply;
    }
    replies
}

struct Relayed<'a> {
    index: usize,
    candidate: &'a Candidate,
    peer: Peer,
    credentials: Credentials,
}

/// A node that a relay can query: without TLS and with a known password.
fn peer<'a>(
    context: &Context,
    (index, candidate): (usize, &'a Candidate),
    passwords: &Passwords,
) -> Option<Relayed<'a>> {
    let target = candidate.target.as_ref().ok().filter(|target| target.tls.is_none())?;
    let (via, credentials) = way(context, candidate, passwords);
    let peer = Peer { host: candidate.member.pod_ip.clone()?, port: target.port };
    (via == Via::Auto).then_some(Relayed { index, candidate, peer, credentials })
}

/// Through the first ready pod.
async fn relay(
    context: &Context,
    peers: &[Relayed<'_>],
    credentials: &Credentials,
    scope: Scope,
) -> Vec<(usize, Option<Vec<Reply>>)> {
    let is_ready = |relayed: &&Relayed<'_>| relayed.candidate.member.state.ready.is_some_and(|(ready, _)| ready);
    let target = peers.iter().find(is_ready).and_then(|relayed| relayed.candidate.target.as_ref().ok());
    let Some(target) = target else { return Vec::new() };
    let line = tokio::time::timeout(context.ask_timeout, context.dial.relay(target)).await;
    let Ok(Ok(line)) = line else { return Vec::new() };
    let hosts: Vec<Peer> = peers.iter().map(|relayed| relayed.peer.clone()).collect();
    let commands = commands(scope);
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let replies = ask(line, credentials, &commands, &hosts, TIMEOUT.min(context.ask_timeout)).await;
    peers.iter().map(|relayed| relayed.index).zip(replies).collect()
}
