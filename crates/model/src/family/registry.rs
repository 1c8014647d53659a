//! How a family is registered.

use crate::family::family::Family;
use rows::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::any::TypeId;

/// Makes a family from its parameters.
pub type Parse = fn(&Map<String, Value>) -> Result<Box<dyn Family>>;

/// A registered family.
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Where it comes from.
    pub paper: &'static str,
    /// Its parameters with their defaults.
    pub defaults: fn() -> Map<String, Value>,
    /// The family with these parameters; those left out take their defaults.
    pub parse: Parse,
    /// The type of its parameters.
    of: fn() -> TypeId,
}

impl Entry {
    /// The entry of a family whose struct is its parameters.
    pub const fn of<F>(name: &'static str, title: &'static str, paper: &'static str) -> Self
    where
        F: Family + Default + Serialize + DeserializeOwned + 'static,
    {
        Self { name, title, paper, defaults: defaults::<F>, parse: parse::<F>, of: TypeId::of::<F> }
    }
}

impl Entry {
    /// Whether it is the family with parameters of this type.
    pub fn is<F: 'static>(&self) -> bool {
        (self.of)() == TypeId::of::<F>()
    }
}

fn defaults<F: Default + Serialize>() -> Map<String, Value> {
    match serde_json::to_value(F::default()) {
        Ok(Value::Object(map)) => map,
        // A parameter struct is a JSON object; a unit struct has none.
        _ => Map::new(),
    }
}

fn parse<F: Family + Default + Serialize + DeserializeOwned + 'static>(
    parameters: &Map<String, Value>,
) -> Result<Box<dyn Family>> {
    let known = defaults::<F>();
    if let Some(name) = parameters.keys().find(|name| !known.contains_key(*name)) {
        return Err(Error::unknown("parameter", name, known.keys().map(String::as_str)));
    }
    let mut all = known.clone();
    for (name, value) in parameters {
        all.insert(name.clone(), value.clone());
        // One at a time, so that the error names the parameter.
        let alone = serde_json::from_value::<F>(Value::Object(Map::from_iter([(
            name.clone(),
            value.clone(),
        )])));
        if let Err(error) = alone {
            return Err(Error::setting(
                name,
                value,
                format!("a value like {} ({error})", known[name]),
            ));
        }
    }
    match serde_json::from_value::<F>(Value::Object(all)) {
        Ok(family) => Ok(Box::new(family)),
        Err(error) => {
            Err(Error::setting("parameters", Value::Object(parameters.clone()), error.to_string()))
        }
    }
}
