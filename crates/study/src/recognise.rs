//! The encoder as a recogniser: classifiers on its code, with the encoder as it is or fine-tuned
//! with them.

use crate::nearest::Distances;
use burn_tensor::Tensor;
use burn_tensor::activation::log_softmax;
use kernels::{Activation, among_workers, dense, side_by_side};
use model::Engine;
use model::{
    Attachment, Batch, Coder, DECODER, EXTRA, EpochRecord, FileLayout, Fill, Init, Inside, Loss,
    Model, ModelSettings, Pass, Phase, Plan, Preparation, Role, Section, Stored, Terms, VarId,
    Vars, Weights, inside, laid_out, read,
};
use rows::{Dataset, Error, Matrix, Message, Result, Rng, Split};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use train::{
    Event, Flow, Job, Method, Objective, Outcome, Schedule, Settings, Start, State, TrainSettings,
};

/// Kinds of classifiers, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HeadKind {
    /// `softmax`: softmax regression on the code, and the encoder is trained with it.
    #[default]
    Softmax,
    /// `linear`: softmax regression on the code of the encoder as it is: a linear probe.
    Linear,
    /// `svm`: one linear support vector machine against the rest for each class, with squared hinge
    /// loss, on the encoder as it is.
    Svm,
}

impl HeadKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Linear, Self::Svm];

    /// Its word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Linear => "linear",
            Self::Svm => "svm",
        }
    }
}

impl FromStr for HeadKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::unknown("head", text, Self::ALL.map(Self::name)))
    }
}

rows::as_text!(HeadKind);

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a classifier is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Head {
    /// What it is.
    pub kind: HeadKind,
    /// Passes over the labelled training rows; 30 where absent, and at most 200 steps of lbfgs.
    pub epochs: Option<usize>,
    /// Rows in a step; lbfgs takes all.
    pub batch: usize,
    /// The optimiser; absent it is adam where the encoder is trained too, else lbfgs.
    pub optimiser: Option<Method>,
    /// Step size.
    pub learning_rate: f64,
    /// How the step size changes.
    pub schedule: Schedule,
    /// Decoupled weight decay of all that is trained.
    pub weight_decay: f64,
    /// Weight of the sum of the squared weights of the classifier itself.
    pub l2: f64,
    /// Fraction of the hidden units of the encoder that are dropped in training; absent as the
    /// model has it.
    pub dropout: Option<f64>,
    /// Epochs without a lower loss on validation rows before training stops; 0 never stops early.
    pub patience: usize,
    /// Decides every random number.
    pub seed: u64,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            kind: HeadKind::Softmax,
            epochs: None,
            batch: 64,
            optimiser: None,
            learning_rate: 1e-3,
            schedule: Schedule::Cosine,
            weight_decay: 0.0,
            l2: 1e-5,
            dropout: None,
            patience: 0,
            seed: 0,
        }
    }
}

impl Head {
    /// Refuses settings and labels that no classifier can be trained with, before the training of a
    /// model that comes first.
    pub fn check(&self, data: &Dataset, split: &Split) -> Result<()> {
        let own = Classes::new(data)?.split(split, &data.name)?;
        self.settings(own.train.len()).map(|_| ())
    }

    /// The settings of the one loop, decided for so many rows.
    fn settings(&self, rows: usize) -> Result<Settings> {
        let optimiser = self.optimiser.unwrap_or(if self.kind == HeadKind::Softmax {
            Method::Adam
        } else {
            Method::Lbfgs
        });
        let whole = optimiser == Method::Lbfgs;
        if whole && rows > 1 << 20 {
            return Err(Error::setting(
                "labelled rows",
                rows,
                "1048576 at most for lbfgs, which takes all at once; softmax takes more",
            ));
        }
        if !(0.0..=1e6).contains(&self.l2) {
            return Err(Error::setting("l2", self.l2, "a number from 0 to 1e6"));
        }
        let train = TrainSettings::default()
            .epochs(self.epochs.unwrap_or(if whole { 200 } else { 30 }))
            .batch(if whole { rows.max(1) } else { self.batch })
            .optimiser(optimiser)
            .learning_rate(self.learning_rate)
            .schedule(self.schedule)
            .weight_decay(self.weight_decay)
            .patience(self.patience);
        train.check()?;
        let model = ModelSettings::default().seed(self.seed);
        Ok(Settings { model, train, rest: Map::new() })
    }
}

/// The classes of labelled rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Their names, in order.
    pub names: Vec<String>,
    /// The class of each row by its place among the names; none where a row has no label, or one
    /// that is not among them.
    pub of: Vec<Option<usize>>,
}

impl Classes {
    /// The classes of a data set with labels; an empty label is none. Errors: no labels, or fewer
    /// than two classes.
    pub fn new(data: &Dataset) -> Result<Self> {
        let labels = labels(data)?;
        let names: BTreeSet<&String> = labels.iter().filter(|label| !label.is_empty()).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        match names.len() {
            0 | 1 => Err(Error::data(
                &data.name,
                format!("has {} classes among its labels; wanted two at least", names.len()),
            )),
            _ if names.len() > MOST => Err(Error::data(
                &data.name,
                format!("has {} classes among its labels; wanted {MOST} at most", names.len()),
            )),
            _ => Self::named(names, data),
        }
    }

    /// The same with names that are known.
    pub fn named(names: Vec<String>, data: &Dataset) -> Result<Self> {
        let of = labels(data)?.iter().map(|label| names.binary_search(label).ok()).collect();
        Ok(Self { names, of })
    }

    /// Those of some rows that have a class.
    fn labelled(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().copied().filter(|row| self.of.get(*row).is_some_and(Option::is_some)).collect()
    }

    /// The training and validation rows that have a class.
    fn split(&self, split: &Split, name: &str) -> Result<Split> {
        let own = Split {
            train: self.labelled(&split.train),
            validation: self.labelled(&split.validation),
            test: Vec::new(),
        };
        if own.train.is_empty() {
            Err(Error::data(name, "has no labelled training rows"))
        } else {
            Ok(own)
        }
    }

    /// The fraction of the rows that have a class and are predicted as it; an error where there are
    /// none.
    fn accuracy(&self, rows: &[usize], predicted: &[usize]) -> Result<f64> {
        let pairs = rows
            .iter()
            .zip(predicted)
            .filter_map(|(row, predicted)| Some((self.of[*row]?, *predicted)));
        let (count, right) = pairs.fold((0, 0), |(count, right), (class, predicted)| {
            (count + 1, right + usize::from(class == predicted))
        });
        match count {
            0 => {
                let what = "rows with a label that the classifier knows";
                Err(Error::TooFew { what, got: 0, least: 1 })
            }
            _ => Ok(f64::from(right as u32) / f64::from(count as u32)),
        }
    }
}

/// More classes are a column of something else.
const MOST: usize = 10_000;

fn labels(data: &Dataset) -> Result<&Vec<String>> {
    data.labels.as_ref().ok_or_else(|| {
        Error::data(
            &data.name,
            Message::from("has no labels; name their column (")
                .setting("label")
                .text(") or their file (")
                .setting("labels")
                .text(")"),
        )
    })
}

/// A trained classifier on codes.
#[derive(Debug)]
pub struct Classifier {
    /// How it was trained.
    pub head: Head,
    /// The names of the classes, in order.
    pub names: Vec<String>,
    /// The encoder that it sees rows through.
    pub coder: Coder,
    /// Its numbers: those of the encoder, and `head.weight` and `head.bias`.
    pub vars: Vars,
    /// The scaling of rows.
    pub preparation: Preparation,
    /// Every epoch of its training.
    pub history: Vec<EpochRecord>,
    weight: VarId,
    bias: VarId,
    /// Variables that are those of its model, to the bit.
    shared: Vec<VarId>,
}

impl<'a> From<&'a Classifier> for Start<'a> {
    fn from(classifier: &'a Classifier) -> Self {
        Self {
            vars: &classifier.vars,
            preparation: &classifier.preparation,
            plan: &classifier.coder.plan,
            columns: &[],
        }
    }
}

/// A loss of the classifier on codes, or on what the encoder makes of rows.
struct Recognising<'a> {
    /// The encoder; none where batches hold codes.
    encoder: Option<&'a Coder>,
    weight: VarId,
    bias: VarId,
    kind: HeadKind,
    l2: f64,
}

impl Objective for Recognising<'_> {
    fn loss(&self, _: &Phase, values: &Weights, batch: &Batch, pass: &mut Pass) -> Result<Loss> {
        let input = batch.input.clone();
        let code = match self.encoder {
            Some(coder) => {
                // The code itself, as encoding gives it; dropout and batch statistics as in
                // training.
                let mut own = Pass { sampling: false, ..pass.clone() };
                let code = coder.code(values, input, &mut own)?.mean();
                pass.updates = own.updates;
                code
            }
            None => input,
        };
        let scores = dense(
            code,
            values.get(self.weight),
            values.get(self.bias),
            false,
            Activation::Identity,
        );
        let losses = match self.kind {
            HeadKind::Softmax | HeadKind::Linear => {
                (log_softmax(scores, 1) * batch.target.clone()).sum_dim(1).neg()
            }
            HeadKind::Svm => {
                let side = batch.target.clone() * 2.0 - 1.0;
                ((side * scores).neg() + 1.0).clamp_min(0.0).square().sum_dim(1)
            }
        };
        let name = if self.kind == HeadKind::Svm { "hinge" } else { "cross-entropy" };
        let mut terms = Terms::one(name, 1.0, losses.mean());
        if self.l2 > 0.0 {
            let squares = values.get(self.weight).square().sum_dim(1).sum();
            terms = terms.with(Terms::one("l2", self.l2, squares));
        }
        Ok(terms.into())
    }
}

impl Classifier {
    /// Trains a classifier on the code of a model, on the labelled rows of a split; the model
    /// itself stays as it is.
    ///
    /// Errors: rows without labels or of one class; divergence.
    pub fn fit(
        model: &Model,
        data: &Dataset,
        split: &Split,
        head: &Head,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Self> {
        model.signature().accept(data)?;
        let classes = Classes::new(data)?;
        among_workers(|| Self::trained(model, data, split, classes, head, on))
    }

    fn trained(
        model: &Model,
        data: &Dataset,
        split: &Split,
        classes: Classes,
        head: &Head,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Self> {
        let engine = model.engine();
        let mut init = Init::random(&Rng::new(head.seed).split("head"), &engine);
        let (coder, mut vars, [weight, bias]) =
            Self::built(head, model, classes.names.len(), &mut init)?;
        vars.take_over(model.vars(), true)?;
        let own = classes.split(split, &data.name)?;
        let settings = head.settings(own.train.len())?;
        let names = classes.names.clone();
        let (vars, history) = if head.kind == HeadKind::Softmax {
            vars.freeze(DECODER);
            coder.parts.beside_the_network().for_each(|id| vars.freeze_one(id));
            let objective =
                Recognising { encoder: Some(&coder), weight, bias, kind: head.kind, l2: head.l2 };
            let prepared = model.signature().preparation.on(data)?;
            let job = Job {
                objective: &objective,
                settings: &settings,
                split: &own,
                batch: &|rows, _| {
                    let input = prepared.tensor(rows.iter().copied(), &engine)?;
                    Ok(Batch::towards(input, one_hot(&classes, rows, &engine)))
                },
                width: coder.plan.blueprint.width(),
                block: coder.plan.block(),
                name: &data.name,
                rng: Rng::new(head.seed),
            };
            learned(&job, vars, on)?
        } else {
            // The codes of the rows that it learns from, and of no others: there may be many.
            let (rows, split) = alone(&own);
            let known =
                Classes { of: rows.iter().map(|row| classes.of[*row]).collect(), ..classes };
            let linear = Linear::fit(&model.encode_rows(data, &rows)?, &known, &split, head, on)?;
            vars.set(weight, linear.weight);
            vars.set(bias, linear.bias);
            (vars, linear.history)
        };
        Ok(Self {
            head: head.clone(),
            names,
            coder,
            preparation: model.signature().preparation.clone(),
            history,
            weight,
            bias,
            shared: shared(&vars, model)?,
            vars,
        })
    }

    /// The encoder and the head, from random numbers or from a file.
    fn built(
        head: &Head,
        model: &Model,
        classes: usize,
        init: &mut Init,
    ) -> Result<(Coder, Vars, [VarId; 2])> {
        let own = &model.plan().settings;
        let encoder = own.clone().dropout(head.dropout.unwrap_or(own.dropout));
        let known = model.signature();
        let coder = Coder::build(Plan::of(&encoder, &known.shape, &known.preparation)?, init)?;
        let latent = coder.latent();
        let head = head_variables(latent, classes, init)?;
        Ok((coder, init.taken(), head))
    }

    /// The score of each class [rows, classes]: for softmax its probability, for support vector
    /// machines how far on which side of its plane the code is. Errors: rows of another width than
    /// in training, or that the data does not have.
    pub fn scores(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        self.each(data, rows, self.names.len(), |values, code| {
            let scores = dense(
                code,
                values.get(self.weight),
                values.get(self.bias),
                false,
                Activation::Identity,
            );
            if self.head.kind == HeadKind::Svm { scores } else { log_softmax(scores, 1).exp() }
        })
    }

    /// The code [rows, latent] that the classifier sees. Errors: as for [`Self::scores`].
    pub fn encode(&self, data: &Dataset, rows: &[usize]) -> Result<Matrix> {
        self.each(data, rows, self.coder.latent(), |_, code| code)
    }

    /// What `of` makes of the codes of some rows.
    fn each(
        &self,
        data: &Dataset,
        rows: &[usize],
        columns: usize,
        of: impl Fn(&Weights, Tensor<2>) -> Tensor<2> + Sync,
    ) -> Result<Matrix> {
        let shape = &self.coder.plan.blueprint.source;
        if data.features() != shape.features()? {
            return Err(Error::shape(
                format!("rows of {}", data.name),
                &data.shape,
                format!("{shape}, as in training"),
            ));
        }
        rows.iter().try_for_each(|row| data.require_row(*row))?;
        let (values, prepared) = (self.vars.values(), self.preparation.on(data)?);
        let engine = self.vars.engine();
        let blocks: Vec<&[usize]> =
            rows.chunks(self.coder.plan.block().min(SIDE_BY_SIDE)).collect();
        let made = among_workers(|| {
            side_by_side(blocks.len(), |at| -> Result<Vec<f32>> {
                let mut pass = Pass::deterministic(Rng::new(0));
                read(of(
                    &values,
                    self.coder
                        .code(
                            &values,
                            prepared.tensor(blocks[at].iter().copied(), &engine)?,
                            &mut pass,
                        )?
                        .mean(),
                ))
            })
        });
        Ok(Matrix { columns, values: made.into_iter().collect::<Result<Vec<_>>>()?.concat() })
    }

    /// The class of each row, by its place among the names. Errors: as for [`Self::scores`].
    pub fn predict(&self, data: &Dataset, rows: &[usize]) -> Result<Vec<usize>> {
        Ok(highest(&self.scores(data, rows)?))
    }

    /// The fraction of rows whose class is recognised, of those that have one; an error where none
    /// has.
    pub fn accuracy(&self, data: &Dataset, rows: &[usize]) -> Result<f64> {
        Classes::named(self.names.clone(), data)?.accuracy(rows, &self.predict(data, rows)?)
    }

    /// The same, and none where no row has a class that the classifier knows.
    pub fn recognised(&self, data: &Dataset, rows: &[usize]) -> Result<Option<f64>> {
        let known = data.labels.is_some()
            && !Classes::named(self.names.clone(), data)?.labelled(rows).is_empty();
        known.then(|| self.accuracy(data, rows)).transpose()
    }
}

impl Attachment for Classifier {
    const NAME: &'static str = "classifier";
    const WHAT: &'static str = "classifier";

    fn store(&self) -> Result<Section> {
        let Self { head, names, history, .. } = self;
        let mut section =
            Section::new(&json!({ "head": head, "names": names, "history": history }));
        for (id, var) in self.vars.iter() {
            // Of an encoder that stayed as it is nothing is written twice.
            if !self.shared.contains(&id) {
                section.put(laid_out(var)?);
            }
        }
        Ok(section)
    }

    fn load(section: &Section, model: &Model) -> Result<Self> {
        let damaged = |error: serde_json::Error| Error::model("", error.to_string());
        let ClassifierContent { head, names, history } = section.content.read().map_err(damaged)?;
        if names.len() < 2 || names.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::setting("classes", names.len(), "two names at least, in order"));
        }
        // What the section does not have is the model's own.
        let mut stored = Stored::new();
        let own = model.vars().iter().map(|(_, var)| laid_out(var));
        for entry in own.chain(section.tensors.values().cloned().map(Ok)) {
            let (name, shape, values) = inside(entry?)
                .ok_or_else(|| Error::model("", "a tensor of a shape that no variable has"))?;
            stored.insert(name, (shape, values));
        }
        let mut init = Init::stored(&mut stored, &model.engine());
        let (coder, vars, [weight, bias]) = Self::built(&head, model, names.len(), &mut init)?;
        let preparation = model.signature().preparation.clone();
        let shared = shared(&vars, model)?;
        Ok(Self { head, names, coder, vars, preparation, history, weight, bias, shared })
    }
}

/// The variables of a classifier that are those of its model, to the bit.
fn shared(vars: &Vars, model: &Model) -> Result<Vec<VarId>> {
    let mut shared = Vec::new();
    for (id, var) in vars.iter() {
        let Ok(own) = model.vars().named(&var.name) else { continue };
        let own = &model.vars().get(own).value;
        if own.dims() == var.value.dims() && read(own.clone())? == read(var.value.clone())? {
            shared.push(id);
        }
    }
    Ok(shared)
}

/// The JSON of a classifier.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassifierContent {
    head: Head,
    names: Vec<String>,
    history: Vec<EpochRecord>,
}

/// How well classes can be read off a code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recognition {
    /// The fraction that a linear probe gets right: softmax regression on the code.
    pub linear: f64,
    /// The fraction that the classes of the nearest rows get right.
    pub nearest: f64,
    /// How many nearest rows vote.
    pub neighbours: usize,
}

/// How well the code tells the classes of labelled rows: probes learn from the training rows of
/// a split and are judged on its test rows.
///
/// Errors: no labels, or no labelled rows to learn from or to be judged on.
pub fn recognition(model: &Model, data: &Dataset, split: &Split) -> Result<Recognition> {
    let classes = Classes::new(data)?;
    let (known, asked) = (classes.labelled(&split.train), classes.labelled(&split.test));
    if known.is_empty() || asked.is_empty() {
        return Err(Error::data(
            &data.name,
            "has too few labelled rows to learn from some and be judged on others",
        ));
    }
    let (codes, queries) = (model.encode_rows(data, &known)?, model.encode_rows(data, &asked)?);
    let part = |rows: &[usize]| Classes {
        names: classes.names.clone(),
        of: rows.iter().map(|row| classes.of[*row]).collect(),
    };
    let (own, truth) = (part(&known), part(&asked));
    let head = Head { kind: HeadKind::Linear, seed: model.plan().settings.seed, ..Head::default() };
    let probe =
        Linear::fit(&codes, &own, &Split::all(known.len()), &head, &mut |_| Flow::Continue)?;
    let neighbours = NEIGHBOURS.min(known.len());
    let of = |classes: &Classes| classes.of.iter().flatten().copied().collect::<Vec<_>>();
    let nearest = nearest_accuracy((&codes, &of(&own)), (&queries, &of(&truth)), neighbours)?;
    Ok(Recognition { linear: probe.accuracy(&queries, &truth)?, nearest, neighbours })
}

/// Nearest rows that vote.
const NEIGHBOURS: usize = 10;

/// A classifier on codes alone, of any origin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Linear {
    /// What it is.
    pub kind: HeadKind,
    /// [latent, classes]
    pub weight: Tensor<2>,
    /// [1, classes]
    pub bias: Tensor<2>,
    /// Every epoch of its training.
    pub history: Vec<EpochRecord>,
}

impl Linear {
    /// Trains it on those of the codes [rows, latent] that are training rows of a split and have a
    /// class. Errors: fewer codes than the split names, no training row with a class, or settings
    /// out of their range.
    pub fn fit(
        codes: &Matrix,
        classes: &Classes,
        split: &Split,
        head: &Head,
        on: &mut (dyn FnMut(&Event) -> Flow + Send),
    ) -> Result<Self> {
        let rows =
            split.train.iter().chain(&split.validation).copied().max().map_or(0, |most| most + 1);
        if codes.rows() < rows {
            return Err(Error::shape(
                "codes",
                format!("{} rows", codes.rows()),
                format!("at least {rows}, as in the split"),
            ));
        }
        let own = classes.split(split, "codes")?;
        let settings = head.settings(own.train.len())?;
        let engine = Engine::default();
        let mut init = Init::random(&Rng::new(head.seed).split("head"), &engine);
        let [weight, bias] = head_variables(codes.columns, classes.names.len(), &mut init)?;
        let job = Job {
            objective: &Recognising { encoder: None, weight, bias, kind: head.kind, l2: head.l2 },
            settings: &settings,
            split: &own,
            batch: &|rows, _| {
                let input = engine.rows(codes, rows.iter().copied());
                Ok(Batch::towards(input, one_hot(classes, rows, &engine)))
            },
            width: codes.columns,
            block: 1000,
            name: "codes",
            rng: Rng::new(head.seed),
        };
        let (vars, history) = among_workers(|| learned(&job, init.finish(), on))?;
        Ok(Self {
            kind: head.kind,
            weight: vars.get(weight).value.clone(),
            bias: vars.get(bias).value.clone(),
            history,
        })
    }

    /// The class of each code of codes [rows, latent], by its place. Errors: codes of another width
    /// than it has learned from.
    pub fn predict(&self, codes: &Matrix) -> Result<Vec<usize>> {
        let latent = self.weight.dims()[0];
        if codes.columns != latent {
            return Err(Error::shape(
                "codes",
                format!("{} numbers a row", codes.columns),
                format!("{latent}, as in training"),
            ));
        }
        let all: Vec<usize> = (0..codes.rows()).collect();
        let mut predicted = Vec::with_capacity(all.len());
        let engine = Engine::of(&self.weight);
        for rows in all.chunks(1000) {
            let scores = dense(
                engine.rows(codes, rows.iter().copied()),
                self.weight.clone(),
                self.bias.clone(),
                false,
                Activation::Identity,
            );
            predicted.extend(highest(&Matrix { columns: scores.dims()[1], values: read(scores)? }));
        }
        Ok(predicted)
    }

    /// The fraction of codes [rows, latent] whose class is recognised, of those that have one.
    /// Errors: codes of another width than it has learned from, another number of them than of
    /// classes, or none with a class.
    pub fn accuracy(&self, codes: &Matrix, classes: &Classes) -> Result<f64> {
        if codes.rows() != classes.of.len() {
            return Err(Error::shape(
                "codes",
                format!("{} rows", codes.rows()),
                format!("{}, as many as classes", classes.of.len()),
            ));
        }
        classes.accuracy(&(0..codes.rows()).collect::<Vec<_>>(), &self.predict(codes)?)
    }
}

/// The rows of a split for training and validation, and the split where there are no others.
fn alone(split: &Split) -> (Vec<usize>, Split) {
    let rows: Vec<usize> = split.train.iter().chain(&split.validation).copied().collect();
    let train = split.train.len();
    let own = Split {
        train: (0..train).collect(),
        validation: (train..rows.len()).collect(),
        test: Vec::new(),
    };
    (rows, own)
}

/// The best variables of a training that is no checkpoint's.
fn learned(
    job: &Job,
    vars: Vars,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<(Vars, Vec<EpochRecord>)> {
    let mut state = State::new(vars, job.settings, None)?;
    match job.run(&mut state, on)? {
        Outcome::Diverged(error) => Err(error),
        Outcome::Finished | Outcome::Stopped | Outcome::Converged | Outcome::Interrupted => {
            Ok((state.best.map_or(state.vars, |best| best.vars), state.history))
        }
    }
}

fn head_variables(latent: usize, classes: usize, init: &mut Init) -> Result<[VarId; 2]> {
    init.group(EXTRA);
    let bound = 1.0 / (latent as f64).sqrt();
    let weight = init.variable(
        "head.weight",
        [latent, classes],
        Fill::Uniform(bound),
        Role::Weight,
        FileLayout::Dense,
    )?;
    Ok([
        weight,
        init.variable(
            "head.bias",
            [1, classes],
            Fill::Constant(0.0),
            Role::Bias,
            FileLayout::Vector,
        )?,
    ])
}

/// Rows that are recognised at once on one core.
const SIDE_BY_SIDE: usize = 256;

/// One at the class of each row, zero elsewhere [rows, classes].
fn one_hot(classes: &Classes, rows: &[usize], engine: &Engine) -> Tensor<2> {
    let width = classes.names.len();
    let mut values = vec![0f32; rows.len() * width];
    for (row, values) in rows.iter().zip(values.chunks_exact_mut(width.max(1))) {
        if let Some(class) = classes.of[*row] {
            values[class] = 1.0;
        }
    }
    engine.tensor(values, [rows.len(), width])
}

/// The place of the highest score of each row; of equal ones the first.
pub fn highest(scores: &Matrix) -> Vec<usize> {
    let first = |row: &[f32]| {
        (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]).then(b.cmp(a))).unwrap_or(0)
    };
    (0..scores.rows()).map(|row| first(scores.row(row))).collect()
}

/// How well the classes of some rows are those of the rows nearest to them in code.
///
/// `known` and `asked` are codes with the class of each row; each of `asked` gets the class of most
/// of its `k` nearest, by Euclidean distance, of equally many the one with the nearest row. Gives
/// the fraction that is right. Errors: codes of two widths, fewer known ones than `k`, none asked,
/// or not one class for each.
pub fn nearest_accuracy(
    known: (&Matrix, &[usize]),
    asked: (&Matrix, &[usize]),
    k: usize,
) -> Result<f64> {
    let ((codes, classes), (queries, truth)) = (known, asked);
    if codes.columns != queries.columns {
        return Err(Error::shape(
            "codes",
            format!("{} numbers a row", queries.columns),
            codes.columns,
        ));
    }
    if k == 0
        || codes.rows() < k
        || queries.rows() == 0
        || classes.len() != codes.rows()
        || truth.len() != queries.rows()
    {
        let got = format!("{k} of {} rows for {}", codes.rows(), queries.rows());
        return Err(Error::setting(
            "nearest rows",
            got,
            "at least one, with as many rows and a class for each row",
        ));
    }
    let count = classes.iter().copied().max().map_or(0, |most| most + 1);
    let Some(distances) = Distances::to(codes) else {
        return Err(Error::TooFew { what: "numbers in a code", got: 0, least: 1 });
    };
    let all: Vec<usize> = (0..queries.rows()).collect();
    let mut right = 0;
    for rows in all.chunks(SIDE_BY_SIDE) {
        let distances = distances.from(Engine::default().rows(queries, rows.iter().copied()))?;
        let voted = among_workers(|| {
            side_by_side(rows.len(), |at| {
                let distances = &distances[at * codes.rows()..][..codes.rows()];
                vote(distances, classes, k, count)
            })
        });
        right += voted.iter().zip(rows).filter(|(class, row)| **class == truth[**row]).count();
    }
    Ok(right as f64 / queries.rows() as f64)
}

/// The class of most of the `k` nearest.
fn vote(distances: &[f32], classes: &[usize], k: usize, count: usize) -> usize {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    let by_distance = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
    if k < order.len() {
        order.select_nth_unstable_by(k, by_distance);
        order.truncate(k);
    }
    order.sort_by(by_distance);
    let mut votes = vec![0usize; count];
    order.iter().for_each(|row| votes[classes[*row]] += 1);
    let most = votes.iter().copied().max().unwrap_or(0);
    order.iter().map(|row| classes[*row]).find(|class| votes[*class] == most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_vote_and_the_very_nearest_decides_a_tie() {
        let known = Matrix { columns: 1, values: vec![0.0, 1.0, 2.0, 10.0, 11.0] };
        let classes = [0, 1, 1, 2, 2];
        let asked = Matrix { columns: 1, values: vec![0.2, 1.4, 12.0] };
        assert_eq!(nearest_accuracy((&known, &classes), (&asked, &[0, 1, 2]), 1).unwrap(), 1.0);
        assert_eq!(nearest_accuracy((&known, &classes), (&asked, &[1, 1, 2]), 3).unwrap(), 1.0);
        assert_eq!(nearest_accuracy((&known, &classes), (&asked, &[0, 1, 2]), 2).unwrap(), 1.0);
        assert!(nearest_accuracy((&known, &classes), (&asked, &[0, 1, 2]), 6).is_err());
    }

    #[test]
    fn codes_that_a_probe_cannot_read_are_refused() {
        let codes = Matrix { columns: 1, values: vec![0.0, 0.1, 1.0, 1.1] };
        let classes = Classes {
            names: vec!["a".to_owned(), "b".to_owned()],
            of: [0, 0, 1, 1].map(Some).to_vec(),
        };
        let head = Head { kind: HeadKind::Linear, ..Head::default() };
        let probe =
            Linear::fit(&codes, &classes, &Split::all(4), &head, &mut |_| Flow::Continue).unwrap();
        assert_eq!(probe.accuracy(&codes, &classes).unwrap(), 1.0);
        let wider = Matrix { columns: 2, values: codes.values.clone() };
        assert!(probe.predict(&wider).unwrap_err().to_string().contains("2 numbers a row"));
        let more = Matrix { columns: 1, values: vec![0.0; 5] };
        assert!(probe.accuracy(&more, &classes).unwrap_err().to_string().contains("5 rows"));
    }

    #[test]
    fn kinds_are_read_and_written_as_text() {
        for kind in HeadKind::ALL {
            assert_eq!(kind.name().parse::<HeadKind>().unwrap(), kind);
        }
        assert!("tree".parse::<HeadKind>().is_err());
    }
}
