//! The terminal: the only module that prints. Standard output carries data only.

pub mod findings;
pub mod forwarding;
pub mod human;
pub mod json;
pub mod list;
pub mod log_lines;
pub mod screen;
pub mod terminal;
pub mod topology;
