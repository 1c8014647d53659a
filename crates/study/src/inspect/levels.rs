//! A row's way through the network, layer by layer.

use burn_tensor::{Tensor, TensorData};
use model::{Inside, Layer, Model, read};
use rows::{Dataset, Error, Matrix, Result, Shape};

/// What one layer makes of a row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Level {
    /// `input`, `encoder 1`, ..., `code`, `decoder 1`, ..., `output`.
    pub name: String,
    /// The shape of the numbers.
    pub shape: Shape,
    /// The numbers; images with channels last.
    pub values: Vec<f32>,
    /// How much each of its maps, or units, hears of each of those of the level before it: the root
    /// mean square of the weights between them, one of its own a row; none where a family's own
    /// step or no weight lies between.
    pub influence: Option<Matrix>,
}

impl Level {
    /// Its feature maps, or units: each with its strength, the root of its mean square, the
    /// strongest first.
    pub fn strongest(&self) -> Vec<(usize, f64)> {
        let channels = channels(&self.shape);
        let mut sums = vec![0.0; channels];
        for pixel in self.values.chunks_exact(channels.max(1)) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f64::from(*value).powi(2));
        }
        let pixels = (self.values.len() / channels.max(1)).max(1) as f64;
        let mut maps: Vec<(usize, f64)> =
            sums.into_iter().map(|sum| (sum / pixels).sqrt()).enumerate().collect();
        maps.sort_by(|a, b| b.1.total_cmp(&a.1));
        maps
    }

    /// The numbers of one feature map.
    pub fn map(&self, channel: usize) -> Vec<f32> {
        match self.shape {
            Shape::Image { channels, .. } | Shape::Series { channels, .. } => {
                self.values.iter().skip(channel).step_by(channels.max(1)).copied().collect()
            }
            Shape::Flat { .. } => self.values.get(channel).copied().into_iter().collect(),
        }
    }
}

/// A feature map in the tree of a row.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Branch {
    /// Its number on its level.
    pub map: usize,
    /// The root of its mean square.
    pub strength: f64,
    /// The place, among the branches of the level above, of the one it listens to most: by the
    /// influence of that map times its strength; none on the first level.
    pub parent: Option<usize>,
}

/// A row's way as a tree, one list of branches a level: the `most` strongest feature maps, the
/// strongest first; the input, the code and the output are one branch each.
pub fn tree(levels: &[Level], most: usize) -> Vec<Vec<Branch>> {
    let mut tree: Vec<Vec<Branch>> = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        let above = tree.last().map_or(&[][..], Vec::as_slice);
        let whole =
            at == 0 || at + 1 == levels.len() || !matches!(level.shape, Shape::Image { .. });
        let branches = if whole {
            vec![Branch { map: 0, strength: 1.0, parent: (!above.is_empty()).then_some(0) }]
        } else {
            let strongest = level.strongest().into_iter().take(most);
            strongest
                .map(|(map, strength)| Branch { map, strength, parent: loudest(above, level, map) })
                .collect()
        };
        tree.push(branches);
    }
    tree
}

fn loudest(above: &[Branch], level: &Level, map: usize) -> Option<usize> {
    let heard = |branch: &Branch| match &level.influence {
        Some(influence) if branch.map < influence.columns => {
            f64::from(influence.row(map)[branch.map]) * branch.strength
        }
        _ => 0.0,
    };
    (0..above.len()).max_by(|a, b| heard(&above[*a]).total_cmp(&heard(&above[*b])))
}

/// The levels of one row, from the input through the code to the output; the last is the
/// expected row, in scaled units.
pub fn levels(model: &Model, data: &Dataset, row: usize) -> Result<Vec<Level>> {
    levels_through(model, data, row, None)
}

/// As [`levels`], where from the code on another code than the row's goes through the
/// decoder, if one is given.
pub fn levels_through(
    model: &Model,
    data: &Dataset,
    row: usize,
    code: Option<&[f32]>,
) -> Result<Vec<Level>> {
    let latent = model.latent();
    if let Some(code) = code.filter(|code| code.len() != latent) {
        return Err(Error::shape(
            "code",
            format!("{} numbers", code.len()),
            format!("{latent}, the model's code size"),
        ));
    }
    model.signature().accept(data)?;
    data.require_row(row)?;
    let x = model.signature().preparation.tensor(data, std::iter::once(row), &model.engine())?;
    let (network, plan) = (&model.coder().parts.network, &model.plan());
    let mut levels =
        vec![level("input".to_owned(), plan.blueprint.shape.clone(), x.clone(), None)?];
    let h = through(model, "encoder", &network.encoder, x, &mut levels)?;
    let last = levels.pop();
    let code = match code {
        Some(code) => Tensor::from_data(TensorData::new(code.to_vec(), [1, latent]), &h.device()),
        None => plan
            .family
            .code(&model.coder().parts, &model.vars().values(), h, &mut model.coder().pass())?
            .mean(),
    };
    // A head that is wider than the code, a mean and a variance, begins with the code.
    let influence = last.and_then(|last| last.influence).map(|mut heard| {
        heard.values.truncate(plan.blueprint.latent * heard.columns);
        heard
    });
    levels.push(level(
        "code".to_owned(),
        Shape::Flat { width: plan.blueprint.latent },
        code.clone(),
        influence,
    )?);
    let output = through(model, "decoder", &network.decoder, code, &mut levels)?;
    // A dense layer's outputs are pixels: those of one channel are one map.
    let influence = levels
        .pop()
        .and_then(|last| last.influence)
        .map(|heard| folded(&heard, channels(&plan.blueprint.shape)));
    levels.push(level(
        "output".to_owned(),
        plan.blueprint.shape.clone(),
        model.coder().parts.mean(output),
        influence,
    )?);
    Ok(levels)
}

/// The root mean square of the weights from each of `before` maps to each of the `maps` that
/// the layer makes; none for layers without weights.
fn influence(model: &Model, layer: &Layer, before: usize, maps: usize) -> Result<Option<Matrix>> {
    // Rows of weights by what goes in, columns by what comes out; maps are last in both, so
    // that every `before`th row belongs to one map, and every `maps`th column.
    let (weight, turned) = match layer {
        Layer::Dense { weight, transposed, .. } => (weight, *transposed),
        Layer::Convolution { weight, .. } => (weight, false),
        Layer::TransposedConvolution { weight, .. } => (weight, true),
        _ => return Ok(None),
    };
    let weight = model.vars().get(*weight).value.clone();
    let [rows, columns] = if turned { [weight.dims()[1], weight.dims()[0]] } else { weight.dims() };
    let values = read(if turned { weight.transpose() } else { weight })?;
    let mut squares = vec![0f64; maps * before];
    let mut counts = vec![0usize; maps * before];
    for (row, values) in values.chunks_exact(columns).enumerate().take(rows) {
        for (column, value) in values.iter().enumerate() {
            let at = column % maps * before + row % before;
            squares[at] += f64::from(*value).powi(2);
            counts[at] += 1;
        }
    }
    let values = squares
        .iter()
        .zip(&counts)
        .map(|(sum, count)| (sum / (*count).max(1) as f64).sqrt() as f32)
        .collect();
    Ok(Some(Matrix { columns: before, values }))
}

/// Runs the layers; a level is what stands before the next weights, after norm, activation and
/// dropout.
fn through(
    model: &Model,
    side: &str,
    layers: &[Layer],
    mut x: Tensor<2>,
    levels: &mut Vec<Level>,
) -> Result<Tensor<2>> {
    let values = model.vars().values();
    let (mut count, mut shape, mut known) = (0, Shape::Flat { width: 1 }, None);
    for (index, layer) in layers.iter().enumerate() {
        x = layer.forward(&values, x, &mut model.coder().pass());
        match layer {
            // What a transposed convolution takes in is images already.
            Layer::Dense { .. } => {
                shape = match layers[index + 1..].iter().find(|next| next.has_weights()) {
                    Some(Layer::TransposedConvolution { geometry, .. }) => {
                        let [height, width] = geometry.output();
                        Shape::Image { height, width, channels: geometry.channels()[1] }
                    }
                    _ => Shape::Flat { width: x.dims()[1] },
                }
            }
            Layer::Convolution { geometry, .. } => {
                let [height, width] = geometry.output();
                shape = Shape::Image { height, width, channels: geometry.channels()[1] };
            }
            Layer::TransposedConvolution { geometry, .. } => {
                let [height, width] = geometry.input();
                shape = Shape::Image { height, width, channels: geometry.channels()[0] };
            }
            _ => {}
        }
        let before = levels.last().map_or(1, |level| channels(&level.shape));
        known = influence(model, layer, before, channels(&shape))?.or(known);
        if layers.get(index + 1).is_none_or(Layer::has_weights) {
            count += 1;
            levels.push(level(format!("{side} {count}"), shape.clone(), x.clone(), known.take())?);
        }
    }
    Ok(x)
}

fn level(
    name: String,
    shape: Shape,
    values: Tensor<2>,
    influence: Option<Matrix>,
) -> Result<Level> {
    Ok(Level { name, shape, values: read(values)?, influence })
}

/// The influence on `maps` maps, whose numbers lie one after the other in turn.
fn folded(influence: &Matrix, maps: usize) -> Matrix {
    let mut squares = vec![0f32; maps * influence.columns];
    for (row, heard) in influence.values.chunks_exact(influence.columns.max(1)).enumerate() {
        let sums = &mut squares[row % maps * influence.columns..][..influence.columns];
        sums.iter_mut().zip(heard).for_each(|(sum, weight)| *sum += weight * weight);
    }
    let each = (influence.rows() / maps.max(1)).max(1) as f32;
    squares.iter_mut().for_each(|sum| *sum = (*sum / each).sqrt());
    Matrix { columns: influence.columns, values: squares }
}

/// Feature maps, or units.
fn channels(shape: &Shape) -> usize {
    match *shape {
        Shape::Image { channels, .. } | Shape::Series { channels, .. } => channels,
        Shape::Flat { width } => width,
    }
}
