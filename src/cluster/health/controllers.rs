//! The controllers that make the pods: StatefulSets, Deployments and ReplicationControllers.

use super::context::CheckContext;
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::{ControllerState, Lookup};

/// How many seconds a pod may take to become ready; more if its probe runs less often.
const GRACE: u64 = 30;

/// Those of other tools; a node of this tool without a pod is told by itself.
pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let lacking = all(context).iter().filter(|state| state.lacks_pods() && state.number.is_none());
    lacking.map(|state| lacks_pods(context, state)).collect()
}

pub(super) fn all<'a>(context: &CheckContext<'a>) -> &'a [ControllerState] {
    context.around().controllers.seen().map_or(&[], Vec::as_slice)
}

fn lacks_pods(context: &CheckContext<'_>, state: &ControllerState) -> Finding {
    let name = &state.controller.name;
    let has = format!("{} {name} has {} of {} pods", state.controller.kind, state.made, state.desired);
    let (message, evidence, severity) = match (&state.failure, blocking(context, state)) {
        (Some(why), _) => (format!("{has}: it cannot make more"), why.clone(), Severity::Error),
        (None, Some(pod)) => waits(context, &has, pod),
        (None, None) => (has, "it is making them, or its events say why not".into(), Severity::Warning),
    };
    Code::PodMissing.found(name, message, evidence, mend(context, state)).at(severity)
}

fn waits(context: &CheckContext<'_>, has: &str, pod: &Member) -> (String, String, Severity) {
    let name = &pod.name;
    let seconds = pod.state.ready.map(|(_, since)| context.since(since)).unwrap_or_default();
    let unready = format!("OrderedReady: the next pod is made when {name} is ready; it is not for {seconds} s");
    match &pod.state.trouble {
        Some(trouble) => {
            (format!("{has}: it waits for {name}, which does not run"), trouble.text.clone(), Severity::Error)
        }
        None if is_stuck(context, pod) => {
            (format!("{has}: it waits for {name}, whose readiness probe fails"), unready, Severity::Error)
        }
        None => (format!("{has}: it waits for {name} to become ready"), unready, Severity::Warning),
    }
}

fn is_stuck(context: &CheckContext<'_>, pod: &Member) -> bool {
    let unready = pod.state.ready.filter(|(ready, _)| !ready);
    unready.is_some_and(|(_, since)| context.since(since) > pod.state.probe_delay.max(GRACE))
}

/// The pod that must be ready before the next one is made.
fn blocking<'a>(context: &CheckContext<'a>, state: &ControllerState) -> Option<&'a Member> {
    let members = context.snapshot.seen.iter().map(|seen| &seen.member);
    let own = members.filter(|member| state.in_order && member.state.controller.as_ref() == Some(&state.controller));
    let is_ready =
        |member: &Member| member.state.trouble.is_none() && member.state.ready.is_none_or(|(ready, _)| ready);
    own.filter(|member| !is_ready(member)).min_by_key(|member| ordinal(&member.name))
}

/// Of `redis-10`, 10.
fn ordinal(pod: &str) -> u32 {
    pod.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

/// What has the controller make the pods that it lacks.
///
/// Where a probe waits for the cluster and the controller for the probe, the controller is replaced by
/// one that does not wait; the pods stay. The field cannot be changed, and a changed probe would not
/// reach a pod that is not ready (kubernetes#67250).
pub(super) fn mend(context: &CheckContext<'_>, state: &ControllerState) -> String {
    let hints = context.hints;
    let describe = || hints.kubectl(&format!("describe {}", state.controller));
    match (&state.failure, blocking(context, state)) {
        (Some(why), _) => {
            quota(why).map_or_else(describe, |quota| hints.kubectl(&format!("describe resourcequota {quota}")))
        }
        (None, Some(pod)) if pod.state.trouble.is_none() && is_stuck(context, pod) => format!(
            "{} | sed 's/\"podManagementPolicy\": *\"OrderedReady\"/\"podManagementPolicy\": \"Parallel\"/' | {}",
            hints.kubectl(&format!("get {} -o json", state.controller)),
            hints.kubectl("replace --force --cascade=orphan -f -")
        ),
        (None, Some(pod)) => hints.describe(pod),
        (None, None) => describe(),
    }
}

/// `q` of `exceeded quota: q, requested: …`.
fn quota(why: &str) -> Option<&str> {
    why.split_once("exceeded quota: ")?.1.split(',').next().filter(|name| !name.is_empty())
}

/// Why a node of this tool has no pod: the message, what was seen, and what makes the pod.
pub(super) fn without_pod(context: &CheckContext<'_>, member: &Member) -> (String, String, String) {
    let (name, hints) = (&member.name, context.hints);
    let Lookup::Seen(states) = &context.around().controllers else {
        return (format!("{name} has no pod"), String::new(), hints.describe(member));
    };
    let state = states.iter().find(|state| member.number.is_some() && state.number == member.number);
    let Some(state) = state else {
        let message = format!("{name} has no pod, and no controller that makes one");
        return (message, String::new(), hints.create());
    };
    let controller = &state.controller;
    match &state.failure {
        _ if state.desired == 0 => {
            let message = format!("{name} has no pod: its {} is scaled to 0", controller.kind);
            (message, String::new(), hints.kubectl(&format!("scale {controller} --replicas 1")))
        }
        Some(why) => {
            let message = format!("{name} has no pod: its {} cannot make one", controller.kind);
            (message, why.clone(), mend(context, state))
        }
        None => (format!("{name} has no pod"), String::new(), hints.kubectl(&format!("describe {controller}"))),
    }
}

/// What to do about a node that the cluster knows and that has no pod; none if it may be forgotten. A
/// controller makes the pods again that it lacks, with their volumes.
pub(super) fn instead_of_forgetting(context: &CheckContext<'_>) -> Option<String> {
    let Lookup::Seen(states) = &context.around().controllers else { return Some(context.hints.pods()) };
    states.iter().find(|state| state.lacks_pods()).map(|state| mend(context, state))
}

/// For an owner of slots that has no pod: the one StatefulSet of the cluster, which may have been scaled
/// down, makes its pod again with its volume.
pub(super) fn scale_up(context: &CheckContext<'_>, missing: usize) -> Option<String> {
    let [state] = all(context) else { return None };
    let keeps = state.controller.kind == "StatefulSet" && !state.lacks_pods();
    let replicas = state.desired + missing;
    keeps.then(|| context.hints.kubectl(&format!("scale {} --replicas {replicas}", state.controller)))
}

/// Another image for a node whose own cannot be pulled: the one that most others run. None if there is
/// no other.
pub(super) fn set_image(context: &CheckContext<'_>, member: &Member) -> Option<String> {
    let running = context.snapshot.answered().filter_map(|(other, _)| other.state.image.as_deref());
    let others: Vec<&str> = running.filter(|image| Some(*image) != member.state.image.as_deref()).collect();
    let image = others.iter().max_by_key(|image| others.iter().filter(|other| other == image).count())?;
    let (pod, shell) = (member.pod.as_ref()?, member.shell.as_ref()?);
    let set = |target: &str| context.hints.kubectl(&format!("set image {target} {}={image}", shell.container));
    let restart = || context.hints.restart(member);
    match &member.state.controller {
        None => Some(set(&format!("pod {pod}"))),
        Some(controller) if controller.kind == "Deployment" => Some(set(&controller.to_string())),
        // A StatefulSet waits for a pod that never becomes ready, and a ReplicationController replaces none.
        Some(controller) => Some(format!("{} && {}", set(&controller.to_string()), restart())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::health::tests::{each_view, report, seen, trouble, whole};
    use crate::cluster::snapshot::Snapshot;
    use crate::cluster::surroundings::{Controller, TroubleKind};

    fn set(name: &str) -> Controller {
        Controller { kind: "StatefulSet".into(), name: name.into() }
    }

    fn state(controller: Controller, desired: usize, made: usize) -> ControllerState {
        ControllerState { controller, number: None, desired, made, in_order: true, failure: None }
    }

    /// Six nodes of another tool's StatefulSet, of which these have pods.
    fn others(pods: usize, desired: usize) -> Snapshot {
        let mut snapshot = whole();
        snapshot.seen.truncate(pods);
        for (index, seen) in snapshot.seen.iter_mut().enumerate() {
            let member = &mut seen.member;
            (member.number, member.id) = (None, None);
            member.name = format!("or-{index}");
            member.pod = Some(member.name.clone());
            member.state.controller = Some(set("or"));
            member.state.ready = Some((true, 0));
        }
        let services = seen(&mut snapshot.around.services);
        services.iter_mut().for_each(|service| (service.number, service.ours) = (None, false));
        *seen(&mut snapshot.around.controllers) = vec![state(set("or"), desired, pods)];
        snapshot
    }

    fn found(snapshot: &Snapshot, code: Code) -> Vec<Finding> {
        report(snapshot).findings.into_iter().filter(|finding| finding.code == code).collect()
    }

    /// After a power cut, OrderedReady waits for a probe that waits for the cluster.
    #[test]
    fn a_controller_that_waits_for_a_probe_is_told_and_none_of_its_nodes_forgotten() {
        let mut snapshot = others(2, 6);
        snapshot.seen[0].member.state.ready = Some((false, 0));
        each_view(&mut snapshot, |view| view.cluster.ok = false);
        let missing = &found(&snapshot, Code::PodMissing)[0];
        assert_eq!((missing.subject.as_str(), missing.severity), ("or", Severity::Error));
        assert_eq!(missing.message, "StatefulSet or has 2 of 6 pods: it waits for or-0, whose readiness probe fails");
        assert!(missing.hint.contains("replace --force --cascade=orphan -f -"), "{}", missing.hint);
        let without = found(&snapshot, Code::NodeWithoutPod);
        assert_eq!(without.len(), 4);
        assert!(without.iter().all(|finding| finding.hint == missing.hint), "{without:#?}");
        // Nor are the slots of these given to others.
        each_view(&mut snapshot, |view| view.nodes.truncate(2));
        let uncovered = &found(&snapshot, Code::SlotsUncovered)[0];
        assert_eq!(uncovered.hint, missing.hint);
        // Just begun, it is only slow.
        snapshot.seen[0].member.state.ready = Some((false, 9_990));
        let missing = &found(&snapshot, Code::PodMissing)[0];
        assert_eq!(missing.severity, Severity::Warning);
        assert!(missing.hint.ends_with("describe pod or-0"), "{}", missing.hint);
        // What does not run has a finding of its own.
        trouble(&mut snapshot, 0, TroubleKind::CrashLoop);
        let missing = &found(&snapshot, Code::PodMissing)[0];
        assert_eq!(missing.message, "StatefulSet or has 2 of 6 pods: it waits for or-0, which does not run");
        assert!(!report(&snapshot).findings.iter().any(|finding| finding.hint.contains("cluster forget")));
    }

    /// All that it should have: what the cluster knows beyond that is gone for good, but for its slots.
    #[test]
    fn a_controller_with_all_its_pods_makes_no_more() {
        let mut snapshot = others(5, 5);
        assert_eq!(found(&snapshot, Code::PodMissing), []);
        assert!(found(&snapshot, Code::NodeWithoutPod)[0].hint.contains("cluster forget"));
        snapshot.seen.remove(0);
        *seen(&mut snapshot.around.controllers) = vec![state(set("or"), 4, 4)];
        let hints: Vec<String> =
            found(&snapshot, Code::NodeWithoutPod).into_iter().map(|finding| finding.hint).collect();
        assert_eq!(hints.len(), 2);
        assert!(hints.iter().any(|hint| hint.ends_with("scale statefulset or --replicas 6")), "{hints:?}");
        // Whoever may not list controllers does not know that.
        snapshot.around.controllers = Lookup::Denied("no".into());
        assert!(!report(&snapshot).findings.iter().any(|finding| finding.hint.contains("cluster forget")));
    }

    #[test]
    fn a_quota_that_forbids_pods_is_the_cause() {
        let why = "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
        let mut snapshot = others(2, 6);
        seen(&mut snapshot.around.controllers)[0].failure = Some(why.into());
        let missing = &found(&snapshot, Code::PodMissing)[0];
        assert_eq!(missing.message, "StatefulSet or has 2 of 6 pods: it cannot make more");
        assert_eq!(missing.evidence, why);
        assert!(missing.hint.ends_with("describe resourcequota small"), "{}", missing.hint);
        // Of a node of this tool it is told with the node.
        let mut snapshot = whole();
        trouble(&mut snapshot, 1, TroubleKind::NoPod);
        let number = snapshot.seen[1].member.number;
        let own = ControllerState { number, failure: Some(why.into()), ..state(set("redis-001-node-102"), 1, 0) };
        *seen(&mut snapshot.around.controllers) = vec![own.clone()];
        let all = report(&snapshot).findings;
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(all[0].evidence, format!("so it is: {why}"));
        // Scaled to none, or gone.
        *seen(&mut snapshot.around.controllers) = vec![ControllerState { desired: 0, failure: None, ..own }];
        let hint = found(&snapshot, Code::PodMissing)[0].hint.clone();
        assert_eq!(hint, "kubectl -n default scale statefulset redis-001-node-102 --replicas 1");
        seen(&mut snapshot.around.controllers).clear();
        let hint = found(&snapshot, Code::PodMissing)[0].hint.clone();
        assert_eq!(hint, "kubectl redis-cluster -n default create redis-001");
    }

    #[test]
    fn an_image_that_cannot_be_pulled_gets_the_others_image() {
        let mut snapshot = whole();
        for seen in &mut snapshot.seen {
            seen.member.state.image = Some("redis:8.0".into());
            seen.member.state.controller = Some(set(&seen.member.name));
        }
        trouble(&mut snapshot, 1, TroubleKind::Image);
        let hint = |snapshot: &Snapshot| found(snapshot, Code::ImageNotPulled)[0].hint.clone();
        // There is no other.
        assert!(hint(&snapshot).contains("describe pod"));
        let set = |snapshot: &mut Snapshot, controller: Option<Controller>| {
            let state = &mut snapshot.seen[1].member.state;
            (state.image, state.controller) = (Some("redis:nope".into()), controller);
        };
        let own = snapshot.seen[1].member.state.controller.clone();
        set(&mut snapshot, own);
        let expected = "kubectl -n default set image statefulset redis-001-node-102 redis=redis:8.0 && \
                        kubectl -n default delete pod redis-001-node-102-0";
        assert_eq!(hint(&snapshot), expected);
        set(&mut snapshot, Some(Controller { kind: "Deployment".into(), name: "dp".into() }));
        assert_eq!(hint(&snapshot), "kubectl -n default set image deployment dp redis=redis:8.0");
        set(&mut snapshot, None);
        assert_eq!(hint(&snapshot), "kubectl -n default set image pod redis-001-node-102-0 redis=redis:8.0");
    }
}
