//! `ae encode`: the codes of rows.

use crate::args::Encode;
use crate::commands::reading::read_for;
use crate::commands::writing::Format;
use crate::files::refuse_input;
use crate::show::Show;
use autoencoders::data::write_table_blocks;
use autoencoders::{Result, load};
use std::path::Path;

pub(crate) fn run(args: &Encode, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.rows.data)])?;
    Format::check(&args.output, None)?;
    let model = load(&args.model)?;
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let columns: Vec<String> = (0..model.latent()).map(|unit| format!("code_{unit}")).collect();
    model.encode_blocks(&data, 0..data.rows(), |blocks| {
        write_table_blocks(
            args.output.destination(),
            data.ids.as_deref(),
            &columns,
            &[],
            data.rows(),
            blocks,
        )
    })?;
    show.written(&args.output.path, data.rows(), columns.len())
}
