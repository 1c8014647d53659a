//! Words of a list on the command line.

use autoencoders::{Error, FAMILIES};
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use std::ffi::OsStr;

/// Words of a list: shown in help and completions, and others refused with the nearest of them.
#[derive(Clone)]
pub(crate) struct Words<T> {
    /// What kind of word it is.
    pub kind: &'static str,
    /// Every word.
    pub known: Vec<&'static str>,
    /// What a word means.
    pub find: fn(&str) -> Option<T>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Words<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let text = value.to_string_lossy();
        let found = Some(&*text).filter(|text| self.known.contains(text)).and_then(self.find);
        let unknown = || Error::unknown(self.kind, &text, self.known.iter().copied());
        found.ok_or_else(|| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("{}\n", unknown()))
                .with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.known.iter().map(PossibleValue::new)))
    }
}

/// The names of the families.
pub(crate) fn families() -> Words<String> {
    Words {
        kind: "family",
        known: FAMILIES.iter().map(|entry| entry.name).collect(),
        find: |name| Some(name.to_owned()),
    }
}
