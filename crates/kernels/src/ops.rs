//! The extension trait: each operation's default body of primitives, its derivative, and its face on `Tensor`.

use crate::activation::Activation;
use crate::loss::RowLoss;
use crate::optimise::{AdamStep, SgdStep};
use burn::backend::autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;

/// The fused operations. Only the `Tensor` functions below call it.
///
/// Shapes: `x` [rows, in], `w` [in, out], `b` [1, out], everything else [rows, out] unless said.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FusedOps: Backend {
    /// `act(x w + b)`
    fn dense(x: FloatTensor<Self>, w: FloatTensor<Self>, b: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        let z = Self::float_add(Self::float_matmul(x, w), b);
        Self::activate(z, act)
    }

    /// `act(z)`, of any shape.
    fn activate(z: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        primitive_value::<Self>(z, act)
    }

    /// `g` times the slope of `act` at what was saved of the forward pass ([`Activation::needs_input`]).
    fn activate_backward(saved: FloatTensor<Self>, g: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        Self::float_mul(g, primitive_slope::<Self>(saved, act))
    }

    /// The gradient before the activation, and its sum over rows [1, out].
    fn dense_backward(saved: FloatTensor<Self>, g: FloatTensor<Self>, act: Activation) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let dz = Self::activate_backward(saved, g, act);
        let db = Self::float_sum_dim(dz.clone(), 0);
        (dz, db)
    }

    /// Matrix product of [m, k] and [k, n].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(a, b)
    }

    /// The loss of each row [rows, 1].
    fn row_loss(output: FloatTensor<Self>, target: FloatTensor<Self>, loss: RowLoss) -> FloatTensor<Self> {
        Self::float_sum_dim(primitive_loss::<Self>(output, target, loss), 1)
    }

    /// The gradient for the output, from the gradient `g` [rows, 1] of the rows' losses.
    fn row_loss_backward(output: FloatTensor<Self>, target: FloatTensor<Self>, g: FloatTensor<Self>, loss: RowLoss) -> FloatTensor<Self> {
        Self::float_mul(primitive_loss_slope::<Self>(output, target, loss), g)
    }

    /// One step of Adam: the new parameter and both moments.
    fn adam(
        p: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let scale = |t, by: f64| Self::float_mul_scalar(t, by.into());
        let m = Self::float_add(scale(m, step.beta1), scale(g.clone(), 1.0 - step.beta1));
        let v = Self::float_add(scale(v, step.beta2), scale(Self::float_mul(g.clone(), g), 1.0 - step.beta2));
        let root = Self::float_add_scalar(Self::float_sqrt(scale(v.clone(), step.correction2())), step.epsilon.into());
        let change = scale(Self::float_div(scale(m.clone(), step.correction1()), root), step.rate);
        let p = Self::float_sub(scale(p, 1.0 - step.rate * step.decay), change);
        (p, m, v)
    }

    /// One step of gradient descent: the new parameter and velocity.
    fn sgd(
        p: FloatTensor<Self>,
        g: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let scale = |t, by: f64| Self::float_mul_scalar(t, by.into());
        let velocity = Self::float_add(scale(velocity, step.momentum), g);
        let p = Self::float_sub(scale(p, 1.0 - step.rate * step.decay), scale(velocity.clone(), step.rate));
        (p, velocity)
    }
}

fn primitive_value<B: Backend>(z: FloatTensor<B>, act: Activation) -> FloatTensor<B> {
    let positive = |z| B::float_clamp_min(z, 0f64.into());
    let negative = |z| B::float_clamp_max(z, 0f64.into());
    let less_one = |t| B::float_add_scalar(t, (-1f64).into());
    match act {
        Activation::Identity => z,
        Activation::Sigmoid => B::sigmoid(z),
        Activation::Tanh => B::float_tanh(z),
        Activation::Relu => B::relu(z),
        Activation::LeakyRelu => B::float_add(positive(z.clone()), B::float_mul_scalar(negative(z), 0.01f64.into())),
        Activation::Elu => B::float_add(positive(z.clone()), less_one(B::float_exp(negative(z)))),
        Activation::Gelu => B::gelu(z),
        Activation::Silu => B::float_mul(z.clone(), B::sigmoid(z)),
        Activation::Softplus => B::float_add(positive(z.clone()), B::float_log1p(B::float_exp(B::float_neg(B::float_abs(z))))),
    }
}

fn primitive_slope<B: Backend>(saved: FloatTensor<B>, act: Activation) -> FloatTensor<B> {
    let one_less = |t| B::float_add_scalar(B::float_neg(t), 1f64.into());
    // One above zero, zero elsewhere.
    let step = |t| B::float_clamp_min(B::float_sign(t), 0f64.into());
    match act {
        Activation::Identity => B::float_add_scalar(B::float_mul_scalar(saved, 0f64.into()), 1f64.into()),
        Activation::Sigmoid => B::float_mul(saved.clone(), one_less(saved)),
        Activation::Tanh => one_less(B::float_mul(saved.clone(), saved)),
        Activation::Relu => step(saved),
        Activation::LeakyRelu => B::float_add_scalar(B::float_mul_scalar(step(saved), 0.99f64.into()), 0.01f64.into()),
        Activation::Elu => B::float_add_scalar(B::float_clamp_max(saved, 0f64.into()), 1f64.into()),
        Activation::Gelu => {
            let half = B::float_mul_scalar(saved.clone(), std::f64::consts::FRAC_1_SQRT_2.into());
            let cdf = B::float_mul_scalar(B::float_add_scalar(B::float_erf(half), 1f64.into()), 0.5f64.into());
            let square = B::float_mul(saved.clone(), saved.clone());
            let density = B::float_exp(B::float_mul_scalar(square, (-0.5f64).into()));
            let density = B::float_mul_scalar(density, 0.398_942_280_401_432_7f64.into());
            B::float_add(cdf, B::float_mul(saved, density))
        }
        Activation::Silu => {
            let s = B::sigmoid(saved.clone());
            let tail = B::float_add_scalar(B::float_mul(saved, one_less(s.clone())), 1f64.into());
            B::float_mul(s, tail)
        }
        Activation::Softplus => one_less(B::float_exp(B::float_neg(saved))),
    }
}

fn primitive_loss<B: FusedOps>(output: FloatTensor<B>, target: FloatTensor<B>, loss: RowLoss) -> FloatTensor<B> {
    match loss {
        RowLoss::Squared => {
            let difference = B::float_sub(output, target);
            B::float_mul(difference.clone(), difference)
        }
        RowLoss::Absolute => B::float_abs(B::float_sub(output, target)),
        RowLoss::BernoulliLogits => {
            let softplus = primitive_value::<B>(output.clone(), Activation::Softplus);
            B::float_sub(softplus, B::float_mul(output, target))
        }
    }
}

fn primitive_loss_slope<B: FusedOps>(output: FloatTensor<B>, target: FloatTensor<B>, loss: RowLoss) -> FloatTensor<B> {
    match loss {
        RowLoss::Squared => B::float_mul_scalar(B::float_sub(output, target), 2f64.into()),
        RowLoss::Absolute => B::float_sign(B::float_sub(output, target)),
        RowLoss::BernoulliLogits => B::float_sub(B::sigmoid(output), target),
    }
}

impl<B: FusedOps, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn dense(x: FloatTensor<Self>, w: FloatTensor<Self>, b: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        if act.needs_input() {
            return Self::activate(Self::dense(x, w, b, Activation::Identity), act);
        }
        #[derive(Debug)]
        struct DenseBackward;
        impl<B: FusedOps> Backward<B, 3> for DenseBackward {
            type State = (NodeId, NodeId, FloatTensor<B>, Activation);
            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, saved: &mut Checkpointer) {
                let [node_x, node_w, node_b] = ops.parents;
                let g = grads.consume::<B>(&ops.node);
                let (x, w, y, act) = ops.state;
                let x: FloatTensor<B> = saved.retrieve_node_output(x);
                let w: FloatTensor<B> = saved.retrieve_node_output(w);
                let (dz, db) = B::dense_backward(y, g, act);
                if let Some(node) = node_b {
                    grads.register::<B>(node.id, db);
                }
                // The first layer's input needs no gradient: its node is absent and the product is skipped.
                if let Some(node) = node_x {
                    grads.register::<B>(node.id, B::product(dz.clone(), B::float_transpose(w)));
                }
                if let Some(node) = node_w {
                    grads.register::<B>(node.id, B::product(B::float_transpose(x), dz));
                }
            }
        }
        match DenseBackward.prepare::<C>([x.node(), w.node(), b.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let (saved_x, saved_w) = (prep.checkpoint(&x), prep.checkpoint(&w));
                let y = B::dense(x.into_primitive(), w.into_primitive(), b.into_primitive(), act);
                prep.finish((saved_x, saved_w, y.clone(), act), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::dense(x.into_primitive(), w.into_primitive(), b.into_primitive(), act)),
        }
    }

    fn activate(z: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ActivateBackward;
        impl<B: FusedOps> Backward<B, 1> for ActivateBackward {
            type State = (FloatTensor<B>, Activation);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let g = grads.consume::<B>(&ops.node);
                let (saved, act) = ops.state;
                if let [Some(node)] = ops.parents {
                    grads.register::<B>(node.id, B::activate_backward(saved, g, act));
                }
            }
        }
        match ActivateBackward.prepare::<C>([z.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let z = z.into_primitive();
                if act.needs_input() {
                    return prep.finish((z.clone(), act), B::activate(z, act));
                }
                let y = B::activate(z, act);
                prep.finish((y.clone(), act), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::activate(z.into_primitive(), act)),
        }
    }

    fn row_loss(output: FloatTensor<Self>, target: FloatTensor<Self>, loss: RowLoss) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RowLossBackward;
        impl<B: FusedOps> Backward<B, 1> for RowLossBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, RowLoss);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let g = grads.consume::<B>(&ops.node);
                let (output, target, loss) = ops.state;
                if let [Some(node)] = ops.parents {
                    grads.register::<B>(node.id, B::row_loss_backward(output, target, g, loss));
                }
            }
        }
        match RowLossBackward.prepare::<C>([output.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, target) = (output.into_primitive(), target.into_primitive());
                let losses = B::row_loss(output.clone(), target.clone(), loss);
                prep.finish((output, target, loss), losses)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::row_loss(output.into_primitive(), target.into_primitive(), loss)),
        }
    }
}

/// `act(x w + b)` with `x` [rows, in], `w` [in, out] and `b` [1, out].
pub fn dense(x: Tensor<2>, w: Tensor<2>, b: Tensor<2>, act: Activation) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::dense(x.into_dispatch(), w.into_dispatch(), b.into_dispatch(), act))
}

/// `act(z)`, element by element.
pub fn activate<const D: usize>(z: Tensor<D>, act: Activation) -> Tensor<D> {
    if act == Activation::Identity {
        return z;
    }
    Tensor::from_dispatch(<Dispatch as FusedOps>::activate(z.into_dispatch(), act))
}

/// The loss of each row [rows, 1] between an output and a target [rows, features].
///
/// The target is a constant: no gradient flows to it.
pub fn row_loss(output: Tensor<2>, target: Tensor<2>, loss: RowLoss) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::row_loss(output.into_dispatch(), target.into_dispatch(), loss))
}
