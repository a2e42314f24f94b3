//! Printed commands, run as they are: in another namespace and under another current context than
//! those of what they are about, which needs a user, a Secret, TLS and a selector.

use super::others::{CERTIFICATES, TLS_MANIFEST};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use testkit::{Namespace, Said, feed, program, run, until};

const PASSWORD: &str = "e'c\"r$t\\";
/// What everything is asked with. A key without a value could be the name of a cluster.
const LOGIN: [&str; 5] = ["--redis-user", "ops", "--auth-secret", "logins/of-redis", "--tls"];
const SELECTED: [&str; 2] = ["-l", "redis-cluster"];

/// A server whose default user is off, and whose pod has no variable with the password.
fn manifest() -> String {
    let users = "--user ops on \">$(cat /logins/of-redis)\" '~*' '&*' +@all --user default off";
    TLS_MANIFEST
        .replace("{app: tls}", "{redis-cluster: theirs}")
        .replace("--tls-key-file /tls/tls.key", &format!("--tls-key-file /tls/tls.key {users}"))
        .replace("volumeMounts: [", "volumeMounts: [{name: logins, mountPath: /logins}, ")
        .replace("volumes: [", "volumes: [{name: logins, secret: {secretName: logins}}, ")
}

/// A user's machine: under its current context nobody answers.
struct Machine<'a> {
    namespace: &'a Namespace,
    folder: TempDir,
}

impl<'a> Machine<'a> {
    fn new(namespace: &'a Namespace) -> Self {
        let view = ["config", "view", "--raw", "--flatten", "--minify", "-o", "json"];
        let mut config: Value = run(program("kubectl").args(view)).json();
        let real = config["contexts"][0]["context"].clone();
        let nowhere = json!({ "name": "nowhere", "cluster": { "server": "https://127.0.0.1:1" } });
        config["clusters"].as_array_mut().expect("a list").push(nowhere);
        let context = |name: &str, cluster: &Value| json!({ "name": name, "context": { "cluster": cluster, "user": real["user"], "namespace": "default" } });
        config["contexts"] = json!([context("production", &json!("nowhere")), context("my staging", &real["cluster"])]);
        config["current-context"] = json!("production");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config"), config.to_string()).expect("written");
        Self { namespace, folder }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = program(name);
        command.env("KUBECONFIG", self.folder.path().join("config"));
        command
    }

    fn plugin(&self, words: &[&str]) -> Said {
        let mut command = self.program("kubectl");
        command.arg("redis-cluster").args(words).args(["--context", "my staging", "-n", &self.namespace.name]);
        run(&mut command)
    }

    /// As a user pastes it, who then types this.
    fn paste(&self, command: &str, input: &str) -> Said {
        feed(self.program("sh").args(["-c", command]), input)
    }

    fn check(&self) -> Vec<Value> {
        let said = self.plugin(&[&["check", "-o", "json"], &SELECTED[..], &LOGIN].concat());
        let found: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
        found["findings"].as_array().expect("a list").clone()
    }
}

/// What is printed behind these words, to the end of the line.
fn printed<'a>(said: &'a str, before: &str) -> &'a str {
    let (_, command) = said.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {said}"));
    command.lines().find(|line| !line.is_empty()).expect("a line").trim()
}

#[test]
fn printed_commands_act_on_what_they_are_about() {
    let namespace = Namespace::new("hints");
    let machine = Machine::new(&namespace);
    assert!(run(machine.program("kubectl").args(["get", "pods"])).err.contains("refused"));
    let folder = tempfile::tempdir().expect("a folder");
    run(program("sh").args(["-c", CERTIFICATES, "sh"]).arg(folder.path())).ok();
    let files =
        ["ca.crt", "tls.crt", "tls.key"].map(|key| format!("--from-file={}", folder.path().join(key).display()));
    let create = ["create", "secret", "generic"];
    namespace.kubectl(&[&create[..], &["certificates"], &files.each_ref().map(String::as_str)].concat()).ok();
    namespace.kubectl(&[&create[..], &["logins", &format!("--from-literal=of-redis={PASSWORD}")]].concat()).ok();
    namespace.apply(&manifest()).ok();
    namespace.kubectl(&["wait", "pod/tls", "--for=condition=Ready", "--timeout=300s"]).ok();

    // The commands of check: those that mend do.
    let has = |code: &str| machine.check().iter().any(|finding| finding["code"] == code);
    until(30, "the server to be asked", || has("slots-uncovered"));
    for finding in machine.check() {
        let hint = finding["hint"].as_str().expect("a hint");
        assert!(hint.contains("--context 'my staging'"), "{hint}");
        let said = machine.paste(hint, "yes\n");
        // kubectl creates budgets of an API that Kubernetes has since 1.21.
        if finding["code"] == "budget-missing" && said.err.contains("could not find the requested resource") {
            continue;
        }
        said.ok();
    }
    until(30, "the slots to be served", || !has("slots-uncovered") && !has("state-fail"));
    let budgets = namespace.values(&["poddisruptionbudgets"], "{.spec.selector.matchExpressions[0].key}");
    assert!(budgets.iter().all(|key| key == "redis-cluster"), "{budgets:?}");

    // Those of info and list.
    let info = machine.plugin(&[&["info"], &SELECTED[..], &LOGIN].concat()).ok();
    let evidence = machine.paste(printed(&info, "for evidence and fixes, run: "), "");
    assert!(evidence.out.contains(", 1 of 1 nodes respond"), "{}{}", evidence.out, evidence.err);
    let list = machine.plugin(&[&["list", "--sort-by", ".nope"], &SELECTED[..], &LOGIN].concat()).refused();
    machine.paste(printed(&list, "run: "), "").ok();

    // Those of create and delete: the same cluster is not in the current namespace.
    let small = ["--shards", "1", "--replicas", "0", "--allow-small", "--ephemeral", "--timeout", "6m"];
    let created = machine.plugin(&[&["create", "small"], &small[..]].concat());
    let connect = printed(&created.err, "connect with:\n").to_owned();
    created.ok();
    assert_eq!(machine.paste(&connect, "CLUSTER MYID\n").out.trim().len(), 40);
    let deleted = machine.plugin(&["delete", "small", "--yes"]);
    let give_up = format!("{} --yes", printed(&deleted.err, "to give it up: "));
    deleted.ok();
    assert_eq!(machine.paste(&give_up, "").ok(), "secret \"small\" deleted\n");
    let again = machine.plugin(&["delete", "small", "--yes"]).refused();
    machine.paste(printed(&again, "run: "), "").ok();
}
