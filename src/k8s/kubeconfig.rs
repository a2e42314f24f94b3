//! From kubeconfigs and flags to a configuration, with kubectl's precedence: `--kubeconfig`,
//! `$KUBECONFIG` (a list), `~/.kube/config`, in-cluster.

use super::flags::ConnectionFlags;
use crate::cluster::commands::Caller;
use crate::error::{Error, ErrorKind, chain};
use kube::config::{
    AuthInfo, Cluster, Config, ExecConfig, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError,
};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Whether an exec plugin may prompt the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    MayAsk,
    /// Shell completion cannot prompt.
    MayNotAsk,
}

/// # Errors
/// If files and flags are inconsistent, in kubectl's words.
pub async fn configuration(flags: &ConnectionFlags, login: Login) -> Result<Config, Error> {
    refuse_contradictions(flags)?;
    let Some(mut kubeconfig) = kubeconfig(flags)? else { return without_kubeconfig(flags) };
    override_entries(&mut kubeconfig, flags, login)?;
    let options =
        KubeConfigOptions { context: flags.context.clone(), cluster: flags.cluster.clone(), user: flags.user.clone() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| wording(&error, flags))?;
    with_connection_flags(config, flags)
}

/// The merged kubeconfig; none without a file.
///
/// # Errors
/// If a file cannot be read, or that of `--kubeconfig` does not exist.
pub fn kubeconfig(flags: &ConnectionFlags) -> Result<Option<Kubeconfig>, Error> {
    if let Some(path) = &flags.kubeconfig {
        let missing = |error| Error::user(format!("stat {}: {error}", path.display()));
        std::fs::metadata(path).map_err(|error| missing(plain(&error)))?;
        return read(path).map(Some);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in standard_files().iter().filter(|path| path.exists()) {
        let next = read(path)?;
        merged = Some(match merged {
            Some(kubeconfig) => kubeconfig.merge(next).map_err(|error| wording(&error, flags))?,
            None => next,
        });
    }
    Ok(merged)
}

/// `$KUBECONFIG`'s files, or the one in the home directory.
fn standard_files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect(),
    }
}

fn read(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path).map_err(|error| {
        let reason = match &error {
            // After its first line it quotes the file, which may contain secrets.
            KubeconfigError::Parse(reason) => {
                let text = reason.to_string();
                let line = text.lines().next().unwrap_or_default();
                format!("yaml: {}", line.strip_prefix("error: ").unwrap_or(line))
            }
            other => chain(other),
        };
        Error::user(format!("error loading config file \"{}\": {reason}", path.display()))
    })
}

/// The operating system's message without Rust's suffix.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn without_kubeconfig(flags: &ConnectionFlags) -> Result<Config, Error> {
    if let Some(server) = &flags.server {
        let url = server.parse().map_err(|error| Error::user(format!("--server \"{server}\": {error}")))?;
        let mut config = Config::new(url);
        credentials(&mut config.auth_info, flags);
        return with_connection_flags(config, flags);
    }
    let named = flags.context.as_ref().or(flags.cluster.as_ref()).or(flags.user.as_ref());
    if let Some(name) = named {
        return Err(Error::user(format!("no kubeconfig has an entry \"{name}\": {}", tried())));
    }
    Config::incluster().map_err(|_| {
        Error::user(format!("no kubeconfig found ({}) and not running in a cluster", tried()))
            .hint("set one with --kubeconfig or the KUBECONFIG environment variable")
    })
}

fn tried() -> String {
    let files: Vec<_> = standard_files().iter().map(|path| path.display().to_string()).collect();
    if files.is_empty() { "no home directory".into() } else { format!("tried {}", files.join(", ")) }
}

/// Puts the flags into the entries that the context names, as client-go overrides files with flags.
fn override_entries(kubeconfig: &mut Kubeconfig, flags: &ConnectionFlags, login: Login) -> Result<(), Error> {
    let context = flags.context.as_ref().or(kubeconfig.current_context.as_ref()).cloned();
    let context = context.and_then(|name| kubeconfig.contexts.iter().find(|each| each.name == name));
    let context = context.and_then(|named| named.context.clone());
    let user = flags.user.clone().or_else(|| context.as_ref().and_then(|context| context.user.clone()));
    let cluster = flags.cluster.clone().or_else(|| context.as_ref().map(|context| context.cluster.clone()));
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        let entry = kubeconfig.auth_infos.iter_mut().find(|each| each.name == user);
        let entry = entry.ok_or_else(|| Error::user(format!("auth info \"{user}\" does not exist")))?;
        let info = entry.auth_info.get_or_insert_default();
        credentials(info, flags);
        readable("client-cert", info.client_certificate.as_deref(), info.client_certificate_data.is_some(), &user)?;
        if let Some(program) = &mut info.exec {
            prepare(program, login)?;
        }
        readable("client-key", info.client_key.as_deref(), info.client_key_data.is_some(), &user)?;
    }
    if let Some(entry) = cluster.and_then(|name| kubeconfig.clusters.iter_mut().find(|each| each.name == name)) {
        let cluster = entry.cluster.get_or_insert_default();
        endpoint(cluster, flags);
        let (file, data) = (cluster.certificate_authority.as_deref(), cluster.certificate_authority_data.is_some());
        readable("certificate-authority", file, data, &entry.name)?;
    }
    Ok(())
}

/// Checks that an exec plugin exists, and that it prompts only on a terminal.
fn prepare(program: &mut ExecConfig, login: Login) -> Result<(), Error> {
    let name = program.command.clone().unwrap_or_default();
    // Windows has its own rules to find programs.
    let is_there = cfg!(windows) || name.contains('/') || is_on_path(&name);
    if !is_there {
        let error = Error::no_credentials(&format!("exec: executable {name} not found"));
        return Err(program.install_hint.iter().fold(error, |error, hint| error.hint(hint.trim())));
    }
    if login == Login::MayAsk && std::io::stdin().is_terminal() {
        return Ok(());
    }
    if login == Login::MayAsk && program.interactive_mode == Some(ExecInteractiveMode::Always) {
        let why = "exec plugin cannot support interactive mode: standard input is not a terminal";
        return Err(Error::no_credentials(why));
    }
    program.interactive_mode = Some(ExecInteractiveMode::Never);
    Ok(())
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// kubectl's error for an unreadable file; inline data takes precedence over the file.
fn readable(what: &str, file: Option<&str>, has_data: bool, entry: &str) -> Result<(), Error> {
    let Some(file) = file.filter(|file| !file.is_empty() && !has_data) else { return Ok(()) };
    std::fs::File::open(file).map(drop).map_err(|error| {
        Error::user(format!("unable to read {what} {file} for {entry} due to open {file}: {}", plain(&error)))
    })
}

fn endpoint(cluster: &mut Cluster, flags: &ConnectionFlags) {
    if let Some(server) = &flags.server {
        cluster.server = Some(server.clone());
    }
    if let Some(file) = &flags.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if let Some(insecure) = flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(insecure);
        cluster.certificate_authority_data.take_if(|_| insecure);
        cluster.certificate_authority.take_if(|_| insecure);
    }
}

/// A token or name on the command line overrides those of the files, and a certificate overrides a
/// certificate. A certificate of the files stays beside a token, as with kubectl: the API server
/// prefers the certificate.
fn credentials(user: &mut AuthInfo, flags: &ConnectionFlags) {
    if flags.token.is_some() || flags.username.is_some() {
        (user.exec, user.auth_provider, user.token_file) = (None, None, None);
        user.token = flags.token.clone().map(Into::into);
        user.username = flags.username.clone();
        user.password = flags.password.clone().map(Into::into);
    }
    if let Some(file) = &flags.client_certificate {
        user.client_certificate = Some(file.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        user.client_key = Some(file.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &flags.impersonate {
        user.impersonate = Some(name.clone());
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
        user.impersonate_uid = flags.impersonate_uid.clone();
        user.impersonate_user_extra = flags.impersonate_extra();
    }
}

fn refuse_contradictions(flags: &ConnectionFlags) -> Result<(), Error> {
    let half = !flags.impersonate_groups.is_empty()
        || flags.impersonate_uid.is_some()
        || !flags.impersonate_user_extra.is_empty();
    if flags.impersonate.is_none() && half {
        return Err(
            Error::user("requesting uid, groups or user-extra without impersonating a user").hint("add --as USER")
        );
    }
    if flags.insecure_skip_tls_verify == Some(true) && flags.certificate_authority.is_some() {
        return Err(Error::user("specifying a root certificates file with the insecure flag is not allowed"));
    }
    Ok(())
}

fn with_connection_flags(mut config: Config, flags: &ConnectionFlags) -> Result<Config, Error> {
    if let Some(name) = &flags.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    if let Some(insecure) = flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = insecure;
    }
    if let Some(file) = flags.certificate_authority.as_ref().filter(|_| config.root_cert.is_none()) {
        readable("certificate-authority", file.to_str(), false, "--server")?;
        config.root_cert_file = Some(file.clone());
    }
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::user("unable to load root certificates: unable to parse bytes as PEM block"));
    }
    Ok(config)
}

/// kubectl's messages for an inconsistent kubeconfig.
fn wording(error: &KubeconfigError, flags: &ConnectionFlags) -> Error {
    let text = match error {
        KubeconfigError::LoadContext(name) => {
            format!("Error in configuration: context was not found for specified context: {name}")
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            return Error::user(format!("no server found for cluster \"{name}\""));
        }
        KubeconfigError::CurrentContextNotSet => {
            let caller = Caller { connection: flags.given(), ..Caller::default() };
            let choose = caller.kubectl_without_namespace("config use-context NAME");
            return Error::user("the kubeconfig has no current context")
                .hint(format!("choose one with --context, or permanently: {choose}"));
        }
        other => return Error::user(chain(other)),
    };
    Error::new(ErrorKind::Api, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_on_the_command_line_overrides_the_file() {
        let mut user = AuthInfo { username: Some("old".into()), ..AuthInfo::default() };
        user.client_certificate_data = Some("old".into());
        credentials(&mut user, &ConnectionFlags { token: Some("new".into()), ..ConnectionFlags::default() });
        assert!(user.token.is_some());
        assert_eq!((user.username, user.client_certificate_data.as_deref()), (None, Some("old")));
    }

    #[test]
    fn a_group_without_a_user_is_refused() {
        let flags = ConnectionFlags { impersonate_groups: vec!["g".into()], ..ConnectionFlags::default() };
        assert!(refuse_contradictions(&flags).is_err());
    }
}
