//! The page of results, made of what each experiment left.

use crate::finding::{Finding, Row, checks, head, number, table};
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
    std::fs::write(
        folder()?.join(format!("{}.json", row.name)),
        serde_json::to_string_pretty(&kept)? + "\n",
    )?;
    Ok(())
}

/// What a person has written of a result, in `NAME.md`. Its first line says of which figures, as
/// the page shows them: words on another run would be wrong here.
fn explanation(text: &str, finding: &Finding) -> Option<String> {
    let (first, words) = text.split_once('\n')?;
    let figures: Vec<String> = finding.checks.iter().map(|check| number(check.reached)).collect();
    (first.trim() == format!("Of {}:", figures.join(", "))).then(|| words.trim().to_owned())
}

/// Writes the page anew from everything that was kept.
pub(crate) fn write(experiments: &[Experiment]) -> Outcome<()> {
    let mut sections = Vec::new();
    for experiment in experiments {
        let read = |ending: &str| -> Outcome<_> {
            Ok(std::fs::read_to_string(folder()?.join(format!("{}.{ending}", experiment.name))))
        };
        if let Ok(text) = read("json")? {
            let kept: Kept = serde_json::from_str(&text)?;
            let said = explanation(&read("md")?.unwrap_or_default(), &kept.finding);
            sections.push((experiment, kept, said));
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
numbers, `--help` lists the experiments. Full runs write this page, on two cores of an AMD EPYC (Zen 5); minutes are those of the clock, and
longer where the machine had other work. What stands under *What is not met* or *To be known beside this* was written by a person; all else,
the program writes.

**How to read it.** The table has the main figure of each experiment; *met* says whether every figure of its section is what was wanted.
*Published* is what the paper or tutorial has, *wanted* what we asked of ourselves before. Where a section says that something was chosen, it was by
rows for validation, on which no figure under *reached* is measured; other settings are those of the paper, or stand in the code. Where test rows have had a part in a
choice, the section's last words say so.

| word | what it means here |
|---|---|
| MNIST, Fashion-MNIST, Kodak | 70000 images of handwritten digits, and as many of clothes, 28 by 28 pixels, 10000 of them for testing; two dozen photographs |
| autoencoder, encoder, decoder | a network that is trained to give its input back; its first part, which makes few or sparse numbers of it; its second part, which makes the input of these |
| code, unit | the numbers that an encoder makes of an image; one of them |
| 784-200-784 | an encoder from 784 pixels to 200 numbers, and a decoder back; *tied weights*: both use the same ones |
| convolution, feature map | a layer that looks for the same small patterns everywhere in an image; where it found one of them |
| sigmoid, tanh | what keeps a unit between 0 and 1, or -1 and 1; *saturated*: near one of the ends |
| softmax regression, linear probe, support vector machines | classifiers that draw straight lines between classes: what they read off a code, the code says plainly |
| epoch, batch, learning rate | a pass over all training rows; the rows of one step; how long a step is |
| Adam, gradient descent, L-BFGS | ways to step downhill: the first two from a batch at a time, the third from all rows at once |
| loss, cross-entropy | what training makes small; a loss for answers that are probabilities, or pixels between black and white |
| weight decay, squared weights, regularisation | a price on large weights, so that a model learns what is common rather than each row |
| gradient, finite differences | which way is downhill, as the program works it out; the same found by moving each weight a little, to check it (f64: with 16 digits) |
| training, validation, test digits | what learns; what chooses between ways to learn; what is counted once, at the end |
| fine-tuning | training an encoder further, together with a classifier on top |
| principal components | the directions in which rows differ most: the best code that straight lines can make |
| restricted Boltzmann machine | an older network of two layers that learns how likely rows are; it makes a first guess of an encoder's weights |
| prior, density | the distribution that new codes are drawn from: one fixed before training, one learned after it |
| Jacobian, its singular values | how far a code moves when pixels change; how far in each direction, the strongest first |
| whitening | making neighbouring pixels say different things |
| VAE, IWAE | the variational autoencoder, whose code is a distribution; the importance weighted one, which is trained with several draws from it for each row |
| bound, ln p, nats | how likely a model finds an image, as a logarithm: nearer to 0 is better; the bound lies below ln p and is what training raises |
| importance sampling, annealing | two ways to estimate ln p by drawing codes; the second is slower and leans less on the encoder |
| Fréchet distance | how far new images lie, as a crowd, from real ones, in what a classifier sees: 0 is the same |

";

/// The page; beside each experiment stands what a person has to say of it.
fn text(sections: &[(&Experiment, Kept, Option<String>)]) -> String {
    let mut rows = vec![head([
        "experiment",
        "figure",
        "published",
        "wanted",
        "reached",
        "met",
        "minutes",
        "memory, GB",
    ])];
    for (_, Kept { row, finding }, _) in sections {
        let main = &finding.checks[0];
        rows.push(vec![
            format!("[{}](#{})", row.name, row.name),
            main.figure.clone(),
            main.published.map_or_else(|| "-".to_owned(), number),
            main.target.words(),
            number(main.reached),
            if row.met { "yes" } else { "**no**" }.to_owned(),
            row.cost.minutes(),
            row.cost.gigabytes(),
        ]);
    }
    let sections = sections.iter().map(|(experiment, Kept { row, finding }, said)| {
        let said = match said {
            Some(words) if row.met => format!("\nTo be known beside this: {words}\n"),
            Some(words) => format!("\nWhat is not met: {words}\n"),
            None => String::new(),
        };
        format!(
            "\n## {}\n\n**{}**\n\n{}\n\n{}{said}\nPublished: {}. Seed {}, version {}, {} minutes.\n",
            row.name,
            experiment.title,
            finding.words.trim_end(),
            checks(&finding.checks),
            experiment.source,
            row.seed,
            row.version,
            row.cost.minutes()
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
        let check = |reached: f64| Check::new("figure", None, Target::AtMost(1.0), reached);
        let finding = Finding { checks: vec![check(1.5), check(0.25)], words: String::new() };
        assert_eq!(
            explanation("Of 1.5, 0.25:\nboth, and\nmore\n", &finding).as_deref(),
            Some("both, and\nmore")
        );
        assert_eq!(explanation("Of 1.5, 0.26:\nboth\n", &finding), None);
        assert_eq!(explanation("Of 1.5:\nboth\n", &finding), None);
        assert_eq!(explanation("", &finding), None);
    }
}
