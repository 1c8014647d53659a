//! `ae report`: what a model has learned, on one page.

use crate::again::{head_words, rows_words, train_words};
use crate::args::{Kinds, Report, Rows};
use crate::commands::reading::read_for;
use crate::files::{holds_files, name, refuse_input};
use crate::report;
use crate::report::facts::Facts;
use crate::show::{Show, path_text};
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::Destination;
use autoencoders::study::Classifier;
use autoencoders::{Config, Error, Model, Result, load};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Report, show: &Show) -> Result<()> {
    let mut inputs: Vec<&Path> = args.models.iter().map(PathBuf::as_path).collect();
    inputs.push(Path::new(&args.rows.data));
    let output = check(&args.output, args.force, &inputs)?;
    if let Some(folder) = args.png.as_deref().filter(|folder| !args.force && holds_files(folder)) {
        return Err(Error::data(
            folder.display(),
            "holds files already; name a new folder, or replace its figures with `--force`",
        ));
    }
    let models = args.models.iter().map(|path| load(path)).collect::<Result<Vec<_>>>()?;
    let data = read_for(&models[0], &args.rows.data, &args.rows.reading, show)?;
    let named: Vec<(String, &Model)> =
        args.models.iter().map(|path| name(path)).zip(&models).collect();
    write(
        &output,
        args.png.as_deref(),
        &named,
        &rows_words(&as_trained(&args.rows, &models[0])),
        &data,
        show,
    )
}

/// The rows with what the model knows of reading them.
fn as_trained(rows: &Rows, model: &Model) -> Rows {
    let mut rows = rows.clone();
    let reading = &mut rows.reading;
    if let Some(series) = reading.series(model.signature().series.as_ref()) {
        reading.window = Some(series.window);
        reading.stride = Some(series.stride).filter(|stride| *stride > 1);
        (reading.time, reading.group) = (series.time, series.group);
        (reading.resample, reading.duplicates, reading.gaps) =
            (series.resample, series.duplicates, series.gaps);
        reading.calendar = series.calendar;
    }
    // What cells look like tells the other kinds.
    let asked = model
        .signature()
        .kinds()
        .into_iter()
        .enumerate()
        .map(
            |(at, (name, kind))| {
                if name.is_empty() { ((at + 1).to_string(), kind) } else { (name, kind) }
            },
        )
        .filter(|(_, kind)| matches!(kind, ColumnKind::Count | ColumnKind::Poisson));
    let asked: Vec<_> = asked
        .filter(|(name, _)| {
            reading.columns.iter().flat_map(|kinds| &kinds.0).all(|(known, _)| known != name)
        })
        .collect();
    reading.columns.push(Kinds(asked));
    rows
}

/// Refuses what could not be written, before anything is computed.
pub(crate) fn check(output: &Path, force: bool, inputs: &[&Path]) -> Result<Destination> {
    if output.extension().is_none_or(|extension| extension != "html") {
        return Err(Error::setting("report", output.display(), "a name that ends in .html"));
    }
    refuse_input(output, inputs)?;
    let output = Destination::new(output, force);
    output.check()?;
    Ok(output)
}

/// Writes the page and, where a folder is named, each figure into it.
pub(crate) fn write(
    output: &Destination,
    figures: Option<&Path>,
    models: &[(String, &Model)],
    rows: &str,
    data: &Dataset,
    show: &Show,
) -> Result<()> {
    let mut all = Vec::new();
    for (name, model) in models {
        let head = model.find::<Classifier>()?.map(|classifier| head_words(&classifier.head));
        let command = train_words(rows, &Config::of(model)?) + &head.unwrap_or_default();
        all.push(Facts::of(name.clone(), command, model, data)?);
    }
    let (page, sections) = report::page(&all)?;
    output.write_bytes(page.as_bytes())?;
    let (output, mut count) = (output.path(), 0);
    if let Some(folder) = figures {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        for figure in sections.iter().flat_map(|section| &section.figures) {
            let (bytes, ending) = figure.picture.file();
            let name = folder.join(format!("{}.{ending}", figure.name));
            Destination::from(&name).write_bytes(&bytes)?;
            count += 1;
        }
    }
    if show.json {
        return crate::show::print(
            &serde_json::json!({ "output": path_text(output), "figures": figures.map(path_text), "rows": data.rows() })
                .to_string(),
        );
    }
    show.note(format!("{}: {} kB", output.display(), page.len() / 1000));
    if let Some(folder) = figures {
        show.note(format!("{}: {count} figures", folder.display()));
    }
    Ok(())
}
