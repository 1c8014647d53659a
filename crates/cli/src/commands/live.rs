//! `ae score MODEL -`: rows on standard input, one answer a line, at once.

use crate::args::Score;
use crate::commands::lines::{Cells, delimiter, header};
use crate::commands::watch::{Watch, Watched};
use crate::exit::Exit;
use crate::reason::Told;
use crate::show::{self, Show};
use crate::wording::worded;
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::Field;
use autoencoders::data::Notation;
use autoencoders::data::Values;
use autoencoders::data::one_name;
use autoencoders::data::read_cell;
use autoencoders::study::PointScore;
use autoencoders::study::Reason;
use autoencoders::study::Threshold;
use autoencoders::study::detector;
use autoencoders::study::{score, score_points};
use autoencoders::{Error, Model, Result, among_workers};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// A longer line is no row of numbers; without a bound one line could take all memory.
const LONGEST: u64 = 1 << 24;

/// How often what is expected of an odd point is asked for again.
const AGAIN: usize = 5;

pub(crate) fn run(model: &Model, args: &Score, show: &Show) -> Result<Exit> {
    if args.output.is_some() || args.drift || args.threshold == Threshold::F1 {
        return Err(Error::setting(
            "DATA",
            "-",
            "a file for --output, --drift or --threshold f1: rows that come one by one are answered on standard output",
        ));
    }
    // What the user says of how values are written holds before what the model knows.
    let notation = args.rows.reading.options().notation.or(&model.signature().notation);
    if let Some(series) = &model.signature().series {
        let points = series.window;
        if let Some(span) = series.resample {
            show.note(format!("points are not averaged here: the model knows means over {span}"));
        }
        show.note(match Watch::of(model, &notation, args.rows.reading.duplicates) {
            Some(_) => format!("each line is a point; scores begin with {points} that follow each other"),
            None => format!(
                "each line is a whole window of {points} points, the channels of a point side by side"
            ),
        });
    }
    let detector = detector(model)?;
    let contamination = model.plan().blueprint.contamination;
    let threshold = detector.threshold(args.kind, args.threshold, contamination)?;
    let of_points = detector.point_threshold(args.kind, args.threshold, contamination)?;
    if let Some(probed) = &detector.probed {
        probed.advice(args.kind).into_iter().for_each(|advice| show.warn(advice));
    }
    among_workers(|| {
        let watch = Watch::of(model, &notation, args.rows.reading.duplicates);
        let stamp = String::new();
        let rows = 0;
        Live { model, args, threshold, of_points, notation, watch, rows, stamp }
            .answer(&mut io::stdin().lock(), &mut io::stdout().lock())
    })?;
    Ok(Exit::Done)
}

/// Answers rows as they come.
struct Live<'a> {
    model: &'a Model,
    args: &'a Score,
    threshold: f64,
    /// The same for points of a series.
    of_points: f64,
    /// The newest points of a series.
    watch: Option<Watch<'a>>,
    /// How values are written.
    notation: Notation,
    /// Rows that have come.
    rows: usize,
    /// The stamp of the last line of text that had one.
    stamp: String,
}

impl Live<'_> {
    fn answer(&mut self, input: &mut impl BufRead, output: &mut impl Write) -> Result<()> {
        let fail = |error| Error::io(Path::new("standard input"), error);
        let (mut line, mut names) = (Vec::new(), None::<Vec<String>>);
        let (mut first, mut sign) = (true, ',');
        for number in 1.. {
            line.clear();
            if input.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(fail)? == 0 {
                break;
            }
            let long = line.len() as u64 == LONGEST && line.last() != Some(&b'\n');
            if long {
                // What follows is the rest of it, and no row.
                skip_line(input).map_err(fail)?;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() || is_comment(self.model, text) {
                continue;
            }
            // The names may stand behind words of whoever writes the rows.
            if !long && first {
                sign = delimiter(self.model, text, self.args.rows.reading.delimiter);
                match header(self.model, text, sign) {
                    Ok(Some(found)) => {
                        (names, first) = (Some(found), false);
                        continue;
                    }
                    // Rows by names of other columns are none of this model.
                    Err(error) if self.rows == 0 => return Err(error),
                    _ => {}
                }
            }
            self.rows += 1;
            let cells = if long {
                Err(Error::data("line", format!("is longer than {LONGEST} bytes, and no row")))
            } else {
                Cells::read(&self.notation, text, names.as_deref(), sign)
            };
            let cells = cells.map(|cells| cells.continued(&mut self.stamp));
            let answered = match cells {
                Ok(cells) => self.one(&cells).map_err(|error| (error, Some(cells))),
                Err(error) => Err((error, None)),
            };
            first &= answered.is_err();
            // One wrong line must not end the watch.
            let object = answered.unwrap_or_else(|(error, cells)| {
                let error = worded(&error);
                show::say(&format!("line {number}: {error}"));
                let mut object = json!({ "line": number, "error": error });
                if let Some(cells) = cells {
                    self.name_wrong(&cells, &mut object);
                }
                object
            });
            writeln!(output, "{}", show::plain(&object.to_string()))
                .and_then(|()| output.flush())
                .map_err(|error| Error::io(Path::new("standard output"), error))?;
        }
        Ok(())
    }

    /// The answer to the cells of one line.
    fn one(&mut self, cells: &Cells) -> Result<Value> {
        let whole = matches!(cells, Cells::Ordered(cells) if cells.len() == self.model.features());
        match &mut self.watch {
            Some(watch) if !whole => {
                let watched = watch.take(cells)?;
                self.point(watched)
            }
            _ => self.row(cells),
        }
    }

    /// Says which row a wrong line is, and of which series, as far as it can be told.
    fn name_wrong(&self, cells: &Cells, object: &mut Value) {
        let Some(series) = &self.model.signature().series else {
            object["row"] = self.name(cells);
            return;
        };
        let of = |names: &[String]| one_name(names.iter().filter_map(|name| cells.get(name)));
        object["begins_anew"] = "behind a line that is no point".into();
        let stamp = of(series.stamps()).filter(|stamp| !stamp.is_empty());
        object["row"] = stamp.map_or(json!(self.rows), Value::from);
        if let Some(group) = of(&series.group) {
            object["group"] = group.into();
        }
    }

    fn row(&self, cells: &Cells) -> Result<Value> {
        let (model, args) = (self.model, self.args);
        let known = model.signature().preparation.fields();
        let data = row(model, &known, &self.notation, cells)?;
        let rows = score(model, &data, args.kind, args.reasons)?;
        if data.empty_rows()?.contains(&0) {
            // Of a row without any value nothing can be said, as in a file.
            return Ok(
                json!({ "row": self.name(cells), "score": null, "anomaly": 0, "reasons": [] }),
            );
        }
        let (row, fields) = (&rows[0], [data.fields, known]);
        let of = |why: &Reason| {
            Told::of(why, &column(model, why.column), [&fields[0], &fields[1]]).object()
        };
        let reasons: Vec<Value> = row.reasons.iter().map(of).collect();
        let anomaly = u8::from(row.score > self.threshold);
        let mut answer = json!({ "row": self.name(cells), "score": row.score, "probability": row.probability, "anomaly": anomaly, "reasons": reasons });
        if let Cells::Line([(name, stamp), _]) = cells
            && !stamp.is_empty()
        {
            answer[name] = stamp.as_str().into();
        }
        Ok(answer)
    }

    /// How a row is called: by the columns that identify rows, where they are named and there, or by
    /// its number.
    fn name(&self, cells: &Cells) -> Value {
        let ids: Option<Vec<&str>> =
            self.args.rows.reading.id.iter().map(|name| cells.get(name)).collect();
        ids.and_then(one_name).map_or(json!(self.rows), Value::from)
    }

    fn point(&mut self, watched: Watched) -> Result<Value> {
        let Watched { stamp, group, anew, carried, filled, window } = watched;
        let mut answer = match window {
            Err(missing) => json!({ "score": null, "waits_for": missing }),
            Ok(window) => {
                let (point, window) = self.newest(&group, *window)?;
                let series = window.windows.iter().map(|windows| &windows.series);
                let parts: Vec<_> = series.flat_map(|series| series.parts()).collect();
                let fields: Vec<Field> = parts.iter().map(|part| part.field.clone()).collect();
                let known = |why: &&Reason| !carried.contains(&parts[why.column].name);
                let told = |why: &Reason| {
                    Told::of(why, &parts[why.column].name, [&fields, &fields]).object()
                };
                let reasons: Vec<Value> = point.reasons.iter().filter(known).map(told).collect();
                let anomaly = u8::from(rings(&point, self.of_points));
                json!({ "score": point.score, "probability": point.probability, "anomaly": anomaly, "reasons": reasons })
            }
        };
        if self.model.signature().series.iter().any(|series| !series.group.is_empty()) {
            answer["group"] = group.into();
        }
        if !carried.is_empty() {
            answer["carried"] = carried.into();
        }
        if filled > 0 {
            answer["filled"] = filled.into();
        }
        if let Some(why) = anew {
            answer["begins_anew"] = why.into();
        }
        answer["row"] = if stamp.is_empty() { json!(self.rows) } else { stamp.into() };
        Ok(answer)
    }

    /// The score of the newest point of a series, and the window by which it was scored.
    ///
    /// A point that was odd by itself would leave its window odd for as long as it is in it. So that
    /// window is scored with what was expected in its place too, and what is less odd counts: as it
    /// is, a window may be usual again, where a machine went on to another of its states.
    fn newest(&mut self, group: &str, window: Dataset) -> Result<(PointScore, Dataset)> {
        let (model, kind) = (self.model, self.args.kind);
        let last = |window: &Dataset, reasons: usize| -> Result<PointScore> {
            let point = score_points(model, window, kind, reasons)?.pop();
            point.ok_or_else(|| Error::data("row", "is no window of points"))
        };
        let mut found = (last(&window, self.args.reasons)?, window);
        let Some(watch) = &mut self.watch else { return Ok(found) };
        if let Some(settled) = watch.settled(group)? {
            let point = last(&settled, self.args.reasons)?;
            if point.score < found.0.score {
                found = (point, settled);
            }
        }
        let threshold = self.of_points;
        if rings(&found.0, threshold) {
            watch.expect(group, Some(&expected(model, &found.1)?));
            // A large error spoils what is expected, too, until that stands in its place.
            for _ in 0..AGAIN {
                let Some(window) = watch.settled(group)? else { break };
                watch.expect(group, Some(&expected(model, &window)?));
            }
            let without = watch.settled(group)?;
            let without = without.map(|window| last(&window, 0)).transpose()?;
            if without.is_none_or(|point| rings(&point, threshold)) {
                // It is not this point alone.
                watch.expect(group, None);
            }
        }
        Ok(found)
    }
}

/// Reads on to the end of a line.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let block = input.fill_buf()?;
        let end = block.iter().position(|byte| *byte == b'\n');
        let length = block.len();
        input.consume(end.map_or(length, |end| end + 1));
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

/// Whether a point is an anomaly.
fn rings(point: &PointScore, threshold: f64) -> bool {
    point.score.is_some_and(|score| score > threshold)
}

/// What a model expects of the channels of a window's last point.
fn expected(model: &Model, window: &Dataset) -> Result<Vec<f64>> {
    let series = window.windows.iter().map(|windows| &windows.series);
    let measured = series.flat_map(|series| &series.channels).map(|channel| channel.width()).sum();
    let length = window.windows.as_ref().map_or(1, |windows| windows.length.max(1));
    let width = window.features() / length;
    let rebuilt = model.reconstruct(window)?.values;
    let last = rebuilt.iter().enumerate().skip(width * (length - 1));
    Ok(last.take(measured).map(|(at, value)| model.signature().kept_value(at, *value)).collect())
}

/// Whether a line is a comment, as in files.
fn is_comment(model: &Model, line: &str) -> bool {
    let names = &model.signature().columns;
    let named = names.first().is_some_and(|name| name.starts_with('#'));
    line.starts_with('#') && !model.signature().notation.lines && !named
}

fn column(model: &Model, at: usize) -> String {
    model.signature().columns.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1))
}

/// The row of one line.
fn row(model: &Model, fields: &[Field], notation: &Notation, cells: &Cells) -> Result<Dataset> {
    let features = model.features();
    let names: Vec<String> = (0..features).map(|at| column(model, at)).collect();
    let texts = cells.in_order(&names)?;
    let knows_gaps = model.signature().preparation.table.as_ref().is_some_and(|table| table.gaps);
    let mut own = fields.to_vec();
    let mut values = Vec::with_capacity(features);
    for (at, text) in texts.iter().enumerate() {
        let field = own.get(at).cloned().unwrap_or_default();
        let value = read_cell(&column(model, at), &field, notation, text)?;
        if value.is_nan() && !knows_gaps {
            return Err(Error::data(
                column(model, at),
                "has no value; the model was trained on complete rows",
            ));
        }
        if value == field.levels.len() as f64
            && matches!(field.kind, ColumnKind::Categorical | ColumnKind::Text)
        {
            // A word of its own, so that the answer can name it.
            let levels = field.levels.iter().cloned().chain([text.clone()]).collect();
            own[at] = Field { kind: field.kind, levels: Arc::new(levels) };
        }
        values.push(value);
    }
    let mut data = Dataset::new("row", model.signature().shape.clone(), Values::F64(values))?;
    data.fields = own;
    Ok(data)
}
