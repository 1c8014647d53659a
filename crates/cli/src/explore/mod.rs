//! The explorer: a page in which the model runs, and the files that it loads.

pub(crate) mod files;
mod page;
pub(crate) mod scene;
pub(crate) mod server;
