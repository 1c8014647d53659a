//! What comes back again in time: days, weeks and years.

use crate::error::{Error, Result};
use crate::schema::{ColumnKind, Field};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Nanoseconds of a day.
const DAY: f64 = 86_400e9;
/// Turns from which a model learns what belongs to which place in a cycle: after four weeks every
/// moment of the week has been seen four times, which are learned by heart.
const TURNS: f64 = 6.0;
/// 1 January 1970 was a Thursday.
const WEEKDAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The day of a year, on the average, on which each month begins.
const MONTH_STARTS: [f64; 12] =
    [0.0, 31.0, 59.24, 90.24, 120.24, 151.24, 181.24, 212.24, 243.24, 273.24, 304.24, 334.24];

/// What dates and points in time may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cycle {
    /// The time of day.
    Day,
    /// The day of the week.
    Week,
    /// The time of year.
    Year,
}

impl Cycle {
    /// Every cycle, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Year];

    /// Its length in days.
    pub fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Year => 365.2425,
        }
    }

    /// Its word on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Year => "year",
        }
    }

    /// What a place in it is called.
    pub fn what(self) -> &'static str {
        match self {
            Self::Day => "time of day",
            Self::Week => "day of week",
            Self::Year => "time of year",
        }
    }

    /// Whether points in time over so many days go through it often enough to learn what belongs to
    /// which place in it.
    pub fn is_learned_in(self, days: f64) -> bool {
        days >= TURNS * self.days()
    }

    /// Whether dates over so many days go through it more than twice.
    pub fn comes_back_in(self, days: f64) -> bool {
        days > 2.0 * self.days()
    }

    /// Sine and cosine of the phase at a time in nanoseconds since 1970.
    pub fn phase(self, nanos: i128) -> [f64; 2] {
        let (sine, cosine) = (TAU * (nanos as f64 / DAY / self.days())).sin_cos();
        [sine, cosine]
    }

    /// The number in a column of [`Cycle::field`] that sine and cosine of a phase, of any length,
    /// stand for: the part of a day, the place of a weekday or of a month.
    pub fn place(self, [sine, cosine]: [f64; 2]) -> f64 {
        let part = (sine.atan2(cosine) / TAU).rem_euclid(1.0);
        match self {
            Self::Day => part,
            // Single precision may put midnight on the day before.
            Self::Week => (part * 7.0 + 1e-3).floor() % 7.0,
            Self::Year => {
                // Years are not all as long: the first of a month may lie a day before its mean.
                let day = (part * self.days() + 0.75) % self.days();
                MONTH_STARTS.iter().filter(|start| **start <= day).count().saturating_sub(1) as f64
            }
        }
    }

    /// How a place in it is shown.
    pub fn field(self) -> Field {
        let levels = |names: &[&str]| Field {
            kind: ColumnKind::Categorical,
            levels: Arc::new(names.iter().map(|name| (*name).to_owned()).collect()),
        };
        match self {
            Self::Day => Field::of(ColumnKind::Time),
            Self::Week => levels(&WEEKDAYS),
            Self::Year => levels(&MONTHS),
        }
    }
}

/// Several cycles, as `day,week`, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cycles(pub Vec<Cycle>);

impl FromStr for Cycles {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::default());
        }
        let known = |name: &str| Cycle::ALL.into_iter().find(|cycle| cycle.name() == name.trim());
        let wanted =
            || Error::setting("calendar", text, "day, week, year, several as in day,week, or none");
        let mut cycles = text
            .split(',')
            .map(|name| known(name).ok_or_else(wanted))
            .collect::<Result<Vec<_>>>()?;
        cycles.sort_by_key(|cycle| *cycle as usize);
        cycles.dedup();
        Ok(Self(cycles))
    }
}

crate::as_text!(Cycles);

impl fmt::Display for Cycles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<&str> = self.0.iter().map(|cycle| cycle.name()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_read_and_written_as_text() {
        for text in ["none", "day", "week,year", "day,week,year"] {
            assert_eq!(text.parse::<Cycles>().unwrap().to_string(), text);
        }
        assert_eq!("week, day,day".parse::<Cycles>().unwrap().to_string(), "day,week");
        for text in ["", "month", "day,"] {
            assert!(text.parse::<Cycles>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_phase_leads_back_to_its_place() {
        // 2024-07-03 18:00, a Wednesday.
        let nanos = 1_720_029_600 * 1_000_000_000;
        let text = |cycle: Cycle| cycle.field().text(cycle.place(cycle.phase(nanos)));
        assert_eq!(Cycle::ALL.map(text), ["18:00", "Wednesday", "July"]);
        // The length of a phase says nothing.
        let [sine, cosine] = Cycle::Week.phase(nanos);
        assert_eq!(Cycle::Week.place([9.0 * sine, 9.0 * cosine]), 6.0);
        assert_eq!(Cycle::Year.place([f64::NAN, 0.0]), 0.0);
        // Midnight belongs to the day that begins, also in single precision, and the first to its
        // month.
        let place = |cycle: Cycle, day: i128| {
            let wave = cycle.phase(day * 86_400 * 1_000_000_000).map(|wave| f64::from(wave as f32));
            cycle.field().text(cycle.place(wave))
        };
        // 2012-01-17, a Tuesday, and the days before and behind; 2000-01-01; 2023-03-01.
        let days = [15_355, 15_356, 15_357].map(|day| place(Cycle::Week, day));
        assert_eq!(days, ["Monday", "Tuesday", "Wednesday"]);
        assert_eq!([10_957, 19_417].map(|day| place(Cycle::Year, day)), ["January", "March"]);
    }
}
