//! `--dry-run`, as in kubectl.

use crate::k8s::objects::Run;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DryRun {
    /// Changes are applied
    None,
    /// Nothing is sent to the server
    Client,
    /// The server validates without applying
    Server,
}

impl DryRun {
    /// The suffix of kubectl's messages.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    /// None if nothing is sent.
    pub fn run(self) -> Option<Run> {
        match self {
            Self::None => Some(Run::Real),
            Self::Client => None,
            Self::Server => Some(Run::ServerDry),
        }
    }
}
