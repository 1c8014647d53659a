//! What the library says, in the words of the command line.

use crate::args::Args;
use crate::flags::{flag, quoted};
use autoencoders::{Error, Message};
use clap::CommandFactory;

/// Warnings with their advice as flags.
pub(crate) fn all_worded(warnings: &[Message]) -> Vec<String> {
    warnings.iter().map(|warning| warning.worded(&as_a_flag)).collect()
}

/// An error with its advice as flags.
pub(crate) fn worded(error: &Error) -> String {
    error.worded(&as_a_flag)
}

/// A setting that a message of the library names, as the command line has it.
pub(crate) fn as_a_flag(name: &str, value: Option<&str>) -> String {
    match (name.strip_prefix("parameters."), value) {
        (Some(parameter), value) => {
            format!("--set {}", quoted(format!("{parameter}={}", value.unwrap_or("N"))))
        }
        (None, Some("true")) => format!("--{}", flag(name)),
        // As a shell takes it: a column may have blanks in its name.
        (None, Some(value)) => format!("--{} {}", flag(name), quoted(value)),
        (None, None) if is_flag(name) => format!("--{}", flag(name)),
        // What an error calls a setting need not be one of the command: "rows to generate".
        (None, None) => name.to_owned(),
    }
}

/// Whether a command has a flag of this name.
fn is_flag(name: &str) -> bool {
    let (command, flag) = (Args::command(), flag(name));
    let all = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let mut all = all.chain(command.get_arguments());
    all.any(|argument| argument.get_long() == Some(flag.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_worded_as_a_shell_takes_it() {
        let advice = Message::from("set it aside with ").set("id", "column 2");
        assert_eq!(advice.worded(&as_a_flag), "set it aside with --id 'column 2'");
        let rate = Message::from("try ").set("learning_rate", 1e-4);
        assert_eq!(rate.worded(&as_a_flag), "try --lr 0.0001");
    }

    #[test]
    fn settings_are_flags_and_other_names_are_words() {
        let rate = Error::setting("learning_rate", -1, "a number above 0");
        assert_eq!(worded(&rate), "--lr is -1; wanted a number above 0");
        assert_eq!(rate.to_string(), "learning_rate is -1; wanted a number above 0");
        let rows = Error::setting("rows to generate", 0, "at least one");
        assert_eq!(worded(&rows), "rows to generate is 0; wanted at least one");
    }
}
