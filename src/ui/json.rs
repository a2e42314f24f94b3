//! The stable JSON and YAML forms. Unknown values are null, never left out.

use crate::cluster::finding::Finding;
use crate::cluster::health::{FailureImpact, Gap, Report, failure_impacts};
use crate::cluster::node::{NodeId, Role};
use crate::cluster::snapshot::Snapshot;
use crate::cluster::topology::{NodeFacts, SlotCounts, Topology};
use serde::Serialize;
use serde_json::{Value, json};

pub const API_VERSION: &str = "kubectl-redis-cluster/v1";

/// `info -o json` and `check -o json`.
pub fn cluster_info(snapshot: &Snapshot, topology: &Topology, report: &Report) -> Value {
    let slots = topology.slots.map(|SlotCounts { assigned, ok, pfail, fail }| {
        json!({ "assigned": assigned, "ok": ok, "pfail": pfail, "fail": fail })
    });
    let shards: Vec<Value> = topology
        .shards
        .iter()
        .map(|shard| {
            json!({
                "shard": shard.number,
                "slots": shard.slots.ranges().iter().map(ToString::to_string).collect::<Vec<_>>(),
                "master": NodeJson::of(&shard.master),
                "replicas": shard.replicas.iter().map(NodeJson::of).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "apiVersion": API_VERSION,
        "kind": "ClusterInfo",
        "metadata": { "name": snapshot.name(), "namespace": snapshot.caller.namespace },
        "status": {
            "state": topology.state.as_str(),
            "agree": topology.agree,
            "slots": slots,
            "shards": shards,
            "unassigned": topology.unassigned.iter().map(NodeJson::of).collect::<Vec<_>>(),
            "losses": failure_impacts(topology).iter().map(impact).collect::<Vec<_>>(),
        },
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "notChecked": report.gaps.iter().map(gap).collect::<Vec<_>>(),
    })
}

fn impact(impact: &FailureImpact) -> Value {
    json!({
        "place": impact.domain.as_str(),
        "name": impact.name,
        "nodes": impact.nodes,
        "masters": impact.masters,
        "shardsLost": impact.shards,
        "majorityLeft": impact.majority_left,
    })
}

fn gap(gap: &Gap) -> Value {
    json!({ "what": gap.what, "why": gap.why, "matters": gap.matters })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.code.name(),
        "severity": finding.severity.as_str(),
        "subject": finding.subject,
        "message": finding.message,
        "evidence": finding.evidence,
        "hint": finding.hint,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeJson<'a> {
    node: &'a str,
    id: Option<&'a str>,
    pod: Option<&'a str>,
    worker: Option<&'a str>,
    zone: Option<&'a str>,
    #[serde(rename = "podIP")]
    pod_ip: Option<&'a str>,
    address: Option<String>,
    role: Option<&'static str>,
    flags: Option<Vec<&'a str>>,
    link_up: Option<bool>,
    lag_bytes: Option<u64>,
    keys: Option<u64>,
    used_memory_bytes: Option<u64>,
    max_memory_bytes: Option<u64>,
    uptime_seconds: Option<u64>,
    version: Option<&'a str>,
    scripts: Option<&'a str>,
    reachable: bool,
    error: Option<String>,
    ignored_by: &'a [String],
}

impl<'a> NodeJson<'a> {
    fn of(node: &'a NodeFacts) -> Self {
        let server = node.server.as_ref();
        Self {
            node: &node.member.name,
            id: node.id.as_ref().map(NodeId::as_str),
            pod: node.member.pod.as_deref(),
            worker: node.member.worker.as_deref(),
            zone: node.member.zone.as_deref(),
            pod_ip: node.member.pod_ip.as_deref(),
            address: node.endpoint.as_ref().map(ToString::to_string),
            role: node.role.map(Role::as_str),
            flags: node.flags.as_ref().map(|flags| flags.iter().collect()),
            link_up: server.and_then(|server| server.link_up),
            lag_bytes: node.lag,
            keys: server.map(|server| server.keys),
            used_memory_bytes: server.and_then(|server| server.used_memory),
            max_memory_bytes: server.and_then(|server| server.max_memory),
            uptime_seconds: server.and_then(|server| server.uptime_seconds),
            version: server.and_then(|server| server.version.as_deref()),
            scripts: server.and_then(|server| server.scripts.as_deref()),
            reachable: node.is_reachable(),
            error: node.error.as_ref().map(ToString::to_string),
            ignored_by: &node.ignored_by,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Indented JSON
    Json,
    /// YAML
    Yaml,
}

impl Form {
    pub fn text(self, value: &Value) -> String {
        match self {
            Self::Json => pretty(value),
            Self::Yaml => yaml(value),
        }
    }
}

/// Indented like kubectl's JSON.
pub fn pretty(value: &Value) -> String {
    let mut text = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, indented);
    // Writing a Value to memory cannot fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&text).into_owned()
}

pub fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|_| pretty(value)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::health::check;
    use crate::cluster::topology::tests::healthy;

    #[test]
    fn the_stable_form() {
        let mut snapshot = healthy();
        snapshot.seen.truncate(2);
        snapshot.seen[1].view = Err("no response within 3s".into());
        let topology = Topology::of(&snapshot);
        insta::assert_snapshot!(pretty(&cluster_info(&snapshot, &topology, &check(&snapshot, &topology))));
    }
}
