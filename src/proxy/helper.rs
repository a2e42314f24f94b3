//! The pod that edits kube-proxy's manifest on a worker, and its scripts.
//!
//! The new file is written next to the directory that the kubelet watches, on the same file system,
//! and then renamed into it: the kubelet sees the old manifest or the new one, and nothing in
//! between. The old one is kept outside the directory, in which the kubelet would run it too.

use crate::manifest::names::HELPER;
use crate::manifest::object::{Object, POD};
use serde_json::json;

pub const HELPER_CONTAINER: &str = "helper";
/// The mount path of the worker's `/etc/kubernetes`.
const HOST: &str = "/host";
/// The kubelet's static pod directory on GKE.
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// The directory below `/etc/kubernetes` for the old manifest and the unfinished new one.
const SAFE: &str = "kubectl-redis-cluster";
/// The end marker of a script's input.
const END: &str = "kubectl-redis-cluster:end-of-manifest";

pub fn name(worker: &str) -> String {
    format!("redis-cluster-set-proxy-mode-{worker}")
}

/// Privileged, because it writes files of the worker. It waits for exec, and ends by itself after
/// `lifetime` seconds.
pub fn pod(worker: &str, namespace: &str, image: &str, lifetime: u64) -> Object {
    let value = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name(worker), "namespace": namespace, "labels": { HELPER: worker } },
        "spec": {
            "nodeName": worker,
            "tolerations": [{ "operator": "Exists" }],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": lifetime,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "hostNetwork": true,
            "containers": [{
                "name": HELPER_CONTAINER, "image": image, "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", "exec cat"], "stdin": true,
                "securityContext": { "privileged": true, "runAsUser": 0 },
                "volumeMounts": [{ "name": "kubernetes", "mountPath": HOST }],
            }],
            "volumes": [{ "name": "kubernetes", "hostPath": { "path": "/etc/kubernetes", "type": "Directory" } }],
        },
    });
    Object { kind: POD, value }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// For `sh -c`.
    pub text: String,
    /// Its standard input.
    pub input: String,
}

impl Script {
    fn without_input(text: String) -> Self {
        Self { text, input: String::new() }
    }
}

/// Prints every manifest after a line with its name, including kept old ones.
pub fn read() -> Script {
    Script::without_input(format!(
        "cd {HOST}/manifests || exit 1
         for file in *; do [ -f \"$file\" ] || continue; echo \"{END} $file\"; cat \"$file\"; done
         if [ -d {HOST}/{SAFE} ]; then cd {HOST}/{SAFE}; for file in *.old; do [ -f \"$file\" ] || continue; echo \"{END} old/$file\"; cat \"$file\"; done; fi"
    ))
}

/// Parses the output of [`read`]: name and text; kept old manifests are named `old/NAME.old`.
pub fn files(output: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in output.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix(END) {
            files.push((name.trim().to_owned(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files
}

/// Writes the new manifest next to the watched directory, and keeps the old one there. Changes
/// nothing that the kubelet sees. Prints what was written.
pub fn prepare(file: &str, manifest: &str) -> Script {
    Script {
        text: format!(
            "set -e; mkdir -p {HOST}/{SAFE}; cd {HOST}/{SAFE}
             cp -p '{HOST}/manifests/{file}' '{file}.new'
             while IFS= read -r line && [ \"$line\" != \"{END}\" ]; do printf '%s\\n' \"$line\"; done >'{file}.new'
             [ -f '{file}.old' ] || cp -p '{HOST}/manifests/{file}' '{file}.old'
             cat '{file}.new'"
        ),
        input: format!("{}\n{END}\n", manifest.strip_suffix('\n').unwrap_or(manifest)),
    }
}

/// Replaces the old manifest with the new one, atomically.
pub fn commit(file: &str) -> Script {
    Script::without_input(format!("mv '{HOST}/{SAFE}/{file}.new' '{HOST}/manifests/{file}'"))
}

/// Restores the old manifest, if one is kept, and removes all other files.
pub fn restore(file: &str) -> Script {
    Script::without_input(format!(
        "cd {HOST}/{SAFE} 2>/dev/null || exit 0
         if [ -f '{file}.old' ]; then mv '{file}.old' '{HOST}/manifests/{file}' || exit 1; fi
         rm -f '{file}.new'; cd /; rmdir {HOST}/{SAFE} 2>/dev/null || :"
    ))
}

/// Removes the old manifest and all temporary files.
pub fn tidy(file: &str) -> Script {
    Script::without_input(format!(
        "cd {HOST}/{SAFE} 2>/dev/null || exit 0
         rm -f '{file}.old' '{file}.new'; cd /; rmdir {HOST}/{SAFE} 2>/dev/null || :"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Runs a script in a local directory.
    fn run(folder: &std::path::Path, script: &Script) -> String {
        let text = script.text.replace(HOST, &folder.display().to_string());
        let mut child = Command::new("sh")
            .args(["-c", &text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), script.input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{text}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn worker() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("manifests")).expect("a folder");
        std::fs::write(folder.path().join("manifests/kube-proxy.manifest"), "old: 1\n").expect("written");
        std::fs::write(folder.path().join("manifests/other.yaml"), "other: 1\n").expect("written");
        folder
    }

    fn list(folder: &tempfile::TempDir) -> Vec<(String, String)> {
        files(&run(folder.path(), &read()))
    }

    const FILE: &str = "kube-proxy.manifest";
    const NEW: &str = "new: \"a\\b $x\"\n\n  - 'c'\n";

    #[test]
    fn a_change_and_its_end() {
        let folder = worker();
        let before = list(&folder);
        assert_eq!(before, [(FILE.into(), "old: 1\n".into()), ("other.yaml".into(), "other: 1\n".into())]);
        assert_eq!(run(folder.path(), &prepare(FILE, NEW)), NEW);
        assert_eq!(list(&folder)[..2], before, "the kubelet sees nothing yet");
        assert_eq!(list(&folder)[2], (format!("old/{FILE}.old"), "old: 1\n".into()));
        run(folder.path(), &commit(FILE));
        assert_eq!(list(&folder)[0].1, NEW);
        run(folder.path(), &tidy(FILE));
        assert_eq!(list(&folder).len(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_change_that_is_taken_back_at_any_moment() {
        for committed in [false, true] {
            let folder = worker();
            let before = list(&folder);
            run(folder.path(), &restore(FILE));
            run(folder.path(), &prepare(FILE, NEW));
            if committed {
                run(folder.path(), &commit(FILE));
                // Prepared once more, the oldest is still the one to go back to.
                run(folder.path(), &prepare(FILE, "newer: 1\n"));
            }
            run(folder.path(), &restore(FILE));
            assert_eq!(list(&folder), before);
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        }
    }
}
