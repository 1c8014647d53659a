//! The progress of a training on standard error: a bar, or plain lines where it is no terminal.

use crate::show::{self, Show};
use autoencoders::{EpochRecord, Event, Numbers, Plan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Plain lines come no faster than this.
const BETWEEN_LINES: Duration = Duration::from_secs(2);
/// The bar's words change no faster than this; they are costly beside a short step.
const BETWEEN_WORDS: Duration = Duration::from_millis(100);

/// Turns events into what is seen.
pub(crate) struct Progress<'a> {
    show: &'a Show,
    /// On a terminal.
    bar: Option<ProgressBar>,
    start: Instant,
    /// When all layers began to be trained together.
    together: Instant,
    /// Epochs that another run has done.
    resumed: usize,
    of: usize,
    /// Models that are trained, one after the other or side by side.
    models: usize,
    /// Epochs that each further model has done.
    others: BTreeMap<usize, usize>,
    /// Steps of an epoch.
    steps: usize,
    last: Option<Instant>,
    validation: Option<f64>,
    /// The newest line, where it has not been printed.
    waiting: Option<String>,
    /// The layers, members and classifiers of which a line has told; several are trained side by
    /// side.
    told: BTreeSet<String>,
}

impl<'a> Progress<'a> {
    /// Of so many models; nothing is shown before the first event.
    pub(crate) fn new(show: &'a Show, models: usize) -> Self {
        let bar = (std::io::stderr().is_terminal() && !show.quiet).then(ProgressBar::hidden);
        Self {
            show,
            bar,
            start: now(),
            together: now(),
            resumed: 0,
            of: 0,
            models,
            others: BTreeMap::new(),
            steps: 0,
            last: None,
            validation: None,
            waiting: None,
            told: BTreeSet::new(),
        }
    }

    /// Shows what happened.
    pub(crate) fn on(&mut self, event: &Event) {
        match event {
            Event::Start { plan, settings, weights, rows, epoch } => {
                self.begin(plan, settings.train.passes(), *weights, *rows, *epoch)
            }
            Event::Step { epoch, step, steps, terms } => self.step(*epoch, *step, *steps, terms),
            Event::Epoch(record) => self.epoch(record),
            Event::Layer { layer, of, record } => {
                self.part(&format!("layer {} of {of}", layer + 1), record)
            }
            Event::Member { member, of, record } => {
                self.part(&format!("member {} of {of}", member + 1), record);
                self.others.insert(*member, record.epoch);
                if let Some(bar) = &self.bar {
                    let done = self.of + self.others.values().sum::<usize>();
                    bar.set_position((done * self.steps) as u64);
                }
            }
        }
    }

    /// Shows how the training of a classifier goes.
    pub(crate) fn head(&mut self, event: &Event) {
        if let Event::Epoch(record) = event {
            self.part("classifier", record);
        }
    }

    /// Takes the bar away, or prints the last line.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(line) = self.waiting.take() {
            self.show.note(line);
        }
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        now().duration_since(self.start)
    }

    fn begin(&mut self, plan: &Plan, of: usize, weights: usize, rows: usize, epoch: usize) {
        plan.warnings.iter().for_each(|warning| self.show.warn(warning));
        let (config, epochs) = (&plan.settings, show::plural(of, "epoch"));
        let rows = show::plural(rows, "row");
        self.show.note(format!(
            "{}: {} numbers -> {} ({}), {weights} weights; {epochs} over {rows}",
            config.family,
            plan.blueprint.features(),
            config.latent,
            config.net
        ));
        if epoch > 0 {
            self.show.note(format!("going on after epoch {epoch}"));
        }
        (self.of, self.resumed, self.start) = (of, epoch, now());
        self.together = self.start;
        if let Some(bar) = &self.bar {
            // 10 redraws a second are smooth enough, and cheap beside the training.
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            // A template of ours that does not parse leaves the default one.
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}  {eta} left") {
                bar.set_style(style);
            }
        }
    }

    fn step(&mut self, epoch: usize, step: usize, steps: usize, terms: &Numbers) {
        let Some(bar) = &self.bar else { return };
        if self.steps != steps {
            self.steps = steps;
            bar.set_length((self.models * self.of * steps) as u64);
            bar.set_position((epoch * steps) as u64);
            // What another run has done says nothing about the speed of this one.
            bar.reset_eta();
        }
        bar.set_position((epoch * steps + step) as u64);
        let now = now();
        if self.last.is_none_or(|last| now - last >= BETWEEN_WORDS) {
            self.last = Some(now);
            bar.set_message(words(epoch + 1, self.of, terms, self.validation));
        }
    }

    /// A layer or a member, which is trained by itself.
    fn part(&mut self, name: &str, record: &EpochRecord) {
        self.together = now();
        if let Some(bar) = &self.bar {
            let now = now();
            if self.last.is_none_or(|last| now - last >= BETWEEN_WORDS) {
                self.last = Some(now);
                bar.set_message(format!("{name}: epoch {}/{}", record.epoch, record.of));
            }
        } else if self.told.insert(name.to_owned()) {
            self.waiting = None;
            self.show.note(format!("{name}: {}", show::plural(record.of, "epoch")));
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.validation = record.validation.as_ref().map(Numbers::sum);
        if self.bar.is_some() {
            return;
        }
        // Further models take about as long each, whether side by side or not.
        let epochs = self.models * record.of - record.epoch;
        let left = now().duration_since(self.together).as_secs_f64()
            / (record.epoch - self.resumed).max(1) as f64
            * epochs as f64;
        let left = show::time(Duration::from_secs_f64(left));
        let line = format!(
            "{}  {left} left",
            words(record.epoch, record.of, &record.train, self.validation)
        );
        let now = now();
        if self.last.is_none_or(|last| now - last >= BETWEEN_LINES) {
            self.last = Some(now);
            self.waiting = None;
            self.show.note(line);
            return;
        }
        self.waiting = Some(line);
    }
}

fn words(epoch: usize, of: usize, terms: &Numbers, validation: Option<f64>) -> String {
    let mut words = vec![format!("epoch {epoch}/{of}")];
    words.extend(terms.0.iter().map(|term| format!("{} {}", term.name, show::term(term))));
    words.extend(validation.map(|loss| format!("validation {}", show::number(loss))));
    words.join("  ")
}

#[allow(clippy::disallowed_methods, reason = "the library reads no clock; its faces do")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
