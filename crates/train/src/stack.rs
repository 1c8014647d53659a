//! Greedy layer-wise training: each layer first learns to recreate what the layers below it give,
//! then all are trained together.
//!
//! Hinton and Salakhutdinov 2006 with restricted Boltzmann machines; Bengio et al., "Greedy
//! layer-wise training of deep networks", 2007, with autoencoders.

use crate::event::{Event, Flow, Outcome};
use crate::pretraining::Pretraining;
use crate::rbm::{self, Rbm, Units};
use crate::settings::Settings;
use crate::single::{Begin, Single};
use burn_tensor::Tensor;
use kernels::Activation;
use model::{
    Bounds, CodeKind, Coder, EpochRecord, Inside, Likelihood, Model, Net, Number, Numbers, Pass,
    Plan, Preparation, Prepared, Scale, Vars, read,
};
use rows::{Dataset, Error, Matrix, Message, Result, Rng, Shape, Split, Values};
use serde_json::Map;

/// The rate of machines with Gaussian units, of others whose chain goes on, which must keep up with
/// the weights, and of all others.
const RATES: Rates = Rates { gaussian: 0.001, persistent: 0.01, other: 0.1 };

/// Learning rates of Boltzmann machines.
struct Rates {
    gaussian: f64,
    persistent: f64,
    other: f64,
}

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

/// Trains the layers that are not yet, one after the other, on the rows of the split.
pub(crate) fn pretrain(
    single: &mut Single,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let widths = hidden(&single.coder.plan).to_vec();
    let of = widths.len() + 1;
    // The rows that train, and behind them those that validate.
    let rows: Vec<usize> = split.train.iter().chain(&split.validation).copied().collect();
    let own = Split {
        train: (0..split.train.len()).collect(),
        validation: (split.train.len()..rows.len()).collect(),
        test: Vec::new(),
    };
    while single.state.pretrained < of {
        let blueprint = &single.coder.plan.blueprint;
        let index = single.state.pretrained;
        let last = index + 1 == of;
        let layer = Layer {
            index,
            of,
            width: if last { blueprint.latent } else { widths[index] },
            activation: if last { blueprint.code_activation } else { blueprint.activation },
            last,
        };
        let pretrain = single.settings.train.pretrain;
        // A machine has no use for the rows that validate.
        let seen = if pretrain == Pretraining::Greedy { rows.as_slice() } else { &split.train };
        let below = below(&single.coder, &single.state.vars, &single.prepared()?, seen, index)?;
        let flow = match pretrain {
            Pretraining::None => Flow::Continue,
            Pretraining::Greedy => greedy(single, &layer, below, &own, on)?,
            Pretraining::Rbm { steps, persistent } => {
                machine(single, &layer, below, (steps, persistent), on)?
            }
        };
        if flow == Flow::Stop {
            return Ok(Flow::Stop);
        }
        single.state.pretrained += 1;
        single.state.save(&single.settings)?;
    }
    Ok(Flow::Continue)
}

/// The widths of the layers below the code.
fn hidden(plan: &Plan) -> &[usize] {
    match &plan.blueprint.net {
        Net::Mlp(widths) => widths,
        _ => &[],
    }
}

/// What the first `layers` layers of the encoder give for some rows.
fn below(
    coder: &Coder,
    vars: &Vars,
    prepared: &Prepared,
    rows: &[usize],
    layers: usize,
) -> Result<Matrix> {
    let values = vars.values();
    // Embeddings and dropouts stand between the dense layers.
    let mut dense = 0;
    let count = coder.parts.network.encoder.iter().take_while(|layer| {
        let here = dense;
        dense += usize::from(matches!(layer, model::Layer::Dense { .. }));
        here < layers
    });
    let stack = &coder.parts.network.encoder[..count.count()];
    let mut all = Matrix { columns: coder.plan.blueprint.width(), values: Vec::new() };
    for rows in rows.chunks(coder.plan.block()) {
        let mut pass = Pass::deterministic(Rng::new(0));
        let out = stack
            .iter()
            .fold(prepared.tensor(rows.iter().copied(), &values.engine())?, |x, layer| {
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

fn seed(plan: &Plan, layer: &Layer) -> u64 {
    Rng::new(plan.settings.seed).split("stack").at(layer.index).below(1 << 31) as u64
}

/// What one layer is trained by.
fn shallow(plan: &Plan, settings: &Settings, layer: &Layer, seed: u64) -> Settings {
    let blueprint = &plan.blueprint;
    let first = layer.index == 0;
    let cross_entropy = blueprint.likelihood == Likelihood::Bernoulli && unit(blueprint.activation);
    let likelihood = match (first, cross_entropy) {
        (true, _) if blueprint.layout.is_none() => blueprint.likelihood,
        (false, true) => Likelihood::Bernoulli,
        _ => Likelihood::Auto,
    };
    let mut own = plan.settings.clone();
    if !layer.last && plan.family.code_kind(blueprint.latent) == CodeKind::Distribution {
        own = own.family("plain").parameters(Map::new());
    }
    let model = own
        .net(Net::Shallow)
        .latent(layer.width)
        .code_activation(layer.activation)
        .likelihood(likelihood)
        .binarise(blueprint.binarise && first)
        .scale(Scale::None)
        .hidden(None)
        .dropout(0.0)
        .seed(seed);
    let epochs = settings.train.layer_passes();
    let train = settings.train.clone();
    let train = train.pretrain(Pretraining::None).epochs(epochs).freeze_encoder(false);
    Settings { model, train, rest: Map::new() }
}

/// Refuses to train layers that could not be trained alone: by a Boltzmann machine, or by their
/// family.
pub(crate) fn check(plan: &Plan, settings: &Settings) -> Result<()> {
    let widths = hidden(plan);
    let pretrain = settings.train.pretrain;
    if let Pretraining::Rbm { .. } = pretrain {
        return layers_of_machines(plan, !widths.is_empty());
    }
    if pretrain != Pretraining::Greedy || widths.is_empty() {
        return Ok(());
    }
    let layer = Layer {
        index: 1,
        of: 2,
        width: widths[0],
        activation: plan.blueprint.activation,
        last: false,
    };
    let range = if unit(plan.blueprint.activation) { Bounds::Unit } else { Bounds::Real };
    let config = shallow(plan, settings, &layer, 0);
    Plan::new(&config.model, &Shape::Flat { width: widths[0] }, range).map(|_| ()).map_err(
        |error| {
            let wanted = format!(
                "one that the {} family takes for the code of every layer ({error})",
                plan.settings.family
            );
            Error::setting("activation", plan.blueprint.activation.name(), wanted)
        },
    )
}

/// Refuses units that a machine does not have: what it learned would mean something else in the
/// network.
fn layers_of_machines(plan: &Plan, hidden: bool) -> Result<()> {
    let (own, code) = (plan.blueprint.activation, plan.blueprint.code_activation);
    let asked = [("activation", own, hidden), ("code_activation", code, true)];
    for (name, activation, present) in asked {
        if present && !matches!(activation, Activation::Sigmoid | Activation::Identity) {
            let wanted = Message::from("sigmoid or identity, the units of a Boltzmann machine (")
                .set(name, "sigmoid")
                .text("), or ")
                .set("pretrain", "greedy");
            return Err(Error::setting(name, activation.name(), wanted));
        }
    }
    // Rows come back as the last layer has them, and a machine with such visible units takes each
    // to vary by one.
    let linear = plan.blueprint.net == Net::Linear
        && plan.blueprint.output_activation == Activation::Identity;
    if linear
        && plan.blueprint.bounds == Bounds::Unit
        && plan.blueprint.likelihood != Likelihood::Bernoulli
    {
        return Err(Error::setting(
            "net",
            &plan.blueprint.net,
            Message::from("shallow for data between 0 and 1, or standardised data (")
                .set("scale", "standard")
                .text(")"),
        ));
    }
    Ok(())
}

/// One layer as a shallow autoencoder.
fn greedy(
    single: &mut Single,
    layer: &Layer,
    below: Matrix,
    split: &Split,
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let plan = &single.coder.plan;
    let settings = shallow(plan, &single.settings, layer, seed(plan, layer));
    let data = Dataset::new(
        "a layer's input",
        Shape::Flat { width: below.columns },
        Values::F32(below.values),
    )?;
    // The range of the layer's units, whatever numbers these rows happen to have.
    let bounded = if layer.index == 0 {
        plan.blueprint.bounds == Bounds::Unit
    } else {
        unit(plan.blueprint.activation)
    };
    let range = if bounded { Bounds::Unit } else { Bounds::Real };
    let preparation = Preparation {
        scaling: Scale::None,
        range,
        offset: vec![0.0],
        scale: vec![1.0],
        table: None,
        knee: None,
        clip: false,
        whiten: None,
    };
    let engine = single.state.vars.engine();
    let begin = Begin { preparation: Some(preparation), engine, ..Begin::default() };
    let mut stop = false;
    let mut shallow = Single::ready(&settings, &data, split, &begin)?;
    let outcome = shallow.run(&mut |event| {
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
    let model = shallow.model();
    take(&mut single.state.vars, layer, &model)?;
    Ok(Flow::Continue)
}

/// Puts the weights of a shallow model where they belong, and with the code what its family learned
/// of it.
fn take(vars: &mut Vars, layer: &Layer, model: &Model) -> Result<()> {
    let places = [
        ("encoder.0.", format!("encoder.{}.", layer.index)),
        ("decoder.0.", format!("decoder.{}.", layer.of - 1 - layer.index)),
    ];
    for (_, var) in model.vars().iter() {
        let place = places.iter().find(|(from, _)| var.name.starts_with(from));
        match place {
            Some((from, to)) => put(vars, &format!("{to}{}", &var.name[from.len()..]), &var.value)?,
            // What a likelihood has learned of a layer says nothing of the rows.
            None if var.name.starts_with("likelihood.") => {}
            None if layer.last => put(vars, &var.name, &var.value)?,
            None => {}
        }
    }
    Ok(())
}

/// Gives the first columns of a variable a value: a distribution's code has its variances behind
/// its means.
///
/// An error where there is no variable of this name, or a smaller one: the pretraining would be
/// without effect.
fn put(vars: &mut Vars, name: &str, from: &Tensor<2>) -> Result<()> {
    let id = vars.named(name)?;
    let [rows, columns] = vars.get(id).value.dims();
    let [own_rows, own] = from.dims();
    if own_rows != rows || own > columns {
        return Err(Error::shape(
            format!("variable {name} of a layer that was made ready"),
            format!("{own_rows} x {own}"),
            format!("{rows} x {columns}"),
        ));
    }
    let (mut all, first) = (read(vars.get(id).value.clone())?, read(from.clone())?);
    for (row, first) in all.chunks_exact_mut(columns.max(1)).zip(first.chunks_exact(own.max(1))) {
        row[..own].copy_from_slice(first);
    }
    vars.set(id, vars.engine().tensor(all, [rows, columns]));
    Ok(())
}

/// What to do where a machine's training left the numbers: its rate is no setting of a network.
fn advised(error: Error, layer: usize) -> Error {
    match error {
        Error::Diverged { epoch, step, what, .. } => {
            let advice = Message::from("make the layers ready with ").set("pretrain", "greedy");
            let advice = advice.text(", or scale the data to 0..1 with ").set("scale", "minmax");
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
    single: &mut Single,
    layer: &Layer,
    below: Matrix,
    (steps, persistent): (usize, bool),
    on: &mut (dyn FnMut(&Event) -> Flow + Send),
) -> Result<Flow> {
    let plan = &single.coder.plan;
    let bernoulli_rows = if layer.index == 0 {
        plan.blueprint.bounds == Bounds::Unit
    } else {
        unit(plan.blueprint.activation)
    };
    let units = |bernoulli: bool| if bernoulli { Units::Bernoulli } else { Units::Gaussian };
    let (visible_units, hidden_units) = (units(bernoulli_rows), units(unit(layer.activation)));
    let epochs = single.settings.train.layer_passes();
    let options = rbm::Options {
        hidden: layer.width,
        visible_units,
        hidden_units,
        steps,
        persistent,
        epochs,
        rate: if visible_units == Units::Gaussian || hidden_units == Units::Gaussian {
            RATES.gaussian
        } else if persistent {
            RATES.persistent
        } else {
            RATES.other
        },
        seed: seed(plan, layer),
        engine: single.state.vars.engine(),
        ..rbm::Options::default()
    };
    let (mut epoch, mut flow) = (0, Flow::Continue);
    let trained = Rbm::fit(&below, &options, &mut |error| {
        epoch += 1;
        let (name, value) = ("reconstruction".to_owned(), error * below.columns as f64);
        let train = Numbers(vec![Number { name, weight: 1.0, value }]);
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
    let vars = &mut single.state.vars;
    put(vars, &format!("{up}.weight"), &trained.weights)?;
    put(vars, &format!("{up}.bias"), &trained.hidden_bias)?;
    // A tied decoder has the encoder's weights and only biases of its own.
    if !single.coder.plan.blueprint.tied {
        put(vars, &format!("{down}.weight"), &trained.weights.clone().transpose())?;
    }
    put(vars, &format!("{down}.bias"), &trained.visible_bias)?;
    Ok(Flow::Continue)
}
