//! The extension trait: each operation by name, its default body, and its face on `Tensor`.

use crate::activation::Activation;
use crate::burn;
use crate::burn::backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor};
use crate::convolution::Geometry;
use crate::loss::RowLoss;
use crate::primitive;
use crate::step::{AdamStep, SgdStep};
use burn_tensor::Tensor;

/// The fused operations. Only the `Tensor` functions below call it.
///
/// The functions on `Tensor` say the shapes; each `*_backward` gives the gradients for what its
/// operation takes, from the gradient `g` of what it gives.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FusedOps: Backend {
    fn dense(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        transposed: bool,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::dense::<Self>(x, w, b, transposed, act)
    }

    /// The weight [in, out] or its transpose, in the order in which [`FusedOps::dense_arranged`]
    /// reads it.
    fn arrange(w: FloatTensor<Self>, transposed: bool) -> FloatTensor<Self> {
        primitive::arrange::<Self>(w, transposed)
    }

    fn dense_arranged(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::dense_arranged::<Self>(x, w, b, act)
    }

    fn activate(z: FloatTensor<Self>, act: Activation) -> FloatTensor<Self> {
        primitive::activate::<Self>(z, act)
    }

    /// `saved` is the input for those activations that need it, the output for the others
    /// ([`Activation::needs_input`]).
    fn activate_backward(
        saved: FloatTensor<Self>,
        g: FloatTensor<Self>,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::activate_backward::<Self>(saved, g, act)
    }

    /// The gradient before the activation, and its sum over rows [1, out].
    fn dense_backward(
        saved: FloatTensor<Self>,
        g: FloatTensor<Self>,
        act: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        primitive::dense_backward::<Self>(saved, g, act)
    }

    /// Matrix product of [m, k] and [k, n].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(a, b)
    }

    fn steer(
        directions: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::steer::<Self>(directions, saved, act)
    }

    fn steer_backward(
        directions: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        g: FloatTensor<Self>,
        act: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        primitive::steer_backward::<Self>(directions, saved, g, act)
    }

    fn convolve(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        geometry: Geometry,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::convolve::<Self>(x, w, b, geometry, act)
    }

    fn convolve_transposed(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        geometry: Geometry,
        act: Activation,
    ) -> FloatTensor<Self> {
        primitive::convolve_transposed::<Self>(x, w, b, geometry, act)
    }

    /// The gradient for the weights of a convolution from the larger to the smaller image, or of
    /// its transpose.
    fn convolve_weight(
        large: FloatTensor<Self>,
        small: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        primitive::convolve_weight::<Self>(large, small, geometry)
    }

    fn row_loss(
        output: FloatTensor<Self>,
        target: FloatTensor<Self>,
        loss: RowLoss,
    ) -> FloatTensor<Self> {
        primitive::row_loss::<Self>(output, target, loss)
    }

    /// `g` is [rows, 1].
    fn row_loss_backward(
        output: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: FloatTensor<Self>,
        loss: RowLoss,
    ) -> FloatTensor<Self> {
        primitive::row_loss_backward::<Self>(output, target, g, loss)
    }

    fn column_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::column_moments::<Self>(x)
    }

    fn column_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        own: bool,
    ) -> FloatTensor<Self> {
        // Only the gradient asks whose moments they are.
        let _ = own;
        primitive::column_norm::<Self>(x, gain, shift, moments)
    }

    fn column_norm_backward(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        g: FloatTensor<Self>,
        own: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        primitive::column_norm_backward::<Self>(x, gain, moments, g, own)
    }

    fn row_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        primitive::row_norm::<Self>(x, gain, shift)
    }

    fn row_norm_backward(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        g: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        primitive::row_norm_backward::<Self>(x, gain, g)
    }

    fn column_squares(w: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::column_squares::<Self>(w)
    }

    fn column_squares_backward(w: FloatTensor<Self>, g: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::column_squares_backward::<Self>(w, g)
    }

    fn sparsity(code: FloatTensor<Self>, rho: f64) -> FloatTensor<Self> {
        primitive::sparsity::<Self>(code, rho)
    }

    fn sparsity_backward(
        code: FloatTensor<Self>,
        g: FloatTensor<Self>,
        rho: f64,
    ) -> FloatTensor<Self> {
        primitive::sparsity_backward::<Self>(code, g, rho)
    }

    fn kl_normal(h: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::kl_normal::<Self>(h)
    }

    fn kl_normal_backward(h: FloatTensor<Self>, g: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::kl_normal_backward::<Self>(h, g)
    }

    fn draw_normal(h: FloatTensor<Self>, noise: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::draw_normal::<Self>(h, noise)
    }

    fn draw_normal_backward(
        h: FloatTensor<Self>,
        noise: FloatTensor<Self>,
        g: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        primitive::draw_normal_backward::<Self>(h, noise, g)
    }

    fn largest_in_rows(x: FloatTensor<Self>, k: usize) -> FloatTensor<Self> {
        primitive::largest_in_rows::<Self>(x, k)
    }

    fn largest_in_columns(
        x: FloatTensor<Self>,
        k: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        primitive::largest_in_columns::<Self>(x, k)
    }

    /// `kept` is how many rows have a weight.
    fn trimmed_weights(losses: FloatTensor<Self>, kept: usize) -> FloatTensor<Self> {
        primitive::trimmed_weights::<Self>(losses, kept)
    }

    fn adam(
        p: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        primitive::adam::<Self>(p, g, m, v, step)
    }

    fn sgd(
        p: FloatTensor<Self>,
        g: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        primitive::sgd::<Self>(p, g, velocity, step)
    }

    /// One number, in the precision in which it was accumulated.
    fn sum_squares(t: FloatTensor<Self>) -> FloatTensor<Self> {
        primitive::sum_squares::<Self>(t)
    }
}

/// `act(x w + b)` with `x` [rows, in], `w` [in, out] and `b` [1, out].
///
/// With `transposed` the weight is [out, in] and its transpose is used: tied layers share one
/// matrix.
pub fn dense(
    x: Tensor<2>,
    w: Tensor<2>,
    b: Tensor<2>,
    transposed: bool,
    act: Activation,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::dense(
        x.into_dispatch(),
        w.into_dispatch(),
        b.into_dispatch(),
        transposed,
        act,
    ))
}

/// `x w` with `x` [rows, in] and `w` [in, out]: the same bits whatever instructions and caches a
/// processor has, which the engine's own product does not promise.
pub fn product(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    let zeros = Tensor::zeros([1, w.dims()[1]], (&x.device(), x.dtype()));
    dense(x, w, zeros, false, Activation::Identity)
}

/// A dense layer's weight [in, out], with `transposed` [out, in], for [`dense_arranged`]: panels of
/// columns [panels, in, columns], zeros behind the last.
pub fn arrange(w: Tensor<2>, transposed: bool) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::arrange(w.into_dispatch(), transposed))
}

/// [`dense`] with a weight that [`arrange`] gave: the same numbers sooner, where one weight meets
/// many rows or few rows many times.
pub fn dense_arranged(x: Tensor<2>, w: Tensor<3>, b: Tensor<2>, act: Activation) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::dense_arranged(
        x.into_dispatch(),
        w.into_dispatch(),
        b.into_dispatch(),
        act,
    ))
}

/// `act(z)`, element by element.
pub fn activate<const D: usize>(z: Tensor<D>, act: Activation) -> Tensor<D> {
    if act == Activation::Identity {
        return z;
    }
    Tensor::from_dispatch(<Dispatch as FusedOps>::activate(z.into_dispatch(), act))
}

/// `directions` [rows or 1, k, n] times the slope of `act` for each row: how directions go through
/// an activation.
///
/// `saved` [rows, n] is the activation's input where [`Activation::needs_input`] holds, its output
/// elsewhere. One direction row stands for all rows. Differentiable in both.
pub fn steer(directions: Tensor<3>, saved: Tensor<2>, act: Activation) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::steer(
        directions.into_dispatch(),
        saved.into_dispatch(),
        act,
    ))
}

/// The loss of each row [rows, 1] between an output and a target [rows, features].
///
/// The target is a constant: no gradient flows to it.
pub fn row_loss(output: Tensor<2>, target: Tensor<2>, loss: RowLoss) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::row_loss(
        output.into_dispatch(),
        target.into_dispatch(),
        loss,
    ))
}

/// `act(x * w + b)`: from rows of the larger image to rows of the smaller one.
///
/// Images lie channels last in the rows. `w` is [kernel height x kernel width x channels_in,
/// channels_out] and `b` [1, channels_out]; without `b` nothing is added.
pub fn convolution(
    x: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<2>>,
    geometry: &Geometry,
    act: Activation,
) -> Tensor<2> {
    let b = b.unwrap_or_else(|| zeros_like(&w, geometry.channels_out));
    Tensor::from_dispatch(<Dispatch as FusedOps>::convolve(
        x.into_dispatch(),
        w.into_dispatch(),
        b.into_dispatch(),
        *geometry,
        act,
    ))
}

/// The transpose of [`convolution`]: from rows of the smaller image to rows of the larger one.
///
/// `w` has the same shape as there; `b` is [1, channels_in].
pub fn transposed_convolution(
    x: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<2>>,
    geometry: &Geometry,
    act: Activation,
) -> Tensor<2> {
    let b = b.unwrap_or_else(|| zeros_like(&w, geometry.channels_in));
    let y = <Dispatch as FusedOps>::convolve_transposed(
        x.into_dispatch(),
        w.into_dispatch(),
        b.into_dispatch(),
        *geometry,
        act,
    );
    Tensor::from_dispatch(y)
}

fn zeros_like(w: &Tensor<2>, columns: usize) -> Tensor<2> {
    Tensor::zeros([1, columns], (&w.device().inner(), w.dtype()))
}

/// Mean and variance (biased) of each column of `x` [rows, columns]: [2, columns], a constant.
pub fn column_moments(x: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::column_moments(x.inner().into_dispatch()))
}

/// `gain (x - mean) / sqrt(variance + 1e-5) + shift` for each column of `x` [rows, columns];
/// `moments` are [`column_moments`].
///
/// Where they are `x`'s `own`, gradients flow through them too (batch norm, Ioffe and Szegedy
/// 2015); else they are constants.
pub fn column_norm(
    x: Tensor<2>,
    gain: Tensor<2>,
    shift: Tensor<2>,
    moments: Tensor<2>,
    own: bool,
) -> Tensor<2> {
    let y = <Dispatch as FusedOps>::column_norm(
        x.into_dispatch(),
        gain.into_dispatch(),
        shift.into_dispatch(),
        moments.into_dispatch(),
        own,
    );
    Tensor::from_dispatch(y)
}

/// `gain (x - mean) / sqrt(variance + 1e-5) + shift` with mean and variance of each row of `x`
/// [rows, columns] (Ba et al. 2016).
pub fn row_norm(x: Tensor<2>, gain: Tensor<2>, shift: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::row_norm(
        x.into_dispatch(),
        gain.into_dispatch(),
        shift.into_dispatch(),
    ))
}

/// The sum of the squares of each column of `w` [rows, columns]: [1, columns].
pub fn column_squares(w: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::column_squares(w.into_dispatch()))
}

/// `Σ_j rho ln(rho / m_j) + (1 - rho) ln((1 - rho) / (1 - m_j))` with the mean `m_j` of each column
/// of `code` [rows, units] over its rows: [1, 1] (Ng 2011).
///
/// A mean is taken within 1e-6 of 0 and 1.
pub fn sparsity(code: Tensor<2>, rho: f64) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::sparsity(code.into_dispatch(), rho))
}

/// `-½ (1 + l - m² - exp(l))`, each unit's divergence from the standard normal, averaged over rows:
/// [1, latent] (Kingma and Welling 2014, appendix B).
///
/// `h` [rows, 2 latent] holds the means `m` and behind them the logarithms `l` of the variances,
/// taken within ±20.
pub fn kl_normal(h: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::kl_normal(h.into_dispatch()))
}

/// `m + exp(½ l) noise`: draws [rows, latent] from the distributions `h` of [`kl_normal`], by
/// standard normal `noise` [rows, latent].
pub fn draw_normal(h: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::draw_normal(
        h.into_dispatch(),
        noise.into_dispatch(),
    ))
}

/// One for each of the `k` largest numbers of a row of `x` [rows, columns], zero for the others:
/// [rows, columns], a constant to multiply with.
///
/// Of equal numbers the first is the largest. NaN is above infinity and 0 above -0, as in
/// [`f64::total_cmp`]; a NaN whose sign is negative has no place that all backends agree on. A row
/// of no more than `k` numbers keeps them all.
pub fn largest_in_rows(x: Tensor<2>, k: usize) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::largest_in_rows(x.inner().into_dispatch(), k))
}

/// The same as [`largest_in_rows`] for the columns of `x` [rows, columns], and the smallest number
/// that each column keeps [1, columns]: infinity where that is none but NaN.
///
/// There must be a row.
pub fn largest_in_columns(x: Tensor<2>, k: usize) -> (Tensor<2>, Tensor<2>) {
    let (marks, smallest) =
        <Dispatch as FusedOps>::largest_in_columns(x.inner().into_dispatch(), k);
    (Tensor::from_dispatch(marks), Tensor::from_dispatch(smallest))
}

/// The weight of each row [rows, 1] in a mean that leaves out the fraction `left_out` of the rows,
/// those with the largest `losses` [rows, 1]: a constant.
///
/// As many rows are left out as fit into the fraction, and never all; the others have equal
/// weights, one in sum. Losses are in the order of [`largest_in_rows`], and of equal ones the last
/// are left out. There must be a row, and the fraction lie from 0 to 1.
pub fn trimmed_weights(losses: Tensor<2>, left_out: f64) -> Tensor<2> {
    let [rows, columns] = losses.dims();
    assert!(rows > 0 && columns == 1, "a loss for each row");
    assert!((0.0..=1.0).contains(&left_out), "a fraction of rows");
    let kept = ((rows as f64 * (1.0 - left_out)).ceil() as usize).clamp(1, rows);
    let losses = losses.inner().into_dispatch();
    Tensor::from_dispatch(<Dispatch as FusedOps>::trimmed_weights(losses, kept))
}

/// One step of Adam over one parameter, in place where the tensors have no other owner.
///
/// Returns the parameter and both moments; all four tensors have one shape and lie outside
/// autodiff.
pub fn adam(
    p: Tensor<2>,
    g: Tensor<2>,
    m: Tensor<2>,
    v: Tensor<2>,
    step: AdamStep,
) -> [Tensor<2>; 3] {
    let (p, m, v) = <Dispatch as FusedOps>::adam(
        p.into_dispatch(),
        g.into_dispatch(),
        m.into_dispatch(),
        v.into_dispatch(),
        step,
    );
    [p, m, v].map(Tensor::from_dispatch)
}

/// One step of gradient descent over one parameter, in place where the tensors have no other owner.
///
/// Returns the parameter and the velocity.
pub fn sgd(p: Tensor<2>, g: Tensor<2>, velocity: Tensor<2>, step: SgdStep) -> [Tensor<2>; 2] {
    let (p, velocity) = <Dispatch as FusedOps>::sgd(
        p.into_dispatch(),
        g.into_dispatch(),
        velocity.into_dispatch(),
        step,
    );
    [p, velocity].map(Tensor::from_dispatch)
}

/// The sum of the squares of all elements of `t` [rows, columns], one number; on the CPU accumulated
/// in f64 in a fixed order, and of that type.
pub fn sum_squares(t: &Tensor<2>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::sum_squares(t.clone().into_dispatch()))
}
