//! What can go wrong, said so that the reader knows the next step.

use crate::message::{Message, Wording, as_in_a_recipe};
use std::fmt::{Display, Formatter};
use std::path::Path;

/// Every error of this library.
///
/// A message says where, what was got, what was wanted and what to do next: lower case, no full
/// stop. What it advises are settings as data, which each face words in its own way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its bounds.
    Setting {
        /// The setting, as the user writes it.
        name: String,
        /// What was given.
        got: String,
        /// What would be accepted.
        wanted: Message,
    },
    /// What a model does not have, because it was not fitted.
    NotFitted {
        /// What is missing: a detector, a classifier.
        what: &'static str,
        /// How a model comes to it.
        how: Message,
    },
    /// A model whose family has no prior over codes.
    NoPrior {
        /// The family.
        family: String,
    },
    /// Fewer of something than are needed.
    TooFew {
        /// What there is too little of: rows to evaluate.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many are needed.
        least: usize,
    },
    /// What cannot happen; a fault of this library.
    Bug {
        /// What did happen.
        what: String,
    },
    /// A name that is on no list: a family, a parameter, an activation, a column.
    Unknown {
        /// What kind of name it is.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Data that cannot be used; the message names row and column where there is one.
    Data {
        /// The file, or the name of the data set.
        place: String,
        /// What is wrong and what to do about it.
        message: Message,
    },
    /// A model or checkpoint file that cannot be used.
    Model {
        /// The file.
        place: String,
        /// What is wrong and what to do about it.
        message: Message,
    },
    /// Rows of another shape than the model, or tensors that do not fit each other.
    Shape {
        /// What was being done.
        what: String,
        /// The shape that came in.
        got: String,
        /// The shape that fits.
        wanted: String,
    },
    /// Training left the finite numbers.
    Diverged {
        /// One-based epoch.
        epoch: usize,
        /// One-based step within the epoch.
        step: usize,
        /// Which number stopped being finite.
        what: String,
        /// What to change.
        advice: Message,
    },
    /// The operating system refused.
    Io {
        /// The file.
        place: String,
        /// Its reason.
        source: std::io::Error,
    },
}

/// The result of everything fallible here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A setting outside its bounds.
    pub fn setting(name: impl Display, got: impl Display, wanted: impl Into<Message>) -> Self {
        Self::Setting { name: name.to_string(), got: got.to_string(), wanted: wanted.into() }
    }

    /// A name that is not among `known`; the message proposes the nearest.
    pub fn unknown<'a>(
        kind: &'static str,
        name: impl Display,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::Unknown {
            kind,
            name: name.to_string(),
            known: known.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Data that cannot be used.
    pub fn data(place: impl Display, message: impl Into<Message>) -> Self {
        Self::Data { place: place.to_string(), message: message.into() }
    }

    /// A model file that cannot be used.
    pub fn model(place: impl Display, message: impl Into<Message>) -> Self {
        Self::Model { place: place.to_string(), message: message.into() }
    }

    /// Tensors that do not fit.
    pub fn shape(what: impl Display, got: impl Display, wanted: impl Display) -> Self {
        Self::Shape { what: what.to_string(), got: got.to_string(), wanted: wanted.to_string() }
    }

    /// A refusal by the operating system, with the file it concerns.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { place: path.display().to_string(), source }
    }

    /// What cannot happen, and did.
    pub fn bug(what: impl Display) -> Self {
        Self::Bug { what: what.to_string() }
    }

    /// The message, with settings as a face writes them.
    pub fn worded(&self, wording: Wording<'_>) -> String {
        match self {
            Self::Setting { name, got, wanted } => {
                let (name, wanted) = (wording(name, None), wanted.worded(wording));
                format!("{name} is {got}; wanted {wanted}")
            }
            Self::NotFitted { what, how } => {
                format!("the model has no {what}; {}", how.worded(wording))
            }
            Self::NoPrior { family } => format!(
                "a model of the family {family} has no prior over codes, by which rows are drawn and \
                 their likelihood is known; variational families have one"
            ),
            Self::TooFew { what, got, least } => format!("{what}: {got}; at least {least} needed"),
            Self::Bug { what } => {
                format!("{what}; this is a fault of the program, please report it")
            }
            Self::Unknown { kind, name, known } => {
                format!("unknown {kind} \"{name}\"{}", suggestion(name, known))
            }
            Self::Data { place, message } | Self::Model { place, message } => {
                format!("{place}: {}", message.worded(wording))
            }
            Self::Shape { what, got, wanted } => format!("{what}: got {got}, wanted {wanted}"),
            Self::Diverged { epoch, step, what, advice } => format!(
                "training diverged in epoch {epoch}, step {step}: {what}; {}",
                advice.worded(wording)
            ),
            Self::Io { place, source } => format!("{place}: {source}"),
        }
    }
}

/// As a recipe words settings.
impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.worded(&as_in_a_recipe))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// `; did you mean "x"? known: a, b, c`, or only the list when nothing is near.
fn suggestion(name: &str, known: &[String]) -> String {
    let name = name.to_lowercase();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        // Beyond a third of the letters a proposal is a guess that misleads.
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3 + 1);
    let list = known.join(", ");
    match nearest {
        Some((_, nearest)) => format!("; did you mean \"{nearest}\"? known: {list}"),
        None if list.is_empty() => "; none exist here".to_owned(),
        None => format!("; known: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_known_one() {
        let error = Error::unknown("family", "Plian", ["plain", "vae"]);
        assert_eq!(
            error.to_string(),
            "unknown family \"Plian\"; did you mean \"plain\"? known: plain, vae"
        );
    }

    #[test]
    fn a_name_far_from_all_others_gets_only_the_list() {
        let error = Error::unknown("family", "zzzzzz", ["plain", "vae"]);
        assert_eq!(error.to_string(), "unknown family \"zzzzzz\"; known: plain, vae");
    }
}
