//! `ae reconstruct`: rows as the model gives them back, or with their gaps filled.

use crate::args::Reconstruct;
use crate::commands::picture;
use crate::commands::reading::{aligned, options_for, read_for, shown};
use crate::commands::writing::{Format, array_shape, write_table_of};
use crate::files::refuse_input;
use crate::show::{self, Show};
use autoencoders::data::write_npy_blocks;
use autoencoders::data::{Dataset, FilledCell, Split, places, read, write_filled};
use autoencoders::study::{Filling, filled, filling};
use autoencoders::{Config, Error, Matrix, Model, Result, Rng, load};
use serde_json::json;
use std::path::Path;

/// Images side by side in a picture, and how many there are unless another number is asked for.
const ACROSS: usize = 16;
/// Fewer rows do not tell how well gaps are filled.
const FEWEST: usize = 20;
/// Fraction of the known cells that are hidden again, to see how well gaps are filled.
const HIDDEN: f64 = 0.1;
/// The error over that of the mean from which filling was in vain.
const IN_VAIN: f64 = 0.95;

pub(crate) fn run(args: &Reconstruct, show: &Show) -> Result<()> {
    let path = &args.output.path;
    refuse_input(path, &[&args.model, Path::new(&args.rows.data)])?;
    let model = load(&args.model)?;
    let format = Format::check(&args.output, Some(&model))?;
    if args.fill {
        return fill(args, &model, show);
    }
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let wanted =
        args.count.map(|count| count as usize).or((format == Format::Png).then_some(ACROSS));
    let rows = wanted.unwrap_or(usize::MAX).min(data.rows());
    let features = model.features();
    let ids = data.ids.as_ref().map(|ids| &ids[..rows]);
    model.reconstruct_blocks(&data, 0..rows, |blocks| match format {
        Format::Npy => write_npy_blocks(
            args.output.destination(),
            &array_shape(&model.signature().shape, rows),
            blocks,
        ),
        Format::Table => write_table_of(args.output.destination(), ids, &model, rows, blocks),
        Format::Png => {
            let blocks = blocks.collect::<Result<Vec<_>>>()?;
            let below = Matrix {
                columns: features,
                values: blocks.into_iter().flat_map(|block| block.values).collect(),
            };
            let across = rows.min(ACROSS);
            picture::write(
                args.output.destination(),
                &model,
                &picture::paired(&Matrix::of(&data, 0..rows)?, &below, across),
                across,
            )
        }
    })?;
    show.written(path, rows, features)
}

/// Writes the rows as they are, with values where there were none, and says how well such values
/// are met.
fn fill(args: &Reconstruct, model: &Model, show: &Show) -> Result<()> {
    let path = &args.output.path;
    if model.signature().preparation.table.as_ref().is_none_or(|table| !table.gaps) {
        return Err(Error::setting(
            "fill",
            "given",
            "a model that knows gaps: trained on rows that have some, or with --hidden 0.2",
        ));
    }
    let options = options_for(model, &args.rows.reading)?;
    let data = shown(read(&args.rows.data, &options)?, show);
    let columns = data.columns.clone();
    let data = aligned(model, data, show)?;
    let rows: Vec<usize> =
        (0..args.count.map_or(data.rows(), |count| data.rows().min(count as usize))).collect();
    let data = data.select(&rows)?;
    let known = places(&model.signature().columns);
    let place = |own: usize| match columns.get(own) {
        Some(name) if !known.is_empty() => known.get(name.as_str()).copied(),
        _ => Some(own),
    };
    let (rebuilt, fields) = (filled(model, &data)?, model.signature().preparation.fields());
    let mut value = |row: usize, own: usize| {
        let column = place(own)?;
        let number = model.signature().rounded_value(column, rebuilt.row(row)[column]);
        FilledCell::of(fields.get(column)?, number)
    };
    let cells =
        write_filled(&args.rows.data, &options, args.output.destination(), rows.len(), &mut value)?;
    // Rows that trained are filled better than others.
    let unseen = unseen(model, &data);
    let data = match &unseen {
        Some(rows) => data.select(rows)?,
        None => data,
    };
    let holed = data.with_gaps(HIDDEN, &mut Rng::new(model.plan().settings.seed).split("fill"))?;
    let mut filled = filling(model, &data, &holed)?;
    filled.sort_by(|a, b| a.ratio().unwrap_or(1.0).total_cmp(&b.ratio().unwrap_or(1.0)));
    let median = Filling::median(&filled);
    let in_vain = filled.iter().filter(|of| of.ratio().is_some_and(|ratio| ratio >= IN_VAIN));
    let in_vain: Vec<String> = in_vain.map(|of| data.column_name(of.column)).collect();
    if !in_vain.is_empty() {
        show.warn(format!(
            "filled no better than by the mean: {}; the other columns do not tell them",
            in_vain.join(", ")
        ));
    }
    if show.json {
        let object = |of: &Filling| json!({ "column": data.column_name(of.column), "cells": of.cells, "error": of.error, "by_mean": of.by_mean, "ratio": of.ratio() });
        let columns: Vec<_> = filled.iter().map(object).collect();
        return show::print(
            &json!({ "output": show::path_text(path), "rows": rows.len(), "filled": cells, "median_ratio": median, "columns": columns }).to_string(),
        );
    }
    let median = median.map_or("-".to_owned(), show::number);
    show::print(&format!(
        "{} filled; of known cells{}, one in ten hidden again, the error is {median} of filling by the mean (median over columns)\n\n{}",
        show::plural(cells, "cell"),
        unseen.map_or_else(
            || " (of rows that may have trained, which are filled better than others)".to_owned(),
            |rows| format!(" of {} rows that did not train", rows.len())
        ),
        told(&filled, &data)
    ))?;
    show.note(format!("{}: {}", path.display(), show::plural(rows.len(), "row")));
    Ok(())
}

/// How well the gaps of each column are filled, as a table.
fn told(filled: &[Filling], data: &Dataset) -> String {
    let mut table = vec![show::cells([&"column", &"error", &"of the mean's", &"ratio"])];
    for of in filled {
        let ratio = of.ratio().map_or("-".to_owned(), show::number);
        table.push(show::cells([
            &data.column_name(of.column),
            &show::number(of.error),
            &show::number(of.by_mean),
            &ratio,
        ]));
    }
    show::table(&table)
}

/// The rows of which nothing was learned, where the data are those of the training and there are enough.
fn unseen(model: &Model, data: &Dataset) -> Option<Vec<usize>> {
    let train = Config::of(model).ok()?.train;
    let split = Split::of(data, train.fractions(), model.plan().settings.seed).ok()?;
    let same = split.train.len() == model.provenance().training_rows;
    (same && split.test.len() >= FEWEST).then_some(split.test)
}
