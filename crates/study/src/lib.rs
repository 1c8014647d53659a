//! Studies trained autoencoders: baselines, samples, scores, classifiers, what they learned.

mod advice;
mod baseline;
mod density;
mod evidence;
mod filler;
mod inspect {
    pub(crate) mod code;
    pub(crate) mod errors;
    pub(crate) mod exciting;
    pub(crate) mod filters;
    pub(crate) mod gabor;
    pub(crate) mod latent;
    pub(crate) mod levels;
    pub(crate) mod map;
    pub(crate) mod typical;
}
mod joint;
mod metrics;
mod nearest;
mod recognise;
mod sample;
mod score {
    pub(crate) mod calibration;
    pub(crate) mod copies;
    pub(crate) mod detector;
    pub(crate) mod ensemble;
    pub(crate) mod judge;
    pub(crate) mod kind;
    pub(crate) mod members;
    pub(crate) mod point_judge;
    pub(crate) mod points;
    pub(crate) mod probe;
    pub(crate) mod probed;
    pub(crate) mod reference;
    pub(crate) mod settle;
    pub(crate) mod stretches;
    pub(crate) mod tail;
    pub(crate) mod whiten;
}
mod settings;

pub use advice::is_measured_by_pca;
pub use baseline::{Pca, principal_codes, principal_rows};
pub use density::{Density, MOST_ROWS};
pub use evidence::{Annealing, annealed, importance_weighted, is_generative, likelihood_constants};
pub use filler::{Filler, filled};
pub use inspect::code::{
    CodeStatistics, Unit, UnitState, code_statistics, kl_by_unit, standing_out, units,
};
pub use inspect::errors::{Errors, errors};
pub use inspect::exciting::most_exciting;
pub use inspect::filters::{Filters, decoder_filters, encoder_filters};
pub use inspect::gabor::Gabor;
pub use inspect::latent::{manifold, spherical, straight, traversal};
pub use inspect::levels::{Branch, Level, levels, levels_through, tree};
#[cfg(feature = "tsne")]
pub use inspect::map::neighbour_map;
pub use inspect::map::{CodeMap, MOST_PLACED};
pub use inspect::typical::{corrupted_rows, mean_row, original_rows, typical_distance, unprepared};
pub use metrics::*;
pub use nearest::{Neighbour, nearest, nearest_rows};
pub use recognise::*;
pub use sample::{Source, draw, generate, interpolate};
pub use score::calibration::{Calibration, Drift, Threshold};
pub use score::detector::{Detector, detector, score};
pub use score::ensemble::ensemble;
pub use score::judge::{Judge, Ruler};
pub use score::kind::{Reason, RowScore, ScoreKind};
pub use score::members::{Ensemble, Member};
pub use score::points::{PointScore, score_points};
pub use score::probe::{fit_detector, probe};
pub use score::probed::{Probe, Probed};
pub use score::reference::Reference;
pub use score::stretches::{EventFigures, Stretch, stretches, stretches_of};
pub use score::tail::Tail;
pub use score::whiten::Whitener;
pub use settings::{AfterSettings, DensityChoice};
