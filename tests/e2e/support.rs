//! A namespace of its own for every test, and the commands as a user types them.

#[path = "../redis/replies.rs"]
mod replies;

use replies::all_answered;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// What a command printed and how it ended.
#[derive(Debug)]
#[must_use = "look at what it printed, or say ok()"]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }

    /// The data, from a command that must have gone well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// The JSON data.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// The complaint, from a command that must have failed with nothing on stdout.
    pub fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "stderr:\n{}", self.err);
        self.err
    }
}

/// The variables that every command needs: the cluster, and a PATH on which kubectl
/// finds the plugin that was just built.
pub fn variables() -> &'static Vec<(String, String)> {
    static ENVIRONMENT: OnceLock<Vec<(String, String)>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let kube = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/kube");
        let mut path = std::env::var("PATH").unwrap_or_default();
        let said = Command::new(&kube).arg("env").output().expect("tests/cluster/kube runs");
        let lines = String::from_utf8_lossy(&said.stdout).into_owned();
        let exported = |name: &str| lines.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        let kubeconfig = std::env::var("TEST_KUBECONFIG").ok().or(exported("KUBECONFIG").map(str::to_owned));
        let kubeconfig = kubeconfig.expect("no Kubernetes to test on; bring one up first: tests/cluster/kube up");
        if let Some(first) = exported("PATH").and_then(|text| text.strip_suffix(":$PATH")) {
            path = format!("{first}:{path}");
        }
        let folder = plugin_folder();
        let folder = folder.display();
        vec![
            ("PATH".into(), format!("{folder}:{path}")),
            ("KUBECONFIG".into(), kubeconfig),
            ("NO_COLOR".into(), "1".into()),
        ]
    })
}

/// A folder with nothing but the plugin: kubectl looks at all that begins with its name.
fn plugin_folder() -> PathBuf {
    plugin_linked("path", "kubectl-redis_cluster")
}

/// A folder with nothing but the plugin, under this name. Made anew at each call: tests that run
/// at the same time share what one call made.
pub fn plugin_linked(folder: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubectl-redis_cluster"), folder.join(name)).expect("a link");
    folder
}

/// A program with the environment of the tests.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.envs(variables().iter().cloned()).stdin(Stdio::null());
    command
}

pub struct Namespace {
    pub name: String,
}

impl Namespace {
    /// A new one, deleted at the end; when the test fails, its state is printed first.
    pub fn new(test: &str) -> Self {
        let unique = std::process::id() ^ Instant::now().elapsed().subsec_nanos();
        let name = format!("krc-{test}-{unique:x}");
        run(program("kubectl").args(["create", "namespace", &name])).ok();
        run(program("kubectl").args(["label", "namespace", &name, "kubectl-redis-cluster/test=true"])).ok();
        let namespace = Self { name };
        until(30, "the default service account", || {
            namespace.kubectl(&["get", "serviceaccount", "default"]).code == Some(0)
        });
        namespace
    }

    /// kubectl in this namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        run(&mut self.kubectl_command(arguments))
    }

    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = program("kubectl");
        command.args(["-n", &self.name]).args(arguments);
        command
    }

    /// The plugin in this namespace, through kubectl.
    pub fn plugin(&self, arguments: &[&str]) -> Said {
        run(&mut self.plugin_command(arguments))
    }

    pub fn plugin_command(&self, arguments: &[&str]) -> Command {
        let mut command = program("kubectl");
        command.arg("redis-cluster").args(arguments).args(patient(arguments)).args(["-n", &self.name]);
        command
    }

    /// `kubectl apply -f -` of this text.
    pub fn apply(&self, manifest: &str) -> Said {
        feed(program("kubectl").args(["-n", &self.name, "apply", "-f", "-"]), manifest)
    }

    /// redis-cli in a pod, in cluster mode, with these lines as its input.
    pub fn redis(&self, pod: &str, lines: &str) -> String {
        feed(program("kubectl").args(["-n", &self.name, "exec", "-i", pod, "--", "redis-cli", "-c"]), lines).ok()
    }

    /// The replies to lines of GET or SET through a pod, each given once, when every shard answers.
    pub fn answers(&self, pod: &str, lines: &str) -> Vec<String> {
        let mut replies = None;
        until(30, "an answer to every line", || {
            replies = all_answered(&self.redis(pod, lines), lines.lines().count());
            replies.is_some()
        });
        replies.unwrap_or_default()
    }

    /// A list of values by JSONPath, one a line.
    pub fn values(&self, arguments: &[&str], path: &str) -> Vec<String> {
        let path = format!("jsonpath={{range .items[*]}}{path}{{\"\\n\"}}{{end}}");
        let said = run(program("kubectl").args(["-n", &self.name, "get"]).args(arguments).args(["-o", &path])).ok();
        said.lines().map(str::to_owned).collect()
    }

    /// The password in a cluster's own Secret.
    pub fn password(&self, cluster: &str) -> String {
        let template = "go-template={{.data.password | base64decode}}";
        self.kubectl(&["get", "secret", cluster, "-o", template]).ok()
    }

    /// The cluster's state by every node's own word. Other tests keep the machine busy.
    pub fn info(&self, arguments: &[&str]) -> Value {
        self.plugin(&[&["info", "-o", "json", "--ask-timeout", "10s"], arguments].concat()).json()
    }

    /// Waits until a cluster is what it should be, and returns what was seen then.
    pub fn wait_ok(&self, arguments: &[&str]) -> Value {
        let mut info = Value::Null;
        until(90, "the cluster to be ok", || {
            let said = self.plugin(&[&["info", "-o", "json", "--ask-timeout", "10s"], arguments].concat());
            info = serde_json::from_str(&said.out).unwrap_or_default();
            info["status"]["state"] == "ok" && info["status"]["agree"] == true
        });
        info
    }

    /// Waits until the API server has heard of a user's right.
    pub fn wait_until_may(&self, user: &str, verb: &str, resource: &str) {
        until(30, &format!("{user} to be known to the API server"), || {
            self.kubectl(&["auth", "can-i", verb, resource, "--as", user]).out.trim() == "yes"
        });
    }

    /// Nothing is asked of what it prints: the API server may be what failed.
    fn dump(&self) {
        for arguments in [&["get", "pods,sts,rc,svc,pvc", "-o", "wide"][..], &["get", "events"]] {
            let said = self.kubectl(arguments);
            eprintln!("--- kubectl {}\n{}{}", arguments.join(" "), said.out, said.err);
        }
        let instance = "jsonpath={.items[*].metadata.labels.app\\.kubernetes\\.io/instance}";
        let clusters = self.kubectl(&["get", "services", "-o", instance]).out;
        for cluster in clusters.split_whitespace().collect::<BTreeSet<_>>() {
            let said = self.plugin(&["info", cluster]);
            eprintln!("--- info {cluster}\n{}{}", said.out, said.err);
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dump();
        }
        let _ = run(program("kubectl").args(["delete", "namespace", &self.name, "--wait=false"]));
    }
}

/// The deadlines of a command and its arguments where the test names none: a machine that is busy
/// with other tests needs longer ones than a user's.
pub fn patient(arguments: &[&str]) -> Vec<&'static str> {
    let named = |flag: &str| arguments.iter().any(|word| word.starts_with(flag));
    let waits = ["create", "delete", "accept-loss", "check-proxy-mode", "set-gke-proxy-mode"];
    let mut added = Vec::new();
    if !named("--ask-timeout") {
        added.extend(["--ask-timeout", "30s"]);
    }
    if !named("--timeout") && arguments.first().is_some_and(|command| waits.contains(command)) {
        added.extend(["--timeout", "6m"]);
    }
    added
}

/// The longest that one command may take: those that wait have shorter deadlines.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn run(command: &mut Command) -> Said {
    let what = format!("{command:?}");
    ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs"), what)
}

/// Waits for a program's end, and makes one where it hangs: it has failed then.
fn ended(child: Child, what: String) -> Said {
    let pid = child.id().to_string();
    let (done, over) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("ended after {} s: {what}", PATIENCE.as_secs());
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
    });
    let output = child.wait_with_output().expect("it ends");
    drop(done);
    watchdog.join().expect("it ends");
    Said::of(output)
}

pub fn feed(command: &mut Command, input: &str) -> Said {
    let what = format!("{command:?}");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    ended(child, what)
}

/// How many times as long a thing may take on a busy machine.
const BUSY: u64 = 6;

/// Waits for a condition that takes less than so many seconds on a machine with nothing else to
/// do; fails with what was waited for.
pub fn until(seconds: u64, what: &str, mut condition: impl FnMut() -> bool) {
    let seconds = seconds * BUSY;
    let end = Instant::now() + Duration::from_secs(seconds);
    while !condition() {
        assert!(Instant::now() < end, "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A command that goes on in the background, its output in files.
pub struct Background {
    child: Child,
    out: PathBuf,
    _folder: tempfile::TempDir,
}

impl Background {
    pub fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        let file = std::fs::File::create(&out).expect("a file");
        let child = command.stdout(file).stderr(Stdio::null()).spawn().expect("it runs");
        Self { child, out, _folder: folder }
    }

    pub fn out(&self) -> String {
        std::fs::read_to_string(&self.out).expect("text")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends Ctrl-C's signal.
pub fn interrupt(child: &Child) {
    let done = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(done.success());
}
