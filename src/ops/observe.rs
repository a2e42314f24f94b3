//! Asks all nodes of a cluster at once. A node that does not answer costs its own
//! time only, and becomes part of the picture.

use super::access::{self, Passwords};
use super::relay;
use crate::cluster::health::PATTERN;
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::reply::{self, BadReply, KnownLines};
use crate::cluster::slots::{SLOTS, SlotRange, SlotSet};
use crate::cluster::snapshot::{Seen, Silence, Snapshot, View};
use crate::cluster::surroundings::{Look, Surroundings};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::members::{self, Candidate, Which};
use crate::k8s::surroundings;
use crate::node::connection::{Credentials, Node, Reply};
use crate::node::dial::{Dial, Target, Via};
use crate::node::tls::IF_PLAIN;
use futures::StreamExt;
use futures::stream;

/// The replies of one node, as it sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// CLUSTER NODES.
    pub nodes: String,
    /// CLUSTER INFO.
    pub cluster_info: String,
    /// INFO.
    pub info: String,
    /// CONFIG GET, as far as it was asked.
    pub settings: Look<String>,
    /// The slots of which it holds keys though it does not own them, as far as it was asked.
    pub astray: SlotSet,
}

impl Texts {
    /// The replies to `commands(scope)`.
    fn of(replies: Vec<Reply>, scope: Scope) -> Result<Self, Error> {
        let mut replies = replies.into_iter();
        let mut next = |command: &str| match replies.next() {
            Some(Ok(text)) => Ok(text),
            Some(Err(refusal)) => Err(refused(command, &refusal)),
            None => Err(Error::user("a reply is missing")),
        };
        let [nodes, cluster_info, info] = ["CLUSTER NODES", "CLUSTER INFO", "INFO"].map(&mut next);
        let mut texts = Self { nodes: nodes?, cluster_info: cluster_info?, info: info?, ..Self::default() };
        if scope >= Scope::All {
            texts.settings = next("CONFIG GET").map_err(|error| error.message().to_owned()).into();
        }
        Ok(texts)
    }

    /// The replies as values; its lines beside the `known` ones of others.
    ///
    /// # Errors
    /// When one of them does not say what it should.
    pub fn view(&self, known: &mut KnownLines) -> Result<View, BadReply> {
        let settings = match &self.settings {
            Look::Seen(text) => Look::Seen(reply::settings(text)),
            Look::Denied(why) => Look::Denied(why.clone()),
            Look::Skipped => Look::Skipped,
        };
        let view = View::parse(known, &self.nodes, &self.cluster_info, &self.info)?;
        Ok(View { settings, astray: self.astray.clone(), ..view })
    }
}

/// All nodes of a cluster, and what each replied or why not.
pub struct Observation {
    /// Which cluster.
    pub which: Which,
    /// Each node and its replies.
    pub nodes: Vec<(Candidate, Result<Texts, Silence>)>,
    /// What is around them.
    pub around: Surroundings,
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The nodes alone, each in its own words to the last digit.
    Verbatim,
    /// The nodes alone.
    Nodes,
    /// Their workers' zones too.
    Zones,
    /// And everything around them that can be wrong.
    All,
    /// And the keys of every slot that a master does not own: 16384 small questions each.
    AllAndKeys,
}

/// How many nodes are asked at the same time: of 64 by streams, 8 to 32 at once took 1.3 to 1.7 of
/// the time (measured on two cores).
const AT_ONCE: usize = 64;

impl Observation {
    /// The replies as values.
    pub fn snapshot(&self, namespace: &str) -> Snapshot {
        let mut known = KnownLines::default();
        let mut view = |texts: &Texts| texts.view(&mut known).map_err(|error| error.to_string().into());
        let seen = self.nodes.iter().map(|(candidate, texts)| Seen {
            member: candidate.member.clone(),
            view: texts.as_ref().map_err(Clone::clone).and_then(&mut view),
        });
        Snapshot {
            name: self.which.title(),
            namespace: namespace.to_owned(),
            seen: seen.collect(),
            around: self.around.clone(),
        }
    }
}

/// Finds and asks all nodes.
///
/// # Errors
/// When the nodes cannot be found; never because one does not answer.
pub async fn cluster(context: &Context, which: &Which, scope: Scope) -> Result<Observation, Error> {
    let found = find(context, which).await?;
    of(context, which, found, scope).await
}

/// How many connections are opened while the nodes are looked for: one for each of six nodes, and
/// one for the workers' zones.
const AHEAD: usize = 7;

/// The nodes of a cluster that may be asked, and the password that they most likely have.
#[derive(Clone, Default)]
pub struct Found {
    /// The nodes.
    pub candidates: Vec<Candidate>,
    early: Passwords,
}

impl Found {
    /// The first node alone.
    pub fn first(&self) -> Self {
        Self { candidates: self.candidates.iter().take(1).cloned().collect(), early: self.early.clone() }
    }
}

/// Finds the nodes, and meanwhile the password that they most likely have.
///
/// # Errors
/// When the nodes cannot be found.
pub async fn find(context: &Context, which: &Which) -> Result<Found, Error> {
    context.server.open_ahead(AHEAD);
    let (candidates, early) =
        futures::future::join(members::find(&context.server, which), access::likely(context, which)).await;
    Ok(Found { candidates: candidates?, early })
}

/// Asks the nodes that were found.
///
/// # Errors
/// When it is not known how; never because one does not answer.
pub async fn of(context: &Context, which: &Which, found: Found, scope: Scope) -> Result<Observation, Error> {
    let Found { mut candidates, early } = found;
    let passwords = access::passwords(context, &candidates, early).await?;
    access::add_tls(context, &mut candidates).await?;
    let asked = candidates.clone();
    let answers = answers(context, &asked, &passwords, scope);
    let (answers, around) = futures::future::join(answers, around(context, which, &mut candidates, scope)).await;
    Ok(Observation { which: which.clone(), nodes: candidates.into_iter().zip(answers).collect(), around })
}

/// What each node replies, or why it does not, in the order of the nodes.
async fn answers(
    context: &Context,
    candidates: &[Candidate],
    passwords: &Passwords,
    scope: Scope,
) -> Vec<Result<Texts, Silence>> {
    let relayed = relay::replies(context, candidates, passwords, scope).await;
    let answers = candidates.iter().zip(relayed).enumerate().map(|(index, (candidate, replies))| async move {
        let relayed = replies.and_then(|replies| Texts::of(replies, scope).ok());
        let answer = match relayed {
            Some(texts) => Ok(texts),
            None => ask(context, candidate, passwords, scope).await,
        };
        (index, answer)
    });
    // Not in order: one that hangs holds nobody up.
    let mut answers: Vec<_> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// What is around the nodes; the workers' zones become known of the nodes.
async fn around(context: &Context, which: &Which, candidates: &mut [Candidate], scope: Scope) -> Surroundings {
    match scope {
        Scope::Verbatim | Scope::Nodes => Surroundings::default(),
        Scope::Zones => {
            let denied = members::add_zones(&context.server, candidates).await;
            Surroundings { workers: denied.map_or(Look::Skipped, Look::Denied), ..Surroundings::default() }
        }
        Scope::All | Scope::AllAndKeys => {
            let around = surroundings::read(&context.server, which, candidates).await;
            let workers = around.workers.seen();
            for candidate in candidates {
                let worker = workers.zip(candidate.member.worker.as_ref()).and_then(|(all, name)| all.get(name));
                candidate.member.zone = worker.and_then(|worker| worker.zone.clone());
            }
            around
        }
    }
}

async fn ask(context: &Context, candidate: &Candidate, passwords: &Passwords, scope: Scope) -> Result<Texts, Silence> {
    let target = candidate.target.as_ref().map_err(|reason| Silence::from(reason.as_str()))?;
    let (via, credentials) = access::way(context, candidate, passwords);
    let answer = async {
        match texts(&*context.dial, (target, via), &credentials, scope).await {
            Ok(texts) => Ok(texts),
            // A node of ours that may not start says why on another port.
            Err(error) if candidate.member.number.is_some() && error.kind() == ErrorKind::User => {
                Err(waiting(context, target, via, &credentials).await.unwrap_or_else(|| silence(&error)))
            }
            Err(error) => Err(advised(&error)),
        }
    };
    let answer = tokio::time::timeout(context.ask_timeout, answer).await;
    let answer = answer.unwrap_or_else(|_| Err(advised(&late(context, target))));
    answer.map_err(|silence| match (silence, access::unreadable(context, candidate, passwords)) {
        (Silence::Refused(text), Some(why)) => Silence::Refused(format!("{text}; {why}")),
        (silence, _) => silence,
    })
}

/// A plain server waits for the end of what TLS begins with, and says nothing.
fn late(context: &Context, target: &Target) -> Error {
    let text = format!("no answer within {}", crate::error::seconds(context.ask_timeout));
    let error = Error::new(ErrorKind::Timeout, text);
    if target.tls.is_some() { error.hint(IF_PLAIN) } else { error }
}

/// The same, with what may help where the node is not as it was believed to be.
fn advised(error: &Error) -> Silence {
    match silence(error) {
        Silence::Unreachable(text) => {
            let texts: Vec<&str> = std::iter::once(&text).chain(error.hints()).map(String::as_str).collect();
            texts.join("; ").into()
        }
        refused => refused,
    }
}

/// What a node's failure to answer means. That it may not be asked is no fault of its own.
pub fn silence(error: &Error) -> Silence {
    match error.kind() {
        ErrorKind::Forbidden | ErrorKind::Refused => Silence::Refused(error.message().to_owned()),
        _ => error.to_string().into(),
    }
}

async fn waiting(context: &Context, target: &Target, via: Via, credentials: &Credentials) -> Option<Silence> {
    let target = Target { port: STARTUP_PORT, tls: None, ..target.clone() };
    let mut node = Node::connect(&*context.dial, &target, via).await.ok()?;
    // The start-up server has one user: whoever is named for the cluster, it knows only the password.
    let credentials = Credentials { user: None, ..credentials.clone() };
    let replies = node.ask(&credentials, &[&["GET", "waiting"], &["GET", "lost"], &["GET", "kept"]]).await.ok()?;
    let [Ok(text), Ok(lost), Ok(kept)] = &replies[..] else { return None };
    let text = text.trim().to_owned();
    match lost.trim() {
        _ if text.is_empty() => None,
        _ if !kept.trim().is_empty() => Some(Silence::Kept(text)),
        "lost" => Some(Silence::DataLost(text)),
        _ => Some(Silence::Waiting(text)),
    }
}

/// Says something to one node, on one of its ports.
///
/// # Errors
/// When it cannot be reached in time, or refuses.
pub async fn tell(context: &Context, candidate: &Candidate, port: u16, command: &[&str]) -> Result<String, Error> {
    let name = &candidate.member.name;
    let target = candidate.target.as_ref().map_err(|reason| Error::user(format!("cannot reach {name}: {reason}")))?;
    // The start-up server never speaks TLS.
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
    let reply = replies.map_err(|error| error.context(format!("cannot ask {name}"))).and_then(|mut replies| {
        let reply = replies.pop().unwrap_or_else(|| Ok(String::new()));
        reply.map_err(|refusal| Error::user(format!("{name} refuses: {refusal}")))
    });
    reply.map_err(|error| access::unreadable(context, candidate, &passwords).into_iter().fold(error, Error::cause))
}

/// The replies of one node, in one round trip; in two where its keys are looked for.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn texts(
    dial: &dyn Dial,
    (target, via): (&Target, Via),
    credentials: &Credentials,
    scope: Scope,
) -> Result<Texts, Error> {
    let commands = commands(scope);
    let batch: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let mut node = Node::connect(dial, target, via).await?;
    let mut texts = Texts::of(node.ask(credentials, &batch).await?, scope)?;
    if scope == Scope::AllAndKeys {
        texts.astray = astray(&mut node, &texts.nodes).await?;
    }
    Ok(texts)
}

/// What every node is asked.
pub(super) fn commands(scope: Scope) -> Vec<Vec<&'static str>> {
    let settings = (scope >= Scope::All).then(|| vec!["CONFIG", "GET", PATTERN]);
    [vec!["CLUSTER", "NODES"], vec!["CLUSTER", "INFO"], vec!["INFO"]].into_iter().chain(settings).collect()
}

/// A server that lacks the right or the command says so; one that is busy may answer later.
fn refused(command: &str, refusal: &str) -> Error {
    let is_right = ["NOPERM", "NOAUTH", "ERR unknown command"].iter().any(|word| refusal.starts_with(word));
    let kind = if is_right { ErrorKind::Refused } else { ErrorKind::User };
    Error::new(kind, format!("{command}: {refusal}"))
}

/// The slots of which a master holds keys though it does not own them.
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
