//! What forwards Services on a worker, in which mode, and how kube-proxy's mode is
//! changed. Pure: reads objects, decides, edits text.
//!
//! Reference: <https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-modes>.

pub mod evidence;
pub mod forwarder;
pub mod helper;
pub mod measure;
pub mod mode;
pub mod probe;
pub mod provider;
pub mod static_pod;
pub mod suitability;
