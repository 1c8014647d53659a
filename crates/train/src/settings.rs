//! How a model is trained: one section of the settings.

use crate::method::{Method, Schedule};
use crate::pretraining::Pretraining;
use model::{Model, ModelSettings, Net, Norm, Plan, between, within};
use rows::{Error, Fractions, Message, Result, settings};
use serde_json::{Map, Value, json};

settings! {
    $ train_settings
    /// How a model is trained.
    pub struct TrainSettings {
        /// Passes over the training rows.
        epochs: Option<usize> = None, "N", "chosen from the number of training rows";
        /// Rows in a step; lbfgs uses all rows.
        batch: usize = 64, "N";
        /// Learning rate.
        learning_rate: f64 = 1e-3, "X";
        /// Optimiser: adam, sgd or lbfgs.
        optimiser: Method = Method::Adam, "NAME";
        /// Momentum of sgd, below 1.
        momentum: f64 = 0.9, "X";
        /// Decoupled weight decay: each step shrinks the weights by the learning rate times this;
        /// biases are left alone.
        weight_decay: f64 = 0.0, "X";
        /// Weight of the squared weights in the loss; biases are left alone.
        l2: f64 = 0.0, "X";
        /// Learning rate over time: constant, cosine, step:EPOCHS,FACTOR or plateau:EPOCHS,FACTOR.
        schedule: Schedule = Schedule::Cosine, "SCHEDULE";
        /// Epochs over which the learning rate rises from zero.
        warm_up: f64 = 0.0, "EPOCHS";
        /// Largest norm of the gradient; 0 does not clip.
        clip: f64 = 0.0, "X";
        /// Epochs without a better validation loss before training stops; 0 never stops early. The
        /// best weights are kept either way.
        patience: Option<usize> = None, "N", "a quarter of the epochs where these are not given, else 0";
        /// How the layers of a dense network are pretrained: none, greedy, or with sigmoid
        /// activations rbm, rbm:K or rbm:persistent.
        pretrain: Pretraining = Pretraining::None, "HOW";
        /// Pretraining epochs for each layer.
        pretrain_epochs: Option<usize> = None, "N", "20";
        /// Keep the weights of the encoder that training begins with, so that only the decoder
        /// learns.
        freeze_encoder: bool = false, "";
        /// Fraction of the rows that early stopping sees.
        validation: f64 = 0.1, "FRACTION";
        /// Fraction of the rows that only the final table sees.
        test: f64 = 0.1, "FRACTION";
    }
}

/// The largest batch: beyond it a number is a slip of the finger.
const MOST: usize = 1 << 20;
/// Steps that train a small network well; the default number of epochs reaches them.
const STEPS: usize = 6000;
/// Training that was given no length ends after this part of its epochs without a better validation
/// loss, but for short trainings.
const PATIENCE: usize = 4;
const LEAST_PATIENCE: usize = 20;
/// Epochs of lbfgs where none are said.
const LBFGS_EPOCHS: usize = 200;
/// Pretraining epochs for each layer where none are given.
const LAYER_EPOCHS: usize = 20;

impl TrainSettings {
    /// The fractions of the rows that do not train.
    pub fn fractions(&self) -> Fractions {
        Fractions { validation: self.validation, test: self.test }
    }

    /// Passes over the training rows, once they are decided.
    pub fn passes(&self) -> usize {
        self.epochs.unwrap_or(0)
    }

    /// Epochs without a better validation loss before training stops, once they are decided; 0 for
    /// never.
    pub fn waits(&self) -> usize {
        self.patience.unwrap_or(0)
    }

    /// Passes over the training rows for each layer that is pretrained.
    pub fn layer_passes(&self) -> usize {
        self.pretrain_epochs.unwrap_or(LAYER_EPOCHS)
    }

    /// Refuses numbers outside their bounds, whatever the data.
    pub fn check(&self) -> Result<()> {
        within("batch", self.batch, 1, MOST)?;
        if let Some(epochs) = self.epochs {
            // Layers that are pretrained one by one are a model already.
            let least = usize::from(self.pretrain == Pretraining::None);
            within("epochs", epochs, least, 1_000_000)?;
        }
        within("pretrain_epochs", self.pretrain_epochs.unwrap_or(1), 1, 1_000_000)?;
        between("learning_rate", self.learning_rate, 1e-12, 1e3)?;
        between("momentum", self.momentum, 0.0, 0.9999)?;
        between("weight_decay", self.weight_decay, 0.0, 1e3)?;
        between("l2", self.l2, 0.0, 1e6)?;
        between("warm_up", self.warm_up, 0.0, 1e6)?;
        between("clip", self.clip, 0.0, 1e9)?;
        if self.optimiser == Method::Lbfgs {
            let idle = [
                ("weight_decay", self.weight_decay),
                ("clip", self.clip),
                ("warm_up", self.warm_up),
            ];
            if let Some((name, value)) = idle.into_iter().find(|(_, value)| *value > 0.0) {
                let wanted = Message::from("0 with the optimiser lbfgs, which has no use for it; ");
                let wanted = wanted.setting("l2").text(" is a term of the loss");
                return Err(Error::setting(name, value, wanted));
            }
        }
        // What a program put together is held to the bounds of what a user writes.
        self.schedule.to_string().parse::<Schedule>()?;
        self.pretrain.to_string().parse::<Pretraining>()?;
        between("validation", self.validation, 0.0, 0.9)?;
        between("test", self.test, 0.0, 0.9)?;
        between("validation and test together", self.validation + self.test, 0.0, 0.95)
    }

    /// The settings for a model and a number of training rows, with nothing open, unless they make
    /// no sense.
    ///
    /// Errors: numbers outside their bounds, or settings that do not go together.
    pub fn decided(&self, plan: &Plan, rows: usize) -> Result<Self> {
        self.check()?;
        let mut own = self.clone();
        if own.optimiser == Method::Lbfgs {
            if !(1..=MOST).contains(&rows) {
                let wanted = format!(
                    "adam or sgd for {rows} training rows: it takes all at once, up to {MOST}"
                );
                return Err(Error::setting("optimiser", "lbfgs", wanted));
            }
            own.batch = rows;
        }
        let open = own.epochs.is_none() && own.validation > 0.0;
        let steps = rows.div_ceil(own.batch).max(1);
        own.epochs = Some(own.epochs.unwrap_or_else(|| match own.optimiser {
            Method::Lbfgs => LBFGS_EPOCHS,
            Method::Adam | Method::Sgd => (STEPS / steps).clamp(10, 1000),
        }));
        let long = (own.passes() / PATIENCE).max(LEAST_PATIENCE);
        own.patience = Some(own.patience.unwrap_or(if open { long } else { 0 }));
        own.check_for(plan)?;
        Ok(own)
    }

    fn check_for(&self, plan: &Plan) -> Result<()> {
        let blueprint = &plan.blueprint;
        let convolutional = matches!(blueprint.net, Net::Conv(_) | Net::Maps(_));
        let alone = !convolutional && blueprint.norm == Norm::None && blueprint.embedded.is_empty();
        let pretrains = self.pretrain != Pretraining::None;
        if pretrains && !alone {
            let wanted = Message::from("none, or a dense network without norms and embeddings (")
                .set("net", "mlp:WIDTHS")
                .text("), whose layers can be trained alone");
            return Err(Error::setting("pretrain", self.pretrain, wanted));
        }
        if self.freeze_encoder && pretrains {
            let wanted = "none: a frozen encoder has its weights";
            return Err(Error::setting("pretrain", self.pretrain, wanted));
        }
        if self.freeze_encoder && (blueprint.norm == Norm::Batch || blueprint.tied) {
            let wanted = "false with batch norm or tied weights";
            return Err(Error::setting("freeze_encoder", true, wanted));
        }
        if self.optimiser == Method::Lbfgs && plan.family.phases().len() > 1 {
            let wanted = "adam or sgd for a family that is trained in turns";
            return Err(Error::setting("optimiser", "lbfgs", wanted));
        }
        let together = plan.numbers_per_row().saturating_mul(self.batch);
        if together > 1 << 31 {
            let wanted = format!(
                "fewer rows, narrower layers or fewer probes: a step would hold {together} numbers in one layer"
            );
            return Err(Error::setting("batch", self.batch, wanted));
        }
        Ok(())
    }
}

/// Everything that decides a training, and what is carried along unread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What the model is to be.
    pub model: ModelSettings,
    /// How it is trained.
    pub train: TrainSettings,
    /// The settings of what is made of the trained model, by name.
    pub rest: Map<String, Value>,
}

impl Settings {
    /// The settings that a model was trained with.
    ///
    /// An error where its file has strange ones.
    pub fn of(model: &Model) -> Result<Self> {
        let mut all = model.provenance().settings.clone();
        all.extend(json!(model.plan().settings).as_object().cloned().unwrap_or_default());
        Self::of_names(all).map_err(|error| Error::model("settings", error.to_string()))
    }

    /// All settings by name, as files have them.
    pub fn by_name(&self) -> Map<String, Value> {
        let mut all = self.beside_the_model();
        all.extend(json!(self.model).as_object().cloned().unwrap_or_default());
        all
    }

    /// All settings but those of the model, by name.
    pub fn beside_the_model(&self) -> Map<String, Value> {
        let mut beside = self.rest.clone();
        beside.extend(json!(self.train).as_object().cloned().unwrap_or_default());
        beside
    }

    /// The settings of these names; what is neither of the model nor of its training is carried
    /// along.
    ///
    /// An error where a setting has a value of another kind.
    pub fn of_names(all: Map<String, Value>) -> serde_json::Result<Self> {
        let (mut model, mut train, mut rest) = (Map::new(), Map::new(), Map::new());
        for (name, value) in all {
            let is = |table: &[rows::Setting]| table.iter().any(|setting| setting.name == name);
            let section = if is(ModelSettings::TABLE) {
                &mut model
            } else if is(TrainSettings::TABLE) {
                &mut train
            } else {
                &mut rest
            };
            section.insert(name, value);
        }
        Ok(Self {
            model: serde_json::from_value(Value::Object(model))?,
            train: serde_json::from_value(Value::Object(train))?,
            rest,
        })
    }
}
