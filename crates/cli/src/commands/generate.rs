//! `ae generate`: new rows.

use crate::args::Generate;
use crate::commands::writing::{Format, column_names, write_rows};
use crate::files::refuse_input;
use crate::show::Show;
use autoencoders::data::{Shape, write_new_rows};
use autoencoders::study::generate;
use autoencoders::{Result, Source, load};

pub(crate) fn run(args: &Generate, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model])?;
    let model = load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let rows =
        generate(&model, args.count as usize, args.seed, args.source.unwrap_or(Source::Auto))?;
    let across = rows.rows().isqrt().max(1);
    let signature = model.signature();
    let is_table = matches!(signature.shape, Shape::Flat { .. });
    if format == Format::Table && is_table {
        // Rows that are nobody's have no number: the file has the columns of the training.
        let (columns, fields) = (column_names(&model), signature.preparation.fields());
        write_new_rows(
            args.output.destination(),
            &columns,
            &fields,
            &signature.rounded(rows.clone()),
        )?;
    } else {
        write_rows(&args.output, format, &model, None, &rows, across)?;
    }
    show.written(&args.output.path, rows.rows(), rows.columns)
}
