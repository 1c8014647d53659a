//! `ae reconstruct`: rows as the model gives them back.

use super::{Format, picture, read_rows, refuse_input, write_rows};
use crate::args::Reconstruct;
use crate::show::Show;
use autoencoders::{Matrix, Model, Result};

/// Images side by side in a picture, and how many there are unless another number is asked for.
const ACROSS: usize = 16;
use std::path::Path;

pub(crate) fn run(args: &Reconstruct, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.rows.data)])?;
    let model = Model::load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let mut data = read_rows(&args.rows, show)?;
    let wanted = args.count.map(|count| count as usize).or((format == Format::Png).then_some(ACROSS));
    if let Some(wanted) = wanted.filter(|wanted| *wanted < data.rows()) {
        data = data.select(&(0..wanted).collect::<Vec<_>>());
    }
    let mut rows = model.reconstruct(&data)?;
    let count = rows.rows();
    let across = count.min(ACROSS);
    if format == Format::Png {
        let originals = (0..data.values.len()).map(|at| data.values.get(at) as f32).collect();
        rows = picture::paired(&Matrix { columns: rows.columns, values: originals }, &rows, across);
    }
    write_rows(&args.output, format, &model, data.ids.as_deref(), &rows, across)?;
    show.written(&args.output.path, count, rows.columns)
}
