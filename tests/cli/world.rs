//! A scripted API server and scripted Redis nodes.

use clap::Parser;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::client::Body;
use kubectl_redis_cluster::cli::Cli;
use kubectl_redis_cluster::cluster::node::NodeNumber;
use kubectl_redis_cluster::cluster::nodes_conf::{InitialNode, STARTUP_PORT, nodes_conf};
use kubectl_redis_cluster::cluster::shape::{Shape, Small};
use kubectl_redis_cluster::context::Context;
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::k8s::client::Server;
use kubectl_redis_cluster::manifest::names::{ClusterName, NODE};
use kubectl_redis_cluster::node::dial::{Dial, Target, Via};
use kubectl_redis_cluster::node::line::Line;
use kubectl_redis_cluster::outcome::Outcome;
use kubectl_redis_cluster::ui::terminal::Ui;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What a node does when it is asked.
#[derive(Clone, Copy)]
pub enum Node {
    Hangs,
    Refuses(&'static str),
    Says(&'static str),
    /// Listens on the start-up port alone, where it says that its data is lost; becomes a
    /// healthy node when that is accepted.
    HasLostItsData,
    /// The same, but does not hear of an acceptance.
    IsDeaf,
}

#[derive(Clone)]
enum Fault {
    Answer(u16, String),
    Hang,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    requests: Vec<String>,
    faults: Vec<(String, String, Fault)>,
    forbidden: Vec<(String, String)>,
    nodes: BTreeMap<String, Node>,
    logs: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
pub struct World(Arc<Mutex<State>>);

const NAMESPACE: &str = "/api/v1/namespaces/default";

impl World {
    /// Three workers, of which the last is not labelled with its own name, a default
    /// StorageClass, and nothing else.
    pub fn new() -> Self {
        let world = Self::default();
        for worker in 1..=3 {
            let path = format!("/api/v1/nodes/node-{worker}");
            let name = if worker == 3 { "elsewhere".to_owned() } else { format!("node-{worker}") };
            let labels =
                json!({ "topology.kubernetes.io/zone": format!("zone-{worker}"), "kubernetes.io/hostname": name });
            let metadata = json!({ "name": format!("node-{worker}"), "labels": labels });
            let status = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
            let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status });
            world.state().objects.insert(path, node);
        }
        let annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
        let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x",
                            "metadata": { "name": "standard", "annotations": annotations } });
        world.state().objects.insert("/apis/storage.k8s.io/v1/storageclasses/standard".into(), class);
        world
    }

    pub async fn with_cluster() -> Self {
        let world = Self::new();
        let said = world.run("create redis-001").await;
        assert!(said.contains("is ready"), "{said}");
        world.state().requests.clear();
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }

    pub fn fail(&self, method: &str, path: &str, code: u16, message: &str) {
        self.state().faults.push((method.into(), path.into(), Fault::Answer(code, message.into())));
    }

    pub fn hang(&self, method: &str, path: &str) {
        self.state().faults.push((method.into(), path.into(), Fault::Hang));
    }

    pub fn mend(&self) {
        self.state().faults.clear();
    }

    pub fn forbid(&self, verb: &str, resource: &str) {
        self.state().forbidden.push((verb.into(), resource.into()));
    }

    pub fn node(&self, pod: &str, node: Node) {
        self.state().nodes.insert(pod.into(), node);
    }

    pub fn log(&self, pod: &str, text: &str) {
        self.state().logs.insert(pod.into(), text.into());
    }

    pub fn add(&self, path: &str, kind: &str) {
        let name = path.rsplit('/').next();
        self.state().objects.insert(path.into(), json!({ "kind": kind, "metadata": { "name": name } }));
    }

    /// An object as it is.
    pub fn put(&self, path: &str, object: Value) {
        self.state().objects.insert(path.into(), object);
    }

    pub fn remove(&self, path: &str) {
        self.state().objects.remove(path);
    }

    pub fn count(&self, part: &str) -> usize {
        self.state().objects.keys().filter(|path| path.contains(part)).count()
    }

    /// The requests since the last time that it was asked.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    /// The requests that changed something.
    pub fn changes(&self) -> Vec<String> {
        let changing = |request: &&String| !request.starts_with("GET") && !request.contains("accessreviews");
        self.state().requests.iter().filter(changing).cloned().collect()
    }

    /// Whether the changes of these objects came in this order.
    pub fn order_is(&self, parts: &[&str]) -> bool {
        let changes = self.changes();
        let places: Vec<_> = parts.iter().map(|part| changes.iter().position(|change| change.contains(part))).collect();
        places.iter().all(Option::is_some) && places.is_sorted()
    }

    /// Runs a command line; returns all that a user would see.
    pub async fn run(&self, line: &str) -> String {
        let words = std::iter::once("kubectl redis-cluster").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).expect(line);
        let (out, err) = (Captured::default(), Captured::default());
        let mut ui = Ui::captured(Box::new(out.clone()), Box::new(err.clone()));
        let judges = cli.command.verb().judges();
        let context = self.context(&cli);
        let result = cli.run_in(&context, &mut ui).await;
        let status = match &result {
            Ok(Outcome::Done) => String::new(),
            Ok(outcome) => format!("[exit status: {}]\n", outcome.status()),
            Err(error) => {
                ui.error(error);
                format!("[exit status: {}]\n", if judges { 2 } else { 1 })
            }
        };
        let err = err.text();
        let err = if err.is_empty() { err } else { format!("------- stderr\n{err}") };
        format!("{}{err}{status}", out.text())
    }

    fn context(&self, cli: &Cli) -> Context {
        let world = self.clone();
        let service = tower::service_fn(move |request| {
            let world = world.clone();
            async move { Ok::<_, std::convert::Infallible>(world.answer(request).await) }
        });
        let server = Server::with_client(kube::Client::new(service, "default"), "default");
        Context { ask_timeout: Duration::from_secs(3), ..cli.context(server, Box::new(self.clone())) }
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().trim_end_matches('/').to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        if !query.contains("dryRun=All") {
            self.state().requests.push(format!("{} {path}", parts.method));
        }
        let faults = self.state().faults.clone();
        let fault = faults.iter().find(|(method, part, _)| *method == parts.method.as_str() && path.contains(part));
        match fault {
            Some((_, _, Fault::Hang)) => futures::future::pending().await,
            Some((_, _, Fault::Answer(code, message))) => return failure(*code, message),
            None => {}
        }
        let body = body.collect_bytes().await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match parts.method {
            Method::GET => self.get(&path, &query),
            Method::POST => self.review(&body),
            Method::PATCH if query.contains("dryRun=All") => answer(&body),
            Method::PATCH => self.apply(&path, body),
            _ => self.delete(&path),
        }
    }

    fn get(&self, path: &str, query: &str) -> Response<Body> {
        let state = self.state();
        if let Some(pod) = path.strip_suffix("/log").and_then(|path| path.rsplit('/').next()) {
            return Response::new(Body::from(state.logs.get(pod).cloned().unwrap_or_default().into_bytes()));
        }
        if let Some(object) = state.objects.get(path) {
            return answer(object);
        }
        match path {
            "/version" => return answer(&version()),
            "/apis/policy/v1" => return answer(&budgets()),
            _ => {}
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        let is_name = path.matches('/').count() > 2 && !last.ends_with('s') && !last.ends_with("ies");
        if is_name || state.objects.keys().any(|key| key.starts_with(&format!("{path}x"))) || last.contains('-') {
            return failure(404, &format!("\"{last}\" not found"));
        }
        let wanted = selector(query);
        let has = |object: &Value, (name, values): &(String, Vec<String>)| {
            let value = object["metadata"]["labels"][name].as_str().unwrap_or_default();
            values.iter().any(|wanted| wanted == value)
        };
        let matches = |object: &&Value| wanted.iter().all(|requirement| has(object, requirement));
        let prefix = format!("{path}/");
        let below = state.objects.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, object)| object);
        let items: Vec<&Value> = below.filter(matches).collect();
        answer(&json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items }))
    }

    fn review(&self, body: &Value) -> Response<Body> {
        let wish = &body["spec"]["resourceAttributes"];
        let forbidden = self
            .state()
            .forbidden
            .iter()
            .any(|(verb, resource)| wish["verb"] == *verb && wish["resource"] == *resource);
        let mut review = body.clone();
        review["status"] = json!({ "allowed": !forbidden });
        answer(&review)
    }

    /// Stores an object; a StatefulSet gets its pod at once.
    fn apply(&self, path: &str, mut object: Value) -> Response<Body> {
        let mut state = self.state();
        if object["kind"].is_null() {
            return merge(&mut state, path, &object);
        }
        if object["kind"] == "StatefulSet" {
            object["status"] = json!({ "readyReplicas": 1 });
            let name = format!("{}-0", object["metadata"]["name"].as_str().expect("a name"));
            let mut pod = object["spec"]["template"].clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["uid"] = json!(name);
            let number = object["metadata"]["labels"][NODE].as_str().and_then(|text| text.parse::<NodeNumber>().ok());
            let place = number.map_or(0, |number| number.shard() + number.position());
            pod["spec"]["nodeName"] = json!(format!("node-{}", place % 3 + 1));
            pod["status"] = json!({ "containerStatuses": [{ "name": "redis", "ready": true, "restartCount": 0,
                "image": "", "imageID": "", "state": { "running": {} } }] });
            state.objects.insert(format!("{NAMESPACE}/pods/{name}"), pod);
        }
        state.objects.insert(path.to_owned(), object.clone());
        answer(&object)
    }

    fn delete(&self, path: &str) -> Response<Body> {
        match self.state().objects.remove(path) {
            Some(_) => answer(&json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })),
            None => failure(404, "not found"),
        }
    }
}

/// A merge patch of an object's data.
fn merge(state: &mut State, path: &str, patch: &Value) -> Response<Body> {
    let Some(object) = state.objects.get_mut(path) else { return failure(404, "not found") };
    for (name, value) in patch["data"].as_object().into_iter().flatten() {
        object["data"][name] = value.clone();
    }
    answer(object)
}

/// Labels and the values that they may have: `a=b,c=d`, or `a in (b,c)` alone.
fn selector(query: &str) -> Vec<(String, Vec<String>)> {
    let text = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector=")).unwrap_or_default();
    let codes = [("+", " "), ("%28", "("), ("%29", ")"), ("%3D", "="), ("%2C", ","), ("%2F", "/")];
    let text = codes.iter().fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign));
    if let Some((name, values)) = text.split_once(" in (") {
        let values = values.trim_end_matches(')').split(',').map(str::to_owned).collect();
        return vec![(name.to_owned(), values)];
    }
    text.split(',').filter_map(|pair| pair.split_once('=')).map(|(a, b)| (a.to_owned(), vec![b.to_owned()])).collect()
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

impl Dial for World {
    fn dial<'a>(&'a self, target: &'a Target, _: Via) -> BoxFuture<'a, Result<Line, Error>> {
        let node = self.state().nodes.get(&target.pod).copied();
        let number = target.pod.trim_end_matches("-0").rsplit('-').next().and_then(|text| text.parse().ok());
        async move {
            if let Some(Node::Refuses(reason)) = node {
                return Err(Error::user(reason));
            }
            let at_startup = matches!(node, Some(Node::HasLostItsData | Node::IsDeaf));
            if at_startup != (target.port == STARTUP_PORT) {
                return Err(Error::user("nothing listens on its port"));
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            if at_startup {
                tokio::spawn(serve_startup(theirs, self.clone(), target.pod.clone()));
                return Ok(Line::Server { stream: Box::new(ours), trouble: async { None }.boxed() });
            }
            if !matches!(node, Some(Node::Hangs)) {
                tokio::spawn(serve(theirs, number.expect("a node of ours"), node));
            } else {
                std::mem::forget(theirs);
            }
            Ok(Line::Server { stream: Box::new(ours), trouble: async { None }.boxed() })
        }
        .boxed()
    }

    fn relay<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<Line, Error>> {
        async { Err(Error::user("no relay here")) }.boxed()
    }
}

/// What a node without data says.
async fn serve_startup(mut stream: DuplexStream, world: World, pod: String) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..read]).to_uppercase();
        for command in text.split('*').skip(1) {
            let reply = match command {
                command if command.contains("WAITING") => "no node holds this shard's data any more",
                command if command.contains("LOST") => "lost",
                command if command.contains("KEPT") => "",
                command => {
                    let mut state = world.state();
                    let hears = matches!(state.nodes.get(&pod), Some(Node::HasLostItsData));
                    if command.contains("ACCEPTED") && hears {
                        state.nodes.remove(&pod);
                    }
                    "OK"
                }
            };
            let bulk = format!("${}\r\n{reply}\r\n", reply.len());
            stream.write_all(bulk.as_bytes()).await.expect("somebody listens");
        }
    }
}

/// Answers Redis' protocol: a healthy node, or one that says the same to everything.
async fn serve(mut stream: DuplexStream, number: NodeNumber, node: Option<Node>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..read]).to_uppercase();
        for command in text.split('*').skip(1) {
            let reply = match node {
                Some(Node::Says(reply)) => reply.to_owned(),
                _ if command.contains("AUTH") => "OK".to_owned(),
                _ if command.contains("NODES") => nodes(number),
                _ if command.contains("CLUSTER") => CLUSTER_INFO.to_owned(),
                _ => info(number),
            };
            let bulk = format!("${}\r\n{reply}\r\n", reply.len());
            stream.write_all(bulk.as_bytes()).await.expect("somebody listens");
        }
    }
}

const CLUSTER_INFO: &str = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n\
    cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_current_epoch:3\r\n";

fn nodes(myself: NodeNumber) -> String {
    let shape = Shape::new(3, 1, Small::Refused).expect("valid");
    let name: ClusterName = "redis-001".parse().expect("a name");
    let peer = |number: NodeNumber| InitialNode {
        number,
        id: name.node_id("default", number),
        address: format!("198.19.0.{}", number.shard()),
    };
    let peers: Vec<_> = shape.nodes().map(peer).collect();
    let file = nodes_conf(shape, &peers, myself);
    file.lines().filter(|line| !line.starts_with("vars")).map(|line| format!("{line}\n")).collect()
}

fn info(myself: NodeNumber) -> String {
    let role = if myself.is_initial_master() {
        "role:master\r\nmaster_repl_offset:10\r\n"
    } else {
        "role:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:10\r\n"
    };
    format!("redis_version:8.0.2\r\nuptime_in_seconds:7\r\nused_memory:2097152\r\nmaxmemory:167772160\r\n{role}")
}

/// What was written, kept.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole").clone()).expect("text")
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
