//! New rows: from the prior of a family, or from a density on the codes of any.
use crate::density::Density;
use crate::inspect::latent::straight;
use model::{Encoding, Inside, Layout, Model, Table, read};
use rows::{Dataset, Error, Matrix, Message, Result, Rng};

/// Where generated codes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The family's prior where it has one, else the density.
    Auto,
    /// The family's prior.
    Prior,
    /// The density fitted on the training rows' codes.
    Density,
}

/// New rows [n, features] in the units of the training data, from the prior or the density.
///
/// Rows of tables of more than numbers are draws from the likelihood of each column, so that counts
/// are whole and levels come in their proportions, and numbers are in the range of the training rows,
/// whole where these are; all others are what the decoder expects.
pub fn generate(model: &Model, n: usize, seed: u64, source: Source) -> Result<Matrix<f64>> {
    let codes = draw(model, n, seed, source)?;
    let layout = model.plan().blueprint.layout.clone();
    let Some((layout, table)) = layout.zip(model.signature().preparation.table.as_ref()) else {
        return model.decode(&codes);
    };
    let (values, engine) = (model.vars().values(), model.engine());
    let parts = &model.coder().parts;
    let draws = Draws {
        layout: &layout,
        table,
        deviation: parts.deviation(&values)?,
        dispersions: parts.dispersions(&values)?,
    };
    let mut rng = Rng::new(seed).split("rows");
    let mut prepared = Vec::new();
    for block in codes.values.chunks(model.plan().block() * codes.columns) {
        let z = engine.tensor(block.to_vec(), [block.len() / codes.columns, codes.columns]);
        prepared.extend(read(parts.decode(&values, z, &mut model.coder().pass()))?);
    }
    prepared.chunks_exact_mut(layout.width.max(1)).for_each(|row| draws.draw(row, &mut rng));
    let mut values = model.signature().preparation.undo(&prepared);
    let columns = model.features();
    let numbers = values.iter_mut().enumerate();
    numbers.for_each(|(at, value)| *value = table.like_known(at % columns, *value));
    Ok(Matrix { columns, values })
}

/// What draws of a table's rows go by.
struct Draws<'a> {
    layout: &'a Layout,
    table: &'a Table,
    /// The standard deviation of prepared numbers, where it was learned.
    deviation: Option<f64>,
    /// The dispersions of counts with a free variance.
    dispersions: Vec<f64>,
}

impl Draws<'_> {
    /// Exchanges what is expected of a prepared row for a draw.
    fn draw(&self, row: &mut [f32], rng: &mut Rng) {
        let layout = self.layout;
        if let Some(deviation) = self.deviation {
            let numbers = layout.columns.iter().filter(|place| layout.reals.contains(&place.start));
            // Phases of a date lie on their circles.
            numbers.filter(|place| place.len() == 1).for_each(|place| {
                row[place.start] += deviation as f32 * rng.standard_normal();
            });
        }
        for (column, place) in layout.columns.iter().enumerate() {
            let Encoding::Count { offset, scale, poisson } = self.table.columns[column] else {
                continue;
            };
            let mean = (f64::from(row[place.start]) * scale + offset).min(34.0).exp_m1().max(0.0);
            let free = place.start.checked_sub(layout.counts.start).filter(|_| !poisson);
            let rate = match free.and_then(|at| self.dispersions.get(at)) {
                // A Poisson number whose rate is gamma distributed is negative binomial.
                Some(dispersion) => rng.gamma(*dispersion, mean / dispersion),
                None => mean,
            };
            row[place.start] = ((rng.poisson(rate).ln_1p() - offset) / scale) as f32;
        }
        for at in layout.booleans.clone() {
            row[at] = f32::from(u8::from(rng.unit() < row[at]));
        }
        for block in &layout.choices {
            // The last number stands for levels that have no name.
            let known = if block.len() > 1 { block.end - 1 } else { block.end };
            let all: f32 = row[block.start..known].iter().sum();
            let mut left = rng.unit() * all;
            let drawn = (block.start..known).find(|at| {
                left -= row[*at];
                left < 0.0
            });
            row[block.clone()].fill(0.0);
            row[drawn.unwrap_or(block.start)] = 1.0;
        }
    }
}

/// New codes [n, latent].
pub fn draw(model: &Model, n: usize, seed: u64, source: Source) -> Result<Matrix> {
    let plan = &model.plan();
    if n.checked_mul(plan.blueprint.features().max(plan.blueprint.latent))
        .is_none_or(|numbers| numbers > i32::MAX as usize)
    {
        return Err(Error::setting(
            "rows to generate",
            n,
            "few enough for 2147483647 numbers together",
        ));
    }
    let mut rng = Rng::new(seed).split("generate");
    let values = model.vars().values();
    let prior = model.coder().prior(&values);
    let prior = match source {
        Source::Density => None,
        Source::Auto => prior,
        Source::Prior => {
            Some(prior.ok_or_else(|| Error::NoPrior { family: plan.settings.family.clone() })?)
        }
    };
    let values = match prior {
        Some(prior) => read(prior.draw(n, &mut rng)?)?,
        None => {
            let density = model.find::<Density>()?.ok_or_else(|| {
                let how =
                    Message::from("train with ").set("density", "gaussian").text(" or mixture:10");
                Error::NotFitted { what: "density over codes", how: how.text(" to generate") }
            })?;
            density.sample(n, &mut rng)
        }
    };
    Ok(Matrix { columns: plan.blueprint.latent, values })
}

/// `steps` rows on the straight line between the codes of two rows, both ends included.
pub fn interpolate(
    model: &Model,
    data: &Dataset,
    from: usize,
    to: usize,
    steps: usize,
) -> Result<Matrix<f64>> {
    [from, to].into_iter().try_for_each(|row| data.require_row(row))?;
    if !(2..=100_000).contains(&steps) {
        return Err(Error::setting("steps", steps, "2 to 100000"));
    }
    let ends = model.encode_rows(data, &[from, to])?;
    let values = (0..steps)
        .flat_map(|step| straight(ends.row(0), ends.row(1), step as f32 / (steps - 1) as f32))
        .collect();
    model.decode(&Matrix { columns: ends.columns, values })
}
