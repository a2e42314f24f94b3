//! What the value of a flag names, where only the kubeconfig or the API server knows which
//! there are.

use clap::builder::ArgExt;

/// The values that a flag or argument can have, by where they are found. It stands at the flag
/// (`add = …`), and completion looks them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveValues {
    /// Clusters of ours.
    Clusters,
    /// Numbers of a cluster's nodes.
    NodeNumbers,
    /// Numbers of a cluster's shards.
    Shards,
    /// Namespaces.
    Namespaces,
    /// Kubernetes' nodes.
    Workers,
    /// Secrets.
    Secrets,
    /// Classes of volumes.
    StorageClasses,
    /// Classes of pods.
    PriorityClasses,
    /// The kubeconfig's contexts.
    Contexts,
    /// The kubeconfig's clusters.
    KubeconfigClusters,
    /// The kubeconfig's users.
    KubeconfigUsers,
}

impl ArgExt for LiveValues {}
