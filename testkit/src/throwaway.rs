//! The throwaway Kubernetes as a test hurts it.

use crate::patience::until;
use crate::plugin::program;
use crate::process::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `tests/cluster/kube`.
pub fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests/cluster/kube"))
}

/// Where it keeps everything of the cluster that runs.
pub fn state_folder() -> PathBuf {
    "/var/lib/kubectl-redis-cluster-throwaway".into()
}

/// One of its commands, which must go well.
pub fn kube(arguments: &[&str]) {
    let output = script().args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until every worker takes pods, which may be later than Kubernetes calls it ready: with
/// less than three of them two masters share one.
pub fn wait_for_workers() {
    let state =
        "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].status}{.spec.taints}{\"\\n\"}{end}";
    until(60, "every worker to take pods", || {
        let said = run(program("kubectl").args(["get", "nodes", "-o", state]));
        said.code == Some(0) && said.out.lines().all(|state| state == "True")
    });
}

/// The throwaway cluster's own marker decides, not its name.
pub fn refuse_other_clusters() {
    let marker = ["-n", "kube-system", "get", "configmap", "kubectl-redis-cluster-throwaway"];
    let there = run(program("kubectl").args(marker));
    assert_eq!(there.code, Some(0), "this is not the throwaway Kubernetes: {}", there.err);
}
