//! One connection to one Redis node.

pub mod connection;
pub mod dial;
pub mod line;
pub mod relay;
pub mod tls;
