//! Workflows: what is asked and done, step by step. Knows no terminal.

pub mod apply;
pub mod observe;
pub mod preflight;
pub mod recover;
pub mod remove;
