//! What the numbers of an evaluation advise.

use crate::baseline::Pca;
use crate::metrics::Evaluation;
use model::{EpochRecord, Model};
use rows::{Message, Result};
use train::Settings;

impl Evaluation {
    /// What these numbers advise the user to do.
    pub fn advice(&self, model: &Model) -> Vec<Message> {
        let (config, mut advice) = (&model.plan().settings, Vec::<Message>::new());
        if self.rows < 10 {
            let rows = if self.rows == 1 {
                "1 row is".to_owned()
            } else {
                format!("{} rows are", self.rows)
            };
            let few = Message::from(format!("{rows} too few to judge by; give more rows"));
            // As many in twenty as make ten rows.
            let train = Settings::of(model).map(|settings| settings.train).unwrap_or_default();
            let share = 1.0 - train.validation - train.test;
            let all = model.provenance().training_rows as f64 / share.max(0.05);
            let fraction = (20.0 * 10.0 / all.max(1.0)).ceil() / 20.0;
            let larger = fraction <= 0.5 && train.test > 0.0;
            let with = |few: Message| few.text(", or keep more back with ").set("test", fraction);
            advice.push(if larger { with(few) } else { few });
        }
        // On a handful of rows every unit may look silent.
        if self.active_units < config.latent && self.rows > config.latent {
            let silent = config.latent - self.active_units;
            let cause = match self.terms.get("kl") {
                Some(_) if config.parameters.contains_key("free_bits") => {
                    "posterior collapse: try a smaller beta, a warm_up, or free_bits"
                }
                Some(_) => "posterior collapse: a smaller latent may do as well",
                None => "a smaller latent may do as well",
            };
            let units = config.latent;
            advice.push(format!("{silent} of {units} code units carry nothing ({cause})").into());
        }
        if is_measured_by_pca(model) && self.mse > self.pca_mse {
            let better = "principal components reconstruct these rows better: try more epochs, another learning rate, or a wider net";
            advice.push(better.into());
        }
        advice.extend(unsettled(&model.provenance().history, Settings::of(model)));
        advice
    }
}

/// Whether principal components are a measure for a model: they have fewer numbers than the rows, and
/// its family does not give up accuracy for something else, nor is it there to fill gaps.
pub fn is_measured_by_pca(model: &Model) -> bool {
    let pca = model.find::<Pca>().ok().flatten();
    let fills = model.plan().settings.hidden.is_some_and(|share| share > 0.0);
    let fewer = pca.is_some_and(|pca| pca.count() < pca.features);
    fewer && !fills && !model.plan().family.constrains()
}

/// The loss of a training that has settled falls by no more than this part of its whole fall in the
/// second half of the epochs, in which a rate that follows a cosine moves weights by a fifth of what
/// it does in all.
const SETTLED: f64 = 0.02;
/// Epochs in which a loss shows how it falls.
const SHOWING: usize = 10;

/// Advice where the loss still fell in the second half of a training that was the best at its end.
fn unsettled(history: &[EpochRecord], settings: Result<Settings>) -> Option<Message> {
    let (last, epochs) = (history.last()?, history.len());
    let loss = |record: &EpochRecord| record.validation.as_ref().unwrap_or(&record.train).sum();
    let (first, middle, end) = (loss(&history[0]), loss(&history[epochs / 2]), loss(last));
    let best = history.iter().rposition(|record| record.best)? + 1;
    let whole = epochs >= SHOWING && last.of == epochs && best * 10 >= epochs * 9;
    let falls = middle - end > SETTLED * (first - end);
    let train = settings.ok()?.train;
    (whole && falls && first > end).then(|| {
        let still = "the loss still fell in the second half of the training: try ";
        let longer = Message::from(still).set("epochs", 2 * epochs);
        // To one digit, as one would write it.
        let rate = 3.0 * train.learning_rate;
        let rate = format!("{rate:.0e}").parse().unwrap_or(rate);
        longer.text(" or ").set("learning_rate", rate)
    })
}
