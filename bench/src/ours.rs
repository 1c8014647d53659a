//! Our side: the library, timed from outside.

use crate::case::Training;
use autoencoders::data::{Dataset, Values};
use autoencoders::prepare::Scale;
use autoencoders::schema::Shape;
use autoencoders::{Config, Event, Flow, Result, fit};
use std::time::Instant;

/// Rows of pixels between 0 and 1, or of normal numbers, the same each time.
pub(crate) fn rows(count: usize, features: usize, table: bool) -> Vec<f32> {
    let mut rng = autoencoders::rng::Rng::new(1);
    (0..count * features).map(|_| if table { rng.standard_normal() } else { rng.unit() }).collect()
}

/// Trains for `warm` steps untimed and `steps` timed ones: milliseconds a step.
///
/// This is the real loop with all it does: shuffling, gathering, events, the terms of the loss.
pub(crate) fn train(training: &Training, data: &Dataset, warm: usize, steps: usize) -> Result<f64> {
    let (mut done, mut start, mut took) = (0, Instant::now(), 0.0);
    let config = Config { scale: Scale::None, ..training.config.clone() };
    fit(&config, data, None, false, &mut |event| {
        if let Event::Step { .. } = event {
            done += 1;
            if done == warm {
                start = Instant::now();
            }
            if done == warm + steps {
                took = start.elapsed().as_secs_f64();
                return Flow::Stop;
            }
        }
        Flow::Continue
    })?;
    Ok(took / steps as f64 * 1e3)
}

pub(crate) fn dataset(training: &Training, values: Vec<f32>) -> Result<Dataset> {
    let shape = match training.image {
        Some([height, width, channels]) => Shape::Image { height, width, channels },
        None => Shape::Flat { width: training.features },
    };
    Dataset::new("rows", shape, Values::F32(values))
}
