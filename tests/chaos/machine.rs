//! What hurts a node: below Kubernetes, on the machine that the throwaway one runs on.

use std::path::PathBuf;
use std::process::Command;
use testkit::{Namespace, aof};

/// SIGKILL, as a crash: no signal handler, no preStop.
pub fn kill(processes: &[u32]) {
    processes.iter().for_each(|process| signal("KILL", *process));
}

/// All processes of a pod's container that are a server, by the container's cgroup.
pub fn processes(namespace: &Namespace, pod: &str) -> Vec<u32> {
    let path = "jsonpath={.status.containerStatuses[0].containerID}";
    let id = namespace.kubectl(&["get", "pod", pod, "-o", path]).out;
    let Some(id) = id.strip_prefix("containerd://").filter(|id| !id.is_empty()) else { return Vec::new() };
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let read = |number: u32, file: &str| std::fs::read_to_string(format!("/proc/{number}/{file}")).unwrap_or_default();
    numbers.filter(|number| read(*number, "cgroup").contains(id) && read(*number, "comm").contains("-server")).collect()
}

/// A server stops, its volume loses all that it held, and the server dies.
pub fn lose_volume(process: u32) {
    signal("STOP", process);
    for entry in std::fs::read_dir(data_folder(process)).into_iter().flatten().flatten() {
        let path = entry.path();
        let gone = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        gone.expect("root removes what it likes");
    }
    signal("KILL", process);
}

/// A server stops, half of what it has written down was not on its slow disk yet, and the server
/// dies. In memory it is a plain crash.
pub fn lose_half_of_aof(process: u32) {
    signal("STOP", process);
    aof::lose_half(&data_folder(process));
    signal("KILL", process);
}

/// Through the process, since only its worker knows where the folder is.
fn data_folder(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/root/data"))
}

/// It may have ended by itself meanwhile.
fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
}
