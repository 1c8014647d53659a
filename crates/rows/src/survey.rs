//! One look over all numbers of a data set: what is missing, infinite, constant, or only counts.

use crate::error::Result;
use crate::values::Values;
use std::borrow::Cow;

/// Fewer rows may count by chance.
const COUNTING_ROWS: usize = 10;

/// A cell of a data set, by zero-based row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellPosition {
    /// The row.
    pub row: usize,
    /// The column.
    pub column: usize,
}

/// Cells of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cells {
    /// How many.
    pub count: usize,
    /// In how many columns.
    pub columns: usize,
    /// The first of them.
    pub first: Option<CellPosition>,
}

/// What one look over all numbers finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// Cells without a value.
    pub missing: Cells,
    /// Cells with an infinite value.
    pub infinite: Cells,
    /// The columns that hold one and the same number in every row.
    pub constant: Vec<usize>,
    /// The columns whose value goes up by one from each row to the next, from 0 or 1; none of fewer
    /// than ten rows.
    pub counting: Vec<usize>,
}

impl Survey {
    /// Looks over blocks of whole rows of `width` numbers.
    ///
    /// The first error of the blocks.
    pub(crate) fn of<'a>(
        blocks: impl Iterator<Item = Result<Cow<'a, Values>>>,
        width: usize,
    ) -> Result<Self> {
        let mut look = Look::default();
        for block in blocks {
            let done = match &*block? {
                Values::U8(values) => look.whole(values, width),
                Values::F32(values) => look.broken(values, width),
                Values::F64(values) => look.broken(values, width),
            };
            if done {
                break;
            }
        }
        Ok(look.finish())
    }
}

/// What has been seen of the rows so far.
#[derive(Default)]
struct Look {
    rows: usize,
    first: Vec<f64>,
    constant: Vec<usize>,
    counting: Vec<usize>,
    missing: CellCount,
    infinite: CellCount,
}

/// Cells of one kind that have been seen so far.
#[derive(Default)]
struct CellCount {
    cells: Cells,
    columns: Vec<bool>,
}

impl CellCount {
    fn add(&mut self, place: CellPosition, width: usize) {
        self.columns.resize(width, false);
        self.columns[place.column] = true;
        self.cells.count += 1;
        self.cells.first.get_or_insert(place);
    }

    fn finish(self) -> Cells {
        Cells { columns: self.columns.into_iter().filter(|has| *has).count(), ..self.cells }
    }
}

impl Look {
    /// Looks at rows of bytes, none of which can be missing; whether nothing more can be found.
    fn whole(&mut self, values: &[u8], width: usize) -> bool {
        for row in values.chunks_exact(width) {
            self.row(row);
            if self.constant.is_empty() && self.counting.is_empty() {
                return true;
            }
        }
        false
    }

    fn broken<T: Copy + Into<f64>>(&mut self, values: &[T], width: usize) -> bool {
        for row in values.chunks_exact(width) {
            for (column, value) in row.iter().enumerate() {
                let value: f64 = (*value).into();
                if !value.is_finite() {
                    let seen = if value.is_nan() { &mut self.missing } else { &mut self.infinite };
                    seen.add(CellPosition { row: self.rows, column }, width);
                }
            }
            self.row(row);
        }
        false
    }

    /// Compares a row with the first one.
    fn row<T: Copy + Into<f64>>(&mut self, row: &[T]) {
        if self.rows == 0 {
            self.first = row.iter().map(|value| (*value).into()).collect();
            self.constant = (0..row.len()).collect();
            let starts = |column: &usize| [0.0, 1.0].contains(&self.first[*column]);
            self.counting = (0..row.len()).filter(starts).collect();
        } else {
            let (first, up) = (&self.first, self.rows as f64);
            self.constant.retain(|column| row[*column].into() == first[*column]);
            self.counting.retain(|column| row[*column].into() == first[*column] + up);
        }
        self.rows += 1;
    }

    fn finish(self) -> Survey {
        Survey {
            missing: self.missing.finish(),
            infinite: self.infinite.finish(),
            constant: self.constant,
            counting: if self.rows < COUNTING_ROWS { Vec::new() } else { self.counting },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(values: Values, width: usize) -> Survey {
        Survey::of(std::iter::once(Ok(Cow::Owned(values))), width).unwrap()
    }

    #[test]
    fn one_look_finds_what_is_missing_infinite_constant_and_counting() {
        let mut values: Vec<f64> = (0..12).flat_map(|row| [f64::from(row), 7.0, 0.5]).collect();
        values[5] = f64::NAN;
        values[8] = f64::NAN;
        values[20] = f64::INFINITY;
        for values in
            [Values::F32(values.iter().map(|value| *value as f32).collect()), Values::F64(values)]
        {
            let found = survey(values, 3);
            let first = Some(CellPosition { row: 1, column: 2 });
            assert_eq!(found.missing, Cells { count: 2, columns: 1, first });
            let first = Some(CellPosition { row: 6, column: 2 });
            assert_eq!(found.infinite, Cells { count: 1, columns: 1, first });
            assert_eq!((found.constant, found.counting), (vec![1], vec![0]));
        }
    }

    #[test]
    fn bytes_are_surveyed_as_numbers_are() {
        let bytes: Vec<u8> = (0..20).flat_map(|row| [4, row + 1, row % 3]).collect();
        let numbers = Values::F32(bytes.iter().map(|byte| f32::from(*byte)).collect());
        assert_eq!(survey(Values::U8(bytes), 3), survey(numbers, 3));
    }

    #[test]
    fn few_rows_do_not_count_and_a_column_without_any_value_is_not_constant() {
        let found = survey(Values::F64(vec![0.0, f64::NAN, 1.0, f64::NAN]), 2);
        assert_eq!((found.constant.len(), found.counting.len()), (0, 0));
        assert_eq!(found.missing.columns, 1);
    }
}
