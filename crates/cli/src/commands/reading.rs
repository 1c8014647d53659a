//! Rows as a command was told to read them.

use crate::args::{Reading, Rows};
use crate::show::Show;
use autoencoders::data::{Dataset, ReadOptions, read};
use autoencoders::{Error, Model, Result};

/// Reads rows, and shows what the reader noticed.
pub(crate) fn read_rows(rows: &Rows, show: &Show) -> Result<Dataset> {
    rows.reading.require_window()?;
    Ok(shown(read(&rows.data, &rows.reading.options())?, show))
}

/// Reads rows for a model: its columns by their names, whatever their order, and windows as they
/// were cut in training.
pub(crate) fn read_for(
    model: &Model,
    data: &str,
    reading: &Reading,
    show: &Show,
) -> Result<Dataset> {
    let data = read(data, &options_for(model, reading)?)?;
    aligned(model, shown(data, show), show)
}

/// Rows in the order of the model's columns.
pub(crate) fn aligned(model: &Model, data: Dataset, show: &Show) -> Result<Dataset> {
    let (data, warnings) = model.signature().aligned(data)?;
    warnings.iter().for_each(|warning| show.warn(warning));
    Ok(data)
}

/// A zero-based row that the data have; users count from 1.
pub(crate) fn known_row(data: &Dataset, row: usize) -> Result<usize> {
    let rows = data.rows();
    if row < rows {
        return Ok(row);
    }
    Err(Error::setting("row", row + 1, format!("1 to {rows}, the rows of {}", data.name)))
}

/// How rows are read for a model.
pub(crate) fn options_for(model: &Model, reading: &Reading) -> Result<ReadOptions> {
    let mut options = reading.options();
    options.expected = model.signature().kinds();
    options.known = model.signature().notation.clone();
    if let (Some(patches), Some(whiten)) =
        (&mut options.patches, &model.signature().preparation.whiten)
        && reading.whiten.is_none()
    {
        patches.whiten = whiten.how();
    }
    if model.signature().series.is_none() {
        reading.require_window()?;
    }
    options.series = reading.series(model.signature().series.as_ref());
    Ok(options)
}

/// The rows, once it is shown what the reader noticed.
pub(crate) fn shown(data: Dataset, show: &Show) -> Dataset {
    data.warnings.iter().for_each(|warning| show.warn(warning));
    data
}
