//! `ae score`: how unlike the training rows each row is, how sure that is, and which columns say
//! so.

use crate::args::Score;
use crate::commands::live;
use crate::commands::reading::read_for;
use crate::exit::Exit;
use crate::files::refuse_input;
use crate::reason::Told;
use crate::show::{self, Show};
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::Destination;
use autoencoders::data::Field;
use autoencoders::data::Windows;
use autoencoders::data::date_time;
use autoencoders::data::one_name;
use autoencoders::study::Alarms;
use autoencoders::study::Drift;
use autoencoders::study::EventFigures;
use autoencoders::study::PointScore;
use autoencoders::study::Probed;
use autoencoders::study::Reason;
use autoencoders::study::RowScore;
use autoencoders::study::Stretch;
use autoencoders::study::Threshold;
use autoencoders::study::auroc;
use autoencoders::study::best_f1;
use autoencoders::study::detector;
use autoencoders::study::probe;
use autoencoders::study::score;
use autoencoders::study::score_points;
use autoencoders::study::stretches_of;
use autoencoders::{Error, Model, Result, load};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Rows that the summary shows.
const SHOWN: usize = 5;
/// What chance does in fewer of a million batches needs no number.
const NEVER: f64 = 1e-6;
/// So many alarms are no longer anomalies, in this part of at least so many rows.
const MANY: f64 = 0.2;
const FEWEST: usize = 20;

/// One row, or one point of a series.
#[derive(Default)]
struct Item {
    name: String,
    /// Of a point, its series, where there are several.
    group: Option<String>,
    /// Of a line of a log, when it was written.
    time: Option<String>,
    /// None for a point that no window holds, and for a row without any value.
    score: Option<f64>,
    probability: Option<f64>,
    reasons: Vec<Reason>,
    /// Of a row of a table, how many of its values are missing.
    missing: usize,
}

impl Item {
    /// How it is called where nothing else names its series or its time.
    fn called(&self) -> String {
        one_name(self.group.iter().chain([&self.name]).chain(&self.time)).unwrap_or_default()
    }
}

/// Everything that is known about the rows.
struct Scored {
    items: Vec<Item>,
    labels: Option<Vec<String>>,
    /// The names of the columns, or of a series' channels.
    columns: Vec<String>,
    /// What they hold, in the data and in the model: a category has its own place in each.
    fields: [Vec<Field>; 2],
    threshold: f64,
    /// Stretches of points above the threshold, where the rows are windows of a series.
    stretches: Option<Vec<Stretch>>,
    /// Where its points have labels: how the stretches lie to them.
    events: Option<EventFigures>,
    /// Where rows have labels: the area under the curve, and the alarms at the threshold.
    truth: Option<(Option<f64>, Alarms)>,
    drift: Option<Drift>,
    probed: Probed,
}

pub(crate) fn run(args: &Score, show: &Show) -> Result<Exit> {
    let model = load(&args.model)?;
    if args.rows.data == "-" {
        return live::run(&model, args, show);
    }
    if let Some(output) = &args.output {
        refuse_input(output, &[&args.model, Path::new(&args.rows.data)])?;
        Destination::new(output, args.force).check()?;
        Format::of(output)?;
    }
    let data = read_for(&model, &args.rows.data, &args.rows.reading, show)?;
    data.require_rows(1)?;
    let scored = scored(args, &model, &data, show)?;
    if let Some(output) = &args.output {
        scored.write(&Destination::new(output, args.force), args.reasons)?;
    }
    if show.json {
        show::print(&scored.object(args).to_string())?
    } else {
        show::print(&scored.text(args))?
    }
    if let Some(output) = args.output.as_ref().filter(|_| !show.json) {
        show.note(format!("{}: {}", output.display(), show::plural(scored.items.len(), "row")));
    }
    Ok(Exit::Done)
}

fn scored(args: &Score, model: &Model, data: &Dataset, show: &Show) -> Result<Scored> {
    let detector = detector(model)?;
    let probed = probe(&detector, model, data)?;
    probed.advice(args.kind).into_iter().for_each(|advice| show.warn(advice));
    let mut items = match &data.windows {
        Some(windows) => points(windows, score_points(model, data, args.kind, args.reasons)?),
        None => rows(data, score(model, data, args.kind, args.reasons)?)?,
    };
    without_values(data, &mut items, show)?;
    count_missing(data, &mut items)?;
    let each: Vec<Option<f64>> = items.iter().map(|item| item.score).collect();
    let scores: Vec<f64> = each.iter().copied().flatten().collect();
    let own = data.windows.as_ref().map_or(&data.labels, |windows| &windows.labels);
    let labels = own.clone().filter(|labels| labels.len() == items.len());
    let marked = labels.as_ref().and_then(|labels| anomalous(labels, args, show));
    let anomaly: Option<Vec<bool>> = marked.as_ref().map(|marked| {
        let scored = marked.iter().zip(&each).filter(|(_, score)| score.is_some());
        scored.map(|(anomaly, _)| *anomaly).collect()
    });
    let threshold = match (args.threshold, &anomaly) {
        (Threshold::F1, Some(anomaly)) => {
            let none = || {
                Error::data(
                    &data.name,
                    "has no anomaly among its labels; choose another --threshold",
                )
            };
            best_f1(&scores, anomaly).ok_or_else(none)?.threshold
        }
        (threshold, _) => {
            let contamination = model.plan().blueprint.contamination;
            match &data.windows {
                Some(_) => detector.point_threshold(args.kind, threshold, contamination)?,
                None => detector.threshold(args.kind, threshold, contamination)?,
            }
        }
    };
    if labels.is_none() {
        warn_of_many(&scores, threshold, args, show);
    }
    let stretches = data.windows.as_ref().map(|windows| stretches_of(windows, &each, threshold));
    let events = data.windows.as_ref().zip(stretches.as_ref()).zip(marked);
    let events = events.map(|((windows, stretches), marked)| {
        EventFigures::of(windows, &each, &marked, threshold, stretches)
    });
    let (columns, fields) = columns(model, data);
    Ok(Scored {
        columns,
        fields,
        threshold,
        stretches,
        events,
        truth: anomaly
            .map(|anomaly| (auroc(&scores, &anomaly), Alarms::at(threshold, &scores, &anomaly))),
        drift: args.drift.then(|| match &data.windows {
            Some(_) => detector.point_calibration(args.kind).drift(&scores),
            None => detector.calibration(args.kind).drift(&scores),
        }),
        probed,
        items,
        labels,
    })
}

/// Takes the scores of rows without any value, of which nothing can be said, and says so.
fn without_values(data: &Dataset, items: &mut [Item], show: &Show) -> Result<()> {
    let empty = if data.windows.is_some() { Vec::new() } else { data.empty_rows()? };
    for row in &empty {
        items[*row] = Item {
            score: None,
            probability: None,
            reasons: Vec::new(),
            ..std::mem::take(&mut items[*row])
        };
    }
    if let Some(first) = empty.first() {
        let have = if empty.len() == 1 { "has" } else { "have" };
        let rows = show::plural(empty.len(), "row");
        show.warn(format!(
            "{rows} {have} no value in any column and no score, the first: {}",
            items[*first].name
        ));
    }
    Ok(())
}

/// Notes how many values each row of a table lacks.
fn count_missing(data: &Dataset, items: &mut [Item]) -> Result<()> {
    if data.windows.is_some() || !data.has_gaps()? {
        return Ok(());
    }
    let mut rows = items.iter_mut();
    for block in data.blocks() {
        let block = block?;
        for start in (0..block.len()).step_by(data.features().max(1)) {
            let Some(item) = rows.next() else { return Ok(()) };
            let row = start..start + data.features();
            item.missing = row.filter(|at| block.get(*at).is_nan()).count();
        }
    }
    Ok(())
}

/// Says where so many are alarms that the rows must be others than those of the training.
fn warn_of_many(scores: &[f64], threshold: f64, args: &Score, show: &Show) {
    let above = scores.iter().filter(|score| **score > threshold).count();
    let said = matches!(args.threshold, Threshold::At(_) | Threshold::F1);
    let part = above as f64 / scores.len().max(1) as f64;
    if said || scores.len() < FEWEST || part < MANY {
        return;
    }
    let how = if args.drift { "" } else { ", and --drift, how much" };
    show.warn(format!(
        "{:.0} % are above the threshold, where few are expected: these rows are unlike those of the training, such as those of another season or farther along a trend; ae eval tells how well they are rebuilt{how}",
        100.0 * part
    ));
}

fn rows(data: &Dataset, rows: Vec<RowScore>) -> Result<Vec<Item>> {
    let mut times = times_of_lines(data)?.into_iter().flatten();
    let item = |(row, of): (usize, RowScore)| Item {
        name: data.row_name(row),
        group: None,
        time: times.next(),
        score: Some(of.score),
        probability: Some(of.probability),
        reasons: of.reasons,
        missing: 0,
    };
    Ok(rows.into_iter().enumerate().map(item).collect())
}

/// When each line of a log was written; empty for those of which that is not known.
fn times_of_lines(data: &Dataset) -> Result<Option<Vec<String>>> {
    let date = (0..data.features()).find(|column| data.kind(*column) == ColumnKind::Date);
    let Some(date) = date.filter(|_| data.notation.lines) else { return Ok(None) };
    let mut times = Vec::with_capacity(data.rows());
    for block in data.blocks() {
        let block = block?;
        let numbers = (date..block.len()).step_by(data.features()).map(|at| block.get(at));
        // Days as they are held tell parts of milliseconds apart.
        let milliseconds = |days: f64| (days.clamp(-1e7, 1e7) * 86_400e3).round() as i128;
        let text = |days: f64| {
            if days.is_nan() { String::new() } else { date_time(milliseconds(days) * 1_000_000) }
        };
        times.extend(numbers.map(text));
    }
    Ok(Some(times))
}

fn points(windows: &Windows, points: Vec<PointScore>) -> Vec<Item> {
    let item = |(at, of): (usize, PointScore)| Item {
        name: windows.stamps[at].clone(),
        group: windows.groups.as_ref().map(|groups| groups[at].clone()),
        time: None,
        score: of.score,
        probability: of.probability,
        reasons: of.reasons,
        missing: 0,
    };
    points.into_iter().enumerate().map(item).collect()
}

/// The names of the columns, or of what the channels of a series are, and what they hold, in the data
/// and in the model.
fn columns(model: &Model, data: &Dataset) -> (Vec<String>, [Vec<Field>; 2]) {
    let Some(windows) = &data.windows else {
        let names = (0..data.features()).map(|column| data.column_name(column)).collect();
        return (names, [data.fields.clone(), model.signature().preparation.fields()]);
    };
    let parts = windows.series.parts().into_iter();
    let (names, fields): (_, Vec<Field>) = parts.map(|part| (part.name, part.field)).unzip();
    (names, [fields.clone(), fields])
}

/// Which labels are those of anomalies; warns where none is normal, of which nothing can be measured, or
/// none an anomaly.
fn anomalous(labels: &[String], args: &Score, show: &Show) -> Option<Vec<bool>> {
    let anomaly: Vec<bool> =
        labels.iter().map(|label| !normal(label, args.normal.as_deref())).collect();
    let what = match (anomaly.contains(&true), anomaly.contains(&false)) {
        (true, true) => return Some(anomaly),
        (true, false) => "no row has the label of a normal one",
        (false, _) => "every row has the label of a normal one",
    };
    let known: BTreeSet<&String> = labels.iter().collect();
    let known: Vec<&str> = known.into_iter().take(8).map(String::as_str).collect();
    show.warn(format!(
        "{what}; labels are {}, and --normal LABEL says which is normal",
        known.join(", ")
    ));
    anomaly.contains(&false).then_some(anomaly)
}

/// Whether a label is that of a normal row.
fn normal(label: &str, named: Option<&str>) -> bool {
    match named {
        Some(named) => label == named,
        None => label.parse::<f64>().map_or_else(
            |_| {
                ["", "false", "no", "normal"]
                    .iter()
                    .any(|word| label.trim().eq_ignore_ascii_case(word))
            },
            |number| number == 0.0,
        ),
    }
}

/// For each of so many points the number of the stretch that holds it, from 1 on.
fn numbered(stretches: &[Stretch], points: usize) -> Vec<Option<usize>> {
    let mut numbers = vec![None; points];
    for (at, stretch) in stretches.iter().enumerate() {
        numbers[stretch.start..=stretch.end].fill(Some(at + 1));
    }
    numbers
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

impl Scored {
    fn is_anomaly(&self, item: &Item) -> bool {
        item.score.is_some_and(|score| score > self.threshold)
    }

    fn anomalies(&self) -> usize {
        self.items.iter().filter(|item| self.is_anomaly(item)).count()
    }

    /// How many points of a stretch are above the threshold.
    fn alarms(&self, stretch: &Stretch) -> usize {
        let points = &self.items[stretch.start..=stretch.end];
        points.iter().filter(|item| self.is_anomaly(item)).count()
    }

    /// The stretches with the highest peaks, the highest first, where the items are points of a
    /// series.
    fn highest_stretches(&self) -> Option<Vec<Stretch>> {
        let mut stretches = self.stretches.clone()?;
        let score = |stretch: &Stretch| self.items[stretch.peak].score.unwrap_or(f64::NEG_INFINITY);
        stretches.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.start.cmp(&b.start)));
        stretches.truncate(SHOWN);
        Some(stretches)
    }

    /// The items with the highest scores, the highest first; of a series the peaks of its
    /// stretches.
    fn highest(&self) -> Vec<usize> {
        if let Some(stretches) = self.highest_stretches() {
            return stretches.iter().map(|stretch| stretch.peak).collect();
        }
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        let score = |at: usize| self.items[at].score.unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
        order.truncate(SHOWN);
        order
    }

    /// The reasons of an item.
    fn told<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = Told<'a>> {
        let fields = [self.fields[0].as_slice(), self.fields[1].as_slice()];
        item.reasons.iter().map(move |why| Told::of(why, &self.columns[why.column], fields))
    }

    fn object_of(&self, at: usize) -> Value {
        let item = &self.items[at];
        let mut object = json!({
            "row": item.name,
            "score": item.score,
            "probability": item.probability,
            "anomaly": u8::from(self.is_anomaly(item)),
            "reasons": self.told(item).map(|told| told.object()).collect::<Vec<_>>(),
        });
        for (name, text) in [("group", &item.group), ("time", &item.time)] {
            if let Some(text) = text {
                object[name] = text.as_str().into();
            }
        }
        if let Some(labels) = &self.labels {
            object["label"] = labels[at].as_str().into();
        }
        object
    }

    fn object_of_stretch(&self, stretch: &Stretch) -> Value {
        let Stretch { start, end, peak, .. } = *stretch;
        let mut object = json!({
            "start": self.items[start].name,
            "end": self.items[end].name,
            "points": end - start + 1,
            "alarms": self.alarms(stretch),
            "peak": self.object_of(peak),
        });
        if let Some(group) = &self.items[start].group {
            object["group"] = group.as_str().into();
        }
        object
    }

    fn write(&self, to: &Destination, reasons: usize) -> Result<()> {
        let format = Format::of(to.path())?;
        let written = |file: &mut BufWriter<&File>| match format {
            Format::Lines => {
                (0..self.items.len()).try_for_each(|at| writeln!(file, "{}", self.object_of(at)))
            }
            Format::Csv => self.write_csv(file, reasons),
        };
        to.write(|file| written(file).map_err(|error| Error::io(to.path(), error)))
    }

    fn write_csv(&self, file: &mut impl Write, reasons: usize) -> io::Result<()> {
        let mut sheet = csv::Writer::from_writer(file);
        let grouped = self.items.iter().any(|item| item.group.is_some());
        let first = if self.stretches.is_some() { "time" } else { "row" };
        let mut header: Vec<String> =
            [first, "score", "probability", "anomaly"].map(str::to_owned).into();
        if grouped {
            header.insert(0, "group".to_owned());
        }
        if self.items.iter().any(|item| item.time.is_some()) {
            header.insert(1, "time".to_owned());
        }
        let stretch_of =
            self.stretches.as_ref().map(|stretches| numbered(stretches, self.items.len()));
        header.extend(stretch_of.iter().map(|_| "stretch".to_owned()));
        header.extend(self.labels.iter().map(|_| "label".to_owned()));
        for place in 1..=reasons.min(self.columns.len()) {
            header.extend(["column", "observed", "expected"].map(|word| format!("{word}_{place}")));
        }
        let width = header.len();
        sheet.write_record(&header)?;
        let number = |number: Option<f64>| {
            number.filter(|it| it.is_finite()).map(|it| it.to_string()).unwrap_or_default()
        };
        for (at, item) in self.items.iter().enumerate() {
            let mut cells: Vec<String> = item.group.iter().cloned().collect();
            cells.push(item.name.clone());
            cells.extend(item.time.clone());
            cells.extend([
                number(item.score),
                number(item.probability),
                u8::from(self.is_anomaly(item)).to_string(),
            ]);
            let stretch = stretch_of.as_ref().map(|of| of[at]);
            cells.extend(stretch.map(|of| of.map_or(String::new(), |of| of.to_string())));
            cells.extend(self.labels.iter().map(|labels| labels[at].clone()));
            for told in self.told(item) {
                let [observed, expected] = told.texts();
                cells.extend([told.name, observed, expected]);
            }
            cells.resize(width, String::new());
            sheet.write_record(&cells)?;
        }
        sheet.flush()
    }

    fn object(&self, args: &Score) -> Value {
        let stretches = self.stretches.as_ref().map(|stretches| {
            stretches.iter().map(|stretch| self.object_of_stretch(stretch)).collect::<Vec<_>>()
        });
        json!({
            "rows": self.items.len(),
            "kind": args.kind,
            "threshold": self.threshold,
            "anomalies": self.anomalies(),
            "stretches": stretches,
            "auroc": self.truth.as_ref().and_then(|(area, _)| *area),
            "alarms": self.truth.as_ref().map(|(_, alarms)| alarms),
            "events": self.events,
            "drift": self.drift,
            "probes": self.probed,
            "highest": self.highest().into_iter().map(|at| self.object_of(at)).collect::<Vec<_>>(),
            "output": args.output.as_deref().map(show::path_text),
        })
    }

    fn text(&self, args: &Score) -> String {
        let (count, one, several) = match &self.stretches {
            Some(stretches) => (stretches.len(), "stretch", "stretches"),
            None => (self.anomalies(), "anomaly", "anomalies"),
        };
        let more = match count.saturating_sub(SHOWN) {
            0 => String::new(),
            more => {
                let what = if more == 1 { one } else { several };
                let all = if args.output.is_some() { "" } else { "; -o scores.csv writes all" };
                format!("\n... and {more} {what} more{all}")
            }
        };
        let table = match &self.stretches {
            Some(stretches) if stretches.is_empty() => String::new(),
            _ => "\n".to_owned() + &self.table(),
        };
        self.headline(args) + &self.truth_line() + &self.drift_line() + &table + &more
    }

    /// How many anomalies there are, above which threshold.
    fn headline(&self, args: &Score) -> String {
        let (count, of) = (self.anomalies(), self.items.len());
        let anomalies =
            if count == 1 { "1 anomaly".to_owned() } else { format!("{count} anomalies") };
        let found = match &self.stretches {
            Some(stretches) => format!(
                "{} of {count} among {}",
                show::plural(stretches.len(), "stretch").replace("stretchs", "stretches"),
                show::plural(of, "point")
            ),
            None => format!("{anomalies} of {}", show::plural(of, "row")),
        };
        format!(
            "{found} above {} ({} score, threshold {})\n",
            show::number(self.threshold),
            args.kind,
            args.threshold
        )
    }

    fn truth_line(&self) -> String {
        let Some((area, alarms)) = &self.truth else { return String::new() };
        let area = area.map_or("-".to_owned(), show::number);
        let of = |alarms: &Alarms| {
            let [accuracy, precision, recall] =
                [alarms.accuracy, alarms.precision, alarms.recall].map(show::number);
            format!("accuracy {accuracy}, precision {precision}, recall {recall}")
        };
        let all = format!("by the labels: auroc {area}, {}\n", of(alarms));
        let Some(events) = &self.events else { return all };
        let EventFigures { events: of_all, found, stretches, right, adjusted, .. } = events;
        format!(
            "{all}events: {found} of {of_all} found, {right} of {} right; point-adjusted: {}\n",
            show::plural(*stretches, "stretch").replace("stretchs", "stretches"),
            of(adjusted)
        )
    }

    fn drift_line(&self) -> String {
        let Some(drift) = &self.drift else { return String::new() };
        format!(
            "{}: at most {} % more rows below any score than among rows like the training's, {}; {} % above their 99th percentile\n",
            if drift.found() { "drift" } else { "no drift" },
            show::number(100.0 * drift.distance),
            if drift.chance < NEVER {
                "hardly ever by chance".to_owned()
            } else {
                format!("by chance in {} % of batches", show::number(100.0 * drift.chance))
            },
            show::number(100.0 * drift.above)
        )
    }

    /// The highest scores, with their reasons.
    fn table(&self) -> String {
        const WHY: &str = "why (observed, expected)";
        let number = |number: Option<f64>| number.map_or("-".to_owned(), show::number);
        let numbers = |item: &Item| [number(item.score), number(item.probability), self.why(item)];
        let table = match self.highest_stretches() {
            Some(stretches) => {
                let head = show::cells([
                    &"from",
                    &"to",
                    &"alarms",
                    &"peak",
                    &"score",
                    &"probability",
                    &WHY,
                ]);
                let line = |stretch: &Stretch| {
                    let [score, probability, why] = numbers(&self.items[stretch.peak]);
                    let (from, to) =
                        (self.items[stretch.start].called(), &self.items[stretch.end].name);
                    let alarms = self.alarms(stretch);
                    let peak = &self.items[stretch.peak].name;
                    show::cells([&from, to, &alarms, peak, &score, &probability, &why])
                };
                std::iter::once(head).chain(stretches.iter().map(line)).collect::<Vec<_>>()
            }
            None => {
                let head = show::cells([&"row", &"score", &"probability", &WHY]);
                let line = |at: usize| {
                    let [score, probability, why] = numbers(&self.items[at]);
                    let below = if self.is_anomaly(&self.items[at]) { "" } else { " (no anomaly)" };
                    let name = self.items[at].called() + below;
                    show::cells([&name, &score, &probability, &why])
                };
                std::iter::once(head).chain(self.highest().into_iter().map(line)).collect()
            }
        };
        show::table(&table)
    }

    fn why(&self, item: &Item) -> String {
        let told: Vec<String> = self.told(item).map(|told| told.words()).collect();
        match (told.is_empty(), item.missing) {
            (true, 1..) => {
                let (missing, all) = (item.missing, self.columns.len());
                format!("{missing} of {all} values are missing")
            }
            _ => told.join(", "),
        }
    }
}
