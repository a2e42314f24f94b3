//! Nodes that did not respond or are not ready to serve.

use super::clients::limits_elsewhere;
use super::context::{CheckContext, has_no_pod};
use super::controllers::{set_image, without_pod};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::node::Role;
use crate::cluster::snapshot::{NoResponse, Rejection};
use crate::cluster::surroundings::TroubleKind;
use crate::cluster::topology::NodeFacts;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    context.topology.nodes().filter(|node| !has_no_pod(node)).filter_map(|node| not_responding(context, node)).collect()
}

fn not_responding(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let no_response = node.error.as_ref()?;
    let name = &node.member.name;
    let (code, message, hint) = match no_response {
        NoResponse::Loading(_) if node.member.state.trouble.is_none() => (
            Code::NodeLoading,
            format!("{name} is still loading its data from disk"),
            context.hints.logs_of(&node.member),
        ),
        NoResponse::Unreachable(_) | NoResponse::Loading(_) => unreachable(context, node),
        NoResponse::Waiting(_) | NoResponse::Kept(_) => {
            (Code::NodeWaiting, format!("{name} is waiting to start"), context.hints.logs_of(&node.member))
        }
        NoResponse::Damaged { unknown, .. } => {
            let message = format!("{name} has data but a damaged nodes.conf, and is waiting to start");
            let hints = context.hints;
            let hint = if *unknown { hints.accept_loss(node) } else { hints.logs_of(&node.member) };
            (Code::NodeWaiting, message, hint)
        }
        NoResponse::DataLost(_) => {
            let message = format!("{name} and its whole shard have lost their data and stay down");
            (Code::DataLost, message, context.hints.accept_loss(node))
        }
        NoResponse::Rejected(..) if node.member.state.trouble.is_some() => unreachable(context, node),
        NoResponse::Rejected(rejection, _) => rejected(context, node, *rejection),
        NoResponse::Refused(why) if is_password(why) && context.any_responded() => {
            let message = format!("{name} rejects the password that other nodes accept");
            (Code::PasswordsDiffer, message, unify_passwords(context, node))
        }
        NoResponse::NotClustered(_) => {
            let message = format!("{name} runs without cluster mode (cluster-enabled no): it is no node");
            (Code::ClusterModeOff, message, context.hints.edit(&node.member))
        }
        // A missing permission is not a fault of the node.
        NoResponse::Refused(_) => return None,
    };
    let mut evidence = no_response.to_string();
    if code == Code::ClientsLimit {
        evidence += &format!("; {}", limits_elsewhere(context).1);
    }
    if code == Code::PodMissing {
        let why = without_pod(context, &node.member).1;
        evidence += &if why.is_empty() { why } else { format!(": {why}") };
    }
    let last_log_lines = node.member.pod.as_ref().and_then(|pod| context.around().last_log_lines.seen()?.get(pod));
    if let Some(lines) = last_log_lines.filter(|_| matches!(code, Code::CrashLoop | Code::OutOfMemory)) {
        evidence += &format!("; last log lines: {lines}");
    }
    let is_minor = node.role == Some(Role::Replica)
        && !matches!(code, Code::DataLost | Code::PasswordsDiffer | Code::ClusterModeOff);
    let severity = if is_minor { Severity::Warning } else { code.severity() };
    Some(code.found(name, message, evidence, hint).at(severity))
}

fn rejected(context: &CheckContext<'_>, node: &NodeFacts, why: Rejection) -> (Code, String, String) {
    let (name, member, hints) = (&node.member.name, &node.member, context.hints);
    match why {
        Rejection::Script => {
            let message = format!("{name} runs a script and rejects all other commands");
            (Code::NodeBusy, message, hints.redis(member, "script kill"))
        }
        Rejection::Function => {
            let message = format!("{name} runs a function and rejects all other commands");
            (Code::NodeBusy, message, hints.redis(member, "function kill"))
        }
        Rejection::ClientsLimit => {
            let message = format!("{name} rejects new connections: it has as many as maxclients allows");
            let more = limits_elsewhere(context).0 * 2;
            (Code::ClientsLimit, message, hints.redis(member, &format!("config set maxclients {more}")))
        }
        Rejection::ProtectedMode => {
            let message = format!("{name} denies every client that is not in its own pod");
            (Code::ClientsDenied, message, hints.redis(member, "config set protected-mode no"))
        }
        Rejection::NoMaster => {
            let message = format!("{name} is not in sync with its master, and rejects all commands until it is");
            (Code::ReplicaLinkDown, message, hints.logs_of(member))
        }
    }
}

/// A server reads the password of its pod's environment when it starts. Where most nodes reject
/// ours, not they have changed, but the Secret: they know the one that it should have.
fn unify_passwords(context: &CheckContext<'_>, node: &NodeFacts) -> String {
    let rejects = |node: &&NodeFacts| matches!(&node.error, Some(NoResponse::Refused(why)) if is_password(why));
    let rejecting = context.topology.nodes().filter(rejects).count();
    let accepting = context.topology.nodes().filter(|node| node.is_reachable()).count();
    let member = &node.member;
    let variable = member.shell.as_ref().and_then(|shell| shell.password_variable.as_deref());
    match (variable.or(member.number.map(|_| OWN_VARIABLE)), &member.pod, &member.shell) {
        (Some(_), Some(_), _) if rejecting <= accepting => context.hints.restart(member),
        (Some(variable), Some(pod), Some(shell)) => {
            context.hints.kubectl(&format!("exec {pod} -c {} -- printenv {variable}", shell.container))
        }
        _ => context.hints.describe(member),
    }
}

/// The variable of the pods of this tool, which redis-cli reads by itself.
const OWN_VARIABLE: &str = "REDISCLI_AUTH";

/// Whether the server rejected the password, and not the API server the request.
fn is_password(refusal: &str) -> bool {
    ["NOAUTH", "WRONGPASS", "invalid password", "no password is set", "without any password"]
        .iter()
        .any(|word| refusal.contains(word))
}

fn unreachable(context: &CheckContext<'_>, node: &NodeFacts) -> (Code, String, String) {
    let name = &node.member.name;
    let describe = context.hints.describe(&node.member);
    let Some(trouble) = &node.member.state.trouble else {
        return (Code::NodeUnreachable, format!("{name} did not respond"), describe);
    };
    match trouble.kind {
        TroubleKind::Deleted => (Code::PodDeleted, format!("the pod of {name} is being deleted"), describe),
        TroubleKind::NoPod => {
            let (message, _, hint) = without_pod(context, &node.member);
            (Code::PodMissing, message, hint)
        }
        TroubleKind::Unschedulable => {
            (Code::PodUnschedulable, format!("the pod of {name} cannot be scheduled"), describe)
        }
        TroubleKind::Image => {
            let hint = set_image(context, &node.member).unwrap_or(describe);
            (Code::ImageNotPulled, format!("the image pull of {name} failed"), hint)
        }
        TroubleKind::Container => {
            (Code::ContainerNotMade, format!("the container of {name} cannot be created"), describe)
        }
        TroubleKind::CrashLoop => {
            let init =
                node.member.state.failing_init.as_ref().map(|init| format!("the init container {init} of {name}"));
            let container = init.unwrap_or_else(|| format!("the container of {name}"));
            (Code::CrashLoop, format!("{container} is crash-looping"), logs_hint(context, node))
        }
        TroubleKind::Ended => {
            (Code::CrashLoop, format!("the container of {name} has terminated"), logs_hint(context, node))
        }
        TroubleKind::OutOfMemory => (Code::OutOfMemory, format!("the container of {name} was OOM-killed"), describe),
        TroubleKind::Starting => {
            (Code::PodStarting, format!("the pod of {name} has not started its container yet"), describe)
        }
    }
}

/// Without `--previous`, which fails for a container that terminated and was not restarted: without
/// it, the kubelet returns the log of the last container.
fn logs_hint(context: &CheckContext<'_>, node: &NodeFacts) -> String {
    let server = node.member.shell.as_ref().map(|shell| &shell.container);
    let container = node.member.state.failing_init.as_ref().or(server);
    match (&node.member.pod, container) {
        (Some(pod), Some(container)) => context.hints.kubectl(&format!("logs {pod} -c {container} --tail 20")),
        _ => context.hints.logs(),
    }
}
