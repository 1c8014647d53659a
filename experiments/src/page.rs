//! The page of results, made of what each experiment left.

use crate::finding::{Finding, Row, checks, number, table};
use crate::{Experiment, Outcome};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a full run of an experiment leaves.
#[derive(Serialize, Deserialize)]
struct Kept {
    row: Row,
    finding: Finding,
}

/// Where results and pictures lie.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/results"));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub(crate) fn keep(finding: &Finding, row: &Row) -> Outcome<()> {
    let kept = Kept { row: row.clone(), finding: finding.clone() };
    std::fs::write(folder()?.join(format!("{}.json", row.name)), serde_json::to_string_pretty(&kept)? + "\n")?;
    Ok(())
}

/// What a person has written of a miss, in `NAME.md`. Its first line says of which figure, as the page shows it: words on another run would
/// be wrong here.
fn explanation(text: &str, row: &Row) -> Option<String> {
    let (first, words) = text.split_once('\n')?;
    (first.trim() == format!("Of {}:", number(row.reached))).then(|| words.trim().to_owned())
}

/// Writes the page anew from everything that was kept.
pub(crate) fn write(experiments: &[Experiment]) -> Outcome<()> {
    let mut sections = Vec::new();
    for experiment in experiments {
        let read = |ending: &str| -> Outcome<_> { Ok(std::fs::read_to_string(folder()?.join(format!("{}.{ending}", experiment.name)))) };
        if let Ok(text) = read("json")? {
            let kept: Kept = serde_json::from_str(&text)?;
            let missed = explanation(&read("md")?.unwrap_or_default(), &kept.row);
            sections.push((experiment, kept, missed));
        }
    }
    std::fs::write(folder()?.join("../results.md"), text(&sections))?;
    Ok(())
}

const HEAD: &str = "# The classic results, reproduced

Each is one command that uses the library as any program would:

```sh
AE_DATA=DIR cargo run --release -p experiments -- all        # or the name of one; DIR holds mnist, fashion-mnist and kodak
```

`--quick` does the same with fewer rows and epochs, against looser targets; `--json FILE` writes the figures, `--seed N` draws other random
numbers, `--help` lists the experiments. Full runs write this page, on two cores of an AMD EPYC (Zen 5). What a section says of a figure that
was not reached was written by a person; all else, the program writes.

**How to read it.** The table has the main figure of each experiment; *met* says whether every figure of its section is what was wanted.
*Published* is what the paper or tutorial has, *wanted* what we asked of ourselves before. Where a section says that something was chosen, it was by
rows for validation, on which no figure under *reached* is measured; other settings are those of the paper, or stand in the code. Where test rows have had a part in a
choice, the section's last words say so.

| word | what it means here |
|---|---|
| code, unit | the numbers that an encoder makes of an image; one of them |
| 784-200-784 | an encoder from 784 pixels to 200 numbers, and a decoder back; *tied weights*: both use the same ones |
| sigmoid, tanh | what keeps a unit between 0 and 1, or -1 and 1; *saturated*: near one of the ends |
| softmax regression, linear probe, support vector machines | classifiers that draw straight lines between classes: what they read off a code, the code says plainly |
| epoch, batch, learning rate | a pass over all training rows; the rows of one step; how long a step is |
| Adam, gradient descent, L-BFGS | ways to step downhill: the first two from a batch at a time, the third from all rows at once |
| loss, cross-entropy | what training makes small; a loss for answers that are probabilities, or pixels between black and white |
| weight decay, squared weights, regularisation | a price on large weights, so that a model learns what is common rather than each row |
| training, validation, test digits | what learns; what chooses between ways to learn; what is counted once, at the end |
| fine-tuning | training an encoder further, together with a classifier on top |
| principal components | the directions in which rows differ most: the best code that straight lines can make |
| restricted Boltzmann machine | an older network of two layers that learns how likely rows are; it makes a first guess of an encoder's weights |
| prior, density | the distribution that new codes are drawn from: one fixed before training, one learned after it |
| Jacobian, its singular values | how far a code moves when pixels change; how far in each direction, the strongest first |
| whitening | making neighbouring pixels say different things |
| bound, ln p, nats | how likely a model finds an image, as a logarithm: nearer to 0 is better; the bound lies below ln p and is what training raises |
| importance sampling, annealing | two ways to estimate ln p by drawing codes; the second is slower and leans less on the encoder |
| Fréchet distance | how far new images lie, as a crowd, from real ones, in what a classifier sees: 0 is the same |

";

/// The page; beside each experiment stands what is known of a miss.
fn text(sections: &[(&Experiment, Kept, Option<String>)]) -> String {
    let mut rows = vec![["experiment", "figure", "published", "wanted", "reached", "met", "minutes"].map(str::to_owned).to_vec()];
    for (_, Kept { row, finding }, _) in sections {
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
    let sections = sections.iter().map(|(experiment, Kept { row, finding }, missed)| {
        let missed = match missed {
            Some(words) if row.met => format!("\nTo be known beside this: {words}\n"),
            Some(words) => format!("\nWhat is not met: {words}\n"),
            None => String::new(),
        };
        format!(
            "\n## {}\n\n**{}**\n\n{}\n\n{}{missed}\nPublished: {}. Seed {}, version {}, {:.1} minutes.\n",
            row.name,
            experiment.title,
            finding.words.trim_end(),
            checks(&finding.checks),
            experiment.source,
            row.seed,
            row.version,
            row.seconds / 60.0
        )
    });
    format!("{HEAD}{}{}", table(&rows), sections.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Check, Target};

    #[test]
    fn words_on_another_run_are_not_shown() {
        let finding = Finding { checks: vec![Check::new("figure", None, Target::AtMost(1.0), 1.5)], words: String::new() };
        let row = Row::new("name", &finding, 1.0, 0);
        assert_eq!(explanation("Of 1.5:\nboth, and\nmore\n", &row).as_deref(), Some("both, and\nmore"));
        assert_eq!(explanation("Of 1.6:\nboth\n", &row), None);
        assert_eq!(explanation("", &row), None);
    }
}
