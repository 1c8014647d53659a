//! One file a command, and what several of them do.

pub(crate) mod classify;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod eval;
pub(crate) mod explore;
pub(crate) mod families;
pub(crate) mod generate;
pub(crate) mod info;
pub(crate) mod interpolate;
pub(crate) mod reconstruct;
pub(crate) mod score;
pub(crate) mod search;
pub(crate) mod train;

mod interrupt;
mod live;
mod picture;
mod place;
mod recipe;
pub(crate) mod report;
pub(crate) mod summary;

use crate::args::{Output, Reading, Rows};
use crate::show::Show;
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::read;
use autoencoders::data::refuse_existing;
use autoencoders::data::write_npy;
use autoencoders::data::write_table_blocks;
use autoencoders::{Error, Matrix, Model, Result};
use std::path::Path;

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

/// What a file of rows holds, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// An array.
    Npy,
    /// CSV or Parquet.
    Table,
    /// A picture.
    Png,
}

impl Format {
    /// The format of an output, refused before anything is computed.
    ///
    /// `model` is the one whose rows are written; codes, written without it, are no picture.
    pub(crate) fn check(output: &Output, model: Option<&Model>) -> Result<Self> {
        refuse_existing(&output.path, output.force)?;
        refuse_no_folder(&output.path)?;
        let extension =
            output.path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match (extension.as_str(), model) {
            ("npy", _) => Ok(Self::Npy),
            ("csv" | "parquet", _) => Ok(Self::Table),
            ("png", Some(model)) => picture::check(model).map(|()| Self::Png),
            (_, None) => Err(Error::unknown("table format", extension, ["npy", "csv", "parquet"])),
            (_, Some(_)) => {
                Err(Error::unknown("format", extension, ["npy", "csv", "parquet", "png"]))
            }
        }
    }
}

/// An error where an output is one of the inputs, which `--force` would destroy.
pub(crate) fn refuse_input(output: &Path, inputs: &[&Path]) -> Result<()> {
    let same = |input: &&&Path| {
        output
            .canonicalize()
            .is_ok_and(|output| input.canonicalize().is_ok_and(|input| input == output))
    };
    match inputs.iter().find(same) {
        Some(_) => Err(Error::data(
            output.display(),
            "is read by this very command; choose another name for what it writes",
        )),
        None => Ok(()),
    }
}

/// An error where the folder of an output is missing.
pub(crate) fn refuse_no_folder(path: &Path) -> Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(Error::data(
            path.display(),
            format!("there is no folder {}; create it first", folder.display()),
        )),
        None => Ok(()),
    }
}

/// Whether there is something in a folder that writing into it could replace.
pub(crate) fn holds_files(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// A model by the name of its file.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Writes rows of a model in the units of its data; `per_row` images stand side by side in a
/// picture.
pub(crate) fn write_rows(
    output: &Output,
    format: Format,
    model: &Model,
    ids: Option<&[String]>,
    rows: &Matrix,
    per_row: usize,
) -> Result<()> {
    match format {
        Format::Npy => write_npy(
            &output.path,
            &array_shape(&model.signature().shape, rows.rows()),
            &rows.values,
        ),
        Format::Table => {
            let blocks = &mut std::iter::once(Ok(rows.clone()));
            write_table_blocks(
                &output.path,
                ids,
                &column_names(model),
                &model.signature().preparation.fields(),
                rows.rows(),
                blocks,
            )
        }
        Format::Png => picture::write(&output.path, model, rows, per_row),
    }
}

/// The dimensions by which the reader recognises images and series.
fn array_shape(shape: &Shape, rows: usize) -> Vec<usize> {
    match *shape {
        Shape::Flat { width } => vec![rows, width],
        Shape::Image { height, width, channels } => vec![rows, height, width, channels],
        Shape::Series { length, channels } => vec![rows, length, channels],
    }
}

fn column_names(model: &Model) -> Vec<String> {
    if model.signature().columns.is_empty() {
        (0..model.features()).map(|column| format!("x_{column}")).collect()
    } else {
        model.signature().columns.clone()
    }
}
