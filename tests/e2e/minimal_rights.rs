//! `docs/rights`: a user with just these rights runs the command with all its options, and a
//! user without one of them is told which.

use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::throwaway::refuse_other_clusters;
use testkit::{Namespace, Said, feed, patient, program, run, until};

/// Rights that cannot be seen to be missing here: of which commands, where given, and why.
const UNSEEN: [(&[&str], Place, &str, &str); 11] = [
    (&["info", "check", "list", "logs", "accept-loss"], Place::Namespace, "create pods/exec", STREAMS),
    (
        &["info", "check", "list", "logs", "accept-loss", "check-proxy-mode"],
        Place::Namespace,
        "create pods/portforward",
        STREAMS,
    ),
    (&["check-proxy-mode"], Place::System, "create pods/portforward", STREAMS),
    (&["list"], Place::Namespace, "list services", "every cluster here has a pod: tests/cli/main.rs"),
    (&["info", "check"], Place::Everywhere, "get nodes", LABELLED),
    (&["check"], Place::Namespace, "list deployments", "no cluster here is one: tests/cli/objects.rs"),
    (
        &["check"],
        Place::Namespace,
        "list replicationcontrollers",
        "a cluster of them is never whole here: tests/cli/objects.rs",
    ),
    (&["check"], Place::Namespace, "list events", "every controller here has its pods: tests/cli/objects.rs"),
    (&PROXY, Place::System, "get configmaps", "kube-proxy reads none here, and Cilium is not here: tests/cli/proxy.rs"),
    (&["set-gke-proxy-mode"], Place::System, "get pods/log", "no kube-proxy crash-loops here: tests/proxy.rs"),
    (&PROXY, Place::Everywhere, "get felixconfigurations", "Calico is not here: tests/cli/proxy.rs"),
];
const PROXY: [&str; 2] = ["check-proxy-mode", "set-gke-proxy-mode"];
const LABELLED: &str = "every worker here is labelled with its own name: tests/cli/main.rs";
const STREAMS: &str = "Kubernetes 1.20 asks who opens a WebSocket for get alone";

/// How many commands run at the same time.
const AT_ONCE: usize = 6;

/// One verb on one resource, in one of a file's documents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Right {
    document: usize,
    verb: String,
    resource: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

/// Where a document's rights are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Namespace,
    Everywhere,
    System,
}

/// A file of `docs/rights`.
struct Rights {
    command: &'static str,
    documents: Vec<Value>,
}

impl Rights {
    fn of(command: &'static str) -> Self {
        let path = format!("{}/docs/rights/{command}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("a file for each command");
        let documents = serde_saphyr::from_multiple(&text).expect("YAML");
        Self { command, documents }
    }

    fn place(&self, document: usize) -> Place {
        let Value::String(name) = &self.documents[document]["metadata"]["name"] else { panic!("a name") };
        let expected = format!("redis-cluster-{}", self.command);
        match self.documents[document]["kind"].as_str() {
            Some("Role") if *name == expected => Place::Namespace,
            Some("ClusterRole") if *name == expected => Place::Everywhere,
            Some("ClusterRole") if *name == format!("{expected}-kube-system") => Place::System,
            other => panic!("{name} is a {other:?}"),
        }
    }

    /// Every right of the file.
    fn all(&self) -> Vec<Right> {
        let texts = |list: &Value| -> Vec<String> { serde_json::from_value(list.clone()).expect("texts") };
        let mut all = Vec::new();
        for (document, role) in self.documents.iter().enumerate() {
            for rule in role["rules"].as_array().expect("rules") {
                for resource in texts(&rule["resources"]) {
                    all.extend(texts(&rule["verbs"]).into_iter().map(|verb| Right {
                        document,
                        verb,
                        resource: resource.clone(),
                    }));
                }
            }
        }
        all
    }

    /// The documents without a right; what is given everywhere would make up for it.
    fn without(&self, gone: &Right) -> Vec<Value> {
        let keeps = |document: usize| document != gone.document && self.place(document) != Place::Everywhere;
        let mut documents = self.documents.clone();
        for (index, role) in documents.iter_mut().enumerate().filter(|(index, _)| !keeps(*index)) {
            let rules = role["rules"].as_array_mut().expect("rules");
            *rules = rules.iter().flat_map(|rule| without(rule, gone)).collect();
            assert!(index != gone.document || *rules != *self.documents[index]["rules"].as_array().expect("rules"));
        }
        documents
    }
}

/// A rule as one for each resource, without a right.
fn without(rule: &Value, gone: &Right) -> Vec<Value> {
    let resources = rule["resources"].as_array().expect("resources");
    let rest = resources.iter().map(|resource| {
        let keeps = |verb: &&Value| *resource != *gone.resource || **verb != *gone.verb;
        let verbs: Vec<&Value> = rule["verbs"].as_array().expect("verbs").iter().filter(keeps).collect();
        json!({ "apiGroups": rule["apiGroups"], "resources": [resource], "verbs": verbs })
    });
    rest.filter(|rule| rule["verbs"] != json!([])).collect()
}

/// A user who lacks a right, or none.
struct User {
    name: String,
    lacks: Option<Right>,
}

/// The users of one command, with their roles and bindings, which go at the end.
struct Users<'a> {
    namespace: &'a Namespace,
    rights: Rights,
    all: Vec<User>,
}

impl Drop for Users<'_> {
    fn drop(&mut self) {
        let label = format!("{LABEL}={}-{}", self.namespace.name, self.rights.command);
        for arguments in [&["clusterrolebindings,clusterroles"][..], &["-n", "kube-system", "rolebindings"]] {
            let _ = run(program("kubectl").arg("delete").args(arguments).args(["-l", &label, "--wait=false"]));
        }
    }
}

const LABEL: &str = "kubectl-redis-cluster/test-of-rights";

impl<'a> Users<'a> {
    fn new(namespace: &'a Namespace, command: &'static str) -> Self {
        let rights = Rights::of(command);
        let lacks = std::iter::once(None).chain(rights.all().into_iter().map(Some));
        let name = |index| format!("{}-{command}-{index}", namespace.name);
        let all = lacks.enumerate().map(|(index, lacks)| User { name: name(index), lacks }).collect();
        let users = Self { namespace, rights, all };
        let objects: Vec<Value> = users.all.iter().rev().flat_map(|user| users.objects(user)).collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        feed(program("kubectl").args(["create", "-f", "-"]), &list.to_string()).ok();
        users.wait_until_known();
        users
    }

    fn documents(&self, user: &User) -> Vec<Value> {
        user.lacks.as_ref().map_or_else(|| self.rights.documents.clone(), |right| self.rights.without(right))
    }

    /// The file's roles under the user's name, bound as its README says.
    fn objects(&self, user: &User) -> Vec<Value> {
        let label = format!("{}-{}", self.namespace.name, self.rights.command);
        let group = "rbac.authorization.k8s.io";
        let bound = self.documents(user).into_iter().enumerate().flat_map(|(index, mut role)| {
            let name = format!("{}-{index}", user.name);
            let (binding, place) = match self.rights.place(index) {
                Place::Namespace => ("RoleBinding", Some(self.namespace.name.as_str())),
                Place::Everywhere => ("ClusterRoleBinding", None),
                Place::System => ("RoleBinding", Some("kube-system")),
            };
            let mut metadata = json!({ "name": name, "labels": { LABEL: label } });
            if let Some(place) = place {
                metadata["namespace"] = json!(place);
            }
            let subject = json!({ "apiGroup": group, "kind": "User", "name": user.name });
            let binding = json!({ "apiVersion": format!("{group}/v1"), "kind": binding, "metadata": metadata,
                "roleRef": { "apiGroup": group, "kind": role["kind"], "name": name }, "subjects": [subject] });
            if role["kind"] == "ClusterRole" {
                metadata.as_object_mut().expect("an object").remove("namespace");
            }
            role["metadata"] = metadata;
            [role, binding]
        });
        bound.collect()
    }

    /// The API server hears of roles in the order in which they were made: of those of the
    /// user with all rights last.
    fn wait_until_known(&self) {
        let last = self.full();
        for (index, role) in self.rights.documents.iter().enumerate() {
            let rule = &role["rules"][0];
            let text = |value: &Value| value[0].as_str().expect("text").to_owned();
            let (verb, resource, group) = (text(&rule["verbs"]), text(&rule["resources"]), text(&rule["apiGroups"]));
            let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
            let resource = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
            let subresource = format!("--subresource={subresource}");
            let place = match self.rights.place(index) {
                Place::Namespace => vec!["-n", &self.namespace.name],
                Place::Everywhere => vec!["-A"],
                Place::System => vec!["-n", "kube-system"],
            };
            until(30, &format!("{last} to be known to the API server"), || {
                let asked = ["auth", "can-i", &verb, &resource, &subresource, "--as", last];
                run(program("kubectl").args(asked).args(&place)).out.trim() == "yes"
            });
        }
    }

    fn full(&self) -> &str {
        &self.all[0].name
    }

    fn run(&self, user: &str, line: &[&str]) -> Said {
        self.run_for(380, user, line)
    }

    fn run_for(&self, seconds: u64, user: &str, line: &[&str]) -> Said {
        let line = [&[self.rights.command], line].concat();
        let mut command = program("timeout");
        command.args(["--signal=INT", &seconds.to_string(), "kubectl", "redis-cluster"]).args(&line);
        run(command.args(patient(&line)).args(["-n", &self.namespace.name, "--as", user]))
    }

    /// The user with all rights runs every line, the first of which must go well; each of the
    /// others runs the line that asks for what he lacks.
    fn check(&self, line: impl Fn(Option<&Right>, Place) -> Vec<&'static str>) {
        let first = line(None, Place::Namespace);
        let lacking = self.all[1..].iter().map(|user| {
            let right = user.lacks.as_ref().expect("a right");
            (user, line(Some(right), self.rights.place(right.document)))
        });
        let lacking: Vec<_> = lacking.collect();
        let mut runs = vec![(&self.all[0], first.clone())];
        for (_, line) in &lacking {
            if !runs.iter().any(|(_, known)| known == line) {
                runs.push((&self.all[0], line.clone()));
            }
        }
        let seen = |(user, _): &(&User, _)| user.lacks.as_ref().is_some_and(|right| !self.is_unseen(right));
        runs.extend(lacking.into_iter().filter(seen));
        at_once(&runs, |(user, line)| match &user.lacks {
            None => self.runs(line, *line == first),
            Some(right) => self.is_told(user, right, line),
        });
    }

    /// Whoever lacks a right is told so; no more than that is done.
    fn check_lacking(&self, line: impl Fn(&Right) -> Vec<&'static str> + Sync) {
        at_once(&self.all[1..], |user| {
            let right = user.lacks.as_ref().expect("a right");
            self.is_told(user, right, &line(right));
        });
    }

    /// What goes on for ever goes on until it has printed something. A node that is late once may
    /// be an error: then it is asked again.
    fn runs(&self, line: &[&str], is_well: bool) {
        let follows = line.contains(&"-f");
        let mut seconds = if follows { 5 } else { 380 };
        until(60, &format!("{} {line:?} to go well", self.rights.command), || {
            let said = self.run_for(seconds, self.full(), line);
            let all = format!("{}{}", said.out, said.err);
            assert!(!complains(&all), "{} {line:?} with all its rights: {all}", self.rights.command);
            let went_well = if follows { !said.out.is_empty() } else { !is_well || said.code == Some(0) };
            if !went_well {
                eprintln!("{} {line:?}: {all}", self.rights.command);
                seconds = 380.min(seconds * 2);
            }
            went_well
        });
    }

    fn is_told(&self, user: &User, right: &Right, line: &[&str]) {
        let said = self.run(&user.name, line);
        let all = format!("{}{}", said.out, said.err);
        let place = match self.rights.place(right.document) {
            Place::Namespace => self.namespace.name.as_str(),
            Place::Everywhere => "",
            Place::System => "kube-system",
        };
        assert!(names(&all, right, place), "{} {line:?} without {right} {place}: {all}", self.rights.command);
    }

    fn is_unseen(&self, right: &Right) -> bool {
        let (command, place) = (self.rights.command, self.rights.place(right.document));
        UNSEEN.iter().any(|(commands, place_of, unseen, _)| {
            commands.contains(&command) && *place_of == place && *unseen == right.to_string()
        })
    }
}

/// Runs all of them, a few at the same time.
fn at_once<T: Sync>(all: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(one);
                }
            });
        }
    });
}

/// Whether anything is said to be missing.
fn complains(said: &str) -> bool {
    ["you may not", "no permission", "you need permission", "orbidden"].iter().any(|word| said.contains(word))
}

/// Whether a line names the right and its place; of a stream to a pod the resource, since its
/// verb depends on the API server.
fn names(said: &str, right: &Right, place: &str) -> bool {
    let is_stream = ["pods/portforward", "pods/exec"].contains(&right.resource.as_str());
    let words = if is_stream { right.resource.clone() } else { right.to_string() };
    let ends = |rest: &str| !rest.starts_with(|next: char| next == '/' || next.is_alphanumeric());
    let named = |line: &str| line.match_indices(&words).any(|(at, _)| ends(&line[at + words.len()..]));
    said.lines().any(|line| named(line) && line.contains(place) && complains(line))
}

/// What makes a command ask for a right where it would take another way.
fn via(right: Option<&Right>) -> &'static [&'static str] {
    match right.map(|right| right.resource.as_str()) {
        Some("pods/exec") => &["--via", "exec"],
        Some("pods/portforward" | "secrets") => &["--via", "port-forward"],
        _ => &[],
    }
}

/// A line that begins with a cluster's name: without it where the Services are asked for that.
fn named(right: Option<&Right>, line: &[&'static str]) -> Vec<&'static str> {
    let by_services = right.is_some_and(|right| right.to_string() == "list services");
    line[usize::from(by_services)..].to_vec()
}

const ONE_SHARD: [&str; 3] = ["--shards=1", "--allow-small", "--cpu=10m"];

/// Its pod's image is not there; its kinds are those that the others' are not.
const HELD_UP: [&str; 9] = [
    "held-up",
    "--shards=1",
    "--replicas=0",
    "--allow-small",
    "--workload=replicationcontroller",
    "--network-policy",
    "--image=nope:1",
    "--timeout=25s",
    "--cpu=10m",
];

fn create(namespace: &Namespace) {
    let users = Users::new(namespace, "create");
    let new = ["new", "--dry-run=server", "--allow-small", "--shards=1"];
    let made = users.run(users.full(), &[&["whole", "--replicas=1"], &ONE_SHARD[..]].concat());
    assert!(!complains(&made.err), "{}", made.err);
    made.ok();
    let held_up = users.run(users.full(), &[&HELD_UP[..], &["--wait=false"]].concat());
    assert!(!complains(&held_up.err), "{}", held_up.err);
    held_up.ok();
    users.check(|right, _| match right.map(|right| right.resource.as_str()) {
        Some("pods/log" | "events") => HELD_UP.to_vec(),
        Some("replicationcontrollers") => [&new[..], &["--workload=replicationcontroller"]].concat(),
        Some("networkpolicies") => [&new[..], &["--network-policy"]].concat(),
        Some("secrets") => new.to_vec(),
        _ => [&new[..], via(right)].concat(),
    });
}

/// A cluster of two shards of which one has lost its data.
fn lose(namespace: &Namespace) {
    namespace
        .plugin(&["create", "lost", "--shards=2", "--replicas=0", "--allow-small", "--ephemeral", "--cpu=10m"])
        .ok();
    // Without a key, the cluster would begin anew.
    assert_eq!(namespace.answers("lost-node-101-0", "SET bar 1\n"), ["OK"]);
    namespace.kubectl(&["delete", "pod", "lost-node-201-0", "--grace-period=0", "--force"]).ok();
    until(90, "the shard to be lost", || {
        namespace.plugin(&["accept-loss", "lost", "--dry-run=client"]).code == Some(0)
    });
}

#[test]
fn with_just_these_every_command_runs_and_without_one_it_says_which() {
    let namespace = Namespace::new("minimal");
    std::thread::scope(|scope| {
        scope.spawn(|| lose(&namespace));
        scope.spawn(|| create(&namespace));
    });
    let container = json!({ "name": "redis", "image": "redis:8.0", "command": ["sh", "-c", "echo gone; exit 1"] });
    let ended = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "ended", "labels": { "app": "ended" } },
        "spec": { "restartPolicy": "Never", "containers": [container] } });
    namespace.apply(&ended.to_string()).ok();
    until(60, "the pod to end", || namespace.values(&["pods", "-l", "app=ended"], "{.status.phase}") == ["Failed"]);

    Users::new(&namespace, "info").check(|right, _| named(right, &[&["whole"], via(right)].concat()));
    Users::new(&namespace, "check").check(|right, _| match right.map(|right| right.resource.as_str()) {
        Some("pods/log") => vec!["-l", "app=ended"],
        _ => [&["whole", "--severity=error"], via(right)].concat(),
    });
    Users::new(&namespace, "list").check(|right, place| match right {
        Some(_) if place == Place::Everywhere => vec!["-A"],
        Some(right) if !["statefulsets", "replicationcontrollers"].contains(&right.resource.as_str()) => {
            [&["--state"], via(Some(right))].concat()
        }
        _ => vec![],
    });
    Users::new(&namespace, "logs").check(|right, _| match right {
        Some(right) if right.resource == "pods" && right.verb != "list" => vec!["whole", "--tail=1", "-f"],
        _ => named(right, &[&["whole", "--tail=1"], via(right)].concat()),
    });
    let users = Users::new(&namespace, "accept-loss");
    users.check(|right, _| named(right, &[&["lost", "--dry-run=client"], via(right)].concat()));
    assert_eq!(users.run(users.full(), &["lost", "--yes"]).ok(), "shard/2 accepted\n");
    check_proxy_mode(&namespace);
    delete(&namespace);
}

fn check_proxy_mode(namespace: &Namespace) {
    Users::new(namespace, "check-proxy-mode").check(|right, place| match right {
        Some(right) if place == Place::Namespace => match (right.verb.as_str(), right.resource.as_str()) {
            ("list" | "get", "services" | "secrets" | "pods/exec" | "pods/portforward") | ("list", _) => {
                [&["whole"], via(Some(right))].concat()
            }
            _ => vec!["--probe"],
        },
        _ => vec!["whole"],
    });
}

/// Nothing is gone before every right is there.
fn delete(namespace: &Namespace) {
    let users = Users::new(namespace, "delete");
    let kinds = "statefulsets,replicationcontrollers,pods,services,configmaps,poddisruptionbudgets,networkpolicies,\
                 persistentvolumeclaims,secrets";
    let made = || namespace.values(&[kinds, "-l", "app.kubernetes.io/instance in (whole,held-up)"], "{.metadata.uid}");
    let before = made();
    users.check_lacking(|right| match right.resource.as_str() {
        "replicationcontrollers" | "networkpolicies" => vec!["held-up", "--yes"],
        _ => vec!["whole", "--yes", "--delete-data"],
    });
    assert_eq!(made(), before);
    for name in ["whole", "held-up"] {
        let said = users.run(users.full(), &[name, "--yes", "--delete-data"]);
        assert!(!complains(&said.err), "{}", said.err);
        said.ok();
    }
    assert_eq!(made(), Vec::<String>::new());
}

/// Without `--yes` it ends where a person would be asked, when all that will be needed has been
/// tried: nothing is changed.
#[test]
fn set_gke_proxy_mode_knows_its_rights_before_it_begins() {
    refuse_other_clusters();
    let namespace = Namespace::new("minimal-gke");
    let users = Users::new(&namespace, "set-gke-proxy-mode");
    let line = ["userspace", "--allow-any-provider"];
    users.check(|right, _| match right {
        None => [&line[..], &["--dry-run"]].concat(),
        Some(_) => line.to_vec(),
    });
    let said = users.run(users.full(), &line).refused();
    assert!(said.ends_with("error: cannot ask for confirmation: stdin is not a terminal\nhint: add --yes\n"), "{said}");
}
