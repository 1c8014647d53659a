//! A folder with small valid files of every format, and models of every kind.

use crate::Outcome;
use crate::program::Program;
use autoencoders::Rng;
use autoencoders::data::{write_npy, write_table};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Rows of the small tables.
const ROWS: usize = 120;

/// The folder.
pub(crate) struct World {
    folder: PathBuf,
    /// Removes it again.
    _held: Option<TempDir>,
    pub(crate) program: Program,
}

/// Trainings, each with the words behind `train`.
pub(crate) const MODELS: [(&str, &str); 9] = [
    ("plain", "table.csv --label kind --latent 2 --net mlp:8 --epochs 3"),
    ("vae", "table.csv --label kind --latent 2 --net mlp:8 --epochs 3 --family vae"),
    ("mixed", "mixed.csv --for anomalies --members 2 --net mlp:8 --epochs 2"),
    ("anomalies", "table.csv --label kind --for anomalies --members 2 --net mlp:8 --epochs 3"),
    ("digits", "digits --epochs 1 --net mlp:16 --latent 4"),
    ("images", "digits --epochs 1 --net conv:4,8 --latent 4 --family vae"),
    ("head", "digits --epochs 1 --net mlp:16 --latent 4 --head softmax --head-epochs 1"),
    (
        "series",
        "series.csv --window 24 --epochs 1 --net mlp:8 --latent 3 --for anomalies --members 1",
    ),
    (
        "sparse",
        "table.csv --label kind --latent 12 --net linear --epochs 2 --family k-sparse --set k=3",
    ),
];

impl World {
    /// An empty folder of its own.
    pub(crate) fn new(program: Program) -> Outcome<Self> {
        let held = TempDir::new()?;
        Ok(Self { folder: held.path().to_owned(), _held: Some(held), program })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes the small tables, arrays and pictures.
    pub(crate) fn with_files(self) -> Outcome<Self> {
        let mut rng = Rng::new(7);
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let numbers: Vec<f32> = plane(&mut rng);
        let kinds = ["red", "green", "blue"];
        let line = |row: usize| {
            let cells: Vec<String> =
                numbers[4 * row..4 * row + 4].iter().map(|number| format!("{number:.4}")).collect();
            format!("{},{}\n", cells.join(","), kinds[row % 3])
        };
        let table = "a,b,c,d,kind\n".to_owned() + &(0..ROWS).map(line).collect::<String>();
        fs::write(self.path("table.csv"), &table)?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(table.as_bytes())?;
        fs::write(self.path("table.csv.gz"), packed.finish()?)?;
        fs::write(self.path("mixed.csv"), mixed(&numbers))?;
        fs::write(self.path("series.csv"), series(&mut rng))?;
        let records = |row: usize| {
            format!("{{\"a\": {}, \"b\": {{\"c\": \"x\", \"d\": [1, {row}]}}}}\n", numbers[4 * row])
        };
        fs::write(self.path("records.jsonl"), (0..40).map(records).collect::<String>())?;
        let log = |row: usize| {
            format!(
                "2024-01-01 00:{:02}:{:02} INFO unit{} said {row}\n",
                row / 60,
                row % 60,
                row % 3
            )
        };
        fs::write(self.path("lines.log"), (0..60).map(log).collect::<String>())?;
        write_npy(self.path("array.npy"), &[ROWS, 4], &numbers)?;
        write_table(self.path("table-of-numbers.parquet"), None, &names, ROWS, &numbers)?;
        let pixels: Vec<u8> = (0..20 * 64).map(|_| rng.below(256) as u8).collect();
        let mut idx = vec![0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 8, 0, 0, 0, 8];
        idx.extend(&pixels);
        fs::write(self.path("images.idx"), idx)?;
        fs::write(self.path("picture.png"), draw::png(&pixels[..64], 8, 1)?)?;
        fs::write(
            self.path("recipe.toml"),
            "family = \"denoising\"\nlatent = 2\nnet = \"mlp:8\"\nepochs = 2\n\n[parameters]\nlevel = 0.2\n",
        )?;
        fs::write(
            self.path("recipe.json"),
            "{\"family\": \"vae\", \"latent\": 2, \"net\": \"mlp:8\", \"epochs\": 2}",
        )?;
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        for entry in fs::read_dir(corpus)? {
            let path = entry?.path();
            if let Some(name) =
                path.file_name().filter(|_| path.extension().is_some_and(|it| it != "py"))
            {
                fs::copy(&path, self.root().join(name))?;
            }
        }
        Ok(self)
    }

    /// Trains a model of every kind as well.
    pub(crate) fn with_models(self) -> Outcome<Self> {
        let own = self.with_files()?;
        for (name, words) in MODELS {
            let run = own.program.run(
                own.root(),
                &format!("train {words} -o {name}.ae --quiet --threads 1 --force"),
            )?;
            if let Some(wrong) = run.not_done() {
                return Err(format!("{name}.ae could not be trained: {wrong}").into());
            }
        }
        Ok(own)
    }
}

/// Makes a folder that stays, with files and models of every kind.
pub(crate) fn of_fuzzers(folder: &Path) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    let program = Program::new(crate::built(crate::root())?);
    World { folder: std::path::absolute(folder)?, _held: None, program }.with_models().map(drop)
}

/// Rows near a plane in four columns.
fn plane(rng: &mut Rng) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(4 * ROWS);
    for _ in 0..ROWS {
        let [x, y] = [rng.standard_normal(), rng.standard_normal()];
        numbers
            .extend([x, y, x + y, x - 2.0 * y].map(|number| number + 0.1 * rng.standard_normal()));
    }
    numbers
}

/// A table of every kind of column.
fn mixed(numbers: &[f32]) -> String {
    let words = ["disk full", "network timeout", "retry ok", "login failed"];
    let line = |row: usize| {
        let gap = if row.is_multiple_of(7) {
            String::new()
        } else {
            format!("{:.3}", numbers[4 * row + 2])
        };
        format!(
            "{:.4},{},{},2024-{:02}-{:02},{:02}:{:02}:00,{} {row},{gap}\n",
            numbers[4 * row],
            numbers[4 * row + 1] > 0.0,
            ["red", "green", "blue"][row % 3],
            1 + row % 12,
            1 + row % 28,
            row % 24,
            row % 60,
            words[row % 4]
        )
    };
    "number,switch,kind,date,time,text,gap\n".to_owned() + &(0..ROWS).map(line).collect::<String>()
}

/// Two channels, every five minutes.
fn series(rng: &mut Rng) -> String {
    let line = |at: usize| {
        let minutes = 5 * at;
        let noise = 0.05 * rng.standard_normal();
        format!(
            "2024-01-{:02} {:02}:{:02}:00,{:.4},{:.4}\n",
            1 + minutes / 1440,
            minutes / 60 % 24,
            minutes % 60,
            (at as f32 / 5.0).sin() + noise,
            (at as f32 / 7.0).cos()
        )
    };
    "time,first,second\n".to_owned() + &(0..400).map(line).collect::<String>()
}

/// The hash of a file; none where there is none.
pub(crate) fn hash(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The files of a folder that no command should leave there.
pub(crate) fn orphans(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".ae-")).collect()
}
