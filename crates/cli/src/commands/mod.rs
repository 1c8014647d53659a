//! One file a command; `reading`, `writing`, `place`, `picture` and `interrupt` serve several.

pub(crate) mod classify;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod eval;
pub(crate) mod explore;
pub(crate) mod families;
pub(crate) mod generate;
pub(crate) mod info;
pub(crate) mod interpolate;
pub(crate) mod reconstruct;
pub(crate) mod report;
pub(crate) mod score;
pub(crate) mod search;
pub(crate) mod train;

mod interrupt;
mod lines;
mod live;
mod picture;
mod place;
mod reading;
mod recipe;
mod summary;
mod watch;
mod writing;
