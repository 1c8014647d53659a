//! The flags of settings.

/// The flag of a setting.
pub(crate) fn flag(name: &str) -> String {
    if name == "learning_rate" { "lr".to_owned() } else { name.replace('_', "-") }
}
