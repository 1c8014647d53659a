//! Rows as a command was told to read them.

use crate::args::{Reading, Rows};
use crate::show::Show;
use autoencoders::data::{Dataset, read};
use autoencoders::{Model, Result};

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
    let (data, warnings) = model.signature().aligned(shown(read(data, &options)?, show))?;
    warnings.iter().for_each(|warning| show.warn(warning));
    Ok(data)
}

fn shown(data: Dataset, show: &Show) -> Dataset {
    data.warnings.iter().for_each(|warning| show.warn(warning));
    data
}
