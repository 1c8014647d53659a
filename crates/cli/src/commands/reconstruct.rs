//! `ae reconstruct`: rows as the model gives them back.

use super::{Format, array_shape, column_names, picture, read_for, refuse_input};
use crate::args::Reconstruct;
use crate::show::Show;
use autoencoders::data::{write_npy_blocks, write_table_blocks};
use autoencoders::{Matrix, Model, Result};
use std::path::Path;

/// Images side by side in a picture, and how many there are unless another number is asked for.
const ACROSS: usize = 16;

pub(crate) fn run(args: &Reconstruct, show: &Show) -> Result<()> {
    let path = &args.output.path;
    refuse_input(path, &[&args.model, Path::new(&args.rows.data)])?;
    let model = Model::load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let wanted = args.count.map(|count| count as usize).or((format == Format::Png).then_some(ACROSS));
    let rows = wanted.unwrap_or(usize::MAX).min(data.rows());
    let features = model.parts.plan.features();
    model.reconstruct_blocks(&data, 0..rows, |blocks| match format {
        Format::Npy => write_npy_blocks(path, &array_shape(&model.parts.plan.shape, rows), blocks),
        Format::Table => write_table_blocks(path, data.ids.as_ref().map(|ids| &ids[..rows]), &column_names(&model), rows, blocks),
        Format::Png => {
            let blocks = blocks.collect::<Result<Vec<_>>>()?;
            let below = Matrix { columns: features, values: blocks.into_iter().flat_map(|block| block.values).collect() };
            let across = rows.min(ACROSS);
            picture::write(path, &model, &picture::paired(&Matrix::of(&data, 0..rows)?, &below, across), across)
        }
    })?;
    show.written(path, rows, features)
}
