//! `logs`: of all nodes, in true time order.

use super::choice::one_of;
use super::target::TargetArgs;
use super::verb::{Invocation, Running, Verb, done};
use crate::cluster::node::{NodeNumber, Role};
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::duration;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::log_order::LogLine;
use crate::k8s::log_source::{LogOptions, LogSource};
use crate::k8s::logs::{LogEvent, Logs};
use crate::k8s::members::{Which, list};
use crate::k8s::node_pods::{may_be_node, node_pods};
use crate::manifest::names::NODE;
use crate::ops::observe;
use crate::ops::questions::Scope;
use crate::ui::log_lines::{LineStyle, Writer, json_line, text};
use crate::ui::terminal::Ui;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::time::Duration;

/// Print the logs of all nodes, merged in time order
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster logs redis-001 --tail 20\n  \
          kubectl redis-cluster logs redis-001 -f --since 10m --role master\n  \
          kubectl redis-cluster logs redis-001 --node 101 -p\n  kubectl redis-cluster logs -l app=redis -o raw")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Stream new lines, also from restarted containers and new pods
    #[arg(short, long)]
    follow: bool,
    /// Only show logs newer than this
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "since_time")]
    since: Option<Duration>,
    /// Only show logs after this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = str::parse::<Timestamp>)]
    since_time: Option<Timestamp>,
    /// Lines of recent log to show per node; -1 shows all
    #[arg(long, value_name = "LINES", default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,
    /// Show the previous container's logs
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,
    /// Show the timestamp of each line
    #[arg(long)]
    timestamps: bool,
    /// Container (default: the server's)
    #[arg(short, long, value_name = "NAME")]
    container: Option<String>,
    /// Only this node (repeatable)
    #[arg(long, value_name = "NUMBER", value_parser = str::parse::<NodeNumber>, add = LiveValues::NodeNumbers)]
    node: Vec<NodeNumber>,
    /// Only the initial nodes of this shard (repeatable)
    #[arg(long, value_name = "NUMBER", add = LiveValues::Shards)]
    shard: Vec<u32>,
    /// Only nodes that have this role now
    #[arg(long, value_parser = one_of([Role::Master, Role::Replica].map(|role| (role.as_str(), role))), value_name = "ROLE")]
    role: Option<Role>,
    /// Only lines that match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = Regex::new)]
    grep: Option<Regex>,
    /// Do not prefix lines with the node
    #[arg(long)]
    no_prefix: bool,
    /// Maximum number of logs to read in parallel
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    max_log_requests: usize,
    /// Output format; raw prints pod after pod, like the original script
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Raw,
    Json,
}

impl Args {
    fn options(&self, context: &Context) -> LogOptions {
        let since = self.since.and_then(|since| Timestamp::now().checked_sub(since).ok());
        LogOptions {
            container: self.container.clone(),
            choice: context.choice.clone(),
            since: self.since_time.or(since),
            tail: Some(self.tail).filter(|lines| *lines >= 0),
            previous: self.previous,
        }
    }

    fn wants(&self, pod: &Pod) -> bool {
        let number = pod.metadata.labels.as_ref().and_then(|labels| labels.get(NODE)?.parse::<NodeNumber>().ok());
        let node = self.node.is_empty() || number.is_some_and(|number| self.node.contains(&number));
        let shard = self.shard.is_empty() || number.is_some_and(|number| self.shard.contains(&number.shard()));
        node && shard
    }

    fn refuse_nonsense(&self) -> Result<(), Error> {
        if self.output == Some(Output::Raw) && self.follow {
            return Err(
                Error::user("-o raw prints pod after pod, which has no end to follow").hint("omit -o raw or -f")
            );
        }
        if self.tail < -1 {
            return Err(Error::user(format!("--tail must be a number of lines, or -1 for all, not {}", self.tail)));
        }
        Ok(())
    }
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }
}

/// # Errors
/// If there are no pods, if no log can be read, and the server's.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    args.refuse_nonsense()?;
    let which = args.target.which(context).await?;
    let (pods, roles) = futures::future::join(pods(context, &which), roles(context, &which, args)).await;
    let mut pods = pods?;
    let (roles, unknown) = roles;
    if let Some(why) = unknown {
        ui.note(&format!("note: the nodes' roles are unknown: {why}"));
    }
    pods.retain(|pod| args.wants(pod) && has_role(pod, &roles, args.role));
    let options = args.options(context);
    let sources: Vec<LogSource> = pods.iter().filter_map(|pod| LogSource::of(pod, &options)).collect();
    if sources.is_empty() && !args.follow {
        return Err(Error::user(format!("no pods of \"{}\" match", which.title())).hint(format!(
            "to list all nodes, run: {}",
            context.server.caller().plugin_on("info", &which.reference())
        )));
    }
    let logs = Logs::new(&context.server, options);
    if args.output == Some(Output::Raw) {
        return raw(&logs, &sources, ui).await;
    }
    if sources.len() > args.max_log_requests {
        return Err(Error::user(format!(
            "you are attempting to read {} logs at once, but maximum allowed concurrency is {}, use --max-log-requests to increase the limit",
            sources.len(),
            args.max_log_requests
        )));
    }
    let mut printer = Printer::new(args, &which, roles, ui);
    sources.iter().for_each(|source| printer.begin(source));
    if args.follow {
        // A role that a pod takes later is not known: with --role no new pod is added.
        let wanted = |pod: &Pod| args.role.is_none() && args.wants(pod) && may_be_node(pod, &context.choice);
        logs.follow(sources, &which.selector(), wanted, |event| printer.take(event)).await
    } else {
        logs.read(&sources, |event| printer.take(event)).await?;
        printer.ui.flush()
    }
}

async fn pods(context: &Context, which: &Which) -> Result<Vec<Pod>, Error> {
    let pods = node_pods(list::<Pod>(&context.server, "pods", which.selector()).await?, &context.choice);
    if pods.is_empty() {
        let namespace = context.server.namespace();
        return Err(Error::user(format!("no pods of \"{}\" found in namespace \"{namespace}\"", which.title()))
            .hint(format!("to list all clusters, run: {}", context.server.caller().list_everywhere())));
    }
    Ok(pods)
}

type Roles = BTreeMap<String, Role>;

/// The nodes' roles, by pod, or why they are unknown. Best effort: logs are needed most when nodes
/// do not respond.
async fn roles(context: &Context, which: &Which, args: &Args) -> (Roles, Option<String>) {
    if (args.no_prefix || args.output == Some(Output::Raw)) && args.role.is_none() {
        return (Roles::new(), None);
    }
    let observation = match observe::cluster(context, which, Scope::Nodes).await {
        Ok(observation) => observation,
        Err(error) => return (Roles::new(), Some(error.reason())),
    };
    let snapshot = observation.snapshot(context.server.caller());
    let topology = Topology::of(&snapshot);
    let roles = topology.nodes().filter_map(|node| Some((node.member.pod.clone()?, node.role?))).collect();
    (roles, snapshot.unasked())
}

fn has_role(pod: &Pod, roles: &Roles, wanted: Option<Role>) -> bool {
    let role = pod.metadata.name.as_ref().and_then(|name| roles.get(name));
    wanted.is_none_or(|wanted| role == Some(&wanted))
}

/// The output of the original example's script: every pod's name, then its log.
async fn raw(logs: &Logs, sources: &[LogSource], ui: &mut Ui) -> Result<(), Error> {
    for source in sources {
        ui.data(format!("Pod: {}\n", source.pod).as_bytes())?;
        let one = std::slice::from_ref(source);
        let copied = logs.read(one, |event| match event {
            LogEvent::Line(_, line) => ui.data(&[line.text.as_slice(), b"\n"].concat()),
            _ => Ok(()),
        });
        if let Err(error) = copied.await {
            ui.flush()?;
            ui.note(&format!("error: no logs from {}: {error}", source.pod));
        }
    }
    ui.flush()
}

struct Printer<'a> {
    args: &'a Args,
    roles: Roles,
    cluster: String,
    writers: Vec<Writer>,
    style: LineStyle,
    ui: &'a mut Ui,
}

impl<'a> Printer<'a> {
    fn new(args: &'a Args, which: &Which, roles: Roles, ui: &'a mut Ui) -> Self {
        let style = LineStyle { prefix: !args.no_prefix, timestamps: args.timestamps, colored: ui.is_colored() };
        let cluster = match which {
            Which::Named(name) => name.to_string(),
            Which::Selected(_) => String::new(),
        };
        Self { args, roles, cluster, writers: Vec::new(), style, ui }
    }

    fn begin(&mut self, source: &LogSource) {
        let role = self.roles.get(&source.pod).map(|role| role.as_str());
        let node = self.node(&source.pod);
        self.writers.push(Writer { node, role, pod: source.pod.clone(), container: source.container.clone() });
    }

    /// Pods of this tool start with their node's name: `NAME-node-101-0`, `NAME-node-101-x7k2p`.
    fn node(&self, pod: &str) -> String {
        let rest = pod.strip_prefix(&self.cluster).and_then(|rest| rest.strip_prefix("-node-"));
        match rest.and_then(|rest| rest.split('-').next()) {
            Some(number) => format!("{}-node-{number}", self.cluster),
            None => pod.to_owned(),
        }
    }

    fn take(&mut self, event: LogEvent) -> Result<(), Error> {
        match event {
            LogEvent::Line(index, line) => self.line(index, &line),
            LogEvent::Source(source) => {
                self.begin(&source);
                self.ui.note(&format!("+ {}", source.pod));
                Ok(())
            }
            LogEvent::Note(text) => {
                self.ui.note(&format!("note: {text}"));
                Ok(())
            }
        }
    }

    fn line(&mut self, index: usize, line: &LogLine) -> Result<(), Error> {
        if self.args.grep.as_ref().is_some_and(|pattern| !pattern.is_match(&line.text)) {
            return Ok(());
        }
        let writer = &self.writers[index];
        let shown = match self.args.output {
            Some(Output::Json) => json_line(writer, line),
            _ => text(writer, line, self.style),
        };
        self.ui.data(&shown)?;
        if self.args.follow { self.ui.flush() } else { Ok(()) }
    }
}
