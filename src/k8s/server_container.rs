//! Pure: which container of a pod runs the Redis server, and on which port it listens.

use crate::cluster::nodes_conf::PORT;
use crate::manifest::names;
use k8s_openapi::api::core::v1::{Container, Pod};
use std::collections::BTreeSet;

/// What the user says about the pods (`--redis-container`, `--redis-port`); the rest is found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerChoice {
    pub container: Option<String>,
    pub port: Option<u16>,
}

/// The port of a server, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPort {
    pub number: u16,
    pub source: PortSource,
}

impl Default for ClientPort {
    fn default() -> Self {
        Self { number: PORT, source: PortSource::Default }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSource {
    Flag,
    CommandLine,
    Name,
    /// The port 10000 above it is there too: its bus (before Redis 7.0 it was always there).
    Bus,
    OnlyPort,
    Default,
}

impl PortSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "as given by --redis-port",
            Self::CommandLine => "from its command line",
            Self::Name => "by the port's name",
            Self::Bus => "the port whose bus port is there too",
            Self::OnlyPort => "its only port",
            Self::Default => "Redis' default",
        }
    }
}

/// The container that the user names; else one that runs the server or has its client port. An
/// exporter beside it is not meant by its name.
pub fn server_container<'a>(pod: &'a Pod, choice: &ServerChoice) -> Option<&'a Container> {
    let containers = &pod.spec.as_ref()?.containers;
    if let Some(name) = &choice.container {
        return containers.iter().find(|container| container.name == *name);
    }
    let annotations = pod.metadata.annotations.as_ref();
    let default = annotations.and_then(|annotations| annotations.get("kubectl.kubernetes.io/default-container"));
    let rules: [&dyn Fn(&Container) -> bool; 7] = [
        &|container| container.name == names::CONTAINER,
        &runs_server,
        &has_client_port,
        &|container| default == Some(&container.name),
        &has_servers_image,
        &|container| is_redis(&container.name),
        &|_| true,
    ];
    let may_be = || containers.iter().filter(|container| !is_exporter(container));
    rules.iter().find_map(|rule| may_be().find(|container| rule(container))).or(containers.first())
}

/// Whether anything about the container says that it runs a Redis server.
pub fn looks_like_server(container: &Container) -> bool {
    let says_so = runs_server(container)
        || has_client_port(container)
        || has_servers_image(container)
        || (is_redis(&container.name) && !is_overridden(container));
    says_so && !is_exporter(container)
}

/// The port that the user names, else what the container says.
pub fn client_port(container: Option<&Container>, choice: &ServerChoice) -> ClientPort {
    let said = container.and_then(|container| {
        let port = |number: Option<u16>, source| Some(ClientPort { number: number?, source });
        port(on_command_line(container), PortSource::CommandLine)
            .or_else(|| port(by_name(container), PortSource::Name))
            .or_else(|| port(beside_its_bus(container), PortSource::Bus))
            .or_else(|| port(only_port(container), PortSource::OnlyPort))
    });
    let given = choice.port.map(|number| ClientPort { number, source: PortSource::Flag });
    given.or(said).unwrap_or_default()
}

fn is_redis(text: &str) -> bool {
    ["redis", "valkey", "keydb"].iter().any(|word| text.contains(word))
}

fn is_metrics(text: &str) -> bool {
    ["exporter", "metrics"].iter().any(|word| text.contains(word))
}

fn is_exporter(container: &Container) -> bool {
    is_metrics(&container.name) || is_metrics(image_name(container))
}

/// Of `registry/folder/redis:8.0@sha256:...`, `redis`.
fn image_name(container: &Container) -> &str {
    let image = container.image.as_deref().unwrap_or_default();
    let last = image.split('/').next_back().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default()
}

fn command_line(container: &Container) -> impl Iterator<Item = &str> {
    let words = container.command.iter().chain(&container.args).flatten();
    words.flat_map(|word| word.split_whitespace())
}

fn runs_server(container: &Container) -> bool {
    command_line(container).any(|word| {
        let program = word.rsplit('/').next().unwrap_or_default().trim_matches(['"', '\'', ';', '`']);
        is_redis(program) && program.ends_with("-server")
    })
}

/// Whether the container runs something else than what its image is for.
fn is_overridden(container: &Container) -> bool {
    container.command.iter().flatten().next().is_some() && !runs_server(container)
}

fn has_servers_image(container: &Container) -> bool {
    is_redis(image_name(container)) && !is_overridden(container)
}

fn has_client_port(container: &Container) -> bool {
    by_name(container).is_some()
        || beside_its_bus(container).is_some()
        || ports(container).any(|(_, number)| number == PORT)
}

/// The names and numbers of all ports but those for metrics.
fn ports(container: &Container) -> impl Iterator<Item = (&str, u16)> {
    let all = container.ports.iter().flatten();
    let all = all
        .filter_map(|port| Some((port.name.as_deref().unwrap_or_default(), u16::try_from(port.container_port).ok()?)));
    all.filter(|(name, _)| !is_metrics(name))
}

/// `--port 7000`, or `--tls-port 7000` where the plain port is off.
fn on_command_line(container: &Container) -> Option<u16> {
    let words: Vec<&str> = command_line(container).collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1)?.parse::<u16>().ok().filter(|port| *port > 0)
    };
    after("--port").or_else(|| after("--tls-port")).filter(|_| runs_server(container))
}

fn by_name(container: &Container) -> Option<u16> {
    let is_bus = |name: &str| ["bus", "cluster", "gossip"].iter().any(|word| name.contains(word));
    let is_client = |name: &str| ["redis", "valkey", "client"].iter().any(|word| name.contains(word));
    ports(container).find(|(name, _)| !is_bus(name) && is_client(name)).map(|(_, number)| number)
}

fn beside_its_bus(container: &Container) -> Option<u16> {
    let all: BTreeSet<u16> = ports(container).map(|(_, number)| number).collect();
    all.iter().copied().find(|number| number.checked_add(10_000).is_some_and(|bus| all.contains(&bus)))
}

fn only_port(container: &Container) -> Option<u16> {
    let mut all = ports(container);
    let (_, number) = all.next()?;
    all.next().is_none().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(containers: &Value) -> Pod {
        serde_json::from_value(json!({ "metadata": { "name": "x-0" }, "spec": { "containers": containers } }))
            .expect("a pod")
    }

    fn container(value: Value) -> Container {
        serde_json::from_value(value).expect("a container")
    }

    fn port(container: &Value) -> (u16, PortSource) {
        let container = self::container(container.clone());
        let port = client_port(Some(&container), &ServerChoice::default());
        (port.number, port.source)
    }

    fn chosen(containers: &Value) -> String {
        server_container(&pod(containers), &ServerChoice::default()).expect("one").name.clone()
    }

    #[test]
    fn ports_without_names() {
        let unnamed = |numbers: &[u16]| {
            let ports: Vec<Value> = numbers.iter().map(|number| json!({ "containerPort": number })).collect();
            json!({ "name": "r", "ports": ports })
        };
        assert_eq!(port(&unnamed(&[7000, 17000])), (7000, PortSource::Bus));
        assert_eq!(port(&unnamed(&[17000, 7000])), (7000, PortSource::Bus));
        assert_eq!(port(&unnamed(&[9121, 16379, 6379])), (6379, PortSource::Bus));
        assert_eq!(port(&unnamed(&[7001])), (7001, PortSource::OnlyPort));
        assert_eq!(port(&unnamed(&[7001, 9121])), (6379, PortSource::Default));
        assert_eq!(port(&unnamed(&[])), (6379, PortSource::Default));
    }

    #[test]
    fn ports_with_names_and_on_the_command_line() {
        let named = json!({ "name": "r", "ports": [
            { "name": "redis-bus", "containerPort": 17000 }, { "name": "tcp-redis", "containerPort": 7000 }] });
        assert_eq!(port(&named), (7000, PortSource::Name));
        let metrics = json!({ "name": "r", "ports": [
            { "name": "redis-metrics", "containerPort": 9121 }, { "containerPort": 7000 }] });
        assert_eq!(port(&metrics), (7000, PortSource::OnlyPort));
        let says = |words: &[&str]| json!({ "name": "r", "command": words, "ports": [{ "containerPort": 6379 }] });
        let line = ["sh", "-c", "exec redis-server --port 7002 --cluster-enabled yes"];
        assert_eq!(port(&says(&line)), (7002, PortSource::CommandLine));
        assert_eq!(
            port(&says(&["valkey-server", "--port", "0", "--tls-port", "7003"])),
            (7003, PortSource::CommandLine)
        );
        assert_eq!(port(&says(&["proxy", "--port", "7004"])), (6379, PortSource::OnlyPort));
    }

    #[test]
    fn what_the_user_says_comes_first() {
        let choice = ServerChoice { container: Some("side".into()), port: Some(1234) };
        let pod = pod(&json!([{ "name": "redis" }, { "name": "side", "ports": [{ "containerPort": 7000 }] }]));
        let container = server_container(&pod, &choice);
        assert_eq!(container.map(|container| container.name.as_str()), Some("side"));
        assert_eq!(client_port(container, &choice), ClientPort { number: 1234, source: PortSource::Flag });
        let choice = ServerChoice { container: Some("none".into()), port: None };
        assert!(server_container(&pod, &choice).is_none(), "no other is taken instead");
    }

    #[test]
    fn an_exporter_beside_the_server_is_not_the_server() {
        let exporter = json!({ "name": "redis-exporter", "image": "oliver006/redis_exporter:v1",
                               "env": [{ "name": "REDIS_ADDR", "value": "redis://localhost:6379" }],
                               "ports": [{ "name": "metrics", "containerPort": 9121 }] });
        let runs =
            json!({ "name": "node", "image": "own/cache:1", "command": ["sh", "-c", "exec redis-server /conf"] });
        let listens = json!({ "name": "node", "image": "own/cache:1", "ports": [{ "containerPort": 6379 }] });
        let image = json!({ "name": "node", "image": "registry:5000/valkey/valkey:8.1" });
        for server in [&runs, &listens, &image] {
            assert_eq!(chosen(&json!([exporter, server])), "node");
            assert!(looks_like_server(&container(server.clone())));
        }
        assert!(!looks_like_server(&container(exporter.clone())));
        let metrics = json!({ "name": "metrics", "image": "bitnami/redis-exporter" });
        assert_eq!(chosen(&json!([metrics, { "name": "redis-cluster", "image": "x" }])), "redis-cluster");
        assert_eq!(chosen(&json!([exporter])), "redis-exporter", "of one container it is that");
    }

    /// A container with the image's tools, but not its server.
    #[test]
    fn an_image_that_runs_something_else_is_no_server() {
        let tools = container(json!({ "name": "tools", "image": "redis:8.0", "command": ["sleep", "1000"] }));
        assert!(!looks_like_server(&tools));
        let server = container(json!({ "name": "s", "image": "redis:8.0", "args": ["--cluster-enabled", "yes"] }));
        assert!(looks_like_server(&server));
    }

    #[test]
    fn the_default_container_is_asked_before_names() {
        let mut pod = pod(&json!([{ "name": "redis-proxy", "image": "x" }, { "name": "main", "image": "y" }]));
        let server =
            |pod: &Pod| server_container(pod, &ServerChoice::default()).map(|container| container.name.clone());
        assert_eq!(server(&pod).as_deref(), Some("redis-proxy"));
        let default = ("kubectl.kubernetes.io/default-container".to_owned(), "main".to_owned());
        pod.metadata.annotations = Some([default].into());
        assert_eq!(server(&pod).as_deref(), Some("main"));
    }
}
