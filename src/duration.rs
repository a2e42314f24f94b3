//! Durations as Go and kubectl write them: `300ms`, `1h30m`, `0`.

use std::time::Duration;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a duration such as 30s, 5m or 1h30m")]
pub struct BadDuration(pub String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding \
     time unit (e.g. 1s | 2m | 3h)"
)]
pub struct BadTimeout;

const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// # Errors
/// For text that is not a duration; a number without a unit is one only if it is 0.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration(text.to_owned());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        total += number.parse::<f64>().map_err(|_| bad())? * factor;
        rest = tail;
    }
    if text.is_empty() { Err(bad()) } else { Duration::try_from_secs_f64(total).map_err(|_| bad()) }
}

/// kubectl's request timeouts: a duration, or a whole number of seconds.
///
/// # Errors
/// In kubectl's words.
pub fn parse_timeout(text: &str) -> Result<Duration, BadTimeout> {
    text.parse().map(Duration::from_secs).or_else(|_| parse(text)).map_err(|_| BadTimeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        let millis = |text| parse(text).map(|duration| duration.as_millis()).ok();
        assert_eq!(millis("5s"), Some(5000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("1.5s"), Some(1500));
        assert_eq!(millis("300ms"), Some(300));
        assert_eq!(millis("0"), Some(0));
        for text in ["", "5", "s", "-1s", "1 s", "5x", "1..5s"] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert_eq!(parse_timeout("5").ok(), Some(Duration::from_secs(5)));
        assert_eq!(parse_timeout("2m").ok(), Some(Duration::from_secs(120)));
    }
}
