//! Pure: the Secrets and ConfigMaps that a pod cannot start without.

use crate::cluster::surroundings::{Configuration, Labels, Reference};
use k8s_openapi::api::core::v1::{Container, Pod, Volume};
use std::collections::BTreeMap;

/// Every namespace has it, and the projected volumes of all pods refer to it.
const OF_KUBERNETES: &str = "kube-root-ca.crt";

type Key = (Configuration, String);

/// What is optional is no need.
pub fn needs(pod: &Pod, server: Option<&Container>) -> Vec<Reference> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let volumes = spec.volumes.iter().flatten().flat_map(of_volume);
    let containers = || spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let sources = containers().flat_map(of_sources);
    let mut all: BTreeMap<Key, Reference> = BTreeMap::new();
    for key in volumes.chain(sources) {
        entry(&mut all, key).has_more = true;
    }
    for container in containers() {
        let is_server = server.is_some_and(|server| server.name == container.name);
        for (key, name, variable) in of_variables(container) {
            let reference = entry(&mut all, key);
            if is_server {
                reference.variables.insert(name, variable);
            }
        }
    }
    all.into_values().filter(|reference| reference.name != OF_KUBERNETES && !reference.name.is_empty()).collect()
}

fn entry(all: &mut BTreeMap<Key, Reference>, (kind, name): Key) -> &mut Reference {
    let new =
        || Reference { kind, name: name.clone(), variables: BTreeMap::new(), has_more: false, labels: Labels::new() };
    all.entry((kind, name.clone())).or_insert_with(new)
}

fn of_volume(volume: &Volume) -> Vec<Key> {
    let is_needed = |optional: Option<bool>| optional != Some(true);
    let secret = volume
        .secret
        .iter()
        .filter(|source| is_needed(source.optional))
        .filter_map(|source| Some((Configuration::Secret, source.secret_name.clone()?)));
    let map = volume.config_map.iter().filter(|source| is_needed(source.optional));
    let map = map.map(|source| (Configuration::ConfigMap, source.name.clone()));
    let projected = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    let projected = projected.flat_map(|source| {
        let secret = source.secret.iter().filter(|source| is_needed(source.optional));
        let map = source.config_map.iter().filter(|source| is_needed(source.optional));
        let secret = secret.map(|source| (Configuration::Secret, source.name.clone()));
        secret.chain(map.map(|source| (Configuration::ConfigMap, source.name.clone()))).collect::<Vec<_>>()
    });
    secret.chain(map).chain(projected).collect()
}

/// `envFrom`.
fn of_sources(container: &Container) -> Vec<Key> {
    let sources = container.env_from.iter().flatten();
    let key = sources.flat_map(|source| {
        let secret = source.secret_ref.iter().filter(|source| source.optional != Some(true));
        let map = source.config_map_ref.iter().filter(|source| source.optional != Some(true));
        let secret = secret.map(|source| (Configuration::Secret, source.name.clone()));
        secret.chain(map.map(|source| (Configuration::ConfigMap, source.name.clone()))).collect::<Vec<_>>()
    });
    key.collect()
}

/// With the key and the variable that has it.
fn of_variables(container: &Container) -> Vec<(Key, String, String)> {
    let variables = container.env.iter().flatten();
    let found = variables.filter_map(|variable| {
        let from = variable.value_from.as_ref()?;
        let secret = from.secret_key_ref.as_ref().filter(|key| key.optional != Some(true));
        let map = from.config_map_key_ref.as_ref().filter(|key| key.optional != Some(true));
        let secret = secret.map(|key| ((Configuration::Secret, key.name.clone()), key.key.clone()));
        let map = map.map(|key| ((Configuration::ConfigMap, key.name.clone()), key.key.clone()));
        let (reference, key) = secret.or(map)?;
        Some((reference, key, variable.name.clone()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_pod_needs_and_what_it_can_do_without() {
        let secret = |name: &str, key: &str, optional: bool| json!({ "secretKeyRef": { "name": name, "key": key, "optional": optional } });
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {},
            "spec": {
                "containers": [
                    { "name": "redis", "env": [
                        { "name": "REDISCLI_AUTH", "valueFrom": secret("a", "password", false) },
                        { "name": "X", "valueFrom": secret("maybe", "x", true) },
                        { "name": "PLAIN", "value": "x" }] },
                    { "name": "other", "env": [{ "name": "Y", "valueFrom": secret("y", "z", false) }],
                      "envFrom": [{ "configMapRef": { "name": "from" } }] }],
                "volumes": [
                    { "name": "v", "configMap": { "name": "a" } },
                    { "name": "t", "secret": { "secretName": "tls" } },
                    { "name": "o", "secret": { "secretName": "option", "optional": true } },
                    { "name": "token", "projected": { "sources": [{ "configMap": { "name": "kube-root-ca.crt" } }] } }],
            },
        }))
        .expect("a pod");
        let found = needs(&pod, pod.spec.as_ref().map(|spec| &spec.containers[0]));
        let names: Vec<(Configuration, &str, usize, bool)> =
            found.iter().map(|each| (each.kind, each.name.as_str(), each.variables.len(), each.has_more)).collect();
        use Configuration::{ConfigMap, Secret};
        assert_eq!(
            names,
            [
                (Secret, "a", 1, false),
                (Secret, "tls", 0, true),
                (Secret, "y", 0, false),
                (ConfigMap, "a", 0, true),
                (ConfigMap, "from", 0, true),
            ]
        );
    }
}
