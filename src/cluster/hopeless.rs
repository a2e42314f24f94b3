//! What keeps a cluster from forming and cannot pass by itself: an image that its registry does not
//! have, a setting that the server does not know, a password that is none.

use super::snapshot::Member;
use super::surroundings::TroubleKind;
use std::collections::{BTreeMap, BTreeSet};

/// What registries say of an image that they do not have, or not for this user.
const NO_IMAGE: [&str; 8] = [
    "not found",
    "manifest unknown",
    "does not exist",
    "pull access denied",
    "authorization failed",
    "unauthorized",
    "no match for platform",
    "InvalidImageName",
];

/// What servers print before they end when they cannot read their configuration; the last is of Redis
/// 8, for which an unknown setting may be one of a module.
const BAD_SETTINGS: [&str; 3] = [
    "FATAL CONFIG FILE ERROR",
    "Bad directive or wrong number of arguments",
    "Module Configuration detected without loadmodule directive",
];

/// What the start-up script says when it refuses to start, and another start would find the same.
const REFUSALS: [&str; 6] = [
    "the password in the Secret",
    "cannot have a port of its own for its bus",
    "cannot log in with a password that has blanks or quotes",
    "the volume belongs to another node",
    "this image has no redis-",
    "cannot read: use the newer image again",
];

/// What has been seen of each pod since the wait began, by its UID: what failed before may be mended by
/// now, and counts when it fails again.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    restarts: BTreeMap<String, u32>,
    /// Seen without a failed image pull.
    calm: BTreeSet<String>,
}

impl Attempts {
    pub fn note<'a>(&mut self, members: impl Iterator<Item = &'a Member>) {
        for member in members {
            let Some(uid) = &member.pod_uid else { continue };
            self.restarts.entry(uid.clone()).or_insert(member.state.restarts);
            if !lacks_image(member) {
                self.calm.insert(uid.clone());
            }
        }
    }

    /// Whether a pull of the pod's image has failed meanwhile, for a reason that stays.
    pub fn lacks_image(&self, member: &Member) -> bool {
        member.pod_uid.as_ref().is_some_and(|uid| self.calm.contains(uid)) && lacks_image(member)
    }

    /// Whether its container has been started again meanwhile, and ended for a reason that stays.
    pub fn cannot_start(&self, member: &Member, says: &str) -> bool {
        let before = member.pod_uid.as_ref().and_then(|uid| self.restarts.get(uid));
        before.is_some_and(|before| member.state.restarts > *before) && is_final(says)
    }
}

fn lacks_image(member: &Member) -> bool {
    let trouble = member.state.trouble.as_ref().filter(|trouble| trouble.kind == TroubleKind::Image);
    trouble.is_some_and(|trouble| NO_IMAGE.iter().any(|words| trouble.text.contains(words)))
}

/// Whether last log lines are of a start that will always end so.
pub fn is_final(says: &str) -> bool {
    BAD_SETTINGS.iter().chain(&REFUSALS).any(|words| says.contains(words))
}

#[cfg(test)]
mod tests {
    use super::super::surroundings::{PodState, Trouble};
    use super::*;

    fn member(restarts: u32, trouble: Option<(TroubleKind, &str)>) -> Member {
        let trouble = trouble.map(|(kind, text)| Trouble { kind, text: text.into() });
        let state = PodState { restarts, trouble, ..PodState::default() };
        Member { name: "a-node-101".into(), pod_uid: Some("1".into()), state, ..Member::default() }
    }

    fn after(seen: &[&Member]) -> Attempts {
        let mut attempts = Attempts::default();
        seen.iter().for_each(|each| attempts.note(std::iter::once(*each)));
        attempts
    }

    const FATAL: &str = "FATAL CONFIG FILE ERROR (Redis 7.0.15) / >>> 'foo bar'";

    #[test]
    fn an_image_that_its_registry_does_not_have() {
        let pull = |text| member(0, Some((TroubleKind::Image, text)));
        let missing = pull("its container is not running: ErrImagePull: docker.io/library/nope:1: not found");
        let starting = member(0, Some((TroubleKind::Starting, "its pod is pending")));
        assert!(after(&[&starting, &missing]).lacks_image(&missing));
        // Of an earlier try, before which the image may have been pushed.
        assert!(!after(&[&missing]).lacks_image(&missing));
        let back_off = pull("its container is not running: ImagePullBackOff: Back-off pulling image \"nope:1\"");
        assert!(after(&[&missing, &back_off, &missing]).lacks_image(&missing));
        for passing in ["dial tcp: lookup registry-1.docker.io: no such host", "toomanyrequests", "i/o timeout"] {
            assert!(!after(&[&starting]).lacks_image(&pull(passing)), "{passing}");
        }
    }

    #[test]
    fn a_setting_that_the_server_does_not_know() {
        let crashed = |restarts| member(restarts, Some((TroubleKind::CrashLoop, "exit code 1")));
        let attempts = after(&[&crashed(3)]);
        assert!(attempts.cannot_start(&crashed(4), FATAL));
        // Of an earlier start, after which the Secret may have been mended.
        assert!(!attempts.cannot_start(&crashed(3), FATAL));
        assert!(!attempts.cannot_start(&crashed(4), "Can't open the append-only file: Permission denied"));
        assert!(!attempts.cannot_start(&crashed(4), "a Service of this cluster was not there yet"));
        let other = Member { pod_uid: Some("2".into()), ..crashed(4) };
        assert!(!attempts.cannot_start(&other, FATAL), "a new pod");
    }

    #[test]
    fn the_scripts_say_so() {
        let scripts = [include_str!("../manifest/bootstrap.sh"), include_str!("../manifest/ask.sh")].concat();
        for words in REFUSALS {
            assert!(scripts.contains(words), "{words}");
        }
    }
}
