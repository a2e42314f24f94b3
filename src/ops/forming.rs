//! Waits until a new cluster has formed, and reports what it is waiting for.

use super::observe::{self, FoundNodes, Observation};
use super::questions::Scope;
use crate::cluster::formation::{self, Formation, Holdup};
use crate::cluster::hopeless::Attempts;
use crate::cluster::snapshot::{Member, NoResponse};
use crate::cluster::surroundings::TroubleKind;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::events;
use crate::k8s::kubelets::last_lines;
use crate::k8s::log_source::LogSource;
use crate::k8s::logs::last_line;
use crate::k8s::members::{Candidate, Which};
use crate::k8s::wait::{Progress, Stage, TimeLimit, times, until_telling};
use crate::manifest::names::{self, ClusterName};
use crate::manifest::object::CONFIG_MAP;
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
/// A timeout, with what the cluster is waiting for; at once if a node rejects the password or the
/// user may not query it, or if nodes cannot be listed.
pub async fn formed(
    context: &Context,
    which: &Which,
    deadline: TimeLimit,
    seen: impl FnMut(&Stage) -> Result<(), Error>,
) -> Result<Observation, Error> {
    let begin = Instant::now();
    let mut forming = Forming {
        context,
        which,
        title: which.title(),
        begin,
        listed: begin,
        found: FoundNodes::default(),
        due: None,
        says_ok: false,
        holdup: None,
        known: None,
        attempts: Attempts::default(),
    };
    let awaited = format!("redis cluster \"{}\" to form", forming.title);
    until_telling(deadline, &awaited, PAUSE, seen, async || forming.poll().await).await
}

/// Each poll queries the first node. Until it reports that the cluster is ok, pods are listed and
/// the other nodes are queried less often.
struct Forming<'a> {
    context: &'a Context,
    which: &'a Which,
    title: String,
    begin: Instant,
    /// From the last list of the pods.
    found: FoundNodes,
    listed: Instant,
    /// When to query all nodes again.
    due: Option<Instant>,
    /// Whether the first node has reported ok.
    says_ok: bool,
    /// What the last query of all nodes was waiting for.
    holdup: Option<Holdup>,
    /// What was read elsewhere about a holdup, by its `what`.
    known: Option<(String, String)>,
    attempts: Attempts,
}

impl Forming<'_> {
    async fn poll(&mut self) -> Result<Progress<Observation>, Error> {
        if !self.says_ok {
            let first = self.first().await?;
            let due = *self.due.get_or_insert(self.begin + rest(self.found.candidates.len()));
            if !self.says_ok && Instant::now() < due {
                let silent = first.nodes.first().and_then(|(candidate, texts)| {
                    Some(Holdup::of_response(&self.title, &candidate.member, texts.as_ref().err()?))
                });
                let holdup = self.of_pods(&self.found.candidates).or(silent).or_else(|| self.holdup.clone());
                self.refuse_hopeless(&self.found.candidates, holdup.as_ref())?;
                return Ok(Progress::Pending(self.stage(&self.found.candidates, holdup)));
            }
        }
        let observation = observe::cluster(self.context, self.which, Scope::Nodes).await?;
        self.refuse(&observation)?;
        self.due = Some(Instant::now() + rest(observation.nodes.len()));
        self.attempts.note(observation.nodes.iter().map(|(candidate, _)| &candidate.member));
        let snapshot = observation.snapshot(self.context.server.caller());
        self.holdup = formation::holdup(&self.title, &snapshot);
        let Some(holdup) = self.holdup.clone() else { return Ok(Progress::Done(observation)) };
        let candidates: Vec<Candidate> = observation.nodes.into_iter().map(|(candidate, _)| candidate).collect();
        // Slow queries only if it takes long.
        if self.begin.elapsed() > LONG {
            self.known = look_up(self.context, &candidates, &holdup).await.map(|more| (holdup.what.clone(), more));
        }
        self.refuse_hopeless(&candidates, Some(&holdup))?;
        Ok(Progress::Pending(self.stage(&candidates, Some(holdup))))
    }

    /// The first node's answer, and whether it says ok.
    async fn first(&mut self) -> Result<Observation, Error> {
        if self.listed.elapsed() >= times(GOOD_A_POD, self.found.candidates.len()) {
            self.found = observe::find(self.context, self.which).await?;
            self.listed = Instant::now();
            self.attempts.note(self.found.candidates.iter().map(|candidate| &candidate.member));
        }
        let first = observe::of(self.context, self.which, self.found.first(), Scope::Nodes).await?;
        self.refuse(&first)?;
        let snapshot = first.snapshot(self.context.server.caller());
        self.says_ok = snapshot.answered().any(|(_, view)| view.cluster.ok);
        Ok(first)
    }

    /// A rejected password, a missing permission and an unknown command do not pass.
    fn refuse(&self, observation: &Observation) -> Result<(), Error> {
        let refused = observation.nodes.iter().find_map(|(candidate, texts)| match texts {
            Err(NoResponse::Refused(why)) => Some((&candidate.member.name, why)),
            _ => None,
        });
        let Some((node, why)) = refused else { return Ok(()) };
        let text = format!("{node} cannot be queried");
        Err(Error::new(ErrorKind::Refused, why.clone())
            .context(text)
            .context(format!("cannot see whether redis cluster \"{}\" forms", self.title)))
    }

    /// What was tried again meanwhile, and will always fail so.
    fn refuse_hopeless(&self, candidates: &[Candidate], holdup: Option<&Holdup>) -> Result<(), Error> {
        let members = || candidates.iter().map(|candidate| &candidate.member);
        let image = members().find(|member| self.attempts.lacks_image(member));
        let image = image.and_then(|member| Holdup::of_pod(&self.title, member));
        let start = || {
            let holdup = holdup?;
            let (_, more) = self.known.as_ref().filter(|(what, _)| *what == holdup.what)?;
            let member = members().find(|member| Some(&member.name) == holdup.node.as_ref())?;
            self.attempts.cannot_start(member, more).then(|| holdup.clone().and(more))
        };
        let (why, mend) = match (image, start()) {
            (Some(image), _) => (image, "create it with another --image"),
            (None, Some(start)) => {
                (start, "mend what its log names: a line of --config, or the password in its Secret")
            }
            (None, None) => return Ok(()),
        };
        Err(Error::user(format!("redis cluster \"{}\" cannot form", self.title))
            .cause(format!("{}{}", why.what, why.detail))
            .hint(format!("this does not pass by itself: {mend}; for other flags, remove the cluster first")))
    }

    fn of_pods(&self, candidates: &[Candidate]) -> Option<Holdup> {
        formation::pods(&self.title, candidates.iter().map(|candidate| &candidate.member))
    }

    fn stage(&self, candidates: &[Candidate], holdup: Option<Holdup>) -> Stage {
        let is_ready = |each: &&Candidate| each.member.state.ready.is_some_and(|(ready, _)| ready);
        let holdup = holdup.map(|holdup| match &self.known {
            Some((what, more)) if *what == holdup.what => holdup.and(more),
            _ => holdup,
        });
        let ready = candidates.iter().filter(is_ready).count();
        let (state, detail) = Formation { ready, nodes: candidates.len(), holdup }.sentence();
        Stage { state, detail }
    }
}

fn rest(nodes: usize) -> Duration {
    times(REST_A_NODE, nodes).min(LONGEST_REST)
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

/// The last log line of what holds up, or a warning event about it, or the missing permission to
/// read them.
async fn look_up(context: &Context, candidates: &[Candidate], holdup: &Holdup) -> Option<String> {
    let Candidate { member, .. } = candidates.iter().find(|each| Some(&each.member.name) == holdup.node.as_ref())?;
    let event = last_warning(&context.server, member).await;
    let line = match &member.pod {
        Some(pod) if has_ended(member) => last_lines(&context.server, pod, names::CONTAINER.into()).await,
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
    (!says.is_empty()).then(|| says.join("; "))
}

/// Its last line alone may not say why.
fn has_ended(member: &Member) -> bool {
    let trouble = member.state.trouble.as_ref();
    trouble.is_some_and(|trouble| matches!(trouble.kind, TroubleKind::CrashLoop | TroubleKind::Ended))
}

/// A warning event about a node's controller or pod.
async fn last_warning(server: &Server, node: &Member) -> Result<Option<String>, Error> {
    Ok(events::about(&events::warnings(server).await?, node))
}
