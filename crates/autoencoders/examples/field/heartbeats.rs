//! Heartbeats at the default threshold.

use crate::{Options, mean, trained};
use autoencoders::data::{Dataset, ReadOptions, Shape, read};
use autoencoders::study::{Alarms, ScoreKind, Threshold, auroc, detector, score};
use autoencoders::{Error, Result};

/// Trains on the normal heartbeats of the training rows, and scores the others.
pub(crate) fn heartbeats(options: &Options) -> Result<()> {
    let file = options.folder.join("ecg5000/ecg5000.npz").display().to_string();
    let array = |array: &str, label: &str| {
        let (array, label) = (Some(array.to_owned()), Some(label.to_owned()));
        read(&file, &ReadOptions { array, label, ..ReadOptions::default() })
    };
    let (train, mut test) = (array("train_x", "train_class")?, array("test_x", "test_anomaly")?);
    let classes = labels(&train)?;
    let normal: Vec<usize> = (0..train.rows()).filter(|row| classes[*row] == "1").collect();
    let anomaly: Vec<bool> = labels(&test)?.iter().map(|label| label == "1").collect();
    let mut train = train.select(&normal)?;
    for data in [&mut train, &mut test] {
        data.shape = Shape::Series { length: data.features(), channels: 1 };
    }
    println!("\nheartbeats at the default threshold, {} to train on", train.rows());
    println!("| seed | AUROC in % | accuracy | precision | recall |\n|---|---|---|---|---|");
    let mut all = [const { Vec::new() }; 4];
    for seed in 0..options.seeds {
        let model = trained(&train, 0.0, seed)?;
        let scores = score(&model, &test, ScoreKind::Joined, 0)?;
        let scores: Vec<f64> = scores.into_iter().map(|row| row.score).collect();
        let limit = detector(&model)?.threshold(ScoreKind::Joined, Threshold::Auto, 0.0)?;
        let alarms = Alarms::at(limit, &scores, &anomaly);
        let area = 100.0 * auroc(&scores, &anomaly).unwrap_or(f64::NAN);
        let figures = [area, alarms.accuracy, alarms.precision, alarms.recall];
        println!(
            "| {seed} | {area:.2} | {:.3} | {:.3} | {:.3} |",
            figures[1], figures[2], figures[3]
        );
        all.iter_mut().zip(figures).for_each(|(all, figure)| all.push(figure));
    }
    let [area, accuracy, precision, recall] = all.map(|all| mean(&all));
    println!("| mean | {area:.2} | {accuracy:.3} | {precision:.3} | {recall:.3} |");
    Ok(())
}

fn labels(data: &Dataset) -> Result<&Vec<String>> {
    data.labels.as_ref().ok_or_else(|| Error::data(&data.name, "has no labels"))
}
