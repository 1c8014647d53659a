//! The training of one model: what it begins with, made ready, and followed to its end.

use crate::autoencoding::Autoencoding;
use crate::checkpoint::State;
use crate::epochs::Job;
use crate::event::{Event, Flow, Outcome};
use crate::pretraining::Pretraining;
use crate::settings::Settings;
use model::Engine;
use model::{
    Bounds, Coder, ENCODER, Init, Inside, Likelihood, Model, Plan, Preparation, Provenance,
    Signature, Vars, Whiten,
};
use rows::{Dataset, Error, Result, Rng, Split};
use std::path::Path;

/// Weights to begin with: those of a trained model, or of a classifier.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Taken over where name and shape agree.
    pub vars: &'a Vars,
    /// How the rows that they know are scaled.
    pub preparation: &'a Preparation,
    /// What they are the weights of.
    pub plan: &'a Plan,
    /// The names of the columns that they know; empty where there are none.
    pub columns: &'a [String],
}

impl Start<'_> {
    /// Refuses what these weights cannot begin.
    fn check(&self, settings: &Settings, data: &Dataset) -> Result<()> {
        let own = &self.plan.blueprint.source;
        if own.features()? != data.features()
            || (data.columns.len() == self.columns.len() && data.columns != self.columns)
        {
            let got = format!("{} with other columns than the weights to begin with", data.shape);
            return Err(Error::shape(
                format!("rows of {}", data.name),
                got,
                format!("{own}, with the same columns in the same order"),
            ));
        }
        if settings.train.pretrain != Pretraining::None {
            let wanted = "nothing beside weights to begin with";
            return Err(Error::setting("pretrain", "given", wanted));
        }
        Ok(())
    }

    /// The settings with what makes a frozen encoder the one that it was.
    fn frozen(&self, settings: &Settings) -> Settings {
        let own = &self.plan.settings;
        let mut frozen = settings.clone();
        if own.net == settings.model.net {
            frozen.model.code_activation = own.code_activation;
        }
        (frozen.model.activation, frozen.model.norm) = (own.activation, own.norm);
        frozen
    }
}

impl<'a> From<&'a Model> for Start<'a> {
    fn from(model: &'a Model) -> Self {
        Self {
            vars: model.vars(),
            preparation: &model.signature().preparation,
            plan: model.plan(),
            columns: &model.signature().columns,
        }
    }
}

/// What a training begins with.
#[derive(Clone, Debug, Default)]
pub struct Begin<'a> {
    /// Where the checkpoint is written.
    pub checkpoint: Option<&'a Path>,
    /// Whether to continue from it.
    pub resume: bool,
    /// Weights to begin with.
    pub start: Option<Start<'a>>,
    /// How rows are scaled, where that is not to be fitted on them.
    pub preparation: Option<Preparation>,
    /// How the rows have been whitened.
    pub whiten: Option<Whiten>,
    /// Where the training computes, and how exactly.
    pub engine: Engine,
}

impl Begin<'_> {
    /// The preparation that comes with weights to begin with, or with a checkpoint of a training
    /// that began with some.
    pub(crate) fn known(&self) -> Result<Option<Preparation>> {
        if let Some(start) = &self.start {
            return Ok(Some(start.preparation.clone()));
        }
        let kept = self.checkpoint.filter(|_| self.resume).map(State::preparation_of);
        Ok(self.preparation.clone().or(kept.transpose()?.flatten()))
    }
}

/// One model that is ready to be trained.
pub struct Single<'a> {
    /// What it computes.
    pub coder: Coder,
    /// What training changes.
    pub state: State,
    /// The settings, with nothing open.
    pub settings: Settings,
    preparation: Preparation,
    data: &'a Dataset,
    split: &'a Split,
}

impl<'a> Single<'a> {
    /// Decides what is open, builds the model, and takes over what it begins with.
    ///
    /// Errors: data or settings that make no sense, or a checkpoint of another training.
    pub fn ready(
        settings: &Settings,
        data: &'a Dataset,
        split: &'a Split,
        begin: &Begin,
    ) -> Result<Self> {
        if let Some(start) = &begin.start {
            start.check(settings, data)?;
        }
        let freeze = settings.train.freeze_encoder;
        let preparation = match begin.known()? {
            Some(known) => known,
            None => {
                let hides = settings.model.hidden.is_some_and(|hidden| hidden > 0.0);
                let scale = settings.model.scale;
                let fitted = Preparation::fit(scale, data, &split.train, hides)?;
                let known = Preparation { whiten: begin.whiten.clone(), ..fitted };
                let plan = Plan::of(&settings.model, &data.shape, &known)?;
                let clip = plan.blueprint.likelihood == Likelihood::Bernoulli
                    && known.range == Bounds::Unit;
                Preparation { clip, ..known }
            }
        };
        preparation.check(data.features())?;
        let mut settings = match begin.start.as_ref().filter(|_| freeze) {
            Some(start) => start.frozen(settings),
            None => settings.clone(),
        };
        settings.train.check()?;
        let plan = Plan::of(&settings.model, &data.shape, &preparation)?;
        settings.train = settings.train.decided(&plan, split.train.len())?;
        settings.model = plan.settings.clone();
        let rng = Rng::new(settings.model.seed);
        let mut init = Init::random(&rng, &begin.engine);
        let coder = Coder::build(plan, &mut init)?;
        let mut vars = init.finish();
        if let Some(start) = &begin.start {
            vars.take_over(start.vars, freeze)?;
        }
        if freeze {
            vars.freeze(ENCODER);
        }
        let checkpoint = begin.checkpoint.map(|path| (path, data));
        let mut state = State::new(vars, &settings, checkpoint)?;
        state.preparation = begin.start.as_ref().map(|start| start.preparation.clone());
        if begin.resume {
            state.restore(&settings)?;
        }
        Ok(Self { coder, state, settings, preparation, data, split })
    }

    /// The rows, prepared.
    ///
    /// An error where they are not those that the preparation knows.
    pub fn prepared(&self) -> Result<model::Prepared<'_>> {
        self.preparation.on(self.data)
    }

    /// Trains to the end, or until `on` stops it.
    ///
    /// Errors: rows that cannot be read any more, a checkpoint that cannot be written, or
    /// divergence before the first epoch's end.
    pub fn run(&mut self, on: &mut (dyn FnMut(&Event) -> Flow + Send)) -> Result<Outcome> {
        let Self { coder, state, settings, preparation, data, split } = self;
        let (prepared, engine) = (preparation.on(data)?, state.vars.engine());
        let objective = Autoencoding { coder, l2: settings.train.l2 };
        let job = Job {
            objective: &objective,
            settings,
            split,
            batch: &|rows, rng| coder.batch(prepared.tensor(rows.iter().copied(), &engine)?, rng),
            width: coder.plan.blueprint.width(),
            block: coder.plan.block(),
            name: &data.name,
            rng: Rng::new(settings.model.seed),
        };
        match job.run(state, on) {
            Err(error @ Error::Diverged { .. }) if state.best.is_some() => {
                Ok(Outcome::Diverged(error))
            }
            other => other,
        }
    }

    /// The model with the best weights.
    pub fn model(self) -> Model {
        let Self { coder, state, settings, preparation, data, split } = self;
        let (vars, chosen) = match state.best {
            Some(best) => (best.vars, best.epoch),
            None => (state.vars, state.epoch),
        };
        let signature = Signature {
            shape: data.shape.clone(),
            columns: data.columns.clone(),
            notation: data.notation.clone(),
            series: data.windows.as_ref().map(|windows| windows.series.clone()),
            preparation,
        };
        let provenance = Provenance {
            training_rows: split.train.len(),
            history: state.history,
            chosen,
            settings: settings.beside_the_model(),
        };
        Model::new(coder, vars, signature, provenance)
    }
}
