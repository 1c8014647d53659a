//! The list of families; each has a file of its own.

pub mod contractive;
pub mod denoising;
pub mod iwae;
pub mod k_sparse;
pub mod plain;
pub mod sparse;
pub mod vae;
pub mod winner_take_all;

use crate::family::registry::Entry;

/// Every family, in the order of the manual.
#[rustfmt::skip] // one a line, so that a new family is one line
pub const FAMILIES: &[Entry] = &[
    plain::ENTRY,
    denoising::ENTRY,
    sparse::ENTRY,
    contractive::ENTRY,
    vae::ENTRY,
    iwae::ENTRY,
    k_sparse::ENTRY,
    winner_take_all::ENTRY,
];
