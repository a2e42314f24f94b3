//! The flags of `create` that a cluster's objects came from, read back from the objects.

use super::names::{CONTAINER, NODE_ID, NODES_CONF_VARIABLE, PASSWORD_KEY, PASSWORD_VARIABLE, SHARD, number_of};
use super::object::{CONFIG_MAP, NETWORK_POLICY, REPLICATION_CONTROLLER, STATEFUL_SET};
use super::quantity::is_same;
use super::spec::{Entrypoint, Image};
use crate::cluster::node::NodeId;
use serde_json::Value;
use std::fmt;

/// A flag as on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    /// Which one, of a flag that can be repeated; else empty.
    pub key: String,
    /// Empty for a switch.
    pub value: String,
}

impl Flag {
    fn one(name: &'static str, value: &str) -> Self {
        Self { name, key: String::new(), value: value.to_owned() }
    }

    fn of_many(name: &'static str, key: &str, value: &str) -> Self {
        Self { name, key: key.to_owned(), value: value.to_owned() }
    }

    /// None for a switch.
    pub fn argument(&self) -> Option<String> {
        match (self.key.as_str(), self.value.as_str()) {
            ("", "") => None,
            ("", value) => Some(value.to_owned()),
            (key, "") if self.name == "--toleration" => Some(key.to_owned()),
            (key, value) => Some(format!("{key}={value}")),
        }
    }

    fn is_about(&self, other: &Self) -> bool {
        (self.name, &self.key) == (other.name, &other.key)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_about(other) && (self.value == other.value || is_same(&self.value, &other.value))
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.argument().map_or(Ok(()), |argument| write!(f, " {argument}"))
    }
}

/// A flag that the cluster has or the command line asks for, with different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub live: Option<Flag>,
    pub wanted: Option<Flag>,
}

impl Difference {
    /// Whether the cluster has it, and the command line says nothing about it.
    pub fn is_kept(&self) -> bool {
        self.wanted.is_none()
    }

    pub fn name(&self) -> &'static str {
        self.live.as_ref().or(self.wanted.as_ref()).map_or("", |flag| flag.name)
    }

    /// Whether new manifests and a restart of each pod change it.
    pub fn can_be_applied(&self) -> bool {
        const FIXED: [&str; 9] = [
            "--shards",
            "--replicas",
            "--workload",
            "--storage",
            "--storage-class",
            "--ephemeral",
            "--image-entrypoint",
            "--no-auth",
            "--auth-secret",
        ];
        // The port of the bus would change for all nodes at once.
        let own_bus_port = |flag: &Option<Flag>| {
            let image =
                |flag: &Flag| Image { name: flag.value.clone(), pull_secret: None, entrypoint: Entrypoint::Bootstrap };
            flag.as_ref().is_some_and(|flag| image(flag).has_own_bus_port())
        };
        !FIXED.contains(&self.name())
            && (self.name() != "--image" || own_bus_port(&self.live) == own_bus_port(&self.wanted))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.live, &self.wanted) {
            (Some(live), Some(wanted)) => {
                let key = if live.key.is_empty() { String::new() } else { format!(" {}", live.key) };
                write!(f, "{}{key}: is {}, requested {}", live.name, live.value, wanted.value)
            }
            (Some(live), None) => write!(f, "{live}: is set, not requested"),
            (None, Some(wanted)) => write!(f, "{wanted}: is not set, requested"),
            (None, None) => Ok(()),
        }
    }
}

/// Where two lists of flags differ, in their order.
pub fn differences(live: &[Flag], wanted: &[Flag]) -> Vec<Difference> {
    let counterpart = |flag: &Flag, among: &[Flag]| among.iter().find(|other| other.is_about(flag)).cloned();
    let changed = live.iter().filter(|flag| !wanted.iter().any(|other| other.is_same(flag)));
    let changed = changed.map(|flag| Difference { live: Some(flag.clone()), wanted: counterpart(flag, wanted) });
    let added = wanted.iter().filter(|flag| counterpart(flag, live).is_none());
    changed.chain(added.map(|flag| Difference { live: None, wanted: Some(flag.clone()) })).collect()
}

/// All that the objects tell, whether it is a default or not: another version may have others. What
/// a missing object would tell is left out. The first controller counts.
pub fn flags(objects: &[&Value]) -> Vec<Flag> {
    let of_kind = |kinds: &[&str]| objects.iter().find(|each| kinds.iter().any(|kind| each["kind"] == *kind));
    let map = of_kind(&[CONFIG_MAP.kind]);
    let controller = of_kind(&[STATEFUL_SET.kind, REPLICATION_CONTROLLER.kind]);
    let policy = of_kind(&[NETWORK_POLICY.kind]).map(|_| Flag::one("--network-policy", ""));
    let conf = map.map(|map| from_conf(map)).unwrap_or_default();
    controller
        .map(|controller| from_controller(controller))
        .unwrap_or_default()
        .into_iter()
        .chain(conf)
        .chain(policy)
        .collect()
}

fn from_conf(map: &Value) -> Vec<Flag> {
    let lines = || map["data"]["redis.conf"].as_str().unwrap_or_default().lines();
    let setting = |name: &str| lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let policy = setting("maxmemory-policy").map(|policy| Flag::one("--maxmemory-policy", policy));
    let timeout = setting("cluster-node-timeout").and_then(|millis| millis.parse::<u64>().ok());
    let timeout = timeout.map(|millis| Flag::one("--node-timeout", &duration(millis)));
    policy.into_iter().chain(timeout).collect()
}

fn duration(millis: u64) -> String {
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

fn from_controller(controller: &Value) -> Vec<Flag> {
    let template = &controller["spec"]["template"];
    let pod = &template["spec"];
    let container = named(&pod["containers"], CONTAINER);
    [
        shape(container),
        vec![Flag::one("--workload", &controller["kind"].as_str().unwrap_or_default().to_lowercase())],
        image(pod, container),
        storage(controller, container),
        resources(container),
        auth(controller, container),
        config(container),
        placement(pod),
        annotations(template),
    ]
    .concat()
}

/// The item of a list by its name; null if there is none.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().into_iter().flatten().find(|item| item["name"] == name).unwrap_or(&Value::Null)
}

fn variable<'a>(container: &'a Value, name: &str) -> &'a Value {
    named(&container["env"], name)
}

/// From the initial nodes.conf, which has all nodes.
fn shape(container: &Value) -> Vec<Flag> {
    let nodes = variable(container, NODES_CONF_VARIABLE)["value"].as_str().unwrap_or_default();
    let ids = nodes.lines().filter_map(|line| line.split(' ').next()?.parse::<NodeId>().ok());
    let numbers: Vec<_> = ids.filter_map(|id| number_of(&id)).collect();
    let (Some(shards), Some(positions)) =
        (numbers.iter().map(|number| number.shard()).max(), numbers.iter().map(|number| number.position()).max())
    else {
        return Vec::new();
    };
    let small = (shards < 3).then(|| Flag::one("--allow-small", ""));
    let shape = [("--shards", shards), ("--replicas", positions.saturating_sub(1))];
    shape.into_iter().map(|(name, count)| Flag::one(name, &count.to_string())).chain(small).collect()
}

fn text(name: &'static str, value: &Value) -> Option<Flag> {
    value.as_str().map(|value| Flag::one(name, value))
}

fn image(pod: &Value, container: &Value) -> Vec<Flag> {
    let entrypoint = container["command"].is_null().then(|| Flag::one("--image-entrypoint", ""));
    let pull_secret = text("--image-pull-secret", &pod["imagePullSecrets"][0]["name"]);
    text("--image", &container["image"]).into_iter().chain(pull_secret).chain(entrypoint).collect()
}

/// Memory alone is only a choice where volumes are possible.
fn storage(controller: &Value, container: &Value) -> Vec<Flag> {
    let claim = &controller["spec"]["volumeClaimTemplates"][0]["spec"];
    let size = text("--storage", &claim["resources"]["requests"]["storage"]);
    let is_choice = controller["kind"] == STATEFUL_SET.kind && !container["command"].is_null();
    let ephemeral = (size.is_none() && is_choice).then(|| Flag::one("--ephemeral", ""));
    size.into_iter().chain(text("--storage-class", &claim["storageClassName"])).chain(ephemeral).collect()
}

fn resources(container: &Value) -> Vec<Flag> {
    let resources = &container["resources"];
    let memory = text("--memory", &resources["limits"]["memory"]);
    memory.into_iter().chain(text("--cpu", &resources["requests"]["cpu"])).collect()
}

fn auth(controller: &Value, container: &Value) -> Vec<Flag> {
    let source = &variable(container, PASSWORD_VARIABLE)["valueFrom"]["secretKeyRef"];
    let (Some(name), Some(key)) = (source["name"].as_str(), source["key"].as_str()) else {
        return vec![Flag::one("--no-auth", "")];
    };
    let is_own = controller["metadata"]["labels"][super::names::INSTANCE] == name && key == PASSWORD_KEY;
    if is_own { Vec::new() } else { vec![Flag::one("--auth-secret", &format!("{name}/{key}"))] }
}

fn config(container: &Value) -> Vec<Flag> {
    let lines = variable(container, "REDIS_CONFIG")["value"].as_str().unwrap_or_default().lines();
    // The lines of the password are ours.
    let users = lines.filter(|line| !line.ends_with(&format!(" $({PASSWORD_VARIABLE})")));
    let pairs = users.filter_map(|line| line.split_once(' '));
    pairs.map(|(key, value)| Flag::of_many("--config", key, &value.replace("$$(", "$("))).collect()
}

fn placement(pod: &Value) -> Vec<Flag> {
    let pairs = |name, pairs: &Value| -> Vec<Flag> {
        let pairs = pairs.as_object().into_iter().flatten();
        pairs.map(|(key, value)| Flag::of_many(name, key, value.as_str().unwrap_or_default())).collect()
    };
    let tolerations = pod["tolerations"].as_array().into_iter().flatten();
    [
        vec![Flag::one("--spread", spread(&pod["affinity"]["podAntiAffinity"]))],
        pairs("--node-selector", &pod["nodeSelector"]),
        tolerations.map(|each| Flag::of_many("--toleration", &toleration(each), "")).collect(),
        text("--priority-class", &pod["priorityClassName"]).into_iter().collect(),
    ]
    .concat()
}

/// How much the nodes of one shard avoid each other's workers.
fn spread(anti_affinity: &Value) -> &'static str {
    let is_shard = |term: &Value| !term["labelSelector"]["matchLabels"][SHARD].is_null();
    let terms = |list: &str| anti_affinity[list].as_array().into_iter().flatten();
    if terms("requiredDuringSchedulingIgnoredDuringExecution").any(is_shard) {
        return "required";
    }
    let preferred = terms("preferredDuringSchedulingIgnoredDuringExecution").any(|term| {
        is_shard(&term["podAffinityTerm"]) && term["podAffinityTerm"]["topologyKey"] == super::names::WORKER
    });
    if preferred { "preferred" } else { "none" }
}

fn toleration(value: &Value) -> String {
    let part = |name: &str, mark: &str| value[name].as_str().map(|text| format!("{mark}{text}")).unwrap_or_default();
    format!("{}{}{}", part("key", ""), part("value", "="), part("effect", ":"))
}

/// Without those that kubectl adds, such as `restartedAt`.
fn annotations(template: &Value) -> Vec<Flag> {
    let all = template["metadata"]["annotations"].as_object().into_iter().flatten();
    let users = all.filter(|(key, _)| *key != NODE_ID && !key.contains("kubectl.kubernetes.io/"));
    users.map(|(key, value)| Flag::of_many("--annotation", key, value.as_str().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::assembly::{objects, tests::spec};
    use super::super::object::BUDGET;
    use super::super::spec::{Auth, Network, Spec, Spread, Storage, Workload};
    use super::*;
    use crate::cluster::shape::{Shape, Small};

    fn read(spec: &Spec) -> Vec<Flag> {
        let objects = objects(spec, BUDGET);
        flags(&objects.iter().map(|object| &object.value).collect::<Vec<_>>())
    }

    fn words(flags: &[Flag]) -> String {
        flags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn unusual() -> Spec {
        let mut spec = spec();
        spec.shape = Shape::new(2, 2, Small::Allowed).expect("valid");
        spec.image.name = "valkey/valkey:8.1".into();
        spec.image.pull_secret = Some("pull".into());
        spec.resources.storage = Some(Storage { size: "2Gi".parse().expect("a size"), class: Some("fast".into()) });
        spec.redis.config = vec!["user app on $(x)".into(), "notify-keyspace-events \"\"".into()];
        spec.redis.node_timeout_ms = 1500;
        spec.placement.spread = Spread::Preferred;
        spec.placement.node_selector = vec![("disk".into(), "ssd".into())];
        spec.placement.tolerations = vec!["a=b:NoSchedule".parse().expect("one"), "c".parse().expect("one")];
        spec.placement.priority_class = Some("high".into());
        spec.auth = Auth::Secret { name: "mine".into(), key: "pw".into() };
        spec.annotations = vec![("team".into(), "x".into())];
        spec
    }

    #[test]
    fn all_flags_are_read_back() {
        assert_eq!(
            words(&read(&spec())),
            "--shards 3 --replicas 1 --workload statefulset --image redis:8.0 --storage 1Gi --memory 256Mi --cpu 50m --config hz=20 --spread required --maxmemory-policy noeviction --node-timeout 5s --network-policy"
        );
        assert_eq!(
            words(&read(&unusual())),
            "--shards 2 --replicas 2 --allow-small --workload statefulset --image valkey/valkey:8.1 --image-pull-secret pull --storage 2Gi --storage-class fast --memory 256Mi --cpu 50m --auth-secret mine/pw --config user=app on $(x) --config notify-keyspace-events=\"\" --spread preferred --node-selector disk=ssd --toleration a=b:NoSchedule --toleration c --priority-class high --annotation team=x --maxmemory-policy noeviction --node-timeout 1500ms --network-policy"
        );
        let mut original = spec();
        original.workload = Workload::ReplicationController;
        original.image.entrypoint = Entrypoint::Image;
        original.resources.storage = None;
        original.placement.spread = Spread::None;
        original.network = Network::Open;
        assert_eq!(
            words(&read(&original)),
            "--shards 3 --replicas 1 --workload replicationcontroller --image redis:8.0 --image-entrypoint --memory 256Mi --cpu 50m --config hz=20 --spread none --maxmemory-policy noeviction --node-timeout 5s"
        );
        original.auth = Auth::None;
        original.workload = Workload::StatefulSet;
        original.image.entrypoint = Entrypoint::Bootstrap;
        let text = words(&read(&original));
        assert!(text.contains("--ephemeral") && text.contains("--no-auth"), "{text}");
    }

    #[test]
    fn one_line_for_each_difference() {
        let mut wanted = spec();
        wanted.redis.config = vec!["maxclients 9".into()];
        wanted.resources.memory = "512Mi".parse().expect("a size");
        wanted.image.name = "redis:6.2".into();
        let found = differences(&read(&spec()), &read(&wanted));
        let lines: Vec<String> = found.iter().map(|each| format!("{each} ({})", each.can_be_applied())).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        --image: is redis:8.0, requested redis:6.2 (false)
        --memory: is 256Mi, requested 512Mi (true)
        --config hz=20: is set, not requested (true)
        --config maxclients=9: is not set, requested (true)
        ");
    }

    /// A server writes quantities in its own way.
    #[test]
    fn the_same_quantity_is_no_difference() {
        let live = [Flag::one("--cpu", "500m"), Flag::one("--memory", "1Gi")];
        assert_eq!(differences(&live, &[Flag::one("--cpu", "0.5"), Flag::one("--memory", "1024Mi")]), []);
    }

    #[test]
    fn what_is_lost_tells_nothing() {
        let objects = objects(&spec(), BUDGET);
        let rest: Vec<&Value> =
            objects.iter().map(|object| &object.value).filter(|value| value["kind"] != "ConfigMap").collect();
        assert!(!words(&flags(&rest)).contains("--node-timeout"));
        assert_eq!(flags(&[]), []);
    }
}
