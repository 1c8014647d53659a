//! Layers: a forward pass, and the derivative along given directions.

use crate::engine::noise::Draw;
use crate::engine::tensors::Engine;
use crate::net::pass::{Mode, Pass};
use crate::net::vars::{FileLayout, Fill, Init, Role, VarId, Weights};
use burn_tensor::Tensor;
use kernels::{
    Activation, Geometry, NORM_EPSILON, activate, column_moments, column_norm, convolution, dense,
    dense_arranged, product, row_norm, steer, transposed_convolution,
};
use rows::Result;
use std::ops::Range;

/// One layer; its numbers live in [`Vars`](crate::Vars).
///
/// Rows go in and out as a matrix [rows, width]; images lie in it channels last.
#[derive(Clone, Debug)]
#[allow(clippy::enum_variant_names)] // layer norm is the field's term
pub enum Layer {
    /// `act(x w + b)`
    Dense {
        /// [in, out], or [out, in] when `transposed`.
        weight: VarId,
        /// [1, out]
        bias: VarId,
        /// Applied to the sum.
        activation: Activation,
        /// Uses the transpose of a weight that belongs to an encoder layer (tied weights).
        transposed: bool,
    },
    /// A strided convolution.
    Convolution {
        /// [patch, channels_out]
        weight: VarId,
        /// [1, channels_out]
        bias: VarId,
        /// Sizes.
        geometry: Geometry,
        /// Applied to the sum.
        activation: Activation,
    },
    /// The transpose of a strided convolution: makes images larger.
    TransposedConvolution {
        /// [patch, channels_out] of the convolution it transposes.
        weight: VarId,
        /// [1, channels_in]
        bias: VarId,
        /// Sizes.
        geometry: Geometry,
        /// Applied to the sum.
        activation: Activation,
    },
    /// `gain (x - mean) / sqrt(variance + 1e-5) + shift` per channel over the batch (Ioffe and
    /// Szegedy 2015).
    BatchNorm {
        /// [1, channels]
        gain: VarId,
        /// [1, channels]
        shift: VarId,
        /// Running mean [1, channels].
        mean: VarId,
        /// Running variance [1, channels].
        variance: VarId,
    },
    /// The same over the numbers of each row (Ba et al. 2016).
    LayerNorm {
        /// [1, width]
        gain: VarId,
        /// [1, width]
        shift: VarId,
    },
    /// A learned vector for each level of some choices: blocks of the row, of which one number is
    /// one, times a matrix each; behind them the rest of the row as it is.
    Embedding {
        /// Each block, and its matrix [levels, out].
        blocks: Vec<(Range<usize>, VarId)>,
        /// What lies between the blocks.
        rest: Vec<Range<usize>>,
    },
    /// An activation of its own, after a norm.
    Activation(Activation),
    /// Sets this fraction of the numbers to zero in training and scales the others up (Srivastava
    /// et al. 2014).
    Dropout {
        /// The fraction.
        rate: f64,
        /// Which dropout of the network this is.
        index: usize,
    },
}

/// The weight of a new batch in the running statistics, as in PyTorch.
const NORM_MOMENTUM: f64 = 0.1;

/// Bound of the uniform initialisation for a layer whose output goes through `activation`.
///
/// `sqrt(6 / (in + out))` for identity, tanh and sigmoid (Glorot and Bengio 2010; UFLDL), `sqrt(6 /
/// in)` for those that cut the negative side off (He et al. 2015).
pub fn weight_bound(activation: Activation, fan_in: usize, fan_out: usize) -> f64 {
    match activation {
        Activation::Identity | Activation::Tanh | Activation::Sigmoid => {
            (6.0 / (fan_in + fan_out) as f64).sqrt()
        }
        _ => (6.0 / fan_in as f64).sqrt(),
    }
}

impl Layer {
    /// A dense layer from `width` to `out`; `init_for` is the activation that follows, at once or
    /// after a norm.
    pub fn dense(
        init: &mut Init,
        name: &str,
        width: usize,
        out: usize,
        activation: Activation,
        init_for: Activation,
    ) -> Result<Self> {
        let bound = weight_bound(init_for, width, out);
        Ok(Self::Dense {
            weight: init.variable(
                &format!("{name}.weight"),
                [width, out],
                Fill::Uniform(bound),
                Role::Weight,
                FileLayout::Dense,
            )?,
            bias: init.variable(
                &format!("{name}.bias"),
                [1, out],
                Fill::Constant(0.0),
                Role::Bias,
                FileLayout::Vector,
            )?,
            activation,
            transposed: false,
        })
    }

    /// An embedding of some blocks of rows of `width` numbers, and the width of what comes out of
    /// it.
    ///
    /// A block of n numbers becomes √n of them, at most 32.
    pub fn embedding(
        init: &mut Init,
        name: &str,
        width: usize,
        blocks: &[Range<usize>],
    ) -> Result<(Self, usize)> {
        let (mut embedded, mut rest, mut next, mut out) = (Vec::new(), Vec::new(), 0, width);
        for (at, block) in blocks.iter().enumerate() {
            let size = (block.len() as f64).sqrt().ceil().min(32.0) as usize;
            // One row is taken as it is, so that the bound does not fall with their number.
            let bound = (3.0 / size as f64).sqrt();
            let name = format!("{name}.{at}.weight");
            embedded.push((
                block.clone(),
                init.variable(
                    &name,
                    [block.len(), size],
                    Fill::Uniform(bound),
                    Role::Weight,
                    FileLayout::Dense,
                )?,
            ));
            rest.push(next..block.start);
            next = block.end;
            out = out + size - block.len();
        }
        rest.push(next..width);
        rest.retain(|range| !range.is_empty());
        Ok((Self::Embedding { blocks: embedded, rest }, out))
    }

    /// A dense layer back through the transpose of `weight`, with `out` biases of its own.
    pub fn tied(
        init: &mut Init,
        name: &str,
        weight: VarId,
        out: usize,
        activation: Activation,
    ) -> Result<Self> {
        Ok(Self::Dense {
            weight,
            bias: init.variable(
                &format!("{name}.bias"),
                [1, out],
                Fill::Constant(0.0),
                Role::Bias,
                FileLayout::Vector,
            )?,
            activation,
            transposed: true,
        })
    }

    /// A convolution, or with `transposed` its transpose.
    pub fn convolution(
        init: &mut Init,
        name: &str,
        geometry: Geometry,
        activation: Activation,
        init_for: Activation,
        transposed: bool,
    ) -> Result<Self> {
        let (kernel, stride) = (geometry.kernel(), geometry.stride());
        let [channels_in, channels_out] = geometry.channels();
        let layout = FileLayout::Convolution { kernel, channels_in };
        let area = kernel[0] * kernel[1];
        let (from, to) =
            if transposed { (channels_out, channels_in) } else { (channels_in, channels_out) };
        // Each pixel of a transposed convolution hears only area / stride² positions of the kernel.
        let heard = if transposed { (area / (stride[0] * stride[1])).max(1) } else { area };
        let bound = weight_bound(init_for, from * heard, to * heard);
        let weight = init.variable(
            &format!("{name}.weight"),
            [geometry.patch(), channels_out],
            Fill::Uniform(bound),
            Role::Weight,
            layout,
        )?;
        let bias = init.variable(
            &format!("{name}.bias"),
            [1, to],
            Fill::Constant(0.0),
            Role::Bias,
            FileLayout::Vector,
        )?;
        Ok(if transposed {
            Self::TransposedConvolution { weight, bias, geometry, activation }
        } else {
            Self::Convolution { weight, bias, geometry, activation }
        })
    }

    /// A batch norm over `channels`.
    pub fn batch_norm(init: &mut Init, name: &str, channels: usize) -> Result<Self> {
        let mut vector = |part: &str, value, role| {
            init.variable(
                &format!("{name}.{part}"),
                [1, channels],
                Fill::Constant(value),
                role,
                FileLayout::Vector,
            )
        };
        Ok(Self::BatchNorm {
            gain: vector("weight", 1.0, Role::Bias)?,
            shift: vector("bias", 0.0, Role::Bias)?,
            mean: vector("running_mean", 0.0, Role::Buffer)?,
            variance: vector("running_var", 1.0, Role::Buffer)?,
        })
    }

    /// A layer norm over `width` numbers.
    pub fn layer_norm(init: &mut Init, name: &str, width: usize) -> Result<Self> {
        let mut vector = |part: &str, value| {
            init.variable(
                &format!("{name}.{part}"),
                [1, width],
                Fill::Constant(value),
                Role::Bias,
                FileLayout::Vector,
            )
        };
        Ok(Self::LayerNorm { gain: vector("weight", 1.0)?, shift: vector("bias", 0.0)? })
    }

    /// Whether it multiplies by weights: not norms, activations and dropout.
    pub fn has_weights(&self) -> bool {
        matches!(
            self,
            Self::Dense { .. } | Self::Convolution { .. } | Self::TransposedConvolution { .. }
        )
    }

    /// From rows [rows, in] to rows [rows, out].
    pub fn forward(&self, values: &Weights, x: Tensor<2>, pass: &mut Pass) -> Tensor<2> {
        match self {
            Self::Dense { weight, bias, activation, transposed } => match values
                .arranged(*weight, *transposed)
            {
                Some(weight) => dense_arranged(x, weight, values.get(*bias), *activation),
                None => dense(x, values.get(*weight), values.get(*bias), *transposed, *activation),
            },
            Self::Convolution { weight, bias, geometry, activation } => {
                convolution(x, values.get(*weight), Some(values.get(*bias)), geometry, *activation)
            }
            Self::TransposedConvolution { weight, bias, geometry, activation } => {
                transposed_convolution(
                    x,
                    values.get(*weight),
                    Some(values.get(*bias)),
                    geometry,
                    *activation,
                )
            }
            Self::BatchNorm { gain, shift, mean, variance } => {
                batch_norm(values, x, [*gain, *shift, *mean, *variance], pass)
            }
            Self::LayerNorm { gain, shift } => row_norm(x, values.get(*gain), values.get(*shift)),
            Self::Embedding { blocks, rest } => {
                let of = |(block, weight): &(Range<usize>, VarId)| {
                    product(x.clone().narrow(1, block.start, block.len()), values.get(*weight))
                };
                let rest = rest.iter().map(|range| x.clone().narrow(1, range.start, range.len()));
                Tensor::cat(blocks.iter().map(of).chain(rest).collect(), 1)
            }
            Self::Activation(activation) => activate(x, *activation),
            Self::Dropout { rate, index } => match dropout_mask(&x, *rate, *index, pass) {
                Some(mask) => x * mask,
                None => x,
            },
        }
    }

    /// The forward pass, and the derivative of its result along `directions`.
    ///
    /// `directions` is [rows or 1, k, in]: k directions for each row, or the same k for all. The
    /// result is [rows or 1, k, out] and is itself differentiable. A batch norm is taken at its
    /// running statistics: the rows of a batch do not mix.
    pub fn tangent(
        &self,
        values: &Weights,
        x: Tensor<2>,
        directions: Tensor<3>,
        pass: &mut Pass,
    ) -> (Tensor<2>, Tensor<3>) {
        match self {
            Self::Dense { weight, bias, activation, transposed } => {
                let (weight, bias) = (values.get(*weight), values.get(*bias));
                let none = bias.zeros_like();
                let moved = flat(directions, |d| {
                    dense(d, weight.clone(), none, *transposed, Activation::Identity)
                });
                steered(moved, *activation, |act| dense(x, weight, bias, *transposed, act))
            }
            Self::Convolution { weight, bias, geometry, activation } => {
                let weight = values.get(*weight);
                let moved = flat(directions, |d| {
                    convolution(d, weight.clone(), None, geometry, Activation::Identity)
                });
                steered(moved, *activation, |act| {
                    convolution(x, weight, Some(values.get(*bias)), geometry, act)
                })
            }
            Self::TransposedConvolution { weight, bias, geometry, activation } => {
                let weight = values.get(*weight);
                let moved = flat(directions, |d| {
                    transposed_convolution(d, weight.clone(), None, geometry, Activation::Identity)
                });
                steered(moved, *activation, |act| {
                    transposed_convolution(x, weight, Some(values.get(*bias)), geometry, act)
                })
            }
            Self::BatchNorm { gain, variance, .. } => {
                let slope = values.get(*gain) / (values.get(*variance) + NORM_EPSILON).sqrt();
                let spread = x.dims()[1] / slope.dims()[1];
                let slope = slope.repeat_dim(1, spread);
                let mut running = Pass::deterministic(pass.rng.clone());
                (self.forward(values, x, &mut running), directions * slope.unsqueeze_dim::<3>(1))
            }
            Self::LayerNorm { gain, shift } => {
                let (centred, deviation) = standardised(x);
                let unit = (centred / deviation.clone()).unsqueeze_dim::<3>(1);
                let d = directions.clone() - directions.mean_dim(2);
                let along = (d.clone() * unit.clone()).mean_dim(2);
                let moved = (d - unit.clone() * along) / deviation.unsqueeze_dim::<3>(1)
                    * values.get(*gain).unsqueeze_dim::<3>(1);
                (unit.squeeze_dim::<2>(1) * values.get(*gain) + values.get(*shift), moved)
            }
            Self::Embedding { .. } => {
                let mut same = Pass::deterministic(pass.rng.clone());
                let moved = flat(directions, |d| self.forward(values, d, &mut same));
                (self.forward(values, x, pass), moved)
            }
            Self::Activation(activation) => {
                steered(directions, *activation, |act| activate(x, act))
            }
            Self::Dropout { rate, index } => match dropout_mask(&x, *rate, *index, pass) {
                Some(mask) => (x * mask.clone(), directions * mask.unsqueeze_dim::<3>(1)),
                None => (x, directions),
            },
        }
    }
}

/// Applies `f` to [rows x k, in] and gives [rows, k, out] back.
fn flat(directions: Tensor<3>, f: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [rows, k, width] = directions.dims();
    let moved = f(directions.reshape([rows * k, width]));
    let out = moved.dims()[1];
    moved.reshape([rows, k, out])
}

/// What a layer gives with its activation, and its moved directions through that activation.
fn steered(
    moved: Tensor<3>,
    activation: Activation,
    layer: impl FnOnce(Activation) -> Tensor<2>,
) -> (Tensor<2>, Tensor<3>) {
    if activation == Activation::Identity {
        return (layer(activation), moved);
    }
    if activation.needs_input() {
        let z = layer(Activation::Identity);
        return (activate(z.clone(), activation), steer(moved, z, activation));
    }
    let y = layer(activation);
    (y.clone(), steer(moved, y, activation))
}

/// Rows less their mean, and their standard deviation.
fn standardised(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let centred = x.clone() - x.mean_dim(1);
    let deviation = ((centred.clone() * centred.clone()).mean_dim(1) + NORM_EPSILON).sqrt();
    (centred, deviation)
}

fn batch_norm(
    values: &Weights,
    x: Tensor<2>,
    [gain, shift, mean, variance]: [VarId; 4],
    pass: &mut Pass,
) -> Tensor<2> {
    let [rows, width] = x.dims();
    let channels = values.get(gain).dims()[1];
    let samples = rows * width / channels;
    let x = x.reshape([samples, channels]);
    // One sample has no variance; it is normalised as in evaluation and moves no running statistic.
    let own = pass.mode == Mode::Training && samples > 1;
    let moments = if own {
        column_moments(x.clone())
    } else {
        Tensor::cat(vec![values.get(mean), values.get(variance)], 0)
    };
    if own {
        // The running variance is the unbiased one, as in PyTorch; the one in use is not.
        let unbiased = samples as f64 / (samples - 1) as f64;
        for (id, row, factor) in [(mean, 0, 1.0), (variance, 1, unbiased)] {
            let new = moments.clone().narrow(0, row, 1) * (factor * NORM_MOMENTUM);
            pass.updates.push((id, values.get(id).inner() * (1.0 - NORM_MOMENTUM) + new));
        }
    }
    column_norm(x, values.get(gain), values.get(shift), moments, own).reshape([rows, width])
}

/// Zero for the dropped numbers and `1 / (1 - rate)` for the others; none outside training.
fn dropout_mask(x: &Tensor<2>, rate: f64, index: usize, pass: &Pass) -> Option<Tensor<2>> {
    if pass.mode == Mode::Evaluation || rate == 0.0 {
        return None;
    }
    let uniform = pass.rng.split("dropout").at(index).uniform(x.dims(), &Engine::of(x));
    // The sign is one above the rate and minus one below it.
    Some((uniform - rate).sign().clamp_min(0.0) / (1.0 - rate))
}
