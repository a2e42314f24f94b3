//! Clusters in a list.

use super::human::{age, table};
use serde::Serialize;

/// A cluster as its controllers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRow {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Shards.
    pub shards: usize,
    /// Replicas of each shard; of the largest where they differ.
    pub replicas: usize,
    /// Nodes whose pod is ready.
    pub nodes_ready: usize,
    /// Nodes in all.
    pub nodes_wanted: usize,
    /// `StatefulSet` or `ReplicationController`.
    pub workload: String,
    /// The server's image.
    pub image: String,
    /// When the first object was made, in RFC 3339.
    pub created_at: Option<String>,
    /// The state that the nodes report, when they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// What the columns of the list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The namespace comes first.
    pub namespace: bool,
    /// The nodes were asked for their state.
    pub state: bool,
    /// The header line is shown.
    pub header: bool,
}

/// The table. `now` in seconds since 1970.
pub fn render(rows: &[ClusterRow], columns: Columns, now: i64) -> String {
    let mut header = vec!["NAME", "SHARDS", "NODES", "WORKLOAD", "IMAGE", "AGE"];
    if columns.state {
        header.insert(1, "STATE");
    }
    if columns.namespace {
        header.insert(0, "NAMESPACE");
    }
    let row = |row: &ClusterRow| {
        let mut cells = vec![
            row.name.clone(),
            row.shards.to_string(),
            format!("{}/{}", row.nodes_ready, row.nodes_wanted),
            row.workload.clone(),
            row.image.clone(),
            row.age(now),
        ];
        if columns.state {
            cells.insert(1, row.state.clone().unwrap_or_else(|| "<unknown>".into()));
        }
        if columns.namespace {
            cells.insert(0, row.namespace.clone());
        }
        cells
    };
    table(if columns.header { &header } else { &[] }, rows.iter().map(row).collect())
}

impl ClusterRow {
    fn age(&self, now: i64) -> String {
        let created = self.created_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let seconds = created.map(|created| u64::try_from(now - created.as_second()).unwrap_or(0));
        seconds.map_or_else(|| "<unknown>".into(), age)
    }
}
