//! Queries all nodes of a cluster in parallel. A node that does not respond delays nothing else and
//! becomes part of the snapshot.

use super::access::{self, Passwords};
use super::ask::ask;
use super::questions::{Scope, Texts};
use super::relay;
use crate::cluster::commands::Caller;
use crate::cluster::membership::set_bystanders_aside;
use crate::cluster::reply::KnownLines;
use crate::cluster::snapshot::{NoResponse, Seen, Snapshot};
use crate::cluster::surroundings::{Lookup, Surroundings};
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::{self, Candidate, Which};
use crate::k8s::surroundings;
use crate::k8s::workers::add_zones;
use futures::StreamExt;
use futures::stream;

pub struct Observation {
    pub which: Which,
    pub nodes: Vec<(Candidate, Result<Texts, NoResponse>)>,
    pub around: Surroundings,
}

/// How many nodes to query in parallel: for 64 nodes by streams, 8 to 32 in parallel took 1.3 to
/// 1.7 of the time (measured on two cores).
const AT_ONCE: usize = 64;

impl Observation {
    pub fn snapshot(&self, caller: &Caller) -> Snapshot {
        let mut known = KnownLines::default();
        let mut view = |texts: &Texts| texts.view(&mut known).map_err(|error| error.to_string().into());
        let seen = self.nodes.iter().map(|(candidate, texts)| Seen {
            member: candidate.member.clone(),
            view: texts.as_ref().map_err(Clone::clone).and_then(&mut view),
        });
        let mut snapshot = Snapshot {
            cluster: self.which.reference(),
            caller: caller.clone(),
            seen: seen.collect(),
            around: self.around.clone(),
        };
        set_bystanders_aside(&mut snapshot);
        snapshot
    }
}

/// # Errors
/// When the nodes cannot be found; never because one does not answer.
pub async fn cluster(context: &Context, which: &Which, scope: Scope) -> Result<Observation, Error> {
    let found = find(context, which).await?;
    of(context, which, found, scope).await
}

/// Connections to pre-open while the nodes are listed: one for each of six nodes, and one for the
/// workers' zones.
const AHEAD: usize = 7;

#[derive(Clone, Default)]
pub struct FoundNodes {
    pub candidates: Vec<Candidate>,
    early: Passwords,
}

impl FoundNodes {
    pub fn first(&self) -> Self {
        Self { candidates: self.candidates.iter().take(1).cloned().collect(), early: self.early.clone() }
    }
}

/// Finds the nodes, and in parallel their likely password.
///
/// # Errors
/// If the nodes cannot be found.
pub async fn find(context: &Context, which: &Which) -> Result<FoundNodes, Error> {
    context.server.open_ahead(AHEAD);
    let nodes = members::find(&context.server, which, &context.choice);
    let (candidates, early) = futures::future::join(nodes, access::likely(context, which)).await;
    Ok(FoundNodes { candidates: candidates?, early })
}

/// # Errors
/// When it is not known how; never because one does not answer.
pub async fn of(context: &Context, which: &Which, found: FoundNodes, scope: Scope) -> Result<Observation, Error> {
    let FoundNodes { mut candidates, early } = found;
    let passwords = access::passwords(context, &candidates, early).await?;
    access::add_tls(context, &mut candidates).await?;
    access::add_logins(context, &mut candidates, &passwords);
    let asked = candidates.clone();
    let answers = answers(context, &asked, &passwords, scope);
    let (answers, around) =
        futures::future::join(answers, around(context, which, (&mut candidates, &passwords), scope)).await;
    Ok(Observation { which: which.clone(), nodes: candidates.into_iter().zip(answers).collect(), around })
}

/// In the order of the nodes.
async fn answers(
    context: &Context,
    candidates: &[Candidate],
    passwords: &Passwords,
    scope: Scope,
) -> Vec<Result<Texts, NoResponse>> {
    let relayed = relay::replies(context, candidates, passwords, scope).await;
    let answers = candidates.iter().zip(relayed).enumerate().map(|(index, (candidate, replies))| async move {
        let relayed = replies.and_then(|replies| Texts::of(replies, scope).ok());
        let answer = match relayed {
            Some(texts) => Ok(texts),
            None => ask(context, candidate, passwords, scope).await,
        };
        (index, answer)
    });
    // Unordered: a hanging node must not delay the others.
    let mut answers: Vec<_> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Also sets the nodes' zones.
async fn around(
    context: &Context,
    which: &Which,
    (candidates, passwords): (&mut [Candidate], &Passwords),
    scope: Scope,
) -> Surroundings {
    match scope {
        Scope::Verbatim | Scope::Nodes => Surroundings::default(),
        Scope::Zones => {
            let denied = add_zones(&context.server, candidates).await;
            Surroundings { workers: denied.map_or(Lookup::Skipped, Lookup::Denied), ..Surroundings::default() }
        }
        Scope::All | Scope::AllAndKeys => {
            let around = surroundings::read(&context.server, which, candidates, &access::secrets(passwords)).await;
            let workers = around.workers.seen();
            for candidate in candidates {
                let worker = workers.zip(candidate.member.worker.as_ref()).and_then(|(all, name)| all.get(name));
                candidate.member.zone = worker.and_then(|worker| worker.zone.clone());
            }
            around
        }
    }
}
