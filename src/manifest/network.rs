//! Services, the PodDisruptionBudget and the NetworkPolicy.

use super::config::bus_port;
use super::names::{self, ClusterName};
use super::object::{self, Kind, Object};
use super::spec::Spec;
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::{BUS_PORT, PORT, STARTUP_PORT};
use serde_json::{Value, json};

/// The name of the bus port; policies refer to it because its number differs by pod.
pub(super) const BUS: &str = "redis-cluster";

/// The Service whose address a node announces. It also forwards to a pod that is not ready: the
/// nodes must find each other before they can become ready. It has the node's ID, so that a node
/// without a pod is known too.
pub fn node_service(spec: &Spec, number: NodeNumber) -> Object {
    let labels = spec.name.node_labels(number, &spec.image.name);
    let value = node_service_of(&spec.name, &spec.namespace, (number, bus_port(spec, number)), &labels);
    Object { kind: object::SERVICE, value }
}

/// The same without the rest of the cluster's spec.
pub fn node_service_of(
    name: &ClusterName,
    namespace: &str,
    (number, bus_port): (NodeNumber, u16),
    labels: &Value,
) -> Value {
    let id = name.node_id(namespace, number);
    let metadata = json!({ "name": name.node(number), "namespace": namespace, "labels": labels,
                           "annotations": { names::NODE_ID: id.as_str() } });
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
        "type": "ClusterIP",
        "publishNotReadyAddresses": true,
        "selector": name.pod_selector(number),
        "ports": [
            { "name": "redis-client", "protocol": "TCP", "port": PORT, "targetPort": PORT },
            { "name": BUS, "protocol": "TCP", "port": BUS_PORT, "targetPort": bus_port },
            { "name": "redis-startup", "protocol": "TCP", "port": STARTUP_PORT, "targetPort": STARTUP_PORT },
        ],
    }})
}

/// The Service for clients: any ready node.
pub fn client_service(spec: &Spec) -> Object {
    Object { kind: object::SERVICE, value: client_service_of(&spec.name, &spec.namespace) }
}

/// The same without the rest of the cluster's spec.
pub fn client_service_of(name: &ClusterName, namespace: &str) -> Value {
    let metadata = json!({ "name": name.as_str(), "namespace": namespace, "labels": name.labels() });
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
        "type": "ClusterIP",
        "selector": name.node_selector(),
        "ports": [{ "name": "redis-client", "protocol": "TCP", "port": PORT, "targetPort": PORT }],
    }})
}

/// One budget for all nodes: Kubernetes cannot evict a pod that matches two.
pub fn budget(spec: &Spec, kind: Kind) -> Object {
    let body = json!({ "spec": {
        "maxUnavailable": 1,
        "selector": { "matchLabels": spec.name.node_selector() },
    }});
    Object::new(kind, spec, spec.name.as_str(), &spec.name.labels(), body)
}

/// Admits clients from the namespace, and to the bus only the cluster's own pods.
pub fn policy(spec: &Spec) -> Object {
    let nodes = json!({ "matchLabels": spec.name.node_selector() });
    let body = json!({ "spec": {
        "podSelector": nodes,
        "policyTypes": ["Ingress"],
        "ingress": [
            { "from": [{ "podSelector": {} }], "ports": [{ "protocol": "TCP", "port": PORT }] },
            { "from": [{ "podSelector": nodes }], "ports": [
                { "protocol": "TCP", "port": BUS }, { "protocol": "TCP", "port": STARTUP_PORT },
            ] },
        ],
    }});
    Object::new(object::NETWORK_POLICY, spec, spec.name.as_str(), &spec.name.labels(), body)
}
