//! What a class came to.

use crate::Class;
use std::path::Path;

/// What was tried, and what was found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tried: usize,
    /// What went wrong, each in a line.
    pub(crate) findings: Vec<String>,
    /// What else is worth telling: counts by what happened, memory, speed.
    pub(crate) notes: Vec<String>,
    pub(crate) seconds: f64,
}

impl Tally {
    /// Counts a case, and what was wrong with it.
    pub(crate) fn add(&mut self, case: impl Into<String>, wrong: Option<String>) {
        self.tried += 1;
        if let Some(wrong) = wrong {
            self.found(format!("{}: {wrong}", case.into()));
        }
    }

    /// Something that went wrong.
    pub(crate) fn found(&mut self, finding: String) {
        // The first tell what it is; thousands would only fill the screen.
        if self.findings.len() < 20 {
            println!("  found: {finding}");
        }
        self.findings.push(finding);
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The line for the screen.
    pub(crate) fn line(&self, class: &Class) -> String {
        let notes = if self.notes.is_empty() {
            String::new()
        } else {
            format!("; {}", self.notes.join("; "))
        };
        format!(
            "{}: {} {}, {} failed, {:.0} s{notes}",
            class.name,
            self.tried,
            class.unit,
            self.findings.len(),
            self.seconds
        )
    }
}

/// Keeps a file that shows a finding.
pub(crate) fn keep(kept: &Path, name: &str, from: &Path) {
    if let Err(error) = std::fs::copy(from, kept.join(name)) {
        println!("  {} could not be kept: {error}", from.display());
    }
}
