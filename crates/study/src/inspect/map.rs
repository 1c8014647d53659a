//! A plane through the codes.

#[cfg(feature = "tsne")]
use kernels::among_workers;
use model::principal;
use rows::Matrix;
#[cfg(feature = "tsne")]
use rows::{Error, Result};

/// The plane along which codes vary most: a map of them, and the way back from a place on it to a
/// code.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CodeMap {
    /// The mean code, the middle of the map: `[latent]`.
    pub mean: Vec<f32>,
    /// The directions to the right and upwards, orthonormal [2, latent]; the second is zero for
    /// codes of one unit.
    pub axes: Vec<f32>,
    /// The variance along each of them, over the variance of all units together.
    pub shares: [f64; 2],
}

impl CodeMap {
    /// The plane of codes [rows, latent].
    pub fn of(codes: &Matrix) -> Self {
        let (mean, components, variances, total) = principal(&codes.values, codes.columns, 2);
        let mut axes = components;
        axes.resize(2 * codes.columns, 0.0);
        let share = |at: usize| {
            variances.get(at).copied().unwrap_or(0.0) / if total > 0.0 { total } else { 1.0 }
        };
        Self { mean, axes, shares: [share(0), share(1)] }
    }

    /// Where a code lies.
    pub fn place(&self, code: &[f32]) -> [f32; 2] {
        let latent = self.mean.len();
        let along = |axis: usize| {
            let axis = &self.axes[axis * latent..][..latent];
            axis.iter()
                .zip(code)
                .zip(&self.mean)
                .map(|((axis, value), mean)| axis * (value - mean))
                .sum()
        };
        [along(0), along(1)]
    }

    /// The code at a place: the one in the plane.
    pub fn code(&self, [right, up]: [f32; 2]) -> Vec<f32> {
        let (first, second) = self.axes.split_at(self.mean.len());
        self.mean
            .iter()
            .zip(first)
            .zip(second)
            .map(|((mean, a), b)| mean + right * a + up * b)
            .collect()
    }
}

/// Rows that [`neighbour_map`] places at most.
pub const MOST_PLACED: usize = 5000;

/// The places of codes on a map that keeps neighbours together, distances between groups less so:
/// t-SNE (van der Maaten and Hinton 2008) by Barnes and Hut's tree (van der Maaten 2014).
///
/// It begins with the plane of [`CodeMap`], so that the same codes give the same map. At most
/// [`MOST_PLACED`] codes; none where there are fewer than ten, all are
/// the same, or one is not finite.
///
/// An error where no thread for it can be started.
#[cfg(feature = "tsne")]
pub fn neighbour_map(codes: &Matrix) -> Result<Option<Vec<[f32; 2]>>> {
    /// As in the paper: about as many neighbours count for each row.
    const PERPLEXITY: f32 = 30.0;
    const EPOCHS: usize = 500;
    /// How coarsely far groups are taken as one; the usual value.
    const THETA: f32 = 0.5;
    let rows = codes.rows().min(MOST_PLACED);
    let same = (1..rows).all(|row| codes.row(row) == codes.row(0));
    if rows < 10 || same || codes.values.iter().any(|code| !code.is_finite()) {
        return Ok(None);
    }
    let samples: Vec<&[f32]> = (0..rows).map(|row| codes.row(row)).collect();
    let plane = CodeMap::of(codes);
    let start: Vec<[f32; 2]> = samples.iter().map(|code| plane.place(code)).collect();
    let spread = (start.iter().map(|place| place[0].powi(2)).sum::<f32>() / rows as f32)
        .sqrt()
        .max(f32::MIN_POSITIVE);
    // Small, so that the first steps decide (Kobak and Berens 2019).
    let start: Vec<f32> = start.iter().flatten().map(|at| at / spread * 1e-4).collect();
    let placed = || {
        let mut tsne = bhtsne::tSNE::<f32, &[f32], 2>::new(&samples);
        tsne.perplexity(PERPLEXITY.min((rows - 1) as f32 / 3.0))
            .epochs(EPOCHS)
            .initial_embedding(start);
        tsne.barnes_hut(THETA, |a, b| {
            a.iter().zip(b.iter()).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
        });
        tsne.embedding().chunks_exact(2).map(|place| [place[0], place[1]]).collect()
    };
    // On one thread: the crate's sums over several depend on how they share the work, and the map
    // would be another each time.
    if rayon::current_num_threads() == 1 {
        return Ok(Some(among_workers(placed)));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|error| {
        let wanted = format!("1, which needs no further one ({error})");
        Error::setting("threads", rayon::current_num_threads(), wanted)
    })?;
    Ok(Some(pool.install(placed)))
}
