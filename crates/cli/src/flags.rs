//! Settings as the command line writes them.

use autoencoders::Error;

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
        (None, None) => format!("--{}", flag(name)),
    }
}
