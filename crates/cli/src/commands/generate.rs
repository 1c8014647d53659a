//! `ae generate`: new rows.

use crate::args::Generate;
use crate::commands::writing::{Format, write_rows};
use crate::files::refuse_input;
use crate::show::Show;
use autoencoders::study::generate;
use autoencoders::{Result, Source, load};

pub(crate) fn run(args: &Generate, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model])?;
    let model = load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    let rows =
        generate(&model, args.count as usize, args.seed, args.source.unwrap_or(Source::Auto))?;
    let across = rows.rows().isqrt().max(1);
    write_rows(&args.output, format, &model, None, &rows, across)?;
    show.written(&args.output.path, rows.rows(), rows.columns)
}
