//! `ae explore`: a model in the browser.

use crate::args::Explore;
use crate::commands::reading::read_for;
use crate::explore::files::{unfinished, write};
use crate::explore::scene::{Scene, drawn};
use crate::explore::server::Server;
use crate::files::{holds_files, name};
use crate::flags::quoted;
use crate::show::{self, Show};
use autoencoders::data::ColumnKind;
use autoencoders::{Error, Result, archive_bytes, from_bytes};
use serde_json::json;

pub(crate) fn run(args: &Explore, show: &Show) -> Result<()> {
    if let Some(folder) = &args.output {
        if folder.is_file() {
            return Err(Error::data(folder.display(), "is a file; wanted the name of a folder"));
        }
        if !args.force && holds_files(folder) && !unfinished(folder) {
            return Err(Error::data(
                folder.display(),
                "holds files already; name a new folder, or replace its files with `--force`",
            ));
        }
    }
    // The port first: whether it is free need not wait for the rows.
    let server = if args.output.is_none() { Some(Server::bind(args.port)?) } else { None };
    let bytes = archive_bytes(&args.model)?;
    let model = from_bytes(&bytes, &args.model.display().to_string())?;
    if model.signature().preparation.fields().iter().any(|field| field.kind == ColumnKind::Text) {
        return Err(Error::model(
            args.model.display(),
            "has a column of text, which the explorer does not show; ae report and ae search do, or train it with the column as `--id`",
        ));
    }
    let data = match &args.data {
        Some(data) => read_for(&model, data, &args.reading, show)?,
        None => drawn(&model, &quoted(args.model.display()))?,
    };
    let scene = Scene::of(name(&args.model), bytes, model, &data)?;
    if scene.rows() < data.rows() {
        show.warn(format!(
            "shows {} of {} rows, drawn by seed, so that a browser holds them with ease",
            scene.rows(),
            data.rows()
        ));
    }
    match (server, &args.output) {
        (Some(server), _) => serve(args, server, scene, show),
        (None, Some(folder)) => {
            let files = write(&scene, folder)?;
            if show.json {
                return show::print(
                    &json!({ "output": show::path_text(folder), "files": files, "rows": scene.rows() }).to_string(),
                );
            }
            show.note(format!("{}: {files} files for any web server", folder.display()));
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

fn serve(args: &Explore, server: Server, scene: Scene, show: &Show) -> Result<()> {
    let url = server.url();
    if show.json {
        show::print(&json!({ "url": url, "rows": scene.rows() }).to_string())?
    } else {
        show::print(&format!("{url}  (Ctrl-C ends it)"))?
    }
    if !args.no_browser && open::that_detached(&url).is_err() {
        show.warn(format!("no browser could be opened; open {url} in one"));
    }
    server.run(scene)
}
