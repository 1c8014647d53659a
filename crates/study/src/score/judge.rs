//! What one model thinks of rows: how badly they are rebuilt, and how far their codes are from
//! those of training rows.

use crate::evidence::importance;
use crate::score::kind::{LEAST, Reason, ScoreKind, matrix};
use crate::score::reference::{MOST, Near, Reference};
use crate::score::tail::Tail;
use crate::score::whiten::Whitener;
use burn_tensor::Tensor;
use model::Engine;
use model::{Bounds, Draw, Inside, Model, Weights, read};
use rows::{Dataset, Matrix, Result, Rng};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

/// Draws of noise under which a reconstruction must stay the same.
const NOISES: usize = 8;
/// Deviation of that noise, in prepared units.
const NOISE: f64 = 0.3;
/// Codes drawn from a posterior to weigh the likelihood by.
const SAMPLES: usize = 16;
/// A difference as large as two deviations, squared.
const MUCH: f64 = 4.0;
/// Beyond this a measure says nothing more, and its logarithm stays a number.
const HIGHEST: f64 = 1e300;

/// What is less unusual is as usual as that: rows that equal others, such as lines of a log but for
/// their numbers, have errors of next to nothing, whose logarithms would drown the mean over members.
const LEAST_UNUSUAL: f64 = -5.0;

/// Differences as small as that are none between rows that nearly equal each other, which would make
/// any other one astronomically rare: a hundredth of an error, or of what it is the logarithm of.
const NARROWEST: f64 = 0.01;

/// A measure in comparable units: 0 is the middle of rows that trained nothing, 1 their ninth
/// tenth, and each unit beyond it is ten times rarer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Ruler {
    /// The median.
    pub middle: f64,
    /// From the median to the ninth tenth; above zero.
    pub spread: f64,
    /// What lies beyond the ninth tenth; without it, as in earlier models and where no row differs
    /// from others, the units stay as long as below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
}

impl Ruler {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |fraction: f64| {
            values
                .get((values.len().saturating_sub(1) as f64 * fraction).round() as usize)
                .copied()
                .unwrap_or(0.0)
        };
        let (middle, high) = (at(0.5), at(0.9));
        let spread = Some(high - middle).filter(|spread| *spread > 1e-6);
        let spread = spread.map(|spread| spread.max(NARROWEST));
        let tail = spread.map(|_| Tail::fit(&values));
        let tail = tail.map(|tail| Tail { scale: tail.scale.max(NARROWEST), ..tail });
        Self { middle, spread: spread.unwrap_or(1.0), tail }
    }

    /// Those of members that hold out few rows each, by what each measures of its own: the middle is the
    /// member's, and the rows of all tell what lies beyond it.
    pub(crate) fn together(measured: &[&Vec<f64>]) -> Vec<Self> {
        let middles: Vec<f64> =
            measured.iter().map(|values| Self::of((*values).clone()).middle).collect();
        let beyond = measured
            .iter()
            .zip(&middles)
            .flat_map(|(values, middle)| values.iter().map(move |value| value - middle));
        let Self { middle: between, spread, tail } = Self::of(beyond.collect());
        let moved = |middle: &f64| Self {
            middle: middle + between,
            spread,
            tail: tail.map(|tail| Tail { start: middle + tail.start, ..tail }),
        };
        middles.iter().map(moved).collect()
    }

    /// What a number is in its units.
    pub(crate) fn measure(&self, value: f64) -> f64 {
        let below = (value - self.middle) / self.spread;
        match &self.tail {
            Some(tail) if value > tail.start => {
                let start = (tail.start - self.middle) / self.spread;
                start + tail.rarity(value - tail.start)
            }
            Some(_) => below.max(LEAST_UNUSUAL),
            None => below,
        }
    }

    pub(crate) fn is_finite(&self) -> bool {
        let tail = self.tail.iter().flat_map(|tail| [tail.start, tail.shape, tail.scale]);
        [self.middle, self.spread].into_iter().chain(tail).all(f64::is_finite)
    }

    /// Whether its numbers could be those of a ruler; files come from anywhere.
    pub(crate) fn is_sound(&self) -> bool {
        let tail = |tail: &Tail| tail.scale > 0.0 && tail.shape >= 0.0;
        self.is_finite() && self.spread > 0.0 && self.tail.as_ref().is_none_or(tail)
    }
}

/// What it takes to judge rows by one model.
#[derive(Debug)]
#[non_exhaustive]
pub struct Judge {
    /// How residuals vary together.
    pub residuals: Whitener,
    /// How codes vary together.
    pub codes: Whitener,
    /// The codes of training rows.
    pub reference: Reference,
    /// One for each of [`ScoreKind::MEASURES`].
    pub rulers: Vec<Ruler>,
}

/// One row as one model sees it.
#[derive(Clone, Debug)]
pub(crate) struct Opinion {
    /// In the units of a [`Ruler`].
    pub(crate) score: f64,
    pub(crate) reasons: Vec<Reason>,
}

/// What a network makes of a block of rows, all in row order.
pub(crate) struct Seen {
    /// Prepared.
    rows: Matrix,
    /// Prepared.
    rebuilt: Matrix,
    /// What lies between both, one number for each column of the source.
    pub(crate) residuals: Matrix,
    codes: Matrix,
    /// The training codes nearest to each, once they are asked for.
    near: OnceCell<Vec<Near>>,
}

impl Judge {
    /// Learns from the rows of `data`; `held_out` ones, which trained nothing, set the rulers. With
    /// it come their measures, one line for each of [`ScoreKind::MEASURES`].
    pub(crate) fn fit(
        model: &Model,
        data: &Dataset,
        train: &[usize],
        held_out: &[usize],
    ) -> Result<(Self, Vec<Vec<f64>>)> {
        let contamination = model.plan().blueprint.contamination;
        // Held-out rows too, because no code is its own neighbour; but not windows, whose neighbours share
        // points with them, as none does with later ones. Errors are whitened by rows that set no
        // ruler, where there are any.
        let alone = data.windows.is_some() && !train.is_empty();
        let beside = if alone { &[] } else { held_out };
        let sample: Vec<usize> = train.iter().chain(beside).copied().take(MOST).collect();
        let features = model.features();
        let (mut residuals, mut codes) = (Vec::new(), Vec::new());
        model.blocks(data, &sample, |_, values, x| {
            let seen = Self::see(model, values, x)?;
            residuals.extend(seen.residuals.values);
            codes.extend(seen.codes.values);
            Ok(())
        })?;
        let codes = Matrix { columns: model.latent(), values: codes };
        let own = if train.is_empty() { sample.len() } else { sample.len().min(train.len()) };
        let mut judge = Self {
            residuals: Whitener::fit(&residuals[..own * features], features, contamination),
            codes: Whitener::fit(
                &codes.values[..own * codes.columns],
                codes.columns,
                contamination,
            ),
            reference: Reference::fit(codes, contamination > 0.0)?,
            rulers: Vec::new(),
        };
        let measured = model.each_block(
            data,
            held_out.iter().copied(),
            |blocks| {
                let mut all = vec![Vec::new(); ScoreKind::MEASURES.len()];
                for block in blocks {
                    all.iter_mut().zip(block?).for_each(|(all, own)| all.extend(own));
                }
                Ok(all)
            },
            |values, x| -> Result<Vec<Vec<f64>>> {
                let seen = Self::see(model, values, x.clone())?;
                ScoreKind::MEASURES
                    .iter()
                    .map(|kind| judge.measures(model, values, &x, &seen, *kind))
                    .collect()
            },
        )?;
        judge.rulers = measured.iter().cloned().map(Ruler::of).collect();
        Ok((judge, measured))
    }

    /// The scores of rows of which everything is measured, one line for each of [`ScoreKind::MEASURES`].
    pub(crate) fn scores(&self, measured: &[Vec<f64>], kind: ScoreKind) -> Vec<f64> {
        let of = |kind: ScoreKind| self.ruled(&measured[kind as usize], kind);
        match kind {
            ScoreKind::Joined => self.joined(&of(ScoreKind::Reconstruction), &of(ScoreKind::Code)),
            kind => of(kind),
        }
    }

    /// The more extreme score of each row, so that nothing is lost that one of them sees plainly; where
    /// both are above the middle, how far it is from there in both. Earlier models, whose rulers know
    /// no tails by which extremes compare, give the mean.
    fn joined(&self, rebuilt: &[f64], code: &[f64]) -> Vec<f64> {
        let tails = self.rulers.iter().any(|ruler| ruler.tail.is_some());
        let join = |(rebuilt, code): (&f64, &f64)| {
            if tails { joined(*rebuilt, *code) } else { 0.5 * (rebuilt + code) }
        };
        rebuilt.iter().zip(code).map(join).collect()
    }

    /// Measures in the units of their ruler.
    fn ruled(&self, measures: &[f64], kind: ScoreKind) -> Vec<f64> {
        measures.iter().map(|value| self.rulers[kind as usize].measure(*value)).collect()
    }

    /// Whether every number of it is finite.
    pub(crate) fn is_finite(&self) -> bool {
        let parts = [
            &self.residuals.mean,
            &self.residuals.factor,
            &self.codes.mean,
            &self.codes.factor,
            &self.reference.codes.values,
        ];
        parts.iter().all(|part| part.iter().all(|number| number.is_finite()))
            && self.rulers.iter().all(Ruler::is_finite)
    }

    /// Judges prepared rows, with at most so many reasons for each.
    pub(crate) fn opinions(
        &self,
        model: &Model,
        values: &Weights,
        x: &Tensor<2>,
        kind: ScoreKind,
        reasons: usize,
    ) -> Result<Vec<Opinion>> {
        let seen = Self::see(model, values, x.clone())?;
        let measured =
            |kind: ScoreKind| Ok(self.ruled(&self.measures(model, values, x, &seen, kind)?, kind));
        let mut by_code =
            vec![kind == ScoreKind::Code || kind == ScoreKind::Mahalanobis; seen.rows.rows()];
        let scores = match kind {
            ScoreKind::Joined => {
                let (rebuilt, code) =
                    (measured(ScoreKind::Reconstruction)?, measured(ScoreKind::Code)?);
                by_code
                    .iter_mut()
                    .zip(rebuilt.iter().zip(&code))
                    .for_each(|(by_code, (rebuilt, code))| *by_code = code > rebuilt);
                self.joined(&rebuilt, &code)
            }
            kind => measured(kind)?,
        };
        let reasons = match reasons {
            0 => vec![Vec::new(); scores.len()],
            most => self.reasons(model, values, &seen, &by_code, most)?,
        };
        Ok(scores
            .into_iter()
            .zip(reasons)
            .map(|(score, reasons)| Opinion { score, reasons })
            .collect())
    }

    fn near<'a>(&self, seen: &'a Seen) -> Result<&'a Vec<Near>> {
        if let Some(near) = seen.near.get() {
            return Ok(near);
        }
        let near = self.reference.nearest(&seen.codes)?;
        Ok(seen.near.get_or_init(|| near))
    }

    /// What the network of a model makes of prepared rows.
    pub(crate) fn see(model: &Model, values: &Weights, x: Tensor<2>) -> Result<Seen> {
        let [_, width] = x.dims();
        let code = model.coder().code(values, x.clone(), &mut model.coder().pass())?.mean();
        let rebuilt = model.coder().parts.decode(values, code.clone(), &mut model.coder().pass());
        let matrix = |tensor: Tensor<2>, columns: usize| -> Result<Matrix> {
            Ok(Matrix { columns, values: read(tensor)? })
        };
        let (rows, rebuilt) = (matrix(x, width)?, matrix(rebuilt, width)?);
        let residuals = Matrix {
            columns: model.features(),
            values: model.signature().preparation.residuals(&rows.values, &rebuilt.values),
        };
        let codes = matrix(code, model.latent())?;
        Ok(Seen { rows, rebuilt, residuals, codes, near: OnceCell::new() })
    }

    /// One measure of each row: the logarithm of a distance, or for the likelihood its negative
    /// logarithm.
    fn measures(
        &self,
        model: &Model,
        values: &Weights,
        x: &Tensor<2>,
        seen: &Seen,
        kind: ScoreKind,
    ) -> Result<Vec<f64>> {
        let logarithm = |distance: f64| {
            if distance.is_nan() { HIGHEST } else { distance.clamp(1e-12, HIGHEST) }.ln()
        };
        let rows = 0..seen.rows.rows();
        Ok(match kind {
            ScoreKind::Joined | ScoreKind::Reconstruction => rows
                .map(|row| logarithm(self.residuals.distance(seen.residuals.row(row))))
                .collect(),
            ScoreKind::Code => {
                // Draws of a coarse reference tell without it.
                let near = if self.reference.coarse { None } else { Some(self.near(seen)?) };
                rows.map(|row| {
                    logarithm(
                        self.reference.distance(seen.codes.row(row), near.map(|near| &near[row])),
                    )
                })
                .collect()
            }
            ScoreKind::Mahalanobis => {
                rows.map(|row| logarithm(self.codes.distance(seen.codes.row(row)))).collect()
            }
            ScoreKind::Denoising => {
                self.denoising(model, values, x, seen)?.into_iter().map(logarithm).collect()
            }
            ScoreKind::Likelihood => likelihood(model, values, x)?
                .into_iter()
                .map(|nats| if nats.is_nan() { HIGHEST } else { nats.clamp(-HIGHEST, HIGHEST) })
                .collect(),
        })
    }

    /// The mean distance between the row and what is rebuilt of it under noise that is the same for
    /// every row.
    fn denoising(
        &self,
        model: &Model,
        values: &Weights,
        x: &Tensor<2>,
        seen: &Seen,
    ) -> Result<Vec<f64>> {
        let [rows, width] = x.dims();
        let features = seen.residuals.columns;
        let rng = Rng::new(model.plan().settings.seed).split("score");
        let mut means = vec![0.0; rows];
        for draw in 0..NOISES {
            let noise = rng.at(draw).normal([1, width], &Engine::of(x)) * NOISE;
            let rebuilt = read(model.coder().rebuilt(values, x.clone() + noise)?)?;
            let residuals = model.signature().preparation.residuals(&seen.rows.values, &rebuilt);
            for (row, mean) in residuals.chunks(features).zip(&mut means) {
                *mean += self.residuals.distance(row) / NOISES as f64;
            }
        }
        Ok(means)
    }

    /// The columns of each row that differ most from what was expected.
    fn reasons(
        &self,
        model: &Model,
        values: &Weights,
        seen: &Seen,
        by_code: &[bool],
        most: usize,
    ) -> Result<Vec<Vec<Reason>>> {
        let table = model.signature().preparation.table.as_ref();
        let table = table.zip(model.plan().blueprint.layout.as_ref());
        let strange: Vec<usize> = (0..by_code.len()).filter(|row| by_code[*row]).collect();
        let expected = self.expected(model, values, seen, &strange)?;
        let reasons = |row: usize| {
            let (observed, expected) = (seen.rows.row(row), expected.row(row));
            let shares = self.shares(model, observed, expected, by_code[row]);
            let total: f64 = shares.iter().map(|share| share.max(0.0)).sum();
            let mut columns: Vec<usize> =
                (0..seen.residuals.columns).filter(|column| shares[*column] > 0.0).collect();
            columns.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]).then(a.cmp(b)));
            // A level that was expected, if with doubt, tells nobody anything, unless it is nearly all
            // that differs: then others are more usual.
            let expects = |column: &usize| {
                table.is_some_and(|(table, layout)| {
                    table.expects(layout, *column, observed, expected)
                })
            };
            let most_of_all = |column: &usize| shares[*column] > (0.5 * total).max(MUCH);
            columns.retain(|column| !expects(column) || most_of_all(column));
            let least = LEAST * columns.iter().map(|column| shares[*column]).sum::<f64>();
            columns.retain(|column| shares[*column] >= least);
            columns.truncate(most);
            let undone = model.signature().preparation.undo(expected);
            let reason = |column: usize| {
                let share = if total.is_finite() { shares[column] / total } else { 1.0 };
                let otherwise = table.filter(|_| expects(&column)).and_then(|(table, layout)| {
                    table.otherwise(layout, column, observed, expected)
                });
                let expects = otherwise.unwrap_or(undone[column]);
                let expects = model.signature().rounded_value(column, expects);
                let reason = Reason::of(column, f64::NAN, expects, share);
                let phase = table.and_then(|(table, layout)| {
                    table.odd_phase(layout, column, observed, expected)
                });
                match phase {
                    Some((cycle, expected)) => Reason { phase: Some(cycle), expected, ..reason },
                    None => reason,
                }
            };
            columns.into_iter().map(reason).collect()
        };
        Ok((0..seen.rows.rows()).map(reasons).collect())
    }

    /// What was expected of each row, prepared.
    ///
    /// It is the reconstruction; where the code is what is strange, what the decoder makes of the
    /// training codes nearest to it, because a network may rebuild what it has never seen.
    fn expected(
        &self,
        model: &Model,
        values: &Weights,
        seen: &Seen,
        strange: &[usize],
    ) -> Result<Matrix> {
        let mut expected = seen.rebuilt.clone();
        if strange.is_empty() {
            return Ok(expected);
        }
        let columns = seen.codes.columns;
        let all = match seen.near.get() {
            Some(known) => strange.iter().map(|row| known[*row].clone()).collect(),
            None => {
                let codes = strange.iter().flat_map(|row| seen.codes.row(*row)).copied().collect();
                self.reference.nearest(&Matrix { columns, values: codes })?
            }
        };
        let near: Vec<f32> =
            all.iter().flat_map(|near| self.reference.neighbourhood(near)).collect();
        let near = matrix(near, columns, &values.engine());
        let decoded = read(model.coder().parts.decode(values, near, &mut model.coder().pass()))?;
        let width = expected.columns;
        for (row, decoded) in strange.iter().zip(decoded.chunks(width)) {
            expected.values[row * width..][..width].copy_from_slice(decoded);
        }
        Ok(expected)
    }

    /// How much each column of a prepared row says that it differs from what was expected.
    fn shares(&self, model: &Model, observed: &[f32], expected: &[f32], by_code: bool) -> Vec<f64> {
        let preparation = &model.signature().preparation;
        let difference = preparation.residuals(observed, expected);
        // A difference from other rows is none that the reconstruction's errors could be measured
        // by: prepared units are all there is.
        let mut shares: Vec<f64> = if by_code {
            difference.iter().map(|number| f64::from(*number).powi(2)).collect()
        } else {
            self.residuals.shares(&difference)
        };
        // Of two columns that no longer fit each other the more unusual one comes first.
        if preparation.range == Bounds::Real {
            let sizes = preparation.sizes(observed);
            shares.iter_mut().zip(sizes).for_each(|(share, size)| *share *= 1.0 + size.powi(2));
        }
        // What is not there is no reason.
        let gaps = model.plan().blueprint.layout.as_ref().map(|layout| layout.gaps.clone());
        let missing = gaps.into_iter().flat_map(|gaps| &observed[gaps]);
        missing.zip(&mut shares).for_each(|(missing, share)| {
            *share = if *missing > 0.5 { 0.0 } else { *share };
        });
        shares
    }
}

/// The more extreme of two scores; where both are above the middle, how far it is from there in both.
pub(crate) fn joined(a: f64, b: f64) -> f64 {
    if a.min(b) > 0.0 { (a * a + b * b).sqrt() } else { a.max(b) }
}

/// The negative log-likelihood of each row in nats, up to what is the same for all rows: the
/// reconstruction loss, or for codes with a posterior an estimate by importance sampling, `-ln mean
/// p(x | z) p(z) / q(z | x)` (Burda et al. 2016).
fn likelihood(model: &Model, values: &Weights, x: &Tensor<2>) -> Result<Vec<f64>> {
    // The same draws for every row, so that a row's score does not depend on the rows beside it.
    let rng = Rng::new(model.plan().settings.seed).split("likelihood");
    Ok(importance(model, values, x, SAMPLES, &rng, true)?
        .into_iter()
        .map(|logarithm| -logarithm)
        .collect())
}
