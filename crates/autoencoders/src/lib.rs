//! Trains, inspects, uses and ships every kind of autoencoder.
//!
//! ```
//! use autoencoders::families::plain::Plain;
//! use autoencoders::{Trainer, data, study};
//!
//! let digits = data::read("digits", &data::ReadOptions::default())?;
//! let trained = Trainer::new(Plain::default()).latent(8).epochs(5).fit(&digits)?;
//! let model = trained.model;
//! println!("{:?}", study::evaluate(&model, &digits, &trained.split.test)?);
//! let codes = model.encode(&digits)?; // 1797 rows of 8 numbers
//! # assert_eq!((codes.rows(), codes.columns), (1797, 8));
//! # Ok::<(), autoencoders::Error>(())
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`Trainer`], [`Config`], [`fit`] | what to train, and how |
//! | [`Model`], [`load`] | the result: encodes, decodes, reconstructs; its file |
//! | [`data`] | rows: [`data::Dataset`], its readers and writers |
//! | [`families`] | the families and their parameters |
//! | [`settings`] | the values of settings: networks, likelihoods, optimisers |
//! | [`study`] | evaluation, samples, scores, classifiers, what a model has learned |
//! | `engine` | tensors, losses and optimisers, with the feature of that name; they may change |

mod config;
mod fit;
mod load;
mod trainer;

pub use config::Config;
pub use fit::{fit, fit_from};
pub use kernels::{Activation, among_workers};
pub use load::{from_bytes, load};
pub use model::{
    Attachment, EpochRecord, FAMILIES, FORMAT, FamilyEntry, Model, Number, Numbers, Plan,
    Provenance, Signature, archive_bytes, families,
};
pub use rows::{Error, Matrix, Message, Result, Rng, Wording};
pub use study::{self, Source};
pub use train::{Event, Flow, Outcome, Start, Trained};
pub use trainer::Trainer;

/// Rows: what they are, reading and writing them.
pub mod data {
    #[cfg(feature = "readers")]
    pub use readers::{
        ColumnDescription, Delimiter, Description, Encoding, Fill, FilledCell, JsonLine, Patches,
        Point, ReadOptions, TableNumber, TextLayout, describe, one_name, panic_is_caught, read,
        read_cell, read_json_line, read_line, read_point, write_filled, write_new_rows, write_npy,
        write_npy_blocks, write_table, write_table_blocks,
    };
    pub use rows::calendar::date_time;
    pub use rows::{
        Channel, ColumnKind, Cycle, Cycles, Dataset, DecimalMark, Destination, Duplicates, Field,
        Fractions, Gaps, Held, Notation, Part, Series, Shape, Span, Split, Store, Values, View,
        Whitening, Windows, bytes_of, places,
    };
}

/// The values of settings, and the tables of them.
pub mod settings {
    pub use kernels::Activation;
    pub use model::{Bounds, Likelihood, ModelSettings, Net, Norm, Scale};
    pub use rows::Setting;
    pub use study::{AfterSettings, DensityChoice};
    pub use train::{Method, Pretraining, Schedule, TrainSettings};
}

/// What models and their trainings are made of: tensors, losses, optimisers. It may change with any
/// version.
///
/// A restricted Boltzmann machine, for instance, is trained on rows between 0 and 1:
///
/// ```
/// use autoencoders::engine::rbm::{Options, Rbm};
/// use autoencoders::{Flow, Matrix, data};
///
/// let digits = data::read("digits", &data::ReadOptions::default())?;
/// let pixels = Matrix::of(&digits, 0..1000)?.narrow().values;
/// let rows = Matrix { columns: 64, values: pixels.iter().map(|pixel| pixel / 16.0).collect() };
/// let mut errors = Vec::new();
/// let options = Options { hidden: 30, epochs: 5, ..Options::default() };
/// let machine = Rbm::fit(&rows, &options, &mut |error| {
///     errors.push(error);
///     Flow::Continue
/// })?;
/// assert!(errors[4] < errors[0]);
/// assert_eq!(machine.hidden(&rows)?.columns, 30);
/// # Ok::<(), autoencoders::Error>(())
/// ```
#[cfg(feature = "engine")]
pub mod engine {
    pub use kernels;
    pub use model::*;
    pub use train::{
        Autoencoding, Begin, Best, GradientCheck, Job, Moment, Objective, Optimiser, Settings,
        Single, State, descend, gradient_check, mean_terms, one, rbm, train,
    };
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
