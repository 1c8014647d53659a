//! Windows over a series: which points each holds, and back from windows to points.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a table of points becomes windows; a model keeps it, so that other rows are read the same
/// way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Points in a window.
    pub window: usize,
    /// Points from the start of a window to that of the next.
    pub stride: usize,
    /// The column of time stamps; the only one that holds dates where none is named.
    pub time: Option<String>,
    /// Points are averaged over spans of this length.
    pub resample: Option<Span>,
    /// What becomes of points of one time; none refuses them.
    pub duplicates: Option<Duplicates>,
    /// What becomes of missing points; none refuses them.
    pub gaps: Option<Gaps>,
}

/// Points of one time become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Their mean.
    Mean,
    /// The first of them.
    First,
    /// The last of them.
    Last,
}

impl Duplicates {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Mean, Self::First, Self::Last];

    /// Its word on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

impl Gaps {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Split, Self::Fill];

    /// Its word on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Fill => "fill",
        }
    }
}

/// Where points are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// A window ends there, and the next begins behind it.
    Split,
    /// They are put in, on a straight line.
    Fill,
}

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

/// The points of a series, and which of them each row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Each point's time, as it is written.
    pub stamps: Vec<String>,
    /// The first point of each row.
    pub starts: Vec<usize>,
    /// Points in a row.
    pub length: usize,
    /// How they were cut.
    pub series: Series,
}

impl Windows {
    /// For each point the mean of what its windows have there; none for a point that no window
    /// holds.
    ///
    /// `of` gives the number of a window at a place in it.
    pub fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0usize); self.stamps.len()];
        for (window, start) in self.starts.iter().enumerate() {
            for place in 0..self.length {
                let sum = &mut sums[start + place];
                *sum = (sum.0 + of(window, place), sum.1 + 1);
            }
        }
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / count as f64)).collect()
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

    #[test]
    fn a_point_has_the_mean_of_its_windows() {
        let series = Series {
            window: 3,
            stride: 2,
            time: None,
            resample: None,
            duplicates: None,
            gaps: None,
        };
        let windows = Windows {
            stamps: (0..7).map(|at| at.to_string()).collect(),
            starts: vec![0, 2],
            length: 3,
            series,
        };
        let means = windows.mean(|window, place| (10 * window + place) as f64);
        assert_eq!(means, [Some(0.0), Some(1.0), Some(6.0), Some(11.0), Some(12.0), None, None]);
    }
}
