//! The API server and the controllers: requests, and what they make of the objects.

use super::call::{Call, Rule};
use super::selector::Query;
use super::{End, Fault, Injected, NAMESPACE, State, World};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use kubectl_redis_cluster::cluster::node::NodeNumber;
use kubectl_redis_cluster::manifest::names::NODE;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::time::Instant;

const NO_KUBELET: &str = "error dialing backend: dial tcp 198.51.100.1:10250: connect: connection refused";

impl World {
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().trim_end_matches('/').to_owned();
        let query = Query::of(parts.uri.query().unwrap_or_default());
        let call = Call::of(&parts.method, &path);
        if !query.is_dry() {
            self.state().requests.push(format!("{} {path}", parts.method));
        }
        let fault = self.state().fault(|injected| injected.rule.fits(&call));
        match fault {
            Some(Fault::Hang) => futures::future::pending().await,
            Some(Fault::Answer(code, message)) => return failure(code, &message),
            Some(Fault::Forbidden) => return failure(403, &call.forbidden()),
            None => {}
        }
        let body = body.collect_bytes().await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut state = self.state();
        match parts.method {
            Method::GET if call.verb == "list" => state.list(&call, &query, &parts.headers),
            Method::GET => state.get(&call, &path, &query),
            Method::POST => state.review(body),
            Method::PATCH if query.is_dry() => answer(&body),
            Method::PATCH if header(&parts.headers, &CONTENT_TYPE).contains("merge-patch") => {
                state.merge(&call, &path, &body)
            }
            Method::PATCH => state.apply(&path, body),
            _ => state.delete(&call, &path, query.is_dry()),
        }
    }
}

impl State {
    fn fault(&mut self, is_met: impl Fn(&Injected) -> bool) -> Option<Fault> {
        let injected = self.faults.iter_mut().find(|injected| is_met(injected))?;
        injected.is_used = true;
        Some(injected.fault.clone())
    }

    pub(super) fn assert_faults_used(&self) {
        let unused: Vec<&Rule> =
            self.faults.iter().filter(|injected| !injected.is_used).map(|injected| &injected.rule).collect();
        assert!(unused.is_empty(), "no request met these faults: {unused:?}");
    }

    fn get(&mut self, call: &Call, path: &str, query: &Query) -> Response<Body> {
        if let Some(object) = self.objects.get(path) {
            return answer(&self.now(call, object));
        }
        let of = path.rsplit_once('/').and_then(|(pod, _)| self.objects.get(pod));
        match (call.resource.as_str(), call.subresource.as_deref()) {
            ("/version", _) => answer(&version()),
            ("/apis/policy/v1", _) => answer(&budgets()),
            ("pods", Some("log")) if of.is_some() => self.log(call, query),
            // Streams to nodes are opened by `Dial`; all others lead to a kubelet, and there is none.
            ("pods", Some("portforward" | "exec")) if of.is_some() => failure(500, NO_KUBELET),
            _ => failure(404, &call.not_found()),
        }
    }

    /// An object as it is by now.
    fn now(&self, call: &Call, object: &Value) -> Value {
        let mut object = object.clone();
        if let (Some(story), Some(begin), "pods") = (&self.story, self.first_pod, call.resource.as_str()) {
            story(begin.elapsed(), &mut object);
        }
        object
    }

    pub(super) fn has_pod(&self, name: &str) -> bool {
        self.objects.contains_key(&format!("{NAMESPACE}/pods/{name}"))
    }

    fn log(&mut self, call: &Call, query: &Query) -> Response<Body> {
        let pod = call.name.as_deref().unwrap_or_default();
        let ends = self.log_ends.get_mut(pod).and_then(VecDeque::pop_front);
        let lines: Vec<&str> = self.logs.get(pod).map(|log| log.lines().collect()).unwrap_or_default();
        let since = query.get("sinceTime").map(|time| time.parse::<Timestamp>().expect("a time"));
        let is_new = |line: &&&str| {
            let time = line.split(' ').next().and_then(|time| time.parse::<Timestamp>().ok());
            since.is_none_or(|since| time.is_some_and(|time| time >= since))
        };
        let lines: Vec<&str> = lines.iter().filter(is_new).copied().collect();
        let tail = query.get("tailLines").map_or(lines.len(), |count| count.parse().expect("a number"));
        let live = if query.get("follow") == Some("true") { End::Hangs } else { End::Orderly };
        let (count, end) = ends.unwrap_or((lines.len(), live));
        let lines = lines.iter().skip(lines.len().saturating_sub(tail)).take(count);
        let text: String = match query.get("timestamps") {
            Some("true") => lines.map(|line| format!("{line}\n")).collect(),
            _ => lines.map(|line| format!("{}\n", line.split_once(' ').map_or("", |(_, text)| text))).collect(),
        };
        let mut answer = Response::new(Body::from(text.into_bytes()));
        answer.extensions_mut().insert(end);
        answer
    }

    /// All of the namespace, or where none is named, of all.
    fn list(&self, call: &Call, query: &Query, headers: &HeaderMap) -> Response<Body> {
        let is_asked_for = |path: &str| {
            let each = Call::of(&Method::GET, path);
            let is_near = call.namespace.is_none() || each.namespace == call.namespace;
            each.resource == call.resource && each.group == call.group && each.subresource.is_none() && is_near
        };
        let of_kind = self.objects.iter().filter(|(path, _)| is_asked_for(path)).map(|(_, object)| object);
        let found = of_kind.filter(|object| query.selects(object));
        let items: Vec<Value> = if header(headers, &ACCEPT).contains("as=PartialObjectMetadataList") {
            found.map(|object| json!({ "metadata": object["metadata"] })).collect()
        } else {
            found.map(|object| self.now(call, object)).collect()
        };
        answer(&json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items }))
    }

    /// The only thing that is made without a name.
    fn review(&mut self, mut review: Value) -> Response<Body> {
        let (verb, resource) = Call::reviewed(&review);
        let forbidden =
            self.fault(|injected| matches!(injected.fault, Fault::Forbidden) && injected.rule.covers(&verb, &resource));
        review["status"] = json!({ "allowed": forbidden.is_none() });
        answer(&review)
    }

    /// Stores an object; a StatefulSet gets its pod at once.
    fn apply(&mut self, path: &str, mut object: Value) -> Response<Body> {
        if object["kind"] == "StatefulSet" {
            object["status"] = json!({ "replicas": 1, "readyReplicas": 1 });
            let pod = pod(&object);
            let name = pod["metadata"]["name"].as_str().expect("a name");
            self.first_pod.get_or_insert_with(Instant::now);
            self.objects.insert(format!("{NAMESPACE}/pods/{name}"), pod);
        }
        // At the address that its node announces.
        let number = object["metadata"]["labels"][NODE].as_str().and_then(|text| text.parse::<NodeNumber>().ok());
        if let (Some(number), "Service", true) = (number, kind(&object), object["spec"]["clusterIP"].is_null()) {
            object["spec"]["clusterIP"] = json!(format!("198.19.{}.{}", number.shard(), number.position()));
        }
        self.objects.insert(path.to_owned(), object.clone());
        answer(&object)
    }

    fn merge(&mut self, call: &Call, path: &str, patch: &Value) -> Response<Body> {
        let Some(object) = self.objects.get_mut(path) else { return failure(404, &call.not_found()) };
        merge(object, patch);
        answer(object)
    }

    /// A StatefulSet takes its pod along; what has a finalizer stays.
    fn delete(&mut self, call: &Call, path: &str, is_dry: bool) -> Response<Body> {
        if !self.objects.contains_key(path) {
            return failure(404, &call.not_found());
        }
        if !is_dry {
            self.remove(path);
            if let ("statefulsets", Some(name)) = (call.resource.as_str(), &call.name) {
                self.remove(&format!("{NAMESPACE}/pods/{name}-0"));
            }
        }
        answer(&json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
    }
}

impl State {
    fn remove(&mut self, path: &str) {
        if self.objects.get(path).is_some_and(|object| object["metadata"]["finalizers"].is_null()) {
            self.objects.remove(path);
        }
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// As a JSON merge patch says it (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("an object").remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// The pod of a StatefulSet, scheduled and ready.
fn pod(controller: &Value) -> Value {
    let name = format!("{}-0", controller["metadata"]["name"].as_str().expect("a name"));
    let mut pod = controller["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["uid"] = json!(name);
    pod["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": "StatefulSet", "uid": "x",
        "controller": true, "name": controller["metadata"]["name"] }]);
    let number = controller["metadata"]["labels"][NODE].as_str().and_then(|text| text.parse::<NodeNumber>().ok());
    let place = number.map_or(0, |number| number.shard() + number.position());
    pod["spec"]["nodeName"] = json!(format!("node-{}", place % 3 + 1));
    pod["status"] = json!({ "conditions": [{ "type": "Ready", "status": "True",
        "lastTransitionTime": "2026-01-01T00:00:00Z" }], "containerStatuses": [{ "name": "redis", "ready": true, "restartCount": 0,
        "image": "", "imageID": "", "state": { "running": {} } }] });
    pod
}

fn version() -> Value {
    json!({ "major": "1", "minor": "99", "gitVersion": "v1.99.0", "gitCommit": "", "gitTreeState": "", "buildDate": "",
            "goVersion": "", "compiler": "", "platform": "" })
}

fn budgets() -> Value {
    let resource = json!({ "name": "poddisruptionbudgets", "kind": "PodDisruptionBudget", "namespaced": true,
                           "singularName": "", "verbs": [] });
    json!({ "kind": "APIResourceList", "groupVersion": "policy/v1", "resources": [resource] })
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn answer(value: &Value) -> Response<Body> {
    Response::new(Body::from(value.to_string().into_bytes()))
}

fn failure(code: u16, message: &str) -> Response<Body> {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        _ => "",
    };
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message });
    let mut response = answer(&status);
    *response.status_mut() = code.try_into().expect("a status");
    response
}
