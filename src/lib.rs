//! t
pub mod cluster;
pub mod manifest;
