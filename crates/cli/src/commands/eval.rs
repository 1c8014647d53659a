//! `ae eval`: a model judged on rows, alone or beside another.

use crate::args::Eval;
use crate::commands::reading::read_for;
use crate::show::{self, Show};
use autoencoders::data::Dataset;
use autoencoders::data::Fractions;
use autoencoders::data::Split;
use autoencoders::study::Annealing;
use autoencoders::study::Evaluation;
use autoencoders::study::Probe;
use autoencoders::study::Probed;
use autoencoders::study::Recognition;
use autoencoders::study::ScoreKind;
use autoencoders::study::annealed;
use autoencoders::study::code_change_under_normal_noise;
use autoencoders::study::detector;
use autoencoders::study::evaluate;
use autoencoders::study::importance_weighted;
use autoencoders::study::is_generative;
use autoencoders::study::jacobian_norm;
use autoencoders::study::probe;
use autoencoders::{Message, Model, Result, load, study};
use serde_json::{Value, json};
use std::path::Path;

/// Rows that the costly numbers are taken over at most.
const SAMPLE: usize = 2000;
/// Rows that are recognised, or learned from, at most: the nearest take the square of them.
const RECOGNISED: usize = 20_000;
/// Rows that are annealed at most.
const FEW: usize = 100;
/// Deviation of the noise under which the code's change is measured, in prepared units.
const NOISE: f64 = 0.1;

/// All numbers of one model.
struct Judged {
    name: String,
    evaluation: Evaluation,
    code_change: f64,
    jacobian_norm: f64,
    probed: Option<Probed>,
    recognition: Option<Recognition>,
    /// Mean nats a row.
    importance: Option<f64>,
    annealed: Option<f64>,
    /// The rows of these means.
    likelihood_rows: usize,
}

pub(crate) fn run(args: &Eval, show: &Show) -> Result<()> {
    let models = std::iter::once(&args.model)
        .chain(&args.beside)
        .map(|path| Ok((path, load(path)?)))
        .collect::<Result<Vec<_>>>()?;
    let data = read_for(&models[0].1, &args.rows.data, &args.rows.reading, show)?;
    let judged = models
        .iter()
        .enumerate()
        .map(|(at, (path, model))| judge(path, model, &data, args, at == 0))
        .collect::<Result<Vec<_>>>()?;
    let mut json = object(&judged[0]);
    if let Some(beside) = judged.get(1) {
        json["beside"] = object(beside);
    }
    for judged in &judged {
        judged.probed.iter().flat_map(|probed| probed.advice(ScoreKind::default())).for_each(
            |advice| {
                show.warn(Message::from(format!("{}: ", judged.name)).then(advice));
            },
        );
    }
    show.result(&json, text(&judged))
}

fn judge(path: &Path, model: &Model, data: &Dataset, args: &Eval, first: bool) -> Result<Judged> {
    let all: Vec<usize> = (0..data.rows()).collect();
    let some = |most: usize| {
        all.iter().copied().step_by(all.len().div_ceil(most).max(1)).collect::<Vec<usize>>()
    };
    // The same rows for both estimates.
    let likelihood = some(if args.annealing.is_some() { FEW } else { SAMPLE });
    // A model beside another may be of a family without one.
    let likely = |_: &usize| first || is_generative(model);
    let sample = some(SAMPLE);
    Ok(Judged {
        name: path.display().to_string(),
        evaluation: evaluate(model, data, &all)?,
        code_change: code_change_under_normal_noise(model, data, &sample, NOISE)?,
        jacobian_norm: jacobian_norm(model, data, &sample)?,
        recognition: args
            .recognise
            .then(|| recognised(model, data, &some(RECOGNISED)))
            .transpose()?,
        importance: args
            .importance
            .filter(likely)
            .map(|draws| importance_weighted(model, data, &likelihood, draws, 0))
            .transpose()?
            .map(mean),
        annealed: args
            .annealing
            .filter(likely)
            .map(|temperatures| {
                annealed(
                    model,
                    data,
                    &likelihood,
                    Annealing { temperatures, ..Annealing::default() },
                    0,
                )
            })
            .transpose()?
            .map(mean),
        likelihood_rows: likelihood.len(),
        probed: args.probe.then(|| probe(&*detector(model)?, model, data)).transpose()?,
    })
}

/// Learned from four fifths of the rows, judged on the others.
fn recognised(model: &Model, data: &Dataset, rows: &[usize]) -> Result<Recognition> {
    let fractions = Fractions { validation: 0.0, test: 0.2 };
    let split = Split::new(rows.len(), fractions, model.plan().settings.seed)?;
    let of = |places: &[usize]| places.iter().map(|at| rows[*at]).collect();
    study::recognition(
        model,
        data,
        &Split { train: of(&split.train), validation: Vec::new(), test: of(&split.test) },
    )
}

fn mean(values: Vec<f64>) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn object(judged: &Judged) -> Value {
    let of = &judged.evaluation;
    let mut object = json!({
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
    });
    if let Some(recognition) = &judged.recognition {
        object["recognition"] = json!(recognition);
    }
    for (name, value) in [("importance", judged.importance), ("annealing", judged.annealed)] {
        if let Some(value) = value {
            object[name] = json!(value);
            object["likelihood_rows"] = json!(judged.likelihood_rows);
        }
    }
    if let Some(probed) = &judged.probed {
        object["probes"] = probes(probed);
    }
    object
}

fn text(judged: &[Judged]) -> String {
    let line = |name: &str, number: &dyn Fn(&Judged) -> String| {
        let cells = judged.iter().map(number);
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let real =
        |name: &str, number: fn(&Judged) -> f64| line(name, &|judged| show::number(number(judged)));
    let mut rows = vec![
        line("", &|judged| judged.name.clone()),
        line("rows", &|judged| judged.evaluation.rows.to_string()),
        real("mse", |judged| judged.evaluation.mse),
        real("mse of pca", |judged| judged.evaluation.pca_mse),
        real("mae", |judged| judged.evaluation.mae),
        line("explained variance", &|judged| {
            judged.evaluation.explained_variance.map_or_else(|| "-".to_owned(), show::number)
        }),
        line("active units", &|judged| judged.evaluation.active_units.to_string()),
        real("mean activation", |judged| judged.evaluation.mean_activation),
        real("code change", |judged| judged.code_change),
        real("jacobian norm", |judged| judged.jacobian_norm),
    ];
    let optional = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), show::number);
    if judged.iter().any(|judged| judged.recognition.is_some()) {
        rows.push(line("recognised by a linear probe", &|judged| {
            optional(judged.recognition.map(|of| of.linear))
        }));
        rows.push(line("by the nearest rows", &|judged| {
            optional(judged.recognition.map(|of| of.nearest))
        }));
    }
    if judged.iter().any(|judged| judged.importance.is_some()) {
        rows.push(line("ln p by importance", &|judged| optional(judged.importance)));
    }
    if judged.iter().any(|judged| judged.annealed.is_some()) {
        rows.push(line("ln p by annealing", &|judged| optional(judged.annealed)));
    }
    let likely = |judged: &Judged| judged.importance.or(judged.annealed).is_some();
    if judged.iter().any(likely) {
        let count = |judged: &Judged| {
            if likely(judged) { judged.likelihood_rows.to_string() } else { "-".to_owned() }
        };
        rows.push(line("rows for ln p", &count));
    }
    for name in term_names(judged) {
        let value = |judged: &Judged| {
            judged.evaluation.terms.get(&name).map_or_else(|| "-".to_owned(), show::number)
        };
        rows.push(line(&format!("loss: {name}"), &value));
    }
    let probes = judged
        .iter()
        .filter_map(|judged| judged.probed.as_ref())
        .map(|probed| format!("\n{}", probe_table(probed)));
    show::table(&rows) + &probes.collect::<String>()
}

/// What came of the probes, by probe and kind of score.
fn probes(probed: &Probed) -> Value {
    let of = |probe: Probe| {
        ScoreKind::ALL
            .into_iter()
            .map(|kind| (kind.name().to_owned(), json!(probed.fraction(probe, kind))))
            .collect()
    };
    let word = |probe: Probe| {
        serde_json::to_value(probe)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    let mut object: serde_json::Map<String, Value> =
        Probe::ALL.into_iter().map(|probe| (word(probe), Value::Object(of(probe)))).collect();
    object.insert(
        "passed".to_owned(),
        Value::Array(
            ScoreKind::ALL
                .into_iter()
                .filter(|kind| probed.passes(*kind))
                .map(|kind| kind.name().into())
                .collect(),
        ),
    );
    Value::Object(object)
}

/// A table of the probes: the percentage of their rows that score above 99 % of normal rows.
fn probe_table(probed: &Probed) -> String {
    let line = |kind: ScoreKind| {
        let cells =
            Probe::ALL.map(|probe| format!("{} %", (100.0 * probed.fraction(probe, kind)).round()));
        std::iter::once(kind.name().to_owned()).chain(cells).collect()
    };
    let head =
        ["above 99 % of normal rows", "far", "shuffled", "constant"].map(str::to_owned).into();
    show::table(
        &std::iter::once(head).chain(ScoreKind::ALL.into_iter().map(line)).collect::<Vec<_>>(),
    )
}

/// The terms of all models, each once.
fn term_names(judged: &[Judged]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for term in judged.iter().flat_map(|judged| &judged.evaluation.terms.0) {
        if !names.contains(&term.name) {
            names.push(term.name.clone());
        }
    }
    names
}
