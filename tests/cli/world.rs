//! A small Kubernetes with Redis nodes, in memory: what is applied is there, what is deleted is
//! gone, and every request is answered by what it asks for. Faults are put in by name. The
//! commands run as the program runs them.

mod body;
mod call;
mod node;
mod selector;
mod server;

use body::Body;
pub use body::End;
use call::Rule;
use kubectl_redis_cluster::cli::{self, Cli};
use kubectl_redis_cluster::context::Context;
use kubectl_redis_cluster::k8s::client::Server;
use kubectl_redis_cluster::ui::terminal::Ui;
pub use node::Node;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// What a pod has become so long after the first was made.
type PodStory = Arc<dyn Fn(Duration, &mut Value) + Send + Sync>;

/// What becomes of a request instead of an answer.
#[derive(Clone)]
enum Fault {
    /// The user lacks the right, which a review of it says too.
    Forbidden,
    Answer(u16, String),
    Hang,
}

struct Injected {
    rule: Rule,
    fault: Fault,
    is_used: bool,
}

#[derive(Default)]
struct State {
    /// By their paths.
    objects: BTreeMap<String, Value>,
    /// By pod.
    logs: BTreeMap<String, String>,
    /// After how many lines, and how, each of the next streams of a log ends.
    log_ends: BTreeMap<String, VecDeque<(usize, End)>>,
    /// Those that are not healthy, by pod.
    nodes: BTreeMap<String, Node>,
    /// What those become whose data loss is accepted, unless healthy.
    once_accepted: BTreeMap<String, Node>,
    faults: Vec<Injected>,
    requests: Vec<String>,
    story: Option<PodStory>,
    /// When the first pod was made.
    first_pod: Option<Instant>,
}

pub struct World {
    state: Arc<Mutex<State>>,
    /// The test's own: the connections of a command have the others, and may outlive it.
    is_original: bool,
}

impl Clone for World {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), is_original: false }
    }
}

/// A fault that no request meets shows nothing: its rule is misspelt, or the test is out of date.
impl Drop for World {
    fn drop(&mut self) {
        if self.is_original && !std::thread::panicking() {
            self.state().assert_faults_used();
        }
    }
}

pub const NAMESPACE: &str = "/api/v1/namespaces/default";

impl World {
    /// Three workers, of which the last is not labelled with its own name, a default
    /// StorageClass, and nothing else.
    pub fn new() -> Self {
        let world = Self { state: Arc::default(), is_original: true };
        for number in 1..=3 {
            let name = format!("node-{number}");
            let hostname = if number == 3 { "elsewhere" } else { &name };
            let labels = json!({ "topology.kubernetes.io/zone": format!("zone-{number}"),
                                 "kubernetes.io/hostname": hostname });
            let status = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
            let worker = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
                                 "status": status });
            world.put(&format!("/api/v1/nodes/{name}"), worker);
        }
        let annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
        let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x",
                            "metadata": { "name": "standard", "annotations": annotations } });
        world.put("/apis/storage.k8s.io/v1/storageclasses/standard", class);
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
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Whoever asks lacks this right: `VERB RESOURCE [NAME] [-n NAMESPACE | -A]`.
    pub fn forbid(&self, rule: &str) {
        self.fault(rule, Fault::Forbidden);
    }

    /// The answer to these requests; the rule is written like a right.
    pub fn fail(&self, rule: &str, code: u16, message: &str) {
        self.fault(rule, Fault::Answer(code, message.into()));
    }

    pub fn hang(&self, rule: &str) {
        self.fault(rule, Fault::Hang);
    }

    fn fault(&self, rule: &str, fault: Fault) {
        self.state().faults.push(Injected { rule: Rule::read(rule), fault, is_used: false });
    }

    /// No faults any more; each must have been met.
    pub fn mend(&self) {
        let mut state = self.state();
        state.assert_faults_used();
        state.faults.clear();
    }

    pub fn node(&self, pod: &str, node: Node) {
        self.state().nodes.insert(pod.into(), node);
    }

    /// What a node is that was told to start without its data.
    pub fn once_accepted(&self, pod: &str, node: Node) {
        self.state().once_accepted.insert(pod.into(), node);
    }

    /// What becomes of each pod with time, where it is not running and ready at once.
    pub fn pods(&self, story: impl Fn(Duration, &mut Value) + Send + Sync + 'static) {
        self.state().story = Some(Arc::new(story));
    }

    /// What a pod's container has printed, each line with its time.
    pub fn log(&self, pod: &str, text: &str) {
        self.state().logs.insert(pod.into(), text.into());
    }

    /// After how many lines, and how, the next streams of a pod's log end, one after the other.
    pub fn log_ends<const N: usize>(&self, pod: &str, ends: [(usize, End); N]) {
        self.state().log_ends.insert(pod.into(), ends.into());
    }

    /// An object as it is.
    pub fn put(&self, path: &str, object: Value) {
        self.state().objects.insert(path.into(), object);
    }

    pub fn object(&self, path: &str) -> Value {
        self.state().objects[path].clone()
    }

    /// Changes an object that is there.
    pub fn edit(&self, path: &str, change: impl FnOnce(&mut Value)) {
        change(self.state().objects.get_mut(path).expect("an object"));
    }

    pub fn remove(&self, path: &str) {
        self.state().objects.remove(path);
    }

    /// How many objects there are of a kind.
    pub fn count(&self, resource: &str) -> usize {
        self.state().objects.keys().filter(|path| path.contains(&format!("/{resource}/"))).count()
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

    /// Whether these objects were changed in this order.
    pub fn order_is(&self, objects: &[&str]) -> bool {
        let changes = self.changes();
        let place = |object: &&str| changes.iter().position(|change| change.ends_with(&format!("/{object}")));
        let places: Vec<_> = objects.iter().map(place).collect();
        places.iter().all(Option::is_some) && places.is_sorted()
    }

    /// Runs a command line to its end; returns all that a user would see.
    pub async fn run(&self, line: &str) -> String {
        let out = Captured::default();
        let (status, err) = self.run_into(line, Box::new(out.clone())).await;
        let status = if status == 0 { String::new() } else { format!("[exit status: {status}]\n") };
        let err = if err.is_empty() { err } else { format!("------- stderr\n{err}") };
        format!("{}{err}{status}", out.text())
    }

    /// The same as after `| head`; the exit status, and what is on standard error.
    pub async fn run_unread(&self, line: &str) -> (u8, String) {
        self.run_into(line, Box::new(Gone)).await
    }

    /// Runs a command that has no end until it has printed this, or for so long; returns what it
    /// printed.
    pub async fn run_until(&self, line: &str, last: &str, longest: Duration) -> String {
        let (out, err) = (Captured::default(), Captured::default());
        let until = Until { out: out.clone(), last: last.to_owned() };
        // Whether it has ended, what it printed says.
        let _ = tokio::time::timeout(longest, self.run_with(line, Box::new(until), err.clone())).await;
        format!("{}------- stderr\n{}", out.text(), err.text())
    }

    async fn run_into(&self, line: &str, out: Box<dyn Write>) -> (u8, String) {
        let err = Captured::default();
        let status = self.run_with(line, out, err.clone()).await;
        (status, err.text())
    }

    async fn run_with(&self, line: &str, out: Box<dyn Write>, err: Captured) -> u8 {
        let words = ["kubectl redis-cluster"].into_iter().chain(line.split_whitespace());
        let words: Vec<OsString> = words.map(Into::into).collect();
        let Ok(cli) = cli::parse(&words) else { panic!("no command: {line}") };
        let mut ui = Ui::captured(out, Box::new(err));
        let connect = async |cli: &Cli, _: &Ui| Ok(self.context(cli));
        kubectl_redis_cluster::run(cli, &mut ui, connect).await
    }

    fn context(&self, cli: &Cli) -> Context {
        let world = self.clone();
        let service = tower::service_fn(move |request| {
            let world = world.clone();
            async move { Ok::<_, std::convert::Infallible>(Body::of(world.answer(request).await)) }
        });
        let server = Server::with_client(kube::Client::new(service, "default"), "default");
        Context { ask_timeout: Duration::from_secs(3), ..cli.context(server, Box::new(self.clone())) }
    }
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

/// Whoever reads goes away after this.
struct Until {
    out: Captured,
    last: String,
}

impl Write for Until {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.out.text().contains(&self.last) { Gone.write(bytes) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.out.text().contains(&self.last) { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

/// Whoever read has gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
