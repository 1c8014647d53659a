//! `ae classify`: the class of each row.

use crate::args::Classify;
use crate::commands::reading::read_for;
use crate::commands::writing::Format;
use crate::files::refuse_input;
use crate::show::{self, Show};
use autoencoders::data::ColumnKind;
use autoencoders::data::Field;
use autoencoders::data::write_table_blocks;
use autoencoders::study::Classifier;
use autoencoders::{Error, Matrix, Result, load};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn run(args: &Classify, show: &Show) -> Result<()> {
    refuse_input(&args.output.path, &[&args.model, Path::new(&args.rows.data)])?;
    if Format::check(&args.output, None)? == Format::Npy {
        return Err(Error::unknown("table format", "npy", ["csv", "parquet"]));
    }
    let model = load(&args.model)?;
    let Some(classifier) = model.find::<Classifier>()? else {
        return Err(Error::setting(
            "the model's classifier",
            "missing",
            "a model trained with labels and --head softmax",
        ));
    };
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    let all: Vec<usize> = (0..data.rows()).collect();
    let scores = classifier.scores(&data, &all)?;
    let names = Arc::new(classifier.names.clone());
    let columns: Vec<String> = std::iter::once("class".to_owned())
        .chain(names.iter().map(|name| format!("is_{name}")))
        .collect();
    let fields: Vec<Field> =
        std::iter::once(Field { kind: ColumnKind::Categorical, levels: names.clone() })
            .chain(names.iter().map(|_| Field::of(ColumnKind::Numeric)))
            .collect();
    let values = autoencoders::study::highest(&scores)
        .into_iter()
        .enumerate()
        .flat_map(|(row, class)| {
            std::iter::once(class as f32).chain(scores.row(row).iter().copied())
        })
        .collect();
    let table = Matrix { columns: columns.len(), values };
    write_table_blocks(
        args.output.destination(),
        data.ids.as_deref(),
        &columns,
        &fields,
        data.rows(),
        &mut std::iter::once(Ok(table)),
    )?;
    let accuracy = classifier.recognised(&data, &all)?;
    let of = show::plural(data.rows(), "row");
    let right = accuracy
        .map(|accuracy| format!("; {} of the labelled ones are recognised", show::number(accuracy)))
        .unwrap_or_default();
    show.result(
        &json!({ "output": show::path_text(&args.output.path), "rows": data.rows(), "classes": classifier.names, "accuracy": accuracy }),
        format!("{}: the classes of {of}{right}", args.output.path.display()),
    )
}
