//! `ae report`: what a model has learned, on one page.

use crate::again::{head_words, rows_words, train_words};
use crate::args::{Kinds, Report, Rows};
use crate::commands::reading::read_for;
use crate::files::{holds_files, name, refuse_input, refuse_no_folder};
use crate::report;
use crate::report::facts::Facts;
use crate::show::Show;
use autoencoders::data::ColumnKind;
use autoencoders::data::Dataset;
use autoencoders::data::refuse_existing;
use autoencoders::data::write_atomically;
use autoencoders::study::Classifier;
use autoencoders::{Config, Error, Model, Result, load};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Report, show: &Show) -> Result<()> {
    let mut inputs: Vec<&Path> = args.models.iter().map(PathBuf::as_path).collect();
    inputs.push(Path::new(&args.rows.data));
    check(&args.output, args.force, &inputs)?;
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
        &args.output,
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
pub(crate) fn check(output: &Path, force: bool, inputs: &[&Path]) -> Result<()> {
    if output.extension().is_none_or(|extension| extension != "html") {
        return Err(Error::setting("report", output.display(), "a name that ends in .html"));
    }
    refuse_input(output, inputs)?;
    refuse_existing(output, force)?;
    refuse_no_folder(output)
}

/// Writes the page and, where a folder is named, each figure into it.
pub(crate) fn write(
    output: &Path,
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
    write_atomically(output, |file| file.write_all(page.as_bytes()))?;
    let mut count = 0;
    if let Some(folder) = figures {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        for figure in sections.iter().flat_map(|section| &section.figures) {
            let (bytes, ending) = figure.picture.file();
            write_atomically(&folder.join(format!("{}.{ending}", figure.name)), |file| {
                file.write_all(&bytes)
            })?;
            count += 1;
        }
    }
    if show.json {
        return crate::show::print(
            &serde_json::json!({ "output": output, "figures": figures, "rows": data.rows() })
                .to_string(),
        );
    }
    show.note(format!("{}: {} kB", output.display(), page.len() / 1000));
    if let Some(folder) = figures {
        show.note(format!("{}: {count} figures", folder.display()));
    }
    Ok(())
}
