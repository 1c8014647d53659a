//! What a training came to: the table at its end.

use crate::again::rows_words;
use crate::args::Train;
use crate::commands::place::free;
use crate::flags::quoted;
use crate::show::{self, Show};
use autoencoders::data::Dataset;
use autoencoders::data::Shape;
use autoencoders::study::Classifier;
use autoencoders::study::Evaluation;
use autoencoders::study::evaluate;
use autoencoders::study::mse;
use autoencoders::{Model, Result, Source, Trained, study};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// An evaluation and the rows it is on.
pub(crate) struct Judged {
    /// `test`, or what stands in for it.
    pub rows: &'static str,
    pub evaluation: Evaluation,
    /// The fraction of these rows that the classifier recognises, where there is one and they have
    /// labels.
    pub recognised: Option<f64>,
}

impl Judged {
    /// Evaluates on the test rows; where there are none on the validation rows, or else on the
    /// training rows.
    pub(crate) fn of(trained: &Trained, data: &Dataset, test: Option<&Dataset>) -> Result<Self> {
        let (model, split) = (&trained.model, &trained.split);
        let own =
            [("test", &split.test), ("validation", &split.validation), ("training", &split.train)];
        let recognised = |data: &Dataset, rows: &[usize]| -> Result<Option<f64>> {
            Ok(model
                .find::<Classifier>()?
                .map(|classifier| classifier.recognised(data, rows))
                .transpose()?
                .flatten())
        };
        let (rows, evaluation, recognised) =
            match (test, own.into_iter().find(|(_, rows)| !rows.is_empty())) {
                (Some(test), _) => {
                    let all: Vec<usize> = (0..test.rows()).collect();
                    ("test", evaluate(model, test, &all)?, recognised(test, &all)?)
                }
                (None, Some((name, rows))) => {
                    (name, evaluate(model, data, rows)?, recognised(data, rows)?)
                }
                (None, None) => ("training", evaluate(model, data, &[])?, None),
            };
        Ok(Self { rows, evaluation, recognised })
    }

    /// Whether the model has not seen these rows at all.
    pub(crate) fn unseen(&self) -> bool {
        self.rows == "test"
    }

    /// The evaluation that the model file keeps: the one on test rows.
    pub(crate) fn kept(&self) -> Option<Evaluation> {
        self.unseen().then(|| self.evaluation.clone())
    }

    /// What the numbers advise.
    pub(crate) fn advise(&self, model: &Model, show: &Show) {
        let of = &self.evaluation;
        if !self.unseen() {
            show.warn(format!(
                "there are no test rows; the table is on the {} {} rows",
                of.rows, self.rows
            ));
        }
        of.advice(model).into_iter().for_each(|advice| show.warn(advice));
    }
}

/// The one JSON object of `ae train`.
pub(crate) fn object(
    trained: &Trained,
    judged: &Judged,
    data: &Dataset,
    time: Duration,
    path: &Path,
) -> Result<Value> {
    let (model, split, of) = (&trained.model, &trained.split, &judged.evaluation);
    let mut object = json!({
        "family": model.plan().settings.family,
        "latent": model.latent(),
        "rows": data.rows(),
        "features": model.features(),
        "epochs": model.provenance().history.len(),
        "seconds": time.as_secs_f64(),
        "train": { "mse": mse(model, data, &split.train)? },
        "validation": { "mse": mse(model, data, &split.validation)? },
        "test": {
            "mse": judged.unseen().then_some(of.mse),
            "explained_variance": of.explained_variance.filter(|_| judged.unseen()),
        },
        "pca": { "mse": of.pca_mse },
        "active_units": of.active_units,
        "terms": show::object(&of.terms),
        "model": show::path_text(path),
    });
    if let Some(accuracy) = judged.recognised {
        object["accuracy"] = json!(accuracy);
    }
    Ok(object)
}

/// The table.
pub(crate) fn text(model: &Model, judged: &Judged, time: Duration, path: &Path) -> String {
    let (config, of) = (&model.plan().settings, &judged.evaluation);
    let head = format!(
        "{}: {}, {} for {}; {}, trained in {}\n",
        path.display(),
        config.family,
        show::plural(config.latent, "number"),
        model.features(),
        match model.provenance().history.len() {
            0 => "layer by layer alone".to_owned(),
            epochs => format!("epoch {} of {epochs} chosen", model.provenance().chosen),
        },
        show::time(time)
    );
    let of_rows = format!("{} {} row{}", of.rows, judged.rows, if of.rows == 1 { "" } else { "s" });
    let mut rows = if study::is_measured_by_pca(model) {
        vec![
            show::cells([&of_rows, &config.family, &"pca", &"ratio"]),
            show::cells([&"mse", &show::number(of.mse), &show::number(of.pca_mse), &ratio(of)]),
        ]
    } else {
        vec![show::cells([&of_rows, &config.family]), show::cells([&"mse", &show::number(of.mse)])]
    };
    rows.extend([
        show::cells([&"mae", &show::number(of.mae)]),
        show::cells([
            &"explained variance",
            &of.explained_variance.map_or("-".to_owned(), show::number),
        ]),
        show::cells([&"active units", &format!("{} of {}", of.active_units, config.latent)]),
    ]);
    rows.extend(
        of.terms
            .0
            .iter()
            .map(|term| show::cells([&format!("loss: {}", term.name), &show::term(term)])),
    );
    rows.extend(
        judged.recognised.map(|accuracy| show::cells([&"recognised", &show::number(accuracy)])),
    );
    format!("{head}\n{}", show::table(&rows))
}

/// The error over PCA's; none where PCA is exact up to rounding, because its code is as wide as the
/// data.
fn ratio(of: &Evaluation) -> String {
    if of.pca_mse > 1e-9 { show::number(of.mse / of.pca_mse) } else { "-".to_owned() }
}

/// Commands that go on from this model.
pub(crate) fn next(args: &Train, model: &Model, path: &Path) -> Vec<String> {
    let (model_word, rows) = (quoted(path.display()), rows_words(&args.rows));
    let image = matches!(model.signature().shape, Shape::Image { channels: 1 | 3, .. });
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = |what: &str, ending: &str| quoted(free(&format!("{stem}-{what}"), ending).display());
    let mut next = vec![
        format!("ae eval {model_word} {rows}"),
        format!("ae report {model_word} {rows} -o {}", file("report", "html")),
        format!("ae encode {model_word} {rows} -o {}", file("codes", "csv")),
    ];
    if model.signature().preparation.table.as_ref().is_some_and(|table| table.gaps) {
        // Values that are there stand as they stood, in the format of the file.
        let parquet = args.rows.data.to_lowercase().ends_with(".parquet");
        let filled = file("filled", if parquet { "parquet" } else { "csv" });
        next.push(format!("ae reconstruct {model_word} {rows} --fill -o {filled}"));
    }
    if matches!(model.signature().shape, Shape::Flat { .. } | Shape::Series { .. }) {
        next.push(format!("ae score {model_word} {rows} -o {}", file("scores", "csv")));
    }
    if matches!(model.find::<Classifier>(), Ok(Some(_))) {
        next.push(format!("ae classify {model_word} {rows} -o {}", file("classes", "csv")));
    }
    if image {
        next.push(format!("ae reconstruct {model_word} {rows} -o {}", file("rows", "png")));
    }
    if study::draw(model, 1, 0, Source::Auto).is_ok() {
        next.push(format!(
            "ae generate {model_word} -n 64 -o {}",
            file("new", if image { "png" } else { "csv" })
        ));
    }
    next
}
