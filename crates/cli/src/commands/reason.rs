//! Why a row scores as it does, as JSON.

use autoencoders::data::Field;
use autoencoders::study::Reason;
use serde_json::{Value, json};

/// A reason as JSON; `fields` are those of the data and of the model.
pub(crate) fn reason(reason: &Reason, column: &str, fields: &[Vec<Field>; 2]) -> Value {
    let [observed, expected] = [reason.observed, reason.expected];
    let value =
        |field: Option<&Field>, value: f64| match field.filter(|field| !field.kind.is_number()) {
            Some(field) => json!(field.text(value)),
            None => json!(value),
        };
    let [data, model] = [&fields[0], &fields[1]].map(|fields| fields.get(reason.column));
    json!({ "column": column, "observed": value(data, observed), "expected": value(model, expected), "share": reason.share })
}
