//! The verbs. To add one: a file beside this one, and three lines here.

pub mod accept_loss;
pub mod check;
pub mod check_proxy_mode;
pub mod completion;
pub mod create;
pub mod delete;
pub mod info;
pub mod list;
pub mod logs;
pub mod options;
pub mod set_gke_proxy_mode;
pub mod target;
pub mod version;
pub mod watch;

use crate::context::Context;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::ui::terminal::Ui;

/// What to do.
#[expect(missing_docs, reason = "each verb's help is at its arguments")]
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Create(Box<create::Args>),
    Info(info::Args),
    Check(check::Args),
    List(list::Args),
    Logs(Box<logs::Args>),
    Delete(delete::Args),
    AcceptLoss(accept_loss::Args),
    CheckProxyMode(check_proxy_mode::Args),
    SetGkeProxyMode(set_gke_proxy_mode::Args),
    Completion(completion::Args),
    Options(options::Args),
    Version(version::Args),
}

/// What a command wants of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// It cannot do without.
    Server,
    /// It does less without.
    ServerIfThere,
    /// Not even a look at the kubeconfig.
    Nothing,
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Whatever the verb says went wrong.
    pub async fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome, Error> {
        let done = match self {
            Self::Check(args) => return check::run(context, args, ui).await,
            Self::CheckProxyMode(args) => return check_proxy_mode::run(context, args, ui).await,
            Self::Create(args) => create::run(context, *args, ui).await,
            Self::Info(args) => info::run(context, args, ui).await,
            Self::List(args) => list::run(context, args, ui).await,
            Self::Logs(args) => logs::run(context, *args, ui).await,
            Self::Delete(args) => delete::run(context, args, ui).await,
            Self::AcceptLoss(args) => accept_loss::run(context, args, ui).await,
            Self::SetGkeProxyMode(args) => set_gke_proxy_mode::run(context, args, ui).await,
            Self::Completion(args) => completion::run(&args, ui),
            Self::Options(args) => options::run(&args, ui),
            Self::Version(args) => version::run(context, args, ui).await,
        };
        done.map(|()| Outcome::Done)
    }

    /// Whether it answers a question, with an exit status of three.
    pub fn judges(&self) -> bool {
        matches!(self, Self::Check(_) | Self::CheckProxyMode(_))
    }

    /// Whether it ends by itself after Ctrl-C, since it has something to put away.
    pub fn cleans_up(&self) -> bool {
        matches!(self, Self::CheckProxyMode(_) | Self::SetGkeProxyMode(_))
    }

    /// What it wants of the API server.
    pub fn wants_server(&self) -> Wants {
        match self {
            Self::Create(args) if args.is_client_dry_run() => Wants::ServerIfThere,
            Self::Version(args) if args.is_client_only() => Wants::Nothing,
            Self::Version(_) => Wants::ServerIfThere,
            Self::Completion(_) | Self::Options(_) => Wants::Nothing,
            _ => Wants::Server,
        }
    }

    /// What to do when Ctrl-C ended it in the middle.
    pub fn after_interrupt(&self) -> Vec<String> {
        match self {
            Self::Create(args) => create::going_on(&args.name),
            Self::Delete(args) => delete::going_on(&args.name),
            Self::AcceptLoss(_) => accept_loss::going_on(),
            _ => Vec::new(),
        }
    }
}
