//! What the units of a code do over many rows.

use crate::metrics::silent_below;
use kernels::{Activation, kl_normal};
use model::{CodeKind, Inside, Model, read};
use rows::{Dataset, Matrix, Result};

/// Bars of a histogram.
const BARS: usize = 40;
/// A unit is saturated where it stands within this fraction of its range from an end ...
const NEAR: f64 = 0.02;
/// ... for this fraction of the rows.
const MOSTLY: f64 = 0.95;

/// Whether a unit tells rows apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitState {
    /// It does.
    Active,
    /// It is the same for all rows, or nearly.
    Dead,
    /// It stands at an end of its activation's range for nearly all rows.
    Saturated,
}

/// One unit of a code over many rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Unit {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// Its smallest and largest value.
    pub range: [f64; 2],
    /// Rows in equal steps of that range.
    pub histogram: Vec<usize>,
    /// Whether it tells rows apart.
    pub state: UnitState,
}

/// All units of a code, and how they go together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CodeStatistics {
    /// Each unit.
    pub units: Vec<Unit>,
    /// Pearson's correlation of each two units [units, units]; 0 where one of them never varies.
    pub correlation: Vec<f64>,
}

/// The units in which some codes [rows, latent] differ from all, the most first: each with how far
/// their mean is from the mean over all rows, in standard deviations over all rows; dead units in
/// none.
pub fn standing_out(units: &[Unit], codes: &Matrix) -> Vec<(usize, f64)> {
    let mut sums = vec![0.0; codes.columns];
    each(codes, |unit, value| sums[unit] += value);
    let far = |(sum, unit): (&f64, &Unit)| match unit.state {
        // Its deviation is rounding, by which nothing is to be divided.
        UnitState::Dead => 0.0,
        UnitState::Active | UnitState::Saturated => {
            (sum / codes.rows().max(1) as f64 - unit.mean) / unit.deviation
        }
    };
    let mut all: Vec<(usize, f64)> = sums.iter().zip(units).map(far).enumerate().collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    all
}

/// The statistics of codes [rows, latent] that this model gave.
pub fn code_statistics(model: &Model, codes: &Matrix) -> CodeStatistics {
    let units = units(model, codes);
    CodeStatistics { correlation: correlation(codes, &units), units }
}

/// The units of codes [rows, latent] that this model gave.
pub fn units(model: &Model, codes: &Matrix) -> Vec<Unit> {
    let (units, rows) = (codes.columns, codes.rows().max(1) as f64);
    let mut means = vec![0.0; units];
    each(codes, |unit, value| means[unit] += value / rows);
    let mut squares = vec![0.0; units];
    let mut range = vec![[f64::INFINITY, f64::NEG_INFINITY]; units];
    each(codes, |unit, value| {
        squares[unit] += (value - means[unit]).powi(2) / rows;
        range[unit] = [range[unit][0].min(value), range[unit][1].max(value)];
    });
    let mut histograms = vec![vec![0usize; BARS]; units];
    let mut extremes = vec![[0usize; 2]; units];
    let ends = ends(model.plan().blueprint.code_activation);
    each(codes, |unit, value| {
        let [low, high] = range[unit];
        let at = if high > low { (value - low) / (high - low) } else { 0.5 };
        histograms[unit][((at * BARS as f64) as usize).min(BARS - 1)] += 1;
        if let Some([low, high]) = ends {
            let near = NEAR * (high - low);
            extremes[unit][0] += usize::from(value < low + near);
            extremes[unit][1] += usize::from(value > high - near);
        }
    });
    let bound = silent_below(&squares, model.coder().code_kind() == CodeKind::Distribution);
    let state = |unit: usize| match extremes[unit].iter().any(|count| *count as f64 > MOSTLY * rows)
    {
        _ if squares[unit] <= bound => UnitState::Dead,
        true => UnitState::Saturated,
        false => UnitState::Active,
    };
    let all = (0..units).map(|unit| Unit {
        mean: means[unit],
        deviation: squares[unit].sqrt(),
        range: range[unit],
        histogram: std::mem::take(&mut histograms[unit]),
        state: state(unit),
    });
    all.collect()
}

/// The divergence of each unit's posterior from the prior, averaged over rows, in nats; none
/// for codes without a distribution.
pub fn kl_by_unit(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Option<Vec<f64>>> {
    let (latent, mut total, mut posterior) = (model.latent(), Vec::new(), true);
    total.resize(latent, 0.0);
    model.blocks(data, rows, |_, values, x| {
        let count = x.dims()[0] as f64;
        match model.coder().code(values, x, &mut model.coder().pass())?.posterior().cloned() {
            Some(h) => read(kl_normal(h))?
                .iter()
                .zip(&mut total)
                .for_each(|(kl, sum)| *sum += f64::from(*kl) * count),
            None => posterior = false,
        }
        Ok(())
    })?;
    total.iter_mut().for_each(|sum| *sum /= rows.len().max(1) as f64);
    Ok(Some(total).filter(|_| posterior))
}

/// Where an activation's values end.
fn ends(activation: Activation) -> Option<[f64; 2]> {
    match activation {
        Activation::Sigmoid => Some([0.0, 1.0]),
        Activation::Tanh => Some([-1.0, 1.0]),
        _ => None,
    }
}

fn each(codes: &Matrix, mut visit: impl FnMut(usize, f64)) {
    for row in codes.values.chunks_exact(codes.columns.max(1)) {
        row.iter().enumerate().for_each(|(unit, value)| visit(unit, f64::from(*value)));
    }
}

fn correlation(codes: &Matrix, statistics: &[Unit]) -> Vec<f64> {
    let units = codes.columns;
    let mut products = vec![0.0; units * units];
    let mut centred = vec![0.0; units];
    for row in codes.values.chunks_exact(units.max(1)) {
        centred
            .iter_mut()
            .zip(row)
            .zip(statistics)
            .for_each(|((centred, value), unit)| *centred = f64::from(*value) - unit.mean);
        for (i, a) in centred.iter().enumerate() {
            products[i * units..][..=i].iter_mut().zip(&centred).for_each(|(sum, b)| *sum += a * b);
        }
    }
    let rows = codes.rows().max(1) as f64;
    for i in 0..units {
        for j in 0..=i {
            let scale = statistics[i].deviation * statistics[j].deviation * rows;
            let value = if scale > 1e-12 * rows { products[i * units + j] / scale } else { 0.0 };
            (products[i * units + j], products[j * units + i]) = (value, value);
        }
    }
    products
}
