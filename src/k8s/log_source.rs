//! Which log to read, and what of it.

use super::server_container::{ServerChoice, server_container};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

/// Options with the meanings of `kubectl logs`.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// None for the server's container.
    pub container: Option<String>,
    /// Which container is the server's.
    pub choice: ServerChoice,
    pub since: Option<Timestamp>,
    /// Lines of recent log to show per container.
    pub tail: Option<i64>,
    /// The previous container's log.
    pub previous: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    pub pod: String,
    pub container: String,
    /// The pod's UID: a StatefulSet's next pod has the same name.
    pub uid: String,
}

impl LogSource {
    pub fn of(pod: &Pod, options: &LogOptions) -> Option<Self> {
        let container =
            options.container.clone().or_else(|| Some(server_container(pod, &options.choice)?.name.clone()))?;
        Some(Self { pod: pod.metadata.name.clone()?, container, uid: pod.metadata.uid.clone().unwrap_or_default() })
    }
}
