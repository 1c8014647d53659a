//! `ae interpolate`: from one row to another.

use crate::args::Interpolate;
use crate::commands::reading::{known_row, read_for};
use crate::commands::writing::{Format, write_rows};
use crate::files::refuse_input;
use crate::show::Show;
use autoencoders::study::interpolate;
use autoencoders::{Result, load};
use std::path::Path;

pub(crate) fn run(args: &Interpolate, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.rows.data)])?;
    let model = load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let (from, to) = (known_row(&data, args.ends.0)?, known_row(&data, args.ends.1)?);
    let rows = interpolate(&model, &data, from, to, args.steps)?;
    write_rows(&args.output, format, &model, None, &rows, args.steps)?;
    show.written(&args.output.path, rows.rows(), rows.columns)
}
