//! `ae info`: what a model file holds.

use crate::args::Info;
use crate::show::{self, Show};
use autoencoders::score::Kind;
use autoencoders::{Model, Result, file};
use serde_json::{Value, json};

pub(crate) fn run(args: &Info, show: &Show) -> Result<()> {
    let model = Model::load(&args.model)?;
    show.result(&object(&model), text(&model))
}

fn object(model: &Model) -> Value {
    let plan = &model.parts.plan;
    json!({
        "format": file::FORMAT,
        "family": plan.config.family,
        "parameters": plan.config.parameters,
        "weights": model.vars.weights(),
        "net": plan.config.net,
        "latent": plan.config.latent,
        "features": plan.features(),
        "shape": plan.shape,
        "columns": model.columns,
        "preparation": model.preparation,
        "config": plan.config,
        "rows": model.training_rows,
        "history": model.history,
        "chosen": model.chosen,
        "evaluation": model.evaluation,
        "warnings": plan.warnings,
        "members": model.members.len() + 1,
        "series": model.series,
        "classes": model.classifier.as_ref().map(|classifier| &classifier.names),
        "probes": model.detector.as_ref().map(|detector| &detector.probed),
    })
}

fn text(model: &Model) -> String {
    let config = &model.parts.plan.config;
    let scaling = serde_json::to_value(model.preparation.scaling).unwrap_or_default();
    let mut rows = vec![
        show::cells([&"family", &config.family]),
        show::cells([&"parameters", &Value::Object(config.parameters.clone())]),
        show::cells([&"net", &config.net]),
        show::cells([&"weights", &model.vars.weights()]),
        show::cells([&"code", &show::plural(config.latent, "number")]),
        show::cells([&"row", &model.parts.plan.shape]),
        show::cells([&"scaling", &scaling.as_str().unwrap_or_default()]),
        show::cells([&"likelihood", &config.likelihood]),
        show::cells([&"trained on", &show::plural(model.training_rows, "row")]),
        show::cells([&"epoch", &format!("{} of {}", model.chosen, model.history.len())]),
        show::cells([&"seed", &config.seed]),
    ];
    if !model.members.is_empty() {
        rows.push(show::cells([&"members", &(model.members.len() + 1)]));
    }
    if let Some(classifier) = &model.classifier {
        rows.push(show::cells([
            &"head",
            &format!("{}, {} classes", classifier.head.kind, classifier.names.len()),
        ]));
    }
    if let Some(series) = &model.series {
        rows.push(show::cells([
            &"windows",
            &format!("{} points, {} apart", series.window, series.stride),
        ]));
    }
    if let Some(probed) = model.detector.as_ref().and_then(|detector| detector.probed.as_ref()) {
        let missed = probed.advice(Kind::default()).len();
        let found = if missed == 0 {
            "all found".to_owned()
        } else {
            format!("{missed} not found; ae eval --probe tells which")
        };
        rows.push(show::cells([&"probes", &found]));
    }
    if let Some(evaluation) = &model.evaluation {
        rows.push(show::cells([
            &"test mse",
            &format!("{} (pca {})", show::number(evaluation.mse), show::number(evaluation.pca_mse)),
        ]));
    }
    // Words to the left, unlike the numbers of other tables.
    rows.iter().map(|row| format!("{:<12} {}\n", row[0], row[1])).collect()
}
