//! Trains the further members of an ensemble.
use crate::score::members::{Ensemble, Member};
use kernels::side_by_side;
use model::Model;
use rows::{Dataset, Result, Rng, Shape, Split};
use serde_json::Map;
use std::borrow::Cow;
use train::{Begin, Event, Flow, Outcome, Settings, one};

/// Each further member of an ensemble leaves out one of so many columns of a table: in narrow
/// tables one column may be all that tells an anomaly.
const LEFT_OUT: usize = 10;

/// Trains the further members of an ensemble side by side, each on its own columns from its own
/// weights; none where that was stopped.
///
/// Errors as [`train::train`].
pub fn ensemble(
    model: &Model,
    members: usize,
    data: &Dataset,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Option<Ensemble>> {
    let settings = Settings::of(model)?;
    let whiten = model.signature().preparation.whiten.clone();
    let begin = Begin { whiten, ..Begin::default() };
    let features = data.features();
    let rng = Rng::new(settings.model.seed).split("member");
    let on = std::sync::Mutex::new(on);
    let trained = side_by_side(members - 1, |at| {
        let mut rng = rng.at(at);
        let seed = rng.below(1 << 31) as u64;
        let seen = features - features / LEFT_OUT;
        // The columns of a table stand in no order; those of images and series do. A table on
        // disk is not copied.
        let narrow = matches!(data.shape, Shape::Flat { .. })
            && data.values.in_memory().is_some()
            && seen < features;
        let mut columns: Vec<usize> = if narrow {
            rng.permutation(features)[..seen].to_vec()
        } else {
            (0..features).collect()
        };
        columns.sort_unstable();
        let narrowed =
            if narrow { Cow::Owned(data.narrowed(&columns)?) } else { Cow::Borrowed(data) };
        let own = &settings.model;
        let latent = if narrow { own.latent.min(columns.len()) } else { own.latent };
        let own = Settings {
            model: own.clone().seed(seed).latent(latent),
            train: settings.train.clone(),
            rest: Map::new(),
        };
        let (model, outcome) =
            one(&own, &narrowed, &split.of_member(at + 1, data), &begin, &mut |event| match (
                event,
                on.lock(),
            ) {
                (Event::Epoch(record) | Event::Layer { record, .. }, Ok(mut on)) => {
                    on(&Event::Member { member: at + 1, of: members, record })
                }
                _ => Flow::Continue,
            })?;
        match outcome {
            Outcome::Interrupted => Ok(None),
            Outcome::Diverged(error) => Err(error),
            Outcome::Finished | Outcome::Stopped | Outcome::Converged => {
                Ok(Some(Member { columns, model }))
            }
        }
    });
    let members: Option<Vec<Member>> = trained.into_iter().collect::<Result<_>>()?;
    Ok(members.map(|members| Ensemble { members }))
}
