//! How cost grows.
use crate::{Options, Result};
pub(crate) fn run(_: &Options) -> Result<()> {
    Err("to come".to_owned())
}
