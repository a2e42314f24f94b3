//! The plugin on a real Kubernetes with real Redis, through kubectl, as a user has it.
//!
//! Every test has a namespace of its own and leaves nothing behind. Without a
//! Kubernetes they fail and say how to bring one up.

#![expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a failed test shows what it saw")]

mod check;
mod hints;
mod kubeconfigs;
mod lifecycle;
mod logs;
mod loss;
mod minimal_rights;
mod original;
mod others;
mod refusals;
mod rights;
mod scripts;
mod security;
mod shells;
mod versions;
