//! Rows of numbers: what they mean, where they are held, which of them do what.
//!
//! | module | what |
//! |---|---|
//! | `dataset` | [`Dataset`]: rows with what is known about them |
//! | `values`, `store`, `held`, `view` | numbers in memory, on disk, or as windows over others |
//! | `schema`, `notation`, `calendar` | the shape of a row, what columns hold, how values are written, dates as text |
//! | `series`, `windows` | how points become windows; windows over a series, and back to its points |
//! | `cycle`, `span` | days, weeks and years that come back; lengths of time |
//! | `survey`, `moments` | [`Survey`]: what one look over all numbers finds; [`Moments`]: mean and variance |
//! | `matrix` | [`Matrix`]: numbers that a model gave |
//! | `split` | which rows train, validate and test |
//! | `rng`, `order` | [`Rng`]: the only randomness; [`Order`]: rows in random order |
//! | `error`, `message` | the one [`Error`]; [`Message`]: text that names settings |
//! | `places` | where names stand in a list |
//! | `settings`, `words` | settings written once; settings that are one word |
//! | `files` | [`Destination`]: files that appear whole or not at all; files opened to be read |

pub mod calendar;
mod cycle;
mod dataset;
mod error;
mod files;
mod held;
mod matrix;
mod message;
mod moments;
mod notation;
mod order;
mod places;
mod rng;
mod schema;
mod series;
mod settings;
mod span;
mod split;
mod store;
mod survey;
mod values;
mod view;
mod whitening;
mod windows;
mod words;

pub use cycle::{Cycle, Cycles};
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use files::{Destination, bytes_of, open_file};
pub use held::Held;
pub use matrix::Matrix;
pub use message::{Message, Wording};
pub use moments::Moments;
pub use notation::{DecimalMark, Notation};
pub use order::Order;
pub use places::places;
pub use rng::Rng;
pub use schema::{ColumnKind, Field, OTHER, Shape};
pub use series::{Channel, Duplicates, Gaps, Part, Series};
pub use settings::{Given, Setting};
pub use span::Span;
pub use split::{Fractions, Split};
pub use store::Store;
pub use survey::{CellPosition, Cells, Survey};
pub use values::Values;
pub use view::View;
pub use whitening::Whitening;
pub use windows::Windows;
