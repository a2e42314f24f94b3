//! All objects of a cluster, in the order of creation.

use super::config;
use super::names::PASSWORD_KEY;
use super::object::{CONFIG_MAP, Kind, Object, SECRET};
use super::spec::{Auth, Network, Spec};
use super::{network, workload};
use k8s_openapi::ByteString;
use serde_json::json;

/// In this order: everything that pods need before the pods, all Services before the first
/// controller (a pod's environment has only the Services that existed before it), and the masters
/// before the replicas, so that the scheduler spreads the masters while all workers are free.
pub fn objects(spec: &Spec, budget: Kind) -> Vec<Object> {
    let mut objects = Vec::new();
    objects.extend(secret(spec));
    objects.push(config_map(spec));
    objects.push(network::budget(spec, budget));
    if spec.network == Network::Restricted {
        objects.push(network::policy(spec));
    }
    objects.push(network::client_service(spec));
    objects.extend(spec.shape.nodes().map(|number| network::node_service(spec, number)));
    let (masters, replicas): (Vec<_>, Vec<_>) = spec.shape.nodes().partition(|number| number.is_initial_master());
    objects.extend(masters.into_iter().chain(replicas).map(|number| workload::controller(spec, number)));
    objects
}

/// The cluster's own Secret.
pub fn secret(spec: &Spec) -> Option<Object> {
    let Auth::Own(password) = &spec.auth else { return None };
    // Not stringData: the server would turn it into data, and applying it again would
    // look like a change.
    let encoded = ByteString(password.clone().into_bytes());
    let body = json!({ "type": "Opaque", "data": { PASSWORD_KEY: encoded } });
    Some(Object::new(SECRET, spec, spec.name.as_str(), &spec.name.labels(), body))
}

fn config_map(spec: &Spec) -> Object {
    let mut files = json!({ "redis.conf": config::redis_conf(spec) });
    for (name, text) in config::SCRIPTS {
        files[name] = json!(text);
    }
    files[config::SCRIPTS_VERSION] = json!(config::scripts_version());
    let body = json!({ "data": files });
    Object::new(CONFIG_MAP, spec, spec.name.as_str(), &spec.name.labels(), body)
}

/// The volume claims of this spec, new or kept.
pub fn claims(spec: &Spec) -> Vec<String> {
    let stored = spec.resources.storage.is_some();
    spec.shape.nodes().filter(|_| stored).map(|number| spec.name.claim(number)).collect()
}

#[cfg(test)]
/// Also used by tests of other modules.
pub mod tests {
    use super::super::object::*;
    use super::super::spec::*;
    use super::*;
    use crate::cluster::shape::{Shape, Small};
    use k8s_openapi::api::{apps::v1 as apps, core::v1 as core, networking::v1 as networking, policy::v1 as policy};
    use serde_json::Value;

    pub fn spec() -> Spec {
        Spec {
            name: "redis-001".parse().expect("a name"),
            namespace: "default".into(),
            shape: Shape::new(3, 1, Small::Refused).expect("valid"),
            workload: Workload::StatefulSet,
            image: Image { name: "redis:8.0".into(), pull_secret: None, entrypoint: Entrypoint::Bootstrap },
            resources: Resources {
                memory: "256Mi".parse().expect("a size"),
                cpu: "50m".into(),
                storage: Some(Storage { size: "1Gi".parse().expect("a size"), class: None }),
            },
            redis: Redis { node_timeout_ms: 5000, maxmemory_policy: "noeviction".into(), config: vec!["hz 20".into()] },
            placement: Placement {
                spread: Spread::Required,
                node_selector: vec![],
                tolerations: vec![],
                priority_class: None,
            },
            auth: Auth::Own("secret".into()),
            annotations: vec![],
            network: Network::Restricted,
        }
    }

    /// Converts through the typed API, which drops misspelled fields.
    fn as_typed(object: &Object) -> Value {
        fn through<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> Value {
            let typed: T = serde_json::from_value(value.clone()).expect("the type's form");
            serde_json::to_value(typed).expect("a value")
        }
        match object.kind.kind {
            "Service" => through::<core::Service>(&object.value),
            "ConfigMap" => through::<core::ConfigMap>(&object.value),
            "Secret" => through::<core::Secret>(&object.value),
            "ReplicationController" => through::<core::ReplicationController>(&object.value),
            "StatefulSet" => through::<apps::StatefulSet>(&object.value),
            "NetworkPolicy" => through::<networking::NetworkPolicy>(&object.value),
            "PodDisruptionBudget" => through::<policy::PodDisruptionBudget>(&object.value),
            other => panic!("no type for {other}"),
        }
    }

    /// Where there is IPv6 alone, a Service that asks for IPv4 is refused.
    #[test]
    fn kubernetes_chooses_the_family_and_the_address_of_a_service() {
        let objects = objects(&spec(), BUDGET);
        let services: Vec<_> = objects.iter().filter(|object| object.kind == SERVICE).collect();
        assert_eq!(services.len(), 7, "one a node, and the clients'");
        for service in services {
            for chosen in ["ipFamily", "ipFamilies", "ipFamilyPolicy", "clusterIP", "clusterIPs"] {
                assert_eq!(service.value["spec"].get(chosen), None, "{}", service.value);
            }
        }
    }

    #[test]
    fn every_field_is_one_that_kubernetes_knows() {
        for workload in [Workload::StatefulSet, Workload::ReplicationController] {
            let mut spec = spec();
            spec.workload = workload;
            spec.placement.tolerations =
                vec![Toleration { key: "a".into(), value: Some("b".into()), effect: Some("NoSchedule".into()) }];
            for object in objects(&spec, BUDGET) {
                assert_eq!(as_typed(&object), object.value, "{}", object.reference());
            }
        }
    }

    #[test]
    fn services_come_before_controllers_and_masters_before_replicas() {
        let order: Vec<_> = objects(&spec(), BUDGET).iter().map(Object::reference).collect();
        insta::assert_snapshot!(order.join("\n"), @r"
        secret/redis-001
        configmap/redis-001
        poddisruptionbudget.policy/redis-001
        networkpolicy.networking.k8s.io/redis-001
        service/redis-001
        service/redis-001-node-101
        service/redis-001-node-102
        service/redis-001-node-201
        service/redis-001-node-202
        service/redis-001-node-301
        service/redis-001-node-302
        statefulset.apps/redis-001-node-101
        statefulset.apps/redis-001-node-201
        statefulset.apps/redis-001-node-301
        statefulset.apps/redis-001-node-102
        statefulset.apps/redis-001-node-202
        statefulset.apps/redis-001-node-302
        ");
    }
}
