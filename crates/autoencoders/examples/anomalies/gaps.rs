//! The part of the table that is about missing values: how well hidden cells are filled.

use crate::Options;
use autoencoders::data::ReadOptions;
use autoencoders::data::read;
use autoencoders::study::Filling;
use autoencoders::study::filling;
use autoencoders::{Config, Flow, Result, Rng, fit};
use serde_json::{Map, Value, json};

/// Sets whose cells are hidden.
const SETS: [&str; 2] = ["30_satellite", "32_shuttle"];
/// Fractions of the cells.
const HIDDEN: [f64; 3] = [0.1, 0.3, 0.5];

/// Hides cells at random, trains on what is left, and fills.
pub(crate) fn gaps(options: &Options) -> Result<Value> {
    println!(
        "\ngaps: mean absolute error of filled cells over that of filling with the column's mean"
    );
    let mut result = Map::new();
    for set in SETS {
        let path = options.folder.join(format!("adbench/{set}.npz")).display().to_string();
        let whole = read(
            &path,
            &ReadOptions {
                label: Some("y".to_owned()),
                array: Some("X".to_owned()),
                ..ReadOptions::default()
            },
        )?;
        let mut of_set = Map::new();
        for hidden in HIDDEN {
            let holed = whole.with_gaps(hidden, &mut Rng::new(0).split("gaps"))?;
            let config = Config::for_gaps(&whole.shape, &whole.fields).test(0.0);
            let model = fit(&config, &holed, None, false, &mut |_| Flow::Continue)?.model;
            let filled = filling(&model, &whole, &holed)?;
            let median = Filling::median(&filled).unwrap_or(f64::NAN);
            println!("{set}, {:.0} % hidden: median over columns {median:.3}", 100.0 * hidden);
            let mut columns = Map::new();
            for of in &filled {
                columns.insert(
                    whole.column_name(of.column),
                    json!({ "cells": of.cells, "error": of.error, "by_mean": of.by_mean, "ratio": of.ratio() }),
                );
            }
            let line: Vec<String> = filled
                .iter()
                .map(|of| of.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}")))
                .collect();
            println!("  column by column: {}", line.join(" "));
            of_set.insert(hidden.to_string(), json!({ "median": median, "columns": columns }));
        }
        result.insert(set.to_owned(), Value::Object(of_set));
    }
    Ok(Value::Object(result))
}
