//! `create`: from a spec to a healthy cluster.

use super::choice::{Word, one_of};
use super::dry_run::DryRun;
use super::verb::{Invocation, Running, Verb, Wants, done};
use crate::cluster::commands::Caller;
use crate::cluster::finding::Severity;
use crate::cluster::health::{Hints, check};
use crate::cluster::nodes_conf::PORT;
use crate::cluster::shape::{BadShape, Shape, Small};
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::duration;
use crate::error::Error;
use crate::k8s::flags::Creates;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::Which;
use crate::k8s::objects::Run;
use crate::k8s::server_container::ServerChoice;
use crate::k8s::wait::{Stage, TimeLimit};
use crate::manifest::advice::advice;
use crate::manifest::assembly::objects;
use crate::manifest::config::MAXMEMORY_POLICIES;
use crate::manifest::difference::Decision;
use crate::manifest::names::{ClusterName, PASSWORD_KEY};
use crate::manifest::object::{BUDGET, Object, SECRET};
use crate::manifest::quantity::{Size, cpu};
use crate::manifest::settings::config_line;
use crate::manifest::spec::{
    Auth, Entrypoint, Image, Network, Placement, Redis, Resources, Spec, Spread, Storage, Toleration, Workload,
    key_value,
};
use crate::ops::access::{decode, new_password};
use crate::ops::observe::Observation;
use crate::ops::{apply, forming, password, preflight};
use crate::ui::json;
use crate::ui::terminal::Ui;
use serde_json::{Value, json};
use std::time::Duration;

/// Create a cluster and wait until it is healthy
///
/// If it was interrupted, run it again to continue; for a complete cluster, it changes nothing. It
/// never reconfigures an existing cluster.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster create redis-001\n  \
          kubectl redis-cluster create cache --ephemeral --maxmemory-policy allkeys-lru\n  \
          kubectl redis-cluster create db1 --dry-run=client -o yaml | kubectl apply -f -\n  \
          kubectl redis-cluster create db1 --workload replicationcontroller --no-auth")]
pub struct Args {
    /// Name of the cluster
    #[arg(value_parser = str::parse::<ClusterName>)]
    name: ClusterName,
    /// Number of shards, each with its own master
    #[arg(long, default_value_t = 3)]
    shards: u16,
    /// Number of replicas of each master
    #[arg(long, default_value_t = 1)]
    replicas: u16,
    /// Allow fewer than three shards, with which no failover is possible
    #[arg(long)]
    allow_small: bool,
    /// Image of the server: Redis or Valkey
    #[arg(long, default_value = "redis:8.0")]
    image: String,
    /// Secret to pull the image with
    #[arg(long, value_name = "SECRET", add = LiveValues::Secrets)]
    image_pull_secret: Option<String>,
    /// Start the image's own entry point, which reads CLUSTER_CONFIG and REDIS_CONFIG
    #[arg(long)]
    image_entrypoint: bool,
    /// Controller kind for each node
    #[arg(long, value_parser = one_of(WORKLOADS), value_name = "KIND", default_value = "statefulset")]
    workload: Workload,
    /// Size of each node's volume [default: 1Gi, none with a replicationcontroller]
    #[arg(long, value_name = "SIZE", value_parser = str::parse::<Size>, conflicts_with = "ephemeral")]
    storage: Option<Size>,
    /// Keep all data in memory only
    #[arg(long)]
    ephemeral: bool,
    /// StorageClass of the volumes (default: the cluster's default StorageClass)
    #[arg(long, value_name = "NAME", conflicts_with = "ephemeral", add = LiveValues::StorageClasses)]
    storage_class: Option<String>,
    /// Memory request and limit per node; five eighths of it are for keys
    #[arg(long, value_name = "SIZE", value_parser = str::parse::<Size>, default_value = "256Mi")]
    memory: Size,
    /// CPU request per node
    #[arg(long, value_name = "QUANTITY", value_parser = cpu, default_value = "50m")]
    cpu: String,
    /// Eviction policy when the memory is full
    #[arg(long, value_name = "POLICY", default_value = "noeviction", value_parser = MAXMEMORY_POLICIES)]
    maxmemory_policy: String,
    /// Extra line of redis.conf (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = config_line)]
    config: Vec<String>,
    /// How long a node may be unreachable before its peers mark it as failed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    node_timeout: Duration,
    /// Whether the nodes of a shard must run on different workers
    #[arg(long, value_parser = one_of(SPREADS), value_name = "POLICY", default_value = "required")]
    spread: Spread,
    /// Label that a worker must have (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    node_selector: Vec<(String, String)>,
    /// Toleration for the pods (repeatable)
    #[arg(long, value_name = "KEY[=VALUE][:EFFECT]", value_parser = str::parse::<Toleration>)]
    toleration: Vec<Toleration>,
    /// Priority class of the pods
    #[arg(long, value_name = "NAME", add = LiveValues::PriorityClasses)]
    priority_class: Option<String>,
    /// Annotation for the pods (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    annotation: Vec<(String, String)>,
    /// Admit only pods of the namespace, and to the cluster bus only the nodes
    #[arg(long)]
    network_policy: bool,
    /// Disable password authentication
    #[arg(long, conflicts_with = "auth_secret")]
    no_auth: bool,
    /// Only show what would be created: none, client or server
    #[arg(long, value_enum, value_name = "STRATEGY", default_value = "none")]
    dry_run: DryRun,
    /// Output format; yaml and json print the manifests
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
    /// Wait until the cluster is healthy
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    wait: bool,
    /// How long to wait before giving up
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5m")]
    timeout: Duration,
}

const WORKLOADS: [(&str, Workload); 2] =
    [("statefulset", Workload::StatefulSet), ("replicationcontroller", Workload::ReplicationController)];

const SPREADS: [(Word, Spread); 3] = [
    (Word("required", "Always on different workers: a pod that finds none stays pending"), Spread::Required),
    (Word("preferred", "On different workers if possible"), Spread::Preferred),
    (Word("none", "On any workers"), Spread::None),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Name,
    Yaml,
    Json,
}

impl Args {
    fn is_client_dry_run(&self) -> bool {
        self.dry_run == DryRun::Client
    }

    /// The spec of the command line.
    fn spec(&self, context: &Context, password: String) -> Result<Spec, Error> {
        let small = if self.allow_small { Small::Allowed } else { Small::Refused };
        let shape = Shape::new(self.shards, self.replicas, small).map_err(|refusal| match refusal {
            BadShape::TooSmall(_) => Error::user(refusal).hint("to allow that, add --allow-small"),
            _ => Error::user(refusal),
        })?;
        let entrypoint = if self.image_entrypoint { Entrypoint::Image } else { Entrypoint::Bootstrap };
        let spec = Spec {
            name: self.name.clone(),
            namespace: context.server.namespace().to_owned(),
            shape,
            workload: self.workload,
            image: Image { name: self.image.clone(), pull_secret: self.image_pull_secret.clone(), entrypoint },
            resources: Resources {
                memory: self.memory.clone(),
                cpu: self.cpu.clone(),
                storage: self.storage(entrypoint)?,
            },
            redis: Redis {
                node_timeout_ms: u64::try_from(self.node_timeout.as_millis()).unwrap_or(u64::MAX),
                maxmemory_policy: self.maxmemory_policy.clone(),
                config: self.config.clone(),
            },
            placement: Placement {
                spread: self.spread,
                node_selector: self.node_selector.clone(),
                tolerations: self.toleration.clone(),
                priority_class: self.priority_class.clone(),
            },
            auth: self.auth(context, password),
            annotations: self.annotation.clone(),
            network: if self.network_policy { Network::Restricted } else { Network::Open },
        };
        spec.validate().map_err(Error::user)?;
        Ok(spec)
    }

    /// A volume, unless `--ephemeral` or a controller without volumes.
    fn storage(&self, entrypoint: Entrypoint) -> Result<Option<Storage>, Error> {
        let possible = self.workload == Workload::StatefulSet && entrypoint == Entrypoint::Bootstrap;
        let asked = self.storage.is_some() || self.storage_class.is_some();
        if self.ephemeral || !(possible || asked) {
            return Ok(None);
        }
        let default = "1Gi".parse::<Size>().map_err(Error::user)?;
        let size = self.storage.clone().unwrap_or(default);
        Ok(Some(Storage { size, class: self.storage_class.clone() }))
    }

    fn auth(&self, context: &Context, password: String) -> Auth {
        match &context.auth_secret {
            _ if self.no_auth => Auth::None,
            Some((name, key)) => Auth::Secret { name: name.clone(), key: key.clone() },
            None => Auth::Own(password),
        }
    }
}

fn going_on(caller: &Caller, name: &ClusterName) -> String {
    let delete = caller.plugin_on("delete", &name.into());
    format!("created objects stay: run the same command again to continue, or remove them: {delete}")
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn creates(&self) -> Creates {
        Creates::Cluster
    }

    fn wants_server(&self) -> Wants {
        if self.is_client_dry_run() { Wants::ServerIfThere } else { Wants::Server }
    }

    fn after_interrupt(&self, caller: &Caller) -> Vec<String> {
        vec![going_on(caller, &self.name)]
    }
}

/// # Errors
/// Before the first object: whatever would fail. After it: what failed, and how to continue.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let deadline = TimeLimit::within(args.timeout);
    refuse_login(context, args)?;
    let spec = args.spec(context, new_password()?)?;
    if args.is_client_dry_run() {
        return show_manifests(context, args, spec, ui).await;
    }
    let findings = async {
        let budget = context.server.budget_kind().await?;
        let way = args.wait.then_some(context.via);
        preflight::check(&context.server, &spec, objects(&spec, budget), way).await
    };
    let findings = deadline.bound("the API server to say whether it can be created", findings).await?;
    findings.notes.iter().for_each(|note| ui.note(&format!("note: {note}")));
    advice(&spec).iter().for_each(|advice| ui.warning(advice));
    let made = make(context, (args, deadline), &spec, findings.decisions, ui);
    let made = deadline.bound("the objects to be created", made).await;
    made.map_err(|error| error.hint(going_on(context.server.caller(), &args.name)))
}

/// Flags for how a cluster of another tool is logged in to: this one would never answer to them.
fn refuse_login(context: &Context, args: &Args) -> Result<(), Error> {
    if context.tls.is_some() {
        return Err(Error::user("clusters of this tool do not use TLS: create cannot wait for nodes with --tls")
            .hint("omit --tls and --tls-secret"));
    }
    if context.choice != ServerChoice::default() {
        return Err(Error::user("each node of the new cluster is in the container redis, on port 6379")
            .hint("omit --redis-container and --redis-port: they are for clusters of other tools"));
    }
    let Some(user) = &context.redis_user else { return Ok(()) };
    let has_user = |line: &String| line.starts_with("aclfile ") || line.starts_with(&format!("user {user} "));
    if args.config.iter().any(has_user) {
        return Ok(());
    }
    Err(Error::user(format!("the new cluster has no ACL user \"{user}\": create cannot log in with --redis-user"))
        .hint(format!("omit --redis-user, or add the user: --config 'user={user} on #SHA256 ~* +@all'")))
}

async fn make(
    context: &Context,
    (args, deadline): (&Args, TimeLimit),
    spec: &Spec,
    decisions: Vec<(Object, Decision)>,
    ui: &mut Ui,
) -> Result<(), Error> {
    let message = |object: &Object, verb: &str| match args.output {
        Some(Output::Name) => object.reference(),
        _ => format!("{} {verb}{}", object.reference(), args.dry_run.suffix()),
    };
    let (missing, present): (Vec<_>, Vec<_>) =
        decisions.into_iter().partition(|(_, decision)| *decision == Decision::Create);
    for (object, _) in &present {
        ui.line(&message(object, "unchanged"))?;
    }
    let missing: Vec<Object> = missing.into_iter().map(|(object, _)| object).collect();
    let run = args.dry_run.run().unwrap_or(Run::ServerDry);
    let made = |object: &Object| ui.line(&message(object, "created"));
    apply::create(&context.server, &spec.name, &missing, (run, deadline), made).await?;
    if !args.wait || run == Run::ServerDry {
        return Ok(());
    }
    let which = Which::Named(spec.name.clone());
    let progress = |stage: &Stage| {
        ui.progress(stage);
        Ok(())
    };
    let formed = forming::formed(context, &which, deadline, progress).await?;
    if let Err(error) = forming::note_formed(&context.server, &spec.name).await {
        ui.warning(&format!("the cluster is ready, but could not be marked as formed: {error}"));
    }
    if missing.is_empty() {
        ui.conclude(&format!("redis cluster \"{}\" is ready", spec.name));
    } else {
        report(context, spec, &formed, ui);
    }
    Ok(())
}

/// Warnings, and how to connect.
fn report(context: &Context, spec: &Spec, formed: &Observation, ui: &mut Ui) {
    let snapshot = formed.snapshot(context.server.caller());
    let found = check(&snapshot, &Topology::of(&snapshot)).findings;
    for finding in found.iter().filter(|finding| finding.severity >= Severity::Warning) {
        ui.warning(&format!("{} ({})", finding.message, finding.evidence));
    }
    let Some(seen) = snapshot.seen.first() else { return };
    let connect = Hints { snapshot: &snapshot }.redis_on_terminal(&seen.member, "-c");
    ui.note(&format!("redis cluster \"{}\" is ready; connect with:\n  {connect}", spec.name));
    ui.note(&format!(
        "clients with support for Redis Cluster connect to:\n  {}.{}.svc, port {PORT}",
        spec.name, spec.namespace
    ));
    if let Some((name, key)) = spec.secret() {
        ui.note(&format!("its password:\n  {}", context.server.caller().secret(name, key)));
    }
}

/// That of the Secret, or where it is gone, of the pods that run.
async fn kept_password(context: &Context, spec: &Spec, secret: Option<Value>) -> Result<Option<String>, Error> {
    match secret {
        Some(secret) => Ok(decode(secret["data"][PASSWORD_KEY].as_str().unwrap_or_default())),
        None => password::of_running_pods(&context.server, spec).await,
    }
}

/// The manifests. An existing Secret's password is reused, so that applying them again changes
/// nothing.
async fn show_manifests(context: &Context, args: &Args, mut spec: Spec, ui: &mut Ui) -> Result<(), Error> {
    let budget = context.server.budget_kind().await.unwrap_or(BUDGET);
    if matches!(spec.auth, Auth::Own(_))
        && let Ok(secret) = context.server.get(SECRET, spec.name.as_str()).await
        && let Some(kept) = kept_password(context, &spec, secret).await?
    {
        spec.auth = Auth::Own(kept);
    }
    let objects = objects(&spec, budget);
    let text = match args.output {
        Some(Output::Yaml) => {
            objects.iter().map(|object| json::yaml(&object.value)).collect::<Vec<_>>().join("\n---\n")
        }
        Some(Output::Json) => {
            let items: Vec<&Value> = objects.iter().map(|object| &object.value).collect();
            json::pretty(&json!({ "apiVersion": "v1", "kind": "List", "items": items }))
        }
        Some(Output::Name) => objects.iter().map(Object::reference).collect::<Vec<_>>().join("\n"),
        None => {
            let line = |object: &Object| format!("{} created{}", object.reference(), args.dry_run.suffix());
            objects.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    };
    ui.line(&text)
}
