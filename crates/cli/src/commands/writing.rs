//! Rows of a model in the format of the file that a command writes.

use crate::args::Output;
use crate::commands::picture;
use autoencoders::data::{Destination, Shape, write_npy, write_table_blocks};
use autoencoders::{Error, Matrix, Model, Result};

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
        output.destination().check()?;
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

/// Writes rows of a model in the units of its data; `per_row` images stand side by side in a
/// picture.
pub(crate) fn write_rows(
    output: &Output,
    format: Format,
    model: &Model,
    ids: Option<&[String]>,
    rows: &Matrix<f64>,
    per_row: usize,
) -> Result<()> {
    match format {
        Format::Npy => write_npy(
            output.destination(),
            &array_shape(&model.signature().shape, rows.rows()),
            &rows.values,
        ),
        Format::Table => write_table_of(
            output.destination(),
            ids,
            model,
            rows.rows(),
            &mut std::iter::once(Ok(rows.clone())),
        ),
        Format::Png => picture::write(output.destination(), model, rows, per_row),
    }
}

/// Writes rows of a model as a table, with as many digits as they have.
pub(crate) fn write_table_of(
    to: Destination,
    ids: Option<&[String]>,
    model: &Model,
    rows: usize,
    blocks: &mut dyn Iterator<Item = Result<Matrix<f64>>>,
) -> Result<()> {
    let (signature, columns) = (model.signature(), column_names(model));
    let fields = signature.preparation.fields();
    if matches!(signature.shape, Shape::Image { .. }) {
        // Pixels are many, and single precision tells them apart.
        let blocks = &mut blocks.map(|block| block.map(|block| block.narrow()));
        return write_table_blocks(to, ids, &columns, &fields, rows, blocks);
    }
    let blocks = &mut blocks.map(|block| block.map(|block| signature.rounded(block)));
    write_table_blocks(to, ids, &columns, &fields, rows, blocks)
}

/// The dimensions by which the reader recognises images and series.
pub(crate) fn array_shape(shape: &Shape, rows: usize) -> Vec<usize> {
    match *shape {
        Shape::Flat { width } => vec![rows, width],
        Shape::Image { height, width, channels } => vec![rows, height, width, channels],
        Shape::Series { length, channels } => vec![rows, length, channels],
    }
}

pub(crate) fn column_names(model: &Model) -> Vec<String> {
    if model.signature().columns.is_empty() {
        (0..model.features()).map(|column| format!("x_{column}")).collect()
    } else {
        model.signature().columns.clone()
    }
}
