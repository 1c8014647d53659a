//! The sets of ADBench with one row in a hundred twice, anomalies included, beside what they are
//! without.

use crate::{Options, adbench, mean, trained};
use autoencoders::study::{ScoreKind, auroc, score};
use autoencoders::{Result, Rng};

/// The fraction of anomalies that is expected where nobody knows it.
const CONTAMINATION: f64 = 0.1;
/// One row in so many occurs twice.
const ONE_IN: usize = 100;

/// Mean AUROC of detectors trained on half of the normal rows, with and without copies.
pub(crate) fn on_normal(options: &Options) -> Result<()> {
    copies(options, true)
}

/// Mean AUROC of detectors trained on all rows, with and without copies.
pub(crate) fn on_all(options: &Options) -> Result<()> {
    copies(options, false)
}

fn copies(options: &Options, semi: bool) -> Result<()> {
    let how = if semi { "trained on half of the normal rows" } else { "trained on all rows" };
    println!("\ncopies: AUROC in %, {how}, mean of {} seeds", options.seeds);
    println!("| set | without copies | with copies |\n|---|---|---|");
    let mut all = [Vec::new(), Vec::new()];
    for set in options.sets() {
        let (data, anomaly) = adbench(options, set)?;
        let mut areas = [Vec::new(), Vec::new()];
        for seed in 0..options.seeds {
            for (with, areas) in areas.iter_mut().enumerate() {
                let mut rows: Vec<usize> = (0..data.rows()).collect();
                let twice = Rng::new(seed).split("copies").permutation(rows.len());
                rows.extend(twice.iter().take(with * data.rows().div_ceil(ONE_IN)));
                let (train, test) = parted(&rows, &anomaly, semi, seed);
                let contamination = if semi { 0.0 } else { CONTAMINATION };
                let model = trained(&data.select(&train)?, contamination, seed)?;
                let scores = score(&model, &data.select(&test)?, ScoreKind::Joined, 0)?;
                let scores: Vec<f64> = scores.into_iter().map(|row| row.score).collect();
                let truth: Vec<bool> = test.iter().map(|row| anomaly[*row]).collect();
                areas.push(100.0 * auroc(&scores, &truth).unwrap_or(f64::NAN));
            }
        }
        println!("| {set} | {:.2} | {:.2} |", mean(&areas[0]), mean(&areas[1]));
        all.iter_mut().zip(&areas).for_each(|(all, areas)| all.push(mean(areas)));
    }
    println!("| mean | {:.2} | {:.2} |", mean(&all[0]), mean(&all[1]));
    Ok(())
}

/// The rows that train and those that are scored.
fn parted(rows: &[usize], anomaly: &[bool], semi: bool, seed: u64) -> (Vec<usize>, Vec<usize>) {
    if !semi {
        return (rows.to_vec(), rows.to_vec());
    }
    let (odd, normal): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| anomaly[**row]);
    let order = Rng::new(seed).split("protocol").permutation(normal.len());
    let (half, rest) = order.split_at(normal.len() / 2);
    let test = rest.iter().map(|at| normal[*at]).chain(odd).collect();
    (half.iter().map(|at| normal[*at]).collect(), test)
}
