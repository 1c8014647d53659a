//! The derivatives of the fused operations.

use crate::activation::Activation;
use crate::burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, NodeGuard, Ops, OpsKind},
};
use crate::burn::backend::{TensorMetadata, tensor::FloatTensor};
use crate::convolution::Geometry;
use crate::loss::RowLoss;
use crate::ops::FusedOps;
use crate::primitive::transposed_if;
use burn_tensor::Shape;
use std::fmt::{self, Debug};

type Float<B> = FloatTensor<B>;

/// The gradients of the inputs, of those that are wanted.
type Gradient<B, const N: usize> = [Option<Float<B>>; N];

/// How gradients come from what was saved, the output, its gradient, and which inputs want one.
type Derive<B, S, const N: usize> = fn(S, Float<B>, Float<B>, [bool; N]) -> Gradient<B, N>;

/// A rule as the engine takes it.
struct Rule<B: FusedOps, S, const N: usize>(Derive<B, S, N>);

impl<B: FusedOps, S, const N: usize> Debug for Rule<B, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

impl<B: FusedOps, S: Clone + Send + Debug + 'static, const N: usize> Backward<B, N>
    for Rule<B, S, N>
{
    type State = (S, Float<B>);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let g = grads.consume::<B>(&ops.node);
        let (saved, y) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        for (parent, gradient) in ops.parents.into_iter().zip((self.0)(saved, y, g, wanted)) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// Runs an operation and, where a gradient is wanted, records how it comes about.
fn recorded<
    B: FusedOps,
    C: CheckpointStrategy,
    S: Clone + Send + Debug + 'static,
    const N: usize,
>(
    inputs: [NodeGuard; N],
    saved: S,
    forward: impl FnOnce() -> Float<B>,
    rule: Derive<B, S, N>,
) -> FloatTensor<Autodiff<B, C>> {
    match Rule(rule).prepare::<C>(inputs).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let y = forward();
            prep.finish((saved, y.clone()), y)
        }
        OpsKind::UnTracked(prep) => {
            drop(saved);
            prep.finish(forward())
        }
    }
}

/// `g` of images as one row a pixel, so that the bias gradient is a sum over rows.
fn pixels<B: FusedOps>(t: Float<B>, channels: usize) -> Float<B> {
    let numbers = t.shape().num_elements();
    B::float_reshape(t, Shape::from([numbers / channels.max(1), channels]))
}

/// The gradient before an activation as rows of images again, and the bias gradient.
fn through_activation<B: FusedOps>(
    y: Float<B>,
    g: Float<B>,
    channels: usize,
    act: Activation,
) -> (Float<B>, Float<B>) {
    let shape = g.shape();
    let (dz, db) = B::dense_backward(pixels::<B>(y, channels), pixels::<B>(g, channels), act);
    (B::float_reshape(dz, shape), db)
}

fn no_bias<B: FusedOps>(like: &Float<B>, channels: usize) -> Float<B> {
    B::float_zeros(Shape::from([1, channels]), &like.device(), like.dtype().into())
}

/// A convolution, or with `back` its transpose: each is the other's gradient for the input.
fn image_layer<B: FusedOps, C: CheckpointStrategy>(
    [x, w, b]: [FloatTensor<Autodiff<B, C>>; 3],
    geometry: Geometry,
    act: Activation,
    back: bool,
) -> FloatTensor<Autodiff<B, C>> {
    if act.needs_input() {
        return Autodiff::<B, C>::activate(
            image_layer::<B, C>([x, w, b], geometry, Activation::Identity, back),
            act,
        );
    }
    let nodes = [x.node(), w.node(), b.node()];
    let [x, w, b] = [x, w, b].map(|t| t.into_primitive());
    recorded::<B, C, _, 3>(
        nodes,
        (x.clone(), w.clone(), geometry, act, back),
        || {
            if back {
                B::convolve_transposed(x, w, b, geometry, act)
            } else {
                B::convolve(x, w, b, geometry, act)
            }
        },
        |(x, w, geometry, act, back), y, g, [want_x, want_w, _]| {
            let (from, to) = if back {
                (geometry.channels_out, geometry.channels_in)
            } else {
                (geometry.channels_in, geometry.channels_out)
            };
            let (dz, db) = through_activation::<B>(y, g, to, act);
            let dw = want_w.then(|| {
                let (large, small) = if back { (dz.clone(), x) } else { (x, dz.clone()) };
                B::convolve_weight(large, small, geometry)
            });
            let zeros = no_bias::<B>(&dz, from);
            let dx = want_x.then(|| {
                if back {
                    B::convolve(dz, w, zeros, geometry, Activation::Identity)
                } else {
                    B::convolve_transposed(dz, w, zeros, geometry, Activation::Identity)
                }
            });
            [dx, dw, Some(db)]
        },
    )
}

impl<B: FusedOps, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn dense(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        transposed: bool,
        act: Activation,
    ) -> FloatTensor<Self> {
        if act.needs_input() {
            return Self::activate(Self::dense(x, w, b, transposed, Activation::Identity), act);
        }
        let nodes = [x.node(), w.node(), b.node()];
        let (x, w, b) = (x.into_primitive(), w.into_primitive(), b.into_primitive());
        recorded::<B, C, _, 3>(
            nodes,
            (x.clone(), w.clone(), transposed, act),
            || B::dense(x, w, b, transposed, act),
            |(x, w, transposed, act), y, g, [want_x, want_w, _]| {
                let (dz, db) = B::dense_backward(y, g, act);
                // The first layer's input needs no gradient, and its product is skipped.
                let dx = want_x.then(|| B::product(dz.clone(), transposed_if::<B>(w, !transposed)));
                let dw = want_w.then(|| {
                    let (left, right) = if transposed { (dz, x) } else { (x, dz) };
                    B::product(B::float_transpose(left), right)
                });
                [dx, dw, Some(db)]
            },
        )
    }

    fn activate(z: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        let node = [z.node()];
        let z = z.into_primitive();
        let input = act.needs_input().then(|| z.clone());
        recorded::<B, C, _, 1>(
            node,
            (input, act),
            || B::activate(z, act),
            |(input, act), y, g, _| [Some(B::activate_backward(input.unwrap_or(y), g, act))],
        )
    }

    fn steer(
        directions: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        act: Activation,
    ) -> FloatTensor<Self> {
        let nodes = [directions.node(), saved.node()];
        let (directions, saved) = (directions.into_primitive(), saved.into_primitive());
        recorded::<B, C, _, 2>(
            nodes,
            (directions.clone(), saved.clone(), act),
            || B::steer(directions, saved, act),
            |(directions, saved, act), _, g, _| {
                let (by_directions, by_saved) = B::steer_backward(directions, saved, g, act);
                [Some(by_directions), Some(by_saved)]
            },
        )
    }

    fn convolve(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        geometry: Geometry,
        act: Activation,
    ) -> FloatTensor<Self> {
        image_layer::<B, C>([x, w, b], geometry, act, false)
    }

    fn convolve_transposed(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        geometry: Geometry,
        act: Activation,
    ) -> FloatTensor<Self> {
        image_layer::<B, C>([x, w, b], geometry, act, true)
    }

    fn row_loss(
        output: FloatTensor<Self>,
        target: FloatTensor<Self>,
        loss: RowLoss,
    ) -> FloatTensor<Self> {
        let node = [output.node()];
        let (output, target) = (output.into_primitive(), target.into_primitive());
        recorded::<B, C, _, 1>(
            node,
            (output.clone(), target.clone(), loss),
            || B::row_loss(output, target, loss),
            |(output, target, loss), _, g, _| [Some(B::row_loss_backward(output, target, g, loss))],
        )
    }

    fn column_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        own: bool,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gain.node(), shift.node()];
        let [x, gain, shift, moments] = [x, gain, shift, moments].map(|t| t.into_primitive());
        recorded::<B, C, _, 3>(
            nodes,
            (x.clone(), gain.clone(), moments.clone(), own),
            || B::column_norm(x, gain, shift, moments, own),
            |(x, gain, moments, own), _, g, _| {
                let (dx, by_gain, by_shift) = B::column_norm_backward(x, gain, moments, g, own);
                [Some(dx), Some(by_gain), Some(by_shift)]
            },
        )
    }

    fn row_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gain.node(), shift.node()];
        let [x, gain, shift] = [x, gain, shift].map(|t| t.into_primitive());
        recorded::<B, C, _, 3>(
            nodes,
            (x.clone(), gain.clone()),
            || B::row_norm(x, gain, shift),
            |(x, gain), _, g, _| {
                let (dx, by_gain, by_shift) = B::row_norm_backward(x, gain, g);
                [Some(dx), Some(by_gain), Some(by_shift)]
            },
        )
    }

    fn column_squares(w: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = [w.node()];
        let w = w.into_primitive();
        let forward = w.clone();
        recorded::<B, C, _, 1>(
            node,
            w,
            || B::column_squares(forward),
            |w, _, g, _| [Some(B::column_squares_backward(w, g))],
        )
    }

    fn sparsity(code: FloatTensor<Self>, rho: f64) -> FloatTensor<Self> {
        let node = [code.node()];
        let code = code.into_primitive();
        recorded::<B, C, _, 1>(
            node,
            (code.clone(), rho),
            || B::sparsity(code, rho),
            |(code, rho), _, g, _| [Some(B::sparsity_backward(code, g, rho))],
        )
    }

    fn kl_normal(h: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = [h.node()];
        let h = h.into_primitive();
        let forward = h.clone();
        recorded::<B, C, _, 1>(
            node,
            h,
            || B::kl_normal(forward),
            |h, _, g, _| [Some(B::kl_normal_backward(h, g))],
        )
    }

    fn draw_normal(h: FloatTensor<Self>, noise: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = [h.node()];
        let (h, noise) = (h.into_primitive(), noise.into_primitive());
        recorded::<B, C, _, 1>(
            node,
            (h.clone(), noise.clone()),
            || B::draw_normal(h, noise),
            |(h, noise), _, g, _| [Some(B::draw_normal_backward(h, noise, g))],
        )
    }
}
