//! Sends one command to one node.

use super::access::{self, Passwords};
use super::ask::late;
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::Candidate;
use crate::node::connection::Node;
use crate::node::dial::Target;

/// `port` may be the start-up port.
///
/// # Errors
/// If it cannot be reached in time, or rejects the command.
pub async fn tell(context: &Context, candidate: &Candidate, port: u16, command: &[&str]) -> Result<String, Error> {
    let name = &candidate.member.name;
    let target = candidate.target.as_ref().map_err(|reason| Error::user(format!("cannot reach {name}: {reason}")))?;
    // The start-up server does not use TLS.
    let tls = if port == STARTUP_PORT { None } else { access::tls(context).await? };
    let target = Target { port, tls, ..target.clone() };
    let passwords = access::passwords(context, std::slice::from_ref(candidate), Passwords::new()).await?;
    let (via, credentials) = access::way(context, candidate, &passwords);
    let answer = async {
        let mut node = Node::connect(&*context.dial, &target, via).await?;
        node.ask(&credentials, &[command]).await
    };
    let replies = tokio::time::timeout(context.ask_timeout, answer).await;
    let replies = replies.unwrap_or_else(|_| Err(late(context, &target)));
    let reply = replies.map_err(|error| error.context(format!("cannot query {name}"))).and_then(|mut replies| {
        let reply = replies.pop().unwrap_or_else(|| Ok(String::new()));
        reply.map_err(|refusal| Error::user(format!("{name} rejected the command: {refusal}")))
    });
    reply.map_err(|error| access::unreadable(context, candidate, &passwords).into_iter().fold(error, Error::cause))
}
