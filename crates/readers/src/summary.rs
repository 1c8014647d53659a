//! Statistics of numbers, gathered in one pass over rows.

use crate::tables::column::Column;
use rows::{ColumnKind, Dataset, Moments, Result};
use std::collections::BTreeSet;
use std::ops::Range;

/// Different values are counted up to this many.
const MOST_DISTINCT: usize = 1000;
/// Numbers of a column that are looked at for codes and wild ones.
const SAMPLE: usize = 20_000;
/// A column of fewer different values holds codes or counts, of which the first is none for missing.
const VARIED: usize = 15;

/// Statistics of numbers, gathered in one pass.
#[derive(Clone, Default)]
pub(crate) struct Summary {
    moments: Moments,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// Whether all its numbers are whole.
    pub(crate) whole: bool,
    /// Numbers of the column, evenly from all rows.
    sample: Vec<f64>,
    /// How many numbers lie between one of the sample and the next.
    step: usize,
    seen: usize,
    pub(crate) nan: usize,
    /// How many numbers came before the first NaN.
    pub(crate) first_nan: Option<usize>,
    pub(crate) infinite: usize,
    /// Bits of the different numbers, of which at most so many are counted.
    pub(crate) distinct: BTreeSet<u64>,
    most_distinct: usize,
    /// How often each category comes.
    pub(crate) levels: Vec<usize>,
}

impl Summary {
    fn new(most_distinct: usize) -> Self {
        Self { most_distinct, whole: true, step: 1, ..Self::default() }
    }

    /// The value at one end that occurs so often and lies so far from the others, how often, and on
    /// which side.
    pub(crate) fn code(&self, often: usize, apart: f64) -> Option<(f64, usize, &'static str)> {
        let mut sorted = self.sample.clone();
        sorted.sort_by(f64::total_cmp);
        let ends = [(self.min?, "below"), (self.max?, "above")];
        let mut codes = ends.into_iter().filter_map(|(end, side)| {
            let same = sorted.iter().filter(|value| **value == end).count();
            let rest: Vec<f64> = sorted.iter().copied().filter(|value| *value != end).collect();
            let near = if side == "below" { rest.first()? } else { rest.last()? };
            let tenth = rest.len() / 10;
            let tenth = if side == "below" { rest[tenth] } else { rest[rest.len() - 1 - tenth] };
            let middle = rest[rest.len() / 2];
            let gap = (near - end).abs();
            let wide = gap > apart * (tenth - near).abs() && gap > 0.5 * (middle - near).abs();
            // The only value below zero, in numbers that are measured from zero, is a code too.
            let alone = side == "below" && end < 0.0 && *near >= 0.0 && end.fract() == 0.0;
            let times = same * self.step;
            let different = rest.chunk_by(|a, b| a == b).count();
            let enough = same >= often && different >= VARIED && end != 0.0;
            (enough && (wide || alone && gap > 1.0)).then_some((end, times, side))
        });
        codes.next()
    }

    /// Whether one of its numbers is so many times larger than nearly all others.
    pub(crate) fn is_wild(&self, times: f64) -> bool {
        let mut sizes: Vec<f64> = self.sample.iter().map(|value| value.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let most = self.min.unwrap_or(0.0).abs().max(self.max.unwrap_or(0.0).abs());
        let usual = sizes.get(sizes.len() * 9 / 10).copied().unwrap_or(0.0);
        usual > 0.0 && most > times * usual
    }

    /// Whether its numbers are whole, from zero, and more than a few.
    pub(crate) fn counts(&self, few: usize) -> bool {
        self.whole && self.min == Some(0.0) && self.distinct.len() > few
    }

    /// Of everything that is a number; the place of a category is none.
    pub(crate) fn of_numbers(data: &Dataset, columns: &[Column]) -> Result<Self> {
        let numeric: Vec<bool> = (0..data.features())
            .map(|column| {
                !matches!(
                    data.kind(column),
                    ColumnKind::Categorical
                        | ColumnKind::Text
                        | ColumnKind::Date
                        | ColumnKind::Time
                )
            })
            .collect();
        let number = |position: &usize| columns.is_empty() || numeric[position % numeric.len()];
        let mut all = Self::new(0);
        for block in data.blocks() {
            let block = block?;
            (0..block.len()).filter(number).for_each(|position| all.add(block.get(position)));
        }
        Ok(all)
    }

    /// One for each of these columns, in one pass over the rows.
    pub(crate) fn of_columns(data: &Dataset, columns: Range<usize>) -> Result<Vec<Self>> {
        let new = |column: usize| Self {
            levels: data.fields.get(column).map_or(Vec::new(), |field| vec![0; field.levels.len()]),
            ..Self::new(MOST_DISTINCT)
        };
        let mut each: Vec<Self> = columns.clone().map(new).collect();
        for block in data.blocks() {
            let block = block?;
            for row in (columns.start..block.len()).step_by(data.features()) {
                each.iter_mut()
                    .enumerate()
                    .for_each(|(j, summary)| summary.add(block.get(row + j)));
            }
        }
        Ok(each)
    }

    fn add(&mut self, value: f64) {
        self.seen += 1;
        if value.is_nan() {
            self.nan += 1;
            self.first_nan.get_or_insert(self.seen - 1);
            return;
        }
        if value.is_infinite() {
            self.infinite += 1;
            return;
        }
        if let Some(level) = self.levels.get_mut(value.max(0.0) as usize) {
            *level += 1;
        }
        self.whole &= value.fract() == 0.0;
        if self.most_distinct > 0 && self.seen.is_multiple_of(self.step) {
            self.sample.push(value);
            if self.sample.len() > SAMPLE {
                // Every other one, so that the sample stays even.
                let mut at = 0;
                self.sample.retain(|_| {
                    at += 1;
                    at % 2 == 0
                });
                self.step *= 2;
            }
        }
        self.moments.add(value);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        if self.distinct.len() < self.most_distinct {
            // Adding zero makes the two zeros one number.
            self.distinct.insert((value + 0.0).to_bits());
        }
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.moments.count() > 0.0).then_some(self.moments.mean())
    }

    pub(crate) fn sd(&self) -> Option<f64> {
        (self.moments.count() > 0.0).then(|| self.moments.deviation())
    }
}
