//! What a trained model has learned, as numbers to look at: the report and the explorer draw them.

mod code;
mod errors;
mod exciting;
mod filters;
mod gabor;
mod latent;
mod levels;
mod map;
mod typical;

pub use code::{CodeStatistics, State, Unit, standing_out};
pub use errors::Errors;
pub use filters::Filters;
pub use gabor::Gabor;
pub use latent::{spherical, straight};
pub use levels::{Branch, Level, tree};
#[cfg(feature = "tsne")]
pub use map::neighbour_map;
pub use map::{CodeMap, MOST_PLACED};
pub use typical::mean_row;
