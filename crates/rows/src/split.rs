//! Which rows train, which decide when to stop, and which are kept for the final table.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::windows::Windows;

/// Rows that trained nothing which tell enough about others.
const ENOUGH: usize = 1000;
/// Stretches at most into which a series is parted, each of which ends with rows that do not train.
const STRETCHES: usize = 10;
/// How far the end of a stretch may lie from where an even one would, in its length.
const UNEVEN: f64 = 0.3;
/// One row in so many at most is in no set.
const BETWEEN: usize = 4;

/// The fractions of the rows that do not train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// Early stopping and schedules see these.
    pub validation: f64,
    /// Only the final table sees these.
    pub test: f64,
}

/// Row numbers, drawn by seed; no row is in two sets.
///
/// They take eight bytes a row, wherever the rows themselves are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Gradients and scaling see these.
    pub train: Vec<usize>,
    /// Early stopping and schedules see these.
    pub validation: Vec<usize>,
    /// Only the final table sees these.
    pub test: Vec<usize>,
}

impl Split {
    /// Parts the rows of a dataset: by a seed ([`Split::new`]), but windows over a series in time.
    ///
    /// Windows that share points are no strangers to each other. So a series is parted into at most
    /// ten stretches, of which the first part trains, the next decides when to stop, and the last is
    /// kept for the final table. Windows that share points with both what trains and what does not
    /// are in no set: at most a quarter of all, which in very short series leaves some that do.
    ///
    /// An error where fewer than two rows are left to train.
    pub fn of(data: &Dataset, fractions: Fractions, seed: u64) -> Result<Self> {
        match &data.windows {
            None => Self::new(data.rows(), fractions, seed),
            Some(windows) => Self::in_time(windows, fractions, seed),
        }
    }

    fn in_time(windows: &Windows, fractions: Fractions, seed: u64) -> Result<Self> {
        let rows = windows.starts.len();
        let sharing = windows.length.saturating_sub(1) / windows.series.stride.max(1);
        let stretches = rows.checked_div(2 * BETWEEN * sharing).unwrap_or(STRETCHES);
        let stretches = stretches.clamp(1, STRETCHES);
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|row| windows.starts[*row]);
        let (mut train, mut validation, mut test) = (Vec::new(), Vec::new(), Vec::new());
        let ends = ends(rows, stretches, seed);
        for (at, end) in ends.iter().enumerate() {
            let stretch = &order[if at > 0 { ends[at - 1] } else { 0 }..*end];
            let part = |fraction: f64| (stretch.len() as f64 * fraction).round() as usize;
            let left = stretch.len().saturating_sub(part(fractions.test));
            let (before, last) = stretch.split_at(left);
            let left = before.len().saturating_sub(part(fractions.validation));
            let (own, between) = before.split_at(left);
            let across =
                if own.len() < stretch.len() { sharing.min(rows / (2 * BETWEEN)) } else { 0 };
            let from = if at > 0 { across } else { 0 };
            train.extend(own.iter().take(own.len().saturating_sub(across)).skip(from));
            validation.extend(between);
            test.extend(last);
        }
        require_training(train.len(), rows)?;
        // Whoever takes the first of them takes some of the whole series.
        Rng::new(seed).split("split").shuffle(&mut train);
        Ok(Self { train, validation, test })
    }

    /// Draws the sets of so many rows by a seed.
    ///
    /// An error where fewer than two rows are left to train.
    pub fn new(rows: usize, fractions: Fractions, seed: u64) -> Result<Self> {
        let part = |fraction: f64| (rows as f64 * fraction).round() as usize;
        let (validation, test) = (part(fractions.validation), part(fractions.test));
        let train = rows.saturating_sub(validation + test);
        require_training(train, rows)?;
        let mut train = Rng::new(seed).split("split").permutation(rows);
        // In place, because a second list of all rows could be the largest thing in memory.
        let mut others: Vec<usize> = train.drain(..test + validation).collect();
        Ok(Self { train, validation: others.split_off(test), test: others })
    }

    /// Every row trains.
    pub fn all(rows: usize) -> Self {
        Self { train: (0..rows).collect(), validation: Vec::new(), test: Vec::new() }
    }

    /// The split of a member of an ensemble, the first of which is 0: where few rows are left out
    /// of the training, each member leaves out others, so that together they tell more about rows
    /// that trained nothing. Windows of a series, which are parted in time, all leave out the same.
    pub fn of_member(&self, member: usize, data: &Dataset) -> Self {
        let left_out = self.validation.len();
        if left_out >= ENOUGH || member == 0 || data.windows.is_some() {
            return self.clone();
        }
        let mut all: Vec<usize> = self.validation.iter().chain(&self.train).copied().collect();
        let places = all.len();
        all.rotate_left(member * left_out % places.max(1));
        let train = all.split_off(left_out);
        Self { train, validation: all, test: self.test.clone() }
    }
}

/// Where stretches of so many rows end: not evenly, or what does not train could all lie at one time
/// of the day.
fn ends(rows: usize, stretches: usize, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(seed).split("stretches");
    let mut end = |at: usize| {
        let moved = if at < stretches { UNEVEN * (2.0 * f64::from(rng.unit()) - 1.0) } else { 0.0 };
        (rows as f64 * (at as f64 + moved) / stretches as f64).round() as usize
    };
    (1..=stretches).map(&mut end).collect()
}

fn require_training(train: usize, rows: usize) -> Result<()> {
    if train >= 2 {
        return Ok(());
    }
    let wanted = format!(
        "at least 2 of the {rows} rows; give more rows, or smaller fractions for validation and test"
    );
    Err(Error::setting("training rows", train, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Shape;
    use crate::series::Series;
    use crate::values::Values;

    fn windows(rows: usize, length: usize, stride: usize) -> Dataset {
        let points = (rows - 1) * stride + length;
        let values = Values::F32(vec![0.0; rows * length]);
        let mut data =
            Dataset::new("series", Shape::Series { length, channels: 1 }, values).unwrap();
        data.windows = Some(Windows {
            stamps: (0..points).map(|at| at.to_string()).collect(),
            groups: None,
            labels: None,
            starts: (0..rows).map(|row| row * stride).collect(),
            length,
            series: Series { stride, ..Series::of(length) },
        });
        data
    }

    const TENTHS: Fractions = Fractions { validation: 0.1, test: 0.1 };

    #[test]
    fn no_window_that_trains_shares_a_point_with_one_that_does_not() {
        for (rows, length, stride) in [(2000, 48, 1), (2000, 48, 12), (500, 8, 8), (700, 30, 7)] {
            let split = Split::of(&windows(rows, length, stride), TENTHS, 1).unwrap();
            let sets = [&split.train, &split.validation, &split.test];
            for a in &split.train {
                let apart = |b: &usize| a.abs_diff(*b) * stride >= length;
                assert!(sets[1..].iter().all(|set| set.iter().all(apart)), "{rows} {length}: {a}");
            }
            for held_out in &sets[1..] {
                let part = held_out.len() as f64 / rows as f64;
                assert!((0.09..0.11).contains(&part), "{rows} {length} {stride}: {part}");
            }
            assert!(split.train.len() * 2 >= rows, "{} of {rows}", split.train.len());
        }
    }

    #[test]
    fn a_short_series_keeps_windows_to_train_on() {
        let split = Split::of(&windows(60, 48, 1), TENTHS, 1).unwrap();
        assert!(split.train.len() >= 30 && split.validation.len() == 6, "{split:?}");
        assert!(Split::of(&windows(2, 48, 1), TENTHS, 1).is_ok());
        assert!(Split::of(&windows(1, 48, 1), TENTHS, 1).is_err());
        let all = Fractions { validation: 0.9, test: 0.9 };
        assert!(Split::of(&windows(60, 48, 1), all, 1).is_err());
    }

    #[test]
    fn without_sets_beside_it_every_window_trains() {
        let none = Fractions { validation: 0.0, test: 0.0 };
        let mut train = Split::of(&windows(300, 5, 1), none, 1).unwrap().train;
        train.sort_unstable();
        assert_eq!(train, (0..300).collect::<Vec<_>>());
    }
}
