//! Settings as the command line writes them.

use autoencoders::{Config, Error};

/// The flag of a setting.
pub(crate) fn flag(name: &str) -> String {
    if name == "learning_rate" { "lr".to_owned() } else { name.replace('_', "-") }
}

/// An error with its advice as flags.
pub(crate) fn worded(error: &Error) -> String {
    error.worded(&as_a_flag)
}

/// A setting that a message of the library names, as the command line has it.
pub(crate) fn as_a_flag(name: &str, value: Option<&str>) -> String {
    match (name.strip_prefix("parameters."), value) {
        (Some(parameter), value) => format!("--set {parameter}={}", value.unwrap_or("N")),
        (None, Some(value)) => format!("--{} {value}", flag(name)),
        (None, None) if is_flag(name) => format!("--{}", flag(name)),
        // What an error calls a setting need not be one of the command: "rows to generate".
        (None, None) => name.to_owned(),
    }
}

/// Whether the command has a flag of this name: all settings are, and how rows are read.
fn is_flag(name: &str) -> bool {
    const READING: [&str; 16] = [
        "label",
        "labels",
        "id",
        "column",
        "window",
        "stride",
        "time",
        "resample",
        "duplicates",
        "gaps",
        "memory",
        "patches",
        "patch",
        "whiten",
        "resize",
        "array",
    ];
    const OTHERS: [&str; 5] = ["force", "resume", "from", "kind", "threshold"];
    Config::table().any(|setting| setting.name == name)
        || READING.contains(&name)
        || OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_flags_and_other_names_are_words() {
        let rate = Error::setting("learning_rate", -1, "a number above 0");
        assert_eq!(worded(&rate), "--lr is -1; wanted a number above 0");
        assert_eq!(rate.to_string(), "learning_rate is -1; wanted a number above 0");
        let rows = Error::setting("rows to generate", 0, "at least one");
        assert_eq!(worded(&rows), "rows to generate is 0; wanted at least one");
    }
}
