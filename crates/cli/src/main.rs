//! The command `ae`: words in, words out; everything else is in the library.

mod again;
mod args;
mod commands;
mod exit;
mod explore;
mod files;
mod flags;
mod progress;
mod reason;
mod report;
mod settings;
mod show;
mod threads;
mod wording;
mod words;

use args::{Args, Command};
use autoencoders::data::panic_is_caught;
use autoencoders::{Error, Result};
use clap::Parser;
use exit::Exit;
use show::Show;
use std::io::ErrorKind;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number the shell sees after an error; clap's own errors have the same.
const ERROR: u8 = 2;
/// What the matrices of faer and the compressor of zlib panic with where they find no memory;
/// everything else that finds none ends as the standard library has it, with a line and an abort.
const NO_MEMORY: [&str; 2] = ["AllocError", "MemError"];

fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if NO_MEMORY.iter().any(|word| said.contains(word)) {
            show::out_of_memory();
            std::process::abort();
        }
        if !panic_is_caught() {
            report(panic);
        }
    }));
    let outcome = match Args::try_parse() {
        Ok(args) => run(&args),
        Err(help) if !help.use_stderr() => show::help(&help).map(|()| Exit::Done),
        Err(error) => {
            show::misread(&error);
            return ExitCode::from(ERROR);
        }
    };
    match outcome {
        Ok(exit) => ExitCode::from(exit.code()),
        // The reader, `head` say, has seen enough.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            show::error(&error);
            let diverged = matches!(error, Error::Diverged { .. });
            ExitCode::from(if diverged { Exit::Failed.code() } else { ERROR })
        }
    }
}

fn run(args: &Args) -> Result<Exit> {
    let show = Show { json: args.json, quiet: args.quiet };
    threads::start(args.threads, &show)?;
    match &args.command {
        Command::Train(train) => return commands::train::run(train, &show),
        Command::Eval(eval) => commands::eval::run(eval, &show),
        Command::Encode(encode) => commands::encode::run(encode, &show),
        Command::Decode(decode) => commands::decode::run(decode, &show),
        Command::Reconstruct(reconstruct) => commands::reconstruct::run(reconstruct, &show),
        Command::Generate(generate) => commands::generate::run(generate, &show),
        Command::Interpolate(interpolate) => commands::interpolate::run(interpolate, &show),
        Command::Search(search) => commands::search::run(search, &show),
        Command::Score(score) => return commands::score::run(score, &show),
        Command::Classify(classify) => commands::classify::run(classify, &show),
        Command::Report(report) => commands::report::run(report, &show),
        Command::Explore(explore) => commands::explore::run(explore, &show),
        Command::Info(info) => commands::info::run(info, &show),
        Command::Families => commands::families::run(&show),
        Command::Data(data) => commands::data::run(data, &show),
        Command::Completions(completions) => commands::completions::run(completions, &show),
    }?;
    Ok(Exit::Done)
}
