//! The arguments that say which cluster a reading command means.

use crate::cluster::membership::{Group, groups};
use crate::cluster::snapshot::Snapshot;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::Which;

/// Which cluster.
#[derive(Clone, Debug, clap::Args)]
pub struct TargetArgs {
    /// The cluster; the namespace's only one when not given
    #[arg(add = LiveValues::Clusters)]
    pub name: Option<String>,
    /// The Redis pods that match these labels, whoever made them
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "name")]
    pub selector: Option<String>,
}

impl TargetArgs {
    /// Finds the cluster that is meant.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub async fn which(&self, context: &Context) -> Result<Which, Error> {
        context.which(self.name.as_deref(), self.selector.as_deref()).await
    }
}

/// Refuses pods of more than one cluster, where they cannot be shown as one.
///
/// # Errors
/// An error that names the clusters.
pub fn only_one(snapshot: &Snapshot) -> Result<(), Error> {
    let groups: Vec<Group> = groups(snapshot).into_iter().filter(|group| !group.is_stray(snapshot)).collect();
    if groups.len() < 2 {
        return Ok(());
    }
    let names: Vec<String> =
        groups.iter().map(|group| format!("{} ({} nodes)", group.name, group.members.len())).collect();
    Err(Error::user(format!(
        "\"{}\" matches the nodes of {} clusters: {}",
        snapshot.name,
        groups.len(),
        names.join(", ")
    ))
    .hint("select one of them with more labels; list -l, logs -l and info -o raw -l show all"))
}
