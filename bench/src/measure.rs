//! Pairs of measurements, and the table they become.

use serde_json::{Value, json};

/// How many pairs, and how long each side of a pair runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairs {
    pub(crate) count: usize,
    pub(crate) milliseconds: f64,
}

impl Pairs {
    /// Repetitions of something that takes `each` milliseconds.
    pub(crate) fn repetitions(self, each: f64) -> usize {
        (self.milliseconds / each.max(1e-6)).clamp(2.0, 1e6) as usize
    }
}

/// One case, measured.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) peer: String,
    pub(crate) ours: Vec<f64>,
    /// As many as `ours`, or none where there is no peer.
    pub(crate) peers: Vec<f64>,
    /// Floating-point operations of one run of ours, where they are counted.
    pub(crate) operations: Option<f64>,
    /// What is measured: milliseconds, or megabytes.
    pub(crate) unit: &'static str,
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

impl Row {
    /// Measures both sides in turn, A B A B.
    pub(crate) fn measure(
        pairs: Pairs,
        mut ours: impl FnMut() -> crate::Result<f64>,
        mut peer: Option<&mut dyn FnMut() -> crate::Result<f64>>,
    ) -> crate::Result<(Vec<f64>, Vec<f64>)> {
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        // Idle threads of either side spin for a while (50 ms those of ONNX Runtime): not in the
        // other's time.
        let rest = || std::thread::sleep(std::time::Duration::from_millis(150));
        for _ in 0..pairs.count {
            rest();
            mine.push(ours()?);
            if let Some(peer) = &mut peer {
                rest();
                theirs.push(peer()?);
            }
        }
        Ok((mine, theirs))
    }

    /// The ratios of the pairs, peer over ours.
    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.peers).map(|(ours, peer)| peer / ours).collect()
    }

    fn gflops(&self) -> Option<f64> {
        self.operations.map(|operations| operations / median(&self.ours) / 1e6)
    }

    fn cells(&self, peak: f64) -> [String; 7] {
        let ratios = self.ratios();
        let (low, high) = ratios
            .iter()
            .fold((f64::INFINITY, 0f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
        let some = |text: String| if self.peers.is_empty() { "-".to_owned() } else { text };
        let rate = self.gflops().map_or("-".to_owned(), |rate| format!("{rate:.0} of {peak:.0}"));
        [
            self.case.clone(),
            self.peer.clone(),
            format!("{} {}", figures(median(&self.ours)), self.unit),
            some(format!("{} {}", figures(median(&self.peers)), self.unit)),
            some(format!("{:.2}", median(&ratios))),
            some(format!("{low:.2} to {high:.2}")),
            rate,
        ]
    }

    /// One line.
    pub(crate) fn text(&self, peak: f64) -> String {
        let [case, peer, ours, peers, ratio, range, rate] = self.cells(peak);
        let mut text = format!("{case}: ours {ours}");
        if !self.peers.is_empty() {
            text += &format!(", {peer} {peers}, ratio {ratio} ({range})");
        }
        if self.operations.is_some() {
            text += &format!(", {rate} GFLOP/s");
        }
        text
    }

    /// The object of `--json`.
    pub(crate) fn json(&self, peak: f64) -> Value {
        let ratios = self.ratios();
        let number = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
        let edge = |fold: fn(f64, f64) -> f64| {
            number(ratios.iter().copied().reduce(fold).unwrap_or(f64::NAN))
        };
        json!({
            "case": self.case,
            "peer": self.peer,
            "unit": self.unit,
            "ours_ms": number(median(&self.ours)),
            "peer_ms": number(median(&self.peers)),
            "ratio": number(median(&ratios)),
            "ratio_min": edge(f64::min),
            "ratio_max": edge(f64::max),
            "gflops": self.gflops().map_or(Value::Null, number),
            "peak_gflops": number(peak),
        })
    }
}

/// Three significant figures.
pub(crate) fn figures(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let digits = (2 - value.abs().max(1e-9).log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

/// Lines of cells, each column as wide as its widest cell.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule = format!(
        "|{}|",
        widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|")
    );
    let mut text = vec![lines.first().map(&line).unwrap_or_default(), rule];
    text.extend(lines.iter().skip(1).map(line));
    text.join("\n")
}

/// The table of all cases.
pub(crate) fn table(rows: &[Row], peak: f64) -> String {
    let head = ["case", "peer", "ours", "peer's", "ratio", "from to", "GFLOP/s of peak"]
        .map(str::to_owned)
        .to_vec();
    let lines: Vec<Vec<String>> =
        std::iter::once(head).chain(rows.iter().map(|row| row.cells(peak).to_vec())).collect();
    aligned(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            case: "train".to_owned(),
            peer: "PyTorch".to_owned(),
            ours: vec![2.0, 1.0, 4.0],
            peers: vec![4.0, 3.0, 4.0],
            operations: Some(4e9),
            unit: "ms",
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() {
        let json = row().json(100.0);
        assert_eq!(
            (json["ratio"].as_f64(), json["ratio_min"].as_f64(), json["ratio_max"].as_f64()),
            (Some(2.0), Some(1.0), Some(3.0))
        );
        assert_eq!((json["ours_ms"].as_f64(), json["peer_ms"].as_f64()), (Some(2.0), Some(4.0)));
        assert_eq!(json["gflops"].as_f64(), Some(2000.0));
    }

    #[test]
    fn without_a_peer_there_is_no_ratio() {
        let alone = Row { peers: vec![], ..row() };
        assert!(alone.json(1.0)["ratio"].is_null());
        assert!(table(&[alone], 1.0).lines().nth(2).is_some_and(|line| line.contains("| -")));
    }

    #[test]
    fn sides_take_turns() {
        let turns = std::cell::RefCell::new(String::new());
        let turn = |name| {
            turns.borrow_mut().push(name);
            Ok(1.0)
        };
        let pairs = Pairs { count: 3, milliseconds: 1.0 };
        Row::measure(pairs, || turn('a'), Some(&mut || turn('b'))).unwrap();
        assert_eq!(turns.into_inner(), "ababab");
    }

    #[test]
    fn medians_and_figures() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(
            [0.012_34, 1.234, 123.4, 1234.0].map(figures),
            ["0.0123", "1.23", "123", "1234"]
        );
    }
}
