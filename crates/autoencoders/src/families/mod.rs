//! The list of families; each has a file of its own.

pub mod contractive;
pub mod denoising;
pub mod plain;
pub mod sparse;
pub mod vae;

use crate::family::Entry;

/// Every family, in the order of the manual.
#[rustfmt::skip] // one a line, so that a new family is one line
pub const FAMILIES: &[Entry] = &[
    plain::ENTRY,
    denoising::ENTRY,
    sparse::ENTRY,
    contractive::ENTRY,
    vae::ENTRY,
];
