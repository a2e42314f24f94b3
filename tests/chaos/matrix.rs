//! The clusters that all faults hit, side by side.

use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use testkit::{Namespace, until};

/// How a cluster was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// StatefulSets with volumes.
    Volume,
    /// StatefulSets that keep nothing.
    Ephemeral,
    /// ReplicationControllers.
    Controller,
    /// One StatefulSet of six pods that keep nothing, formed by
    /// `redis-cli --cluster create`: what this tool is measured against.
    Plain,
}

impl Layout {
    pub fn keeps_data(self) -> bool {
        self == Self::Volume
    }
}

/// One cluster in a namespace of its own.
pub struct Cluster {
    pub title: String,
    pub layout: Layout,
    pub image: &'static str,
    pub namespace: Namespace,
}

/// The name of every cluster; the namespaces tell them apart.
const NAME: &str = "redis-001";

impl Cluster {
    pub fn new(layout: Layout, image: &'static str) -> Self {
        let kind = format!("{layout:?}").to_lowercase();
        let title = format!("{kind} {}", image.rsplit('/').next().unwrap_or(image));
        let namespace = Namespace::new(&title.replace([' ', ':', '.'], "-"));
        Self { title, layout, image, namespace }
    }

    /// Its title as one word.
    pub fn key(&self) -> String {
        self.title.replace(' ', "-")
    }

    /// The objects; nothing is waited for.
    pub fn create(&self) {
        if self.layout == Layout::Plain {
            self.namespace.apply(&PLAIN_MANIFEST.replace("IMAGE", self.image)).ok();
            return;
        }
        self.namespace.plugin(&[&self.create_arguments()[..], &["--wait=false"]].concat()).ok();
    }

    /// The same by `kubectl apply` alone, which asks nobody whether there are workers.
    pub fn apply(&self) {
        let manifests =
            self.namespace.plugin(&[&self.create_arguments()[..], &["--dry-run=client", "-o", "yaml"]].concat());
        self.namespace.apply(&manifests.ok()).ok();
    }

    fn create_arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["create", NAME, "--image", self.image, "--memory", "64Mi"];
        arguments.extend(match self.layout {
            Layout::Ephemeral => &["--ephemeral"][..],
            Layout::Controller => &["--workload", "replicationcontroller"],
            _ => &[],
        });
        arguments
    }

    /// What `create` does not do for the plain one; says whether it went well.
    pub fn form(&self) -> bool {
        until(120, "the plain pods", || {
            self.namespace.values(&["pods"], "{.status.containerStatuses[0].ready}") == ["true"; 6]
        });
        let nodes: Vec<String> = self.nodes();
        let words: Vec<&str> = nodes.iter().map(String::as_str).collect();
        let form = ["exec", "plain-0", "--", "redis-cli", "--cluster", "create"];
        let options = ["--cluster-replicas", "1", "--cluster-yes"];
        self.namespace.kubectl(&[&form[..], &words, &options].concat()).code == Some(0)
    }

    pub fn delete(&self) {
        if self.layout == Layout::Plain {
            self.namespace.kubectl(&["delete", "statefulset,service,configmap", "--all", "--wait=false"]).ok();
            self.namespace.kubectl(&["delete", "pods", "--all", "--grace-period=0", "--force"]).ok();
        } else {
            self.namespace.plugin(&["delete", NAME, "--yes", "--delete-data", "--grace-period", "1"]).ok();
        }
    }

    fn which(&self) -> Vec<&'static str> {
        if self.layout == Layout::Plain { vec!["-l", "app=plain"] } else { vec![NAME] }
    }

    /// The stable JSON, or nothing while it cannot be asked.
    pub fn info(&self) -> Value {
        let arguments = [&["info", "-o", "json", "--ask-timeout", "10s"], &self.which()[..]].concat();
        serde_json::from_str(&self.namespace.plugin(&arguments).out).unwrap_or_default()
    }

    /// Whether every node is well, all replicas are linked and all agree.
    pub fn is_whole(&self) -> bool {
        let status = &self.info()["status"];
        status["state"] == "ok" && status["agree"] == true
    }

    /// Waits until it is whole; says whether it is.
    pub fn wait_whole(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            if self.is_whole() {
                return true;
            }
            if Instant::now() >= end {
                println!("  {} is not whole: {:?}", self.title, self.findings());
                return false;
            }
            // Every look costs the machine what the clusters need.
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn shards(&self) -> Vec<Value> {
        self.info()["status"]["shards"].as_array().cloned().unwrap_or_default()
    }

    /// The pods of a shard: its master and its first replica.
    pub fn shard(&self, index: usize) -> Option<(String, String)> {
        let shards = self.shards();
        let shard = shards.get(index)?;
        Some((pod(&shard["master"])?, pod(&shard["replicas"][0])?))
    }

    /// The initial masters are masters again: they are spread over the workers. A
    /// failover that was asked for gives up after 5 s, and is asked for again.
    pub fn restore_roles(&self) {
        let first = |node: &Value| node["node"].as_str().is_some_and(|name| name.ends_with("01"));
        until(90, "the initial masters to be masters again", || {
            let shards = self.shards();
            let demoted: Vec<String> = replicas(&shards).filter(|node| first(node)).filter_map(pod).collect();
            for pod in &demoted {
                self.namespace.kubectl(&["exec", pod, "--", "redis-cli", "cluster", "failover"]).ok();
            }
            if !demoted.is_empty() {
                std::thread::sleep(Duration::from_secs(3));
            }
            shards.len() == 3 && demoted.is_empty()
        });
    }

    pub fn workers_of_masters(&self) -> Vec<String> {
        let worker = |shard: &Value| shard["master"]["worker"].as_str().map(str::to_owned);
        self.shards().iter().filter_map(worker).collect()
    }

    /// All pods, replicas first.
    pub fn pods(&self) -> Vec<String> {
        let shards = self.shards();
        replicas(&shards).chain(shards.iter().map(|shard| &shard["master"])).filter_map(pod).collect()
    }

    /// Where clients find it.
    pub fn nodes(&self) -> Vec<String> {
        let addresses = if self.layout == Layout::Plain {
            self.namespace.values(&["pods"], "{.status.podIP}")
        } else {
            self.namespace.values(&["services", "-l", "kubectl-redis-cluster/node"], "{.spec.clusterIP}")
        };
        addresses.into_iter().map(|address| format!("{address}:6379")).collect()
    }

    pub fn password(&self) -> String {
        if self.layout == Layout::Plain {
            return "-".into();
        }
        self.namespace.password(NAME)
    }

    /// The codes of what `info` finds wrong.
    pub fn findings(&self) -> BTreeSet<String> {
        let info = self.info();
        let findings = info["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
    }
}

fn pod(node: &Value) -> Option<String> {
    node["pod"].as_str().map(str::to_owned)
}

fn replicas(shards: &[Value]) -> impl Iterator<Item = &Value> {
    shards.iter().flat_map(|shard| shard["replicas"].as_array().into_iter().flatten())
}

/// As many tutorials have it: the pods' own addresses, a nodes.conf that lives as long as
/// the pod, and Redis' own node timeout. A kubelet that is slow to start a killed server
/// again must be quicker than that: only an empty master costs keys.
const PLAIN_MANIFEST: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: plain}, ports: [{port: 6379}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: plain}
spec:
  replicas: 6
  serviceName: plain
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: redis
        image: IMAGE
        imagePullPolicy: IfNotPresent
        command: [sh, -c, 'exec redis-server --port 6379 --protected-mode no --dir /data --cluster-enabled yes --cluster-node-timeout 15000 --save "" --appendonly no --cluster-announce-ip $POD_IP']
        env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
        ports: [{containerPort: 6379}, {containerPort: 16379}]
        readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 2, timeoutSeconds: 10}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
"#;
