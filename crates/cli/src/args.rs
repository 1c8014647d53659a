//! The words of the command line.

use crate::settings::Settings;
use crate::words::Words;
use autoencoders::data::{ColumnKind, Destination};
use autoencoders::study::Threshold;
use autoencoders::study::{HeadKind, ScoreKind};
use autoencoders::{Error, Source, data};
use clap::{Parser, Subcommand, value_parser};
use std::path::PathBuf;
use std::str::FromStr;

/// Train, inspect, use and ship autoencoders
#[derive(Debug, Parser)]
#[command(name = "ae", version, after_help = "Example:\n  ae train digits --latent 8")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
    /// Print the result as JSON
    #[arg(long, global = true, display_order = 900)]
    pub json: bool,
    /// Suppress progress, warnings and advice
    #[arg(long, global = true, display_order = 901)]
    pub quiet: bool,
    /// Number of threads [default: one per core]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u16).range(1..=1024), display_order = 902)]
    pub threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  ae train digits --family vae --latent 8 --set beta=0.5 -o digits.ae"
    )]
    Train(Box<Train>),
    #[command(after_help = "Example:\n  ae eval digits.ae digits --beside other.ae")]
    Eval(Eval),
    #[command(after_help = "Example:\n  ae encode digits.ae digits -o codes.csv")]
    Encode(Encode),
    #[command(after_help = "Example:\n  ae decode digits.ae codes.csv -o rows.npy")]
    Decode(Decode),
    #[command(after_help = "Example:\n  ae reconstruct digits.ae digits -o digits.png")]
    Reconstruct(Reconstruct),
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  ae generate digits.ae -n 64 -o grid.png"
    )]
    Generate(Generate),
    #[command(after_help = "Example:\n  ae interpolate digits.ae digits --rows 3,17 -o strip.png")]
    Interpolate(Interpolate),
    #[command(
        after_help = "Examples:\n  ae search digits.ae digits --row 17 --count 5\n  ae search log.ae log.csv --text \"disk full\""
    )]
    Search(Search),
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  ae score table.ae table.csv -o scores.csv"
    )]
    Score(Score),
    #[command(after_help = "Example:\n  ae classify digits.ae digits -o classes.csv")]
    Classify(Classify),
    #[command(after_help = "Example:\n  ae report digits.ae digits -o report.html")]
    Report(Report),
    #[command(after_help = "Example:\n  ae explore digits.ae digits")]
    Explore(Explore),
    #[command(after_help = "Example:\n  ae info digits.ae")]
    Info(Info),
    /// List the families and their parameters
    #[command(after_help = "Example:\n  ae families")]
    Families,
    #[command(after_help = "Example:\n  ae data table.csv --label species")]
    Data(Data),
    #[command(
        after_help = "Example:\n  ae completions bash > ~/.local/share/bash-completion/completions/ae"
    )]
    Completions(Completions),
}

/// Train a model and compare it with principal components
#[derive(Debug, clap::Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub rows: Rows,
    /// Test rows for the final table, instead of a fraction of DATA
    #[arg(long, value_name = "FILE", conflicts_with = "test")]
    pub test_data: Option<String>,
    /// Resume an interrupted training run; its settings are in the file
    #[arg(long, value_name = "FILE.run", conflicts_with = "settings")]
    pub resume: Option<PathBuf>,
    /// The model file [default: the name of DATA with .ae, or the next free one]
    #[arg(short, long, value_name = "MODEL")]
    pub output: Option<PathBuf>,
    /// Start from the weights of a model, where layers match in place and size
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Also train a classifier of the labels on the code: softmax fine-tunes a copy of the encoder
    /// with it, linear and svm leave the encoder unchanged
    #[arg(long, value_name = "KIND")]
    pub head: Option<HeadKind>,
    /// Epochs of the classifier's training [default: 30; 200 for linear and svm]
    #[arg(long, value_name = "N", requires = "head")]
    pub head_epochs: Option<usize>,
    /// Learning rate of the classifier (softmax only) [default: 0.001]
    #[arg(long, value_name = "X", requires = "head")]
    pub head_lr: Option<f64>,
    /// Weight of the classifier's L2 penalty [default: 0.00001]
    #[arg(long, value_name = "X", requires = "head")]
    pub head_l2: Option<f64>,
    /// Replace an existing model file
    #[arg(long)]
    pub force: bool,
    /// Also write a report, beside the model or to FILE.html
    #[arg(long, value_name = "FILE.html", num_args = 0..=1, require_equals = true)]
    pub report: Option<Option<PathBuf>>,
    /// Device to compute on [default: cpu]
    #[arg(long, value_name = "DEVICE", value_parser = devices())]
    pub device: Option<String>,
    // Last, because its heading also stands above whatever comes after it.
    #[command(flatten)]
    pub settings: Settings,
}

/// Where rows come from, and what is set aside in them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Rows {
    /// A file (.csv, .json, .parquet, .arrow, .xlsx, .db, .zip, .npy, .npz, IDX; a sheet, table or
    /// array behind a colon), a folder or a quoted pattern of tables, a folder of images, or the
    /// built-in `digits`
    #[arg(value_name = "DATA")]
    pub data: String,
    #[command(flatten)]
    pub reading: Reading,
}

/// How rows are read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reading {
    /// The column of labels, never used as input
    #[arg(long, value_name = "COLUMN", conflicts_with = "labels", help_heading = "Reading")]
    pub label: Option<String>,
    /// A file with one label per row
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    pub labels: Option<PathBuf>,
    /// The column of row identifiers, kept beside codes; several together where given again
    #[arg(long, value_name = "COLUMN", help_heading = "Reading")]
    pub id: Vec<String>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMNS", help_heading = "Reading")]
    pub drop: Vec<String>,
    /// Columns to read, without any others
    #[arg(long, value_name = "COLUMNS", help_heading = "Reading")]
    pub only: Vec<String>,
    /// Kinds of table columns, to override the inferred ones: numeric (also takes units and marks
    /// between thousands off), boolean, categorical, date, time, count, poisson or text
    #[arg(long = "column", value_name = "NAME=KIND", value_parser = Kinds::from_str, help_heading = "Reading")]
    pub columns: Vec<Kinds>,
    /// Words and numbers that stand for missing values, as in "-200,-"
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Reading"
    )]
    pub missing: Vec<String>,
    /// The mark before decimals: . or , [default: what the cells tell]
    #[arg(long, value_name = "MARK", help_heading = "Reading")]
    pub decimal: Option<data::DecimalMark>,
    /// Read 01/02/2024 as the second of January [default: what the cells tell, or the first of
    /// February]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Reading")]
    pub month_first: Option<bool>,
    /// How dates are written, as strptime takes it: %d.%m.%Y %H:%M
    #[arg(long, value_name = "FORMAT", help_heading = "Reading")]
    pub date_format: Option<String>,
    /// What parts the fields of a line: a character, tab, blanks, comma, semicolon or pipe [default:
    /// what the lines tell]
    #[arg(long, value_name = "SIGN", help_heading = "Reading")]
    pub delimiter: Option<data::Delimiter>,
    /// Whether the first line holds column names: yes or no [default: what the lines tell]
    #[arg(long, value_name = "WORD", value_parser = yes_or_no, help_heading = "Reading")]
    pub header: Option<bool>,
    /// Leave out this many lines before the table [default: what the lines tell]
    #[arg(long, value_name = "N", help_heading = "Reading")]
    pub skip: Option<usize>,
    /// The encoding of a text file, such as utf-16le, latin-1 or shift_jis [default: what the bytes
    /// tell]
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub encoding: Option<data::Encoding>,
    /// Take each line of a text file for one text, apart from a time stamp at its beginning
    #[arg(long, help_heading = "Reading")]
    pub lines: bool,
    /// Resize the images of a folder
    #[arg(long, value_name = "WxH", value_parser = sides, help_heading = "Reading")]
    pub resize: Option<(usize, usize)>,
    /// Cut this many patches out of photographs of any sizes
    #[arg(long, value_name = "N", help_heading = "Reading", conflicts_with = "resize")]
    pub patches: Option<usize>,
    /// Size of the patches [default: 8x8]
    #[arg(long, value_name = "WxH", value_parser = sides, requires = "patches", help_heading = "Reading")]
    pub patch: Option<(usize, usize)>,
    /// Whiten patches: none, lowpass, zca or zca:E [default: none]
    #[arg(long, value_name = "HOW", requires = "patches", help_heading = "Reading")]
    pub whiten: Option<data::Whitening>,
    /// Treat rows as points in time; cut windows of this many points
    #[arg(long, value_name = "POINTS", help_heading = "Series")]
    pub window: Option<usize>,
    /// Points from one window to the next [default: 1]
    #[arg(long, value_name = "POINTS", help_heading = "Series")]
    pub stride: Option<usize>,
    /// The column of time stamps; given twice, of dates and of times of day [default: the only
    /// columns of these kinds]
    #[arg(long, value_name = "COLUMN", help_heading = "Series")]
    pub time: Vec<String>,
    /// The column that tells several series apart, such as the name of a machine; no window holds
    /// points of two. Given several times, columns that do so together
    #[arg(long, value_name = "COLUMN", help_heading = "Series")]
    pub group: Vec<String>,
    /// Average points over spans, such as 5min, 1h or 30s
    #[arg(long, value_name = "SPAN", help_heading = "Series")]
    pub resample: Option<data::Span>,
    /// What to do with points at the same time
    #[arg(long, value_name = "HOW", value_parser = duplicates(), help_heading = "Series")]
    pub duplicates: Option<data::Duplicates>,
    /// What to do with missing points: split ends a window there, fill interpolates them
    #[arg(long, value_name = "HOW", value_parser = gaps(), help_heading = "Series")]
    pub gaps: Option<data::Gaps>,
    /// Phases that stand beside the channels: day, week, year, several as in day,week, or none
    /// [default: those that the time stamps go through six times]
    #[arg(long, value_name = "CYCLES", help_heading = "Series")]
    pub calendar: Option<data::Cycles>,
    /// Memory limit for the numbers of DATA, such as 512MB; larger data stay on disk [default: no
    /// limit]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Reading")]
    pub memory: Option<u64>,
}

impl Reading {
    /// How windows are cut, where rows are points in time: as is said here, and for the rest as a
    /// model knows it.
    pub(crate) fn series(&self, known: Option<&data::Series>) -> Option<data::Series> {
        Some(data::Series {
            window: self.window.or(known.map(|known| known.window))?,
            stride: self.stride.or(known.map(|known| known.stride)).unwrap_or(1),
            time: match (self.time.as_slice(), known) {
                ([], Some(known)) => known.time.clone(),
                (said, _) => said.to_vec(),
            },
            found: known.map(|known| known.found.clone()).unwrap_or_default(),
            group: match (self.group.as_slice(), known) {
                ([], Some(known)) => known.group.clone(),
                (said, _) => said.to_vec(),
            },
            resample: self.resample.or(known.and_then(|known| known.resample)),
            duplicates: self.duplicates.or(known.and_then(|known| known.duplicates)),
            gaps: self.gaps.or(known.and_then(|known| known.gaps)),
            // What a model learned is no matter of choice.
            calendar: match known {
                Some(known) => known.calendar.clone(),
                None => self.calendar.clone(),
            },
            step: known.and_then(|known| known.step),
            channels: known.map(|known| known.channels.clone()).unwrap_or_default(),
        })
    }

    /// Refuses what is said of a series where nothing tells that there is one.
    pub(crate) fn require_window(&self) -> autoencoders::Result<()> {
        let given = [
            ("stride", self.stride.is_some()),
            ("time", !self.time.is_empty()),
            ("group", !self.group.is_empty()),
            ("calendar", self.calendar.is_some()),
            ("resample", self.resample.is_some()),
            ("duplicates", self.duplicates.is_some()),
            ("gaps", self.gaps.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given && self.window.is_none()) {
            Some((name, _)) => Err(Error::setting(
                name,
                "given",
                "--window POINTS beside it: rows are points of a series only then",
            )),
            None => Ok(()),
        }
    }

    /// The same for the library.
    pub(crate) fn options(&self) -> data::ReadOptions {
        data::ReadOptions {
            label: self.label.clone(),
            labels: self.labels.clone(),
            id: self.id.clone(),
            drop: self.drop.clone(),
            only: self.only.clone(),
            columns: self.columns.iter().flat_map(|kinds| kinds.0.clone()).collect(),
            notation: data::Notation {
                missing: self.missing.clone(),
                decimal: self.decimal,
                month_first: self.month_first,
                date_format: self.date_format.clone(),
                lines: self.lines,
                ..data::Notation::default()
            },
            layout: data::TextLayout {
                encoding: self.encoding,
                delimiter: self.delimiter,
                header: self.header,
                skip: self.skip,
            },
            resize: self.resize,
            patches: self.patches.map(|count| data::Patches {
                count,
                size: self.patch.unwrap_or((8, 8)),
                whiten: self.whiten.unwrap_or_default(),
                seed: 0,
            }),
            memory: self.memory,
            series: self.series(None),
            ..data::ReadOptions::default()
        }
    }
}

/// Where a result goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// The file to write; its extension sets the format
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub path: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

impl Output {
    /// Where the file is to appear.
    pub(crate) fn destination(&self) -> Destination {
        Destination::new(&self.path, self.force)
    }
}

/// Evaluate a model on rows
#[derive(Debug, clap::Args)]
pub(crate) struct Eval {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// Another model to evaluate on the same rows
    #[arg(long, value_name = "MODEL")]
    pub beside: Option<PathBuf>,
    /// Whether constructed anomalies get high scores
    #[arg(long)]
    pub probe: bool,
    /// How well the code predicts the labels: a linear probe and the ten nearest rows, learned on
    /// four fifths of the rows
    #[arg(long)]
    pub recognise: bool,
    /// Log-likelihood in nats, by importance sampling with this many draws (vae and iwae)
    #[arg(long, value_name = "DRAWS")]
    pub importance: Option<usize>,
    /// The same by annealed importance sampling over this many temperatures
    #[arg(long, value_name = "TEMPERATURES")]
    pub annealing: Option<usize>,
}

/// Write the codes of rows as .npy, .csv or .parquet
#[derive(Debug, clap::Args)]
pub(crate) struct Encode {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    #[command(flatten)]
    pub output: Output,
}

/// Write the rows decoded from codes as .npy, .csv, .parquet or .png
#[derive(Debug, clap::Args)]
pub(crate) struct Decode {
    /// A model file
    pub model: PathBuf,
    /// Codes in a .npy, .csv or .parquet file, as `ae encode` writes them
    pub codes: String,
    #[command(flatten)]
    pub output: Output,
}

/// Write the reconstructions of rows as .npy, .csv, .parquet, or as .png below the originals
#[derive(Debug, clap::Args)]
pub(crate) struct Reconstruct {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// Fill missing values only; known values do not change
    #[arg(long)]
    pub fill: bool,
    /// Only the first N rows [default: 16 for .png, otherwise all]
    #[arg(long = "rows", value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    #[command(flatten)]
    pub output: Output,
}

/// Generate new rows as .png, .npy, .csv or .parquet
#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// A model file
    pub model: PathBuf,
    /// Number of rows
    #[arg(short = 'n', value_name = "N", default_value = "64", value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
    /// Random seed
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// What codes are drawn from: the family's prior, or the density fitted on the codes [default:
    /// the prior if there is one]
    #[arg(long, value_name = "SOURCE", value_parser = sources())]
    pub source: Option<Source>,
    #[command(flatten)]
    pub output: Output,
}

/// Interpolate between two rows, on a straight line in code space, as .png, .npy, .csv or .parquet
#[derive(Debug, clap::Args)]
pub(crate) struct Interpolate {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// The two rows, counted from 1
    #[arg(long = "rows", value_name = "A,B", value_parser = pair)]
    pub ends: (usize, usize),
    /// Number of rows to write, both ends included
    #[arg(long, value_name = "N", default_value = "10")]
    pub steps: usize,
    #[command(flatten)]
    pub output: Output,
}

/// List the rows with the nearest codes
#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// The row to find neighbours of, counted from 1
    #[arg(long, value_name = "ROW", value_parser = row, conflicts_with_all = ["like", "text"], required_unless_present_any = ["like", "text"])]
    pub row: Option<usize>,
    /// A file with the one row to find neighbours of
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub like: Option<String>,
    /// Words to search for in a text column
    #[arg(long, value_name = "WORDS")]
    pub text: Option<String>,
    /// Number of neighbours
    #[arg(long, value_name = "N", default_value = "10", value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
}

/// Score rows as anomalies, and name the columns responsible
#[derive(Debug, clap::Args)]
pub(crate) struct Score {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// The measure: joined, reconstruction, code, mahalanobis, denoising or likelihood
    #[arg(long, value_name = "KIND", default_value = "joined")]
    pub kind: ScoreKind,
    /// Score above which a row is an anomaly: auto, contamination:F, pot:F, deviations:K, f1 (with
    /// labels) or at:SCORE
    #[arg(long, value_name = "THRESHOLD", default_value = "auto")]
    pub threshold: Threshold,
    /// The label of normal rows; all others are anomalies [default: 0, false, no, normal or empty]
    #[arg(long, value_name = "LABEL")]
    pub normal: Option<String>,
    /// Number of columns to explain each row by
    #[arg(long, value_name = "N", default_value = "3")]
    pub reasons: usize,
    /// Compare the scores with those of held-out rows, to detect drift
    #[arg(long)]
    pub drift: bool,
    /// The table to write, .csv or .jsonl
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

/// Predict the class of each row, with a model trained with --head
#[derive(Debug, clap::Args)]
pub(crate) struct Classify {
    /// A model file
    pub model: PathBuf,
    #[command(flatten)]
    pub rows: Rows,
    /// The table to write, .csv or .parquet
    #[command(flatten)]
    pub output: Output,
}

/// Write one page on what a model has learned: its errors, its code, its filters
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// A model file; several are compared on the same rows
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    pub models: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: Rows,
    /// The page to write
    #[arg(short = 'o', long = "output", value_name = "FILE.html", default_value = "report.html")]
    pub output: PathBuf,
    /// Also write each figure into this folder
    #[arg(long, value_name = "DIR")]
    pub png: Option<PathBuf>,
    /// Replace an existing page
    #[arg(long)]
    pub force: bool,
}

/// Open a model in the browser: a map of its codes, sliders, drawing, its filters
#[derive(Debug, clap::Args)]
pub(crate) struct Explore {
    /// A model file
    pub model: PathBuf,
    /// Rows to show, as for the other commands [default: rows generated by the model]
    pub data: Option<String>,
    #[command(flatten)]
    pub reading: Reading,
    /// Write the page into this folder, for any web server, instead of serving it here
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace the files of a folder that is not empty
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", conflicts_with = "output", value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Do not open a browser
    #[arg(long)]
    pub no_browser: bool,
}

/// Show what a model file contains
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    /// A model file
    pub model: PathBuf,
}

/// Show what a data file contains
#[derive(Debug, clap::Args)]
pub(crate) struct Data {
    #[command(flatten)]
    pub rows: Rows,
}

/// Write shell completions to standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `NAME=KIND`, and more behind commas; a name may have commas of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kinds(pub Vec<(String, ColumnKind)>);

impl FromStr for Kinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut kinds, mut begun) = (Vec::new(), String::new());
        for part in text.split(',') {
            begun += part;
            match begun.rsplit_once('=') {
                Some((name, kind)) => {
                    let kind =
                        kind.parse().map_err(|error: autoencoders::Error| error.to_string())?;
                    kinds.push((name.to_owned(), kind));
                    begun.clear();
                }
                None => begun.push(','),
            }
        }
        if begun.is_empty() {
            return Ok(Self(kinds));
        }
        let begun = begun.trim_end_matches(',');
        Err(format!("{begun:?} is no NAME=KIND, as in zip=categorical"))
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("wanted yes or no".to_owned()),
    }
}

fn devices() -> Words<String> {
    Words { kind: "device", known: vec!["cpu"], find: |name| Some(name.to_owned()) }
}

fn duplicates() -> Words<data::Duplicates> {
    let find = |name: &str| data::Duplicates::ALL.into_iter().find(|way| way.name() == name);
    Words {
        kind: "way with duplicates",
        known: data::Duplicates::ALL.map(data::Duplicates::name).to_vec(),
        find,
    }
}

fn gaps() -> Words<data::Gaps> {
    let find = |name: &str| data::Gaps::ALL.into_iter().find(|way| way.name() == name);
    Words { kind: "way with gaps", known: data::Gaps::ALL.map(data::Gaps::name).to_vec(), find }
}

fn sources() -> Words<Source> {
    let find = |name: &str| match name {
        "prior" => Some(Source::Prior),
        "density" => Some(Source::Density),
        "auto" => Some(Source::Auto),
        _ => None,
    };
    Words { kind: "source", known: vec!["auto", "prior", "density"], find }
}

/// The least memory that is worth a limit.
const LEAST_MEMORY: u64 = 1_000_000;
/// The units of a size, as they are written in capitals.
const UNITS: [(&str, u64); 9] = [
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// `512MB`, `2GiB` or `1000000`: bytes.
fn size(text: &str) -> Result<u64, String> {
    let capitals = text.trim().to_uppercase();
    let found = UNITS.iter().find_map(|(unit, bytes)| Some((capitals.strip_suffix(unit)?, *bytes)));
    let (number, unit) = found.unwrap_or((&capitals, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(bytes),
        Some(_) => Err("wanted at least 1MB".to_owned()),
        None => {
            Err("wanted a whole number of bytes, as in 512MB, 2GB, 512MiB or 1000000".to_owned())
        }
    }
}

/// `28x28`: width and height.
fn sides(text: &str) -> Result<(usize, usize), String> {
    two(text, 'x')
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| "wanted WIDTHxHEIGHT in pixels, as in 28x28".to_owned())
}

/// `3,17`: two rows.
fn pair(text: &str) -> Result<(usize, usize), String> {
    let rows = two(text, ',').and_then(|(a, b)| Some((a.checked_sub(1)?, b.checked_sub(1)?)));
    rows.ok_or_else(|| "wanted two rows, counted from 1, as in 3,17".to_owned())
}

/// The zero-based index of a row.
fn row(text: &str) -> Result<usize, String> {
    let row = text.trim().parse().ok().and_then(|row: usize| row.checked_sub(1));
    row.ok_or_else(|| "wanted the number of a row, counted from 1".to_owned())
}

fn two(text: &str, between: char) -> Option<(usize, usize)> {
    let (first, second) = text.split_once(between)?;
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_listed_word_is_found() {
        assert!(sources().known.iter().all(|name| (sources().find)(name).is_some()));
        assert!((sources().find)("nothing").is_none());
    }

    #[test]
    fn a_size_has_a_unit_of_thousands_or_of_1024() {
        for (text, bytes) in [
            ("512MB", 512_000_000),
            ("2GB", 2_000_000_000),
            ("1500kb", 1_500_000),
            ("1000000", 1_000_000),
            ("3000000B", 3_000_000),
            ("1MiB", 1 << 20),
            ("2 GiB", 2 << 30),
            ("1TB", 1_000_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1GB", "1.5GB", "1e9", "512M", "lots", "99999999999TB"] {
            assert!(size(text).unwrap_err().contains("as in 512MB"), "{text}");
        }
        for text in ["0", "999999", "300KB"] {
            assert_eq!(size(text), Err("wanted at least 1MB".to_owned()));
        }
    }

    #[test]
    fn names_of_columns_may_have_commas() {
        let kinds: Kinds = "a=count,size (m, total)=numeric,b=c=text".parse().unwrap();
        let named = |(name, kind): &(String, ColumnKind)| format!("{name}|{kind}");
        assert_eq!(
            kinds.0.iter().map(named).collect::<Vec<_>>(),
            ["a|count", "size (m, total)|numeric", "b=c|text"]
        );
        assert!("a=count,b".parse::<Kinds>().unwrap_err().contains("\"b\" is no NAME=KIND"));
    }

    #[test]
    fn sides_and_pairs_want_two_numbers() {
        assert_eq!(sides("28x32"), Ok((28, 32)));
        assert!(sides("28").is_err() && sides("0x3").is_err() && pair("3").is_err());
    }
}
