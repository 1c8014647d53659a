//! The explorer's page, its half in Rust: the model answers, JavaScript asks and shows.
//!
//! Rows and codes are arrays of numbers in the units of the data; pictures are red, green, blue and
//! opacity from top left to bottom right. Everything that is computed is computed by the library;
//! what is said in words is JSON.

mod explorer;
mod paint;
mod pixels;
mod way;

pub use explorer::Explorer;
pub use paint::Pictures;
pub use pixels::group_colours;
pub use way::Way;
