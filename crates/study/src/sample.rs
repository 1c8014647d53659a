//! New rows: from the prior of a family, or from a density on the codes of any.
use crate::density::Density;
use crate::inspect::latent::straight;
use model::{Inside, Model, read};
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
pub fn generate(model: &Model, n: usize, seed: u64, source: Source) -> Result<Matrix<f64>> {
    let codes = draw(model, n, seed, source)?;
    model.decode(&codes)
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
