//! Workflows that combine k8s, node and cluster. Nothing here uses the terminal.

pub mod access;
pub mod apply;
pub mod ask;
pub mod existing;
pub mod forming;
pub mod forwarding;
pub mod observe;
pub mod password;
pub mod preflight;
pub mod probes;
pub mod questions;
pub mod recover;
pub mod relay;
pub mod remove;
pub mod rights;
pub mod sources;
pub mod switch;
pub mod tell;
