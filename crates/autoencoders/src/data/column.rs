//! What a column of a table holds, and why some columns are refused.

use super::cell::{Cell, has_decimal_comma};
use super::{Dataset, Values};
use crate::error::{Error, Result};
use crate::schema::Shape;
use serde::Serialize;

/// What most cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers.
    Numeric,
    /// `true` and `false`, read as 1 and 0.
    Boolean,
    /// Text.
    Text,
    /// Dates, times or both.
    DateTime,
    /// No value in any row.
    Empty,
}

/// How many cells were of one sort, and the first of them: zero-based row and text.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) count: usize,
    pub(super) first: Option<(usize, String)>,
}

impl Seen {
    fn add(&mut self, row: usize, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((row, text()));
        }
    }
}

/// What was seen in one column of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) numbers: Seen,
    pub(super) booleans: Seen,
    pub(super) dates: Seen,
    pub(super) texts: Seen,
    pub(super) missing: Seen,
}

impl Column {
    /// Counts one cell; `text` is asked only for the first of its sort.
    pub(super) fn add(&mut self, row: usize, cell: Cell, text: impl FnOnce() -> String) {
        let seen = match cell {
            Cell::Number(_) => &mut self.numbers,
            Cell::Boolean(_) => &mut self.booleans,
            Cell::Date => &mut self.dates,
            Cell::Text => &mut self.texts,
            Cell::Missing => &mut self.missing,
        };
        seen.add(row, text);
    }

    /// What most cells are; numbers win a tie.
    pub(super) fn kind(&self) -> ColumnKind {
        let mut most = (ColumnKind::Empty, 0);
        for (kind, seen) in self.sorts() {
            if seen.count > most.1 {
                most = (kind, seen.count);
            }
        }
        most.0
    }

    /// How many cells are neither missing nor of the kind of the column.
    pub(super) fn strays(&self) -> usize {
        self.others().map(|seen| seen.count).sum()
    }

    /// The first cell that is neither missing nor of the kind of the column.
    fn stray(&self) -> Option<&(usize, String)> {
        self.others().filter_map(|seen| seen.first.as_ref()).min_by_key(|(row, _)| *row)
    }

    fn others(&self) -> impl Iterator<Item = &Seen> {
        let kind = self.kind();
        self.sorts().into_iter().filter(move |(sort, _)| *sort != kind).map(|(_, seen)| seen)
    }

    fn sorts(&self) -> [(ColumnKind, &Seen); 4] {
        [
            (ColumnKind::Numeric, &self.numbers),
            (ColumnKind::Boolean, &self.booleans),
            (ColumnKind::DateTime, &self.dates),
            (ColumnKind::Text, &self.texts),
        ]
    }
}

/// An error where a column is no column of numbers, or has a cell that is none.
///
/// Whole columns come first, then single cells, then missing ones: the order in which a user repairs a file.
pub(super) fn refuse(data: &Dataset, columns: &[Column]) -> Result<()> {
    let fail = |message: String| Err(Error::data(&data.name, message));
    for (j, column) in columns.iter().enumerate() {
        if let Some(reason) = refuse_whole(&quoted(data, j), &data.column_name(j), column) {
            return fail(reason);
        }
    }
    for (j, column) in columns.iter().enumerate() {
        let Some((row, text)) = column.stray() else {
            continue;
        };
        let advice = if has_decimal_comma(text) { "write decimals with a point" } else { "correct the cell or remove the row" };
        return fail(format!("row {}, {} has {text:?} among numbers; {advice}", row + 1, quoted(data, j)));
    }
    let missing: usize = columns.iter().map(|column| column.missing.count).sum();
    let first = (columns.iter().enumerate()).filter_map(|(j, column)| column.missing.first.as_ref().map(|(row, _)| (*row, j))).min();
    match first {
        Some((row, j)) => fail(format!(
            "row {}, {} has no value (missing in all: {missing}); fill it in, or remove the row or the column",
            row + 1,
            quoted(data, j)
        )),
        None => Ok(()),
    }
}

fn refuse_whole(quoted: &str, name: &str, column: &Column) -> Option<String> {
    let example = |seen: &Seen| {
        let (row, text) = seen.first.clone().unwrap_or_default();
        format!("row {} has {text:?}", row + 1)
    };
    let commas = column.texts.first.as_ref().is_some_and(|(_, text)| has_decimal_comma(text));
    match column.kind() {
        ColumnKind::Text if commas => {
            Some(format!("{quoted} has decimal commas ({}); write decimals with a point", example(&column.texts)))
        }
        ColumnKind::Text => Some(format!(
            "{quoted} is text ({}), which cannot be trained on; set it aside with `--label {name}` or `--id {name}`, or remove it",
            example(&column.texts)
        )),
        ColumnKind::DateTime => Some(format!(
            "{quoted} holds dates or times ({}), which cannot be trained on; keep it as row identifiers with `--id {name}`, or remove it",
            example(&column.dates)
        )),
        ColumnKind::Empty if column.missing.count > 0 => Some(format!("{quoted} is empty in every row; remove it")),
        ColumnKind::Numeric | ColumnKind::Boolean | ColumnKind::Empty => None,
    }
}

/// `column "age"`, or `column 3` where there is no name.
fn quoted(data: &Dataset, column: usize) -> String {
    match data.columns.get(column) {
        Some(name) => format!("column {name:?}"),
        None => data.column_name(column),
    }
}

/// For tables: warns of columns that never change and of columns that only count the rows.
pub(super) fn warn(data: &mut Dataset) -> Result<()> {
    let (rows, width) = (data.rows(), data.features());
    if !matches!(data.shape, Shape::Flat { .. }) || rows < 2 {
        return Ok(());
    }
    let list = |columns: Vec<usize>| {
        let shown: Vec<String> = columns.iter().take(5).map(|&j| data.column_name(j)).collect();
        let more = if columns.len() > 5 { ", ..." } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    let constant = unchanged(data)?;
    let counting = counting(data)?;
    let mut warnings = Vec::new();
    if !constant.is_empty() {
        warnings.push(format!(
            "{} of {width} columns never change: {}; they carry nothing and may be removed",
            constant.len(),
            list(constant)
        ));
    }
    if !counting.is_empty() {
        warnings.push(format!("only counts the rows: {}; if it identifies rows, set it aside with `--id`", list(counting)));
    }
    data.warnings.extend(warnings);
    Ok(())
}

/// The columns that hold one and the same number in every row.
pub(super) fn unchanged(data: &Dataset) -> Result<Vec<usize>> {
    fn keep<T: PartialEq>(candidates: &mut Vec<usize>, first: &[T], values: &[T]) {
        for row in values.chunks_exact(first.len().max(1)) {
            if candidates.is_empty() {
                break;
            }
            candidates.retain(|&j| row[j] == first[j]);
        }
    }
    let (rows, width) = (data.rows(), data.features());
    if rows == 0 {
        return Ok(Vec::new());
    }
    let first = data.gather([0])?;
    let mut candidates: Vec<usize> = (0..width).collect();
    // The first row is like itself, even where it has no number.
    let mut skipped = width;
    for block in data.blocks() {
        match (&first, &*block?) {
            (Values::U8(first), Values::U8(values)) => keep(&mut candidates, first, &values[skipped..]),
            (Values::F32(first), Values::F32(values)) => keep(&mut candidates, first, &values[skipped..]),
            (Values::F64(first), Values::F64(values)) => keep(&mut candidates, first, &values[skipped..]),
            // The numbers of a data set are of one type.
            _ => {}
        }
        skipped = 0;
        if candidates.is_empty() {
            break;
        }
    }
    Ok(candidates)
}

/// The columns whose value goes up by one from each row to the next, from 0 or 1.
fn counting(data: &Dataset) -> Result<Vec<usize>> {
    let width = data.features();
    // Fewer rows may count by chance.
    if data.rows() < 10 {
        return Ok(Vec::new());
    }
    let first = data.gather([0])?;
    let mut candidates: Vec<usize> = (0..width).filter(|&j| first.get(j) == 0.0 || first.get(j) == 1.0).collect();
    let mut before = 0;
    for block in data.blocks() {
        let block = block?;
        let rows = block.len() / width;
        candidates.retain(|&j| (0..rows).all(|row| block.get(row * width + j) == first.get(j) + (before + row) as f64));
        before += rows;
        if candidates.is_empty() {
            break;
        }
    }
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cells: &[&str]) -> Column {
        let mut column = Column::default();
        for (row, text) in cells.iter().enumerate() {
            column.add(row, Cell::read(text.as_bytes()), || (*text).to_owned());
        }
        column
    }

    fn table(rows: &[&[f64]]) -> Dataset {
        let width = rows[0].len();
        Dataset::new("t", Shape::Flat { width }, Values::F64(rows.concat())).unwrap()
    }

    #[test]
    fn a_column_is_what_most_of_its_cells_are() {
        assert_eq!(seen(&["1", "2", "x"]).kind(), ColumnKind::Numeric);
        assert_eq!(seen(&["a", "2", "x"]).kind(), ColumnKind::Text);
        assert_eq!(seen(&["", "2024-01-02"]).kind(), ColumnKind::DateTime);
        assert_eq!(seen(&["true", "false", ""]).kind(), ColumnKind::Boolean);
        assert_eq!(seen(&["", "NA"]).kind(), ColumnKind::Empty);
    }

    #[test]
    fn a_decimal_comma_gets_its_own_advice() {
        let error = refuse(&table(&[&[1.0], &[2.0], &[3.0]]), &[seen(&["1", "2,5", "3"])]).unwrap_err();
        assert_eq!(error.to_string(), "t: row 2, column 1 has \"2,5\" among numbers; write decimals with a point");
        let error = refuse(&table(&[&[1.0], &[2.0]]), &[seen(&["1,5", "2,5"])]).unwrap_err();
        assert_eq!(error.to_string(), "t: column 1 has decimal commas (row 1 has \"1,5\"); write decimals with a point");
    }

    #[test]
    fn a_number_among_truths_is_a_stray() {
        let error = refuse(&table(&[&[1.0], &[2.0], &[0.0]]), &[seen(&["true", "2", "false"])]).unwrap_err();
        assert!(error.to_string().contains("row 2, column 1 has \"2\""), "{error}");
    }

    #[test]
    fn constant_columns_are_a_warning_and_stay() {
        let mut data = table(&[&[1.0, 7.0], &[2.0, 7.0]]);
        warn(&mut data).unwrap();
        assert_eq!(data.warnings, ["1 of 2 columns never change: column 2; they carry nothing and may be removed"]);
        assert_eq!(data.features(), 2);
    }

    #[test]
    fn a_column_that_counts_the_rows_is_a_warning() {
        let rows: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        let mut data = table(&rows.iter().map(|row| row.as_slice()).collect::<Vec<_>>());
        warn(&mut data).unwrap();
        assert!(data.warnings[0].starts_with("only counts the rows: column 1;"), "{:?}", data.warnings);
    }
}
