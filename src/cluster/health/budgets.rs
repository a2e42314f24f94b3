//! PodDisruptionBudgets: how many pods a drain may evict at once.

use super::context::{CheckContext, list};
use crate::cluster::commands::{ClusterRef, quoted};
use crate::cluster::finding::{Code, Finding, Severity};
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::{Budget, INSTANCE, carries};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(budgets) = context.around().budgets.seen() else { return Vec::new() };
    let pods: Vec<&Member> =
        context.snapshot.seen.iter().map(|seen| &seen.member).filter(|member| member.pod.is_some()).collect();
    // A selector with expressions may cover any pod.
    let all_known = budgets.iter().all(|budget| budget.selector.is_some());
    let mut findings = Vec::new();
    findings.extend(missing(context, budgets, &pods).filter(|_| all_known));
    findings.extend(budgets.iter().filter_map(|budget| useless(context, budget, &pods)));
    findings.extend(overlap(context, budgets, &pods));
    findings
}

fn covers(budget: &Budget, member: &Member) -> bool {
    budget.selector.as_ref().is_some_and(|selector| carries(&member.state.labels, selector))
}

fn missing(context: &CheckContext<'_>, budgets: &[Budget], pods: &[&Member]) -> Option<Finding> {
    let bare: Vec<&str> = pods
        .iter()
        .filter(|pod| !budgets.iter().any(|budget| covers(budget, pod)))
        .map(|pod| pod.name.as_str())
        .collect();
    let severity = if pods.len() > 1 { Severity::Warning } else { Severity::Info };
    (!bare.is_empty()).then(|| {
        let (name, selector) = match &context.snapshot.cluster {
            ClusterRef::Selected(selector) => ("redis-cluster", selector.clone()),
            ClusterRef::Named(name) => (name.as_str(), format!("{INSTANCE}={name}")),
        };
        let selector = quoted(&selector);
        Code::BudgetMissing
            .found(
                context.snapshot.name(),
                "no PodDisruptionBudget covers the nodes: a drain may evict a whole shard at once".into(),
                format!("not covered: {}", list(&bare)),
                context
                    .hints
                    .kubectl(&format!("create poddisruptionbudget {name} --selector {selector} --max-unavailable 1")),
            )
            .at(severity)
    })
}

/// How many of `covered` pods may be evicted at once. Percentages are rounded up, as in Kubernetes.
fn allowed(budget: &Budget, covered: usize) -> Option<usize> {
    let scaled = |text: &str| match text.strip_suffix('%') {
        Some(percent) => Some((percent.parse::<usize>().ok()? * covered).div_ceil(100)),
        None => text.parse().ok(),
    };
    match (&budget.max_unavailable, &budget.min_available) {
        (Some(most), _) => scaled(most),
        (None, Some(least)) => Some(covered.saturating_sub(scaled(least)?)),
        // Kubernetes' default: minAvailable 1.
        (None, None) => Some(covered.saturating_sub(1)),
    }
}

fn useless(context: &CheckContext<'_>, budget: &Budget, pods: &[&Member]) -> Option<Finding> {
    let covered = pods.iter().filter(|pod| covers(budget, pod)).count();
    let allowed = allowed(budget, covered).filter(|_| covered > 0)?;
    let shards = &context.topology.shards;
    let shard = shards.iter().find(|shard| {
        let nodes = std::iter::once(&shard.master).chain(&shard.replicas);
        let covered = nodes.filter(|node| covers(budget, &node.member)).count();
        covered > 1 && allowed >= covered
    });
    let masters = context.topology.owners().filter(|owner| covers(budget, &owner.member)).count();
    let majority = masters > 2 && allowed * 2 >= masters;
    let what = match (shard, majority) {
        (Some(shard), _) => format!("all of shard {}", shard.number),
        (None, true) => "a majority of masters".to_owned(),
        (None, false) => return None,
    };
    Some(Code::BudgetUseless.found(
        &budget.name,
        format!("PodDisruptionBudget {} allows the eviction of {what} at once", budget.name),
        format!("{allowed} of the {covered} pods that it covers may be unavailable"),
        context.hints.kubectl(&format!(
            "patch poddisruptionbudget {} --type merge -p '{{\"spec\":{{\"minAvailable\":null,\"maxUnavailable\":1}}}}'",
            budget.name
        )),
    ))
}

fn overlap(context: &CheckContext<'_>, budgets: &[Budget], pods: &[&Member]) -> Option<Finding> {
    let (pod, both) = pods.iter().find_map(|pod| {
        let both: Vec<&Budget> = budgets.iter().filter(|budget| covers(budget, pod)).collect();
        (both.len() > 1).then_some((pod, both))
    })?;
    // The cluster's own budget stays, and that of most of its pods.
    let reach = |budget: &Budget| pods.iter().filter(|pod| covers(budget, pod)).count();
    let worth = |budget: &Budget| {
        let is_useless = useless(context, budget, pods).is_some();
        (!is_useless, budget.name == context.snapshot.name(), reach(budget))
    };
    let worst = both.iter().rev().min_by_key(|budget| worth(budget))?;
    let names = list(both.iter().map(|budget| &budget.name));
    Some(Code::BudgetsOverlap.found(
        &names,
        "two PodDisruptionBudgets cover one pod: it can never be evicted, and drains hang".into(),
        format!("{} is covered by {names}", pod.name),
        context.hints.kubectl(&format!("delete poddisruptionbudget {}", worst.name)),
    ))
}
