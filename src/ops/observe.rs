//! Asks all nodes of a cluster at once. A node that does not answer costs its own
//! time only, and becomes part of the picture.

use super::relay;
use crate::cluster::health::PATTERNS;
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::reply::{self, BadReply};
use crate::cluster::slots::{SLOTS, SlotRange, SlotSet};
use crate::cluster::snapshot::{Seen, Silence, Snapshot, View};
use crate::cluster::surroundings::{Look, Surroundings};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::members::{self, Candidate, Password, Which};
use crate::k8s::surroundings;
use crate::manifest::names;
use crate::manifest::object::SECRET;
use crate::node::connection::{Credentials, Node, Reply};
use crate::node::dial::{Dial, Target, Via};
use crate::node::tls::{Certificates, IF_PLAIN, Tls};
use futures::StreamExt;
use futures::stream;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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
    pub settings: Look<Vec<String>>,
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
            let settings: Result<Vec<String>, Error> = PATTERNS.iter().map(|_| next("CONFIG GET")).collect();
            texts.settings = settings.map_err(|error| error.message().to_owned()).into();
        }
        Ok(texts)
    }

    /// The replies as values.
    ///
    /// # Errors
    /// When one of them does not say what it should.
    pub fn view(&self) -> Result<View, BadReply> {
        let settings = match &self.settings {
            Look::Seen(texts) => Look::Seen(texts.iter().flat_map(|text| reply::settings(text)).collect()),
            Look::Denied(why) => Look::Denied(why.clone()),
            Look::Skipped => Look::Skipped,
        };
        let view = View::parse(&self.nodes, &self.cluster_info, &self.info)?;
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
    /// The nodes alone.
    Nodes,
    /// Their workers' zones too: one request a worker.
    Zones,
    /// And everything around them that can be wrong.
    All,
    /// And the keys of every slot that a master does not own: 16384 small questions each.
    AllAndKeys,
}

/// How many nodes are asked at the same time.
const AT_ONCE: usize = 64;

impl Observation {
    /// The replies as values.
    pub fn snapshot(&self, namespace: &str) -> Snapshot {
        let seen = self.nodes.iter().map(|(candidate, texts)| Seen {
            member: candidate.member.clone(),
            view: texts
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|texts| texts.view().map_err(|error| error.to_string().into())),
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
    let (candidates, early) = find(context, which).await?;
    of(context, which, (candidates, early), scope).await
}

/// Finds the nodes, and meanwhile looks into the Secret that their password most likely is in:
/// over a long way that is a round trip less.
async fn find(context: &Context, which: &Which) -> Result<(Vec<Candidate>, Passwords), Error> {
    let likely = likely_source(context, which);
    let early = async {
        match &likely {
            Some(source) => password(context, source).await.ok().map(|password| (source.clone(), password)),
            None => None,
        }
    };
    let (candidates, early) = futures::future::join(members::find(&context.server, which), early).await;
    Ok((candidates?, early.into_iter().collect()))
}

/// The Secret of the flag, or that of a cluster of ours that chose its password itself.
fn likely_source(context: &Context, which: &Which) -> Option<Password> {
    match (&context.auth_secret, which) {
        (Some((name, key)), _) => Some(Password::Secret { name: name.clone(), key: key.clone() }),
        (None, Which::Named(name)) => {
            Some(Password::Secret { name: name.to_string(), key: names::PASSWORD_KEY.to_owned() })
        }
        (None, Which::Selected(_)) => None,
    }
}

/// Finds all nodes, and asks the first one alone.
///
/// # Errors
/// As of `cluster`.
pub async fn first(context: &Context, which: &Which) -> Result<(Vec<Candidate>, Observation), Error> {
    let (candidates, early) = find(context, which).await?;
    let first = candidates.iter().take(1).cloned().collect();
    let observation = of(context, which, (first, early), Scope::Nodes).await?;
    Ok((candidates, observation))
}

async fn of(
    context: &Context,
    which: &Which,
    (mut candidates, early): (Vec<Candidate>, Passwords),
    scope: Scope,
) -> Result<Observation, Error> {
    let passwords = passwords(context, &candidates, early).await?;
    let tls = tls(context).await?;
    if let Some(tls) = &tls {
        candidates.iter_mut().for_each(|candidate| speak_tls(candidate, tls));
    }
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

fn speak_tls(candidate: &mut Candidate, tls: &Tls) {
    if let Ok(target) = &mut candidate.target {
        target.tls = Some(tls.clone());
    }
    if let Some(shell) = &mut candidate.member.shell {
        shell.flags = "--tls --insecure ";
    }
}

/// What is around the nodes; the workers' zones become known of the nodes.
async fn around(context: &Context, which: &Which, candidates: &mut [Candidate], scope: Scope) -> Surroundings {
    match scope {
        Scope::Nodes => Surroundings::default(),
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

/// Passwords that were looked up. Where one may not be read, the pod's own redis-cli still
/// has it.
pub(super) type Passwords = BTreeMap<Password, Look<String>>;

/// The passwords of all nodes; those that are known already are not looked up again.
pub(super) async fn passwords(
    context: &Context,
    candidates: &[Candidate],
    known: Passwords,
) -> Result<Passwords, Error> {
    let mut passwords = known;
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

async fn password(context: &Context, source: &Password) -> Result<Look<String>, Error> {
    let (name, key) = match source {
        Password::None => return Ok(Look::Skipped),
        Password::Plain(password) => return Ok(Look::Seen(password.clone())),
        Password::Secret { name, key } => (name, key),
    };
    match context.server.get(SECRET, name).await {
        Ok(Some(secret)) => {
            let encoded = secret["data"][key].as_str().ok_or_else(|| {
                Error::user(format!("secret \"{name}\" has no key \"{key}\""))
                    .hint("name the password's place with --auth-secret NAME/KEY")
            })?;
            decode(encoded)
                .map(Look::Seen)
                .ok_or_else(|| Error::user(format!("secret \"{name}\": \"{key}\" is not text")))
        }
        Ok(None) => Err(Error::user(format!("secret \"{name}\" with the cluster's password not found"))
            .hint("name the password's place with --auth-secret NAME/KEY")),
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(Look::Denied(error.reason())),
        Err(error) => Err(error),
    }
}

/// How to speak TLS with the nodes, as the user wishes; none where they are plain.
async fn tls(context: &Context) -> Result<Option<Tls>, Error> {
    let Some(wish) = &context.tls else { return Ok(None) };
    let fulfil = async || match &wish.secret {
        Some(name) => checked(&context.server, name).await,
        None => Tls::unchecked(),
    };
    wish.fulfilled.get_or_try_init(fulfil).await.cloned().map(Some)
}

async fn checked(server: &Server, name: &str) -> Result<Tls, Error> {
    const WITHOUT: &str = "--tls alone needs no Secret, and does not check the nodes' certificates";
    let read = server.get(SECRET, name).await.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => error.hint(WITHOUT),
        _ => error,
    });
    let secret = read?.ok_or_else(|| {
        Error::user(format!("secret \"{name}\" with the nodes' CA not found"))
            .hint(format!("see which there are: kubectl -n {} get secrets", server.namespace()))
            .hint(WITHOUT)
    })?;
    let see = format!("see what it has: kubectl -n {} describe secret {name}", server.namespace());
    let text = |key: &str| {
        let bad = || Error::user(format!("secret \"{name}\": \"{key}\" is not text"));
        secret["data"][key].as_str().map(|encoded| decode(encoded).ok_or_else(bad)).transpose()
    };
    let ca = text("ca.crt")?.ok_or_else(|| {
        Error::user(format!("secret \"{name}\" has no key \"ca.crt\"")).hint(see.as_str()).hint(WITHOUT)
    })?;
    let certificates = Certificates { secret: name.to_owned(), ca, client: text("tls.crt")?.zip(text("tls.key")?) };
    Tls::checked(&certificates).map_err(|error| error.hint(see))
}

/// The text of a Secret's value.
pub fn decode(base64: &str) -> Option<String> {
    let bytes: k8s_openapi::ByteString = serde_json::from_value(base64.into()).ok()?;
    String::from_utf8(bytes.0).ok()
}

async fn ask(context: &Context, candidate: &Candidate, passwords: &Passwords, scope: Scope) -> Result<Texts, Silence> {
    let target = candidate.target.as_ref().map_err(|reason| Silence::from(reason.as_str()))?;
    let (via, credentials) = way(context, candidate, passwords);
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
    answer.map_err(|silence| match (silence, unreadable(context, candidate, passwords)) {
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

/// How to ask a node: where its password may not be read, its own redis-cli has it.
pub(super) fn way(context: &Context, candidate: &Candidate, passwords: &Passwords) -> (Via, Credentials) {
    let password = passwords.get(&source(context, candidate)).and_then(Look::seen).cloned();
    let unreadable = unreadable(context, candidate, passwords).is_some();
    let via = if unreadable && context.via == Via::Auto { Via::Exec } else { context.via };
    (via, Credentials { user: context.redis_user.clone().filter(|_| password.is_some()), password })
}

/// Why a node's password may not be read.
fn unreadable<'a>(context: &Context, candidate: &Candidate, passwords: &'a Passwords) -> Option<&'a str> {
    match passwords.get(&source(context, candidate))? {
        Look::Denied(why) => Some(why),
        Look::Seen(_) | Look::Skipped => None,
    }
}

async fn waiting(context: &Context, target: &Target, via: Via, credentials: &Credentials) -> Option<Silence> {
    let target = Target { port: STARTUP_PORT, tls: None, ..target.clone() };
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
    // The start-up server never speaks TLS.
    let tls = if port == STARTUP_PORT { None } else { tls(context).await? };
    let target = Target { port, tls, ..target.clone() };
    let passwords = passwords(context, std::slice::from_ref(candidate), Passwords::new()).await?;
    let (via, credentials) = way(context, candidate, &passwords);
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
    reply.map_err(|error| unreadable(context, candidate, &passwords).into_iter().fold(error, Error::cause))
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
    let settings = PATTERNS.iter().map(|pattern| vec!["CONFIG", "GET", pattern]).filter(|_| scope >= Scope::All);
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
    let lines = reply::nodes(nodes).map_err(Error::user)?;
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
