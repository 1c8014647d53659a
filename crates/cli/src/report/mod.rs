//! The report: what a model has learned, as one page that opens anywhere.

mod anomalies;
mod code;
mod compare;
mod content;
pub(crate) mod facts;
mod figure;
mod filters;
mod generate;
mod hourglass;
mod page;
pub(crate) mod rows;
mod training;
mod tree;

pub(crate) use content::page;
