//! The command line: the flags of every command, and the commands.

pub mod pages;
mod usage;

use crate::commands::{Command, Wants};
use crate::context::{Context, TlsWish};
use crate::duration;
use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::dial::PodDial;
use crate::k8s::flags::ConnectionFlags;
use crate::node::dial::{Dial, Via};
use crate::ui::terminal::{Color, Ui};
use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::time::Duration;

/// Creates, shows and deletes reliable Redis Clusters on any Kubernetes
///
/// Nothing is installed in the Kubernetes cluster: no operator, no custom resource,
/// no sidecar. Your own rights are used; the nodes are reached by port-forward or exec.
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
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", help_heading = "Output flags")]
    color: Color,
    #[command(flatten)]
    connection: ConnectionFlags,
}

/// How the Redis nodes are asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Redis flags")]
struct NodeFlags {
    /// How to reach the nodes
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WAY")]
    via: Via,
    /// The longest that one node may take to answer
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    ask_timeout: Duration,
    /// The Secret with the password, and the key in it (default "password")
    #[arg(long, global = true, value_name = "NAME[/KEY]", value_parser = secret_key)]
    auth_secret: Option<(String, String)>,
    /// The ACL user to ask as
    #[arg(long, global = true, value_name = "USER")]
    redis_user: Option<String>,
    /// The nodes speak TLS; without --tls-secret their certificates are not checked
    ///
    /// Clusters of others may; those that this tool makes never do.
    #[arg(long, global = true)]
    tls: bool,
    /// The Secret with the CA of the nodes' certificates (ca.crt), and with a client
    /// certificate where they ask for one (tls.crt, tls.key); implies --tls
    ///
    /// A node's certificate must be of this CA and must not have expired. Its name does not
    /// count: the API server leads to that very pod, and certificates name Services. By exec,
    /// redis-cli speaks TLS inside the pod, where nothing is checked and no client
    /// certificate is at hand: that works by port-forward only.
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    tls_secret: Option<String>,
}

/// The whole command line, with the pages in kubectl's form.
pub fn command() -> clap::Command {
    pages::dress(Cli::command())
}

/// What comes of words that ask for no work.
pub struct Page {
    /// The text to show.
    pub text: String,
    /// Whether it is a complaint.
    pub is_complaint: bool,
}

/// Reads the command line; the first word is the program's name.
///
/// # Errors
/// A page instead of a command: help, the version, or what is wrong with the words.
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

/// The command that the words are for, and how the user types it.
fn asked<'a>(command: &'a clap::Command, words: &[OsString]) -> (&'a clap::Command, String) {
    let name = command.get_bin_name().unwrap_or_default();
    let verb = words.iter().skip(1).filter_map(|word| word.to_str()).find_map(|word| command.find_subcommand(word));
    verb.map_or((command, name.to_owned()), |verb| (verb, format!("{name} {}", verb.get_name())))
}

fn secret_key(text: &str) -> Result<(String, String), String> {
    match text.split_once('/').unwrap_or((text, crate::manifest::names::PASSWORD_KEY)) {
        ("", _) | (_, "") => Err("it must be NAME or NAME/KEY".into()),
        (name, key) => Ok((name.to_owned(), key.to_owned())),
    }
}

impl Cli {
    /// When to use colours.
    pub fn color(&self) -> Color {
        self.color
    }

    /// Finds the API server.
    ///
    /// # Errors
    /// When there is no usable configuration.
    pub async fn connect(&self, ui: &Ui) -> Result<Context, Error> {
        let server = match self.command.wants_server() {
            Wants::Nothing => Server::nowhere(&self.connection)?,
            wants => match Server::connect(&self.connection, ui.listener()).await {
                Err(_) if wants == Wants::ServerIfThere => Server::nowhere(&self.connection)?,
                connected => connected?,
            },
        };
        let dial = PodDial::new(server.clone());
        Ok(self.context(server, Box::new(dial)))
    }

    /// What the flags make of a server and of the lines to its pods.
    pub fn context(&self, server: Server, dial: Box<dyn Dial>) -> Context {
        let NodeFlags { via, ask_timeout, auth_secret, redis_user, tls, tls_secret } = self.node.clone();
        let tls = (tls || tls_secret.is_some()).then(|| TlsWish { secret: tls_secret, ..TlsWish::default() });
        Context { server, dial, via, ask_timeout, redis_user, auth_secret, tls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn secrets_have_a_key() {
        assert_eq!(secret_key("a").ok(), Some(("a".into(), "password".into())));
        assert_eq!(secret_key("a/b").ok(), Some(("a".into(), "b".into())));
        assert!(secret_key("/b").is_err() && secret_key("a/").is_err());
    }
}
