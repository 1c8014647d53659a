//! The page of results, made of what each experiment left.

use crate::Outcome;
use crate::finding::{Finding, Row, checks, number, table};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a full run of an experiment leaves.
#[derive(Serialize, Deserialize)]
struct Kept {
    title: String,
    row: Row,
    finding: Finding,
}

/// Where results and pictures lie.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/results"));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub(crate) fn keep(name: &str, title: &str, finding: &Finding, row: &Row) -> Outcome<()> {
    let kept = Kept { title: title.to_owned(), row: row.clone(), finding: finding.clone() };
    std::fs::write(folder()?.join(format!("{name}.json")), serde_json::to_string_pretty(&kept)? + "\n")?;
    Ok(())
}

/// Writes the page anew from everything that was kept.
pub(crate) fn write(names: impl Iterator<Item = &'static str>) -> Outcome<()> {
    let mut kept = Vec::new();
    for name in names {
        if let Ok(text) = std::fs::read_to_string(folder()?.join(format!("{name}.json"))) {
            let missed = std::fs::read_to_string(folder()?.join(format!("{name}.md"))).unwrap_or_default();
            kept.push((serde_json::from_str::<Kept>(&text)?, missed));
        }
    }
    std::fs::write(folder()?.join("../results.md"), text(&kept))?;
    Ok(())
}

/// The page; beside each experiment stands what is known of a miss, which a person has written.
fn text(kept: &[(Kept, String)]) -> String {
    let mut rows = vec![["experiment", "figure", "published", "wanted", "reached", "met", "minutes"].map(str::to_owned).to_vec()];
    for (Kept { row, finding, .. }, _) in kept {
        let main = &finding.checks[0];
        rows.push(vec![
            format!("[{}](#{})", row.name, row.name),
            main.figure.clone(),
            main.published.map_or_else(|| "-".to_owned(), number),
            main.target.words(),
            number(main.reached),
            if row.met { "yes" } else { "**no**" }.to_owned(),
            format!("{:.1}", row.seconds / 60.0),
        ]);
    }
    let head = format!(
        "# The classic results, reproduced\n\n\
         Each is one command that uses the library as any program would:\n\n\
         ```sh\nAE_DATA=DIR cargo run --release -p experiments -- all        # or the name of one; DIR holds mnist, fashion-mnist and kodak\n```\n\n\
         This page is written by that command. Under each name stands what its paper is known for, below it what came out here. Settings are \
         those of the papers or stand in the code; where a section says that something was chosen, it was by validation rows, which no figure \
         is measured on. Two cores of an AMD EPYC (Zen 5). `--quick` does the same with fewer rows and epochs, against looser targets.\n\n{}",
        table(&rows)
    );
    let sections = kept.iter().map(|(Kept { title, row, finding }, missed)| {
        let foot = format!("Seed {}, version {}, {:.1} minutes.", row.seed, row.version, row.seconds / 60.0);
        let missed = if row.met || missed.is_empty() { String::new() } else { format!("\nWhat is not met: {}\n", missed.trim()) };
        format!("\n## {}\n\n**{title}**\n\n{}\n\n{}{missed}\n{foot}\n", row.name, finding.words.trim_end(), checks(&finding.checks))
    });
    head + &sections.collect::<String>()
}
