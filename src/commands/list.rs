//! `list`: the clusters of a namespace, or of all.

use super::verb::{Invocation, Running, Verb, done};
use crate::cluster::commands::Caller;
use crate::cluster::membership::{Group, groups, unheard};
use crate::cluster::node::NodeNumber;
use crate::cluster::snapshot::Snapshot;
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::Which;
use crate::manifest::names;
use crate::manifest::object::{Kind, REPLICATION_CONTROLLER, STATEFUL_SET};
use crate::ops::observe;
use crate::ops::questions::Scope;
use crate::ui::json;
use crate::ui::list::{ClusterRow, Columns, render};
use crate::ui::terminal::Ui;
use futures::future::try_join;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// List the clusters of a namespace
///
/// Nodes are queried only with --state or -l.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:\n  kubectl redis-cluster list -A\n  \
          kubectl redis-cluster list --state\n  kubectl redis-cluster list -l app=redis"
)]
pub struct Args {
    /// List the clusters of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["selector", "state"])]
    all_namespaces: bool,
    /// Query the nodes for the state of their cluster
    #[arg(long)]
    state: bool,
    /// Label selector for the Redis pods of any tool
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// Sort by a field of the JSON output, such as .nodesReady
    #[arg(long, value_name = "JSONPATH")]
    sort_by: Option<String>,
    /// Do not print headers
    #[arg(long)]
    no_headers: bool,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Wide,
    Json,
    Yaml,
    Name,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }
}

/// # Errors
/// The server's.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let (mut rows, unasked) = match &args.selector {
        Some(selector) => selected(context, selector).await?,
        None => made_by_us(context, args).await?,
    };
    unasked.iter().for_each(|why| ui.note(&format!("note: {why}")));
    if let Some(path) = &args.sort_by {
        sort(&mut rows, path, context.server.caller())?;
    }
    let empty = rows.is_empty();
    let items = json!(rows);
    match args.output {
        Some(Output::Json) => return ui.line(&json::pretty(&list(&items))),
        Some(Output::Yaml) => return ui.line(&json::yaml(&list(&items))),
        _ if empty => ui.note(&nothing(context, args)),
        Some(Output::Name) => {
            let names: Vec<String> = rows.iter().map(|row| format!("rediscluster/{}", row.name)).collect();
            ui.line(&names.join("\n"))?;
        }
        _ => {
            let state = args.state || args.selector.is_some();
            let columns = Columns { namespace: args.all_namespaces, state, header: !args.no_headers };
            ui.line(&render(&rows, columns, jiff::Timestamp::now().as_second()))?;
        }
    }
    Ok(())
}

fn list(items: &Value) -> Value {
    json!({ "apiVersion": json::API_VERSION, "kind": "ClusterList", "items": items })
}

/// Like kubectl, by a path such as `.name` or `{.name}`; numbers by value.
fn sort(rows: &mut [ClusterRow], path: &str, caller: &Caller) -> Result<(), Error> {
    let inner = path.strip_prefix('{').and_then(|path| path.strip_suffix('}')).unwrap_or(path);
    let field = inner.strip_prefix('.').unwrap_or(inner);
    let value = |row: &ClusterRow| json!(row)[field].clone();
    if !rows.is_empty() && rows.iter().all(|row| value(row).is_null()) {
        return Err(Error::user(format!("couldn't find any field with path \"{{.{field}}}\" in the list of objects"))
            .hint(format!("to see the fields, run: {}", caller.plugin("list -o json"))));
    }
    let key = |row: &ClusterRow| {
        let value = value(row);
        (value.as_u64(), value.as_str().map(str::to_owned))
    };
    rows.sort_by_key(key);
    Ok(())
}

fn nothing(context: &Context, args: &Args) -> String {
    if args.all_namespaces {
        "No resources found".into()
    } else {
        format!("No resources found in {} namespace.", context.server.namespace())
    }
}

/// The clusters, and for each the first node that the user may not query.
type Listing = (Vec<ClusterRow>, Vec<String>);

async fn made_by_us(context: &Context, args: &Args) -> Result<Listing, Error> {
    let server = &context.server;
    let namespace = (!args.all_namespaces).then(|| server.namespace());
    let selector = names::managed();
    let (sets, controllers) = try_join(
        server.list(STATEFUL_SET, namespace, &selector),
        server.list(REPLICATION_CONTROLLER, namespace, &selector),
    )
    .await?;
    let kinds = [(STATEFUL_SET, sets), (REPLICATION_CONTROLLER, controllers)];
    let mut rows = rows(&kinds);
    let mut unasked = Vec::new();
    if args.state {
        for row in &mut rows {
            let which = row.name.parse().map(Which::Named).map_err(Error::user)?;
            let observation = observe::cluster(context, &which, Scope::Nodes).await?;
            let snapshot = observation.snapshot(server.caller());
            row.state = Some(Topology::of(&snapshot).state.as_str().to_owned());
            unasked.extend(snapshot.unasked().into_iter().chain(snapshot.not_clustered()));
        }
    }
    Ok((rows, unasked))
}

/// Pure: one row for all controllers of a cluster.
fn rows(kinds: &[(Kind, Vec<Value>)]) -> Vec<ClusterRow> {
    let mut clusters: BTreeMap<(String, String), Vec<(Kind, &Value)>> = BTreeMap::new();
    for (kind, object) in kinds.iter().flat_map(|(kind, list)| list.iter().map(move |object| (*kind, object))) {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (text(&metadata["namespace"]), text(&metadata["labels"][names::INSTANCE]));
        clusters.entry(key).or_default().push((kind, object));
    }
    clusters.into_iter().map(|((namespace, name), nodes)| row(namespace, name, &nodes)).collect()
}

fn row(namespace: String, name: String, nodes: &[(Kind, &Value)]) -> ClusterRow {
    let mut shards: BTreeMap<u32, usize> = BTreeMap::new();
    for (_, node) in nodes {
        let number = node["metadata"]["labels"][names::NODE].as_str().and_then(|text| text.parse::<NodeNumber>().ok());
        if let Some(number) = number {
            *shards.entry(number.shard()).or_default() += 1;
        }
    }
    let first = nodes.first().map_or(&Value::Null, |(_, node)| *node);
    let created = nodes.iter().filter_map(|(_, node)| node["metadata"]["creationTimestamp"].as_str()).min();
    ClusterRow {
        name,
        namespace,
        shards: shards.len(),
        replicas: shards.values().max().map_or(0, |nodes| nodes - 1),
        nodes_ready: nodes.iter().filter(|(_, node)| node["status"]["readyReplicas"].as_u64() >= Some(1)).count(),
        nodes_wanted: nodes.len(),
        workload: nodes.first().map(|(kind, _)| kind.kind.to_owned()).unwrap_or_default(),
        image: first["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned(),
        created_at: created.map(str::to_owned),
        state: None,
    }
}

/// The clusters of the selected pods, by their own views; then the pods that nobody could ask.
async fn selected(context: &Context, selector: &str) -> Result<Listing, Error> {
    let which = Which::Selected(selector.to_owned());
    let observation = observe::cluster(context, &which, Scope::Nodes).await?;
    let snapshot = observation.snapshot(context.server.caller());
    let heard = groups(&snapshot);
    let unheard = unheard(&snapshot, &heard);
    let rows = heard.into_iter().chain(unheard).map(|group| row_of(&snapshot, group)).collect();
    Ok((rows, snapshot.unasked().into_iter().chain(snapshot.not_clustered()).collect()))
}

fn row_of(snapshot: &Snapshot, group: Group) -> ClusterRow {
    let seen = group.members.iter().map(|index| snapshot.seen[*index].clone()).collect();
    let topology = Topology::of(&Snapshot { seen, ..snapshot.clone() });
    ClusterRow {
        name: group.name,
        namespace: snapshot.caller.namespace.clone(),
        shards: topology.shards.len(),
        replicas: topology.shards.iter().map(|shard| shard.replicas.len()).max().unwrap_or_default(),
        nodes_ready: topology.nodes().filter(|node| node.is_reachable()).count(),
        nodes_wanted: topology.count(),
        workload: "<other>".into(),
        image: "<unknown>".into(),
        created_at: None,
        state: Some(topology.state.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_become_clusters() {
        let controller = |number: &str, ready: u32| {
            json!({
                "metadata": { "namespace": "a", "creationTimestamp": format!("2026-01-01T00:00:0{ready}Z"),
                              "labels": { names::INSTANCE: "x", names::NODE: number } },
                "spec": { "template": { "spec": { "containers": [{ "image": "redis:8.0" }] } } },
                "status": { "readyReplicas": ready },
            })
        };
        let sets = vec![controller("101", 1), controller("102", 0), controller("201", 1), controller("202", 1)];
        let rows = rows(&[(STATEFUL_SET, sets)]);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].shards, rows[0].replicas, rows[0].nodes_ready, rows[0].nodes_wanted), (2, 1, 3, 4));
        assert_eq!(rows[0].created_at.as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn sorted_by_a_field() {
        let controller = |name: &str, ready: usize| {
            let labels = json!({ names::INSTANCE: name, names::NODE: "101" });
            let node = json!({ "metadata": { "namespace": "a", "labels": labels } });
            vec![node; ready]
        };
        let mut rows = rows(&[(STATEFUL_SET, [controller("x", 10), controller("y", 9)].concat())]);
        let names = |rows: &[ClusterRow]| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        for path in [".nodesWanted", "{.nodesWanted}", "nodesWanted"] {
            sort(&mut rows, path, &Caller::default()).expect("a field");
            assert_eq!(names(&rows), ["y", "x"], "{path}");
        }
        sort(&mut rows, ".name", &Caller::default()).expect("a field");
        assert_eq!(names(&rows), ["x", "y"]);
        assert!(sort(&mut rows, ".nope", &Caller::default()).is_err());
    }
}
