//! What errors and warnings say: text, and settings that each face words in its own way.

use serde::{Serialize, Serializer};
use std::fmt::{Display, Formatter, Result};

/// Text that names settings without wording them.
///
/// ```
/// use autoencoders_rows::Message;
///
/// let advice = Message::from("points are missing; choose ").set("gaps", "fill");
/// assert_eq!(advice.to_string(), "points are missing; choose gaps = fill");
/// let command = |name: &str, value: Option<&str>| format!("--{name} {}", value.unwrap_or(""));
/// assert_eq!(advice.worded(&command), "points are missing; choose --gaps fill");
/// assert_eq!(advice.settings().collect::<Vec<_>>(), [("gaps", Some("fill"))]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    parts: Vec<Part>,
}

/// A piece of a [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Setting { name: String, value: Option<String> },
}

/// How a face writes a setting by its name, with the value that it may be given.
pub type Wording<'a> = &'a dyn Fn(&str, Option<&str>) -> String;

impl Message {
    /// The message with this text behind it.
    #[must_use]
    pub fn text(mut self, text: impl Display) -> Self {
        self.parts.push(Part::Text(text.to_string()));
        self
    }

    /// The message with a setting behind it; a parameter of a family is `parameters.k`.
    #[must_use]
    pub fn setting(mut self, name: impl Display) -> Self {
        self.parts.push(Part::Setting { name: name.to_string(), value: None });
        self
    }

    /// The message with a setting and its value behind it.
    #[must_use]
    pub fn set(mut self, name: impl Display, value: impl Display) -> Self {
        let value = Some(value.to_string());
        self.parts.push(Part::Setting { name: name.to_string(), value });
        self
    }

    /// The message with another one behind it.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The settings that are named, in order, with the values they may be given.
    pub fn settings(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Setting { name, value } => Some((name.as_str(), value.as_deref())),
        })
    }

    /// The whole text, with settings as a face writes them.
    pub fn worded(&self, wording: Wording<'_>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Setting { name, value } => wording(name, value.as_deref()),
        };
        self.parts.iter().map(part).collect()
    }
}

/// As in a recipe: `gaps = fill`, and `time` alone.
pub(crate) fn as_in_a_recipe(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name} = {value}"))
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.worded(&as_in_a_recipe))
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { parts: vec![Part::Text(text)] }
    }
}

impl From<&String> for Message {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Message> for Message {
    fn from(message: &Message) -> Self {
        message.clone()
    }
}

/// As a recipe words it.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
