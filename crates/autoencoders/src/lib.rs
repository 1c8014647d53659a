//! Trains, inspects, uses and ships every kind of autoencoder.
//!
//! ```
//! use autoencoders::{Config, Flow, data, fit};
//!
//! let digits = data::read("digits", &data::ReadOptions::default())?;
//! let config = Config { latent: 8, epochs: Some(5), ..Config::default() };
//! let trained = fit(&config, &digits, None, false, &mut |_| Flow::Continue)?;
//! let model = trained.model;
//! println!("{:?}", model.evaluate(&digits, &trained.split.test)?);
//! let codes = model.encode(&digits)?; // 1797 rows of 8 numbers
//! # assert_eq!((codes.rows(), codes.columns), (1797, 8));
//! # Ok::<(), autoencoders::Error>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what to train: [`Config`], checked against the data into a [`Plan`] |
//! | [`data`] | rows: [`data::Dataset`] and its readers |
//! | [`train`], [`event`] | the one loop: [`fit`], and what it tells |
//! | [`model`] | the result: [`Model`] encodes, decodes, reconstructs, generates, interpolates |
//! | [`metrics`], [`evidence`] | what judges it; how likely rows are under it |
//! | [`inspect`] | what it has learned: errors by row and column, units, filters, what excites them, a row's way through the layers |
//! | [`score`] | anomalies: scores, thresholds, probabilities, reasons, and whether they can be trusted |
//! | [`family`], [`families`] | what a family may change, and the list of families |
//! | [`net`], [`layer`], [`vars`], [`parts`] | networks, layers, variables, and how they are joined |
//! | [`likelihood`], [`prepare`], [`schema`], [`split`] | errors, scaling, shapes, and which rows do what |
//! | [`recognise`] | classifiers on codes, with the encoder as it is or fine-tuned |
//! | [`stack`], [`rbm`] | layers trained one after the other, before all are trained together |
//! | [`objective`], [`optimise`], [`run`] | what training lowers; optimisers and schedules; the state of a training |
//! | [`baseline`], [`density`], [`jacobian`] | PCA beside every result; densities on codes; the encoder's derivative |
//! | [`mod@file`] | the model file and the checkpoint |
//! | [`gradient`] | gradients against finite differences |
//! | [`rng`], [`error`] | the only randomness; the one error |

mod ahead;
pub mod baseline;
pub mod config;
pub mod density;
pub mod event;
pub mod evidence;
pub mod families;
pub mod family;
pub mod file;
pub mod gradient;
pub mod inspect;
pub mod jacobian;
pub mod layer;
mod lbfgs;
pub mod likelihood;
pub mod metrics;
pub mod model;
pub mod net;
pub mod noise;
pub mod objective;
pub mod optimise;
pub mod parts;
pub mod prepare;
pub mod rbm;
pub mod recognise;
pub mod run;
pub mod score;
pub mod stack;
mod tensors;
pub mod train;
pub mod vars;

pub use autoencoders_kernels::{Activation, among_workers};
pub use config::{Config, Plan};
pub use event::{Event, Flow, Outcome, Trained};
pub use families::FAMILIES;
pub use model::{Model, Source};
pub use rows::{Error, Matrix, Result};
pub use train::{fit, fit_from};

/// Rows: what they are, reading and writing them.
pub mod data {
    #[cfg(feature = "readers")]
    pub use draw::{png, png_grid, write_png_grid};
    #[cfg(feature = "readers")]
    pub use readers::*;
    pub use rows::{
        ColumnKind, Dataset, Duplicates, Field, Gaps, Series, Shape, Span, Store, Values,
        Whitening, Windows, refuse_existing, write_atomically,
    };
}
/// The only randomness.
pub mod rng {
    pub use rows::Rng;
}
/// The shapes of rows.
pub mod schema {
    pub use rows::{ColumnKind, Field, Shape};
}
/// Which rows do what.
pub mod split {
    pub use rows::{Fractions, Split};
}

/// The README's and the manual's examples, run as tests.
#[cfg(all(doctest, feature = "readers"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/manual.md")]
    struct Manual;
    #[doc = include_str!("../../../docs/anomalies.md")]
    struct Anomalies;
}
