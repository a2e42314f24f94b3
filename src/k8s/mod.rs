//! Everything that uses the API server.

pub mod ahead;
pub mod client;
pub mod dial;
pub mod exec;
pub mod flags;
pub mod kubeconfig;
pub mod kubelets;
pub mod last_lines;
pub mod live_values;
pub mod log_order;
pub mod log_source;
mod log_stream;
pub mod logs;
pub mod loopback;
pub mod members;
pub mod node_pods;
pub mod objects;
pub mod pod_state;
pub mod retries;
pub mod server_container;
pub mod surroundings;
pub mod traffic;
pub mod wait;
pub mod workers;
