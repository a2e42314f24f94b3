//! Which workers can take the pods of a spec.

use super::quantity::amount;
use super::spec::{Spec, Spread, Toleration};
use k8s_openapi::api::core::v1::{Node, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// Why a worker cannot take a pod, whatever else runs on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    Label(String),
    /// `KEY[=VALUE]:EFFECT`.
    Taint(String),
    /// The flag that asks for more than the worker has.
    Small(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub message: String,
    pub hints: Vec<String>,
}

/// None if there are enough workers for the nodes of one shard.
pub fn shortage(workers: &[Node], spec: &Spec) -> Option<Shortage> {
    let nodes = usize::from(spec.shape.replicas()) + 1;
    let wanted = if spec.placement.spread == Spread::Required { nodes } else { 1 };
    let unfit: Vec<Unfit> = workers.iter().filter_map(|worker| unfit(worker, spec)).collect();
    let usable = workers.len() - unfit.len();
    if usable >= wanted {
        return None;
    }
    let all = workers.len();
    let message = if wanted > 1 {
        format!("a shard needs {wanted} workers for its {wanted} nodes, {usable} of {all} are available")
    } else {
        format!("none of {all} workers can take a pod of this cluster")
    };
    let reasons = reasons(&unfit).into_iter().map(|(why, count)| hint(why, count, workers, spec));
    let share = (usable > 0 && wanted > 1).then(|| {
        "to let them share a worker, add --spread preferred; if that worker fails, keys may be lost".to_owned()
    });
    Some(Shortage { message, hints: reasons.chain(share).collect() })
}

/// How many workers each reason rules out.
fn reasons(unfit: &[Unfit]) -> BTreeMap<&Unfit, usize> {
    unfit.iter().fold(BTreeMap::new(), |mut counts, why| {
        *counts.entry(why).or_default() += 1;
        counts
    })
}

fn hint(why: &Unfit, count: usize, workers: &[Node], spec: &Spec) -> String {
    let have = if count == 1 { "1 worker has".to_owned() } else { format!("{count} workers have") };
    match why {
        Unfit::Label(label) => format!("{have} no label {label}, which --node-selector asks for"),
        Unfit::Taint(taint) => format!("{have} the taint {taint}: to tolerate it, add --toleration {taint}"),
        Unfit::Small(flag) => {
            let (resource, asked) = match *flag {
                "--cpu" => ("cpu", spec.resources.cpu.clone()),
                _ => ("memory", spec.resources.memory.to_string()),
            };
            let most = workers.iter().filter_map(|worker| allocatable(worker)?.get(resource));
            let most = most.max_by(|one, other| {
                amount(&one.0).partial_cmp(&amount(&other.0)).unwrap_or(std::cmp::Ordering::Equal)
            });
            let most = most.map_or("unknown", |most| &most.0);
            format!("{have} less than the {asked} that {flag} asks for (the largest has {most})")
        }
    }
}

fn allocatable(worker: &Node) -> Option<&BTreeMap<String, Quantity>> {
    worker.status.as_ref()?.allocatable.as_ref()
}

fn unfit(worker: &Node, spec: &Spec) -> Option<Unfit> {
    label(worker, spec).or_else(|| taint(worker, spec)).or_else(|| small(worker, spec))
}

fn label(worker: &Node, spec: &Spec) -> Option<Unfit> {
    let labels = worker.metadata.labels.as_ref();
    let has = |name: &String, value: &String| labels.and_then(|labels| labels.get(name)) == Some(value);
    let missing = spec.placement.node_selector.iter().find(|(name, value)| !has(name, value));
    missing.map(|(name, value)| Unfit::Label(format!("{name}={value}")))
}

fn taint(worker: &Node, spec: &Spec) -> Option<Unfit> {
    let taints = worker.spec.as_ref()?.taints.as_ref()?;
    let is_tolerated = |taint: &Taint| spec.placement.tolerations.iter().any(|each| tolerates(each, taint));
    let taint = taints.iter().find(|taint| taint.effect != "PreferNoSchedule" && !is_tolerated(taint))?;
    let value = taint.value.as_ref().filter(|value| !value.is_empty()).map(|value| format!("={value}"));
    Some(Unfit::Taint(format!("{}{}:{}", taint.key, value.unwrap_or_default(), taint.effect)))
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    toleration.key == taint.key
        && toleration.value.as_ref().is_none_or(|value| Some(value) == taint.value.as_ref())
        && toleration.effect.as_ref().is_none_or(|effect| *effect == taint.effect)
}

fn small(worker: &Node, spec: &Spec) -> Option<Unfit> {
    let resources = allocatable(worker)?;
    let lacks = |resource: &str, asked: &str| {
        let has = resources.get(resource).and_then(|has| amount(&has.0));
        has.zip(amount(asked)).is_some_and(|(has, asked)| has < asked)
    };
    let cpu = lacks("cpu", &spec.resources.cpu).then_some("--cpu");
    let memory = || lacks("memory", &spec.resources.memory.to_string()).then_some("--memory");
    cpu.or_else(memory).map(Unfit::Small)
}

#[cfg(test)]
mod tests {
    use super::super::assembly::tests::spec;
    use super::*;
    use serde_json::{Value, json};

    fn worker(labels: &Value, taint: Option<&str>) -> Node {
        let taints = taint.map(|key| json!([{ "key": key, "value": "x", "effect": "NoSchedule" }]));
        serde_json::from_value(json!({ "metadata": { "labels": labels }, "spec": { "taints": taints },
            "status": { "allocatable": { "cpu": "1930m", "memory": "8127568Ki" } } }))
        .expect("a worker")
    }

    fn workers() -> Vec<Node> {
        vec![
            worker(&json!({ "disk": "ssd" }), None),
            worker(&json!({}), None),
            worker(&json!({ "disk": "ssd" }), Some("gpu")),
        ]
    }

    fn said(change: impl FnOnce(&mut Spec)) -> String {
        let mut spec = spec();
        change(&mut spec);
        let Some(shortage) = shortage(&workers(), &spec) else { return "none".into() };
        [vec![shortage.message], shortage.hints].concat().join("\n")
    }

    #[test]
    fn enough() {
        assert_eq!(said(|_| ()), "none");
        assert_eq!(said(|spec| spec.resources.cpu = "1.93".into()), "none");
        // A worker that does not say what it has is not judged.
        let silent = vec![Node::default(), Node::default()];
        let mut spec = spec();
        spec.resources.cpu = "100".into();
        assert_eq!(shortage(&silent, &spec), None);
    }

    #[test]
    fn why_not() {
        insta::assert_snapshot!(said(|spec| spec.placement.node_selector = vec![("disk".into(), "ssd".into())]), @r"
        a shard needs 2 workers for its 2 nodes, 1 of 3 are available
        1 worker has no label disk=ssd, which --node-selector asks for
        1 worker has the taint gpu=x:NoSchedule: to tolerate it, add --toleration gpu=x:NoSchedule
        to let them share a worker, add --spread preferred; if that worker fails, keys may be lost
        ");
        // What cannot help is not offered.
        insta::assert_snapshot!(said(|spec| spec.placement.node_selector = vec![("x".into(), "y".into())]), @r"
        a shard needs 2 workers for its 2 nodes, 0 of 3 are available
        3 workers have no label x=y, which --node-selector asks for
        ");
        insta::assert_snapshot!(said(|spec| {
            spec.resources.cpu = "100".into();
            spec.placement.spread = Spread::None;
        }), @r"
        none of 3 workers can take a pod of this cluster
        1 worker has the taint gpu=x:NoSchedule: to tolerate it, add --toleration gpu=x:NoSchedule
        2 workers have less than the 100 that --cpu asks for (the largest has 1930m)
        ");
        assert!(
            said(|spec| spec.resources.memory = "9Gi".parse().expect("a size")).contains("(the largest has 8127568Ki)")
        );
    }
}
