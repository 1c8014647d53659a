//! The even steps in which time stamps follow each other.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rows::Span;

/// Nanoseconds of a day.
const DAY: i128 = 86_400 * 1_000_000_000;
const EPOCH: Date = date(1970, 1, 1);

/// The even steps in which time stamps follow each other.
pub(crate) enum Grid {
    /// Of so many nanoseconds.
    Even(i128),
    /// Of so many months, on one day of the month at one time of day; in shorter months on their
    /// last day.
    Months {
        step: i128,
        day: i8,
        /// Nanoseconds since midnight.
        clock: i128,
    },
}

/// A time stamp that is not on the grid.
pub(crate) struct Odd {
    pub(crate) time: i128,
    /// How long it comes after the one before.
    pub(crate) step: Span,
}

impl Grid {
    /// The grid of most points, each list of which ascends; none where no point follows another.
    /// `stamped` where the times are dates.
    pub(crate) fn of(times: &[Vec<i128>], resample: Option<Span>, stamped: bool) -> Option<Self> {
        if let Some(span) = resample {
            return Some(Self::Even(i128::from(span.nanos)));
        }
        let even = Self::Even(usual(&steps(times))?);
        if !stamped || even.distances(times).is_ok() {
            return Some(even);
        }
        Some(Self::months(times).unwrap_or(even))
    }

    /// The grid of months, where all points lie on one.
    fn months(times: &[Vec<i128>]) -> Option<Self> {
        let all = || times.iter().flatten();
        let dates = all().map(|time| civil(*time)).collect::<Option<Vec<Date>>>()?;
        let clock = all().next()?.rem_euclid(DAY);
        let day = dates.iter().map(|date| date.day()).max()?;
        let fits = |date: &Date| date.day() == day.min(date.days_in_month());
        if !all().all(|time| time.rem_euclid(DAY) == clock) || !dates.iter().all(fits) {
            return None;
        }
        let numbers: Vec<Vec<i128>> =
            times.iter().map(|times| times.iter().map(|time| month(*time)).collect()).collect();
        let grid = Self::Months { step: usual(&steps(&numbers))?, day, clock };
        grid.distances(times).is_ok().then_some(grid)
    }

    /// How many steps each point comes after the one before it in its list, 0 for the first; an error
    /// for the first that is not on the grid.
    pub(crate) fn distances(&self, times: &[Vec<i128>]) -> Result<Vec<i128>, Odd> {
        let mut distances = Vec::new();
        for times in times {
            distances.push(0);
            for pair in times.windows(2) {
                let (distance, step) = match self {
                    Self::Even(step) => (pair[1] - pair[0], step),
                    Self::Months { step, .. } => (month(pair[1]) - month(pair[0]), step),
                };
                if distance % step != 0 {
                    let nanos = i64::try_from(pair[1] - pair[0]).unwrap_or(i64::MAX);
                    return Err(Odd { time: pair[1], step: Span { nanos } });
                }
                distances.push(distance / step);
            }
            distances.truncate(distances.len() - usize::from(times.is_empty()));
        }
        Ok(distances)
    }

    /// The time so many steps after another.
    pub(crate) fn after(&self, time: i128, steps: i128) -> i128 {
        match self {
            Self::Even(step) => time + steps * step,
            Self::Months { step, day, clock } => {
                let number = month(time) + steps * step;
                let first = i16::try_from(number.div_euclid(12))
                    .ok()
                    .zip(i8::try_from(number.rem_euclid(12) + 1).ok())
                    .and_then(|(year, month)| Date::new(year, month, 1).ok());
                // Between two dates lie dates.
                let Some(first) = first else { return time };
                let day = i128::from(*day.min(&first.days_in_month()));
                let days = first.since(EPOCH).map_or(0, |span| span.get_days());
                (i128::from(days) + day - 1) * DAY + clock
            }
        }
    }

    /// The length of a step; of a month its mean.
    pub(crate) fn usual(&self) -> Span {
        let nanos = match self {
            Self::Even(step) => *step,
            Self::Months { step, .. } => step * 30 * DAY,
        };
        Span { nanos: i64::try_from(nanos).unwrap_or(i64::MAX) }
    }
}

/// The day of a time in nanoseconds since 1970; none beyond the years that anybody means.
fn civil(time: i128) -> Option<Date> {
    let days = i32::try_from(time.div_euclid(DAY)).ok()?;
    EPOCH.checked_add(days.checked_abs().map(|_| days)?.days()).ok()
}

/// The number of a time's month, from that of the year 0.
fn month(time: i128) -> i128 {
    civil(time).map_or(0, |date| i128::from(date.year()) * 12 + i128::from(date.month()) - 1)
}

fn steps(times: &[Vec<i128>]) -> Vec<i128> {
    times.iter().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0])).collect()
}

/// The step that most points keep, or the one in the middle where nearly all differ.
fn usual(steps: &[i128]) -> Option<i128> {
    let mut sorted = steps.to_vec();
    sorted.sort_unstable();
    let most = sorted.chunk_by(|a, b| a == b).max_by_key(|same| same.len())?;
    let jitters = sorted.len() >= 10 && most.len() * 10 < sorted.len();
    Some(if jitters { sorted[sorted.len() / 2] } else { most[0] })
}
