//! `ae eval`: a model judged on rows, alone or beside another.

use super::read_rows;
use crate::args::Eval;
use crate::show::{self, Show};
use autoencoders::data::Dataset;
use autoencoders::metrics::Evaluation;
use autoencoders::{Model, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Rows that the costly numbers are taken over at most.
const SAMPLE: usize = 2000;
/// Deviation of the noise under which the code's change is measured, in prepared units.
const NOISE: f64 = 0.1;

/// All numbers of one model.
struct Judged {
    name: String,
    evaluation: Evaluation,
    code_change: f64,
    jacobian_norm: f64,
}

pub(crate) fn run(args: &Eval, show: &Show) -> Result<()> {
    let models = std::iter::once(&args.model).chain(&args.beside).map(|path| Ok((path, Model::load(path)?))).collect::<Result<Vec<_>>>()?;
    let data = read_rows(&args.rows, show)?;
    let judged = models.iter().map(|(path, model)| judge(path, model, &data)).collect::<Result<Vec<_>>>()?;
    let mut json = object(&judged[0]);
    if let Some(beside) = judged.get(1) {
        json["beside"] = object(beside);
    }
    show.result(&json, text(&judged))
}

fn judge(path: &Path, model: &Model, data: &Dataset) -> Result<Judged> {
    let all: Vec<usize> = (0..data.rows()).collect();
    let sample: Vec<usize> = all.iter().copied().step_by(all.len().div_ceil(SAMPLE).max(1)).collect();
    Ok(Judged {
        name: path.display().to_string(),
        evaluation: model.evaluate(data, &all)?,
        code_change: model.code_change_under_normal_noise(data, &sample, NOISE)?,
        jacobian_norm: model.jacobian_norm(data, &sample)?,
    })
}

fn object(judged: &Judged) -> Value {
    let of = &judged.evaluation;
    json!({
        "rows": of.rows,
        "mse": of.mse,
        "mae": of.mae,
        "explained_variance": of.explained_variance,
        "pca": { "mse": of.pca_mse },
        "terms": show::object(&of.terms),
        "active_units": of.active_units,
        "mean_activation": of.mean_activation,
        "code_change": judged.code_change,
        "jacobian_norm": judged.jacobian_norm,
    })
}

fn text(judged: &[Judged]) -> String {
    let line = |name: &str, number: &dyn Fn(&Judged) -> String| {
        let cells = judged.iter().map(number);
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let real = |name: &str, number: fn(&Judged) -> f64| line(name, &|judged| show::number(number(judged)));
    let mut rows = vec![
        line("", &|judged| judged.name.clone()),
        line("rows", &|judged| judged.evaluation.rows.to_string()),
        real("mse", |judged| judged.evaluation.mse),
        real("mse of pca", |judged| judged.evaluation.pca_mse),
        real("mae", |judged| judged.evaluation.mae),
        line("explained variance", &|judged| judged.evaluation.explained_variance.map_or_else(|| "-".to_owned(), show::number)),
        line("active units", &|judged| judged.evaluation.active_units.to_string()),
        real("mean activation", |judged| judged.evaluation.mean_activation),
        real("code change", |judged| judged.code_change),
        real("jacobian norm", |judged| judged.jacobian_norm),
    ];
    for name in term_names(judged) {
        let value = |judged: &Judged| judged.evaluation.terms.get(&name).map_or_else(|| "-".to_owned(), show::number);
        rows.push(line(&format!("loss: {name}"), &value));
    }
    show::table(&rows)
}

/// The terms of all models, each once.
fn term_names(judged: &[Judged]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in judged.iter().flat_map(|judged| &judged.evaluation.terms.0) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
