//! What came out, as a page.

use crate::Class;
use crate::tally::Tally;
use std::fmt::Write;
use std::time::Duration;

/// The page of the classes that were run.
pub(crate) fn of(told: &[(&Class, Tally)], seed: u64, time: Duration) -> String {
    let mut page = String::from(
        "# Reliability\n\nWhat a hostile world does to the program, done to it on purpose. This page is written by\n\n```sh\ncargo run --release -p torture -- all --write\n```\n\nwhich takes up to two hours; `--quick` is two minutes, and part of `./check`. What it finds it keeps in\n`target/torture/`, with the number of the case, which `--seed` makes again.\n\n",
    );
    let names: Vec<&str> = told.iter().map(|(class, _)| class.name).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(
        page,
        "Version {}, seed {seed}, {:.0} minutes on {} of {} cores: {}.\n",
        env!("CARGO_PKG_VERSION"),
        time.as_secs_f64() / 60.0,
        std::env::consts::ARCH,
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        names.join(", ")
    );
    page.push_str("| class | tried | wrong | wanted | besides |\n|---|---|---|---|---|\n");
    for (class, tally) in told {
        let wanted =
            if class.figure == usize::MAX { "all".to_owned() } else { class.figure.to_string() };
        let _ = writeln!(
            page,
            "| {} | {} {} | {} | {wanted} | {} |",
            class.name,
            tally.tried,
            class.unit,
            tally.findings.len(),
            tally.notes.join("; ")
        );
    }
    page.push_str("\n## What is done, and what must hold\n\n");
    for (class, tally) in told {
        let _ = writeln!(page, "**{}**: {}.\n", class.name, class.title);
        for finding in tally.findings.iter().take(20) {
            let _ = writeln!(page, "- found: {}", finding.replace('\n', " "));
        }
        if !tally.findings.is_empty() {
            page.push('\n');
        }
    }
    page
}
