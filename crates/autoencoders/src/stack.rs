//! Greedy layer-wise training: each layer first learns to recreate what the layers below it give,
//! then all are trained together.
//!
//! Hinton and Salakhutdinov 2006 with restricted Boltzmann machines; Bengio et al., "Greedy
//! layer-wise training of deep networks", 2007, with autoencoders.

use crate::config::{Config, Plan};
use crate::density::DensityChoice;
use crate::event::{Event, Flow, Outcome};
use crate::layer::Pass;
use crate::likelihood::Likelihood;
use crate::model::{Model, block};
use crate::net::Net;
use crate::parts::Parts;
use crate::prepare::{Preparation, Prepared, Range, Scale};
use crate::rbm::{self, Rbm, Units};
use crate::run::{EpochRecord, Numbers, State};
use crate::tensors::read;
use crate::train::{Begin, one};
use crate::vars::Vars;
use autoencoders_kernels::Activation;
use burn::tensor::{Device, Tensor, TensorData};
use rows::{Dataset, Error, Matrix, Result, Rng, Shape, Split, Values};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the layers of a dense network are made ready, as written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pretraining {
    /// `none`: not at all.
    #[default]
    None,
    /// `greedy`: each layer as a shallow autoencoder of the same family; of a family whose code is
    /// a distribution, the layers below the code as plain ones.
    Greedy,
    /// `rbm`, `rbm:K`, `rbm:persistent`: each layer as a restricted Boltzmann machine
    /// ([`crate::rbm`]) with K steps of contrastive divergence, or with a chain that goes on.
    Rbm {
        /// Steps of Gibbs sampling.
        steps: usize,
        /// Whether the chain goes on from batch to batch.
        persistent: bool,
    },
}

impl FromStr for Pretraining {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rbm = |steps: &str| match steps.parse::<usize>() {
            Ok(steps) if (1..=1000).contains(&steps) => Ok(Self::Rbm { steps, persistent: false }),
            _ => Err(Error::setting(
                "pretrain",
                text,
                "rbm:K with K from 1 to 1000, or rbm:persistent",
            )),
        };
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "greedy" => Ok(Self::Greedy),
            None if text == "rbm" => Ok(Self::Rbm { steps: 1, persistent: false }),
            Some(("rbm", "persistent")) => Ok(Self::Rbm { steps: 1, persistent: true }),
            Some(("rbm", steps)) => rbm(steps),
            _ => Err(Error::unknown(
                "pretraining",
                text,
                ["none", "greedy", "rbm", "rbm:K", "rbm:persistent"],
            )),
        }
    }
}

rows::as_text!(Pretraining);

impl fmt::Display for Pretraining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Greedy => f.write_str("greedy"),
            Self::Rbm { steps: 1, persistent: false } => f.write_str("rbm"),
            Self::Rbm { persistent: true, .. } => f.write_str("rbm:persistent"),
            Self::Rbm { steps, .. } => write!(f, "rbm:{steps}"),
        }
    }
}

/// Epochs of each layer where none are said.
const EPOCHS: usize = 20;
/// The rate of machines with Gaussian units, of others whose chain goes on, which must keep up with
/// the weights, and of all others.
const RATES: (f64, f64, f64) = (0.001, 0.01, 0.1);

/// What one layer shall be.
struct Layer {
    /// Its place, from 0.
    index: usize,
    /// Layers in all.
    of: usize,
    /// Numbers it takes and gives.
    width: usize,
    activation: Activation,
    /// Whether it is the code.
    last: bool,
}

/// Trains the layers that are not yet, one after the other; the rows are those of the split,
/// prepared.
pub(crate) fn pretrain(
    parts: &Parts,
    state: &mut State,
    prepared: &Prepared,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let plan = &parts.plan;
    let hidden = hidden(plan);
    let of = hidden.len() + 1;
    // The rows that train, and behind them those that validate.
    let rows: Vec<usize> = split.train.iter().chain(&split.validation).copied().collect();
    let own = Split {
        train: (0..split.train.len()).collect(),
        validation: (split.train.len()..rows.len()).collect(),
        test: Vec::new(),
    };
    while state.pretrained < of {
        let index = state.pretrained;
        let last = index + 1 == of;
        let layer = Layer {
            index,
            of,
            width: if last { plan.config.latent } else { hidden[index] },
            activation: if last { plan.blueprint.code_activation } else { plan.config.activation },
            last,
        };
        // A machine has no use for the rows that validate.
        let seen = if plan.config.pretrain == Pretraining::Greedy {
            rows.as_slice()
        } else {
            &split.train
        };
        let below = below(parts, &state.vars, prepared, seen, index)?;
        let flow = match plan.config.pretrain {
            Pretraining::None => Flow::Continue,
            Pretraining::Greedy => greedy(parts, state, &layer, below, &own, on)?,
            Pretraining::Rbm { steps, persistent } => {
                machine(parts, state, &layer, below, (steps, persistent), on)?
            }
        };
        if flow == Flow::Stop {
            return Ok(Flow::Stop);
        }
        state.pretrained += 1;
        state.save(&plan.config)?;
    }
    Ok(Flow::Continue)
}

/// The widths of the layers below the code.
fn hidden(plan: &Plan) -> &[usize] {
    match &plan.config.net {
        Net::Mlp(widths) => widths,
        _ => &[],
    }
}

/// What the first `layers` layers of the encoder give for some rows.
fn below(
    parts: &Parts,
    vars: &Vars,
    prepared: &Prepared,
    rows: &[usize],
    layers: usize,
) -> Result<Matrix> {
    let values = vars.values();
    // Embeddings and dropouts stand between the dense layers.
    let mut dense = 0;
    let count = parts.network.encoder.iter().take_while(|layer| {
        let here = dense;
        dense += usize::from(matches!(layer, crate::layer::Layer::Dense { .. }));
        here < layers
    });
    let stack = &parts.network.encoder[..count.count()];
    let mut all = Matrix { columns: parts.plan.width(), values: Vec::new() };
    for rows in rows.chunks(block(&parts.plan)) {
        let mut pass = Pass::deterministic(Rng::new(0));
        let out = stack.iter().fold(prepared.tensor(rows.iter().copied())?, |x, layer| {
            layer.forward(&values, x, &mut pass)
        });
        all.columns = out.dims()[1];
        all.values.extend(read(out)?);
    }
    Ok(all)
}

fn unit(activation: Activation) -> bool {
    activation == Activation::Sigmoid
}

fn seed(parts: &Parts, layer: &Layer) -> u64 {
    Rng::new(parts.plan.config.seed).split("stack").at(layer.index).below(1 << 31) as u64
}

/// What one layer is trained by.
fn shallow(plan: &Plan, layer: &Layer, seed: u64) -> Config {
    let first = layer.index == 0;
    let cross_entropy =
        plan.config.likelihood == Likelihood::Bernoulli && unit(plan.config.activation);
    let mut config = Config {
        net: Net::Shallow,
        latent: layer.width,
        code_activation: Some(layer.activation),
        pretrain: Pretraining::None,
        epochs: Some(plan.config.pretrain_epochs.unwrap_or(EPOCHS)),
        likelihood: match (first, cross_entropy) {
            (true, _) if plan.layout.is_none() => plan.config.likelihood,
            (false, true) => Likelihood::Bernoulli,
            _ => Likelihood::Auto,
        },
        binarise: plan.config.binarise && first,
        scale: Scale::None,
        hidden: None,
        dropout: 0.0,
        members: 1,
        density: DensityChoice::None,
        freeze_encoder: false,
        seed,
        ..plan.config.clone()
    };
    if !layer.last && plan.blueprint.head > plan.blueprint.latent {
        config.family = "plain".to_owned();
        config.parameters.clear();
    }
    config
}

/// Refuses to train layers that could not be trained alone: by a Boltzmann machine, or by their
/// family.
pub(crate) fn check(plan: &Plan) -> Result<()> {
    let widths = hidden(plan);
    if let Pretraining::Rbm { .. } = plan.config.pretrain {
        return layers_of_machines(plan, !widths.is_empty());
    }
    if plan.config.pretrain != Pretraining::Greedy || widths.is_empty() {
        return Ok(());
    }
    let layer = Layer {
        index: 1,
        of: 2,
        width: widths[0],
        activation: plan.config.activation,
        last: false,
    };
    let range = if unit(plan.config.activation) { Range::Unit } else { Range::Real };
    let config = shallow(plan, &layer, 0);
    Plan::new(&config, &Shape::Flat { width: widths[0] }, range, config.batch).map(|_| ()).map_err(
        |error| {
            let wanted = format!(
                "one that the {} family takes for the code of every layer ({error})",
                plan.config.family
            );
            Error::setting("activation", plan.config.activation.name(), wanted)
        },
    )
}

/// Refuses units that a machine does not have: what it learned would mean something else in the
/// network.
fn layers_of_machines(plan: &Plan, hidden: bool) -> Result<()> {
    let (own, code) = (plan.config.activation, plan.blueprint.code_activation);
    let asked = [
        ("activation", own, "--activation sigmoid", hidden),
        ("code_activation", code, "--code-activation sigmoid", true),
    ];
    for (name, activation, option, present) in asked {
        if present && !matches!(activation, Activation::Sigmoid | Activation::Identity) {
            let wanted = format!(
                "sigmoid or identity, the units of a Boltzmann machine ({option}), or --pretrain greedy"
            );
            return Err(Error::setting(name, activation.name(), wanted));
        }
    }
    // Rows come back as the last layer has them, and a machine with such visible units takes each
    // to vary by one.
    let linear =
        plan.config.net == Net::Linear && plan.blueprint.output_activation == Activation::Identity;
    match linear && plan.range == Range::Unit && plan.config.likelihood != Likelihood::Bernoulli {
        true => Err(Error::setting(
            "net",
            &plan.config.net,
            "shallow for data between 0 and 1, or standardised data (--scale standard)",
        )),
        false => Ok(()),
    }
}

/// One layer as a shallow autoencoder.
fn greedy(
    parts: &Parts,
    state: &mut State,
    layer: &Layer,
    below: Matrix,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let plan = &parts.plan;
    let config = shallow(plan, layer, seed(parts, layer));
    let data = Dataset::new(
        "a layer's input",
        Shape::Flat { width: below.columns },
        Values::F32(below.values),
    )?;
    // The range of the layer's units, whatever numbers these rows happen to have.
    let bounded =
        if layer.index == 0 { plan.range == Range::Unit } else { unit(plan.config.activation) };
    let range = if bounded { Range::Unit } else { Range::Real };
    let preparation = Preparation {
        scaling: Scale::None,
        range,
        offset: vec![0.0],
        scale: vec![1.0],
        table: None,
        whiten: None,
    };
    let begin = Begin { preparation: Some(preparation), ..Begin::default() };
    let mut stop = false;
    let (model, outcome) = one(&config, &data, split, &begin, &mut |event| {
        let flow = match event {
            Event::Epoch(record) => on(&Event::Layer { layer: layer.index, of: layer.of, record }),
            _ => Flow::Continue,
        };
        stop |= flow == Flow::Stop;
        flow
    })?;
    match outcome {
        Outcome::Diverged(error) => return Err(error),
        _ if stop => return Ok(Flow::Stop),
        _ => {}
    }
    take(state, layer, &model)?;
    Ok(Flow::Continue)
}

/// Puts the weights of a shallow model where they belong, and with the code what its family learned
/// of it.
fn take(state: &mut State, layer: &Layer, model: &Model) -> Result<()> {
    let places = [
        ("encoder.0.", format!("encoder.{}.", layer.index)),
        ("decoder.0.", format!("decoder.{}.", layer.of - 1 - layer.index)),
    ];
    for (_, var) in model.vars.iter() {
        let Some((from, to)) = places.iter().find(|(from, _)| var.name.starts_with(from)) else {
            continue;
        };
        let name = format!("{to}{}", &var.name[from.len()..]);
        put(&mut state.vars, &name, var.value.clone())?;
    }
    for id in model.parts.extra.iter().filter(|_| layer.last) {
        let var = model.vars.get(*id);
        put(&mut state.vars, &var.name, var.value.clone())?;
    }
    Ok(())
}

/// Gives the first columns of a variable a value: a distribution's code has its variances behind
/// its means.
fn put(vars: &mut Vars, name: &str, value: Tensor<2>) -> Result<()> {
    let Some(id) = vars.iter().find(|(_, var)| var.name == name).map(|(id, _)| id) else {
        return Ok(());
    };
    let [rows, columns] = vars.get(id).value.dims();
    let own = value.dims()[1];
    let (mut all, first) = (read(vars.get(id).value.clone())?, read(value)?);
    for (row, first) in all.chunks_exact_mut(columns.max(1)).zip(first.chunks_exact(own.max(1))) {
        row[..own].copy_from_slice(first);
    }
    vars.set(id, Tensor::from_data(TensorData::new(all, [rows, columns]), &Device::default()));
    Ok(())
}

/// What to do where a machine's training left the numbers: its rate is no setting of a network.
fn advised(error: Error, layer: usize) -> Error {
    match error {
        Error::Diverged { epoch, step, what, .. } => {
            let advice = "make the layers ready with --pretrain greedy, or scale the data to 0..1 with --scale minmax".to_owned();
            Error::Diverged {
                epoch,
                step,
                what: format!("Boltzmann machine of layer {}: {what}", layer + 1),
                advice,
            }
        }
        other => other,
    }
}

/// One layer as a restricted Boltzmann machine.
fn machine(
    parts: &Parts,
    state: &mut State,
    layer: &Layer,
    below: Matrix,
    (steps, persistent): (usize, bool),
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let plan = &parts.plan;
    let bernoulli_rows =
        if layer.index == 0 { plan.range == Range::Unit } else { unit(plan.config.activation) };
    let units = |bernoulli: bool| if bernoulli { Units::Bernoulli } else { Units::Gaussian };
    let (visible_units, hidden_units) = (units(bernoulli_rows), units(unit(layer.activation)));
    let epochs = plan.config.pretrain_epochs.unwrap_or(EPOCHS);
    let options = rbm::Options {
        hidden: layer.width,
        visible_units,
        hidden_units,
        steps,
        persistent,
        epochs,
        rate: match visible_units == Units::Gaussian || hidden_units == Units::Gaussian {
            true => RATES.0,
            false if persistent => RATES.1,
            false => RATES.2,
        },
        seed: seed(parts, layer),
        ..rbm::Options::default()
    };
    let (mut epoch, mut flow) = (0, Flow::Continue);
    let trained = Rbm::fit(&below, &options, &mut |error| {
        epoch += 1;
        let train = Numbers(vec![("reconstruction".to_owned(), error * below.columns as f64)]);
        let record = EpochRecord { epoch, of: epochs, train, validation: None, best: true };
        flow = on(&Event::Layer { layer: layer.index, of: layer.of, record: &record });
        flow
    })
    .map_err(|error| advised(error, layer.index))?;
    if flow == Flow::Stop {
        return Ok(Flow::Stop);
    }
    let (up, down) =
        (format!("encoder.{}", layer.index), format!("decoder.{}", layer.of - 1 - layer.index));
    put(&mut state.vars, &format!("{up}.weight"), trained.weights.clone())?;
    put(&mut state.vars, &format!("{up}.bias"), trained.hidden_bias)?;
    put(&mut state.vars, &format!("{down}.weight"), trained.weights.transpose())?;
    put(&mut state.vars, &format!("{down}.bias"), trained.visible_bias)?;
    Ok(Flow::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretraining_is_read_and_written_as_text() {
        for text in ["none", "greedy", "rbm", "rbm:5", "rbm:persistent"] {
            assert_eq!(text.parse::<Pretraining>().unwrap().to_string(), text);
        }
        for text in ["rbm:0", "rbm:x", "greedy:3", "stack", ""] {
            assert!(text.parse::<Pretraining>().is_err(), "{text}");
        }
    }
}
