//! What the test programs share.
//!
//! ```text
//! patience    waits: a deadline, what was waited for, and how near it came
//! process     programs: run, fed, in the background; what they printed
//! plugin      kubectl and the plugin that was just built, on the Kubernetes at hand
//! namespace   a namespace of its own for a test, and the commands in it
//! throwaway   the throwaway Kubernetes, which may be hurt
//! workers     those of the Kubernetes at hand, whatever they are called
//! aof         what a slow disk has not taken
//! replies     what redis-cli prints
//! ```

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]

pub mod aof;
pub mod namespace;
pub mod patience;
pub mod plugin;
pub mod process;
pub mod replies;
pub mod throwaway;
pub mod workers;

pub use namespace::Namespace;
pub use patience::{until, wait};
pub use plugin::{patient, plugin_linked, program, variables};
pub use process::{Background, Said, feed, interrupt, run};
pub use replies::all_answered;
