//! Services, the PodDisruptionBudget and the NetworkPolicy.

use super::config::bus_port;
use super::names;
use super::object::{self, Kind, Object};
use super::spec::Spec;
use crate::cluster::node::NodeNumber;
use crate::cluster::nodes_conf::{BUS_PORT, PORT, STARTUP_PORT};
use serde_json::json;

/// The name of the bus port; policies refer to it because its number differs by pod.
pub(super) const BUS: &str = "redis-cluster";

/// The Service whose address a node announces. It also forwards to a pod that is not ready: the
/// nodes must find each other before they can become ready. It has the node's ID, so that a node
/// without a pod is known too.
pub fn node_service(spec: &Spec, number: NodeNumber) -> Object {
    let labels = spec.name.node_labels(number, &spec.image.name);
    let body = json!({ "spec": {
        "type": "ClusterIP",
        "publishNotReadyAddresses": true,
        "selector": spec.name.pod_selector(number),
        "ports": [
            { "name": "redis-client", "protocol": "TCP", "port": PORT, "targetPort": PORT },
            { "name": BUS, "protocol": "TCP", "port": BUS_PORT, "targetPort": bus_port(spec, number) },
            { "name": "redis-startup", "protocol": "TCP", "port": STARTUP_PORT, "targetPort": STARTUP_PORT },
        ],
    }});
    let mut service = Object::new(object::SERVICE, spec, &spec.name.node(number), &labels, body);
    let id = spec.name.node_id(&spec.namespace, number);
    service.value["metadata"]["annotations"] = json!({ names::NODE_ID: id.as_str() });
    service
}

/// The Service for clients: any ready node.
pub fn client_service(spec: &Spec) -> Object {
    let body = json!({ "spec": {
        "type": "ClusterIP",
        "selector": spec.name.node_selector(),
        "ports": [{ "name": "redis-client", "protocol": "TCP", "port": PORT, "targetPort": PORT }],
    }});
    Object::new(object::SERVICE, spec, spec.name.as_str(), &spec.name.labels(), body)
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
