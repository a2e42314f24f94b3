//! What a request asks for, as the API server reads its method and path.

use http::Method;
use serde_json::Value;

#[derive(Debug, Default)]
pub struct Call {
    pub verb: &'static str,
    pub group: String,
    pub namespace: Option<String>,
    /// Of what is no resource: its path.
    pub resource: String,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

impl Call {
    pub fn of(method: &Method, path: &str) -> Self {
        let words: Vec<&str> = path.split('/').skip(1).collect();
        let (group, rest) = match words[..] {
            ["api", _, ref rest @ ..] if !rest.is_empty() => ("", rest),
            ["apis", group, _, ref rest @ ..] if !rest.is_empty() => (group, rest),
            _ => return Self { verb: "get", resource: path.to_owned(), ..Self::default() },
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
            _ => (None, rest),
        };
        let word = |index: usize| rest.get(index).map(|word| (*word).to_owned());
        let (name, subresource) = (word(1), word(2));
        let verb = match *method {
            Method::GET if name.is_none() => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            ref other => panic!("nobody sends {other}"),
        };
        Self { verb, group: group.to_owned(), namespace, resource: word(0).unwrap_or_default(), name, subresource }
    }

    /// What a review of the user's rights is about.
    pub fn reviewed(review: &Value) -> (String, String) {
        let text = |name: &str| review["spec"]["resourceAttributes"][name].as_str().unwrap_or_default();
        (text("verb").to_owned(), with_subresource(text("resource"), text("subresource")))
    }

    fn right(&self) -> String {
        with_subresource(&self.resource, self.subresource.as_deref().unwrap_or_default())
    }

    /// `secrets "a"`, `statefulsets.apps`.
    fn what(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let name = self.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        format!("{}{group}{name}", self.resource)
    }

    pub fn not_found(&self) -> String {
        format!("{} not found", self.what())
    }

    pub fn forbidden(&self) -> String {
        let Self { verb, group, .. } = self;
        let place = match &self.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let right = format!("cannot {verb} resource \"{}\" in API group \"{group}\"", self.right());
        format!("{} is forbidden: User \"bob\" {right} {place}", self.what())
    }
}

fn with_subresource(resource: &str, subresource: &str) -> String {
    if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") }
}

/// Requests of one kind: `get secrets redis-tls`, `list pods -A`, `get pods/log`, `get /version`.
#[derive(Debug)]
pub struct Rule {
    verb: String,
    resource: String,
    name: Option<String>,
    /// Within the outer one: none is that of the cluster's scope.
    namespace: Option<Option<String>>,
}

impl Rule {
    pub fn read(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let (words, namespace) = match words[..] {
            [ref words @ .., "-n", namespace] => (words, Some(Some(namespace.to_owned()))),
            [ref words @ .., "-A"] => (words, Some(None)),
            ref words => (words, None),
        };
        let [verb, resource, ref name @ ..] = words[..] else { panic!("no rule: {text}") };
        let name = name.first().map(|name| (*name).to_owned());
        Self { verb: verb.to_owned(), resource: resource.to_owned(), name, namespace }
    }

    pub fn fits(&self, call: &Call) -> bool {
        self.covers(call.verb, &call.right())
            && self.name.as_ref().is_none_or(|name| call.name.as_ref() == Some(name))
            && self.namespace.as_ref().is_none_or(|namespace| call.namespace == *namespace)
    }

    /// Whether it is about this right, whatever the object.
    pub fn covers(&self, verb: &str, resource: &str) -> bool {
        self.verb == verb && self.resource == resource
    }
}
