//! The Redis Cluster domain: pure values and decisions.
//!
//! Nothing here uses Kubernetes' client, sockets or the terminal; time and the text of replies come
//! in as arguments.

pub mod commands;
pub mod election;
pub mod finding;
pub mod formation;
pub mod health;
pub mod hopeless;
pub mod identity;
pub mod loss;
pub mod membership;
pub mod node;
pub mod nodes_conf;
pub mod reply;
pub mod shape;
pub mod slots;
pub mod snapshot;
pub mod surroundings;
pub mod topology;
