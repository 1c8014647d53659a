//! `ae families`: every family and its parameters.

use crate::show::Show;
use autoencoders::{FAMILIES, FamilyEntry, Result};
use serde_json::{Value, json};

pub(crate) fn run(show: &Show) -> Result<()> {
    let list: Vec<Value> = FAMILIES.iter().map(object).collect();
    show.result(&list.into(), FAMILIES.iter().map(text).collect::<String>())
}

fn object(entry: &FamilyEntry) -> Value {
    json!({ "name": entry.name, "title": entry.title, "paper": entry.paper, "parameters": (entry.defaults)() })
}

fn text(entry: &FamilyEntry) -> String {
    let parameters = (entry.defaults)()
        .iter()
        .map(|(name, value)| format!("  --set {name}={}\n", plain(value)))
        .collect::<String>();
    format!("{:<16} {} ({})\n{parameters}", entry.name, entry.title, entry.paper)
}

/// A value as `--set` takes it: text without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
