//! The columns of a Parquet file put together into rows.

use crate::hold::element::too_big;
use crate::hold::sink::Sink;
use crate::options::ReadOptions;
use crate::tables::cell::{Cell, Marks};
use crate::tables::column::{self, Column};
use crate::tables::parquet_guard::damaged;
use crate::tables::table::{Loaded, note, settled};
use rows::{Dataset, Error, Notation, Result, Shape, Store};

/// More columns than this do not come from one list.
const WIDEST_LIST: usize = 1 << 20;

/// The rows of a column: one value each, or a list of as many as `lengths` says.
pub(crate) struct Records<V> {
    pub(crate) values: Vec<V>,
    pub(crate) lengths: Option<Vec<usize>>,
}

impl<V> Records<V> {
    fn rows(&self) -> usize {
        self.lengths.as_ref().map_or(self.values.len(), Vec::len)
    }
}

/// A column of one row group.
pub(crate) enum Part {
    /// Numbers or lists of numbers; whether they are booleans.
    Numbers(Records<f64>, bool),
    /// Texts, and whether they are such in the file too, rather than numbers or dates as text.
    Texts(Vec<Option<String>>, bool),
    /// Not read at all.
    Nested,
}

impl Part {
    fn rows(&self) -> Option<usize> {
        match self {
            Self::Numbers(records, _) => Some(records.rows()),
            Self::Texts(texts, _) => Some(texts.len()),
            Self::Nested => None,
        }
    }

    /// Numbers in a row, where the rows of this part tell.
    fn width(&self) -> Option<usize> {
        match self {
            Self::Numbers(Records { lengths: Some(lengths), .. }, _) => {
                lengths.iter().copied().find(|length| *length > 0)
            }
            _ => Some(1),
        }
    }
}

/// The numbers of the table, in the narrower type where that is exact.
enum Cells {
    Narrow(Sink<f32>),
    Wide(Sink<f64>),
}

impl Cells {
    fn expect(&mut self, more: usize) {
        match self {
            Self::Narrow(sink) => sink.expect(more),
            Self::Wide(sink) => sink.expect(more),
        }
    }

    fn room(&mut self, more: usize) -> Result<()> {
        match self {
            Self::Narrow(sink) => sink.room(more),
            Self::Wide(sink) => sink.room(more),
        }
    }

    fn push(&mut self, number: f64) {
        match self {
            Self::Narrow(sink) => sink.push(number as f32),
            Self::Wide(sink) => sink.push(number),
        }
    }

    fn finish(self) -> Result<Store> {
        match self {
            Self::Narrow(sink) => sink.finish(),
            Self::Wide(sink) => sink.finish(),
        }
    }
}

/// The table as it is put together, row group by row group.
pub(crate) struct ParquetTable<'a> {
    place: &'a str,
    names: Vec<String>,
    /// What is known of each leaf.
    known: Vec<Column>,
    marks: Marks,
    notation: Notation,
    /// Whether the month comes first, as far as a model knows it.
    month_first: Option<bool>,
    memory: Option<u64>,
    /// Columns each leaf becomes, and whether it is a list; known from the first row group.
    widths: Vec<(usize, bool)>,
    columns: Vec<Column>,
    values: Cells,
    rows: usize,
}

impl<'a> ParquetTable<'a> {
    /// An empty table of the named leaves, held as f32 where that is exact, and in at most `memory`
    /// bytes.
    pub(crate) fn new(
        place: &'a str,
        names: Vec<String>,
        known: Vec<Column>,
        narrow: bool,
        options: &ReadOptions,
    ) -> Self {
        let (notation, memory) = (options.written(None), options.memory);
        let most = usize::MAX;
        Self {
            place,
            names,
            known,
            marks: Marks::new(&notation),
            notation,
            month_first: options.known.month_first,
            memory,
            widths: Vec::new(),
            columns: Vec::new(),
            values: if narrow {
                Cells::Narrow(Sink::new(place, memory, most))
            } else {
                Cells::Wide(Sink::new(place, memory, most))
            },
            rows: 0,
        }
    }

    /// Adds the rows of one row group, a part for each leaf.
    pub(crate) fn add(&mut self, parts: &[Part]) -> Result<()> {
        let Some(rows) = parts.iter().find_map(Part::rows) else {
            return Err(Error::data(
                self.place,
                "has only nested columns; wanted numbers or lists of numbers",
            ));
        };
        if parts.iter().filter_map(Part::rows).any(|others| others != rows) {
            return Err(damaged(self.place, "its columns have different lengths"));
        }
        if rows == 0 {
            return Ok(());
        }
        if self.widths.is_empty() {
            self.find_widths(parts)?;
        }
        let cells = rows.checked_mul(self.columns.len()).ok_or_else(|| too_big(self.place))?;
        self.values.expect(cells);
        let mut positions = vec![0; parts.len()];
        for row in 0..rows {
            self.add_row(parts, &mut positions, row)?;
        }
        Ok(())
    }

    fn find_widths(&mut self, parts: &[Part]) -> Result<()> {
        for (part, name) in parts.iter().zip(&self.names) {
            let list = matches!(part, Part::Numbers(Records { lengths: Some(_), .. }, _));
            match part.width() {
                Some(width) if width <= WIDEST_LIST => self.widths.push((width, list)),
                Some(width) => {
                    return Err(Error::data(
                        self.place,
                        format!("column {name:?} has lists of {width} numbers"),
                    ));
                }
                None => {
                    return Err(Error::data(
                        self.place,
                        format!("column {name:?} has only empty lists; remove it"),
                    ));
                }
            }
        }
        let each = parts.iter().zip(&self.widths).zip(&self.known);
        let columns = each.flat_map(|((part, (width, _)), known)| {
            let mut column = known.clone();
            column.nested = matches!(part, Part::Nested);
            std::iter::repeat_n(column, *width)
        });
        self.columns = columns.collect();
        Ok(())
    }

    /// Adds one row; `positions` tells where each part stands in its values.
    fn add_row(&mut self, parts: &[Part], positions: &mut [usize], row: usize) -> Result<()> {
        self.values.room(self.columns.len())?;
        let mut next = 0;
        for (leaf, part) in parts.iter().enumerate() {
            let (width, _) = self.widths[leaf];
            let given = match part {
                Part::Numbers(Records { lengths: Some(lengths), .. }, _) => lengths[row],
                _ => 1,
            };
            if given != width && given != 0 {
                return Err(Error::data(
                    self.place,
                    format!(
                        "row {}, column {:?} has a list of {given} numbers, wanted {width} as in the rows before; make them equally long",
                        self.rows + 1,
                        self.names[leaf]
                    ),
                ));
            }
            let start = positions[leaf];
            positions[leaf] += given;
            for item in 0..width {
                let cell = cell(part, (given > 0).then_some(start + item));
                self.values.push(self.columns[next].take(self.rows, cell, &self.marks));
                next += 1;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows, once all are added.
    pub(crate) fn finish(mut self) -> Result<Loaded> {
        if self.rows == 0 {
            return Err(Error::data(self.place, "has columns but no rows"));
        }
        let shape = Shape::Flat { width: self.columns.len() };
        shape.features().map_err(|error| Error::data(self.place, error.to_string()))?;
        let orders = (self.notation.month_first, self.month_first);
        let values = self.values.finish()?;
        let (values, month_first) =
            settled(&mut self.columns, values, orders, (self.place, self.memory))?;
        let mut dataset = Dataset::new(self.place, shape, values)?;
        for (name, (width, list)) in self.names.iter().zip(&self.widths) {
            if *list {
                dataset.columns.extend((0..*width).map(|item| format!("{name}_{item}")))
            } else {
                dataset.columns.push(name.clone())
            }
        }
        dataset.fields = column::fields(&self.columns);
        note(&mut dataset, &self.columns, &self.notation, month_first);
        Ok(Loaded { dataset, columns: self.columns, groups: None, settings: Vec::new() })
    }
}

/// The value at a position of a part; none is a list that is not there.
fn cell(part: &Part, position: Option<usize>) -> Cell<'_> {
    match (part, position) {
        (Part::Nested, _) => Cell::Text("nested values"),
        (_, None) => Cell::Missing,
        (Part::Texts(texts, own), Some(position)) => match texts.get(position) {
            Some(Some(text)) if *own => Cell::Text(text),
            Some(Some(text)) => Cell::Written(text),
            _ => Cell::Missing,
        },
        (Part::Numbers(records, booleans), Some(position)) => match records.values.get(position) {
            Some(number) if number.is_nan() => Cell::Missing,
            Some(number) if *booleans => Cell::Boolean(*number != 0.0),
            Some(number) => Cell::Number(*number),
            None => Cell::Missing,
        },
    }
}
