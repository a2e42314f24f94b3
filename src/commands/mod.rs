//! The verbs. To add one: a file beside this one, and three lines here.

pub mod accept_loss;
pub mod check;
pub mod check_proxy_mode;
pub mod choice;
pub mod completion;
pub mod create;
pub mod delete;
pub mod dry_run;
pub mod info;
pub mod list;
pub mod logs;
pub mod options;
pub mod set_gke_proxy_mode;
pub mod target;
pub mod verb;
pub mod version;
pub mod watch;

use verb::Verb;

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

impl Command {
    /// What it is and does.
    pub fn verb(&self) -> &dyn Verb {
        match self {
            Self::Create(args) => &**args,
            Self::Info(args) => args,
            Self::Check(args) => args,
            Self::List(args) => args,
            Self::Logs(args) => &**args,
            Self::Delete(args) => args,
            Self::AcceptLoss(args) => args,
            Self::CheckProxyMode(args) => args,
            Self::SetGkeProxyMode(args) => args,
            Self::Completion(args) => args,
            Self::Options(args) => args,
            Self::Version(args) => args,
        }
    }
}
