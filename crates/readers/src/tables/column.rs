//! What a column of a table holds, told by its cells.
//!
//! A date that may be read with the day or the month first waits until all cells are seen: in its
//! place stands a number that is none ([`waiting`]), until [`Column::settle`] has decided.

use crate::stamps::{self, DAY, Dated, Order, Stamp};
use crate::tables::amount::{self, Amount};
use crate::tables::cell::{Cell, Marks, Meaning, is_dash};
use rows::{ColumnKind, DecimalMark, Error, Field, Notation, Result};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A text column of more different values than this, and than half of its rows, is none of
/// categories unless the user says so.
const CATEGORIES: usize = 20;
/// Numbers with more different units than this are names of something.
const UNITS: usize = 6;
/// Texts of so many words on average are sentences, not identifiers.
const WORDS: usize = 2;
/// Fewer numbers than this may look like dates by chance.
const FEW_DATES: usize = 3;
/// The first whole number that f64 does not tell from the next one.
const WIDEST: f64 = 9_007_199_254_740_992.0;

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

/// What was seen in one column of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// What the user or a model says that it holds.
    pub(crate) asked: Option<ColumnKind>,
    /// Whether units and marks between thousands are taken off its numbers, and which unit alone.
    pub(crate) consent: Option<Option<String>>,
    /// Whether its cells are lists or structures of something else than numbers.
    pub(crate) nested: bool,
    pub(crate) numbers: Seen,
    pub(crate) booleans: Seen,
    pub(crate) dates: Seen,
    /// Dates that are times of day alone.
    clocks: usize,
    pub(crate) texts: Seen,
    /// The row of the first text that is no mark for nothing.
    first_other: usize,
    pub(crate) missing: Seen,
    /// Words in all its texts.
    words: usize,
    /// The different texts, numbered as they came.
    levels: BTreeMap<String, usize>,
    /// Numbers that were read with a unit or marks between thousands.
    amounts: usize,
    /// Numbers that are dates in digits: `20240131`.
    compact: usize,
    /// The first whole number beyond what f64 tells apart.
    pub(crate) wide: Option<String>,
    /// The texts that wait for what the others are.
    waiting: BTreeMap<String, Waiting>,
    /// A mark that was taken for a missing value.
    pub(crate) dash: Option<String>,
    pub(crate) order: Order,
    /// The first date with a year of two digits.
    pub(crate) short_year: Option<String>,
    /// Whether one of its dates has no year before the month.
    pub(crate) year_last: bool,
    /// The first date with a time zone that is not known.
    pub(crate) named_zone: Option<String>,
    settled: Settled,
}

/// A text that waits until all cells of its column are seen.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: usize,
    what: Awaited,
    count: usize,
    row: usize,
}

/// What it waits for.
#[derive(Clone, Copy, Debug)]
enum Awaited {
    /// The order of day and month.
    Order(Dated),
    /// Whether the others are texts, among which it has this level, or numbers and dates, among
    /// which it means that there is no value.
    Texts(f64),
}

/// What was decided when all cells had been seen.
#[derive(Clone, Debug, Default)]
struct Settled {
    /// The numbers for the texts that waited.
    numbers: Vec<f64>,
    /// Whether its numbers are dates in digits.
    digits: bool,
}

impl Column {
    /// A column that holds what the user says, where the user says anything.
    pub(crate) fn asked(asked: Option<ColumnKind>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// Takes one cell: the number to hold for it, NaN where there is no value.
    pub(crate) fn take(&mut self, row: usize, cell: Cell<'_>, marks: &Marks) -> f64 {
        use ColumnKind::{Boolean, Categorical, Count, Date, Numeric, Poisson, Text, Time};
        match (self.asked, marks.read(cell)) {
            (_, Meaning::Missing) => {
                self.missing.add(row, "");
                f64::NAN
            }
            (Some(Categorical | Text), _) => self.level(row, &text_of(cell)),
            (Some(Numeric | Count | Poisson), Meaning::Boolean(truth)) => {
                self.numbers.count += 1;
                f64::from(u8::from(truth))
            }
            (_, Meaning::Dash) => self.dash(row, &text_of(cell)),
            (Some(Numeric | Count | Poisson), Meaning::Text | Meaning::Stamp(_)) => {
                self.amount(row, &text_of(cell), marks.decimal)
            }
            (Some(Boolean), Meaning::Number(number)) if number == 0.0 || number == 1.0 => {
                self.booleans.add(row, "");
                number
            }
            (Some(Boolean), Meaning::Text) => self.word(row, &text_of(cell)),
            (_, Meaning::Boolean(truth)) => {
                self.booleans.add(row, "");
                f64::from(u8::from(truth))
            }
            (Some(Date), Meaning::Number(number)) => match stamps::of_number(number) {
                Some(nanos) => self.day(row, &text_of(cell), nanos),
                None => self.level(row, &text_of(cell)),
            },
            (Some(Time), Meaning::Number(_)) => self.level(row, &text_of(cell)),
            (_, Meaning::Stamp(stamp)) => self.stamp(row, &text_of(cell), stamp),
            (Some(Count | Poisson), Meaning::Number(number))
                if number < 0.0 || number.fract() != 0.0 =>
            {
                self.level(row, &text_of(cell))
            }
            (_, Meaning::Number(number)) => self.number(row, number, cell),
            (_, Meaning::Text) => self.level(row, &text_of(cell)),
        }
    }

    fn number(&mut self, row: usize, number: f64, cell: Cell<'_>) -> f64 {
        if self.numbers.first.is_none() || self.asked == Some(ColumnKind::Boolean) {
            self.numbers.add(row, &text_of(cell));
        } else {
            self.numbers.count += 1;
        }
        self.compact += usize::from(stamps::compact(number).is_some());
        if self.wide.is_none() && number.abs() >= WIDEST {
            let text = text_of(cell);
            // With an exponent nobody counts the last digits.
            let counts = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            self.wide = counts.then(|| excerpt(&text));
        }
        number
    }

    /// Takes a number with a unit, where that was consented to.
    fn amount(&mut self, row: usize, text: &str, decimal: DecimalMark) -> f64 {
        let Some(known) = &mut self.consent else { return self.level(row, text) };
        let of_unit = |Amount { number, unit }: Amount| {
            let same = known.get_or_insert_with(|| unit.clone()) == &unit;
            same.then_some(number)
        };
        let whole = |number: &f64| {
            !matches!(self.asked, Some(ColumnKind::Count | ColumnKind::Poisson))
                || *number >= 0.0 && number.fract() == 0.0
        };
        match amount::amount(text, decimal).and_then(of_unit).filter(whole) {
            Some(number) => {
                self.amounts += 1;
                self.numbers.add(row, text);
                number
            }
            None => self.level(row, text),
        }
    }

    /// Takes a date or a time of day, in days.
    fn stamp(&mut self, row: usize, text: &str, stamp: Stamp) -> f64 {
        match stamp {
            Stamp::Clock(part) if self.asked != Some(ColumnKind::Date) => {
                self.clocks += 1;
                self.dates.add(row, text);
                part
            }
            Stamp::Date(dated) if self.asked != Some(ColumnKind::Time) => {
                self.year_last |= !dated.year_first;
                if dated.short_year && self.short_year.is_none() {
                    self.short_year = Some(text.to_owned());
                }
                if dated.named_zone && self.named_zone.is_none() {
                    self.named_zone = Some(text.to_owned());
                }
                self.order.add(text, &dated);
                match (dated.nanos(false), dated.nanos(true)) {
                    (Some(nanos), same) if same == Some(nanos) => self.day(row, text, nanos),
                    _ => {
                        self.dates.add(row, text);
                        self.wait(row, text, Awaited::Order(dated))
                    }
                }
            }
            _ => self.level(row, text),
        }
    }

    fn day(&mut self, row: usize, text: &str, nanos: i128) -> f64 {
        self.dates.add(row, text);
        nanos as f64 / DAY
    }

    /// Takes a mark that means nothing among numbers and dates.
    fn dash(&mut self, row: usize, text: &str) -> f64 {
        let level = self.level(row, text);
        self.wait(row, text, Awaited::Texts(level))
    }

    fn wait(&mut self, row: usize, text: &str, what: Awaited) -> f64 {
        let place = self.waiting.len();
        if let Some(known) = self.waiting.get_mut(text) {
            known.count += 1;
            return waiting(known.place);
        }
        self.waiting.insert(text.to_owned(), Waiting { place, what, count: 1, row });
        waiting(place)
    }

    /// Decides, once all cells are seen, how its dates are read: as the user or a model says, as its
    /// own cells tell, as those of other columns do, or with the day first. What is no date that way
    /// counts as text.
    pub(crate) fn settle(&mut self, said: Option<bool>, others: Option<bool>) {
        if self.asked.is_none() && self.sort() == Sort::Numbers && self.dates_in_digits() {
            self.dates = std::mem::take(&mut self.numbers);
            self.settled.digits = true;
        }
        let month_first = said.or(self.order.month_first()).or(others).unwrap_or(false);
        let among_texts = self.is_of_texts();
        let mut numbers = vec![f64::NAN; self.waiting.len()];
        let (mut strays, mut dashes) = (Vec::new(), Vec::new());
        for (text, Waiting { place, what, count, row }) in &self.waiting {
            match what {
                Awaited::Order(dated) => match dated.nanos(month_first) {
                    Some(nanos) => numbers[*place] = nanos as f64 / DAY,
                    None => strays.push((*row, *count, text.clone())),
                },
                Awaited::Texts(level) if among_texts => numbers[*place] = *level,
                Awaited::Texts(_) => dashes.push((*row, *count, text.clone())),
            }
        }
        strays.sort();
        for (row, count, text) in strays {
            self.dates.count -= count;
            self.texts.add(row, &text);
            self.texts.count += count - 1;
        }
        self.settled.numbers = numbers;
        self.take_dashes_out(dashes);
    }

    /// Whether its cells are texts, marks for nothing aside.
    fn is_of_texts(&self) -> bool {
        let marks =
            self.waiting.values().filter(|waiting| matches!(waiting.what, Awaited::Texts(_)));
        let texts = self.texts.count - marks.map(|waiting| waiting.count).sum::<usize>();
        matches!(self.sort_with(texts), Sort::Texts | Sort::Empty)
    }

    /// Counts marks as missing values instead of texts.
    fn take_dashes_out(&mut self, mut dashes: Vec<(usize, usize, String)>) {
        dashes.sort();
        for (row, count, _) in &dashes {
            self.texts.count -= count;
            self.missing.count += count;
            if self.missing.first.as_ref().is_none_or(|(first, _)| row < first) {
                self.missing.first = Some((*row, String::new()));
            }
        }
        self.levels.retain(|text, _| dashes.iter().all(|(_, _, dash)| dash != text));
        // The first text may have been such a mark; where the others are, nobody has noted.
        let first = self.texts.first.as_ref().map(|(_, text)| text);
        if first.is_some_and(|first| dashes.iter().any(|(_, _, dash)| dash == first)) {
            let other = self.levels.iter().min_by_key(|(_, at)| **at);
            self.texts.first = other.map(|(text, _)| (self.first_other, excerpt(text)));
        }
        self.dash = dashes.into_iter().next().map(|(_, _, text)| text);
    }

    /// A text that may be read with the day or the month first, where nothing tells which.
    pub(crate) fn doubt(&self) -> Option<&str> {
        self.order.doubt().filter(|_| self.sort() == Sort::Dates)
    }

    /// The first date in digits, where its numbers were taken for such.
    pub(crate) fn digits(&self) -> Option<&str> {
        let first = self.dates.first.as_ref().filter(|_| self.settled.digits);
        first.map(|(_, text)| text.as_str())
    }

    fn dates_in_digits(&self) -> bool {
        self.compact == self.numbers.count
            && self.compact >= FEW_DATES
            && self.strays() == 0
            && !self.nested
    }

    /// Whether numbers that were held for its cells are to be exchanged for others.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.settled.digits || !self.settled.numbers.is_empty()
    }

    /// The number that stands for a cell once the column is settled.
    pub(crate) fn value(&self, held: f64) -> f64 {
        if self.settled.digits {
            return stamps::compact(held).map_or(held, |nanos| nanos as f64 / DAY);
        }
        match place(held) {
            Some(place) => self.settled.numbers.get(place).copied().unwrap_or(f64::NAN),
            None => held,
        }
    }

    /// The unit that was taken off its numbers.
    pub(crate) fn unit(&self) -> Option<&String> {
        self.consent.as_ref().and_then(Option::as_ref).filter(|_| self.amounts > 0)
    }

    /// An example, where all its texts are numbers with one and the same unit, or with marks between
    /// thousands.
    pub(crate) fn amount_of_texts(&self, decimal: DecimalMark) -> Option<&str> {
        let mut unit = None;
        for text in self.levels.keys() {
            let found = amount::amount(text, decimal)?.unit;
            if *unit.get_or_insert_with(|| found.clone()) != found {
                return None;
            }
        }
        self.texts.first.as_ref().map(|(_, text)| text.as_str())
    }

    /// The first texts of two units, where all its texts are numbers with units of several kinds, and more
    /// than categories are.
    pub(crate) fn texts_of_two_units(&self, decimal: DecimalMark) -> Option<[&str; 2]> {
        if self.levels.len() <= CATEGORIES {
            return None;
        }
        let mut first: BTreeMap<String, &str> = BTreeMap::new();
        let mut levels: Vec<(&String, &usize)> = self.levels.iter().collect();
        levels.sort_by_key(|(_, place)| **place);
        for (text, _) in levels {
            first.entry(amount::amount(text, decimal)?.unit).or_insert(text);
        }
        let mut texts = first.into_values();
        (texts.len() <= UNITS).then_some([texts.next()?, texts.next()?])
    }

    /// Takes a yes or no that is no number.
    fn word(&mut self, row: usize, text: &str) -> f64 {
        let word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match (word(&["yes", "y", "t"]), word(&["no", "n", "f"])) {
            (false, false) => self.level(row, text),
            (truth, _) => {
                self.booleans.add(row, "");
                f64::from(u8::from(truth))
            }
        }
    }

    fn level(&mut self, row: usize, text: &str) -> f64 {
        self.texts.add(row, text);
        self.words += text.split_whitespace().count();
        let next = self.levels.len();
        match self.levels.get(text) {
            Some(level) => *level as f64,
            None => {
                if !self.levels.keys().any(|known| !is_dash(known)) {
                    self.first_other = row;
                }
                self.levels.insert(text.to_owned(), next);
                next as f64
            }
        }
    }

    /// What most cells are; numbers win a tie. What the user says decides where a kind leaves no
    /// other sort.
    pub(crate) fn sort(&self) -> Sort {
        self.sort_with(self.texts.count)
    }

    /// The same, were there so many texts.
    fn sort_with(&self, texts: usize) -> Sort {
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
            let count = if sort == Sort::Texts { texts } else { seen.count };
            if count > most.1 {
                most = (sort, count);
            }
        }
        most.0
    }

    /// What the column holds.
    pub(crate) fn kind(&self) -> ColumnKind {
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

/// What stands in the place of a date that waits: NaN with its place among those that do.
fn waiting(place: usize) -> f64 {
    f64::from_bits(f64::NAN.to_bits() + 1 + place as u64)
}

/// The place of a date that waits.
fn place(held: f64) -> Option<usize> {
    let place = held.to_bits().checked_sub(f64::NAN.to_bits() + 1)?;
    held.is_nan().then_some(place as usize).filter(|_| place < 1 << 51)
}

/// A cell as text, without surrounding space.
pub(crate) fn text_of(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Missing => Cow::Borrowed(""),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Boolean(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        Cell::Text(text) | Cell::Written(text) => Cow::Borrowed(text.trim()),
    }
}

/// The number for a cell that is read alone; NaN where it has no value. A category that is not
/// known gets the place behind the last.
///
/// An error where the cell is none of the field's kind.
pub fn read_cell(name: &str, field: &Field, notation: &Notation, text: &str) -> Result<f64> {
    let mut column = Column::asked(Some(field.kind));
    column.consent = notation.units.get(name).cloned().map(Some);
    let held = column.take(0, Cell::Written(text), &Marks::new(notation));
    column.settle(notation.month_first, None);
    let number = column.value(held);
    if matches!(field.kind, ColumnKind::Categorical | ColumnKind::Text) && !number.is_nan() {
        let known = field.levels.iter().position(|level| level == text.trim());
        return Ok(known.unwrap_or(field.levels.len()) as f64);
    }
    if column.strays() > 0 || number.is_infinite() {
        let unit = notation.units.get(name).filter(|unit| !unit.is_empty());
        let unit = unit.map_or(String::new(), |unit| format!(" with the unit {unit:?}"));
        let wanted = format!("{}{unit}", wanted(field.kind));
        return Err(Error::data(name, format!("is {:?}; wanted {wanted}", excerpt(text))));
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
