//! kube-proxy's modes and what each means for Redis Cluster.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Through the kube-proxy process; servers see the worker's address as the source
    Userspace,
    /// With iptables rules
    Iptables,
    /// With the kernel's load balancer
    Ipvs,
    /// With nftables rules
    Nftables,
    /// With the Virtual Filtering Platform of Windows
    Kernelspace,
}

impl Mode {
    /// The value of `--proxy-mode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Userspace => "userspace",
            Self::Iptables => "iptables",
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
            Self::Kernelspace => "kernelspace",
        }
    }

    /// Whether a server sees the real source IP of a connection from another pod; none if that
    /// depends on more than the mode.
    pub fn keeps_source(self) -> Option<bool> {
        match self {
            Self::Userspace => Some(false),
            Self::Iptables | Self::Ipvs | Self::Nftables => Some(true),
            Self::Kernelspace => None,
        }
    }

    /// Why kube-proxy of this version cannot run in this mode on Linux.
    pub fn refusal(self, version: Version) -> Option<&'static str> {
        match self {
            Self::Userspace if version >= Version(1, 26) => Some("the userspace mode was removed in 1.26"),
            Self::Ipvs if version < Version(1, 9) => Some("the ipvs mode was added in 1.9"),
            Self::Nftables if version < Version(1, 31) => Some("the nftables mode is enabled by default since 1.31"),
            Self::Kernelspace => Some("the kernelspace mode is for Windows"),
            _ => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a kube-proxy mode")]
pub struct BadMode(String);

impl std::str::FromStr for Mode {
    type Err = BadMode;

    fn from_str(text: &str) -> Result<Self, BadMode> {
        let all = [Self::Userspace, Self::Iptables, Self::Ipvs, Self::Nftables, Self::Kernelspace];
        all.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| BadMode(text.to_owned()))
    }
}

/// Major and minor version of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// Parses `v1.20.2`, `v1.31.4-gke.1183000`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix('v')?.split('.');
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(Version::parse("v1.31.4-gke.1183000"), Some(Version(1, 31)));
        assert_eq!(Version::parse("v1.20.2"), Some(Version(1, 20)));
        assert_eq!(Version::parse(""), None);
        assert!(Version(1, 9) < Version(1, 20));
    }

    #[test]
    fn modes_that_a_version_does_not_know() {
        let known = |mode: Mode, minor| mode.refusal(Version(1, minor)).is_none();
        assert!(known(Mode::Userspace, 25) && !known(Mode::Userspace, 26));
        assert!(known(Mode::Iptables, 2) && known(Mode::Iptables, 40));
        assert!(!known(Mode::Ipvs, 8) && known(Mode::Ipvs, 9));
        assert!(!known(Mode::Nftables, 30) && known(Mode::Nftables, 31));
        assert!(!known(Mode::Kernelspace, 30));
    }
}
