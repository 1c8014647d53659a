//! Numbers that judge a model.

use crate::baseline::Pca;
use crate::filler::filled;
use burn_tensor::Tensor;
use faer::{Mat, Side};
use model::Engine;
use model::{Attachment, CodeKind, Draw, Inside, Model, Numbers, Section, read, squared_norm};
use rows::{ColumnKind, Dataset, Error, Matrix, Moments, Result, Rng};
use serde::{Deserialize, Serialize};
use serde_json::json;
use train::{Autoencoding, Settings};

/// An evaluation on rows; errors are means per feature, in scaled units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Evaluation {
    /// Rows evaluated.
    pub rows: usize,
    /// Mean squared error of the deterministic reconstruction.
    pub mse: f64,
    /// Mean absolute error of the same.
    pub mae: f64,
    /// `1 - Σ (x - x̂)² / Σ (x - mean)²`: 1 is perfect, 0 is the mean row; none where the rows do
    /// not vary.
    pub explained_variance: Option<f64>,
    /// Mean squared error of principal components at the same code size, fitted on the training
    /// rows.
    pub pca_mse: f64,
    /// The terms of the training's loss on these rows, with corruption and sampling by seed and
    /// every warm-up over.
    pub terms: Numbers,
    /// Code units whose mean varies over the rows ([`active_units`]).
    pub active_units: usize,
    /// The mean of all code units over all rows.
    pub mean_activation: f64,
}

impl Evaluation {
    /// Whether every number of it is finite.
    pub fn is_finite(&self) -> bool {
        let numbers = [
            self.mse,
            self.mae,
            self.pca_mse,
            self.mean_activation,
            self.explained_variance.unwrap_or(0.0),
            self.terms.sum(),
        ];
        numbers.iter().all(|number| number.is_finite())
    }
}

/// Makes noisy rows from prepared ones and random numbers.
pub type Corruption<'a> = &'a dyn Fn(Tensor<2>, &Rng) -> Result<Tensor<2>>;

/// Evaluates on some rows of a data set.
pub fn evaluate(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Evaluation> {
    if rows.is_empty() {
        return Err(Error::TooFew { what: "rows to evaluate", got: 0, least: 1 });
    }
    let rng = Rng::new(model.plan().settings.seed).split("evaluation");
    let (mut squared, mut absolute, mut pca, mut count) = (0.0, 0.0, 0.0, 0.0);
    let (plan, latent) = (&model.plan(), model.latent());
    let (mut spread, mut codes, mut activation) =
        (Spread::new(plan.blueprint.width()), Spread::new(latent), 0.0);
    let pca_of = Pca::of(model)?;
    model.blocks(data, rows, |_, values, x| {
        let code = model.coder().code(values, x.clone(), &mut model.coder().pass())?.mean();
        let means = read(code.clone())?;
        codes.add(&means);
        means.iter().for_each(|mean| activation += f64::from(*mean));
        let difference = model.coder().parts.difference(
            model.coder().parts.decode(values, code, &mut model.coder().pass()),
            x.clone(),
        );
        count += model.coder().parts.observed_numbers(&x);
        absolute += difference.clone().abs().sum_dim(1).sum().into_scalar::<f64>();
        squared += difference.square().sum_dim(1).sum().into_scalar::<f64>();
        pca += model
            .coder()
            .parts
            .difference(pca_of.rebuilt(x.clone()), x.clone())
            .square()
            .sum_dim(1)
            .sum()
            .into_scalar::<f64>();
        spread.add(&read(x.clone())?);
        Ok(())
    })?;
    let l2 = Settings::of(model)?.train.l2;
    let blocks = model.prepared(data, rows.iter().copied())?;
    let terms = Autoencoding { coder: model.coder(), l2 }.mean_terms(
        &model.vars().values(),
        blocks,
        &rng,
    )?;
    // Rows without any value have no error.
    let count = f64::max(count, 1.0);
    Ok(Evaluation {
        rows: rows.len(),
        mse: squared / count,
        mae: absolute / count,
        explained_variance: Some(spread.total())
            .filter(|total| *total > 0.0)
            .map(|total| 1.0 - squared / total),
        pca_mse: pca / count,
        terms,
        active_units: codes.active(model.coder().code_kind() == CodeKind::Distribution),
        mean_activation: activation / (rows.len() * latent) as f64,
    })
}

/// The mean squared error per feature, in scaled units; none for no rows.
pub fn mse(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Option<f64>> {
    let error = corrupted_mse(model, data, rows, &|x, _| Ok(x))?;
    Ok(Some(error).filter(|_| !rows.is_empty()))
}

/// The mean squared error per feature between clean rows and the reconstructions of corrupted
/// ones.
pub fn corrupted_mse(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    corrupt: Corruption,
) -> Result<f64> {
    let rng = Rng::new(model.plan().settings.seed).split("corrupted");
    let (mut total, mut count) = (0.0, 0.0);
    model.blocks(data, rows, |index, values, x| {
        let rebuilt = model.coder().rebuilt(values, corrupt(x.clone(), &rng.at(index))?)?;
        count += model.coder().parts.observed_numbers(&x);
        total += model
            .coder()
            .parts
            .difference(rebuilt, x)
            .square()
            .sum_dim(1)
            .sum()
            .into_scalar::<f64>();
        Ok(())
    })?;
    Ok(total / f64::max(count, 1.0))
}

/// The mean over rows of `|f(x + noise) - f(x)| / |noise|`, the change of the code under what
/// corrupts the input.
///
/// 0 is a code that does not move.
pub fn code_change(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    corrupt: Corruption,
) -> Result<f64> {
    let rng = Rng::new(model.plan().settings.seed).split("code change");
    let mut total = 0.0;
    model.blocks(data, rows, |index, values, x| {
        let noisy = corrupt(x.clone(), &rng.at(index))?;
        let code =
            |x| model.coder().code(values, x, &mut model.coder().pass()).map(|code| code.mean());
        let moved = (code(noisy.clone())? - code(x.clone())?).square().sum_dim(1).sqrt();
        let noise = (noisy - x).square().sum_dim(1).sqrt().clamp_min(1e-12);
        total += (moved / noise).sum().into_scalar::<f64>();
        Ok(())
    })?;
    Ok(total / rows.len().max(1) as f64)
}

/// [`code_change`] under normal noise of this standard deviation, in prepared units.
pub fn code_change_under_normal_noise(
    model: &Model,
    data: &Dataset,
    rows: &[usize],
    deviation: f64,
) -> Result<f64> {
    code_change(model, data, rows, &|x, rng| {
        let noise = rng.split("noise").normal(x.dims(), &Engine::of(&x));
        Ok(x + noise * deviation)
    })
}

/// The mean over rows of the Frobenius norm of the encoder's Jacobian; exact for one layer, by
/// 16 random directions deeper.
pub fn jacobian_norm(model: &Model, data: &Dataset, rows: &[usize]) -> Result<f64> {
    let mut total = 0.0;
    model.blocks(data, rows, |_, values, x| {
        let norm = squared_norm(
            &model.coder().parts.network,
            values,
            x,
            None,
            model.latent(),
            16,
            &mut model.coder().pass(),
        );
        total += norm.sqrt().sum().into_scalar::<f64>();
        Ok(())
    })?;
    Ok(total / rows.len().max(1) as f64)
}

/// The singular values of the encoder's Jacobian, the largest first, averaged over rows: how
/// many directions in which a row may move the code follows (Rifai et al. 2011, figure 3). Each
/// row takes as many passes as it has numbers.
pub fn jacobian_spectrum(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Vec<f64>> {
    let (features, latent) = (model.plan().blueprint.width(), model.latent());
    if features > 4096 {
        return Err(Error::setting(
            "numbers in a row",
            features,
            "4096 at most for a spectrum, which takes the square of that",
        ));
    }
    let mut spectrum = vec![0.0; features.min(latent)];
    for row in rows {
        model.blocks(data, &[*row], |_, values, x| {
            let directions = Tensor::<2>::eye(features, &x.device()).unsqueeze_dim::<3>(0);
            let moved = model
                .coder()
                .parts
                .network
                .encoder_tangent(values, x, directions, &mut model.coder().pass())
                .narrow(2, 0, latent);
            let moved = read(moved.reshape([features, latent]))?;
            let matrix = Mat::from_fn(features, latent, |row, column| {
                f64::from(moved[row * latent + column])
            });
            let values = matrix.singular_values().unwrap_or_default();
            spectrum
                .iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value / rows.len() as f64);
            Ok(())
        })?;
    }
    Ok(spectrum)
}

/// Features that are compared at most: a covariance of so many takes half a gigabyte, and several
/// are at work.
const MOST_FEATURES: usize = 8192;

/// The Fréchet distance between normal distributions around two sets of rows of features, with their
/// means and covariances, which are sums over rows divided by their number (Dowson and Landau 1982;
/// Heusel et al. 2017 for images, by the features of a classifier):
/// `|m - n|² + tr(A + B - 2 √(A B))`. 0 for sets alike.
///
/// Both are [rows, features]. Errors: sets of different widths, of more than 8192 features, of
/// fewer than two rows, or of numbers that are not finite.
pub fn frechet_distance(a: &Matrix, b: &Matrix) -> Result<f64> {
    let columns = a.columns;
    if b.columns != columns || a.rows() < 2 || b.rows() < 2 {
        let got = format!("{} x {} and {} x {}", a.rows(), columns, b.rows(), b.columns);
        return Err(Error::shape(
            "features to compare",
            got,
            "two rows at least on both sides, of the same columns",
        ));
    }
    if columns > MOST_FEATURES {
        return Err(Error::shape(
            "features to compare",
            format!("{columns} columns"),
            format!("{MOST_FEATURES} at most: a covariance has the square of that"),
        ));
    }
    if !a.values.iter().chain(&b.values).all(|value| value.is_finite()) {
        return Err(Error::setting(
            "features",
            "a number that is not finite",
            "rows of finite numbers",
        ));
    }
    let moments = |of: &Matrix| {
        let count = of.rows() as f64;
        let mean: Vec<f64> = (0..columns)
            .map(|at| (0..of.rows()).map(|row| f64::from(of.row(row)[at])).sum::<f64>() / count)
            .collect();
        let centred =
            Mat::from_fn(of.rows(), columns, |row, at| f64::from(of.row(row)[at]) - mean[at]);
        (mean, centred.transpose() * &centred * faer::Scale(1.0 / count))
    };
    let ((mean, own), (other_mean, other)) = (moments(a), moments(b));
    let root = |matrix: &Mat<f64>| -> Option<(Mat<f64>, f64)> {
        let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let roots: Vec<f64> =
            eigen.S().column_vector().iter().map(|value| value.max(0.0).sqrt()).collect();
        let scaled = Mat::from_fn(columns, columns, |row, at| eigen.U()[(row, at)] * roots[at]);
        Some((&scaled * eigen.U().transpose(), roots.iter().sum()))
    };
    // The root of a product has the trace of the root of the symmetric one.
    let crossed =
        root(&own).and_then(|(half, _)| root(&(&half * &other * &half)).map(|(_, trace)| trace));
    let apart: f64 = mean.iter().zip(&other_mean).map(|(a, b)| (a - b).powi(2)).sum();
    let traces: f64 = (0..columns).map(|at| own[(at, at)] + other[(at, at)]).sum();
    let distance = crossed
        .map(|crossed| apart + traces - 2.0 * crossed)
        .filter(|distance| distance.is_finite());
    let distance = distance.ok_or_else(|| {
        Error::setting("features", "too large or too small to compare", "numbers nearer to one")
    })?;
    // Not below zero by rounding.
    Ok(distance.max(0.0))
}

/// How well the gaps of one column are filled.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Filling {
    /// Zero-based column.
    pub column: usize,
    /// Cells that were filled.
    pub cells: usize,
    /// Their mean absolute error; for categories and truths the fraction that is wrong.
    pub error: f64,
    /// The same of filling with the column's mean, or with what is most frequent.
    pub by_mean: f64,
}

impl Filling {
    /// The error over that of filling with the mean: 0 is perfect, 1 no better; none where the mean
    /// is right everywhere.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.error / self.by_mean).filter(|_| self.by_mean > 0.0)
    }

    /// The median ratio over columns; none where no column has one.
    pub fn median(all: &[Self]) -> Option<f64> {
        let mut ratios: Vec<f64> = all.iter().filter_map(Self::ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.len().checked_sub(1)?;
        Some(0.5 * (ratios[middle / 2] + ratios[middle.div_ceil(2)]))
    }
}

/// How well the gaps of `holed`, whose true values stand in `whole`, are filled; one for each
/// column with such cells.
pub fn filling(model: &Model, whole: &Dataset, holed: &Dataset) -> Result<Vec<Filling>> {
    let (rows, features) = (holed.rows(), holed.features());
    if whole.rows() != rows || whole.features() != features {
        return Err(Error::shape(
            "rows to compare",
            format!("{} rows", whole.rows()),
            format!("{rows}, as in {}", holed.name),
        ));
    }
    let filled = filled(model, holed)?.values;
    let truth = model.signature().preparation.on(whole)?.source(0..rows)?;
    let known = model.signature().preparation.on(holed)?.source(0..rows)?;
    let mut all = Vec::new();
    for column in 0..features {
        let cells = || (0..rows).map(|row| row * features + column);
        let gaps: Vec<usize> =
            cells().filter(|at| known[*at].is_nan() && !truth[*at].is_nan()).collect();
        // A text cannot be written back.
        if gaps.is_empty() || whole.kind(column) == ColumnKind::Text {
            continue;
        }
        let values: Vec<f64> =
            cells().map(|at| known[at]).filter(|value| !value.is_nan()).collect();
        let words = matches!(whole.kind(column), ColumnKind::Categorical | ColumnKind::Boolean);
        let middle = if words {
            most_frequent(&values)
        } else {
            values.iter().sum::<f64>() / values.len().max(1) as f64
        };
        let error = |of: &dyn Fn(usize) -> f64| {
            let distance = |at: &usize| (truth[*at] - of(*at)).abs();
            gaps.iter()
                .map(
                    |at| {
                        if words { f64::from(u8::from(distance(at) > 0.0)) } else { distance(at) }
                    },
                )
                .sum::<f64>()
                / gaps.len() as f64
        };
        all.push(Filling {
            column,
            cells: gaps.len(),
            error: error(&|at| filled[at]),
            by_mean: error(&|_| middle),
        });
    }
    Ok(all)
}

fn most_frequent(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map_or(0.0, |same| same[0])
}

/// The area under the receiver operating characteristic: how probably an anomaly has a higher score
/// than a normal row, ties counted half (Mann and Whitney 1947). None where one of the two is
/// missing.
pub fn auroc(scores: &[f64], anomaly: &[bool]) -> Option<f64> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(anomaly.iter().copied()).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = order.iter().filter(|(_, anomaly)| *anomaly).count() as f64;
    let negatives = order.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut below, mut area) = (0.0, 0.0);
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let found = tied.iter().filter(|(_, anomaly)| *anomaly).count() as f64;
        let normal = tied.len() as f64 - found;
        area += found * (below + 0.5 * normal);
        below += normal;
    }
    Some(area / (positives * negatives))
}

/// How a threshold does on labelled rows; rows with a higher score are called anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Alarms {
    /// The threshold.
    pub threshold: f64,
    /// Rows called what they are.
    pub accuracy: f64,
    /// Anomalies among the rows called so; 0 where none is.
    pub precision: f64,
    /// Called so among the anomalies; 0 where there is none.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}

impl Alarms {
    /// Counts at a threshold.
    pub fn at(threshold: f64, scores: &[f64], anomaly: &[bool]) -> Self {
        let count = |called: bool, truth: bool| {
            scores
                .iter()
                .zip(anomaly)
                .filter(|(score, anomaly)| (**score > threshold) == called && **anomaly == truth)
                .count() as f64
        };
        Self::of(
            threshold,
            count(true, true),
            count(true, false),
            count(false, true),
            scores.len() as f64,
        )
    }

    fn of(threshold: f64, hits: f64, false_alarms: f64, missed: f64, rows: f64) -> Self {
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Self {
            threshold,
            accuracy: ratio(rows - false_alarms - missed, rows),
            precision: ratio(hits, hits + false_alarms),
            recall: ratio(hits, hits + missed),
            f1: ratio(2.0 * hits, 2.0 * hits + false_alarms + missed),
        }
    }
}

/// The threshold of the best F1 on labelled rows, half way between two scores; none where there is
/// no anomaly.
pub fn best_f1(scores: &[f64], anomaly: &[bool]) -> Option<Alarms> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(anomaly.iter().copied()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (rows, positives) =
        (order.len() as f64, order.iter().filter(|(_, anomaly)| *anomaly).count() as f64);
    let (mut hits, mut called, mut best) = (0.0, 0, None::<Alarms>);
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        hits += tied.iter().filter(|(_, anomaly)| *anomaly).count() as f64;
        called += tied.len();
        let next = order.get(called).map_or(tied[0].0 - 1.0, |(score, _)| *score);
        let found = Alarms::of(
            0.5 * (tied[0].0 + next),
            hits,
            called as f64 - hits,
            positives - hits,
            rows,
        );
        if best.is_none_or(|best| found.f1 > best.f1) {
            best = Some(found);
        }
    }
    best.filter(|_| positives > 0.0)
}

/// Code units whose mean varies over the rows.
///
/// For a distribution near a standard normal prior: a variance above 0.01 (Burda et al. 2016).
/// Other codes have no scale of their own: a variance above a hundredth of the mean variance of all
/// units.
pub fn active_units(codes: &[f32], latent: usize, distribution: bool) -> usize {
    let mut spread = Spread::new(latent);
    spread.add(codes);
    spread.active(distribution)
}

/// The variance up to which a unit counts as silent ([`active_units`]).
pub(crate) fn silent_below(variances: &[f64], distribution: bool) -> f64 {
    let mean = variances.iter().sum::<f64>() / variances.len().max(1) as f64;
    if distribution { 0.01 } else { (0.01 * mean).max(1e-12) }
}

/// The moments of each column.
struct Spread {
    columns: Vec<Moments>,
}

impl Spread {
    fn new(columns: usize) -> Self {
        Self { columns: vec![Moments::default(); columns] }
    }

    fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks(self.columns.len().max(1)) {
            self.columns
                .iter_mut()
                .zip(row)
                .for_each(|(column, value)| column.add((*value).into()));
        }
    }

    /// The variance of each column.
    fn variances(&self) -> Vec<f64> {
        self.columns.iter().map(Moments::variance).collect()
    }

    /// The columns that vary ([`active_units`]).
    fn active(&self, distribution: bool) -> usize {
        let variances = self.variances();
        let bound = silent_below(&variances, distribution);
        variances.iter().filter(|variance| **variance > bound).count()
    }

    fn total(&self) -> f64 {
        self.columns.iter().map(Moments::squares).sum()
    }
}

impl Attachment for Evaluation {
    const NAME: &'static str = "evaluation";
    const WHAT: &'static str = "evaluation";

    fn store(&self) -> Result<Section> {
        Ok(Section::new(&json!(self)))
    }

    fn load(section: &Section, _: &Model) -> Result<Self> {
        section.content.read().map_err(|error| Error::model("", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_chance_that_an_anomaly_scores_higher() {
        let anomaly = [false, true, false, true];
        assert_eq!(auroc(&[1.0, 2.0, 3.0, 4.0], &anomaly), Some(0.75));
        assert_eq!(auroc(&[1.0, 1.0, 1.0, 1.0], &anomaly), Some(0.5));
        assert_eq!(auroc(&[0.0, 9.0, 1.0, 8.0], &anomaly), Some(1.0));
        assert_eq!(auroc(&[1.0, 2.0], &[true, true]), None);
    }

    #[test]
    fn sets_alike_have_no_distance_and_shifted_ones_the_square_of_the_shift() {
        let mut rng = rows::Rng::new(1);
        let values: Vec<f32> = (0..600).map(|_| rng.standard_normal()).collect();
        let a = Matrix { columns: 3, values: values.clone() };
        assert!(frechet_distance(&a, &a).unwrap() < 1e-9);
        let shifted =
            Matrix { columns: 3, values: values.iter().map(|value| value + 2.0).collect() };
        assert!((frechet_distance(&a, &shifted).unwrap() - 12.0).abs() < 1e-4);
        // Twice as wide in each of three directions of variance one: (2 - 1)² each.
        let wider = Matrix { columns: 3, values: values.iter().map(|value| value * 2.0).collect() };
        assert!((frechet_distance(&a, &wider).unwrap() - 3.0).abs() < 0.3);
        assert!(frechet_distance(&a, &Matrix { columns: 2, values: vec![0.0; 4] }).is_err());
    }

    #[test]
    fn alarms_are_counted_above_the_threshold() {
        let alarms = Alarms::at(2.5, &[1.0, 2.0, 3.0, 4.0], &[false, true, false, true]);
        assert_eq!(
            (alarms.accuracy, alarms.precision, alarms.recall, alarms.f1),
            (0.5, 0.5, 0.5, 0.5)
        );
        let silent = Alarms::at(9.0, &[1.0], &[false]);
        assert_eq!(
            (silent.accuracy, silent.precision, silent.recall, silent.f1),
            (1.0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn the_best_f1_is_that_of_the_best_of_all_thresholds() {
        let (scores, anomaly) =
            ([5.0, 1.0, 4.0, 2.0, 3.0, 3.0], [true, false, false, false, true, true]);
        let best = best_f1(&scores, &anomaly).unwrap();
        let all =
            [0.5, 1.5, 2.5, 3.5, 4.5].map(|threshold| Alarms::at(threshold, &scores, &anomaly).f1);
        assert_eq!(best.f1, all.into_iter().fold(0.0, f64::max));
        assert_eq!(
            best,
            Alarms { threshold: best.threshold, ..Alarms::at(best.threshold, &scores, &anomaly) }
        );
        assert!(best_f1(&scores, &[false; 6]).is_none());
    }
}
