//! Makes a shard serve again whose owner is gone.

use super::observe::{self, Observation};
use super::questions::Scope;
use super::tell::tell;
use crate::cluster::loss::{Election, Loss, Remedy};
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::snapshot::Member;
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::{Candidate, Which};
use crate::k8s::wait::{Progress, until_telling};
use std::time::Duration;

/// Tells the node that inherits the shard to serve.
///
/// # Errors
/// When it cannot be reached, or refuses.
pub async fn start(context: &Context, observation: &Observation, remedy: &Remedy<'_>) -> Result<(), Error> {
    let heir = candidate(observation, remedy.heir())?;
    match remedy {
        Remedy::StartEmpty(_) => tell(context, heir, STARTUP_PORT, &["SET", "accepted", "yes"]).await,
        Remedy::Promote(_, election) => {
            let how = match election {
                Election::Voted => "FORCE",
                Election::Unvoted => "TAKEOVER",
            };
            let port = heir.target.as_ref().map_or(0, |target| target.port);
            tell(context, heir, port, &["CLUSTER", "FAILOVER", how]).await
        }
    }
    .map(drop)
}

fn candidate<'a>(observation: &'a Observation, member: &Member) -> Result<&'a Candidate, Error> {
    let mut candidates = observation.nodes.iter().map(|(candidate, _)| candidate);
    candidates
        .find(|candidate| candidate.member.name == member.name)
        .ok_or_else(|| Error::user(format!("{} is gone", member.name)))
}

/// Waits until the heir owns slots by its own word.
///
/// # Errors
/// When the deadline passes, with what the heir says instead.
pub async fn served(
    context: &Context,
    which: &Which,
    loss: &Loss<'_>,
    deadline: Duration,
    seen: impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let heir = &loss.remedy.heir().name;
    let awaited = format!("{heir} to own the slots of shard {}", loss.shard);
    until_telling(deadline, &awaited, Duration::from_millis(300), seen, async || {
        let observation = observe::cluster(context, which, Scope::Nodes).await?;
        let topology = Topology::of(&observation.snapshot(context.server.namespace()));
        if topology.owners().any(|owner| owner.is_reachable() && owner.member.name == *heir) {
            return Ok(Progress::Done(()));
        }
        let silence = topology.nodes().find(|node| node.member.name == *heir).and_then(|node| node.error.as_ref());
        let text = silence.map_or_else(|| format!("{heir} owns no slots yet"), |why| format!("{heir}: {why}"));
        Ok(Progress::Pending(text))
    })
    .await
}
