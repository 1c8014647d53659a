//! A table as it is read, row by row, from whatever file.

use crate::hold::sink::{Sink, changed};
use crate::names::{Names, append, quoted};
use crate::options::{ReadOptions, Roles};
use crate::stamps::in_doubt;
use crate::tables::cell::{Cell, Marks};
use crate::tables::column::{self, Column, text_of};
use rows::{Dataset, DecimalMark, Message, Notation, Result, Shape, Store};
use std::collections::BTreeSet;

/// Rows in which NaN stands for whatever is no number, and what the columns of a table hold.
pub(crate) struct Loaded {
    pub(crate) dataset: Dataset,
    /// One for each column of a table; empty for other formats.
    pub(crate) columns: Vec<Column>,
    /// The series of each row, where columns tell several apart.
    pub(crate) groups: Option<Vec<String>>,
    /// The settings that would read the file as it was, without its guesses.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// The table as it is read.
pub(crate) struct Table<'a> {
    place: &'a str,
    names: Vec<String>,
    label: Option<usize>,
    ids: Vec<usize>,
    grouped: Vec<usize>,
    /// For each column of the file its place among those that are read.
    places: Vec<Option<usize>>,
    columns: Vec<Column>,
    marks: Marks,
    notation: Notation,
    /// Whether the month comes first, as far as a model knows it.
    month_first: Option<bool>,
    values: Sink<f64>,
    memory: Option<u64>,
    labels: Vec<String>,
    row_ids: Vec<String>,
    groups: Vec<String>,
    rows: usize,
    warnings: Vec<Message>,
}

impl<'a> Table<'a> {
    /// An empty table of so many columns.
    pub(crate) fn new(
        place: &'a str,
        names: Names,
        width: usize,
        options: &ReadOptions,
        notation: Notation,
    ) -> Result<Self> {
        let Roles { label, ids, groups, read, unknown } = options.roles(place, &names, width)?;
        let mut warnings: Vec<Message> = names.told_apart().into_iter().collect();
        warnings.extend(left_out(&unknown));
        let names = names.names;
        let mut places = vec![None; width];
        read.iter().enumerate().for_each(|(own, (at, _))| places[*at] = Some(own));
        // Without the columns that are set aside the others keep their numbers.
        let numbered = names.is_empty() && read.len() < width;
        let number = |at: &usize| format!("column {}", at + 1);
        let own = |at: &usize| names.get(*at).cloned().unwrap_or_default();
        let named = read.iter().map(|(at, _)| if numbered { number(at) } else { own(at) });
        let names = if names.is_empty() && !numbered { Vec::new() } else { named.collect() };
        Ok(Self {
            place,
            names,
            label,
            ids,
            grouped: groups,
            places,
            columns: read.into_iter().map(|(_, column)| column).collect(),
            marks: Marks::new(&notation),
            notation,
            month_first: options.known.month_first,
            values: Sink::new(place, options.memory, usize::MAX),
            memory: options.memory,
            labels: Vec::new(),
            row_ids: Vec::new(),
            groups: Vec::new(),
            rows: 0,
            warnings,
        })
    }

    /// How many rows it has so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row of as many cells as the table has columns.
    pub(crate) fn add<'c>(&mut self, cells: impl Iterator<Item = Cell<'c>>) -> Result<()> {
        self.values.room(self.columns.len())?;
        let (mut id, mut group) = (None, None);
        for (at, cell) in cells.enumerate() {
            if self.label == Some(at) {
                self.labels.push(text_of(cell).into_owned());
            }
            for (name, of) in [(&mut group, &self.grouped), (&mut id, &self.ids)] {
                if of.contains(&at) {
                    append(name, &text_of(cell));
                }
            }
            if let Some(place) = self.places.get(at).copied().flatten() {
                let number = self.columns[place].take(self.rows, cell, &self.marks);
                self.values.push(number);
            }
        }
        self.row_ids.extend(id);
        self.groups.extend(group);
        self.rows += 1;
        Ok(())
    }

    /// The rows, once all are added.
    pub(crate) fn finish(mut self) -> Result<Loaded> {
        let orders = (self.notation.month_first, self.month_first);
        let values = self.values.finish()?;
        let (values, month_first) =
            settled(&mut self.columns, values, orders, (self.place, self.memory))?;
        let shape = Shape::Flat { width: self.columns.len() };
        let mut dataset = Dataset::new(self.place, shape, values)?;
        dataset.columns = self.names;
        dataset.fields = column::fields(&self.columns);
        dataset.labels = self.label.map(|_| self.labels);
        dataset.ids = (!self.ids.is_empty()).then_some(self.row_ids);
        dataset.warnings = self.warnings;
        note(&mut dataset, &self.columns, &self.notation, month_first);
        let groups = (!self.grouped.is_empty()).then_some(self.groups);
        Ok(Loaded { dataset, columns: self.columns, groups, settings: Vec::new() })
    }
}

/// A warning of the columns that a model does not know.
pub(crate) fn left_out(unknown: &[String]) -> Option<Message> {
    let why = "left out, because the model does not know them: ";
    (!unknown.is_empty()).then(|| format!("{why}{}", quoted(unknown)).into())
}

/// Settles all columns: their numbers once nothing waits any more, and whether the month comes first,
/// where that is said, told by some date, or known.
pub(crate) fn settled(
    columns: &mut [Column],
    values: Store,
    (said, known): (Option<bool>, Option<bool>),
    (place, memory): (&str, Option<u64>),
) -> Result<(Store, Option<bool>)> {
    let told: BTreeSet<bool> =
        columns.iter().filter_map(|column| column.order.month_first()).collect();
    let others = told.first().copied().filter(|_| told.len() == 1).or(known);
    columns.iter_mut().for_each(|column| column.settle(said, others));
    let values = if columns.iter().any(Column::is_unsettled) {
        let width = columns.len();
        changed(values, place, memory, |at, held| columns[at % width].value(held))?
    } else {
        values
    };
    Ok((values, said.or(others)))
}

/// Notes in a table how its cells were read.
pub(crate) fn note(
    data: &mut Dataset,
    columns: &[Column],
    notation: &Notation,
    month_first: Option<bool>,
) {
    let with = columns.iter().enumerate();
    let units = with
        .filter_map(|(at, column)| Some((data.column_name(at), column.unit()?.clone())))
        .collect();
    // Points are the mark where nobody says anything.
    let decimal = notation.decimal.filter(|mark| *mark != DecimalMark::default());
    data.notation = Notation { month_first, units, decimal, ..notation.clone() };
    let noticed = noticed(data, columns);
    data.warnings.extend(noticed);
}

/// What the user should know of how cells were read.
fn noticed(data: &Dataset, columns: &[Column]) -> Vec<Message> {
    let mut noticed = Vec::new();
    // What the user or a model says needs no word.
    let open = data.notation.month_first.is_none();
    for (at, column) in columns.iter().enumerate() {
        let name = data.column_name(at);
        if let (Some(text), true) = (column.doubt(), open) {
            noticed.extend(in_doubt(&name, text));
        }
        if let Some(text) = &column.dash {
            let kind = format!("{name}=categorical");
            let taken = Message::from(format!("{name}: {text:?} is taken for a missing value; "));
            noticed.push(taken.set("column", kind).text(" keeps it"));
        }
        if let Some(text) = column.digits() {
            let read = format!("{name} is read as dates ({text}); ");
            let advice = Message::from(read).set("column", format!("{name}=numeric"));
            noticed.push(advice.text(" keeps the numbers"));
        }
        if let Some(text) = &column.named_zone {
            let why = "the time zone is not known and left out, as if it were universal time";
            noticed.push(format!("{name}: {text}: {why}").into());
        }
        if let (Some(text), true) = (&column.short_year, column.asked.is_none()) {
            let years = "years of two digits are taken for 1969 to 2068";
            let why = Message::from(format!("{name}: {text}: {years}"));
            let mark = text.chars().find(|c| !c.is_ascii_digit()).unwrap_or('-');
            // The format would have to know the clock.
            noticed.push(if column.year_last || text.contains(':') {
                why
            } else {
                let why = why.text("; if the year comes first, say ");
                why.set("date_format", format!("%y{mark}%m{mark}%d"))
            });
        }
        if let Some(text) = &column.wide {
            let why = format!("{name} has whole numbers too large to be told apart ({text}); ");
            let aside = Message::from(why).text("set it aside with ").set("id", &name);
            let kind = format!("{name}=categorical");
            noticed.push(aside.text(", or take it for codes with ").set("column", kind));
        }
    }
    noticed
}
