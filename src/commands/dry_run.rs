//! `--dry-run`, with kubectl's words.

use crate::k8s::objects::Run;

/// Whether something is really done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DryRun {
    /// It is done.
    None,
    /// Nothing is sent.
    Client,
    /// The server says what would come of it.
    Server,
}

impl DryRun {
    /// What kubectl adds to its messages.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    /// How to send it; none when nothing is sent.
    pub fn run(self) -> Option<Run> {
        match self {
            Self::None => Some(Run::Real),
            Self::Client => None,
            Self::Server => Some(Run::ServerDry),
        }
    }
}
