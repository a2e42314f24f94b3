//! Redis pods as anybody may run them: a workload in a few words, so that a new case is a few lines.
//!
//! ```text
//! let pods = Workload::new("theirs", 6).setting("--appendonly yes").apply(&namespace);
//! pods.wait_ready(&namespace);
//! pods.form(&namespace, 1);
//! pods.wait_codes(&namespace, &[]);
//! ```

use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Namespace, until};

/// Where pods happen to run is no fault of a cluster's, nor that it has no budget.
const CHANCE: [&str; 5] =
    ["budget-missing", "shard-on-one-worker", "shard-in-one-zone", "majority-on-one-worker", "majority-in-one-zone"];

/// A controller of equal pods, labelled `app: NAME`, whose container `server` runs redis-server in
/// cluster mode, with its data in `/data`.
pub struct Workload {
    name: String,
    port: u16,
    settings: String,
    first: String,
    object: Value,
}

impl Workload {
    /// A StatefulSet behind a headless Service of its name.
    pub fn new(name: &str, replicas: usize) -> Self {
        let server = json!({
            "name": "server",
            "image": "redis:8.0",
            "ports": [{ "name": "redis", "containerPort": 6379 }, { "name": "bus", "containerPort": 16379 }],
            "env": [
                { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
            ],
            "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        });
        let pod = json!({
            "terminationGracePeriodSeconds": 1,
            "containers": [server],
            "volumes": [{ "name": "data", "emptyDir": {} }],
        });
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": { "name": name },
            "spec": {
                "serviceName": name,
                "replicas": replicas,
                "podManagementPolicy": "Parallel",
                "selector": { "matchLabels": { "app": name } },
                "template": { "metadata": { "labels": { "app": name } }, "spec": pod },
            },
        });
        Self { name: name.into(), port: 6379, settings: String::new(), first: ":".into(), object }
    }

    /// A Deployment, whose pods are called at random and are replaced by others.
    pub fn deployment(self) -> Self {
        self.edit(|object| {
            object["kind"] = json!("Deployment");
            for field in ["serviceName", "podManagementPolicy"] {
                object["spec"].as_object_mut().expect("a spec").remove(field);
            }
        })
    }

    /// Where the server listens, and all that its container says about ports.
    pub fn ports(mut self, port: u16, declared: Value) -> Self {
        self.port = port;
        self.server(|server| server["ports"] = declared)
    }

    /// More of the server's command line, such as `--appendonly yes`.
    pub fn setting(mut self, words: &str) -> Self {
        self.settings += &format!(" {words}");
        self
    }

    /// A line of shell before the server starts; `$POD_NAME` is the pod's.
    pub fn first(mut self, line: &str) -> Self {
        self.first = line.into();
        self
    }

    /// Changes the server's container.
    pub fn server(self, change: impl FnOnce(&mut Value)) -> Self {
        self.pod(|pod| {
            let containers = pod["containers"].as_array_mut().expect("a list");
            change(containers.iter_mut().find(|container| container["name"] == "server").expect("the server's"));
        })
    }

    /// A container before the server's.
    pub fn beside(self, container: Value) -> Self {
        self.pod(|pod| pod["containers"].as_array_mut().expect("a list").insert(0, container))
    }

    /// Changes the pods' spec.
    pub fn pod(self, change: impl FnOnce(&mut Value)) -> Self {
        self.edit(|object| change(&mut object["spec"]["template"]["spec"]))
    }

    /// Changes the whole object.
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.object);
        self
    }

    /// The Service and the workload.
    pub fn apply(mut self, namespace: &Namespace) -> Self {
        let (first, settings, port) = (&self.first, &self.settings, self.port);
        let command = format!(
            "{first}\nexec redis-server --dir /data --port {port} --cluster-enabled yes --cluster-node-timeout 5000 \
             --protected-mode no {settings}"
        );
        self = self.server(|server| {
            server["command"] = json!(["sh", "-c", command]);
            server["readinessProbe"] = json!({ "tcpSocket": { "port": port }, "periodSeconds": 1 });
        });
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": self.name },
            "spec": { "clusterIP": "None", "publishNotReadyAddresses": true, "selector": { "app": self.name },
                      "ports": [{ "name": "redis", "port": port }] },
        });
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [service, self.object] });
        namespace.apply(&list.to_string()).ok();
        self
    }

    pub fn wait_ready(&self, namespace: &Namespace) {
        let kind = self.object["kind"].as_str().expect("a kind").to_lowercase();
        let workload = format!("{kind}/{}", self.name);
        namespace.kubectl(&["rollout", "status", &workload, "--timeout=300s"]).ok();
    }

    pub fn selector(&self) -> String {
        format!("app={}", self.name)
    }

    /// The pods that run.
    pub fn running(&self, namespace: &Namespace) -> Vec<String> {
        let running = ["pods", "-l", &self.selector(), "--field-selector", "status.phase=Running"];
        namespace.values(&running, "{.metadata.name}")
    }

    /// redis-cli in one of the pods.
    pub fn cli(&self, namespace: &Namespace, pod: &str, words: &[&str]) -> String {
        let port = self.port.to_string();
        let exec = ["exec", pod, "-c", "server", "--", "redis-cli", "-p", &port];
        namespace.kubectl(&[&exec[..], words].concat()).ok()
    }

    /// `redis-cli --cluster create` of all pods that run.
    pub fn form(&self, namespace: &Namespace, replicas: usize) {
        let running = ["pods", "-l", &self.selector(), "--field-selector", "status.phase=Running"];
        let addresses = namespace.values(&running, &format!("{{.status.podIP}}:{}", self.port));
        let pod = self.running(namespace).swap_remove(0);
        let replicas = replicas.to_string();
        let create = ["--cluster", "create"].into_iter().chain(addresses.iter().map(String::as_str));
        let create: Vec<&str> = create.chain(["--cluster-replicas", &replicas, "--cluster-yes"]).collect();
        let formed = self.cli(namespace, &pod, &create);
        assert!(formed.contains("All 16384 slots covered"), "{formed}");
    }

    /// What `check -o json` says of it.
    pub fn found(&self, namespace: &Namespace) -> Value {
        found(namespace, &["-l", &self.selector()])
    }

    /// Waits until `check` finds exactly these codes, and returns what it says then.
    pub fn wait_codes(&self, namespace: &Namespace, expected: &[&str]) -> Value {
        let mut said = Value::Null;
        let what = format!("{} to have {expected:?}", self.name);
        until(90, &what, || {
            said = self.found(namespace);
            codes(&said) == expected.iter().copied().collect()
        });
        said
    }
}

/// What `check -o json` says.
pub fn found(namespace: &Namespace, arguments: &[&str]) -> Value {
    let check = ["check", "-o", "json", "--ask-timeout", "10s"];
    let said = namespace.plugin(&[&check[..], arguments].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err))
}

/// The codes of all findings, but for those of chance.
pub fn codes(found: &Value) -> BTreeSet<&str> {
    let findings = found["findings"].as_array().expect("a list");
    findings.iter().filter_map(|finding| finding["code"].as_str()).filter(|code| !CHANCE.contains(code)).collect()
}

/// The commands that mend findings of these codes.
pub fn hints(found: &Value, codes: &[&str]) -> Vec<String> {
    let findings = found["findings"].as_array().expect("a list");
    let such = findings.iter().filter(|finding| codes.iter().any(|code| finding["code"] == *code));
    such.map(|finding| finding["hint"].as_str().expect("a hint").to_owned()).collect()
}
