//! Why a row scores as it does, in words and as JSON.

use crate::show;
use autoencoders::data::Field;
use autoencoders::study::Reason;
use serde_json::{Value, json};

/// A reason with the name of its column, and what this holds in the data and in the model.
pub(crate) struct Told<'a> {
    why: &'a Reason,
    /// With the cycle of a date that is odd by its place in it.
    pub(crate) name: String,
    fields: [Option<Field>; 2],
}

impl<'a> Told<'a> {
    pub(crate) fn of(why: &'a Reason, column: &str, fields: [&[Field]; 2]) -> Self {
        match why.phase {
            Some(cycle) => {
                let field = Some(cycle.field());
                let name = format!("{column}, {}", cycle.what());
                Self { why, name, fields: [field.clone(), field] }
            }
            None => {
                let fields = fields.map(|fields| fields.get(why.column).cloned());
                Self { why, name: column.to_owned(), fields }
            }
        }
    }

    /// What was observed and what was expected, in full.
    pub(crate) fn texts(&self) -> [String; 2] {
        let text = |field: &Option<Field>, value: f64| {
            field.as_ref().map_or_else(|| value.to_string(), |field| field.text(value))
        };
        [text(&self.fields[0], self.why.observed), text(&self.fields[1], self.why.expected)]
    }

    /// The same in a few characters; of a text its words.
    pub(crate) fn words(&self) -> String {
        let fields = [self.fields[0].as_ref(), self.fields[1].as_ref()];
        let [observed, expected] = show::pair(fields, [self.why.observed, self.why.expected]);
        match self.why.words.as_slice() {
            [] if expected.is_empty() => format!("{} {observed}", self.name),
            [] => format!("{} {observed} ({expected})", self.name),
            words => format!("{} {:?} in {observed}", self.name, words.join(", ")),
        }
    }

    pub(crate) fn object(&self) -> Value {
        let value = |field: &Option<Field>, value: f64| match field
            .as_ref()
            .filter(|field| !field.kind.is_number())
        {
            Some(field) => json!(field.text(value)),
            None => json!(value),
        };
        let [observed, expected] =
            [value(&self.fields[0], self.why.observed), value(&self.fields[1], self.why.expected)];
        let mut object = json!({ "column": self.name, "observed": observed, "expected": expected, "share": self.why.share });
        if !self.why.words.is_empty() {
            object["words"] = json!(self.why.words);
        }
        object
    }
}
