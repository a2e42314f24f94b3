//! Secrets and ConfigMaps that the pods refer to and that are gone. The servers that run do not need
//! them any more; no pod starts without them.

use super::context::{CheckContext, list};
use crate::cluster::commands::quoted;
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::{Configuration, Labels, Reference};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    context.around().lost_configuration.iter().map(|reference| lost(context, reference)).collect()
}

fn lost(context: &CheckContext<'_>, reference: &Reference) -> Finding {
    let (code, kind) = match reference.kind {
        Configuration::Secret => (Code::SecretMissing, "Secret"),
        Configuration::ConfigMap => (Code::ConfigMapMissing, "ConfigMap"),
    };
    let needs = |member: &&Member| {
        member.state.needs.iter().any(|need| need.kind == reference.kind && need.name == reference.name)
    };
    let users: Vec<&Member> = context.snapshot.seen.iter().map(|seen| &seen.member).filter(needs).collect();
    let hint = from_pod(context, reference, &users).unwrap_or_else(|| otherwise(context, reference, &users));
    code.found(
        &reference.name,
        format!("{kind} {} does not exist: a pod that restarts cannot start any more", reference.name),
        format!("needed by {}", list(users.iter().map(|member| &member.name))),
        hint,
    )
}

/// The Secret again, from the environment of a server that runs, without showing it.
fn from_pod(context: &CheckContext<'_>, reference: &Reference, users: &[&Member]) -> Option<String> {
    let only = reference.variables.iter().next().filter(|_| reference.variables.len() == 1 && !reference.has_more);
    let (key, variable) = only.filter(|_| reference.kind == Configuration::Secret)?;
    let member = users.iter().find(|member| member.state.trouble.is_none())?;
    let (pod, shell, name) = (member.pod.as_ref()?, member.shell.as_ref()?, quoted(&reference.name));
    let print = quoted(&format!("printf %s \"${variable}\""));
    let read = context.hints.kubectl(&format!("exec {pod} -c {} -- sh -c {print}", quoted(&shell.container)));
    let file = quoted(&format!("{key}=/dev/stdin"));
    let create = context.hints.kubectl(&format!("create secret generic {name} --from-file={file}"));
    let label = (!reference.labels.is_empty()).then(|| {
        format!(" && {}", context.hints.kubectl(&format!("label secret {name} {}", words(&reference.labels))))
    });
    Some(format!("{read} | {create}{}", label.unwrap_or_default()))
}

fn words(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// What this tool made, it makes again: it says which flags fit. All else is where it came from.
fn otherwise(context: &CheckContext<'_>, reference: &Reference, users: &[&Member]) -> String {
    match users.first() {
        _ if !reference.labels.is_empty() => context.hints.create(),
        Some(member) => context.hints.describe(member),
        None => context.hints.pods(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::finding::Severity;
    use crate::cluster::health::tests::{report, trouble, whole};
    use crate::cluster::snapshot::Snapshot;
    use crate::cluster::surroundings::TroubleKind;

    fn lost(reference: &Reference) -> Snapshot {
        let mut snapshot = whole();
        snapshot.seen.iter_mut().for_each(|seen| seen.member.state.needs = vec![reference.clone()]);
        snapshot.around.lost_configuration = [reference.clone()].into();
        snapshot
    }

    fn secret() -> Reference {
        Reference {
            kind: Configuration::Secret,
            name: "redis-001".into(),
            variables: [("password".into(), "REDISCLI_AUTH".into())].into(),
            has_more: false,
            labels: [("a".into(), "b".into())].into(),
        }
    }

    fn hint(snapshot: &Snapshot) -> String {
        let all = report(snapshot).findings;
        let found = all.iter().find(|finding| [Code::SecretMissing, Code::ConfigMapMissing].contains(&finding.code));
        found.expect("found").hint.clone()
    }

    #[test]
    fn a_password_comes_back_from_a_pod_that_runs() {
        let mut snapshot = lost(&secret());
        let all = report(&snapshot).findings;
        assert_eq!((all.len(), all[0].code, all[0].severity), (1, Code::SecretMissing, Severity::Warning));
        let expected = "kubectl -n default exec redis-001-node-102-0 -c redis -- sh -c 'printf %s \"$REDISCLI_AUTH\"' | \
                        kubectl -n default create secret generic redis-001 --from-file=password=/dev/stdin && \
                        kubectl -n default label secret redis-001 a=b";
        trouble(&mut snapshot, 0, TroubleKind::Container);
        assert_eq!(hint(&snapshot), expected);
        // No pod has it any more: whoever made it does so again.
        (0..6).for_each(|index| trouble(&mut snapshot, index, TroubleKind::Container));
        assert_eq!(hint(&snapshot), "kubectl redis-cluster -n default create redis-001");
    }

    #[test]
    fn what_no_variable_has_comes_from_where_it_came() {
        let whole = Reference { has_more: true, ..secret() };
        assert_eq!(hint(&lost(&whole)), "kubectl redis-cluster -n default create redis-001");
        let others = Reference { labels: Labels::new(), ..whole };
        assert!(hint(&lost(&others)).contains("describe pod"));
        let map = Reference { kind: Configuration::ConfigMap, ..secret() };
        assert_eq!(hint(&lost(&map)), "kubectl redis-cluster -n default create redis-001");
    }
}
