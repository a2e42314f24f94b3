//! The workers of the Kubernetes at hand, whatever they are called.

use crate::plugin::program;
use crate::process::run;
use serde_json::Value;

/// A worker as a test needs it.
pub struct Worker {
    pub name: String,
    /// Its label `kubernetes.io/hostname`: some Kubernetes name it otherwise than the worker.
    pub hostname: String,
    /// Whether pods that tolerate nothing run there.
    pub takes_pods: bool,
}

/// All workers.
pub fn workers() -> Vec<Worker> {
    let list = run(program("kubectl").args(["get", "nodes", "-o", "json"])).json();
    list["items"].as_array().expect("a list").iter().map(worker).collect()
}

fn worker(node: &Value) -> Worker {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&node["metadata"]["name"]);
    let hostname = text(&node["metadata"]["labels"]["kubernetes.io/hostname"]);
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let takes_pods = taints.into_iter().all(|taint| taint["effect"] == "PreferNoSchedule");
    Worker { name, hostname, takes_pods }
}

/// The names of all objects of a kind that belongs to no namespace.
pub fn names(kind: &str) -> Vec<String> {
    let path = "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}";
    run(program("kubectl").args(["get", kind, "-o", path])).ok().lines().map(str::to_owned).collect()
}
