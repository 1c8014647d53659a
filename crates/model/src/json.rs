//! JSON as text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A part of a file's JSON that has not been looked into.
///
/// A tree of values takes ten times the memory of its text; read as what it should be, it takes less
/// than its text, and what it should not be is refused at its first sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(String);

impl Json {
    /// Of these values.
    pub fn of(value: &Value) -> Self {
        Self(value.to_string())
    }

    /// What it says, as a type.
    ///
    /// An error where it is no such thing.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl Default for Json {
    fn default() -> Self {
        Self("null".to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_goes_in_and_comes_out_as_it_is() {
        let inner = json!({ "a": [1, 2.5, null], "b": "x" });
        let outer = json!({ "inner": Json::of(&inner) });
        assert_eq!(outer, json!({ "inner": inner }));
        #[derive(Deserialize)]
        struct Outer {
            inner: Json,
        }
        let read: Outer = Json::of(&outer).read().unwrap();
        assert_eq!(read.inner, Json::of(&inner));
        assert_eq!(read.inner.read::<Value>().unwrap(), inner);
    }
}
