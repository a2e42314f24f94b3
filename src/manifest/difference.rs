//! Where a live object differs from the requested one.
//!
//! The API server fills in defaults and others may add fields, so only the fields of the requested
//! object are compared.

use super::config::{SCRIPTS, SCRIPTS_VERSION};
use super::names::{INSTANCE, MANAGED_BY};
use super::object::{CONFIG_MAP, Object, SECRET};
use super::quantity::is_same;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Create,
    Unchanged,
    /// It belongs to the cluster, but differs from the request.
    Differs(Vec<Change>),
    /// An object with this name exists and belongs to something else.
    Foreign,
}

/// A Secret of the cluster is kept as it is: a cluster with kept volumes continues with its
/// password.
pub fn decide(wanted: &Object, live: Option<&Value>) -> Decision {
    let Some(live) = live else { return Decision::Create };
    let label = |object: &Value, name: &str| object["metadata"]["labels"][name].as_str().map(str::to_owned);
    let owner = |object: &Value| (label(object, INSTANCE), label(object, MANAGED_BY));
    if owner(&wanted.value) != owner(live) {
        return Decision::Foreign;
    }
    if wanted.kind == SECRET {
        return Decision::Unchanged;
    }
    match difference(&asked_for(wanted), live) {
        changes if changes.is_empty() => Decision::Unchanged,
        changes => Decision::Differs(changes),
    }
}

/// What was asked for: the pods' scripts come with the plugin, and so do preferences of where a pod
/// runs that no flag changes.
fn asked_for(wanted: &Object) -> Value {
    let mut value = wanted.value.clone();
    if let Some(pod) = value.pointer_mut("/spec/template/spec").and_then(Value::as_object_mut) {
        pod.remove("topologySpreadConstraints");
        pod.get_mut("affinity").and_then(Value::as_object_mut).map(|affinity| affinity.remove("podAffinity"));
    }
    if let Some(files) = value["data"].as_object_mut().filter(|_| wanted.kind == CONFIG_MAP) {
        files.retain(|name, _| name != SCRIPTS_VERSION && SCRIPTS.iter().all(|(script, _)| script != name));
    }
    value
}

/// The versions of the scripts in a ConfigMap that is there, and of those of this plugin, where
/// they differ. Before they had versions there was none.
pub fn other_scripts<'a>(wanted: &'a Object, live: &'a Value) -> Option<(&'a str, &'a str)> {
    let version = |value: &'a Value| value["data"][SCRIPTS_VERSION].as_str().unwrap_or("an older version");
    let (live, wanted_version) = (version(live), version(&wanted.value));
    (wanted.kind == CONFIG_MAP && live != wanted_version).then_some((live, wanted_version))
}

/// One field in which a live object differs from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Such as `spec.template.spec.containers[0].image`.
    pub path: String,
    /// None if the field is not set.
    pub live: Option<String>,
    pub wanted: String,
}

impl Change {
    /// Both values; for multi-line values the first line that differs.
    pub fn essence(&self) -> (String, String) {
        let live = self.live.as_deref().unwrap_or_default();
        let mut pairs = live.lines().zip(self.wanted.lines());
        let (live_line, wanted_line) = match pairs.find(|(a, b)| a != b) {
            Some(lines) => lines,
            // One text is a prefix of the other.
            None => {
                let common = live.lines().count().min(self.wanted.lines().count());
                (live.lines().nth(common).unwrap_or_default(), self.wanted.lines().nth(common).unwrap_or_default())
            }
        };
        (quoted(live_line), quoted(wanted_line))
    }

    pub fn is_same_as(&self, other: &Self) -> bool {
        self.path == other.path && self.essence() == other.essence()
    }
}

/// What a line of a terminal takes of a value.
const LONGEST: usize = 60;

fn quoted(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        _ if line.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("\"{}...\"", &line[..end]),
        None => format!("\"{line}\""),
    }
}

pub fn difference(wanted: &Value, live: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", wanted, Some(live), &mut changes);
    changes
}

fn compare(path: &str, wanted: &Value, live: Option<&Value>, changes: &mut Vec<Change>) {
    match (wanted, live) {
        (Value::Object(fields), Some(live @ Value::Object(_))) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, field, live.get(name), changes);
            }
        }
        (Value::Array(items), Some(Value::Array(live))) if have_names(items) && have_names(live) => {
            for item in items {
                let path = format!("{path}[{}]", item["name"].as_str().unwrap_or_default());
                match live.iter().find(|other| other["name"] == item["name"]) {
                    Some(live) => compare(&path, item, Some(live), changes),
                    None => changes.push(Change { path, live: None, wanted: show(item.get("value").unwrap_or(item)) }),
                }
            }
        }
        (Value::Array(items), Some(Value::Array(live))) if items.len() <= live.len() => {
            for (index, item) in items.iter().enumerate() {
                compare(&format!("{path}[{index}]"), item, live.get(index), changes);
            }
        }
        (wanted, None) if is_empty(wanted) => {}
        (wanted, live) if live == Some(wanted) => {}
        (Value::String(wanted), Some(Value::String(live))) if is_quantity(path) && is_same(wanted, live) => {}
        (wanted, live) => {
            changes.push(Change { path: path.to_owned(), live: live.map(show), wanted: show(wanted) });
        }
    }
}

fn have_names(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item["name"].is_string())
}

/// The API server writes quantities in its own way.
fn is_quantity(path: &str) -> bool {
    path.contains(".resources.")
}

/// Values that the API server drops when it stores an object.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) => false,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::STATEFUL_SET;
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_the_server_adds_are_ignored() {
        let wanted = json!({ "spec": { "a": 1, "env": [{ "name": "x", "value": "" }], "off": false } });
        let live = json!({ "spec": { "a": 1, "b": 2, "env": [{ "name": "x" }] }, "status": {} });
        assert_eq!(difference(&wanted, &live), []);
    }

    #[test]
    fn decisions_by_what_is_there() {
        let object = |kind: &str, data: &str| Object {
            kind: if kind == "Secret" { SECRET } else { CONFIG_MAP },
            value: json!({ "metadata": { "labels": { INSTANCE: "a", MANAGED_BY: "us" } }, "data": data }),
        };
        let wanted = object("ConfigMap", "x");
        assert_eq!(decide(&wanted, None), Decision::Create);
        assert_eq!(decide(&wanted, Some(&wanted.value)), Decision::Unchanged);
        assert_eq!(decide(&wanted, Some(&json!({ "metadata": {}, "data": "x" }))), Decision::Foreign);
        assert!(matches!(decide(&wanted, Some(&object("ConfigMap", "y").value)), Decision::Differs(_)));
        assert_eq!(decide(&object("Secret", "x"), Some(&object("Secret", "y").value)), Decision::Unchanged);
    }

    #[test]
    fn scripts_of_another_version_are_no_difference() {
        let object = |bootstrap: &str, version: &str, conf: &str| Object {
            kind: CONFIG_MAP,
            value: json!({
                "metadata": { "labels": { INSTANCE: "a", MANAGED_BY: "us" } },
                "data": { "bootstrap.sh": bootstrap, SCRIPTS_VERSION: version, "redis.conf": conf }
            }),
        };
        let wanted = object("new", "2", "port 1");
        let older = object("old", "1", "port 1").value;
        assert_eq!(decide(&wanted, Some(&older)), Decision::Unchanged);
        assert_eq!(other_scripts(&wanted, &older), Some(("1", "2")));
        assert_eq!(other_scripts(&wanted, &wanted.value), None);
        assert_eq!(other_scripts(&wanted, &json!({ "data": {} })), Some(("an older version", "2")));
        assert!(matches!(decide(&wanted, Some(&object("new", "2", "port 2").value)), Decision::Differs(_)));
    }

    /// A cluster of an older plugin has none of them.
    #[test]
    fn preferences_that_no_flag_changes_are_no_difference() {
        let object = |spec: Value| {
            let labels = json!({ INSTANCE: "a", MANAGED_BY: "us" });
            Object { kind: STATEFUL_SET, value: json!({ "metadata": { "labels": labels }, "spec": spec }) }
        };
        let pod = |pod: Value| object(json!({ "template": { "spec": pod } }));
        let wanted = pod(json!({
            "affinity": { "podAffinity": { "x": 1 }, "podAntiAffinity": { "y": 1 } },
            "topologySpreadConstraints": [{ "maxSkew": 2 }],
        }));
        let older = pod(json!({ "affinity": { "podAntiAffinity": { "y": 1 } } })).value;
        assert_eq!(decide(&wanted, Some(&older)), Decision::Unchanged);
        let other = pod(json!({ "affinity": { "podAntiAffinity": { "y": 2 } } })).value;
        assert!(matches!(decide(&wanted, Some(&other)), Decision::Differs(_)));
    }

    #[test]
    fn one_more_of_a_list_with_names_is_one_short_line() {
        let env = |names: &[&str]| -> Value {
            names.iter().map(|name| json!({ "name": name, "value": "x".repeat(100) })).collect()
        };
        let wanted = json!({ "env": env(&["a", "b"]), "resources": { "limits": { "cpu": "0.5" } } });
        let changes = difference(
            &json!({ "c": wanted }),
            &json!({ "c": { "env": env(&["z", "b"]), "resources": { "limits": { "cpu": "500m" } } } }),
        );
        let lines: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.essence())).collect();
        assert_eq!(lines, [("c.env[a]", ("nothing".to_owned(), format!("\"{}...\"", "x".repeat(60))))]);
    }

    #[test]
    fn every_place_is_named() {
        let wanted = json!({ "spec": { "image": "redis:8.0", "ports": [1, 2] } });
        let live = json!({ "spec": { "image": "redis:7.0", "ports": [1] } });
        let changes = difference(&wanted, &live);
        assert_eq!(changes[0].path, "spec.image");
        assert_eq!((changes[0].live.as_deref(), changes[0].wanted.as_str()), (Some("redis:7.0"), "redis:8.0"));
        assert_eq!((changes[1].path.as_str(), changes[1].wanted.as_str()), ("spec.ports", "[1,2]"));
        assert_eq!(difference(&json!({ "a": "b" }), &json!({}))[0].live, None);
    }
}
