//! Asks all nodes of a cluster at once. A node that does not answer costs its own
//! time only, and becomes part of the picture.

use super::access::{self, Passwords};
use super::ask::ask;
use super::questions::{Scope, Texts};
use super::relay;
use crate::cluster::reply::KnownLines;
use crate::cluster::snapshot::{Seen, Silence, Snapshot};
use crate::cluster::surroundings::{Look, Surroundings};
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::{self, Candidate, Which};
use crate::k8s::surroundings;
use crate::k8s::workers::add_zones;
use futures::StreamExt;
use futures::stream;

/// All nodes of a cluster, and what each replied or why not.
pub struct Observation {
    /// Which cluster.
    pub which: Which,
    /// Each node and its replies.
    pub nodes: Vec<(Candidate, Result<Texts, Silence>)>,
    /// What is around them.
    pub around: Surroundings,
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
pub struct FoundNodes {
    /// The nodes.
    pub candidates: Vec<Candidate>,
    early: Passwords,
}

impl FoundNodes {
    /// The first node alone.
    pub fn first(&self) -> Self {
        Self { candidates: self.candidates.iter().take(1).cloned().collect(), early: self.early.clone() }
    }
}

/// Finds the nodes, and meanwhile the password that they most likely have.
///
/// # Errors
/// When the nodes cannot be found.
pub async fn find(context: &Context, which: &Which) -> Result<FoundNodes, Error> {
    context.server.open_ahead(AHEAD);
    let (candidates, early) =
        futures::future::join(members::find(&context.server, which), access::likely(context, which)).await;
    Ok(FoundNodes { candidates: candidates?, early })
}

/// Asks the nodes that were found.
///
/// # Errors
/// When it is not known how; never because one does not answer.
pub async fn of(context: &Context, which: &Which, found: FoundNodes, scope: Scope) -> Result<Observation, Error> {
    let FoundNodes { mut candidates, early } = found;
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
            let denied = add_zones(&context.server, candidates).await;
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
