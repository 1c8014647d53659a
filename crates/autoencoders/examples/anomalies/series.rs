//! The parts of the table that are about heartbeats and series.

use crate::{Options, trained};
use autoencoders::data::Dataset;
use autoencoders::data::Duplicates;
use autoencoders::data::Gaps;
use autoencoders::data::ReadOptions;
use autoencoders::data::Series;
use autoencoders::data::Shape;
use autoencoders::data::read;
use autoencoders::study::Alarms;
use autoencoders::study::ScoreKind;
use autoencoders::study::Stretch;
use autoencoders::study::Threshold;
use autoencoders::study::auroc;
use autoencoders::study::detector;
use autoencoders::study::score;
use autoencoders::study::score_points;
use autoencoders::study::stretches;
use autoencoders::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Points in a window of each series.
const WINDOW: usize = 48;

/// Heartbeats: trained on the normal ones of the training rows.
pub(crate) fn ecg5000(options: &Options) -> Result<Value> {
    let file = options.folder.join("ecg5000/ecg5000.npz").display().to_string();
    let array = |array: &str, label: &str| {
        read(
            &file,
            &ReadOptions {
                array: Some(array.to_owned()),
                label: Some(label.to_owned()),
                ..ReadOptions::default()
            },
        )
    };
    let (train, mut test) = (array("train_x", "train_class")?, array("test_x", "test_anomaly")?);
    let normal: Vec<usize> = labels(&train)?
        .iter()
        .enumerate()
        .filter(|(_, class)| *class == "1")
        .map(|(row, _)| row)
        .collect();
    let anomaly: Vec<bool> = labels(&test)?.iter().map(|label| label == "1").collect();
    let mut train = train.select(&normal)?;
    // Rows of an array are a table; these are windows of one channel.
    for data in [&mut train, &mut test] {
        data.shape = Shape::Series { length: data.features(), channels: 1 };
    }
    println!("\necg5000: trained on {} normal heartbeats, tested on {}", train.rows(), test.rows());
    println!(
        "| seed | AUROC in % | reconstruction | code | accuracy | precision | recall |\n|---|---|---|---|---|---|---|"
    );
    let (mut areas, mut all) = (Vec::new(), Vec::new());
    for seed in 0..options.seeds {
        let model = trained(&train, 0.0, seed)?;
        let scores = |kind: ScoreKind| -> Result<Vec<f64>> {
            Ok(score(&model, &test, kind, 0)?.into_iter().map(|row| row.score).collect())
        };
        let joined = scores(ScoreKind::Joined)?;
        let threshold = detector(&model)?.threshold(ScoreKind::Joined, Threshold::Auto, 0.0)?;
        let alarms = Alarms::at(threshold, &joined, &anomaly);
        let area = |scores: &[f64]| 100.0 * auroc(scores, &anomaly).unwrap_or(f64::NAN);
        println!(
            "| {seed} | {:.2} | {:.2} | {:.2} | {:.3} | {:.3} | {:.3} |",
            area(&joined),
            area(&scores(ScoreKind::Reconstruction)?),
            area(&scores(ScoreKind::Code)?),
            alarms.accuracy,
            alarms.precision,
            alarms.recall
        );
        areas.push(area(&joined));
        all.push(alarms);
    }
    let mean = |of: &dyn Fn(&Alarms) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let result = json!({
        "auroc": areas.iter().sum::<f64>() / areas.len() as f64,
        "accuracy": mean(&|alarms| alarms.accuracy),
        "precision": mean(&|alarms| alarms.precision),
        "recall": mean(&|alarms| alarms.recall),
    });
    println!("mean: {result}");
    Ok(result)
}

fn labels(data: &Dataset) -> Result<&Vec<String>> {
    data.labels.as_ref().ok_or_else(|| Error::data(&data.name, "has no labels"))
}

/// Four series: trained on the first 15 %, the rest scored.
pub(crate) fn nab(options: &Options) -> Result<Value> {
    let folder = options.folder.join("nab");
    let path = folder.join("windows.json");
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let labelled: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| Error::data(path.display(), error.to_string()))?;
    println!("\nnab: windows of {WINDOW} points, trained on the first 15 %, the rest scored");
    println!(
        "| series | labelled windows after the cut | raised | false alarms | days | false alarms a day |\n|---|---|---|---|---|---|"
    );
    let mut result = Map::new();
    for (name, windows) in &labelled {
        // Stamps of one form compare as the times they stand for.
        let spans: Vec<(String, String)> = (windows.as_array().into_iter().flatten())
            .filter_map(|window| {
                Some((
                    window[0].as_str()?.get(..19)?.to_owned(),
                    window[1].as_str()?.get(..19)?.to_owned(),
                ))
            })
            .collect();
        result.insert(name.clone(), raised(&folder, name, spans)?);
    }
    Ok(Value::Object(result))
}

/// How many of the labelled spans of a series raise an alarm, and how many alarms are none of them.
fn raised(folder: &Path, name: &str, mut spans: Vec<(String, String)>) -> Result<Value> {
    let series = Series {
        duplicates: Some(Duplicates::Mean),
        gaps: Some(Gaps::Split),
        ..Series::of(WINDOW)
    };
    let data = read(
        &folder.join(name).display().to_string(),
        &ReadOptions { series: Some(series), ..ReadOptions::default() },
    )?;
    let points = data.windows.clone().ok_or_else(|| Error::data(name, "holds no windows"))?;
    let cut = points.stamps.len() * 15 / 100;
    let alarms = alarms(&data, &points.starts, cut)?;
    spans.retain(|(_, end)| *end > points.stamps[cut]);
    let within = |alarm: &Stretch, (start, end): &(String, String)| {
        points.stamps[alarm.start] <= *end && points.stamps[alarm.end] >= *start
    };
    let raised = spans.iter().filter(|span| alarms.iter().any(|alarm| within(alarm, span))).count();
    let wrong = alarms.iter().filter(|alarm| !spans.iter().any(|span| within(alarm, span))).count();
    let days = days(&points.stamps[cut], &points.stamps[points.stamps.len() - 1]);
    println!(
        "| {name} | {} | {raised} | {wrong} | {days:.1} | {:.2} |",
        spans.len(),
        wrong as f64 / days
    );
    Ok(json!({
        "windows": spans.len(),
        "raised": raised,
        "false_alarms": wrong,
        "days": days,
        "false_alarms_a_day": wrong as f64 / days,
    }))
}

/// Trains on the windows before the cut, and scores those behind it.
fn alarms(data: &Dataset, starts: &[usize], cut: usize) -> Result<Vec<Stretch>> {
    let early: Vec<usize> = (0..data.rows()).filter(|row| starts[*row] + WINDOW <= cut).collect();
    let late: Vec<usize> = (0..data.rows()).filter(|row| starts[*row] >= cut).collect();
    let model = trained(&data.select(&early)?, 0.0, 0)?;
    let rest = data.select(&late)?;
    let scores: Vec<Option<f64>> = score_points(&model, &rest, ScoreKind::Joined, 0)?
        .into_iter()
        .map(|point| point.score)
        .collect();
    let threshold = detector(&model)?.point_threshold(ScoreKind::Joined, Threshold::Auto, 0.0)?;
    Ok(stretches(&scores, threshold, WINDOW))
}

/// Days between two stamps of the form 2013-07-04 00:30:00.
fn days(from: &str, to: &str) -> f64 {
    let time = |stamp: &str| stamp.parse::<jiff::civil::DateTime>().unwrap_or_default();
    time(from)
        .until(time(to))
        .ok()
        .and_then(|span| {
            span.total((jiff::Unit::Hour, jiff::SpanRelativeTo::days_are_24_hours())).ok()
        })
        .unwrap_or(f64::NAN)
        / 24.0
}
