//! What an experiment found: its figures beside those that were wanted.

use serde::{Deserialize, Serialize};

/// Which side of a target is good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    pub(crate) fn met(self, reached: f64) -> bool {
        match self {
            Self::AtMost(most) => reached <= most,
            Self::AtLeast(least) => reached >= least,
        }
    }

    pub(crate) fn number(self) -> f64 {
        match self {
            Self::AtMost(number) | Self::AtLeast(number) => number,
        }
    }

    pub(crate) fn words(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {}", number(most)),
            Self::AtLeast(least) => format!("at least {}", number(least)),
        }
    }
}

/// A figure with its target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    /// What it is, with its unit.
    pub figure: String,
    /// What the paper, or whoever reproduced it, has.
    pub published: Option<f64>,
    pub target: Target,
    pub reached: f64,
}

impl Check {
    pub(crate) fn new(
        figure: impl Into<String>,
        published: Option<f64>,
        target: Target,
        reached: f64,
    ) -> Self {
        Self { figure: figure.into(), published, target, reached }
    }

    pub(crate) fn met(&self) -> bool {
        self.target.met(self.reached)
    }
}

/// What came out of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// The main figure first.
    pub checks: Vec<Check>,
    /// What was done and what came out, for people: Markdown without headings. Pictures are named
    /// relative to `docs`.
    pub words: String,
}

/// What an experiment took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub seconds: f64,
    /// The most bytes of memory at a time, where the system tells.
    pub memory: Option<u64>,
}

impl Cost {
    /// Gigabytes for the page.
    pub(crate) fn gigabytes(self) -> String {
        self.memory.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e9))
    }

    pub(crate) fn minutes(self) -> String {
        format!("{:.1}", self.seconds / 60.0)
    }
}

/// The row of an experiment in the table of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    pub figure: String,
    pub published: Option<f64>,
    pub target: f64,
    pub reached: f64,
    /// Whether every figure of the experiment is what was wanted.
    pub met: bool,
    #[serde(flatten)]
    pub cost: Cost,
    pub seed: u64,
    pub version: String,
}

impl Row {
    pub(crate) fn new(name: &str, finding: &Finding, cost: Cost, seed: u64) -> Self {
        let main = &finding.checks[0];
        Self {
            name: name.to_owned(),
            figure: main.figure.clone(),
            published: main.published,
            target: main.target.number(),
            reached: main.reached,
            met: finding.checks.iter().all(Check::met),
            cost,
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(crate) fn line(&self) -> String {
        let met = if self.met { "met" } else { "NOT met" };
        format!(
            "{}: {} {} (target {}), {met}, {:.0} s, {} GB",
            self.name,
            self.figure,
            number(self.reached),
            number(self.target),
            self.cost.seconds,
            self.cost.gigabytes()
        )
    }
}

/// A number with four digits that tell.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => value.to_string(),
        _ if size == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        _ => {
            let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

/// The figures beside those that were wanted, as a Markdown table.
pub(crate) fn checks(checks: &[Check]) -> String {
    let mut rows = vec![head(["figure", "published", "wanted", "reached", "met"])];
    rows.extend(checks.iter().map(|check| {
        let cells = [
            check.published.map_or_else(|| "-".to_owned(), number),
            check.target.words(),
            number(check.reached),
            if check.met() { "yes" } else { "**no**" }.to_owned(),
        ];
        line(&check.figure, cells)
    }));
    table(&rows)
}

/// The head of a table.
pub(crate) fn head<const COLUMNS: usize>(names: [&str; COLUMNS]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

/// A line of a table: a name, and what belongs to it.
pub(crate) fn line(name: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// A Markdown table; the first row is its head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let written = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut all = rows.iter();
    let head = all
        .next()
        .map(|cells| format!("{}|{}\n", written(cells), "---|".repeat(cells.len())))
        .unwrap_or_default();
    head + &all.map(written).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_that_tell() {
        let texts =
            [98.300_12, 0.0, 1e-11, 13.866_7, 1.0, -103.456, 0.012_345, 250_000.0].map(number);
        assert_eq!(texts, ["98.3", "0", "1.00e-11", "13.87", "1", "-103.5", "0.01235", "2.50e5"]);
    }

    #[test]
    fn an_experiment_is_met_when_every_figure_is() {
        let check = |target, reached| Check::new("figure", None, target, reached);
        let row = |checks| {
            Row::new(
                "name",
                &Finding { checks, words: String::new() },
                Cost { seconds: 1.0, memory: None },
                0,
            )
        };
        assert!(row(vec![check(Target::AtMost(3.0), 3.0), check(Target::AtLeast(1.0), 2.0)]).met);
        assert!(!row(vec![check(Target::AtMost(3.0), 2.0), check(Target::AtLeast(1.0), 0.5)]).met);
        assert!(!row(vec![check(Target::AtMost(3.0), f64::NAN)]).met);
    }

    #[test]
    fn a_table_has_a_head_and_a_line_for_each_row() {
        let rows = [head(["a", "b"]), line("1", ["2".to_owned()])];
        assert_eq!(table(&rows), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
