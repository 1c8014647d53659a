//! `ae score`: how unlike the training rows each row is, how sure that is, and which columns say so.

use super::{live, read_for, refuse_input, refuse_no_folder};
use crate::Exit;
use crate::args::Score;
use crate::show::{self, Show};
use autoencoders::data::{Dataset, refuse_existing, write_atomically};
use autoencoders::metrics::{Alarms, auroc, best_f1};
use autoencoders::score::{Drift, Probed, Reason, RowScore, Threshold};
use autoencoders::{Error, Model, Result};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Rows that the summary shows.
const SHOWN: usize = 5;

/// Everything that is known about the rows.
struct Scored<'a> {

    data: &'a Dataset,
    rows: Vec<RowScore>,
    threshold: f64,
    /// Where rows have labels: the area under the curve, and the alarms at the threshold.
    truth: Option<(Option<f64>, Alarms)>,
    drift: Option<Drift>,
    probed: Probed,
}

pub(crate) fn run(args: &Score, show: &Show) -> Result<Exit> {
    let model = Model::load(&args.model)?;
    if args.rows.data == "-" {
        return live::run(&model, args, show);
    }
    if let Some(output) = &args.output {
        refuse_input(output, &[&args.model, Path::new(&args.rows.data)])?;
        refuse_existing(output, args.force)?;
        refuse_no_folder(output)?;
        Format::of(output)?;
    }
    let data = read_for(&model, &args.rows, show)?;
    data.require_rows(1)?;
    let detector = model.detector()?;
    let probed = detector.probe(&model, &data)?;
    probed.advice(args.kind).into_iter().for_each(|advice| show.warn(advice));

    let rows = model.score(&data, args.kind, args.reasons)?;
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let anomaly = data.labels.as_ref().map(|labels| labels.iter().map(|label| !normal(label, args.normal.as_deref())).collect::<Vec<_>>());
    let threshold = match (args.threshold, &anomaly) {
        (Threshold::F1, Some(anomaly)) => {
            let best = best_f1(&scores, anomaly).ok_or_else(|| Error::data(&data.name, "has no anomaly among its labels; choose another --threshold"))?;
            best.threshold
        }
        (threshold, _) => detector.threshold(args.kind, threshold, model.parts.plan.config.contamination)?,
    };
    let truth = anomaly.map(|anomaly| (auroc(&scores, &anomaly), Alarms::at(threshold, &scores, &anomaly)));
    let drift = args.drift.then(|| detector.calibration(args.kind).drift(&scores));
    let scored = Scored { data: &data, rows, threshold, truth, drift, probed };
    if let Some(output) = &args.output {
        scored.write(output, args.reasons)?;
    }
    match show.json {
        true => show::print(&scored.object(args).to_string())?,
        false => show::print(&scored.text(args))?,
    }
    if let Some(output) = args.output.as_ref().filter(|_| !show.json) {
        show.note(format!("{}: {}", output.display(), show::plural(data.rows(), "row")));
    }
    Ok(Exit::Done)
}

/// Whether a label is that of a normal row.
fn normal(label: &str, named: Option<&str>) -> bool {
    match named {
        Some(named) => label == named,
        None => label.parse::<f64>().map_or_else(
            |_| ["", "false", "no", "normal"].iter().any(|word| label.trim().eq_ignore_ascii_case(word)),
            |number| number == 0.0,
        ),
    }
}

/// What a table of scores is written as.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    Lines,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().unwrap_or_default().to_string_lossy().to_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Lines),
            other => Err(Error::unknown("table format", other, ["csv", "jsonl"])),
        }
    }
}

/// A reason as JSON.
pub(super) fn reason(reason: &Reason, column: &str) -> Value {
    json!({ "column": column, "observed": reason.observed, "expected": reason.expected, "share": reason.share })
}

impl Scored<'_> {
    fn name(&self, row: usize) -> String {
        self.data.ids.as_ref().map_or_else(|| row.to_string(), |ids| ids[row].clone())
    }

    fn is_anomaly(&self, row: usize) -> bool {
        self.rows[row].score > self.threshold
    }

    /// The rows with the highest scores, the highest first.
    fn highest(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|a, b| self.rows[*b].score.total_cmp(&self.rows[*a].score).then(a.cmp(b)));
        order.truncate(SHOWN);
        order
    }

    fn row(&self, row: usize) -> Value {
        let of = &self.rows[row];
        let reasons: Vec<Value> = of.reasons.iter().map(|why| reason(why, &self.data.column_name(why.column))).collect();
        let mut object = json!({
            "row": self.name(row),
            "score": of.score,
            "probability": of.probability,
            "anomaly": u8::from(self.is_anomaly(row)),
            "reasons": reasons,
        });
        if let Some(labels) = &self.data.labels {
            object["label"] = labels[row].as_str().into();
        }
        object
    }

    fn write(&self, path: &Path, reasons: usize) -> Result<()> {
        let format = Format::of(path)?;
        write_atomically(path, |file| match format {
            Format::Lines => (0..self.rows.len()).try_for_each(|row| writeln!(file, "{}", self.row(row))),
            Format::Csv => self.write_csv(file, reasons),
        })
    }

    fn write_csv(&self, file: &mut impl Write, reasons: usize) -> io::Result<()> {
        let mut sheet = csv::Writer::from_writer(file);
        let mut header: Vec<String> = ["row", "score", "probability", "anomaly"].map(str::to_owned).into();
        header.extend(self.data.labels.iter().map(|_| "label".to_owned()));
        for place in 1..=reasons {
            header.extend(["column", "observed", "expected"].map(|word| format!("{word}_{place}")));
        }
        let width = header.len();
        sheet.write_record(&header)?;
        for (row, of) in self.rows.iter().enumerate() {
            let mut cells = vec![self.name(row), of.score.to_string(), of.probability.to_string(), u8::from(self.is_anomaly(row)).to_string()];
            cells.extend(self.data.labels.iter().map(|labels| labels[row].clone()));
            for why in &of.reasons {
                cells.extend([self.data.column_name(why.column), why.observed.to_string(), why.expected.to_string()]);
            }
            cells.resize(width, String::new());
            sheet.write_record(&cells)?;
        }
        sheet.flush()
    }

    fn object(&self, args: &Score) -> Value {
        let anomalies = (0..self.rows.len()).filter(|row| self.is_anomaly(*row)).count();
        json!({
            "rows": self.rows.len(),
            "kind": args.kind,
            "threshold": self.threshold,
            "anomalies": anomalies,
            "auroc": self.truth.as_ref().and_then(|(area, _)| *area),
            "alarms": self.truth.as_ref().map(|(_, alarms)| alarms),
            "drift": self.drift,
            "probes": self.probed,
            "highest": self.highest().into_iter().map(|row| self.row(row)).collect::<Vec<_>>(),
            "output": args.output,
        })
    }

    fn text(&self, args: &Score) -> String {
        let anomalies = (0..self.rows.len()).filter(|row| self.is_anomaly(*row)).count();
        let mut text = format!(
            "{} of {} above {} ({} score, threshold {})\n",
            show::plural(anomalies, "anomaly").replace("anomalys", "anomalies"),
            show::plural(self.rows.len(), "row"),
            show::number(self.threshold),
            args.kind,
            args.threshold
        );
        if let Some((area, alarms)) = &self.truth {
            let area = area.map_or("-".to_owned(), show::number);
            text += &format!(
                "by the labels: auroc {area}, accuracy {}, precision {}, recall {}\n",
                show::number(alarms.accuracy),
                show::number(alarms.precision),
                show::number(alarms.recall)
            );
        }
        if let Some(drift) = &self.drift {
            text += &format!(
                "{}: distance {} from the scores of rows like the training's, which chance makes in {} % of batches; {} % above their 99th percentile\n",
                if drift.found() { "drift" } else { "no drift" },
                show::number(drift.distance),
                show::number(100.0 * drift.chance),
                show::number(100.0 * drift.above)
            );
        }
        let mut table = vec![show::cells([&"row", &"score", &"probability", &"why (observed, expected)"])];
        for row in self.highest() {
            let of = &self.rows[row];
            let why: Vec<String> = of
                .reasons
                .iter()
                .map(|why| format!("{} {} ({})", self.data.column_name(why.column), show::number(why.observed), show::number(why.expected)))
                .collect();
            table.push(show::cells([&self.name(row), &show::number(of.score), &format!("{:.4}", of.probability), &why.join(", ")]));
        }
        text + "\n" + &show::table(&table)
    }
}
