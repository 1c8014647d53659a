//! How many of fresh normal rows raise an alarm at the default threshold: one in a hundred.

use crate::{Options, adbench, mean, trained};
use autoencoders::study::{ScoreKind, Threshold, detector, score};
use autoencoders::{Result, Rng};

/// Sets of fewer normal rows hold out too few to tell one in a hundred; ten of fourteen have them.
const FEWEST: usize = 1500;
/// Normal rows of a set at most.
const MOST: usize = 12_000;
/// The part of the training rows that occurs twice.
const TWICE: f64 = 0.1;

/// Trains on half of the normal rows, and scores the other half.
pub(crate) fn alarms(options: &Options) -> Result<()> {
    println!(
        "\nalarms on fresh normal rows at the default threshold, in %, mean of {} seeds; a tenth of the training rows twice",
        options.seeds
    );
    println!("| set | training rows | without copies | with copies |\n|---|---|---|---|");
    for set in options.sets() {
        let (data, anomaly) = adbench(options, set)?;
        if anomaly.iter().filter(|anomaly| !**anomaly).count() < FEWEST {
            continue;
        }
        let (mut rates, mut rows) = ([Vec::new(), Vec::new()], 0);
        for seed in 0..options.seeds {
            let rng = Rng::new(seed).split("alarms");
            let mut normal: Vec<usize> = (0..data.rows()).filter(|row| !anomaly[*row]).collect();
            let order = rng.split("halves").permutation(normal.len());
            normal = order.iter().take(MOST).map(|at| normal[*at]).collect();
            let (train, fresh) = normal.split_at(normal.len() / 2);
            rows = train.len();
            for (with, rates) in rates.iter_mut().enumerate() {
                let copies = (TWICE * train.len() as f64) as usize * with;
                let train: Vec<usize> = train.iter().chain(&train[..copies]).copied().collect();
                let model = trained(&data.select(&train)?, 0.0, seed)?;
                let limit = detector(&model)?.threshold(ScoreKind::Joined, Threshold::Auto, 0.0)?;
                let scores = score(&model, &data.select(fresh)?, ScoreKind::Joined, 0)?;
                let above = scores.iter().filter(|row| row.score > limit).count();
                rates.push(100.0 * above as f64 / fresh.len() as f64);
            }
        }
        println!("| {set} | {rows} | {:.2} | {:.2} |", mean(&rates[0]), mean(&rates[1]));
    }
    Ok(())
}
