//! The source IP that one node sees of another through its Service: the mode only
//! explains it.

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use std::collections::BTreeMap;

/// A connection from a pod through the Service of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    pub from: PodLocation,
    pub to: PodLocation,
    /// The connecting pod's IP.
    pub expected: String,
    /// The source IP that the server saw, or why it is unknown.
    pub seen: Result<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodLocation {
    pub pod: String,
    pub worker: String,
}

impl Measurement {
    /// Whether the source IP was preserved; none if unknown.
    pub fn is_kept(&self) -> Option<bool> {
        self.seen.as_ref().ok().map(|seen| *seen == self.expected)
    }
}

/// The source IP of the connection with this name in CLIENT LIST: `addr=IP:PORT`.
pub fn source_of(client_list: &str, name: &str) -> Option<String> {
    let wanted = format!("name={name}");
    let line = client_list.lines().find(|line| line.split(' ').any(|field| field == wanted))?;
    let address = line.split(' ').find_map(|field| field.strip_prefix("addr="))?;
    let (host, _) = address.rsplit_once(':')?;
    Some(host.trim_matches(['[', ']']).to_owned())
}

/// The address and client port of the Service that selects this pod and no other of `pods`.
pub fn own_service(pod: &Pod, pods: &[Pod], services: &[Service]) -> Option<(String, u16)> {
    let leads_to = |selector: &BTreeMap<String, String>, pod: &Pod| {
        let labels = pod.metadata.labels.as_ref();
        selector.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
    };
    services.iter().find_map(|service| {
        let spec = service.spec.as_ref()?;
        let selector = spec.selector.as_ref().filter(|selector| !selector.is_empty())?;
        let address = spec.cluster_ip.as_ref().filter(|address| !["", "None"].contains(&address.as_str()))?;
        let led_to = pods.iter().filter(|each| leads_to(selector, each)).count();
        (leads_to(selector, pod) && led_to == 1).then_some(())?;
        Some((address.clone(), client_port(spec.ports.as_deref()?)?))
    })
}

/// Skips bus ports, by name or number.
fn client_port(ports: &[ServicePort]) -> Option<u16> {
    let is_bus = |port: &&ServicePort| {
        let name = port.name.as_deref().unwrap_or_default();
        port.port > 10000 || ["bus", "cluster", "gossip", "startup"].iter().any(|word| name.contains(word))
    };
    let client = ports.iter().find(|port| !is_bus(port)).or(ports.first())?;
    u16::try_from(client.port).ok()
}

/// The pairs to measure, as indexes into `places`: every ordered pair of workers once, and a
/// worker with itself if it has two pods.
pub fn pairs(places: &[PodLocation]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (from, source) in places.iter().enumerate() {
        for (to, target) in places.iter().enumerate().filter(|(to, _)| *to != from) {
            let same =
                |(a, b): &(usize, usize)| places[*a].worker == source.worker && places[*b].worker == target.worker;
            if !pairs.iter().any(same) {
                pairs.push((from, to));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_own_line_of_a_client_list() {
        let list = "id=3 addr=198.18.1.2:5000 laddr=198.18.2.2:6379 fd=8 name=other age=1\n\
                    id=4 addr=198.51.100.12:40112 laddr=198.18.2.2:6379 fd=9 name=mine age=0\n\
                    id=5 addr=[fd00::1]:40113 fd=10 name=six age=0\n";
        assert_eq!(source_of(list, "mine"), Some("198.51.100.12".into()));
        assert_eq!(source_of(list, "six"), Some("fd00::1".into()));
        assert_eq!(source_of(list, "min"), None);
    }

    #[test]
    fn the_service_of_one_pod() {
        let pod = |name: &str, node: &str| -> Pod {
            serde_json::from_value(json!({ "metadata": { "name": name, "labels": { "app": "redis", "node": node } } }))
                .expect("a pod")
        };
        let service = |selector: Value, address: &str| -> Service {
            let ports = json!([{ "name": "bus", "port": 16379 }, { "name": "redis", "port": 6379 }]);
            serde_json::from_value(json!({ "spec": { "selector": selector, "clusterIP": address, "ports": ports } }))
                .expect("a service")
        };
        let pods = [pod("a", "1"), pod("b", "2")];
        let services = [
            service(json!({ "app": "redis" }), "198.19.0.1"),
            service(json!({ "node": "1" }), "None"),
            service(json!({}), "198.19.0.2"),
            service(json!({ "node": "1" }), "198.19.0.3"),
            service(json!({ "node": "2" }), "2001:db8::3"),
        ];
        assert_eq!(own_service(&pods[0], &pods, &services), Some(("198.19.0.3".into(), 6379)));
        assert_eq!(own_service(&pods[1], &pods, &services), Some(("2001:db8::3".into(), 6379)));
        assert_eq!(own_service(&pods[1], &pods, &services[..4]), None);
    }

    #[test]
    fn every_pair_of_workers_once() {
        let place = |pod: &str, worker: &str| PodLocation { pod: pod.into(), worker: worker.into() };
        let places = [place("a", "1"), place("b", "1"), place("c", "2"), place("d", "2"), place("e", "3")];
        let pairs = pairs(&places);
        let workers: std::collections::BTreeSet<_> =
            pairs.iter().map(|(from, to)| (&places[*from].worker, &places[*to].worker)).collect();
        assert_eq!((pairs.len(), workers.len()), (8, 8), "9 but for worker 3 with itself");
    }
}
