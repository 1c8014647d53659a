//! From words to a configuration.

use crate::args::Train;
use autoencoders::data::{Field, Shape};
use autoencoders::{Config, Result};

/// The configuration that was asked for on rows of this shape, or that of the checkpoint to continue
/// from.
pub(crate) fn config(args: &Train, shape: &Shape, fields: &[Field]) -> Result<Config> {
    if let Some(run) = &args.resume {
        return Config::of_checkpoint(run);
    }
    let mut settings = args.settings.clone();
    if args.test_data.is_some() {
        // The rows for the final table are in a file of their own.
        settings.say("test", 0.0.into());
    }
    settings.config(shape, fields)
}
