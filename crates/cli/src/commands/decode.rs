//! `ae decode`: the rows of codes.

use crate::args::Decode;
use crate::commands::writing::{Format, write_rows};
use crate::files::refuse_input;
use crate::show::Show;
use autoencoders::data::Dataset;
use autoencoders::data::ReadOptions;
use autoencoders::data::describe;
use autoencoders::data::read;
use autoencoders::{Matrix, Result, load};

/// The column that `ae encode` writes before the codes.
const ROW: &str = "row";
use std::path::Path;

pub(crate) fn run(args: &Decode, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.codes)])?;
    let model = load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let data = read_codes(&args.codes)?;
    let codes = Matrix::of(&data, 0..data.rows())?.narrow();
    let rows = model.decode(&codes)?;
    let across = rows.rows().isqrt().max(1);
    write_rows(&args.output, format, &model, data.ids.as_deref(), &rows, across)?;
    show.written(&args.output.path, rows.rows(), rows.columns)
}

/// Reads codes, with or without the column that identifies rows.
///
/// What the reader notices (a unit that never changes) is nothing to worry about in codes.
fn read_codes(source: &str) -> Result<Dataset> {
    let columns = describe(source, &ReadOptions::default())?.columns;
    let id = columns.first().filter(|first| first.name == ROW).map(|_| ROW.to_owned());
    read(source, &ReadOptions { id: id.into_iter().collect(), ..ReadOptions::default() })
}
