//! Our side of a training: the library's own loop, timed from outside.

use crate::case::Training;
use crate::measure::Row;
use crate::peer::Peer;
use crate::{Options, Result, plan, say};
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::data::write_npy;
use autoencoders::{Activation, Config, Event, Flow, Rng, fit};
use burn_tensor::{Device, Tensor, TensorData};
use kernels::{among_workers, dense};
use serde_json::json;
use std::time::Instant;

/// Steps before the clock starts.
const WARM: usize = 3;
/// Numbers that a data set holds at most: enough that no batch comes out of the cache by luck
/// alone.
const NUMBERS: usize = 8 << 20;

/// Rows of pixels between 0 and 1, or of normal numbers, the same each time.
pub(crate) fn rows(count: usize, features: usize, table: bool) -> Vec<f32> {
    let mut rng = Rng::new(1);
    (0..count * features).map(|_| if table { rng.standard_normal() } else { rng.unit() }).collect()
}

/// GFLOP/s of one large product of ours, the best of many: what this machine gives.
pub(crate) fn peak() -> f64 {
    const SIDE: usize = 1024;
    let matrix = || {
        Tensor::<2>::from_data(
            TensorData::new(vec![0.5f32; SIDE * SIDE], [SIDE, SIDE]),
            &Device::default(),
        )
    };
    let (a, b, bias) = (matrix(), matrix(), Tensor::zeros([1, SIDE], &Device::default()));
    let best = among_workers(|| {
        (0..50)
            .map(|_| {
                let start = Instant::now();
                drop(dense(a.clone(), b.clone(), bias.clone(), false, Activation::Identity));
                start.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min)
    });
    2.0 * (SIDE * SIDE * SIDE) as f64 / best / 1e9
}

/// A data set of rows.
pub(crate) fn dataset(training: &Training, values: Vec<f32>) -> Result<Dataset> {
    let shape = match training.image {
        Some([height, width, channels]) => Shape::Image { height, width, channels },
        None => Shape::Flat { width: training.features },
    };
    Dataset::new("rows", shape, Values::F32(values)).map_err(|error| error.to_string())
}

/// Milliseconds a step over `steps` steps.
///
/// This is the real loop with all it does: shuffling, gathering, events, the terms of the loss.
pub(crate) fn train(config: &Config, data: &Dataset, steps: usize) -> Result<f64> {
    let (mut done, mut start, mut took) = (0, Instant::now(), f64::NAN);
    let trained = fit(config, data, None, false, &mut |event| {
        if let Event::Step { .. } = event {
            done += 1;
            if done == WARM {
                start = Instant::now();
            }
            if done == WARM + steps {
                took = start.elapsed().as_secs_f64();
                return Flow::Stop;
            }
        }
        Flow::Continue
    });
    trained.map_err(|error| error.to_string())?;
    Ok(took / steps as f64 * 1e3)
}

/// One training case on both sides.
pub(crate) fn side_by_side(
    training: &Training,
    peer: Option<&mut Peer>,
    options: &Options,
) -> Result<Row> {
    let config = &training.config;
    // No end of an epoch within a run: neither side shall be timed at something else than steps.
    let batches = (NUMBERS / (training.features * config.train.batch)).clamp(8, 4000);
    let count = batches * config.train.batch;
    let values = rows(count, training.features, training.table);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("rows.npy");
    write_npy(&file, &[count, training.features], &values).map_err(|error| error.to_string())?;
    let data = dataset(training, values)?;
    let pairs = plan(options);

    let probe = train(config, &data, 2.min(batches - WARM))?;
    let steps = pairs.repetitions(probe).min(batches - WARM - 1);
    let mut name = "none".to_owned();
    let mut ask: Option<Box<dyn FnMut() -> Result<f64>>> = None;
    if let Some(peer) = peer {
        let answer = peer.ask(json!({
            "do": "train", "case": training.peer, "data": file, "threads": options.threads(), "compile": true, "probe": steps.clamp(2, 50),
        }))?;
        name = format!("PyTorch {}", answer["form"].as_str().unwrap_or("?"));
        say(&format!("{}: PyTorch's forms, ms a step: {}", training.name, answer["times"]));
        ask = Some(Box::new(move || peer.milliseconds(json!({"do": "steps", "count": steps}))));
    }
    let ours = || train(config, &data, steps);
    let (ours, peers) = match ask {
        Some(mut ask) => Row::measure(pairs, ours, Some(&mut *ask))?,
        None => Row::measure(pairs, ours, None)?,
    };
    let [all, first] = training.products;
    // Three products a weight, two operations each, but nobody computes the gradient for the input.
    let operations = ((6 * all - 2 * first) * config.train.batch) as f64;
    Ok(Row {
        case: training.name.to_owned(),
        peer: name,
        ours,
        peers,
        operations: Some(operations),
        unit: "ms",
    })
}
