//! What a column of a table holds, and why some columns are refused.

use super::cell::{Cell, has_decimal_comma};
use super::read::ReadOptions;
use super::series::nanos;
use super::{Dataset, Values};
use crate::error::{Error, Result};
use crate::schema::{ColumnKind, Field, Shape};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nanoseconds in a day.
const DAY: f64 = 86_400e9;
/// A text column of more different values than this, and than half of its rows, is none of
/// categories unless the user says so.
const CATEGORIES: usize = 20;
/// Texts of so many words on average are sentences, not identifiers.
const WORDS: usize = 2;

/// What most cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Numbers,
    Truths,
    Dates,
    Texts,
    /// No value in any row.
    Empty,
}

/// How many cells were of one sort, and the first of them: zero-based row and the beginning of its
/// text.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) count: usize,
    pub(super) first: Option<(usize, String)>,
}

impl Seen {
    fn add(&mut self, row: usize, text: &str) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((row, excerpt(text)));
        }
    }
}

/// The part of a day that has passed at a time of day: `18:00` or `18:00:00`.
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<f64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = match parts.as_slice() {
        [hours, minutes] => [*hours, *minutes, 0.0],
        [hours, minutes, seconds] => [*hours, *minutes, *seconds],
        _ => return None,
    };
    let within = (0.0..24.0).contains(&hours)
        && (0.0..60.0).contains(&minutes)
        && (0.0..60.0).contains(&seconds);
    within.then_some((hours + (minutes + seconds / 60.0) / 60.0) / 24.0)
}

/// The beginning of a cell, for messages.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What was seen in one column of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// What the user says that it holds.
    pub(super) asked: Option<ColumnKind>,
    /// Whether nobody asks for it: a model does not know it.
    pub(super) left_out: bool,
    /// Whether its cells are lists or structures of something else than numbers.
    pub(super) nested: bool,
    pub(super) numbers: Seen,
    pub(super) truths: Seen,
    pub(super) dates: Seen,
    /// Dates that are times of day alone.
    clocks: usize,
    pub(super) texts: Seen,
    pub(super) missing: Seen,
    /// Words in all its texts.
    words: usize,
    /// The different texts, numbered as they came.
    levels: BTreeMap<String, usize>,
}

impl Column {
    /// A column that holds what the user says, where the user says anything.
    pub(super) fn asked(asked: Option<ColumnKind>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// The same, where only columns that a model knows may be wanted.
    pub(super) fn wanted(asked: Option<ColumnKind>, options: &ReadOptions) -> Self {
        Self { left_out: asked.is_none() && !options.expected.is_empty(), ..Self::asked(asked) }
    }

    /// Takes one cell: the number to hold for it, NaN where there is no value. `text` is asked only
    /// where it matters.
    pub(super) fn take(&mut self, row: usize, cell: Cell, text: impl FnOnce() -> String) -> f64 {
        if self.left_out {
            return 0.0;
        }
        match (self.asked, cell) {
            (
                Some(ColumnKind::Numeric | ColumnKind::Count | ColumnKind::Poisson),
                Cell::Boolean(truth),
            ) => {
                self.numbers.count += 1;
                f64::from(u8::from(truth))
            }
            (_, Cell::Missing) => {
                self.missing.add(row, "");
                f64::NAN
            }
            (Some(ColumnKind::Categorical | ColumnKind::Text), _) => self.level(row, text()),
            (Some(ColumnKind::Boolean), Cell::Number(number)) if number == 0.0 || number == 1.0 => {
                self.truths.add(row, "");
                number
            }
            (_, Cell::Boolean(truth)) => {
                self.truths.add(row, "");
                f64::from(u8::from(truth))
            }
            (Some(ColumnKind::Date | ColumnKind::Time), _) | (_, Cell::Date) => {
                let text = text();
                let time = clock(&text).filter(|_| self.asked != Some(ColumnKind::Date));
                self.clocks += usize::from(time.is_some());
                let date = || {
                    nanos(&text)
                        .filter(|_| self.asked != Some(ColumnKind::Time))
                        .map(|nanos| nanos as f64 / DAY)
                };
                match time.or_else(date) {
                    Some(days) => {
                        self.dates.add(row, &text);
                        days
                    }
                    None => self.level(row, text),
                }
            }
            (Some(ColumnKind::Count | ColumnKind::Poisson), Cell::Number(number))
                if number < 0.0 || number.fract() != 0.0 =>
            {
                self.level(row, text())
            }
            (_, Cell::Number(number)) => {
                if self.numbers.first.is_none() || self.asked == Some(ColumnKind::Boolean) {
                    self.numbers.add(row, &text());
                } else {
                    self.numbers.count += 1;
                }
                number
            }
            (Some(ColumnKind::Boolean), Cell::Text) => {
                let text = text();
                let word =
                    |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
                match (word(&["yes", "y", "t"]), word(&["no", "n", "f"])) {
                    (false, false) => self.level(row, text),
                    (truth, _) => {
                        self.truths.add(row, "");
                        f64::from(u8::from(truth))
                    }
                }
            }
            (_, Cell::Text) => self.level(row, text()),
        }
    }

    fn level(&mut self, row: usize, text: String) -> f64 {
        self.texts.add(row, &text);
        self.words += text.split_whitespace().count();
        let next = self.levels.len();
        match self.levels.get(&text) {
            Some(level) => *level as f64,
            None => {
                self.levels.insert(text, next);
                next as f64
            }
        }
    }

    /// What most cells are; numbers win a tie. What the user says decides where a kind leaves no
    /// other sort.
    pub(super) fn sort(&self) -> Sort {
        match self.asked {
            Some(ColumnKind::Boolean) => return Sort::Truths,
            Some(ColumnKind::Categorical | ColumnKind::Text) => return Sort::Texts,
            Some(ColumnKind::Date | ColumnKind::Time) => return Sort::Dates,
            Some(ColumnKind::Numeric | ColumnKind::Count | ColumnKind::Poisson) => {
                return Sort::Numbers;
            }
            Some(ColumnKind::Empty) | None => {}
        }
        let mut most = (Sort::Empty, 0);
        for (sort, seen) in self.sorts() {
            if seen.count > most.1 {
                most = (sort, seen.count);
            }
        }
        most.0
    }

    /// What the column holds.
    pub(super) fn kind(&self) -> ColumnKind {
        if self.left_out {
            return ColumnKind::Numeric;
        }
        self.asked.unwrap_or(match self.sort() {
            Sort::Numbers => ColumnKind::Numeric,
            Sort::Truths => ColumnKind::Boolean,
            Sort::Dates if self.clocks == self.dates.count => ColumnKind::Time,
            Sort::Dates => ColumnKind::Date,
            Sort::Texts if self.mostly_different() && self.words >= WORDS * self.texts.count => {
                ColumnKind::Text
            }
            Sort::Texts => ColumnKind::Categorical,
            Sort::Empty => ColumnKind::Empty,
        })
    }

    /// The same, with the levels of a categorical column.
    pub(super) fn field(&self) -> Field {
        let kind = self.kind();
        let levels = if matches!(kind, ColumnKind::Categorical | ColumnKind::Text) {
            self.in_order()
        } else {
            Vec::new()
        };
        Field { kind, levels: Arc::new(levels) }
    }

    /// Whether its texts are too many to be categories.
    fn mostly_different(&self) -> bool {
        self.levels.len() > CATEGORIES && self.levels.len() * 2 > self.texts.count
    }

    /// How many different texts it has.
    pub(super) fn different(&self) -> usize {
        self.levels.len()
    }

    fn in_order(&self) -> Vec<String> {
        let mut levels: Vec<(&String, usize)> =
            self.levels.iter().map(|(text, at)| (text, *at)).collect();
        levels.sort_by_key(|(_, at)| *at);
        levels.into_iter().map(|(text, _)| text.clone()).collect()
    }

    /// How many cells are neither missing nor of the sort of the column.
    pub(super) fn strays(&self) -> usize {
        self.others().map(|seen| seen.count).sum()
    }

    /// The first cell that is neither missing nor of the sort of the column.
    fn stray(&self) -> Option<&(usize, String)> {
        self.others().filter_map(|seen| seen.first.as_ref()).min_by_key(|(row, _)| *row)
    }

    fn others(&self) -> impl Iterator<Item = &Seen> {
        let own = self.sort();
        self.sorts().into_iter().filter(move |(sort, _)| *sort != own).map(|(_, seen)| seen)
    }

    fn sorts(&self) -> [(Sort, &Seen); 4] {
        [
            (Sort::Numbers, &self.numbers),
            (Sort::Truths, &self.truths),
            (Sort::Dates, &self.dates),
            (Sort::Texts, &self.texts),
        ]
    }
}

impl Field {
    /// The number for a cell that is read alone; NaN where it has no value. A category that is not
    /// known gets the place behind the last.
    ///
    /// An error where the cell is none of its kind.
    pub fn read(&self, text: &str) -> Result<f64> {
        let mut column = Column::asked(Some(self.kind));
        let number = column.take(0, Cell::read(text.as_bytes()), || text.trim().to_owned());
        if matches!(self.kind, ColumnKind::Categorical | ColumnKind::Text) && !number.is_nan() {
            let known = self.levels.iter().position(|level| level == text.trim());
            return Ok(known.unwrap_or(self.levels.len()) as f64);
        }
        if column.strays() > 0 || number.is_infinite() {
            return Err(Error::data(
                "the cell",
                format!("is {:?}; wanted {}", excerpt(text), self.wanted()),
            ));
        }
        Ok(number)
    }

    fn wanted(&self) -> &'static str {
        match self.kind {
            ColumnKind::Boolean => "true or false",
            ColumnKind::Date => "a date like 2024-01-31 or 2024-01-31 12:30",
            ColumnKind::Time => "a time of day like 12:30",
            ColumnKind::Count | ColumnKind::Poisson => "a whole number from 0",
            _ => "a finite number",
        }
    }
}

/// What the columns hold; nothing where all hold numbers.
pub(super) fn fields(columns: &[Column]) -> Vec<Field> {
    match columns.iter().all(|column| column.kind() == ColumnKind::Numeric) {
        true => Vec::new(),
        false => columns.iter().map(Column::field).collect(),
    }
}

/// An error where a column cannot be learned from, or has a cell that is not of its kind.
///
/// Whole columns come first, then single cells: the order in which a user repairs a file.
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
        let name = data.column_name(j);
        let (among, advice) = match column.sort() {
            _ if has_decimal_comma(text) => ("numbers", "write decimals with a point".to_owned()),
            Sort::Texts => (
                "texts",
                format!("if they are all names of categories, say `--column {name}=categorical`"),
            ),
            Sort::Dates => (
                "dates",
                "write it like 2024-01-31 or 2024-01-31 12:30, or remove the row".to_owned(),
            ),
            Sort::Truths => ("truths", "correct the cell or remove the row".to_owned()),
            Sort::Numbers
                if matches!(column.asked, Some(ColumnKind::Count | ColumnKind::Poisson)) =>
            {
                (
                    "whole numbers from 0",
                    "correct the cell, remove the row, or take the column for numeric".to_owned(),
                )
            }
            Sort::Numbers | Sort::Empty => {
                ("numbers", "correct the cell or remove the row".to_owned())
            }
        };
        return fail(format!(
            "row {}, {} has {text:?} among {among}; {advice}",
            row + 1,
            quoted(data, j)
        ));
    }
    Ok(())
}

fn refuse_whole(quoted: &str, name: &str, column: &Column) -> Option<String> {
    let example = |seen: &Seen| {
        let (row, text) = seen.first.clone().unwrap_or_default();
        format!("row {} has {text:?}", row + 1)
    };
    let commas = column.texts.first.as_ref().is_some_and(|(_, text)| has_decimal_comma(text));
    let (different, texts) = (column.different(), column.texts.count);
    match column.sort() {
        _ if column.left_out => None,
        _ if column.nested => {
            Some(format!("{quoted} holds nested values, which cannot be trained on; remove it"))
        }
        Sort::Texts if column.asked.is_some() => None,
        Sort::Texts if commas => Some(format!(
            "{quoted} has decimal commas ({}); write decimals with a point",
            example(&column.texts)
        )),
        Sort::Texts if column.mostly_different() && column.kind() != ColumnKind::Text => {
            Some(format!(
                "{quoted} has {different} different words in {texts} rows ({}), which are no categories; set it aside with `--id {name}` or `--label {name}`, remove it, or insist with `--column {name}=categorical` or `=text`",
                example(&column.texts)
            ))
        }
        Sort::Empty if column.missing.count > 0 && column.asked.is_none() => {
            Some(format!("{quoted} is empty in every row; remove it"))
        }
        Sort::Numbers | Sort::Truths | Sort::Dates | Sort::Texts | Sort::Empty => None,
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
///
/// With `learning` false only of what is missing: what a model knows already can carry something.
pub(super) fn warn(data: &mut Dataset, learning: bool) -> Result<()> {
    let (rows, width) = (data.rows(), data.features());
    if !matches!(data.shape, Shape::Flat { .. }) || rows < 2 {
        return Ok(());
    }
    let list = |columns: Vec<usize>| {
        let shown: Vec<String> = columns.iter().take(5).map(|&j| data.column_name(j)).collect();
        let more = if columns.len() > 5 { ", ..." } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    let constant = if learning { unchanged(data)? } else { Vec::new() };
    let counting = if learning { counting(data)? } else { Vec::new() };
    let mut warnings = Vec::new();
    if !constant.is_empty() {
        warnings.push(format!(
            "{} of {width} columns never change: {}; they carry nothing and may be removed",
            constant.len(),
            list(constant)
        ));
    }
    if !counting.is_empty() {
        warnings.push(format!(
            "only counts the rows: {}; if it identifies rows, set it aside with `--id`",
            list(counting)
        ));
    }
    let missing = missing(data)?;
    if let Some((row, column)) = missing.first {
        warnings.push(format!(
            "{} in {} of {width} columns, the first in row {}, {}",
            if missing.cells == 1 {
                "1 cell has no value".to_owned()
            } else {
                format!("{} cells have no value", missing.cells)
            },
            missing.columns,
            row + 1,
            quoted(data, column)
        ));
    }
    data.warnings.extend(warnings);
    Ok(())
}

/// Zero-based row and column of the first cell without a value.
pub(super) fn first_gap(data: &Dataset) -> Result<Option<(usize, usize)>> {
    Ok(missing(data)?.first)
}

/// What is missing in a table.
#[derive(Default)]
struct Missing {
    cells: usize,
    columns: usize,
    /// Zero-based row and column of the first.
    first: Option<(usize, usize)>,
}

fn missing(data: &Dataset) -> Result<Missing> {
    let width = data.features();
    let (mut missing, mut columns, mut before) = (Missing::default(), vec![false; width], 0);
    for block in data.blocks() {
        let block = block?;
        if let Values::U8(_) = *block {
            break;
        }
        for at in (0..block.len()).filter(|at| block.get(*at).is_nan()) {
            missing.cells += 1;
            columns[at % width] = true;
            missing.first.get_or_insert(((before + at) / width, at % width));
        }
        before += block.len();
    }
    missing.columns = columns.into_iter().filter(|has| *has).count();
    Ok(missing)
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
            (Values::U8(first), Values::U8(values)) => {
                keep(&mut candidates, first, &values[skipped..])
            }
            (Values::F32(first), Values::F32(values)) => {
                keep(&mut candidates, first, &values[skipped..])
            }
            (Values::F64(first), Values::F64(values)) => {
                keep(&mut candidates, first, &values[skipped..])
            }
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
    let mut candidates: Vec<usize> =
        (0..width).filter(|&j| first.get(j) == 0.0 || first.get(j) == 1.0).collect();
    let mut before = 0;
    for block in data.blocks() {
        let block = block?;
        let rows = block.len() / width;
        candidates.retain(|&j| {
            (0..rows).all(|row| block.get(row * width + j) == first.get(j) + (before + row) as f64)
        });
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
            column.take(row, Cell::read(text.as_bytes()), || (*text).to_owned());
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
        assert_eq!(seen(&["a", "2", "x"]).kind(), ColumnKind::Categorical);
        assert_eq!(seen(&["", "2024-01-02"]).kind(), ColumnKind::Date);
        assert_eq!(seen(&["true", "false", ""]).kind(), ColumnKind::Boolean);
        assert_eq!(seen(&["", "NA"]).kind(), ColumnKind::Empty);
    }

    #[test]
    fn a_decimal_comma_gets_its_own_advice() {
        let error =
            refuse(&table(&[&[1.0], &[2.0], &[3.0]]), &[seen(&["1", "2,5", "3"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t: row 2, column 1 has \"2,5\" among numbers; write decimals with a point"
        );
        let error = refuse(&table(&[&[1.0], &[2.0]]), &[seen(&["1,5", "2,5"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t: column 1 has decimal commas (row 1 has \"1,5\"); write decimals with a point"
        );
    }

    #[test]
    fn a_number_among_truths_is_a_stray() {
        let error = refuse(&table(&[&[1.0], &[2.0], &[0.0]]), &[seen(&["true", "2", "false"])])
            .unwrap_err();
        assert!(error.to_string().contains("row 2, column 1 has \"2\""), "{error}");
    }

    #[test]
    fn constant_columns_are_a_warning_and_stay() {
        let mut data = table(&[&[1.0, 7.0], &[2.0, 7.0]]);
        warn(&mut data, true).unwrap();
        assert_eq!(
            data.warnings,
            ["1 of 2 columns never change: column 2; they carry nothing and may be removed"]
        );
        assert_eq!(data.features(), 2);
    }

    #[test]
    fn a_column_that_counts_the_rows_is_a_warning() {
        let rows: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        let mut data = table(&rows.iter().map(|row| row.as_slice()).collect::<Vec<_>>());
        warn(&mut data, true).unwrap();
        assert!(
            data.warnings[0].starts_with("only counts the rows: column 1;"),
            "{:?}",
            data.warnings
        );
    }
}
