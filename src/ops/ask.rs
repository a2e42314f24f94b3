//! Queries one node, or finds out why it does not respond.

use super::access::{self, Passwords};
use super::questions::{Scope, Texts, commands};
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::reply::KnownLines;
use crate::cluster::slots::{SLOTS, SlotRange, SlotSet};
use crate::cluster::snapshot::{Member, NoResponse, Rejection};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::members::Candidate;
use crate::node::connection::{self, Credentials, Node};
use crate::node::dial::{Dial, Target, Via};
use crate::node::tls::IF_PLAIN;
use std::time::Duration;

pub(super) async fn ask(
    context: &Context,
    candidate: &Candidate,
    passwords: &Passwords,
    scope: Scope,
) -> Result<Texts, NoResponse> {
    let target = candidate.target.as_ref().map_err(|reason| NoResponse::from(reason.as_str()))?;
    let (via, credentials) = access::way(context, candidate, passwords);
    let answer = async {
        let answer = answer(&*context.dial, &candidate.member, (target, via), &credentials, scope).await;
        // The port of a node of this tool is known.
        answer.map_err(|error| if candidate.member.number.is_some() { error } else { tried(candidate, error) })
    };
    let answer = tokio::time::timeout(context.ask_timeout, answer).await;
    let answer = answer.unwrap_or_else(|_| Err(advised(&late(context, target))));
    answer.map_err(|no_response| match (no_response, access::unreadable(context, candidate, passwords)) {
        (NoResponse::Refused(text), Some(why)) => NoResponse::Refused(format!("{text}; {why}")),
        (no_response, _) => no_response,
    })
}

/// What a node says, or why it says nothing.
///
/// # Errors
/// If it is not there, loads its data, is waiting to start, or rejects the commands.
pub async fn answer(
    dial: &dyn Dial,
    member: &Member,
    (target, via): (&Target, Via),
    credentials: &Credentials,
    scope: Scope,
) -> Result<Texts, NoResponse> {
    match texts(dial, (target, via), credentials, scope).await {
        Ok(texts) => Ok(texts),
        // A waiting node of this tool reports why on another port.
        Err(error) if member.number.is_some() && !is_refused(&error) && error.kind() != ErrorKind::Loading => {
            Err(waiting(dial, (target, via), credentials).await.unwrap_or_else(|| no_response(&error)))
        }
        Err(error) => Err(advised(&error)),
    }
}

/// A server without TLS waits for the end of the line that a ClientHello looks like, without a reply.
pub(super) fn late(context: &Context, target: &Target) -> Error {
    let text = format!("no response within {}", crate::error::seconds(context.ask_timeout));
    let error = Error::new(ErrorKind::Timeout, text);
    if target.tls.is_some() { error.hint(IF_PLAIN) } else { error }
}

/// Adds the error's hints.
fn advised(error: &Error) -> NoResponse {
    match no_response(error) {
        NoResponse::Unreachable(text) => {
            let texts: Vec<&str> = std::iter::once(&text).chain(error.hints()).map(String::as_str).collect();
            texts.join("; ").into()
        }
        told => told,
    }
}

/// Names the port where nothing listens: it may not be the server's.
fn tried(candidate: &Candidate, no_response: NoResponse) -> NoResponse {
    let is_silent = |text: &str| ["nothing listens", "Connection refused"].iter().any(|words| text.contains(words));
    match (no_response, &candidate.member.shell) {
        (NoResponse::Unreachable(text), Some(shell)) if is_silent(&text) => {
            let (port, container) = (candidate.port, &shell.container);
            let tried = format!("tried port {} of container {container} ({})", port.number, port.source.as_str());
            format!("{text}; {tried}: if the server is elsewhere, add --redis-port or --redis-container").into()
        }
        (no_response, _) => no_response,
    }
}

/// A missing permission is not a fault of the node.
pub fn no_response(error: &Error) -> NoResponse {
    match error.kind() {
        _ if is_refused(error) => NoResponse::Refused(error.message().to_owned()),
        ErrorKind::NotClustered => NoResponse::NotClustered(error.message().to_owned()),
        ErrorKind::Loading => NoResponse::Loading(error.message().to_owned()),
        _ => rejection_or_silence(error.to_string()),
    }
}

fn is_refused(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Refused)
}

/// A server that runs says itself why it rejects what was asked.
fn rejection_or_silence(text: String) -> NoResponse {
    match Rejection::of(&text) {
        Some(rejection) => NoResponse::Rejected(rejection, text),
        None => text.into(),
    }
}

async fn waiting(dial: &dyn Dial, (target, via): (&Target, Via), credentials: &Credentials) -> Option<NoResponse> {
    let target = Target { port: STARTUP_PORT, tls: None, ..target.clone() };
    let mut node = Node::connect(dial, &target, via).await.ok()?;
    // The start-up server has no ACL users, only the password.
    let credentials = Credentials { user: None, ..credentials.clone() };
    let replies = node.ask(&credentials, &[&["GET", "waiting"], &["GET", "lost"], &["GET", "kept"]]).await.ok()?;
    let [Ok(text), Ok(lost), Ok(kept)] = &replies[..] else { return None };
    let text = text.trim().to_owned();
    match lost.trim() {
        _ if text.is_empty() => None,
        lost if is_placeless(kept) => Some(NoResponse::Damaged { message: text, unknown: lost == "lost" }),
        _ if !kept.trim().is_empty() => Some(NoResponse::Kept(text)),
        "lost" => Some(NoResponse::DataLost(text)),
        _ => Some(NoResponse::Waiting(text)),
    }
}

/// Whether a node has kept data, but not its role: its own line has none.
fn is_placeless(kept: &str) -> bool {
    kept.split_whitespace().nth(2) == Some("myself")
}

/// One round trip; two if keys are searched for.
///
/// # Errors
/// If it cannot be reached or rejects the commands.
pub async fn texts(
    dial: &dyn Dial,
    (target, via): (&Target, Via),
    credentials: &Credentials,
    scope: Scope,
) -> Result<Texts, Error> {
    let commands = commands(scope);
    let batch: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let mut node = Node::connect(dial, target, via).await?;
    let replies = match node.ask(credentials, &batch).await {
        Ok(replies) => replies,
        // A server that refuses the connection says why, and closes it while we write.
        Err(error) if error.kind() == ErrorKind::User => {
            return Err(farewell(dial, target, via).await.unwrap_or(error));
        }
        Err(error) => return Err(error),
    };
    let mut texts = Texts::of(replies, scope)?;
    texts.needs_no_password = credentials.password.is_none() && via != Via::Exec;
    if scope == Scope::AllAndKeys {
        texts.astray = astray(&mut node, &texts.nodes).await?;
    }
    Ok(texts)
}

/// What the server says to a connection before it closes it.
async fn farewell(dial: &dyn Dial, target: &Target, via: Via) -> Option<Error> {
    tokio::time::timeout(FAREWELL, connection::farewell(dial, target, via)).await.ok()?.map(Error::user)
}

/// A server that refuses a connection says so at once.
const FAREWELL: Duration = Duration::from_secs(1);

/// Slots in which a master has keys but which it does not own.
async fn astray(node: &mut Node, nodes: &str) -> Result<SlotSet, Error> {
    let lines = KnownLines::default().nodes(nodes).map_err(Error::user)?;
    let Some(myself) = lines.iter().find(|line| line.flags.is_myself() && line.master.is_none()) else {
        return Ok(SlotSet::default());
    };
    let slots: Vec<u16> = myself.slots.complement().ranges().iter().flat_map(SlotRange::slots).collect();
    let numbers: Vec<String> = slots.iter().map(u16::to_string).collect();
    let questions: Vec<[&str; 3]> = numbers.iter().map(|slot| ["CLUSTER", "COUNTKEYSINSLOT", slot.as_str()]).collect();
    let batch: Vec<&[&str]> = questions.iter().map(|question| &question[..]).collect();
    debug_assert!(batch.len() <= usize::from(SLOTS));
    let replies = node.ask(&Credentials::default(), &batch).await?;
    let held = slots.into_iter().zip(replies).filter(|(_, keys)| keys.as_ref().is_ok_and(|keys| keys.trim() != "0"));
    Ok(held.map(|(slot, _)| SlotRange::single(slot)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::snapshot::{Member, Shell};
    use crate::k8s::members::Password;
    use crate::k8s::server_container::{ClientPort, PortSource};

    #[test]
    fn the_port_where_nothing_listens_is_named() {
        let shell = Shell { container: "server".into(), port: 7000, ..Shell::default() };
        let candidate = Candidate {
            member: Member { shell: Some(shell), ..Member::default() },
            target: Err(String::new()),
            port: ClientPort { number: 7000, source: PortSource::OnlyPort },
            password: Password::None,
        };
        let said = |text: &str| tried(&candidate, text.into()).to_string();
        assert_eq!(
            said("nothing listens on its port"),
            "nothing listens on its port; tried port 7000 of container server (its only port): \
             if the server is elsewhere, add --redis-port or --redis-container"
        );
        assert_eq!(said("no response within 5s"), "no response within 5s");
    }
}
