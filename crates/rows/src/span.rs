//! Lengths of time as text.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A length of time, as `5min`, `1h`, `30s` or `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    /// Nanoseconds; above zero.
    pub nanos: i64,
}

/// The units of a span, the longest first, but `s`, with which others end.
const UNITS: [(&str, i64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
];

impl Span {
    /// A span of the longest unit that is within a tenth of this one: `1min` for 61.3 seconds.
    #[must_use]
    pub fn rounded(self) -> Self {
        let mut units: Vec<i64> = UNITS.iter().map(|(_, nanos)| *nanos).collect();
        units.sort_unstable_by(|a, b| b.cmp(a));
        let near = |unit: &i64| {
            let whole = (self.nanos + unit / 2) / unit * unit;
            (whole > 0 && (whole - self.nanos).abs() <= self.nanos / 10).then_some(whole)
        };
        Self { nanos: units.iter().find_map(near).unwrap_or(self.nanos) }
    }
}

impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = || {
            Error::setting(
                "span of time",
                format!("{text:?}"),
                "a whole number and d, h, min, s, ms, us or ns, as in 5min",
            )
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wanted)?;
        let unit = UNITS.iter().find(|(unit, _)| *unit == &text[digits..]).ok_or_else(wanted)?;
        let nanos = text[..digits]
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(unit.1))
            .filter(|nanos| *nanos > 0);
        Ok(Self { nanos: nanos.ok_or_else(wanted)? })
    }
}

crate::as_text!(Span);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .filter(|(_, nanos)| self.nanos % nanos == 0)
            .max_by_key(|(_, nanos)| *nanos);
        match unit {
            Some((unit, nanos)) => write!(f, "{}{unit}", self.nanos / nanos),
            None => write!(f, "{}ns", self.nanos),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_as_text() {
        for text in ["5min", "1h", "30s", "2d", "250ms", "7us"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("60min".parse::<Span>().unwrap().to_string(), "1h");
        for text in ["", "5", "min", "0s", "-1h", "1.5h", "5 min", "99999999999999d", "3y"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
