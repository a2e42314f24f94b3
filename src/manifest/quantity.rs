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

/// The factors of all suffixes of Kubernetes' quantities.
const SUFFIXES: [(&str, f64); 15] = [
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// Any quantity as the API server writes it, in units; none for other text.
pub fn amount(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (_, factor) = SUFFIXES.iter().find(|(name, _)| *name == suffix)?;
    Some(number.parse::<f64>().ok()? * factor)
}

/// Whether both are the same quantity: the API server writes `0.5` as `500m`.
pub fn is_same(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (amount(one), amount(other)) else { return false };
    (one - other).abs() <= one.abs() * 1e-9
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
    fn the_same_in_other_words() {
        assert!(is_same("0.5", "500m") && is_same("1Gi", "1024Mi") && is_same("2", "2000m") && is_same("1k", "1000"));
        assert!(!is_same("1G", "1Gi") && !is_same("a", "a") && !is_same("1", ""));
        assert_eq!(amount("8127568Ki"), Some(8_127_568.0 * 1024.0));
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
