//! Passwords and TLS of the nodes.

use crate::cluster::surroundings::Lookup;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::members::{Candidate, Password, Which};
use crate::manifest::names;
use crate::manifest::object::SECRET;
use crate::node::connection::Credentials;
use crate::node::dial::Via;
use crate::node::tls::{Certificates, Tls};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Passwords by source. If one cannot be read, the pod's own redis-cli still has it.
pub(super) type Passwords = BTreeMap<Password, Lookup<String>>;

/// The likely password, read before the nodes are known, to save a round trip to a distant API
/// server.
pub(super) async fn likely(context: &Context, which: &Which) -> Passwords {
    let Some(source) = likely_source(context, which) else { return Passwords::new() };
    let password = password(context, &source).await.ok();
    password.into_iter().map(|password| (source.clone(), password)).collect()
}

/// The Secret of `--auth-secret`, or a cluster's own Secret.
fn likely_source(context: &Context, which: &Which) -> Option<Password> {
    match (&context.auth_secret, which) {
        (Some((name, key)), _) => Some(Password::Secret { name: name.clone(), key: key.clone() }),
        (None, Which::Named(name)) => {
            Some(Password::Secret { name: name.to_string(), key: names::PASSWORD_KEY.to_owned() })
        }
        (None, Which::Selected(_)) => None,
    }
}

/// The passwords of all nodes; known ones are not read again.
pub(super) async fn passwords(
    context: &Context,
    candidates: &[Candidate],
    known: Passwords,
) -> Result<Passwords, Error> {
    let mut passwords = known;
    for candidate in candidates.iter().filter(|candidate| candidate.target.is_ok()) {
        if let Entry::Vacant(place) = passwords.entry(source(context, candidate)) {
            let password = password(context, place.key()).await?;
            place.insert(password);
        }
    }
    Ok(passwords)
}

fn source(context: &Context, candidate: &Candidate) -> Password {
    match &context.auth_secret {
        Some((name, key)) => Password::Secret { name: name.clone(), key: key.clone() },
        None => candidate.password.clone(),
    }
}

async fn password(context: &Context, source: &Password) -> Result<Lookup<String>, Error> {
    let (name, key) = match source {
        Password::None => return Ok(Lookup::Skipped),
        Password::Plain(password) => return Ok(Lookup::Seen(password.clone())),
        Password::Secret { name, key } => (name, key),
    };
    match context.server.get(SECRET, name).await {
        Ok(Some(secret)) => {
            let encoded = secret["data"][key].as_str().ok_or_else(|| {
                Error::user(format!("secret \"{name}\" has no key \"{key}\""))
                    .hint("specify the password's Secret with --auth-secret NAME/KEY")
            })?;
            decode(encoded)
                .map(Lookup::Seen)
                .ok_or_else(|| Error::user(format!("secret \"{name}\": \"{key}\" is not text")))
        }
        Ok(None) if context.auth_secret.is_some() => {
            Err(Error::user(format!("secret \"{name}\" with the cluster's password not found"))
                .hint("specify the password's Secret with --auth-secret NAME/KEY"))
        }
        // The pods that run have it in their environment.
        Ok(None) => Ok(Lookup::Denied(format!("secret \"{name}\" with the cluster's password not found"))),
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(Lookup::Denied(error.reason())),
        Err(error) => Err(error),
    }
}

/// How to connect to a node: if its password cannot be read, through exec, where redis-cli has it.
pub(super) fn way(context: &Context, candidate: &Candidate, passwords: &Passwords) -> (Via, Credentials) {
    let password = passwords.get(&source(context, candidate)).and_then(Lookup::seen).cloned();
    let unreadable = unreadable(context, candidate, passwords).is_some();
    let via = if unreadable && context.via == Via::Auto { Via::Exec } else { context.via };
    (via, Credentials { user: context.redis_user.clone().filter(|_| password.is_some()), password })
}

/// The Secrets that have been read.
pub(super) fn secrets(passwords: &Passwords) -> BTreeSet<String> {
    let read = passwords.iter().filter(|(_, password)| password.seen().is_some());
    let name = |(source, _): (&Password, _)| match source {
        Password::Secret { name, .. } => Some(name.clone()),
        Password::None | Password::Plain(_) => None,
    };
    read.filter_map(name).collect()
}

/// Why a node's password cannot be read.
pub(super) fn unreadable<'a>(context: &Context, candidate: &Candidate, passwords: &'a Passwords) -> Option<&'a str> {
    match passwords.get(&source(context, candidate))? {
        Lookup::Denied(why) => Some(why),
        Lookup::Seen(_) | Lookup::Skipped => None,
    }
}

/// Applies `--tls` and `--tls-secret` to the nodes.
pub(super) async fn add_tls(context: &Context, candidates: &mut [Candidate]) -> Result<(), Error> {
    if let Some(tls) = tls(context).await? {
        candidates.iter_mut().for_each(|candidate| speak_tls(candidate, &tls));
    }
    Ok(())
}

/// How redis-cli logs in in the pods as this tool does.
pub(super) fn add_logins(context: &Context, candidates: &mut [Candidate], passwords: &Passwords) {
    for candidate in candidates {
        let Credentials { user, password } = way(context, candidate, passwords).1;
        let source = Some(source(context, candidate)).filter(|source| *source != candidate.password);
        let Some(shell) = &mut candidate.member.shell else { continue };
        shell.user = user;
        // An unreadable one is left to the pod.
        shell.password_secret = match source {
            Some(Password::Secret { name, key }) if password.is_some() => Some((name, key)),
            _ => None,
        };
    }
}

fn speak_tls(candidate: &mut Candidate, tls: &Tls) {
    if let Ok(target) = &mut candidate.target {
        target.tls = Some(tls.clone());
    }
    if let Some(shell) = &mut candidate.member.shell {
        shell.flags = "--tls --insecure ";
    }
}

/// None without `--tls`.
pub(super) async fn tls(context: &Context) -> Result<Option<Tls>, Error> {
    let Some(options) = &context.tls else { return Ok(None) };
    let load = async || match &options.secret {
        Some(name) => checked(&context.server, name).await,
        None => Tls::unchecked(),
    };
    options.resolved.get_or_try_init(load).await.cloned().map(Some)
}

async fn checked(server: &Server, name: &str) -> Result<Tls, Error> {
    const WITHOUT: &str = "--tls alone needs no Secret, but does not verify the nodes' certificates";
    let read = server.get(SECRET, name).await.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => error.hint(WITHOUT),
        _ => error,
    });
    let secret = read?.ok_or_else(|| {
        Error::user(format!("secret \"{name}\" with the nodes' CA not found"))
            .hint(format!("to list secrets, run: {}", server.caller().kubectl("get secrets")))
            .hint(WITHOUT)
    })?;
    let see = format!("to see its keys, run: {}", server.caller().kubectl(&format!("describe secret {name}")));
    let text = |key: &str| {
        let bad = || Error::user(format!("secret \"{name}\": \"{key}\" is not text"));
        secret["data"][key].as_str().map(|encoded| decode(encoded).ok_or_else(bad)).transpose()
    };
    let ca = text("ca.crt")?.ok_or_else(|| {
        Error::user(format!("secret \"{name}\" has no key \"ca.crt\"")).hint(see.as_str()).hint(WITHOUT)
    })?;
    let certificates = Certificates { secret: name.to_owned(), ca, client: text("tls.crt")?.zip(text("tls.key")?) };
    Tls::checked(&certificates).map_err(|error| error.hint(see))
}

pub fn decode(base64: &str) -> Option<String> {
    let bytes: k8s_openapi::ByteString = serde_json::from_value(base64.into()).ok()?;
    String::from_utf8(bytes.0).ok()
}

/// A password for a new cluster: 32 letters and digits: 190 bits, and nothing that a shell or redis.conf reads as
/// anything else.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_password() -> Result<String, Error> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut password = String::new();
    while password.len() < 32 {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|error| Error::user(format!("cannot get random numbers: {error}")))?;
        // Bytes above the last multiple of 62 would make some letters likelier.
        let letters = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
        password.extend(letters.take(32 - password.len()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_not_the_same() {
        let (a, b) = (new_password().expect("random"), new_password().expect("random"));
        assert_eq!(a.len(), 32);
        assert!(a != b && a.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
