//! The command line: the flags of every command, and the commands.

pub mod pages;
mod usage;

use crate::cluster::commands::{Caller, GivenFlags};
use crate::commands::Command;
use crate::commands::choice::{Word, one_of};
use crate::commands::verb::{Invocation, Running, Wants};
use crate::context::{Context, TlsOptions};
use crate::duration;
use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::dial::PodDial;
use crate::k8s::flags::ConnectionFlags;
use crate::k8s::live_values::LiveValues;
use crate::k8s::server_container::ServerChoice;
use crate::node::dial::{Dial, Via};
use crate::ui::terminal::{Color, Ui};
use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::future::ready;
use std::time::Duration;

/// Create, inspect and delete reliable Redis Clusters on any Kubernetes
///
/// Nothing is installed in the Kubernetes cluster: no operator, no custom resource, no sidecar. It
/// uses your own permissions and connects to the nodes with port-forward or exec.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl redis-cluster",
    bin_name = "kubectl redis-cluster",
    version,
    color = clap::ColorChoice::Never,
    after_help = "Examples:\n  kubectl redis-cluster create redis-001\n  kubectl redis-cluster info redis-001\n  \
                  kubectl redis-cluster info -l app=redis\n  kubectl redis-cluster delete redis-001"
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    node: NodeFlags,
    /// When to use colors
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", help_heading = "Output flags")]
    color: Color,
    #[command(flatten)]
    connection: ConnectionFlags,
}

const WAYS: [(Word, Via); 3] = [
    (Word("auto", "Port-forward, or exec if port-forward is not possible"), Via::Auto),
    (Word("port-forward", "Only port-forward"), Via::PortForward),
    (Word("exec", "Only exec of redis-cli"), Via::Exec),
];

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Redis flags")]
struct NodeFlags {
    /// How to connect to the nodes
    #[arg(long, global = true, value_parser = one_of(WAYS), default_value = "auto", value_name = "METHOD")]
    via: Via,
    /// How long to wait for the response of one node
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    ask_timeout: Duration,
    /// Secret with the password, and its key (default "password")
    #[arg(long, global = true, value_name = "NAME[/KEY]", value_parser = secret_key, add = LiveValues::Secrets)]
    auth_secret: Option<(String, String)>,
    /// ACL user to authenticate as
    #[arg(long, global = true, value_name = "USER")]
    redis_user: Option<String>,
    /// Container that runs the server (default: found by its port, command, image or name)
    ///
    /// Pods without such a container are left out.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    redis_container: Option<String>,
    /// Port on which the server listens in its pod (default: by the container's command and ports)
    #[arg(long, global = true, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    redis_port: Option<u16>,
    /// Use TLS; without --tls-secret, certificates are not verified
    ///
    /// For clusters of other tools; clusters of this tool do not use TLS.
    #[arg(long, global = true)]
    tls: bool,
    /// Secret with the CA of the nodes' certificates (ca.crt), and with a client certificate if
    /// they require one (tls.crt, tls.key); implies --tls
    ///
    /// A node's certificate must be signed by this CA and must not have expired. Its name is not
    /// verified: the API server connects to that exact pod, and certificates name Services. With
    /// exec, redis-cli uses TLS inside the pod, where nothing is verified and no client certificate
    /// is available: client certificates work with port-forward only.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), add = LiveValues::Secrets)]
    tls_secret: Option<String>,
}

impl NodeFlags {
    fn given(&self) -> GivenFlags {
        let via = WAYS.iter().find(|(_, via)| *via == self.via && *via != Via::Auto);
        let secret = self.auth_secret.as_ref().map(|(name, key)| format!("{name}/{key}"));
        GivenFlags::default()
            .with("--via", via.map(|(word, _)| word.0))
            .with("--auth-secret", secret)
            .with("--redis-user", &self.redis_user)
            .with("--redis-container", &self.redis_container)
            .with("--redis-port", self.redis_port.map(|port| port.to_string()))
            .switch("--tls", self.tls.then_some(true))
            .with("--tls-secret", &self.tls_secret)
    }
}

/// With help pages in kubectl's format.
pub fn command() -> clap::Command {
    pages::dress(Cli::command())
}

/// Output without running a command.
pub struct Page {
    pub text: String,
    /// Whether it is a usage error.
    pub is_complaint: bool,
}

/// The first word is the program's name.
///
/// # Errors
/// Help, the version, or a usage error.
pub fn parse(words: &[OsString]) -> Result<Cli, Page> {
    let matches = command().try_get_matches_from(words);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Page { text: error.to_string().trim_end().to_owned(), is_complaint: false }
        }
        _ => {
            let mut command = command();
            command.build();
            let (asked, spoken) = asked(&command, words);
            Page { text: usage::complaint(&error, asked, &spoken), is_complaint: true }
        }
    })
}

/// The subcommand of the words, and how the user types it.
fn asked<'a>(command: &'a clap::Command, words: &[OsString]) -> (&'a clap::Command, String) {
    let name = command.get_bin_name().unwrap_or_default();
    let verb = words.iter().skip(1).filter_map(|word| word.to_str()).find_map(|word| command.find_subcommand(word));
    verb.map_or((command, name.to_owned()), |verb| (verb, format!("{name} {}", verb.get_name())))
}

/// The hint repeats all that was given but the mistake.
fn mistaken(flag: &str, given: &ConnectionFlags, context: &Context) -> Error {
    let given = ConnectionFlags { username: None, password: None, ..given.clone() }.given();
    let caller = Caller { connection: given, ..context.server.caller().clone() };
    let create = caller.kubectl("create secret generic NAME --from-file=password=/dev/stdin");
    Error::user(format!("{flag} is kubectl's flag to log in to the API server, not to Redis"))
        .hint("for the password of the nodes, name its Secret: --auth-secret NAME[/KEY]")
        .hint(format!("to make one, run: printf %s PASSWORD | {create}"))
}

fn secret_key(text: &str) -> Result<(String, String), String> {
    match text.split_once('/').unwrap_or((text, crate::manifest::names::PASSWORD_KEY)) {
        ("", _) | (_, "") => Err("must be NAME or NAME/KEY".into()),
        (name, key) => Ok((name.to_owned(), key.to_owned())),
    }
}

impl Cli {
    /// When to use colors.
    pub fn color(&self) -> Color {
        self.color
    }

    /// Finds the API server.
    ///
    /// # Errors
    /// When there is no usable configuration.
    pub async fn connect(&self, ui: &Ui) -> Result<Context, Error> {
        let server = match self.command.verb().wants_server() {
            Wants::Nothing => Server::nowhere(&self.connection)?,
            wants => match Server::connect(&self.connection, ui.listener()).await {
                Err(_) if wants == Wants::ServerIfThere => Server::nowhere(&self.connection)?,
                connected => connected?,
            },
        };
        let dial = PodDial::new(server.clone());
        Ok(self.context(server, Box::new(dial)))
    }

    /// Runs the command where the API server is found already.
    pub fn run_in<'a>(&'a self, context: &'a Context, ui: &'a mut Ui) -> Running<'a> {
        if let Some(flag) = self.connection.mistaken_login(self.command.verb().creates()) {
            return Box::pin(ready(Err(mistaken(flag, &self.connection, context))));
        }
        self.command.verb().run(Invocation { context, command_line: Self::command }, ui)
    }

    pub fn context(&self, server: Server, dial: Box<dyn Dial>) -> Context {
        let server = server.called_with(self.connection.given(), self.node.given());
        let NodeFlags { via, ask_timeout, auth_secret, redis_user, redis_container, redis_port, tls, tls_secret } =
            self.node.clone();
        let choice = ServerChoice { container: redis_container, port: redis_port };
        let tls = (tls || tls_secret.is_some()).then(|| TlsOptions { secret: tls_secret, ..TlsOptions::default() });
        Context { server, dial, via, ask_timeout, redis_user, auth_secret, tls, choice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::commands::Caller;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn which_server_is_meant_is_repeated_in_hints() {
        let words = "kubectl-redis-cluster check --redis-port 7000 --redis-container my-node".split(' ');
        let cli = Cli::try_parse_from(words).expect("a command line");
        let caller = Caller { namespace: "n".into(), nodes: cli.node.given(), ..Caller::default() };
        let hint = caller.plugin("info x");
        assert_eq!(hint, "kubectl redis-cluster -n n --redis-container my-node --redis-port 7000 info x");
    }

    #[test]
    fn secrets_have_a_key() {
        assert_eq!(secret_key("a").ok(), Some(("a".into(), "password".into())));
        assert_eq!(secret_key("a/b").ok(), Some(("a".into(), "b".into())));
        assert!(secret_key("/b").is_err() && secret_key("a/").is_err());
    }
}
