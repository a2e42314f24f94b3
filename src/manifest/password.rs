//! Which passwords the pods' environment, redis.conf and every client can carry.

use super::spec::{Entrypoint, Image};

/// Redis' own limit until 6.0 (CONFIG_AUTHPASS_MAX_LEN).
const LONGEST: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// `requirepass ""` admits everybody.
    #[error("is empty: the server would let everybody in")]
    Empty,
    /// What `echo` adds: redis.conf loses it, and clients send it.
    #[error("ends with a line break, which is no part of it for redis.conf, but is for clients")]
    LineEnd,
    #[error("contains {0}, which the server's configuration cannot carry")]
    Control(&'static str),
    #[error("has {0} bytes: servers accept at most {LONGEST}")]
    TooLong(usize),
    /// They send `AUTH` without quotes.
    #[error("contains blanks or quotes, with which replicas before Redis 4.0 cannot log in")]
    Unquoted,
    /// The original's reads each line with `eval echo`.
    #[error("contains characters that the image's own entry point, a shell, reads as something else")]
    Eval,
}

/// Whether all nodes and all clients would use the same password.
///
/// # Errors
/// Why not, as the rest of a sentence about the password.
pub fn check(password: &[u8], image: &Image) -> Result<(), BadPassword> {
    let Ok(text) = std::str::from_utf8(password) else { return Err(BadPassword::Control("bytes that are not text")) };
    if text.is_empty() {
        Err(BadPassword::Empty)
    } else if text.ends_with(['\n', '\r']) {
        Err(BadPassword::LineEnd)
    } else if text.contains(['\n', '\r']) {
        Err(BadPassword::Control("a line break"))
    } else if text.contains('\0') {
        Err(BadPassword::Control("a zero byte"))
    } else if text.len() > LONGEST {
        Err(BadPassword::TooLong(text.len()))
    } else if image.major().is_some_and(|major| major < 4) && text.contains(is_special_inline) {
        Err(BadPassword::Unquoted)
    } else if image.entrypoint == Entrypoint::Image && !text.bytes().all(is_plain) {
        Err(BadPassword::Eval)
    } else {
        Ok(())
    }
}

fn is_special_inline(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\x0b' || letter == '"' || letter == '\''
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.,:/@%+=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, entrypoint: Entrypoint) -> Image {
        Image { name: name.into(), pull_secret: None, entrypoint }
    }

    fn of(password: &[u8]) -> Result<(), BadPassword> {
        check(password, &image("redis:8.0", Entrypoint::Bootstrap))
    }

    #[test]
    fn what_is_no_password() {
        assert_eq!(of(b""), Err(BadPassword::Empty));
        assert_eq!(of(b"secret\n"), Err(BadPassword::LineEnd));
        assert_eq!(of(b"secret\r\n"), Err(BadPassword::LineEnd));
        assert_eq!(of(b"\n"), Err(BadPassword::LineEnd));
        assert_eq!(of(b"a\nb"), Err(BadPassword::Control("a line break")));
        assert_eq!(of(b"a\0b"), Err(BadPassword::Control("a zero byte")));
        assert_eq!(of(b"\xff"), Err(BadPassword::Control("bytes that are not text")));
        assert_eq!(of(&[b'a'; 513]), Err(BadPassword::TooLong(513)));
    }

    /// What looks like trouble and is none.
    #[test]
    fn what_is_one() {
        for password in ["x", " x ", "p\"a\\s' $w#%", "pässwörd", "a\tb"] {
            assert_eq!(of(password.as_bytes()), Ok(()), "{password:?}");
        }
        assert_eq!(of(&[b'a'; 512]), Ok(()));
    }

    #[test]
    fn what_only_some_servers_can_use() {
        let old = |password: &[u8]| check(password, &image("redis:3.2", Entrypoint::Bootstrap));
        assert_eq!(
            (old(b"a b"), old(b"a'b"), old(b"a$b")),
            (Err(BadPassword::Unquoted), Err(BadPassword::Unquoted), Ok(()))
        );
        let original = |password: &[u8]| check(password, &image("balon/docker-redis:8", Entrypoint::Image));
        assert_eq!((original(b"a$b"), original(b"a-b=")), (Err(BadPassword::Eval), Ok(())));
    }
}
