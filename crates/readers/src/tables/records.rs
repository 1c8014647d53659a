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

/// Reads files that are one table together, the parts of their paths that name a value as columns.
pub(crate) fn load<'r>(
    place: &str,
    pieces: &[Piece],
    options: &ReadOptions,
    open: &dyn Fn(&Path) -> Result<Box<dyn Records + 'r>>,
) -> Result<Loaded> {
    let Some((first, others)) = pieces.split_first() else {
        return Err(Error::data(place, "has no files"));
    };
    let mut records = open(&first.path)?;
    let (own, width) = (records.names().clone(), records.width());
    let keys: Vec<String> = first.keys.iter().map(|(name, _)| name.clone()).collect();
    let names = own.with(&keys, width);
    let mut notation = options.written(records.decimal());
    notation.lines = records.is_lines();
    let decimal = notation.decimal.unwrap_or_default();
    let mut table = Table::new(place, names, width + keys.len(), options, notation)?;
    feed(&mut table, records.as_mut(), first, None)?;
    let (mut notes, settings) = (records.notes(), records.settings(decimal));
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
        feed(&mut table, records.as_mut(), piece, order.as_deref())?;
        notes.extend(records.notes());
    }
    if table.rows() == 0 {
        return Err(Error::data(place, "has a header but no rows"));
    }
    let mut loaded = table.finish()?;
    loaded.settings = settings;
    notes.dedup();
    loaded.dataset.warnings.splice(0..0, notes);
    Ok(loaded)
}

fn feed(
    table: &mut Table<'_>,
    records: &mut dyn Records,
    piece: &Piece,
    order: Option<&[usize]>,
) -> Result<()> {
    let keys: Vec<Cell<'_>> = piece.keys.iter().map(|(_, value)| Cell::Written(value)).collect();
    records.feed(&mut |cells| {
        let keys = keys.iter().copied();
        match order {
            None => table.add(cells.iter().copied().chain(keys)),
            Some(order) => {
                let cell = |at: &usize| cells.get(*at).copied().unwrap_or(Cell::Missing);
                table.add(order.iter().map(cell).chain(keys))
            }
        }
    })
}
