//! Each operation made of the engine's primitives: the default bodies, which every backend but the
//! CPU's runs.
//!
//! The functions on [`Tensor`] are those bodies as they are, differentiated by the engine itself:
//! what the hand-written operations are tested and timed against.

use crate::activation::Activation;
use crate::burn::backend::{
    Backend, Dispatch, TensorMetadata, get_or_init_device_settings, tensor::FloatTensor,
};
use crate::convolution::Geometry;
use crate::loss::RowLoss;
use crate::norm::{CLIPPED, EPSILON, LOG_VARIANCE};
use crate::step::{AdamStep, SgdStep};
use burn_tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn_tensor::{Shape, Slice, Tensor};

type Float<B> = FloatTensor<B>;

fn scale<B: Backend>(t: Float<B>, by: f64) -> Float<B> {
    B::float_mul_scalar(t, by.into())
}

fn plus<B: Backend>(t: Float<B>, by: f64) -> Float<B> {
    B::float_add_scalar(t, by.into())
}

fn square<B: Backend>(t: Float<B>) -> Float<B> {
    B::float_mul(t.clone(), t)
}

/// `1 - t`
fn one_less<B: Backend>(t: Float<B>) -> Float<B> {
    plus::<B>(B::float_neg(t), 1.0)
}

/// One above zero, zero elsewhere.
fn step<B: Backend>(t: Float<B>) -> Float<B> {
    B::float_clamp_min(B::float_sign(t), 0f64.into())
}

fn sides<B: Backend>(t: &Float<B>) -> [usize; 2] {
    let shape = t.shape();
    [shape[0], shape[1]]
}

pub(crate) fn transposed_if<B: Backend>(w: Float<B>, transposed: bool) -> Float<B> {
    if transposed { B::float_transpose(w) } else { w }
}

pub(crate) fn dense<B: Backend>(
    x: Float<B>,
    w: Float<B>,
    b: Float<B>,
    transposed: bool,
    act: Activation,
) -> Float<B> {
    let z = B::float_add(B::float_matmul(x, transposed_if::<B>(w, transposed)), b);
    activate::<B>(z, act)
}

/// One panel: the matrix as it is.
pub(crate) fn arrange<B: Backend>(w: Float<B>, transposed: bool) -> Float<B> {
    let w = transposed_if::<B>(w, transposed);
    let [k, n] = sides::<B>(&w);
    B::float_reshape(w, Shape::from([1, k, n]))
}

pub(crate) fn dense_arranged<B: Backend>(
    x: Float<B>,
    w: Float<B>,
    b: Float<B>,
    act: Activation,
) -> Float<B> {
    let (shape, n) = (w.shape(), b.shape()[1]);
    let columns = Shape::from([shape[1], shape[0] * shape[2]]);
    let w = B::float_reshape(B::float_permute(w, &[1, 0, 2]), columns);
    let w = B::float_slice(w, &[Slice::from(0..shape[1]), Slice::from(0..n)]);
    dense::<B>(x, w, b, false, act)
}

pub(crate) fn activate<B: Backend>(z: Float<B>, act: Activation) -> Float<B> {
    let positive = |z| B::float_clamp_min(z, 0f64.into());
    let negative = |z| B::float_clamp_max(z, 0f64.into());
    match act {
        Activation::Identity => z,
        Activation::Sigmoid => B::sigmoid(z),
        Activation::Tanh => B::float_tanh(z),
        Activation::Relu => B::relu(z),
        Activation::LeakyRelu => B::float_add(positive(z.clone()), scale::<B>(negative(z), 0.01)),
        Activation::Elu => {
            B::float_add(positive(z.clone()), plus::<B>(B::float_exp(negative(z)), -1.0))
        }
        Activation::Gelu => B::gelu(z),
        Activation::Silu => B::float_mul(z.clone(), B::sigmoid(z)),
        Activation::Softplus => B::float_add(
            positive(z.clone()),
            B::float_log1p(B::float_exp(B::float_neg(B::float_abs(z)))),
        ),
    }
}

/// The slope of an activation at what was saved of its forward pass.
pub(crate) fn slope<B: Backend>(saved: Float<B>, act: Activation) -> Float<B> {
    match act {
        Activation::Identity => plus::<B>(scale::<B>(saved, 0.0), 1.0),
        Activation::Sigmoid => B::float_mul(saved.clone(), one_less::<B>(saved)),
        Activation::Tanh => one_less::<B>(square::<B>(saved)),
        Activation::Relu => step::<B>(saved),
        Activation::LeakyRelu => plus::<B>(scale::<B>(step::<B>(saved), 0.99), 0.01),
        Activation::Elu => plus::<B>(B::float_clamp_max(saved, 0f64.into()), 1.0),
        Activation::Gelu => {
            let density = normal_density::<B>(saved.clone());
            B::float_add(normal_cdf::<B>(saved.clone()), B::float_mul(saved, density))
        }
        Activation::Silu => {
            let s = B::sigmoid(saved.clone());
            let tail = plus::<B>(B::float_mul(saved, one_less::<B>(s.clone())), 1.0);
            B::float_mul(s, tail)
        }
        Activation::Softplus => one_less::<B>(B::float_exp(B::float_neg(saved))),
    }
}

/// The derivative of [`slope`] by what was saved.
pub(crate) fn bend<B: Backend>(saved: Float<B>, act: Activation) -> Float<B> {
    match act {
        Activation::Identity | Activation::Relu | Activation::LeakyRelu => scale::<B>(saved, 0.0),
        Activation::Sigmoid => plus::<B>(scale::<B>(saved, -2.0), 1.0),
        Activation::Tanh => scale::<B>(saved, -2.0),
        Activation::Elu => one_less::<B>(step::<B>(saved)),
        Activation::Gelu => {
            let density = normal_density::<B>(saved.clone());
            B::float_mul(density, plus::<B>(B::float_neg(square::<B>(saved)), 2.0))
        }
        Activation::Silu => {
            let s = B::sigmoid(saved.clone());
            let slope = B::float_mul(s.clone(), one_less::<B>(s.clone()));
            let tail = B::float_mul(saved, plus::<B>(scale::<B>(s, -2.0), 1.0));
            B::float_mul(slope, plus::<B>(tail, 2.0))
        }
        Activation::Softplus => B::float_exp(B::float_neg(saved)),
    }
}

fn normal_cdf<B: Backend>(z: Float<B>) -> Float<B> {
    scale::<B>(plus::<B>(B::float_erf(scale::<B>(z, std::f64::consts::FRAC_1_SQRT_2)), 1.0), 0.5)
}

fn normal_density<B: Backend>(z: Float<B>) -> Float<B> {
    scale::<B>(B::float_exp(scale::<B>(square::<B>(z), -0.5)), 0.398_942_280_401_432_7)
}

pub(crate) fn activate_backward<B: Backend>(
    saved: Float<B>,
    g: Float<B>,
    act: Activation,
) -> Float<B> {
    B::float_mul(g, slope::<B>(saved, act))
}

pub(crate) fn dense_backward<B: Backend>(
    saved: Float<B>,
    g: Float<B>,
    act: Activation,
) -> (Float<B>, Float<B>) {
    let dz = activate_backward::<B>(saved, g, act);
    let db = B::float_sum_dim(dz.clone(), 0);
    (dz, db)
}

/// `directions` [rows or 1, k, n] times the slope at `saved` [rows, n].
pub(crate) fn steer<B: Backend>(
    directions: Float<B>,
    saved: Float<B>,
    act: Activation,
) -> Float<B> {
    let [rows, n] = sides::<B>(&saved);
    B::float_mul(directions, B::float_reshape(slope::<B>(saved, act), Shape::from([rows, 1, n])))
}

pub(crate) fn steer_backward<B: Backend>(
    directions: Float<B>,
    saved: Float<B>,
    g: Float<B>,
    act: Activation,
) -> (Float<B>, Float<B>) {
    let [rows, n] = sides::<B>(&saved);
    let wide = Shape::from([rows, 1, n]);
    let slope = B::float_reshape(slope::<B>(saved.clone(), act), wide.clone());
    let shared = directions.shape()[0] == 1;
    let mut by_directions = B::float_mul(g.clone(), slope);
    if shared {
        by_directions = B::float_sum_dim(by_directions, 0);
    }
    let along = B::float_sum_dim(B::float_mul(g, directions), 1);
    let by_saved = B::float_mul(along, B::float_reshape(bend::<B>(saved, act), wide));
    (by_directions, B::float_reshape(by_saved, Shape::from([rows, n])))
}

pub(crate) fn loss<B: Backend>(output: Float<B>, target: Float<B>, loss: RowLoss) -> Float<B> {
    match loss {
        RowLoss::Squared => square::<B>(B::float_sub(output, target)),
        RowLoss::Absolute => B::float_abs(B::float_sub(output, target)),
        RowLoss::BernoulliLogits => {
            let softplus = activate::<B>(output.clone(), Activation::Softplus);
            B::float_sub(softplus, B::float_mul(output, target))
        }
    }
}

pub(crate) fn row_loss<B: Backend>(output: Float<B>, target: Float<B>, kind: RowLoss) -> Float<B> {
    B::float_sum_dim(loss::<B>(output, target, kind), 1)
}

pub(crate) fn row_loss_backward<B: Backend>(
    output: Float<B>,
    target: Float<B>,
    g: Float<B>,
    loss: RowLoss,
) -> Float<B> {
    let slope = match loss {
        RowLoss::Squared => scale::<B>(B::float_sub(output, target), 2.0),
        RowLoss::Absolute => B::float_sign(B::float_sub(output, target)),
        RowLoss::BernoulliLogits => B::float_sub(B::sigmoid(output), target),
    };
    B::float_mul(slope, g)
}

/// Rows of channels-last images as `[rows, channels, height, width]`.
fn channels_first<B: Backend>(
    x: Float<B>,
    [height, width]: [usize; 2],
    channels: usize,
) -> Float<B> {
    let rows = x.shape()[0];
    B::float_permute(
        B::float_reshape(x, Shape::from([rows, height, width, channels])),
        &[0, 3, 1, 2],
    )
}

fn channels_last<B: Backend>(y: Float<B>) -> Float<B> {
    let y = B::float_permute(y, &[0, 2, 3, 1]);
    let shape = y.shape();
    B::float_reshape(y, Shape::from([shape[0], shape[1] * shape[2] * shape[3]]))
}

/// The weight matrix [patch, channels_out] as `[channels_out, channels_in, kernel height, kernel
/// width]`.
fn kernels<B: Backend>(w: Float<B>, geometry: &Geometry) -> Float<B> {
    let [kh, kw] = geometry.kernel;
    B::float_permute(
        B::float_reshape(w, Shape::from([kh, kw, geometry.channels_in, geometry.channels_out])),
        &[3, 2, 0, 1],
    )
}

pub(crate) fn convolve<B: Backend>(
    x: Float<B>,
    w: Float<B>,
    b: Float<B>,
    geometry: Geometry,
    act: Activation,
) -> Float<B> {
    let x = channels_first::<B>(x, geometry.input, geometry.channels_in);
    let bias = B::float_reshape(b, Shape::from([geometry.channels_out]));
    let y = B::conv2d(x, kernels::<B>(w, &geometry), Some(bias), options(&geometry));
    activate::<B>(channels_last::<B>(y), act)
}

fn options(geometry: &Geometry) -> ConvOptions<2> {
    ConvOptions::new(geometry.stride, geometry.padding, [1, 1], 1)
}

pub(crate) fn convolve_transposed<B: Backend>(
    x: Float<B>,
    w: Float<B>,
    b: Float<B>,
    geometry: Geometry,
    act: Activation,
) -> Float<B> {
    let reached = |axis: usize| {
        (geometry.output[axis] - 1) * geometry.stride[axis] + geometry.kernel[axis]
            - 2 * geometry.padding[axis]
    };
    // Sides that the forward convolution rounded down come back through padding at the far end.
    let missing = [geometry.input[0] - reached(0), geometry.input[1] - reached(1)];
    let options = ConvTransposeOptions::new(geometry.stride, geometry.padding, missing, [1, 1], 1);
    let bias = B::float_reshape(b, Shape::from([geometry.channels_in]));
    let x = channels_first::<B>(x, geometry.output, geometry.channels_out);
    let y = B::conv_transpose2d(x, kernels::<B>(w, &geometry), Some(bias), options);
    activate::<B>(channels_last::<B>(y), act)
}

pub(crate) fn convolve_weight<B: Backend>(
    large: Float<B>,
    small: Float<B>,
    geometry: Geometry,
) -> Float<B> {
    let [kh, kw] = geometry.kernel;
    let (ci, co) = (geometry.channels_in, geometry.channels_out);
    let device = large.device();
    let like = B::float_zeros(Shape::from([co, ci, kh, kw]), &device, large.dtype().into());
    let x = channels_first::<B>(large, geometry.input, ci);
    let g = channels_first::<B>(small, geometry.output, co);
    let dw =
        B::float_permute(B::conv2d_weight_backward(x, like, g, options(&geometry)), &[2, 3, 1, 0]);
    B::float_reshape(dw, Shape::from([geometry.patch(), co]))
}

/// Mean and variance over all rows of each column: [2, channels].
pub(crate) fn column_moments<B: Backend>(x: Float<B>) -> Float<B> {
    let mean = B::float_mean_dim(x.clone(), 0);
    let variance = B::float_mean_dim(square::<B>(B::float_sub(x, mean.clone())), 0);
    B::float_cat(vec![mean, variance], 0)
}

fn row<B: Backend>(t: Float<B>, row: usize) -> Float<B> {
    let columns = t.shape()[1];
    B::float_slice(t, &[Slice::from(row..row + 1), Slice::from(0..columns)])
}

fn columns<B: Backend>(t: Float<B>, from: usize, to: usize) -> Float<B> {
    let rows = t.shape()[0];
    B::float_slice(t, &[Slice::from(0..rows), Slice::from(from..to)])
}

fn inverse_deviation<B: Backend>(variance: Float<B>) -> Float<B> {
    B::float_recip(B::float_sqrt(plus::<B>(variance, EPSILON)))
}

pub(crate) fn column_norm<B: Backend>(
    x: Float<B>,
    gain: Float<B>,
    shift: Float<B>,
    moments: Float<B>,
) -> Float<B> {
    let inverse = inverse_deviation::<B>(row::<B>(moments.clone(), 1));
    let unit = B::float_mul(B::float_sub(x, row::<B>(moments, 0)), inverse);
    B::float_add(B::float_mul(unit, gain), shift)
}

/// The gradients for `x`, gain and shift; where the moments are those of `x` itself, through them
/// too.
pub(crate) fn column_norm_backward<B: Backend>(
    x: Float<B>,
    gain: Float<B>,
    moments: Float<B>,
    g: Float<B>,
    own: bool,
) -> (Float<B>, Float<B>, Float<B>) {
    let inverse = inverse_deviation::<B>(row::<B>(moments.clone(), 1));
    let unit = B::float_mul(B::float_sub(x, row::<B>(moments, 0)), inverse.clone());
    let (by_gain, by_shift) = (
        B::float_sum_dim(B::float_mul(g.clone(), unit.clone()), 0),
        B::float_sum_dim(g.clone(), 0),
    );
    let mut d = B::float_mul(g, gain.clone());
    if own {
        let along = B::float_mean_dim(B::float_mul(d.clone(), unit.clone()), 0);
        let mean = B::float_mean_dim(d.clone(), 0);
        d = B::float_sub(B::float_sub(d, mean), B::float_mul(unit, along));
    }
    (B::float_mul(d, inverse), by_gain, by_shift)
}

fn standardised<B: Backend>(x: Float<B>) -> (Float<B>, Float<B>) {
    let centred = B::float_sub(x.clone(), B::float_mean_dim(x, 1));
    let inverse = inverse_deviation::<B>(B::float_mean_dim(square::<B>(centred.clone()), 1));
    (B::float_mul(centred, inverse.clone()), inverse)
}

pub(crate) fn row_norm<B: Backend>(x: Float<B>, gain: Float<B>, shift: Float<B>) -> Float<B> {
    B::float_add(B::float_mul(standardised::<B>(x).0, gain), shift)
}

pub(crate) fn row_norm_backward<B: Backend>(
    x: Float<B>,
    gain: Float<B>,
    g: Float<B>,
) -> (Float<B>, Float<B>, Float<B>) {
    let (unit, inverse) = standardised::<B>(x);
    let (by_gain, by_shift) = (
        B::float_sum_dim(B::float_mul(g.clone(), unit.clone()), 0),
        B::float_sum_dim(g.clone(), 0),
    );
    let d = B::float_mul(g, gain);
    let along = B::float_mean_dim(B::float_mul(d.clone(), unit.clone()), 1);
    let d =
        B::float_sub(B::float_sub(d.clone(), B::float_mean_dim(d, 1)), B::float_mul(unit, along));
    (B::float_mul(d, inverse), by_gain, by_shift)
}

pub(crate) fn column_squares<B: Backend>(w: Float<B>) -> Float<B> {
    B::float_sum_dim(square::<B>(w), 0)
}

pub(crate) fn column_squares_backward<B: Backend>(w: Float<B>, g: Float<B>) -> Float<B> {
    B::float_mul(scale::<B>(w, 2.0), g)
}

pub(crate) fn sparsity<B: Backend>(code: Float<B>, rho: f64) -> Float<B> {
    let units = code.shape()[1] as f64;
    // A unit that is never active in a batch would otherwise make the loss infinite.
    let mean = B::float_clamp(B::float_mean_dim(code, 0), CLIPPED.into(), (1.0 - CLIPPED).into());
    let active = scale::<B>(B::float_log(mean.clone()), -rho);
    let idle = scale::<B>(B::float_log(one_less::<B>(mean)), -(1.0 - rho));
    let constant = rho * rho.ln() + (1.0 - rho) * (1.0 - rho).ln();
    plus::<B>(B::float_sum_dim(B::float_add(active, idle), 1), constant * units)
}

pub(crate) fn sparsity_backward<B: Backend>(code: Float<B>, g: Float<B>, rho: f64) -> Float<B> {
    let shape = code.shape();
    let mean = B::float_mean_dim(code, 0);
    let inside = B::float_clamp(mean.clone(), CLIPPED.into(), (1.0 - CLIPPED).into());
    // One where the mean was not clipped, zero elsewhere.
    let free = one_less::<B>(B::float_abs(B::float_sign(B::float_sub(mean, inside.clone()))));
    let rise = scale::<B>(B::float_recip(one_less::<B>(inside.clone())), 1.0 - rho);
    let slope = B::float_sub(rise, scale::<B>(B::float_recip(inside), rho));
    let slope = scale::<B>(B::float_mul(slope, free), 1.0 / shape[0] as f64);
    B::float_expand(B::float_mul(slope, g), shape)
}

fn halves<B: Backend>(h: Float<B>) -> (Float<B>, Float<B>) {
    let latent = h.shape()[1] / 2;
    (columns::<B>(h.clone(), 0, latent), columns::<B>(h, latent, 2 * latent))
}

fn clipped<B: Backend>(log_variance: Float<B>) -> Float<B> {
    B::float_clamp(log_variance, (-LOG_VARIANCE).into(), LOG_VARIANCE.into())
}

/// One where the log-variance was not clipped, zero elsewhere.
fn unclipped<B: Backend>(raw: Float<B>, inside: Float<B>) -> Float<B> {
    one_less::<B>(B::float_abs(B::float_sign(B::float_sub(raw, inside))))
}

pub(crate) fn kl_normal<B: Backend>(h: Float<B>) -> Float<B> {
    let (mean, log_variance) = halves::<B>(h);
    let log_variance = clipped::<B>(log_variance);
    let sum = B::float_sub(
        B::float_add(square::<B>(mean), B::float_exp(log_variance.clone())),
        log_variance,
    );
    B::float_mean_dim(scale::<B>(plus::<B>(sum, -1.0), 0.5), 0)
}

pub(crate) fn kl_normal_backward<B: Backend>(h: Float<B>, g: Float<B>) -> Float<B> {
    let rows = h.shape()[0] as f64;
    let (mean, raw) = halves::<B>(h);
    let inside = clipped::<B>(raw.clone());
    let g = scale::<B>(g, 1.0 / rows);
    let by_variance = scale::<B>(plus::<B>(B::float_exp(inside.clone()), -1.0), 0.5);
    let by_variance = B::float_mul(by_variance, unclipped::<B>(raw, inside));
    B::float_cat(vec![B::float_mul(mean, g.clone()), B::float_mul(by_variance, g)], 1)
}

pub(crate) fn draw_normal<B: Backend>(h: Float<B>, noise: Float<B>) -> Float<B> {
    let (mean, log_variance) = halves::<B>(h);
    let deviation = B::float_exp(scale::<B>(clipped::<B>(log_variance), 0.5));
    B::float_add(mean, B::float_mul(deviation, noise))
}

pub(crate) fn draw_normal_backward<B: Backend>(
    h: Float<B>,
    noise: Float<B>,
    g: Float<B>,
) -> Float<B> {
    let (_, raw) = halves::<B>(h);
    let inside = clipped::<B>(raw.clone());
    let deviation = B::float_exp(scale::<B>(inside.clone(), 0.5));
    let by_variance = B::float_mul(scale::<B>(B::float_mul(g.clone(), noise), 0.5), deviation);
    B::float_cat(vec![g, B::float_mul(by_variance, unclipped::<B>(raw, inside))], 1)
}

/// One at the `k` largest numbers along a dimension, zero elsewhere.
///
/// The sign of a NaN is not seen: each is above infinity.
fn largest<B: Backend>(x: Float<B>, k: usize, dim: usize) -> Float<B> {
    let (shape, device, dtype) = (x.shape(), x.device(), x.dtype().into());
    if k == 0 || k >= shape[dim] {
        let all = if k == 0 { 0f64 } else { 1.0 };
        return B::float_full(shape, all.into(), &device, dtype);
    }
    let bools = get_or_init_device_settings::<B>(&device).bool_dtype;
    let ones = |holds| B::bool_into_float(holds, dtype);
    let nan = B::float_is_nan(x.clone(), bools);
    let x = B::float_mask_fill(x, nan.clone(), f64::INFINITY.into());
    let sorted = B::float_sort(x.clone(), dim, true);
    let least = if dim == 0 { row::<B>(sorted, k - 1) } else { columns::<B>(sorted, k - 1, k) };
    let above = ones(B::float_greater(x.clone(), least.clone(), bools));
    let equal = ones(B::float_equal(x.clone(), least, bools));
    // NaN before the infinity that stands for it, and 0 before -0, which compare as equal.
    let positive = B::float_greater_elem(B::float_recip(x), 0f64.into(), bools);
    let upper = B::float_mul(equal.clone(), ones(B::bool_or(nan, positive)));
    let lower = B::float_sub(equal, upper.clone());
    [upper, lower].into_iter().fold(above, |chosen, next| {
        let left = plus::<B>(B::float_neg(B::float_sum_dim(chosen.clone(), dim)), k as f64);
        B::float_add(chosen, first_ones::<B>(next, left, dim))
    })
}

/// Of the ones along a dimension the first, as many as are `left`.
fn first_ones<B: Backend>(ones: Float<B>, left: Float<B>, dim: usize) -> Float<B> {
    let after = B::float_sub(left, B::float_cumsum(ones.clone(), dim));
    B::float_mul(ones, step::<B>(plus::<B>(after, 1.0)))
}

pub(crate) fn largest_in_rows<B: Backend>(x: Float<B>, k: usize) -> Float<B> {
    largest::<B>(x, k, 1)
}

pub(crate) fn largest_in_columns<B: Backend>(x: Float<B>, k: usize) -> (Float<B>, Float<B>) {
    let bools = get_or_init_device_settings::<B>(&x.device()).bool_dtype;
    let marks = largest::<B>(x.clone(), k, 0);
    let others = B::float_equal_elem(marks.clone(), 0f64.into(), bools);
    let none = B::bool_or(others, B::float_is_nan(x.clone(), bools));
    let numbers = B::float_mask_fill(x, none, f64::INFINITY.into());
    (marks, B::float_min_dim(numbers, 0))
}

pub(crate) fn trimmed_weights<B: Backend>(losses: Float<B>, kept: usize) -> Float<B> {
    let left_out = losses.shape()[0] - kept;
    // From the end, where the last of equal losses is the first.
    let largest = largest::<B>(B::float_flip(losses, &[0]), left_out, 0);
    scale::<B>(one_less::<B>(B::float_flip(largest, &[0])), 1.0 / kept as f64)
}

pub(crate) fn adam<B: Backend>(
    p: Float<B>,
    g: Float<B>,
    m: Float<B>,
    v: Float<B>,
    step: AdamStep,
) -> (Float<B>, Float<B>, Float<B>) {
    let m = B::float_add(scale::<B>(m, step.beta1), scale::<B>(g.clone(), 1.0 - step.beta1));
    let v = B::float_add(scale::<B>(v, step.beta2), scale::<B>(square::<B>(g), 1.0 - step.beta2));
    let root = plus::<B>(B::float_sqrt(scale::<B>(v.clone(), step.correction2())), step.epsilon);
    let change =
        scale::<B>(B::float_div(scale::<B>(m.clone(), step.correction1()), root), step.rate);
    let p = B::float_sub(scale::<B>(p, 1.0 - step.rate * step.decay), change);
    (p, m, v)
}

pub(crate) fn sgd<B: Backend>(
    p: Float<B>,
    g: Float<B>,
    velocity: Float<B>,
    step: SgdStep,
) -> (Float<B>, Float<B>) {
    let velocity = B::float_add(scale::<B>(velocity, step.momentum), g);
    let p = B::float_sub(
        scale::<B>(p, 1.0 - step.rate * step.decay),
        scale::<B>(velocity.clone(), step.rate),
    );
    (p, velocity)
}

pub(crate) fn sum_squares<B: Backend>(t: Float<B>) -> Float<B> {
    B::float_sum(square::<B>(t))
}

/// The faces on [`Tensor`].
macro_rules! faces {
    ($(
        $(#[$doc:meta])*
        $face:ident($($x:ident: $t:ty),*; $($value:ident: $v:ty),*) = $body:ident -> $out:literal;
    )*) => {
        $($(#[$doc])*
        #[doc = "\n\nMade of primitives; see the operation of the same name at the crate's root."]
        pub fn $face($($x: $t,)* $($value: $v),*) -> Tensor<$out> {
            Tensor::from_dispatch($body::<Dispatch>($($x.into_dispatch(),)* $($value),*))
        })*
    };
}

faces! {
    /// `act(x w + b)`
    dense_layer(
        x: Tensor<2>, w: Tensor<2>, b: Tensor<2>; transposed: bool, act: Activation
    ) = dense -> 2;
    /// `act(z)`
    activation(z: Tensor<2>; act: Activation) = activate -> 2;
    /// Directions times a slope.
    steered(directions: Tensor<3>, saved: Tensor<2>; act: Activation) = steer -> 3;
    /// The loss of each row.
    losses(output: Tensor<2>, target: Tensor<2>; kind: RowLoss) = row_loss -> 2;
    /// A convolution.
    convolution(
        x: Tensor<2>, w: Tensor<2>, b: Tensor<2>; geometry: Geometry, act: Activation
    ) = convolve -> 2;
    /// Its transpose.
    transposed_convolution(
        x: Tensor<2>, w: Tensor<2>, b: Tensor<2>; geometry: Geometry, act: Activation
    ) = convolve_transposed -> 2;
    /// Mean and variance of each column.
    moments(x: Tensor<2>;) = column_moments -> 2;
    /// A norm by given moments.
    column_normed(
        x: Tensor<2>, gain: Tensor<2>, shift: Tensor<2>, moments: Tensor<2>;
    ) = column_norm -> 2;
    /// A norm of each row.
    row_normed(x: Tensor<2>, gain: Tensor<2>, shift: Tensor<2>;) = row_norm -> 2;
    /// The sum of the squares of each column.
    squares(w: Tensor<2>;) = column_squares -> 2;
    /// The sparse penalty.
    sparsity_of(code: Tensor<2>; rho: f64) = sparsity -> 2;
    /// Each unit's divergence from the standard normal.
    kl(h: Tensor<2>;) = kl_normal -> 2;
    /// A draw from a normal distribution.
    draw(h: Tensor<2>, noise: Tensor<2>;) = draw_normal -> 2;
    /// One for each of the largest numbers of a row.
    largest_of_rows(x: Tensor<2>; k: usize) = largest_in_rows -> 2;
    /// The weights of a mean over some of the rows.
    trimmed(losses: Tensor<2>; kept: usize) = trimmed_weights -> 2;
    /// The sum of the squares of all elements.
    sum_of_squares(t: Tensor<2>;) = sum_squares -> 1;
}

/// One for each of the largest numbers of a column, and the smallest of those.
///
/// Made of primitives; see the operation of the same name at the crate's root.
pub fn largest_of_columns(x: Tensor<2>, k: usize) -> (Tensor<2>, Tensor<2>) {
    let (marks, smallest) = largest_in_columns::<Dispatch>(x.into_dispatch(), k);
    (Tensor::from_dispatch(marks), Tensor::from_dispatch(smallest))
}

/// One step of Adam.
///
/// Made of primitives; see the operation of the same name at the crate's root.
pub fn adam_step(
    p: Tensor<2>,
    g: Tensor<2>,
    m: Tensor<2>,
    v: Tensor<2>,
    step: AdamStep,
) -> [Tensor<2>; 3] {
    let (p, m, v) = adam::<Dispatch>(
        p.into_dispatch(),
        g.into_dispatch(),
        m.into_dispatch(),
        v.into_dispatch(),
        step,
    );
    [p, m, v].map(Tensor::from_dispatch)
}

/// One step of gradient descent.
///
/// Made of primitives; see the operation of the same name at the crate's root.
pub fn sgd_step(p: Tensor<2>, g: Tensor<2>, velocity: Tensor<2>, step: SgdStep) -> [Tensor<2>; 2] {
    let (p, velocity) =
        sgd::<Dispatch>(p.into_dispatch(), g.into_dispatch(), velocity.into_dispatch(), step);
    [p, velocity].map(Tensor::from_dispatch)
}
