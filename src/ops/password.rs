//! The password of a new cluster: what a user's Secret holds must be one, and a cluster whose own
//! Secret is gone goes on with that of its running pods.

use super::access::decode;
use crate::cluster::commands::{Caller, quoted};
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::exec::Ended;
use crate::k8s::members::list;
use crate::manifest::names::{CONTAINER, PASSWORD_KEY, PASSWORD_VARIABLE};
use crate::manifest::object::SECRET;
use crate::manifest::password::{BadPassword, check};
use crate::manifest::spec::{Auth, Spec};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// How many pods are asked: where the first ones cannot be, the others hardly can.
const TRIES: usize = 3;

/// The Secret must exist, with a password that all nodes and clients can use. The cluster's own
/// may be missing.
pub(super) async fn check_secret(server: &Server, spec: &Spec, own: Option<&Value>) -> Result<(), Error> {
    match (&spec.auth, own) {
        (Auth::Secret { name, key }, _) => {
            let secret = server.get(SECRET, name).await?.ok_or_else(|| {
                Error::user(format!("secret \"{name}\" not found in namespace \"{}\"", spec.namespace))
            })?;
            check_value(server, spec, &secret, (name, key))
        }
        (Auth::Own(_), Some(secret)) => check_value(server, spec, secret, (spec.name.as_str(), PASSWORD_KEY)),
        (Auth::Own(_) | Auth::None, _) => Ok(()),
    }
}

fn check_value(server: &Server, spec: &Spec, secret: &Value, (name, key): (&str, &str)) -> Result<(), Error> {
    let Some(encoded) = secret["data"][key].as_str() else {
        return Err(Error::user(format!("secret \"{name}\" has no key \"{key}\""))
            .hint("specify another one with --auth-secret NAME/KEY"));
    };
    let checked = match decode(encoded) {
        Some(password) => check(password.as_bytes(), &spec.image),
        None => Err(BadPassword::Control("bytes that are not text")),
    };
    let caller = server.caller();
    checked.map_err(|bad| {
        let create = create_secret(caller, name, key);
        let apply = caller.kubectl("apply -f -");
        Error::user(format!("the password in secret \"{name}\" (key \"{key}\") {bad}")).hint(format!(
            "to set it as it is meant, run: printf %s PASSWORD | {create} --dry-run=client -o yaml | {apply}"
        ))
    })
}

/// Reads the password from standard input.
fn create_secret(caller: &Caller, name: &str, key: &str) -> String {
    let source = quoted(&format!("{key}=/dev/stdin"));
    caller.kubectl(&format!("create secret generic {} --from-file={source}", quoted(name)))
}

/// The password that a cluster's pods run with, from one of them; none if none runs with a
/// password from the cluster's own Secret.
///
/// # Errors
/// If such pods run, and none can be asked.
pub async fn of_running_pods(server: &Server, spec: &Spec) -> Result<Option<String>, Error> {
    let pods = list::<Pod>(server, "pods", spec.name.selector()).await?;
    let running = pods.iter().filter(|pod| runs_with_secret(pod, spec.name.as_str()));
    let mut failed = None;
    for pod in running.filter_map(|pod| pod.metadata.name.as_deref()).take(TRIES) {
        match server
            .exec(pod, CONTAINER, &["printenv", PASSWORD_VARIABLE], "")
            .await
            .and_then(|ended| printed(pod, &ended))
        {
            Ok(password) => return Ok(Some(password)),
            Err(error) => failed = Some((pod, error)),
        }
    }
    failed.map_or(Ok(None), |(pod, error)| Err(way_back(server, spec, pod, &error)))
}

fn printed(pod: &str, ended: &Ended) -> Result<String, Error> {
    match ended.code {
        Some(0) => Ok(ended.out.strip_suffix('\n').unwrap_or(&ended.out).to_owned()),
        _ => Err(Error::user(format!("cannot read {PASSWORD_VARIABLE} in pod \"{pod}\": {}", ended.err.trim()))),
    }
}

fn runs_with_secret(pod: &Pod, secret: &str) -> bool {
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let runs = status
        .into_iter()
        .flatten()
        .any(|status| status.name == CONTAINER && status.state.as_ref().is_some_and(|state| state.running.is_some()));
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut variables = containers.flat_map(|container| container.env.iter().flatten());
    runs && variables.any(|variable| {
        let source = variable.value_from.as_ref().and_then(|source| source.secret_key_ref.as_ref());
        variable.name == PASSWORD_VARIABLE && source.is_some_and(|source| source.name == secret)
    })
}

/// A new password would lock the plugin, new pods and clients out of the nodes that run.
fn way_back(server: &Server, spec: &Spec, pod: &str, error: &Error) -> Error {
    let (name, caller) = (&spec.name, server.caller());
    let permission = error.hints().first().filter(|_| error.kind() == ErrorKind::Forbidden).cloned();
    let what = format!("secret \"{name}\" is gone, and the password of its running pods cannot be read");
    let causes =
        [error.headline().trim_start_matches("error: ").to_owned()].into_iter().chain(error.causes().iter().cloned());
    let back = causes.fold(Error::user(what), Error::cause);
    let read = caller.kubectl(&format!("exec {pod} -c {CONTAINER} -- printenv {PASSWORD_VARIABLE}"));
    let create = create_secret(caller, name.as_str(), PASSWORD_KEY);
    let label = caller.kubectl(&format!("label secret {name} {}", name.selector().replace(',', " ")));
    permission.into_iter().fold(back, Error::hint).hint(format!(
        "whoever may run programs in the pods brings it back: P=$({read}) && printf %s \"$P\" | {create} && {label}"
    ))
}

/// What the user hears of it.
pub(super) fn note(spec: &Spec, found: Option<&str>) -> String {
    let secret = format!("secret/{} was gone", spec.name);
    match found {
        Some(_) => format!("{secret}: it gets the password of the running pods back"),
        None => format!("{secret}, and no pod runs that has its password: it gets a new one, which clients need"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(state: &Value, secret: &str) -> Pod {
        let source = json!({ "secretKeyRef": { "name": secret, "key": "password" } });
        serde_json::from_value(json!({
            "spec": { "containers": [{ "name": CONTAINER, "env": [{ "name": PASSWORD_VARIABLE, "valueFrom": source }] }] },
            "status": { "containerStatuses": [{ "name": CONTAINER, "ready": true, "restartCount": 0, "image": "",
                                                "imageID": "", "state": state }] },
        }))
        .expect("a pod")
    }

    #[test]
    fn only_a_running_pod_with_the_own_secret_has_the_password() {
        let (running, waiting) = (json!({ "running": {} }), json!({ "waiting": {} }));
        assert!(runs_with_secret(&pod(&running, "a"), "a"));
        assert!(!runs_with_secret(&pod(&waiting, "a"), "a"), "its container was never made");
        assert!(!runs_with_secret(&pod(&running, "mine"), "a"), "the user's own Secret");
        assert!(!runs_with_secret(&Pod::default(), "a"));
    }

    #[test]
    fn the_password_is_what_was_printed_without_the_line_feed() {
        let ended = |code, out: &str| Ended { code, out: out.into(), err: "not found".into() };
        assert_eq!(printed("p", &ended(Some(0), " x \n")).ok().as_deref(), Some(" x "));
        assert!(printed("p", &ended(Some(1), "")).is_err() && printed("p", &ended(None, "x\n")).is_err());
    }
}
