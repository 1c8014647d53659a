//! `ae encode`: the codes of rows.

use super::{Format, read_rows, refuse_input};
use crate::args::Encode;
use crate::show::Show;
use autoencoders::data::write_table;
use autoencoders::{Model, Result};
use std::path::Path;

pub(crate) fn run(args: &Encode, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.rows.data)])?;
    Format::check(&args.output, None)?;
    let model = Model::load(&args.model)?;
    let data = read_rows(&args.rows, show)?;
    let codes = model.encode(&data)?;
    let columns: Vec<String> = (0..codes.columns).map(|unit| format!("code_{unit}")).collect();
    write_table(&args.output.path, data.ids.as_deref(), &columns, codes.rows(), &codes.values)?;
    show.written(&args.output.path, codes.rows(), codes.columns)
}
