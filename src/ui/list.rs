//! The table of `list`.

use super::human::{age, table};
use serde::Serialize;

/// A cluster, from its controllers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRow {
    pub name: String,
    pub namespace: String,
    pub shards: usize,
    /// Of each shard; the largest number if they differ.
    pub replicas: usize,
    pub nodes_ready: usize,
    pub nodes_wanted: usize,
    /// `StatefulSet` or `ReplicationController`.
    pub workload: String,
    pub image: String,
    /// Of the oldest object, in RFC 3339.
    pub created_at: Option<String>,
    /// Only with `--state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    pub namespace: bool,
    pub state: bool,
    pub header: bool,
}

/// `now` in seconds since 1970.
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
