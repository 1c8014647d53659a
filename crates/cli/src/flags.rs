//! Words of the command line: the flags of settings, and values as a shell takes them.

use std::fmt::Display;

/// The flag of a setting.
pub(crate) fn flag(name: &str) -> String {
    if name == "learning_rate" { "lr".to_owned() } else { name.replace('_', "-") }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: impl Display) -> String {
    let word = word.to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%~".contains(c);
    // A mark alone would be read as one of the sentence.
    let marks = !word.contains(char::is_alphanumeric) && word.chars().count() == 1;
    if !word.is_empty() && word.chars().all(plain) && !marks {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(quoted("a b.csv"), "'a b.csv'");
        assert_eq!(
            (quoted("a.csv"), quoted("."), quoted(",")),
            ("a.csv".into(), "'.'".into(), "','".into())
        );
    }
}
