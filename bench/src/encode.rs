//! Encoding rows that are in memory: ours against ONNX Runtime.

use crate::case::encoder;
use crate::measure::Row;
use crate::ours::rows;
use crate::peer::Peer;
use crate::{Options, Result, plan};
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::data::Values;
use autoencoders::data::write_npy;
use autoencoders::{Config, Event, Flow, Model, among_workers, fit};
use serde_json::json;
use std::time::Instant;

/// Widths of the encoder.
const WIDTHS: [usize; 4] = [784, 512, 256, 64];

pub(crate) fn name(rows: usize) -> String {
    format!("encode 784-512-256-64, {rows} row{}", if rows == 1 { "" } else { "s" })
}

fn data(count: usize) -> Result<Dataset> {
    let values = Values::F32(rows(count, WIDTHS[0], false));
    Dataset::new("rows", Shape::Flat { width: WIDTHS[0] }, values)
        .map_err(|error| error.to_string())
}

/// A model of these widths after one step: the numbers in it do not matter here.
pub(crate) fn model(config: &Config) -> Result<Model> {
    let trained = fit(config, &data(config.train.batch)?, None, false, &mut |event| match event {
        Event::Step { .. } => Flow::Stop,
        _ => Flow::Continue,
    });
    Ok(trained.map_err(|error| error.to_string())?.model)
}

pub(crate) fn side_by_side(
    count: usize,
    peer: Option<&mut Peer>,
    options: &Options,
) -> Result<Row> {
    let (model, data) = (model(&encoder(&WIDTHS))?, data(count)?);
    // As a program that encodes again and again would do it: on one of the threads that share the
    // work.
    let run = |repetitions: usize| -> Result<f64> {
        among_workers(|| {
            let start = Instant::now();
            for _ in 0..repetitions {
                model.encode(&data).map_err(|error| error.to_string())?;
            }
            Ok(start.elapsed().as_secs_f64() / repetitions as f64 * 1e3)
        })
    };
    let pairs = plan(options);
    // Twice, for the first calls also arrange the weights and wake the threads; a run that is too
    // short times the system's choice of cores for them.
    let repetitions = pairs.repetitions(run(3)?);
    let repetitions = pairs.repetitions(run(repetitions)?);
    let operations = 2 * count * WIDTHS.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("rows.npy");
    let (ours, peers) = match peer {
        Some(peer) => {
            write_npy(&file, &[count, WIDTHS[0]], &rows(count, WIDTHS[0], false))
                .map_err(|error| error.to_string())?;
            peer.ask(json!({"do": "encode", "widths": WIDTHS, "data": file, "rows": count, "threads": options.threads()}))?;
            peer.milliseconds(json!({"do": "runs", "count": 3}))?;
            Row::measure(
                pairs,
                || run(repetitions),
                Some(&mut || peer.milliseconds(json!({"do": "runs", "count": repetitions}))),
            )?
        }
        None => Row::measure(pairs, || run(repetitions), None)?,
    };
    Ok(Row {
        case: name(count),
        peer: "ONNX Runtime".to_owned(),
        ours,
        peers,
        operations: Some(operations as f64),
        unit: "ms",
    })
}
