//! What only the workers' kubelets know: how full volumes are, and what terminated containers
//! printed last. A worker without power answers neither, and must not delay what is known without it.

use super::client::Server;
use super::last_lines::{MANY, telling};
use super::members::Candidate;
use crate::cluster::surroundings::{Lookup, TroubleKind, Usage};
use crate::error::{Error, ErrorKind, seconds};
use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, join, join_all, pending, select};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::oneshot;

/// How much longer than everything else a kubelet may take.
const GRACE: Duration = Duration::from_secs(1);

/// Ends `GRACE` after everything else is known.
#[derive(Clone)]
pub struct Deadline(Shared<BoxFuture<'static, ()>>);

impl Deadline {
    /// `rest` is dropped when everything else is known.
    pub fn after(rest: oneshot::Receiver<()>) -> Self {
        let end = async {
            let _ = rest.await;
            let _ = tokio::time::timeout(GRACE, pending::<()>()).await;
        };
        Self(end.boxed().shared())
    }

    async fn answer<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match select(pin!(request), self.0.clone()).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                Err(Error::new(ErrorKind::Timeout, format!("no response from its kubelet within {}", seconds(GRACE))))
            }
        }
    }
}

/// What the kubelets answered.
#[derive(Default)]
pub struct Answers {
    /// By volume claim.
    pub usage: Lookup<BTreeMap<String, Usage>>,
    /// By pod.
    pub last_log_lines: Lookup<BTreeMap<String, String>>,
    /// What single kubelets did not answer, and why.
    pub unanswered: BTreeMap<String, String>,
}

/// All in parallel; one request per worker and per terminated container.
pub async fn read(server: &Server, candidates: &[Candidate], deadline: &Deadline) -> Answers {
    let mut answers = Answers::default();
    let has_claims = candidates.iter().any(|each| !each.member.state.claims.is_empty());
    let workers: BTreeSet<&str> = candidates.iter().filter_map(|each| each.member.worker.as_deref()).collect();
    let measured = async { if has_claims { Some(summaries(server, &workers, deadline).await) } else { None } };
    let (measured, lines) = join(measured, last_log_lines(server, candidates, deadline)).await;
    if let Some(measured) = measured {
        answers.usage = usage(measured, server.namespace(), &mut answers.unanswered);
    }
    answers.last_log_lines = printed(lines, &mut answers.unanswered);
    answers
}

type Answer<T> = (String, Result<T, Error>);

/// For users with permission to nodes/proxy.
async fn summaries(server: &Server, workers: &BTreeSet<&str>, deadline: &Deadline) -> Vec<Answer<Value>> {
    let each = |worker: &str| {
        let worker = worker.to_owned();
        async move {
            let summary = deadline.answer(summary(server, &worker)).await;
            (worker, summary)
        }
    };
    join_all(workers.iter().map(|worker| each(worker))).await
}

async fn summary(server: &Server, worker: &str) -> Result<Value, Error> {
    let request = http::Request::get(format!("/api/v1/nodes/{worker}/proxy/stats/summary"))
        .body(Vec::new())
        .map_err(|error| Error::user(format!("cannot request the kubelet's statistics: {error}")))?;
    server.answer("get nodes/proxy", server.client().request::<Value>(request)).await
}

/// If no kubelet answered, the reason of one; else those that did not are told one by one.
fn usage(
    answers: Vec<Answer<Value>>,
    namespace: &str,
    unanswered: &mut BTreeMap<String, String>,
) -> Lookup<BTreeMap<String, Usage>> {
    let mut usage = BTreeMap::new();
    let mut refusals = Vec::new();
    let all = answers.len();
    for (worker, answer) in answers {
        match answer {
            Ok(summary) => usage.extend(usage_of(&summary, namespace)),
            Err(error) => refusals.push((worker, error.reason())),
        }
    }
    match refusals.pop() {
        Some((_, reason)) if refusals.len() + 1 == all => return Lookup::Denied(reason),
        None if usage.is_empty() => return Lookup::Denied("the kubelets report no usage for these volumes".into()),
        last => refusals.extend(last),
    }
    unanswered.extend(refusals.into_iter().map(|(worker, why)| (format!("volume usage on {worker}"), why)));
    Lookup::Seen(usage)
}

fn usage_of(summary: &Value, namespace: &str) -> Vec<(String, Usage)> {
    let pods = summary["pods"].as_array().into_iter().flatten();
    let volumes = pods.flat_map(|pod| pod["volume"].as_array().into_iter().flatten());
    volumes
        .filter(|volume| volume["pvcRef"]["namespace"] == namespace)
        .filter_map(|volume| {
            let claim = volume["pvcRef"]["name"].as_str()?.to_owned();
            Some((claim, Usage { used: volume["usedBytes"].as_u64()?, free: volume["availableBytes"].as_u64()? }))
        })
        .collect()
}

/// Of terminated containers.
async fn last_log_lines(server: &Server, candidates: &[Candidate], deadline: &Deadline) -> Vec<Answer<Option<String>>> {
    let ended = candidates.iter().filter(|candidate| {
        let trouble = candidate.member.state.trouble.as_ref();
        trouble.is_some_and(|trouble| {
            matches!(trouble.kind, TroubleKind::CrashLoop | TroubleKind::OutOfMemory | TroubleKind::Ended)
        })
    });
    join_all(ended.filter_map(|candidate| {
        let pod = candidate.member.pod.clone()?;
        let own = || candidate.member.shell.as_ref().map(|shell| shell.container.clone());
        let container = candidate.member.state.failing_init.clone().or_else(own)?;
        Some(async move {
            let lines = deadline.answer(last_lines(server, &pod, container)).await;
            (pod, lines)
        })
    }))
    .await
}

/// A missing permission is the same for all pods.
fn printed(
    answers: Vec<Answer<Option<String>>>,
    unanswered: &mut BTreeMap<String, String>,
) -> Lookup<BTreeMap<String, String>> {
    let mut printed = BTreeMap::new();
    for (pod, answer) in answers {
        match answer {
            Ok(lines) => printed.extend(lines.map(|lines| (pod, lines))),
            Err(error) if error.kind() == ErrorKind::Forbidden => return Lookup::Denied(error.reason()),
            Err(error) => drop(unanswered.insert(format!("the log of {pod}"), error.reason())),
        }
    }
    Lookup::Seen(printed)
}

/// What the log of a container that has ended says of it; none if it is empty.
///
/// # Errors
/// If the user may not read it.
pub async fn last_lines(server: &Server, pod: &str, container: String) -> Result<Option<String>, Error> {
    let api: Api<Pod> = Api::namespaced(server.client(), server.namespace());
    let parameters = |previous| LogParams {
        container: Some(container.clone()),
        tail_lines: Some(MANY),
        previous,
        ..LogParams::default()
    };
    for previous in [false, true] {
        // A container that was restarted meanwhile may have an empty log.
        match server.answer("get pods/log", api.logs(pod, &parameters(previous))).await {
            Ok(text) => {
                if let Some(lines) = telling(&text) {
                    return Ok(Some(lines));
                }
            }
            Err(error) if error.kind() == ErrorKind::Forbidden => return Err(error),
            Err(_) => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn summary(namespace: &str) -> Value {
        let volume = |namespace: &str| {
            json!({ "usedBytes": 90, "availableBytes": 10,
                                               "pvcRef": { "name": "data-a-0", "namespace": namespace } })
        };
        json!({ "pods": [{ "volume": [volume("other"), { "usedBytes": 1 }, volume(namespace)] }] })
    }

    #[test]
    fn volumes_of_the_own_namespace_alone() {
        assert_eq!(usage_of(&summary("mine"), "mine"), [("data-a-0".into(), Usage { used: 90, free: 10 })]);
    }

    #[test]
    fn a_kubelet_that_says_nothing_is_named() {
        let gone = || Err(Error::new(ErrorKind::Api, "Error from server (ServiceUnavailable): no route"));
        let mut unanswered = BTreeMap::new();
        let seen =
            usage(vec![("node-1".into(), Ok(summary("mine"))), ("node-2".into(), gone())], "mine", &mut unanswered);
        assert_eq!(seen.seen().map(BTreeMap::len), Some(1));
        let expected = ("volume usage on node-2".into(), "Error from server (ServiceUnavailable): no route".into());
        assert_eq!(unanswered, BTreeMap::from([expected]));
        assert_eq!(
            usage(vec![("node-2".into(), gone())], "mine", &mut BTreeMap::new()),
            Lookup::Denied("Error from server (ServiceUnavailable): no route".into())
        );
    }
}
