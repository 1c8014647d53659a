//! The likelihood of a table whose columns are of several kinds: the sum over its blocks, without
//! what is missing.

use crate::likelihood::kind::Likelihood;
use crate::prepare::layout::Layout;
use crate::prepare::text::WEIGHT as TEXT_WEIGHT;
use burn_tensor::activation::{log_softmax, softmax};
use burn_tensor::{Int, Tensor, TensorData};
use kernels::{Activation, RowLoss, activate, row_loss};
use std::f64::consts::{LN_2, PI};
use std::ops::Range;

/// The logarithm of a count's rate lies between these.
const RATES: (f64, f64) = (-20.0, 20.0);

impl Likelihood {
    /// The loss of each prepared row [rows, 1]: this likelihood for measured numbers, cross-entropy
    /// for booleans and for what is missing, the negative logarithm of the level's probability for
    /// choices, and of the count's for counts; for texts 16 times the squared distance of their
    /// unit vectors.
    ///
    /// Counts are Poisson, `μ - y ln μ + ln Γ(y + 1)`, or negative binomial with dispersion r, `ln
    /// Γ(r) - ln Γ(y + r) + ln Γ(y + 1) - r ln (r / (r + μ)) - y ln (μ / (r + μ))`. `log_variance`
    /// [1, 1] is that of the numbers, `log_dispersion` [1, counts] is `ln r`, where there are any.
    pub fn rows_of_table(
        self,
        layout: &Layout,
        output: Tensor<2>,
        target: Tensor<2>,
        log_variance: Option<Tensor<2>>,
        log_dispersion: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let mut losses = Vec::new();
        if !layout.reals.is_empty() {
            let known = known(layout, &target, &layout.reals);
            let (output, target) = (part(&output, &layout.reals), part(&target, &layout.reals));
            // Where a value is missing the target is zero already.
            let (output, count) = match known {
                Some(known) => (output * known.clone(), Some(known.sum_dim(1))),
                None => (output, None),
            };
            losses.push(self.rows_of(output, target, log_variance, count));
        }
        if layout.booleans.start < layout.gaps.end {
            losses.push(boolean_losses(layout, &output, &target));
        }
        for block in &layout.choices {
            // A missing level is no level: all zeros.
            losses.push(
                (log_softmax(part(&output, block), 1) * part(&target, block)).sum_dim(1).neg(),
            );
        }
        for block in &layout.texts {
            let loss = row_loss(part(&output, block), part(&target, block), RowLoss::Squared)
                * (TEXT_WEIGHT / block.len() as f64);
            losses.push(match known(layout, &target, &(block.start..block.start + 1)) {
                Some(known) => loss * known,
                None => loss,
            });
        }
        for (block, log_dispersion) in [(&layout.counts, log_dispersion), (&layout.poissons, None)]
        {
            if block.is_empty() {
                continue;
            }
            let rate = log_rate(layout, part(&output, block), block);
            let count = counted(layout, part(&target, block), block);
            let loss = match log_dispersion {
                Some(log_dispersion) => negative_binomial(count, rate, log_dispersion),
                None => rate.clone().exp() - count.clone() * rate + ln_gamma(count + 1.0),
            };
            losses.push(match known(layout, &target, block) {
                Some(known) => (loss * known).sum_dim(1),
                None => loss.sum_dim(1),
            });
        }
        let rows = output.dims()[0];
        losses
            .into_iter()
            .reduce(|sum, loss| sum + loss)
            .unwrap_or_else(|| Tensor::zeros([rows, 1], (&output.device(), output.dtype())))
    }

    /// The expected prepared row from the decoder's output: numbers as they are, probabilities for
    /// booleans and levels, and for counts the prepared mean.
    pub fn mean_of_table(self, layout: &Layout, output: Tensor<2>) -> Tensor<2> {
        let mut parts = Vec::new();
        if !layout.reals.is_empty() {
            parts.push(part(&output, &layout.reals));
        }
        for block in
            [&layout.counts, &layout.poissons].into_iter().filter(|block| !block.is_empty())
        {
            let (offset, scale) = scales(layout, block, &output);
            parts.push(
                (log_rate(layout, part(&output, block), block).exp().log1p() - offset) / scale,
            );
        }
        let booleans = layout.booleans.start..layout.gaps.end;
        if !booleans.is_empty() {
            parts.push(activate(part(&output, &booleans), Activation::Sigmoid));
        }
        parts.extend(layout.choices.iter().map(|block| softmax(part(&output, block), 1)));
        parts.extend(layout.texts.iter().map(|block| part(&output, block)));
        Tensor::cat(parts, 1)
    }
}

/// Of booleans, and of whether values are missing.
fn boolean_losses(layout: &Layout, output: &Tensor<2>, target: &Tensor<2>) -> Tensor<2> {
    let booleans = layout.booleans.start..layout.gaps.end;
    let known = known(layout, target, &booleans);
    let (output, target) = (part(output, &booleans), part(target, &booleans));
    match known {
        Some(known) => {
            // A silenced logit costs ln 2 whatever it is.
            let silenced = (known.clone().sum_dim(1).neg() + booleans.len() as f64) * LN_2;
            row_loss(output * known, target, RowLoss::BernoulliLogits) - silenced
        }
        None => row_loss(output, target, RowLoss::BernoulliLogits),
    }
}

fn part(rows: &Tensor<2>, block: &Range<usize>) -> Tensor<2> {
    rows.clone().narrow(1, block.start, block.len())
}

/// 1 for each number of a block whose column has a value in its row, else 0; none where nothing may
/// be missing.
pub fn known(layout: &Layout, rows: &Tensor<2>, block: &Range<usize>) -> Option<Tensor<2>> {
    if layout.gaps.is_empty() {
        return None;
    }
    // Whether a value is missing is itself always known: the last of these columns is never
    // missing.
    let never = layout.gaps.len() as i64;
    let owners = block
        .clone()
        .map(|at| if layout.gaps.contains(&at) { never } else { layout.owners[at] as i64 })
        .collect::<Vec<_>>();
    let owners = Tensor::<1, Int>::from_data(TensorData::from(owners.as_slice()), &rows.device());
    let missing = part(rows, &layout.gaps);
    let never = Tensor::zeros([rows.dims()[0], 1], (&rows.device(), rows.dtype()));
    Some(Tensor::cat(vec![missing, never], 1).select(1, owners).neg() + 1.0)
}

/// Prepared rows without the values whose `hit` [rows, columns of the source] is one.
pub fn hide(layout: &Layout, rows: Tensor<2>, hit: Tensor<2>) -> Tensor<2> {
    let missing = part(&rows, &layout.gaps);
    // What was missing stays missing.
    let missing = missing.clone() + hit * (missing.neg() + 1.0);
    let around = |block: Range<usize>| (!block.is_empty()).then(|| part(&rows, &block));
    let parts =
        [around(0..layout.gaps.start), Some(missing), around(layout.gaps.end..layout.width)];
    let rows = Tensor::cat(parts.into_iter().flatten().collect(), 1);
    match known(layout, &rows, &(0..layout.width)) {
        Some(known) => rows * known,
        None => rows,
    }
}

/// Offset and scale of the counts of a block, one row of each.
fn scales(layout: &Layout, block: &Range<usize>, like: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let own = &layout.scales[block.start - layout.counts.start..][..block.len()];
    let row = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let numbers: Vec<f64> = own.iter().map(of).collect();
        Tensor::<2>::from_data(
            TensorData::new(numbers, [1, own.len()]),
            (&like.device(), like.dtype()),
        )
    };
    (row(&|(offset, _)| *offset), row(&|(_, scale)| *scale))
}

/// The logarithm of the mean count: outputs are in the units of prepared counts, so that a first
/// output is near the mean.
fn log_rate(layout: &Layout, output: Tensor<2>, block: &Range<usize>) -> Tensor<2> {
    let (offset, scale) = scales(layout, block, &output);
    (output * scale + offset).clamp(RATES.0, RATES.1)
}

/// The counts that prepared ones stand for.
fn counted(layout: &Layout, target: Tensor<2>, block: &Range<usize>) -> Tensor<2> {
    let (offset, scale) = scales(layout, block, &target);
    ((target * scale + offset).clamp_max(RATES.1).exp() - 1.0).clamp_min(0.0)
}

fn negative_binomial(
    count: Tensor<2>,
    log_rate: Tensor<2>,
    log_dispersion: Tensor<2>,
) -> Tensor<2> {
    let log_dispersion = log_dispersion.clamp(-6.0, 8.0).repeat_dim(0, count.dims()[0]);
    let dispersion = log_dispersion.clone().exp();
    // ln (r + μ), of which the larger is taken out so that neither overflows.
    let together = (dispersion.clone() + log_rate.clone().exp()).log();
    let gammas = ln_gamma(dispersion.clone()) - ln_gamma(count.clone() + dispersion.clone())
        + ln_gamma(count.clone() + 1.0);
    gammas - dispersion * (log_dispersion - together.clone()) - count * (log_rate - together)
}

/// The logarithm of the gamma function of positive numbers: Stirling's series seven steps farther
/// on (Abramowitz and Stegun 1964, 6.1.15 and 6.1.41).
fn ln_gamma(x: Tensor<2>) -> Tensor<2> {
    let steps =
        (0..7).map(|step| (x.clone() + f64::from(step)).log()).reduce(|sum, step| sum + step);
    let z = x + 7.0;
    let inverse = z.clone().recip();
    let square = inverse.clone() * inverse.clone();
    let series = inverse * (square.clone() * (square * (1.0 / 1260.0) - 1.0 / 360.0) + 1.0 / 12.0);
    let stirling = (z.clone() - 0.5) * z.clone().log() - z + 0.5 * (2.0 * PI).ln() + series;
    match steps {
        Some(steps) => stirling - steps,
        None => stirling,
    }
}
