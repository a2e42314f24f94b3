//! What a request's query says: which objects, and how.

use serde_json::Value;

pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn of(text: &str) -> Self {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
        Self(text.split('&').filter_map(pair).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    pub fn is_dry(&self) -> bool {
        self.get("dryRun") == Some("All")
    }

    /// Whether an object is one of those that are asked for.
    pub fn selects(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let has_labels = requirements(self.get("labelSelector")).iter().all(|each| is_met(each, labels));
        let is_field = |requirement: &str| {
            let (path, value) = requirement.split_once('=').expect("a field and its value");
            path.split('.').fold(object, |object, name| &object[name]).as_str().unwrap_or_default() == value
        };
        has_labels && requirements(self.get("fieldSelector")).iter().all(|each| is_field(each))
    }
}

/// The parts between the commas, but not those in brackets.
fn requirements(selector: Option<&str>) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_inside = false;
    for sign in selector.unwrap_or_default().chars() {
        is_inside = sign == '(' || is_inside && sign != ')';
        match parts.last_mut() {
            Some(part) if sign != ',' || is_inside => part.push(sign),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// `a=b`, `a in (b,c)`, or `a`.
fn is_met(requirement: &str, labels: &Value) -> bool {
    let value = |name: &str| labels[name].as_str();
    if let Some((name, values)) = requirement.split_once(" in (") {
        return values.trim_end_matches(')').split(',').any(|wanted| value(name) == Some(wanted));
    }
    match requirement.split_once('=') {
        Some((name, wanted)) => value(name) == Some(wanted),
        None => value(requirement).is_some(),
    }
}

/// Percent signs are followed by a byte.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two digits"));
        bytes.extend(rest.replace('+', " ").into_bytes());
    }
    String::from_utf8(bytes).expect("text")
}
