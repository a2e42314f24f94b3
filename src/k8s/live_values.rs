//! Values of flags that only the kubeconfig or the API server knows.

use clap::builder::ArgExt;

/// A flag or argument has it as an extension (`add = …`), and completion looks the values up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveValues {
    Clusters,
    NodeNumbers,
    Shards,
    Namespaces,
    /// Kubernetes nodes.
    Workers,
    Secrets,
    StorageClasses,
    PriorityClasses,
    Contexts,
    KubeconfigClusters,
    KubeconfigUsers,
}

impl ArgExt for LiveValues {}
