//! What a column of a table holds, and why some columns are refused.

use crate::stamps::{clock, nanos};
use crate::tables::cell::Cell;
use rows::{ColumnKind, Dataset, Error, Field, Result};
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
pub(crate) enum Sort {
    Numbers,
    Booleans,
    Dates,
    Texts,
    /// No value in any row.
    Empty,
}

/// How many cells were of one sort, and the first of them: zero-based row and the beginning of its
/// text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) count: usize,
    pub(crate) first: Option<(usize, String)>,
}

impl Seen {
    fn add(&mut self, row: usize, text: &str) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((row, excerpt(text)));
        }
    }
}

/// The beginning of a cell, for messages.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Rows in which NaN stands for whatever is no number, and what the columns of a table hold.
pub(crate) struct Loaded {
    pub(crate) dataset: Dataset,
    /// One for each column of a CSV or Parquet table; empty for the other formats.
    pub(crate) columns: Vec<Column>,
}

/// What was seen in one column of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// What the user says that it holds.
    pub(crate) asked: Option<ColumnKind>,
    /// Whether nobody asks for it: a model does not know it.
    pub(crate) left_out: bool,
    /// Whether its cells are lists or structures of something else than numbers.
    pub(crate) nested: bool,
    pub(crate) numbers: Seen,
    pub(crate) booleans: Seen,
    pub(crate) dates: Seen,
    /// Dates that are times of day alone.
    clocks: usize,
    pub(crate) texts: Seen,
    pub(crate) missing: Seen,
    /// Words in all its texts.
    words: usize,
    /// The different texts, numbered as they came.
    levels: BTreeMap<String, usize>,
}

impl Column {
    /// A column that holds what the user says, where the user says anything.
    pub(crate) fn asked(asked: Option<ColumnKind>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// The same, where only columns that a model knows may be wanted.
    pub(crate) fn wanted(asked: Option<ColumnKind>, known_only: bool) -> Self {
        Self { left_out: known_only && asked.is_none(), ..Self::asked(asked) }
    }

    /// Takes one cell: the number to hold for it, NaN where there is no value. `text` is asked only
    /// where it matters.
    pub(crate) fn take(&mut self, row: usize, cell: Cell, text: impl FnOnce() -> String) -> f64 {
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
                self.booleans.add(row, "");
                number
            }
            (_, Cell::Boolean(truth)) => {
                self.booleans.add(row, "");
                f64::from(u8::from(truth))
            }
            (Some(ColumnKind::Date | ColumnKind::Time), _) | (_, Cell::Date) => {
                self.date(row, text())
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
            (Some(ColumnKind::Boolean), Cell::Text) => self.word(row, text()),
            (_, Cell::Text) => self.level(row, text()),
        }
    }

    /// Takes a date or a time of day, in days.
    fn date(&mut self, row: usize, text: String) -> f64 {
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

    /// Takes a yes or no that is no number.
    fn word(&mut self, row: usize, text: String) -> f64 {
        let word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match (word(&["yes", "y", "t"]), word(&["no", "n", "f"])) {
            (false, false) => self.level(row, text),
            (truth, _) => {
                self.booleans.add(row, "");
                f64::from(u8::from(truth))
            }
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
    pub(crate) fn sort(&self) -> Sort {
        match self.asked {
            Some(ColumnKind::Boolean) => return Sort::Booleans,
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
    pub(crate) fn kind(&self) -> ColumnKind {
        if self.left_out {
            return ColumnKind::Numeric;
        }
        self.asked.unwrap_or(match self.sort() {
            Sort::Numbers => ColumnKind::Numeric,
            Sort::Booleans => ColumnKind::Boolean,
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
    pub(crate) fn field(&self) -> Field {
        let kind = self.kind();
        let levels = if matches!(kind, ColumnKind::Categorical | ColumnKind::Text) {
            self.in_order()
        } else {
            Vec::new()
        };
        Field { kind, levels: Arc::new(levels) }
    }

    /// Whether its texts are too many to be categories.
    pub(crate) fn mostly_different(&self) -> bool {
        self.levels.len() > CATEGORIES && self.levels.len() * 2 > self.texts.count
    }

    /// How many different texts it has.
    pub(crate) fn different(&self) -> usize {
        self.levels.len()
    }

    fn in_order(&self) -> Vec<String> {
        let mut levels: Vec<(&String, usize)> =
            self.levels.iter().map(|(text, at)| (text, *at)).collect();
        levels.sort_by_key(|(_, at)| *at);
        levels.into_iter().map(|(text, _)| text.clone()).collect()
    }

    /// How many cells are neither missing nor of the sort of the column.
    pub(crate) fn strays(&self) -> usize {
        self.others().map(|seen| seen.count).sum()
    }

    /// The first cell that is neither missing nor of the sort of the column.
    pub(crate) fn stray(&self) -> Option<&(usize, String)> {
        self.others().filter_map(|seen| seen.first.as_ref()).min_by_key(|(row, _)| *row)
    }

    fn others(&self) -> impl Iterator<Item = &Seen> {
        let own = self.sort();
        self.sorts().into_iter().filter(move |(sort, _)| *sort != own).map(|(_, seen)| seen)
    }

    fn sorts(&self) -> [(Sort, &Seen); 4] {
        [
            (Sort::Numbers, &self.numbers),
            (Sort::Booleans, &self.booleans),
            (Sort::Dates, &self.dates),
            (Sort::Texts, &self.texts),
        ]
    }
}

/// The number for a cell that is read alone; NaN where it has no value. A category that is not
/// known gets the place behind the last.
///
/// An error where the cell is none of the field's kind.
pub fn read_cell(field: &Field, text: &str) -> Result<f64> {
    let mut column = Column::asked(Some(field.kind));
    let number = column.take(0, Cell::read(text.as_bytes()), || text.trim().to_owned());
    if matches!(field.kind, ColumnKind::Categorical | ColumnKind::Text) && !number.is_nan() {
        let known = field.levels.iter().position(|level| level == text.trim());
        return Ok(known.unwrap_or(field.levels.len()) as f64);
    }
    if column.strays() > 0 || number.is_infinite() {
        let wanted = wanted(field.kind);
        return Err(Error::data("the cell", format!("is {:?}; wanted {wanted}", excerpt(text))));
    }
    Ok(number)
}

fn wanted(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Boolean => "true or false",
        ColumnKind::Date => "a date like 2024-01-31 or 2024-01-31 12:30",
        ColumnKind::Time => "a time of day like 12:30",
        ColumnKind::Count | ColumnKind::Poisson => "a whole number from 0",
        _ => "a finite number",
    }
}

/// What the columns hold; nothing where all hold numbers.
pub(crate) fn fields(columns: &[Column]) -> Vec<Field> {
    if columns.iter().all(|column| column.kind() == ColumnKind::Numeric) {
        Vec::new()
    } else {
        columns.iter().map(Column::field).collect()
    }
}
