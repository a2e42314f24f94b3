//! Nodes that say nothing, or not yet what they should.

use super::context::{CheckContext, is_stranger};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::Role;
use crate::cluster::snapshot::Silence;
use crate::cluster::surroundings::TroubleKind;
use crate::cluster::topology::NodeFacts;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    context.topology.nodes().filter(|node| !is_stranger(node)).filter_map(|node| silent(context, node)).collect()
}

fn silent(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let silence = node.error.as_ref()?;
    let name = &node.member.name;
    let (code, message, hint) = match silence {
        Silence::Unreachable(_) => unreachable(context, node),
        Silence::Waiting(_) | Silence::Kept(_) => {
            (Code::NodeWaiting, format!("{name} may not start yet"), context.hints.logs_of(&node.member))
        }
        Silence::DataLost(_) => {
            let message = format!("{name} and its whole shard have lost their data, and stay down");
            (Code::DataLost, message, context.hints.accept_loss(node))
        }
        Silence::Refused(why) if is_password(why) && context.is_heard() => {
            let message = format!("{name} refuses the password that other nodes take");
            (Code::PasswordsDiffer, message, context.hints.describe(&node.member))
        }
        // What may not be asked is no fault of the node's.
        Silence::Refused(_) => return None,
    };
    let mut evidence = silence.to_string();
    let last_words = node.member.pod.as_ref().and_then(|pod| context.around().last_words.seen()?.get(pod));
    if let Some(lines) = last_words.filter(|_| matches!(code, Code::CrashLoop | Code::OutOfMemory)) {
        evidence += &format!("; its last words: {lines}");
    }
    let spared = node.role == Some(Role::Replica) && !matches!(code, Code::DataLost | Code::PasswordsDiffer);
    let severity = if spared { Severity::Warning } else { code.severity() };
    Some(code.found(name, message, evidence, hint).at(severity))
}

/// What a server answers to almost everything while it reads its data.
const LOADING: &str = "LOADING ";

/// Whether a refusal is about the password, and not about rights.
fn is_password(refusal: &str) -> bool {
    ["NOAUTH", "WRONGPASS", "invalid password", "no password is set", "without any password"]
        .iter()
        .any(|word| refusal.contains(word))
}

fn unreachable(context: &CheckContext<'_>, node: &NodeFacts) -> (Code, String, String) {
    let name = &node.member.name;
    let describe = context.hints.describe(&node.member);
    let is_loading = node.error.as_ref().is_some_and(|error| error.to_string().contains(LOADING));
    let Some(trouble) = &node.member.state.trouble else {
        if is_loading {
            return (
                Code::NodeLoading,
                format!("{name} is still reading its data from disk"),
                context.hints.logs_of(&node.member),
            );
        }
        return (Code::NodeUnreachable, format!("{name} did not answer"), describe);
    };
    match trouble.kind {
        TroubleKind::NoPod => (Code::PodMissing, format!("{name} has no pod"), describe),
        TroubleKind::Unschedulable => {
            (Code::PodUnschedulable, format!("no worker may take the pod of {name}"), describe)
        }
        TroubleKind::Image => (Code::ImageNotPulled, format!("the image of {name} cannot be had"), describe),
        TroubleKind::Container => (Code::ContainerNotMade, format!("the container of {name} cannot be made"), describe),
        TroubleKind::CrashLoop | TroubleKind::Ended => {
            (Code::CrashLoop, format!("the container of {name} has ended"), last_words(context, node))
        }
        TroubleKind::OutOfMemory => {
            (Code::OutOfMemory, format!("the container of {name} was ended for its memory"), describe)
        }
        TroubleKind::Starting => {
            (Code::PodStarting, format!("the pod of {name} has not started its container yet"), describe)
        }
    }
}

/// Without `--previous`, which fails for a container that has ended and was not started
/// again: the kubelet then answers from what ended last.
fn last_words(context: &CheckContext<'_>, node: &NodeFacts) -> String {
    match &node.member.pod {
        Some(pod) => context.hints.kubectl(&format!("logs {pod} --tail 20")),
        None => context.hints.logs(),
    }
}
