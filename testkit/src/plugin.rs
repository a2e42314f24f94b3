//! kubectl and the plugin that was just built, on the Kubernetes at hand.

use crate::throwaway;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The variables that every command needs: the cluster, and a PATH on which kubectl
/// finds the plugin that was just built.
pub fn variables() -> &'static Vec<(String, String)> {
    static ENVIRONMENT: OnceLock<Vec<(String, String)>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut path = std::env::var("PATH").unwrap_or_default();
        let said = throwaway::script().arg("env").output().expect("tests/cluster/kube runs");
        let lines = String::from_utf8_lossy(&said.stdout).into_owned();
        let exported = |name: &str| lines.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        let kubeconfig = std::env::var("TEST_KUBECONFIG").ok().or(exported("KUBECONFIG").map(str::to_owned));
        let kubeconfig = kubeconfig.expect("no Kubernetes to test on; bring one up first: tests/cluster/kube up");
        if let Some(first) = exported("PATH").and_then(|text| text.strip_suffix(":$PATH")) {
            path = format!("{first}:{path}");
        }
        let folder = plugin_folder();
        let folder = folder.display();
        vec![
            ("PATH".into(), format!("{folder}:{path}")),
            ("KUBECONFIG".into(), kubeconfig),
            ("NO_COLOR".into(), "1".into()),
        ]
    })
}

/// A folder with nothing but the plugin: kubectl looks at all that begins with its name.
fn plugin_folder() -> PathBuf {
    plugin_linked("path", "kubectl-redis_cluster")
}

/// Where cargo has put the program: tests are in `deps` beside it.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("cargo's folder");
    folder.join("kubectl-redis_cluster")
}

/// A folder with nothing but the plugin, under this name. Made anew at each call: tests that run
/// at the same time share what one call made.
pub fn plugin_linked(folder: &str, name: &str) -> PathBuf {
    let built = built();
    assert!(built.exists(), "{} is not built", built.display());
    let folder = built.with_file_name("test-folders").join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::os::unix::fs::symlink(built, folder.join(name)).expect("a link");
    folder
}

/// A program with the environment of the tests.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.envs(variables().iter().cloned()).stdin(Stdio::null());
    command
}

/// The deadlines of a command and its arguments where the test names none: a machine that is busy
/// with other tests needs longer ones than a user's.
pub fn patient(arguments: &[&str]) -> Vec<&'static str> {
    let named = |flag: &str| arguments.iter().any(|word| word.starts_with(flag));
    let waits = ["create", "delete", "accept-loss", "check-proxy-mode", "set-gke-proxy-mode"];
    let mut added = Vec::new();
    if !named("--ask-timeout") {
        added.extend(["--ask-timeout", "30s"]);
    }
    if !named("--timeout") && arguments.first().is_some_and(|command| waits.contains(command)) {
        added.extend(["--timeout", "6m"]);
    }
    added
}
