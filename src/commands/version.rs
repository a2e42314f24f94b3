//! `version`: of this program, and of the API server where there is one.

use super::verb::{Invocation, Running, Verb, Wants, done};
use crate::context::Context;
use crate::error::Error;
use crate::k8s::client::platform;
use crate::ui::json::Form;
use crate::ui::terminal::Ui;
use serde_json::{Value, json};

/// Show the versions of the plugin and the API server
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster version\n  kubectl redis-cluster version --client -o json")]
pub struct Args {
    /// Show only the plugin's version
    #[arg(long)]
    client: bool,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Form>,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn wants_server(&self) -> Wants {
        if self.client { Wants::Nothing } else { Wants::ServerIfThere }
    }
}

/// # Errors
/// If the API server does not respond; the client version is printed before that.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let server = match args.client {
        true => None,
        false => Some(context.server.answer("its version", context.server.client().apiserver_version()).await),
    };
    let (server, failure) = match server.transpose() {
        Ok(server) => (server, None),
        Err(error) => (None, Some(error)),
    };
    let server = server.map(|version| version.git_version);
    let client = json!({
        "version": format!("v{}", env!("CARGO_PKG_VERSION")),
        "platform": platform(),
    });
    ui.line(&text(&client, server.as_deref(), args.output))?;
    failure.map_or(Ok(()), Err)
}

fn text(client: &Value, server: Option<&str>, output: Option<Form>) -> String {
    let mut versions = json!({ "clientVersion": client });
    if let Some(server) = server {
        versions["serverVersion"] = json!({ "gitVersion": server });
    }
    match output {
        Some(form) => form.text(&versions),
        None => {
            let client = format!("Client Version: {}", client["version"].as_str().unwrap_or_default());
            server.map_or(client.clone(), |server| format!("{client}\nServer Version: {server}"))
        }
    }
}
