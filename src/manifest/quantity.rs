//! Kubernetes' quantities of bytes (`256Mi`) and CPU (`500m`), without exponents.

use std::fmt;

/// Keeps the text as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    text: String,
    bytes: u64,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a size such as 256Mi or 1Gi")]
pub struct BadSize(pub String);

const UNITS: [(&str, u64); 9] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("", 1),
];

impl std::str::FromStr for Size {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let bytes = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .and_then(|(_, factor)| number.parse::<u64>().ok()?.checked_mul(*factor))
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| BadSize(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), bytes })
    }
}

impl Size {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be CPUs such as 2 or 0.5, or millicores such as 500m")]
pub struct BadCpu;

/// CPU units: `2`, `0.5`, `500m`.
///
/// # Errors
/// For any other text.
pub fn cpu(text: &str) -> Result<String, BadCpu> {
    let number = text.strip_suffix('m').unwrap_or(text);
    match number.parse::<f64>() {
        Ok(amount) if amount > 0.0 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Ok(text.into())
        }
        _ => Err(BadCpu),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors() {
        assert!(["2", "0.5", "500m"].into_iter().all(|text| cpu(text).is_ok()));
        assert!(["", "m", "0", "-1", "1e3", "inf", "2 cores"].into_iter().all(|text| cpu(text).is_err()));
    }

    #[test]
    fn sizes() {
        let bytes = |text: &str| text.parse::<Size>().map(|size| size.bytes()).ok();
        assert_eq!(bytes("256Mi"), Some(268_435_456));
        assert_eq!(bytes("1G"), Some(1_000_000_000));
        assert_eq!(bytes("4096"), Some(4096));
        for text in ["", "Mi", "0", "0Gi", "1.5Gi", "-1Gi", "1gb", "99999999999Ti"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
