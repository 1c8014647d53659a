//! `ae data`: what is in a file of rows.

use crate::args::Data;
use crate::show::{self, Show};
use crate::wording::{all_worded, as_a_flag, worded};
use autoencoders::data::ColumnDescription;
use autoencoders::data::Description;
use autoencoders::data::Field;
use autoencoders::data::describe;
use autoencoders::data::read;
use autoencoders::{Error, Result};
use serde_json::json;

/// Columns and labels listed at most; `--json` has all.
const MOST: usize = 40;

pub(crate) fn run(args: &Data, show: &Show) -> Result<()> {
    args.rows.reading.require_window()?;
    let description = describe(&args.rows.data, &args.rows.reading.options())?;
    let mut json = serde_json::to_value(&description)
        .map_err(|error| Error::data(&description.name, error.to_string()))?;
    // The same words that a training would end with: where it is, and what to do about it.
    let refused =
        read(&args.rows.data, &args.rows.reading.options()).err().map(|error| worded(&error));
    json["refused"] = json!(refused);
    json["checks"] = json!(all_worded(&description.checks));
    json["warnings"] = json!(all_worded(&description.warnings));
    show.result(&json, text(&description))?;
    if !show.json {
        refused
            .iter()
            .for_each(|refused| show.warn(format!("training would refuse this: {refused}")));
        description.warnings.iter().for_each(|warning| show.warn(warning));
        description.checks.iter().for_each(|check| show.warn(check));
    }
    Ok(())
}

fn text(description: &Description) -> String {
    let mut text = format!(
        "{}: {} of {}, held as {}\n",
        description.name,
        show::plural(description.rows, "row"),
        description.shape,
        description.storage
    );
    text += &format!(
        "from {} to {}; {} missing, {} infinite, {} constant\n",
        of(description.min),
        of(description.max),
        description.missing,
        description.infinite,
        show::plural(description.constant, "column")
    );
    if !description.settings.is_empty() {
        let settings = description.settings.iter();
        let words: Vec<String> =
            settings.map(|(name, value)| as_a_flag(name, Some(value))).collect();
        text += &format!("read as with {}\n", words.join(" "));
    }
    if let Some(labels) = &description.labels {
        let counts: Vec<String> =
            labels.iter().take(MOST).map(|(label, count)| format!("{label} ({count})")).collect();
        text += &format!(
            "{}: {}{}\n",
            show::plural(labels.len(), "label"),
            counts.join(", "),
            more(labels.len())
        );
    }
    if description.columns.is_empty() {
        return text;
    }
    let mut rows = vec![show::cells([
        &"column",
        &"kind",
        &"min",
        &"max",
        &"mean",
        &"sd",
        &"distinct",
        &"missing",
    ])];
    let categories = description.columns.iter().any(|column| !column.common.is_empty());
    rows[0].extend(categories.then(|| "most frequent".to_owned()));
    rows.extend(description.columns.iter().take(MOST).map(|column| line(column, categories)));
    format!("{text}\n{}{}", show::table(&rows), more(description.columns.len()))
}

fn line(column: &ColumnDescription, categories: bool) -> Vec<String> {
    let field = Field::of(column.kind);
    let value = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| show::value(Some(&field), value))
    };
    let mut cells = vec![column.name.clone(), column.kind.to_string()];
    cells.extend([value(column.min), value(column.max), value(column.mean), of(column.sd)]);
    // The reader counts no further.
    let distinct =
        if column.distinct >= 1000 { "1000+".to_owned() } else { column.distinct.to_string() };
    let common: Vec<String> =
        column.common.iter().map(|(level, count)| format!("{level} ({count})")).collect();
    cells.extend([distinct, column.missing.to_string()]);
    cells.extend(categories.then(|| common.join(", ")));
    cells
}

fn of(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), show::number)
}

fn more(count: usize) -> String {
    match count.saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" ... and {more} more (--json lists all)"),
    }
}
