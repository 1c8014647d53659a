//! What can go wrong, said so that the reader knows the next step.

use std::fmt::Display;
use std::path::Path;

/// Every error of this library.
///
/// A message says where, what was got, what was wanted and what to do next: lower case, no full
/// stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its bounds.
    #[error("{name} is {got}; wanted {wanted}")]
    Setting {
        /// The setting, as the user writes it.
        name: String,
        /// What was given.
        got: String,
        /// What would be accepted.
        wanted: String,
    },
    /// A name that is on no list: a family, a parameter, an activation, a column.
    #[error("unknown {kind} \"{name}\"{}", suggestion(.name, .known))]
    Unknown {
        /// What kind of name it is.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Data that cannot be used; the message names row and column where there is one.
    #[error("{place}: {message}")]
    Data {
        /// The file, or the name of the data set.
        place: String,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// A model or checkpoint file that cannot be used.
    #[error("{place}: {message}")]
    Model {
        /// The file.
        place: String,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// Rows of another shape than the model, or tensors that do not fit each other.
    #[error("{what}: got {got}, wanted {wanted}")]
    Shape {
        /// What was being done.
        what: String,
        /// The shape that came in.
        got: String,
        /// The shape that fits.
        wanted: String,
    },
    /// Training left the finite numbers.
    #[error("training diverged in epoch {epoch}, step {step}: {what}; {advice}")]
    Diverged {
        /// One-based epoch.
        epoch: usize,
        /// One-based step within the epoch.
        step: usize,
        /// Which number stopped being finite.
        what: String,
        /// What to change.
        advice: String,
    },
    /// The operating system refused.
    #[error("{place}: {source}")]
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
    pub fn setting(name: impl Display, got: impl Display, wanted: impl Display) -> Self {
        Self::Setting { name: name.to_string(), got: got.to_string(), wanted: wanted.to_string() }
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
    pub fn data(place: impl Display, message: impl Display) -> Self {
        Self::Data { place: place.to_string(), message: message.to_string() }
    }

    /// A model file that cannot be used.
    pub fn model(place: impl Display, message: impl Display) -> Self {
        Self::Model { place: place.to_string(), message: message.to_string() }
    }

    /// Tensors that do not fit.
    pub fn shape(what: impl Display, got: impl Display, wanted: impl Display) -> Self {
        Self::Shape { what: what.to_string(), got: got.to_string(), wanted: wanted.to_string() }
    }

    /// A refusal by the operating system, with the file it concerns.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { place: path.display().to_string(), source }
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
