//! `ae train`: from rows to a model file.

use crate::again::{head_words, rows_words};
use crate::args::Train;
use crate::commands::interrupt;
use crate::commands::place::{Place, model_of};
use crate::commands::reading::{read_for, read_rows};
use crate::commands::recipe;
use crate::commands::report;
use crate::commands::summary::{self, Judged};
use crate::exit::Exit;
use crate::files::name;
use crate::flags::quoted;
use crate::progress::{Progress, now};
use crate::show::{self, Show};
use crate::wording::worded;
use autoencoders::data::Dataset;
use autoencoders::data::Destination;
use autoencoders::data::ReadOptions;
use autoencoders::data::Shape;
use autoencoders::data::Split;
use autoencoders::data::read;
use autoencoders::study::Classifier;
use autoencoders::study::Evaluation;
use autoencoders::study::Head;
use autoencoders::study::HeadKind;
use autoencoders::{Config, Error, Event, Flow, Outcome, Result, Trained, fit, fit_from, load};
use std::path::Path;
use std::time::Duration;

/// How long an epoch may last before its state is written to the checkpoint too.
const SAVED_EVERY: Duration = Duration::from_secs(300);

pub(crate) fn run(args: &Train, show: &Show) -> Result<Exit> {
    // Refused before anything is read; what depends on the rows is decided once they are there.
    let shape = match args.rows.reading.window {
        Some(length) => Shape::Series { length, channels: 1 },
        None => Shape::Flat { width: 1 },
    };
    recipe::config(args, &shape, &[])?;
    let place = Place::of(args)?;
    let report = report_of(args, &place)?;
    let start = args.from.as_ref().map(|path| load(path)).transpose()?;
    let data = match &start {
        Some(start) => read_for(start, &args.rows.data, &args.rows.reading, show)?,
        None => read_rows(&args.rows, show)?,
    };
    let config = recipe::config(args, &data.shape, &data.fields)?;
    let test = args.test_data.as_ref().map(|file| test_rows(file, args, &data)).transpose()?;
    let head = args.head.map(|kind| head_of(args, kind, &config)).transpose()?;
    if let Some(head) = &head {
        // Before the training that comes first.
        head.check(&data, &Split::of(&data, config.train.fractions(), config.model.seed)?)?;
    }

    let mut progress = Progress::new(show, config.after.members);
    interrupt::listen(show);
    let trained = {
        let on = &mut watching(&mut progress);
        match &start {
            Some(start) => fit_from(start.into(), &config, &data, Some(&place.run), on),
            None => fit(&config, &data, Some(&place.run), args.resume.is_some(), on),
        }
    };
    let stopped = matches!(&trained, Ok(Trained { outcome: Outcome::Interrupted, .. }));
    let classifier = match (&trained, &head) {
        (Ok(trained), Some(head)) if !stopped => {
            let data = trained.model.signature().whitened(&data)?;
            Some(classifier(trained, head, &data, &mut progress))
        }
        _ => None,
    };
    interrupt::release();
    progress.finish();
    if matches!(&trained, Err(Error::Diverged { .. })) && args.resume.is_none() {
        // Resumed it would diverge again, and it stands in the way of the next try.
        let _ = std::fs::remove_file(&place.run);
    }
    let mut trained = trained?;
    // What follows looks at rows as the model sees them: whitened, where it whitens.
    let data = trained.model.signature().aligned(data)?.0;
    if stopped {
        interrupted(args, head.as_ref(), &trained, &place.run);
        return Ok(Exit::Interrupted);
    }
    if let Some(classifier) = classifier {
        attach(&mut trained, classifier, show)?;
    }
    let finished =
        finish(args, show, &mut trained, &data, test.as_ref(), &place, progress.elapsed());
    if let Err(Error::Io { .. } | Error::Data { .. }) = &finished {
        keep_going(args, head.as_ref(), &place.run);
    }
    let exit = finished?;
    if let Some(report) = &report {
        let named = [(name(place.model.path()), &trained.model)];
        let show = Show { json: false, ..*show };
        report::write(report, None, &named, &rows_words(&args.rows), &data, &show)?;
    }
    Ok(exit)
}

/// Where the report is to be written, if one is wanted and may be.
fn report_of(args: &Train, place: &Place) -> Result<Option<Destination>> {
    let Some(named) = &args.report else { return Ok(None) };
    let report = named.clone().unwrap_or_else(|| place.model.path().with_extension("html"));
    let inputs = [place.model.path(), Path::new(&args.rows.data)];
    report::check(&report, args.force, &inputs).map(Some)
}

/// Shows the progress, and tells the training when to save its state and when to stop.
fn watching(progress: &mut Progress) -> impl FnMut(&Event) -> Flow + Send {
    let mut saved = now();
    move |event| {
        progress.on(event);
        let flow = match event {
            Event::Step { .. } if saved.elapsed() >= SAVED_EVERY => Flow::Save,
            _ => Flow::Continue,
        };
        if flow == Flow::Save || matches!(event, Event::Epoch(_)) {
            saved = now();
        }
        if interrupt::flow() == Flow::Stop { Flow::Stop } else { flow }
    }
}

/// Trains the classifier; an interrupt ends it early, and what was trained before is kept.
fn classifier(
    trained: &Trained,
    head: &Head,
    data: &Dataset,
    progress: &mut Progress,
) -> Result<Classifier> {
    Classifier::fit(&trained.model, data, &trained.split, head, &mut |event| {
        progress.head(event);
        interrupt::flow()
    })
}

/// Gives the model its classifier; without one it is still worth keeping.
fn attach(trained: &mut Trained, classifier: Result<Classifier>, show: &Show) -> Result<()> {
    let classifier = match classifier {
        Ok(classifier) => classifier,
        Err(error) => {
            let error = worded(&error);
            show.warn(format!("the classifier was not trained: {error}; try another --head-lr"));
            return Ok(());
        }
    };
    if interrupt::flow() == Flow::Stop {
        let epochs = show::plural(classifier.history.len(), "epoch");
        show.warn(format!("the classifier's training was interrupted after {epochs}"));
    }
    trained.model.attach(classifier)
}

/// How the classifier is trained.
fn head_of(args: &Train, kind: HeadKind, config: &Config) -> Result<Head> {
    let default = Head::default();
    if let Some(rate) = args.head_lr.filter(|_| kind != HeadKind::Softmax) {
        return Err(Error::setting(
            "head-lr",
            rate,
            "nothing: only the head softmax has steps of a size",
        ));
    }
    Ok(Head {
        kind,
        epochs: args.head_epochs,
        learning_rate: args.head_lr.unwrap_or(default.learning_rate),
        l2: args.head_l2.unwrap_or(default.l2),
        seed: config.model.seed,
        ..default
    })
}

/// Reads the rows for the final table, which must be like those to train on.
fn test_rows(file: &str, args: &Train, data: &Dataset) -> Result<Dataset> {
    // Few rows may look like another kind.
    let expected = data
        .columns
        .iter()
        .cloned()
        .zip((0..data.features()).map(|column| data.kind(column)))
        .collect();
    let test = read(file, &ReadOptions { labels: None, expected, ..args.rows.reading.options() })?;
    if test.features() != data.features() {
        return Err(Error::shape(
            format!("test rows of {}", test.name),
            &test.shape,
            format!("{}, as in {}", data.shape, data.name),
        ));
    }
    Ok(test)
}

/// Says how to go on; the checkpoint is written already.
fn interrupted(args: &Train, head: Option<&Head>, trained: &Trained, run: &Path) {
    let done = show::plural(trained.model.provenance().history.len(), "epoch");
    // Otherwise the checkpoint's name tells the model's.
    let output = args.output.as_ref().filter(|output| model_of(run).ok().as_ref() != Some(output));
    let output = output.map(|output| output.display().to_string());
    let words = again(args, run, output.as_deref()) + &head.map(head_words).unwrap_or_default();
    show::say(&format!("interrupted after {done}; saved {}\ngo on with: {words}", run.display()));
}

/// Says how to write a model that could not be written: resumed, the training has nothing else left to
/// do. The checkpoint goes with the model that was written.
fn keep_going(args: &Train, head: Option<&Head>, run: &Path) {
    if run.exists() {
        let words = again(args, run, Some("OTHER.ae")) + &head.map(head_words).unwrap_or_default();
        show::say(&format!(
            "the training is kept in {}; write its model with: {words}",
            run.display()
        ));
    }
}

/// The command that goes on from a checkpoint, and writes the model there.
fn again(args: &Train, run: &Path, output: Option<&str>) -> String {
    let mut words =
        format!("ae train {} --resume {}", rows_words(&args.rows), quoted(run.display()));
    let options = [("-o", output.map(str::to_owned)), ("--test-data", args.test_data.clone())];
    for (name, value) in options {
        words += &value.map(|value| format!(" {name} {}", quoted(value))).unwrap_or_default();
    }
    if let Some(named) = &args.report {
        words += &named.as_ref().map_or(" --report".to_owned(), |report| {
            format!(" --report={}", quoted(report.display()))
        });
    }
    if args.force {
        words += " --force";
    }
    words
}

/// Judges and saves the model, and only then takes the checkpoint away.
fn finish(
    args: &Train,
    show: &Show,
    trained: &mut Trained,
    data: &Dataset,
    test: Option<&Dataset>,
    place: &Place,
    time: Duration,
) -> Result<Exit> {
    let judged = Judged::of(trained, data, test)?;
    // An evaluation that is not finite says nothing.
    if let Some(evaluation) = judged.kept().filter(Evaluation::is_finite) {
        trained.model.attach(evaluation)?;
    }
    trained.model.save(&place.model)?;
    if place.run.exists() {
        std::fs::remove_file(&place.run).map_err(|error| Error::io(&place.run, error))?;
    }
    let model = &trained.model;
    judged.advise(model, show);
    if show.json {
        show::print(
            &summary::object(trained, &judged, data, time, place.model.path())?.to_string(),
        )?
    } else {
        show::print(&summary::text(model, &judged, time, place.model.path()))?
    }
    match &trained.outcome {
        Outcome::Diverged(error) => {
            show::error(error);
            show::say(&format!(
                "the weights of epoch {} are saved in {}",
                model.provenance().chosen,
                place.model.path().display()
            ));
            return Ok(Exit::Failed);
        }
        Outcome::Stopped => {
            let patience = show::plural(Config::of(model)?.train.waits(), "epoch");
            show.note(format!("stopped early: no better validation loss for {patience}"));
        }
        Outcome::Converged => show.note("stopped early: the optimiser finds no lower loss"),
        Outcome::Finished | Outcome::Interrupted => {}
    }
    if !show.json && !show.quiet {
        show::print(&format!(
            "\nnext:\n  {}",
            summary::next(args, model, place.model.path()).join("\n  ")
        ))?;
    }
    Ok(Exit::Done)
}
