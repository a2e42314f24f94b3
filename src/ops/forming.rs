//! Waits until a new cluster has formed, and reports what it is waiting for.

use super::observe::{self, FoundNodes, Observation};
use super::questions::Scope;
use crate::cluster::snapshot::{Member, Snapshot};
use crate::cluster::topology::{State, Topology};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::logs::{LogSource, last_line};
use crate::k8s::members::Which;
use crate::k8s::wait::{Progress, times, until_telling};
use crate::manifest::names::{self, ClusterName};
use crate::manifest::object::CONFIG_MAP;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Poll interval.
const PAUSE: Duration = Duration::from_millis(300);
/// Poll interval for all nodes of a forming cluster, per node: each query is work for a worker that
/// is starting nodes.
const REST_A_NODE: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How long a list of the pods is reused, per pod: a list of a hundred pods is work for the API
/// server (65 ms on two busy cores).
const GOOD_A_POD: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(5);

/// Waits until every node reports ok, views are consistent, no node is flagged, and every replica
/// is in sync; reports the progress to `seen` after each poll.
///
/// # Errors
/// A timeout, with what the cluster is waiting for; or if nodes cannot be listed.
pub async fn formed(
    context: &Context,
    which: &Which,
    deadline: Duration,
    seen: impl FnMut(&str) -> Result<(), Error>,
) -> Result<Observation, Error> {
    let begin = Instant::now();
    let mut forming = Forming {
        context,
        which,
        begin,
        listed: begin,
        found: FoundNodes::default(),
        due: None,
        says_ok: false,
        holdup: None,
    };
    let awaited = format!("redis cluster \"{}\" to form", which.title());
    until_telling(deadline, &awaited, PAUSE, seen, async || forming.poll().await).await
}

/// Each poll queries the first node. Until it reports that the cluster is ok, pods are listed and
/// the other nodes are queried less often.
struct Forming<'a> {
    context: &'a Context,
    which: &'a Which,
    begin: Instant,
    /// From the last list of the pods.
    found: FoundNodes,
    listed: Instant,
    /// When to query all nodes again.
    due: Option<Instant>,
    /// Whether the first node has reported ok.
    says_ok: bool,
    /// What the last query of all nodes was waiting for, in short and in full.
    holdup: Option<(String, String)>,
}

impl Forming<'_> {
    async fn poll(&mut self) -> Result<Progress<Observation>, Error> {
        if !self.says_ok {
            if self.listed.elapsed() >= times(GOOD_A_POD, self.found.candidates.len()) {
                self.found = observe::find(self.context, self.which).await?;
                self.listed = Instant::now();
            }
            let first = observe::of(self.context, self.which, self.found.first(), Scope::Nodes).await?;
            let snapshot = first.snapshot(self.context.server.caller());
            self.says_ok = snapshot.answered().any(|(_, view)| view.cluster.ok);
            let due = *self.due.get_or_insert(self.begin + rest(self.found.candidates.len()));
            if !self.says_ok && Instant::now() < due {
                return Ok(Progress::Pending(self.in_short(&first)));
            }
        }
        let observation = observe::cluster(self.context, self.which, Scope::Nodes).await?;
        self.due = Some(Instant::now() + rest(observation.nodes.len()));
        let snapshot = observation.snapshot(self.context.server.caller());
        let topology = Topology::of(&snapshot);
        if topology.state == State::Ok && topology.agree && snapshot.flagged().is_empty() {
            return Ok(Progress::Done(observation));
        }
        // Slow queries only if it takes long.
        let in_full = self.begin.elapsed() > LONG;
        let quick = quick_holdup(&observation);
        let why = if in_full { holdup(self.context, &observation).await } else { quick.clone() };
        self.holdup = quick.zip(why.clone());
        Ok(Progress::Pending(format!("{}{}", progress(&snapshot), because(why.as_deref()))))
    }

    /// `4 of 6 pods are ready; redis-001-node-302: its container is being created`
    fn in_short(&self, first: &Observation) -> String {
        let candidates = &self.found.candidates;
        let ready = candidates.iter().filter(|each| each.member.state.ready.is_some_and(|(ready, _)| ready)).count();
        let trouble = candidates.iter().find_map(|each| Some((each, each.target.as_ref().err()?)));
        let now = trouble.map(|(each, why)| format!("{}: {why}", each.member.name)).or_else(|| quick_holdup(first));
        let known = self.holdup.as_ref().filter(|(quick, _)| now.as_ref().is_none_or(|now| now == quick));
        let why = known.map(|(_, in_full)| in_full).or(now.as_ref());
        format!("{ready} of {} pods are ready{}", candidates.len(), because(why.map(String::as_str)))
    }
}

fn rest(nodes: usize) -> Duration {
    times(REST_A_NODE, nodes).min(LONGEST_REST)
}

fn because(why: Option<&str>) -> String {
    why.map_or(String::new(), |why| format!("; {why}"))
}

/// Marks the cluster as formed in its ConfigMap: from then on, nodes with only empty volumes do not
/// start a new cluster by themselves. Nothing else depends on it.
///
/// # Errors
/// The server's.
pub async fn note_formed(server: &Server, name: &ClusterName) -> Result<(), Error> {
    let noted = server.get(CONFIG_MAP, name.as_str()).await?;
    if noted.is_some_and(|map| map["data"][names::FORMED].is_string()) {
        return Ok(());
    }
    server.add(CONFIG_MAP, name.as_str(), &json!({ "data": { names::FORMED: "yes" } })).await
}

/// `4 of 6 nodes respond, 2 ok, 1 syncing`
fn progress(snapshot: &Snapshot) -> String {
    let answered = snapshot.answered().count();
    let ok = snapshot.answered().filter(|(_, view)| view.cluster.ok).count();
    let syncing = snapshot.answered().filter(|(_, view)| view.server.is_synced() == Some(false)).count();
    let nodes = snapshot.seen.len();
    let syncing = if syncing > 0 { format!(", {syncing} syncing") } else { String::new() };
    let flagged = snapshot.flagged().len();
    let flagged = if flagged > 0 { format!(", {flagged} flagged by peers") } else { String::new() };
    format!("{answered} of {nodes} nodes respond, {ok} ok{syncing}{flagged}")
}

/// The first node that cannot be queried, and why.
fn quick_holdup(observation: &Observation) -> Option<String> {
    let (candidate, reason) =
        observation.nodes.iter().find_map(|(candidate, texts)| Some((candidate, texts.as_ref().err()?)))?;
    Some(format!("{}: {reason}", candidate.member.name))
}

/// The same with a warning event or the last log line, or the missing permission to read them.
async fn holdup(context: &Context, observation: &Observation) -> Option<String> {
    let short = quick_holdup(observation)?;
    let (candidate, _) = observation.nodes.iter().find(|(_, texts)| texts.is_err())?;
    let event = last_warning(&context.server, &candidate.member).await;
    let line = match &candidate.member.pod {
        Some(pod) => {
            let source = LogSource { pod: pod.clone(), container: names::CONTAINER.into(), uid: String::new() };
            last_line(&context.server, &source).await
        }
        None => Ok(None),
    };
    let denied = [line.as_ref().err(), event.as_ref().err()].into_iter().flatten();
    let denied = denied.filter(|error| error.kind() == ErrorKind::Forbidden).map(Error::reason).collect::<Vec<_>>();
    let line = line.ok().flatten().map(|line| format!("last log line: {line}"));
    let says: Vec<String> = line.or(event.ok().flatten()).into_iter().chain(denied).collect();
    Some(if says.is_empty() { short } else { format!("{short} ({})", says.join("; ")) })
}

/// The newest warning event about a node's controller or current pod; not about an earlier pod of
/// the same name.
async fn last_warning(server: &Server, node: &Member) -> Result<Option<String>, Error> {
    let api: Api<Event> = Api::namespaced(server.client(), server.namespace());
    let warnings = ListParams::default().fields("type=Warning");
    let events = server.answer("list events", api.list(&warnings)).await?.items;
    let is_about = |event: &&Event| {
        let object = &event.involved_object;
        object.name.as_ref() == Some(&node.name) || (object.uid.is_some() && object.uid == node.pod_uid)
    };
    let newest = events.iter().filter(is_about).max_by_key(|event| event.last_timestamp.clone());
    Ok(newest.and_then(|event| event.message.clone()))
}
