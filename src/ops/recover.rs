//! Brings a shard without an owner back into service.

use super::observe::{self, Observation};
use super::questions::Scope;
use super::tell::tell;
use crate::cluster::loss::{Election, Loss, Remedy};
use crate::cluster::nodes_conf::STARTUP_PORT;
use crate::cluster::snapshot::{Member, NoResponse};
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::members::{Candidate, Which};
use crate::k8s::wait::{Progress, Stage, TimeLimit, until_telling};
use std::time::Duration;

/// Tells the new owner to serve.
///
/// # Errors
/// If it cannot be reached, or rejects the command.
pub async fn start(context: &Context, observation: &Observation, remedy: &Remedy<'_>) -> Result<(), Error> {
    let new_owner = candidate(observation, remedy.new_owner())?;
    match remedy {
        Remedy::StartEmpty(_) | Remedy::StartKept(_) => {
            tell(context, new_owner, STARTUP_PORT, &["SET", "accepted", "yes"]).await
        }
        Remedy::Promote(_, election) => {
            let how = match election {
                Election::Voted => "FORCE",
                Election::Unvoted => "TAKEOVER",
            };
            let port = new_owner.target.as_ref().map_or(0, |target| target.port);
            tell(context, new_owner, port, &["CLUSTER", "FAILOVER", how]).await
        }
    }
    .map(drop)
}

fn candidate<'a>(observation: &'a Observation, member: &Member) -> Result<&'a Candidate, Error> {
    let mut candidates = observation.nodes.iter().map(|(candidate, _)| candidate);
    candidates
        .find(|candidate| candidate.member.name == member.name)
        .ok_or_else(|| Error::user(format!("{} has no pod", member.name)))
}

/// Waits until the new_owner owns slots by its own word.
///
/// # Errors
/// When the deadline passes, with what the new_owner says instead.
pub async fn served(
    context: &Context,
    which: &Which,
    loss: &Loss<'_>,
    deadline: TimeLimit,
    seen: impl FnMut(&Stage) -> Result<(), Error>,
) -> Result<(), Error> {
    let owner = &loss.remedy.new_owner().name;
    let awaited = format!("{owner} to own the slots of shard {}", loss.shard);
    until_telling(deadline, &awaited, Duration::from_millis(300), seen, async || {
        let observation = observe::cluster(context, which, Scope::Nodes).await?;
        let topology = Topology::of(&observation.snapshot(context.server.caller()));
        if topology.owners().any(|node| node.is_reachable() && node.member.name == *owner) {
            return Ok(Progress::Done(()));
        }
        let no_response = topology.nodes().find(|node| node.member.name == *owner).and_then(|node| node.error.as_ref());
        if let Some(NoResponse::Refused(why)) = no_response {
            return Err(Error::new(ErrorKind::Refused, why.clone()).context(format!("{owner} cannot be queried")));
        }
        let detail = no_response.map(|why| format!(": {why}")).unwrap_or_default();
        Ok(Progress::Pending(Stage::new(format!("{owner} owns no slots yet"), detail)))
    })
    .await
}
