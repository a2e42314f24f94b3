//! The arguments that say which cluster a reading command means.

use crate::cluster::membership::{Group, groups};
use crate::cluster::snapshot::Snapshot;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::Which;

#[derive(Clone, Debug, clap::Args)]
pub struct TargetArgs {
    /// Name of the cluster (default: the only one in the namespace)
    #[arg(add = LiveValues::Clusters)]
    pub name: Option<String>,
    /// Label selector for the Redis pods of any tool
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "name")]
    pub selector: Option<String>,
}

impl TargetArgs {
    /// # Errors
    /// If there is none or more than one.
    pub async fn which(&self, context: &Context) -> Result<Which, Error> {
        context.which(self.name.as_deref(), self.selector.as_deref()).await
    }
}

/// Rejects pods of more than one cluster.
///
/// # Errors
/// Names the clusters.
pub fn only_one(snapshot: &Snapshot) -> Result<(), Error> {
    let groups: Vec<Group> = groups(snapshot).into_iter().filter(|group| !group.is_stray(snapshot)).collect();
    if groups.len() < 2 {
        return Ok(());
    }
    let names: Vec<String> =
        groups.iter().map(|group| format!("{} ({} nodes)", group.name, group.members.len())).collect();
    Err(Error::user(format!(
        "\"{}\" matches the nodes of {} clusters: {}",
        snapshot.name(),
        groups.len(),
        names.join(", ")
    ))
    .hint("select one of them with more labels; list -l, logs -l and info -o raw -l show all"))
}
