//! Short-lived pods for measurements, one per worker: a server without data, and a Service for it.

use crate::cluster::nodes_conf::PORT;
use crate::manifest::names::{CONTAINER, PROBE};
use crate::manifest::object::{Object, POD, SERVICE};
use crate::manifest::workload::REDIS_USER;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Identifies this measurement: a part of the names.
    pub id: String,
    pub worker: String,
    /// The worker's index, for the name.
    pub index: usize,
}

/// Seconds after which a leftover pod ends by itself.
const LIFETIME: u32 = 600;

impl Probe {
    /// Of the pod and its Service.
    pub fn name(&self) -> String {
        format!("redis-cluster-probe-{}-{}", self.id, self.index)
    }

    fn metadata(&self, namespace: &str) -> Value {
        json!({ "name": self.name(), "namespace": namespace, "labels": { PROBE: self.name() } })
    }

    /// Pinned to its worker, with all taints tolerated. Satisfies the "restricted" Pod Security
    /// Standard.
    pub fn pod(&self, namespace: &str, image: &str) -> Object {
        let command = format!(
            "exec \"$(command -v redis-server || command -v valkey-server)\" --port {PORT} --protected-mode no --save '' --appendonly no"
        );
        let value = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": self.metadata(namespace),
            "spec": {
                "nodeName": self.worker,
                "tolerations": [{ "operator": "Exists" }],
                "restartPolicy": "Never",
                "activeDeadlineSeconds": LIFETIME,
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": false,
                "securityContext": { "runAsNonRoot": true, "runAsUser": REDIS_USER, "runAsGroup": REDIS_USER,
                                     "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": CONTAINER, "image": image, "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sh", "-c", command],
                    "ports": [{ "name": "redis-client", "containerPort": PORT, "protocol": "TCP" }],
                    "resources": { "requests": { "cpu": "10m", "memory": "32Mi" }, "limits": { "memory": "64Mi" } },
                    "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                                         "capabilities": { "drop": ["ALL"] } },
                }],
            },
        });
        Object { kind: POD, value }
    }

    /// Owned by the pod, so that Kubernetes deletes both together.
    pub fn service(&self, namespace: &str, pod_uid: &str) -> Object {
        let mut metadata = self.metadata(namespace);
        metadata["ownerReferences"] =
            json!([{ "apiVersion": "v1", "kind": "Pod", "name": self.name(), "uid": pod_uid }]);
        let value = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": { PROBE: self.name() }, "publishNotReadyAddresses": true,
                      "ports": [{ "name": "redis-client", "port": PORT, "protocol": "TCP", "targetPort": PORT }] },
        });
        Object { kind: SERVICE, value }
    }
}
