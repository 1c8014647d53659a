//! What is drawn: the colours of everything, grids of images as PNG, charts as SVG.

#[cfg(feature = "files")]
pub mod chart;
pub mod colour;
#[cfg(feature = "files")]
mod grid;

#[cfg(feature = "files")]
pub use grid::{png, png_grid, write_png_grid};
