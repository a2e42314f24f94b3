//! From a spec to Kubernetes objects. Pure: nothing here does I/O.

pub mod advice;
pub mod assembly;
pub mod config;
pub mod difference;
pub mod flags;
pub mod names;
pub mod network;
pub mod object;
pub mod password;
pub mod quantity;
pub mod room;
pub mod settings;
pub mod spec;
pub mod workload;
