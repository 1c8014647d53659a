//! `ae info`: what a model file holds.

use crate::args::Info;
use crate::show::{self, Show};
use crate::wording::all_worded;
use autoencoders::study::Classifier;
use autoencoders::study::Detector;
use autoencoders::study::Ensemble;
use autoencoders::study::Evaluation;
use autoencoders::study::ScoreKind;
use autoencoders::{Config, Model, Result, load};
use serde_json::{Value, json};

pub(crate) fn run(args: &Info, show: &Show) -> Result<()> {
    let model = load(&args.model)?;
    show.result(&object(&model)?, text(&model)?)
}

fn object(model: &Model) -> Result<Value> {
    let plan = &model.plan();
    let classifier = model.find::<Classifier>()?;
    Ok(json!({
        "format": autoencoders::FORMAT,
        "family": plan.settings.family,
        "parameters": plan.settings.parameters,
        "weights": model.weights(),
        "net": plan.blueprint.net,
        "latent": plan.blueprint.latent,
        "features": plan.blueprint.features(),
        "shape": plan.blueprint.source,
        "columns": model.signature().columns,
        "preparation": model.signature().preparation,
        "config": Config::of(model)?.by_name(),
        "rows": model.provenance().training_rows,
        "history": model.provenance().history,
        "chosen": model.provenance().chosen,
        "evaluation": model.find::<Evaluation>()?.as_deref(),
        "warnings": all_worded(&plan.warnings),
        "members": Ensemble::of(model)?.members.len() + 1,
        "series": model.signature().series,
        "classes": classifier.as_ref().map(|classifier| &classifier.names),
        "probes": model.find::<Detector>()?.as_ref().map(|detector| &detector.probed),
    }))
}

fn text(model: &Model) -> Result<String> {
    let config = &model.plan().settings;
    let scaling = serde_json::to_value(model.signature().preparation.scaling).unwrap_or_default();
    let mut rows = vec![
        show::cells([&"family", &config.family]),
        show::cells([&"parameters", &Value::Object(config.parameters.clone())]),
        show::cells([&"net", &config.net]),
        show::cells([&"weights", &model.weights()]),
        show::cells([&"code", &show::plural(config.latent, "number")]),
        show::cells([&"row", &model.signature().shape]),
        show::cells([&"scaling", &scaling.as_str().unwrap_or_default()]),
        show::cells([&"likelihood", &config.likelihood]),
        show::cells([&"trained on", &show::plural(model.provenance().training_rows, "row")]),
        show::cells([
            &"epoch",
            &format!("{} of {}", model.provenance().chosen, model.provenance().history.len()),
        ]),
        show::cells([&"seed", &config.seed]),
    ];
    let others = Ensemble::of(model)?.members.len();
    if others > 0 {
        rows.push(show::cells([&"members", &(others + 1)]));
    }
    if let Some(classifier) = model.find::<Classifier>()? {
        rows.push(show::cells([
            &"head",
            &format!("{}, {} classes", classifier.head.kind, classifier.names.len()),
        ]));
    }
    if let Some(series) = &model.signature().series {
        rows.push(show::cells([
            &"windows",
            &format!("{} points, {} apart", series.window, series.stride),
        ]));
    }
    let detector = model.find::<Detector>()?;
    if let Some(probed) = detector.as_ref().and_then(|detector| detector.probed.as_ref()) {
        let missed = probed.advice(ScoreKind::default()).len();
        let found = if missed == 0 {
            "all found".to_owned()
        } else {
            format!("{missed} not found; ae eval --probe tells which")
        };
        rows.push(show::cells([&"probes", &found]));
    }
    if let Some(evaluation) = model.find::<Evaluation>()? {
        rows.push(show::cells([
            &"test mse",
            &format!("{} (pca {})", show::number(evaluation.mse), show::number(evaluation.pca_mse)),
        ]));
    }
    // Words to the left, unlike the numbers of other tables.
    Ok(rows.iter().map(|row| format!("{:<12} {}\n", row[0], row[1])).collect())
}
