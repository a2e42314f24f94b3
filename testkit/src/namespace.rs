//! A namespace of its own for every test, and the commands as a user types them.

use crate::patience::until;
use crate::plugin::{patient, program};
use crate::process::{Said, feed, run};
use crate::replies::all_answered;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

pub struct Namespace {
    pub name: String,
}

impl Namespace {
    /// A new one, deleted at the end; when the test fails, its state is printed first.
    pub fn new(test: &str) -> Self {
        let unique = std::process::id() ^ Instant::now().elapsed().subsec_nanos();
        let name = format!("krc-{test}-{unique:x}");
        run(program("kubectl").args(["create", "namespace", &name])).ok();
        run(program("kubectl").args(["label", "namespace", &name, "kubectl-redis-cluster/test=true"])).ok();
        let namespace = Self { name };
        until(30, "the default service account", || {
            namespace.kubectl(&["get", "serviceaccount", "default"]).code == Some(0)
        });
        namespace
    }

    /// kubectl in this namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        run(&mut self.kubectl_command(arguments))
    }

    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = program("kubectl");
        command.args(["-n", &self.name]).args(arguments);
        command
    }

    /// The plugin in this namespace, through kubectl.
    pub fn plugin(&self, arguments: &[&str]) -> Said {
        run(&mut self.plugin_command(arguments))
    }

    pub fn plugin_command(&self, arguments: &[&str]) -> Command {
        let mut command = program("kubectl");
        command.arg("redis-cluster").args(arguments).args(patient(arguments)).args(["-n", &self.name]);
        command
    }

    /// `kubectl apply -f -` of this text.
    pub fn apply(&self, manifest: &str) -> Said {
        feed(program("kubectl").args(["-n", &self.name, "apply", "-f", "-"]), manifest)
    }

    /// redis-cli in a pod, in cluster mode, with these lines as its input.
    pub fn redis(&self, pod: &str, lines: &str) -> String {
        feed(program("kubectl").args(["-n", &self.name, "exec", "-i", pod, "--", "redis-cli", "-c"]), lines).ok()
    }

    /// The replies to lines of GET or SET through a pod, each given once, when every shard answers.
    pub fn answers(&self, pod: &str, lines: &str) -> Vec<String> {
        let mut replies = None;
        until(30, "an answer to every line", || {
            replies = all_answered(&self.redis(pod, lines), lines.lines().count());
            replies.is_some()
        });
        replies.unwrap_or_default()
    }

    /// A list of values by JSONPath, one a line.
    pub fn values(&self, arguments: &[&str], path: &str) -> Vec<String> {
        let path = format!("jsonpath={{range .items[*]}}{path}{{\"\\n\"}}{{end}}");
        let said = run(program("kubectl").args(["-n", &self.name, "get"]).args(arguments).args(["-o", &path])).ok();
        said.lines().map(str::to_owned).collect()
    }

    /// The password in a cluster's own Secret.
    pub fn password(&self, cluster: &str) -> String {
        let template = "go-template={{.data.password | base64decode}}";
        self.kubectl(&["get", "secret", cluster, "-o", template]).ok()
    }

    /// The cluster's state by every node's own word. Other tests keep the machine busy.
    pub fn info(&self, arguments: &[&str]) -> Value {
        self.plugin(&[&["info", "-o", "json", "--ask-timeout", "10s"], arguments].concat()).json()
    }

    /// Waits until a cluster is what it should be, and returns what was seen then.
    pub fn wait_ok(&self, arguments: &[&str]) -> Value {
        let mut info = Value::Null;
        until(90, "the cluster to be ok", || {
            let said = self.plugin(&[&["info", "-o", "json", "--ask-timeout", "10s"], arguments].concat());
            info = serde_json::from_str(&said.out).unwrap_or_default();
            info["status"]["state"] == "ok" && info["status"]["agree"] == true
        });
        info
    }

    /// Waits until the API server has heard of a user's right.
    pub fn wait_until_may(&self, user: &str, verb: &str, resource: &str) {
        until(30, &format!("{user} to be known to the API server"), || {
            self.kubectl(&["auth", "can-i", verb, resource, "--as", user]).out.trim() == "yes"
        });
    }

    /// Nothing is asked of what it prints: the API server may be what failed.
    fn dump(&self) {
        for arguments in [&["get", "pods,sts,rc,svc,pvc", "-o", "wide"][..], &["get", "events"]] {
            let said = self.kubectl(arguments);
            eprintln!("--- kubectl {}\n{}{}", arguments.join(" "), said.out, said.err);
        }
        let instance = "jsonpath={.items[*].metadata.labels.app\\.kubernetes\\.io/instance}";
        let clusters = self.kubectl(&["get", "services", "-o", instance]).out;
        for cluster in clusters.split_whitespace().collect::<BTreeSet<_>>() {
            let said = self.plugin(&["info", cluster]);
            eprintln!("--- info {cluster}\n{}{}", said.out, said.err);
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dump();
        }
        let _ = run(program("kubectl").args(["delete", "namespace", &self.name, "--wait=false"]));
    }
}
