//! Tables that come row by row, from one file or from several that are one table together.

use crate::hold::pieces::Piece;
use crate::names::Names;
use crate::options::ReadOptions;
use crate::tables::cell::Cell;
use crate::tables::table::{Loaded, Table};
use rows::{DecimalMark, Error, Message, Result};
use std::path::Path;

/// Takes a row of cells.
pub(crate) type Add<'a> = dyn FnMut(&[Cell<'_>]) -> Result<()> + 'a;

/// A file whose rows are read one after the other.
pub(crate) trait Records {
    /// What its columns are called.
    fn names(&self) -> &Names;

    /// How many columns it has.
    fn width(&self) -> usize;

    /// The mark before decimals, where the file tells it.
    fn decimal(&self) -> Option<DecimalMark> {
        None
    }

    /// Whether each row is a line of text.
    fn is_lines(&self) -> bool {
        false
    }

    /// Passes on all rows.
    fn feed(&mut self, add: &mut Add<'_>) -> Result<()>;

    /// What the user should know, once all rows are read.
    fn notes(&self) -> Vec<Message> {
        Vec::new()
    }

    /// The settings that would read the file in the same way.
    fn settings(&self, _: DecimalMark) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Opens a file of a table.
pub(crate) type Open<'a> = dyn Fn(&Path) -> Result<Box<dyn Records>> + 'a;

/// Takes the rows of a table.
pub(crate) trait Take {
    /// Takes what the first file tells, and the names and the number of all columns, with those of the
    /// parts of paths that name a value.
    fn begin(&mut self, first: &dyn Records, names: Names, width: usize) -> Result<()>;

    /// Takes a row.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()>;
}

/// Passes on the rows of files that are one table together, the parts of their paths that name a value
/// as columns; what the user should know comes back.
pub(crate) fn each(
    place: &str,
    pieces: &[Piece],
    open: &Open<'_>,
    take: &mut dyn Take,
) -> Result<Vec<Message>> {
    let Some((first, others)) = pieces.split_first() else {
        return Err(Error::data(place, "has no files"));
    };
    let mut records = open(&first.path)?;
    let (own, width) = (records.names().clone(), records.width());
    let keys: Vec<String> = first.keys.iter().map(|(name, _)| name.clone()).collect();
    take.begin(records.as_ref(), own.with(&keys, width), width + keys.len())?;
    feed(take, records.as_mut(), first, None)?;
    let mut notes = records.notes();
    for piece in others {
        let mut records = open(&piece.path)?;
        let order = own.order(width, records.names(), records.width()).ok_or_else(|| {
            let (this, that) = (piece.path.display(), first.path.display());
            Error::data(
                place,
                format!("{this} has other columns than {that}; wanted the same in all files"),
            )
        })?;
        let same = piece.keys.iter().map(|(name, _)| name).eq(&keys);
        if !same {
            let why = format!(
                "{} lies in a folder of other values than the first file",
                piece.path.display()
            );
            return Err(Error::data(place, why));
        }
        feed(take, records.as_mut(), piece, order.as_deref())?;
        notes.extend(records.notes());
    }
    notes.dedup();
    Ok(notes)
}

fn feed(
    take: &mut dyn Take,
    records: &mut dyn Records,
    piece: &Piece,
    order: Option<&[usize]>,
) -> Result<()> {
    let keys: Vec<Cell<'_>> = piece.keys.iter().map(|(_, value)| Cell::Written(value)).collect();
    records.feed(&mut |cells| match order {
        None if keys.is_empty() => take.row(cells),
        None => take.row(&[cells, &keys].concat()),
        Some(order) => {
            let cell = |at: &usize| cells.get(*at).copied().unwrap_or(Cell::Missing);
            take.row(&order.iter().map(cell).chain(keys.iter().copied()).collect::<Vec<_>>())
        }
    })
}

/// Reads files that are one table together.
pub(crate) fn load(
    place: &str,
    pieces: &[Piece],
    options: &ReadOptions,
    open: &Open<'_>,
) -> Result<Loaded> {
    let mut loading = Loading { place, options, table: None, settings: Vec::new() };
    let notes = each(place, pieces, open, &mut loading)?;
    let Some(table) = loading.table.filter(|table| table.rows() > 0) else {
        return Err(Error::data(place, "has a header but no rows"));
    };
    let mut loaded = table.finish()?;
    loaded.settings = loading.settings;
    loaded.dataset.warnings.splice(0..0, notes);
    Ok(loaded)
}

/// A table that is read.
struct Loading<'a> {
    place: &'a str,
    options: &'a ReadOptions,
    table: Option<Table<'a>>,
    settings: Vec<(&'static str, String)>,
}

impl Take for Loading<'_> {
    fn begin(&mut self, first: &dyn Records, names: Names, width: usize) -> Result<()> {
        let mut notation = self.options.written(first.decimal());
        notation.lines = first.is_lines();
        self.settings = first.settings(notation.decimal.unwrap_or_default());
        self.table = Some(Table::new(self.place, names, width, self.options, notation)?);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        self.table.as_mut().map_or(Ok(()), |table| table.add(cells.iter().copied()))
    }
}
