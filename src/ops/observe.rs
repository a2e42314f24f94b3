//! Asks all nodes of a cluster at once. A node that does not answer costs its own
//! time only, and becomes part of the picture.

use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::snapshot::{Seen, Silence, Snapshot, View};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::members::{self, Candidate, Password, Which};
use crate::manifest::object::SECRET;
use crate::node::connection::{Credentials, Node};
use crate::node::dial::{Dial, Target, Via};
use futures::StreamExt;
use futures::stream;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The replies of one node, as it sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// CLUSTER NODES.
    pub nodes: String,
    /// CLUSTER INFO.
    pub cluster_info: String,
    /// INFO.
    pub info: String,
}

/// All nodes of a cluster, and what each replied or why not.
pub struct Observation {
    /// Which cluster.
    pub which: Which,
    /// Each node and its replies.
    pub nodes: Vec<(Candidate, Result<Texts, Silence>)>,
}

/// Whether workers' zones are looked up: one request a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zones {
    /// They are shown.
    Read,
    /// Nobody needs them.
    Skip,
}

/// How many nodes are asked at the same time.
const AT_ONCE: usize = 64;

impl Observation {
    /// The replies as values.
    pub fn snapshot(&self, namespace: &str) -> Snapshot {
        let seen = self.nodes.iter().map(|(candidate, texts)| Seen {
            member: candidate.member.clone(),
            view: texts.clone().and_then(|texts| {
                View::parse(&texts.nodes, &texts.cluster_info, &texts.info).map_err(|error| error.to_string().into())
            }),
        });
        Snapshot { name: self.which.title(), namespace: namespace.to_owned(), seen: seen.collect() }
    }
}

/// Finds and asks all nodes.
///
/// # Errors
/// When the nodes cannot be found; never because one does not answer.
pub async fn cluster(context: &Context, which: &Which, zones: Zones) -> Result<Observation, Error> {
    let mut candidates = members::find(&context.server, which).await?;
    let passwords = passwords(context, &candidates).await?;
    let asked = candidates.clone();
    let answers = stream::iter(asked.iter().map(|candidate| ask(context, candidate, &passwords)))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let read_zones = async {
        if zones == Zones::Read {
            members::add_zones(&context.server, &mut candidates).await;
        }
    };
    let (answers, ()) = futures::future::join(answers, read_zones).await;
    Ok(Observation { which: which.clone(), nodes: candidates.into_iter().zip(answers).collect() })
}

/// A password that was looked up; none where it may not be read, in which case the
/// pod's own redis-cli still has it.
pub(super) type Passwords = BTreeMap<Password, Option<String>>;

pub(super) async fn passwords(context: &Context, candidates: &[Candidate]) -> Result<Passwords, Error> {
    let mut passwords = Passwords::new();
    for candidate in candidates.iter().filter(|candidate| candidate.target.is_ok()) {
        if let Entry::Vacant(place) = passwords.entry(source(context, candidate)) {
            let password = password(context, place.key()).await?;
            place.insert(password);
        }
    }
    Ok(passwords)
}

fn source(context: &Context, candidate: &Candidate) -> Password {
    match &context.auth_secret {
        Some((name, key)) => Password::Secret { name: name.clone(), key: key.clone() },
        None => candidate.password.clone(),
    }
}

async fn password(context: &Context, source: &Password) -> Result<Option<String>, Error> {
    let (name, key) = match source {
        Password::None => return Ok(None),
        Password::Plain(password) => return Ok(Some(password.clone())),
        Password::Secret { name, key } => (name, key),
    };
    match context.server.get(SECRET, name).await {
        Ok(Some(secret)) => {
            let encoded = secret["data"][key].as_str().ok_or_else(|| {
                Error::user(format!("secret \"{name}\" has no key \"{key}\""))
                    .hint("name the password's place with --auth-secret NAME/KEY")
            })?;
            decode(encoded).map(Some).ok_or_else(|| Error::user(format!("secret \"{name}\": \"{key}\" is not text")))
        }
        Ok(None) => Err(Error::user(format!("secret \"{name}\" with the cluster's password not found"))
            .hint("name the password's place with --auth-secret NAME/KEY")),
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of a Secret's value.
pub fn decode(base64: &str) -> Option<String> {
    let bytes: k8s_openapi::ByteString = serde_json::from_value(base64.into()).ok()?;
    String::from_utf8(bytes.0).ok()
}

async fn ask(context: &Context, candidate: &Candidate, passwords: &Passwords) -> Result<Texts, Silence> {
    let target = candidate.target.as_ref().map_err(|reason| Silence::from(reason.as_str()))?;
    let (via, credentials) = way(context, candidate, passwords);
    let answer = async {
        match texts(&*context.dial, target, via, &credentials).await {
            Ok(texts) => Ok(texts),
            Err(error) if candidate.member.number.is_none() => Err(error.to_string().into()),
            // A node of ours that may not start says why on another port.
            Err(error) => Err(waiting(context, target, via, &credentials).await.unwrap_or(error.to_string().into())),
        }
    };
    let late = |_| Err(format!("no answer within {}", crate::error::seconds(context.ask_timeout)).into());
    tokio::time::timeout(context.ask_timeout, answer).await.unwrap_or_else(late)
}

/// How to ask a node: where its password may not be read, its own redis-cli has it.
pub(super) fn way(context: &Context, candidate: &Candidate, passwords: &Passwords) -> (Via, Credentials) {
    let source = source(context, candidate);
    let password = passwords.get(&source).cloned().flatten();
    let unreadable = source != Password::None && password.is_none();
    let via = if unreadable && context.via == Via::Auto { Via::Exec } else { context.via };
    (via, Credentials { user: context.redis_user.clone().filter(|_| password.is_some()), password })
}

async fn waiting(context: &Context, target: &Target, via: Via, credentials: &Credentials) -> Option<Silence> {
    let target = Target { port: STARTUP_PORT, ..target.clone() };
    let mut node = Node::connect(&*context.dial, &target, via).await.ok()?;
    // The start-up server has one user: whoever is named for the cluster, it knows only the password.
    let credentials = Credentials { user: None, ..credentials.clone() };
    let replies = node.ask(&credentials, &[&["GET", "waiting"], &["GET", "lost"]]).await.ok()?;
    let [Ok(text), Ok(lost)] = &replies[..] else { return None };
    let text = text.trim().to_owned();
    match (text.is_empty(), lost.trim()) {
        (true, _) => None,
        (false, "lost") => Some(Silence::DataLost(text)),
        (false, _) => Some(Silence::Waiting(text)),
    }
}

/// Says something to one node, on one of its ports.
///
/// # Errors
/// When it cannot be reached in time, or refuses.
pub async fn tell(context: &Context, candidate: &Candidate, port: u16, command: &[&str]) -> Result<String, Error> {
    let name = &candidate.member.name;
    let target = candidate.target.as_ref().map_err(|reason| Error::user(format!("cannot reach {name}: {reason}")))?;
    let target = Target { port, ..target.clone() };
    let passwords = passwords(context, std::slice::from_ref(candidate)).await?;
    let (via, credentials) = way(context, candidate, &passwords);
    let answer = async {
        let mut node = Node::connect(&*context.dial, &target, via).await?;
        node.ask(&credentials, &[command]).await
    };
    let late =
        Error::new(ErrorKind::Timeout, format!("no answer within {}", crate::error::seconds(context.ask_timeout)));
    let replies = tokio::time::timeout(context.ask_timeout, answer).await.unwrap_or(Err(late));
    let reply = replies.map_err(|error| error.context(format!("cannot ask {name}")))?.pop();
    reply.unwrap_or_else(|| Ok(String::new())).map_err(|refusal| Error::user(format!("{name} refuses: {refusal}")))
}

/// The three replies of one node, in one round trip.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn texts(dial: &dyn Dial, target: &Target, via: Via, credentials: &Credentials) -> Result<Texts, Error> {
    let mut node = Node::connect(dial, target, via).await?;
    let commands: [&[&str]; 3] = [&["CLUSTER", "NODES"], &["CLUSTER", "INFO"], &["INFO"]];
    let replies = node.ask(credentials, &commands).await?;
    let mut texts = replies
        .into_iter()
        .zip(commands)
        .map(|(reply, command)| reply.map_err(|refusal| Error::user(format!("{}: {refusal}", command.join(" ")))));
    let mut next = || texts.next().unwrap_or_else(|| Err(Error::user("a reply is missing")));
    Ok(Texts { nodes: next()?, cluster_info: next()?, info: next()? })
}
