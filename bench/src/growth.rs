//! How cost grows: time a row against width, batch, depth, rows and threads, as a table and a
//! picture in the manual's folder.

use crate::case::plain;
use crate::measure::{aligned, figures, median};
use crate::ours::{dataset, rows, train};
use crate::process::{Cost, command, run as run_process};
use crate::{Options, Result, print, say};
use plotters::prelude::*;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One curve: what grows, and for each size microseconds a row.
struct Curve {
    name: &'static str,
    /// What a reader should know of the setting.
    setting: String,
    points: Vec<Point>,
}

struct Point {
    size: f64,
    /// Microseconds a row.
    time: f64,
    /// Peak megabytes, where whole processes were run.
    memory: Option<f64>,
}

fn point(size: usize, time: f64) -> Point {
    Point { size: size as f64, time, memory: None }
}

/// Microseconds a row of a network in training; the median of five runs.
fn row_time(widths: &[usize], batch: usize) -> Result<f64> {
    let training = plain(widths, batch);
    let weights: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    // About a fifth of a second, as far as the rows that it takes stay small.
    let wanted = (6e9 / (weights * batch) as f64).max(0.05 / 4e-5) as usize;
    let steps = wanted.clamp(2, ((32 << 20) / (widths[0] * batch)).clamp(4, 2000));
    let data = dataset(&training, rows((steps + 5) * batch, widths[0], training.table))?;
    let times: Result<Vec<f64>> = (0..5).map(|_| train(&training.config, &data, steps)).collect();
    Ok(median(&times?) * 1e3 / batch as f64)
}

fn width() -> Result<Curve> {
    let sizes = [64, 128, 256, 512, 1024, 2048, 4096];
    let points = sizes
        .into_iter()
        .map(|width| Ok(point(width, row_time(&[width, width / 2, width / 8], 256)?)));
    let setting = "a network w - w/2 - w/8, batch 256".to_owned();
    Ok(Curve { name: "width", setting, points: points.collect::<Result<_>>()? })
}

fn batch() -> Result<Curve> {
    let sizes = [1, 4, 16, 64, 256, 1024, 4096];
    let points =
        sizes.into_iter().map(|batch| Ok(point(batch, row_time(&[784, 512, 256, 64], batch)?)));
    Ok(Curve {
        name: "batch",
        setting: "784-512-256-64".to_owned(),
        points: points.collect::<Result<_>>()?,
    })
}

fn depth() -> Result<Curve> {
    let sizes = [1, 2, 4, 8, 16];
    let widths = |depth: usize| [vec![256; depth + 1], vec![32]].concat();
    let points = sizes.into_iter().map(|depth| Ok(point(depth, row_time(&widths(depth), 256)?)));
    let setting =
        "256 columns, so many hidden layers of 256 each way, code 32, batch 256".to_owned();
    Ok(Curve { name: "depth", setting, points: points.collect::<Result<_>>()? })
}

fn threads() -> Result<Curve> {
    let points = [1, 2].into_iter().map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(point(threads, pool.install(|| row_time(&[784, 512, 256, 64], 256))?))
    });
    Ok(Curve {
        name: "threads",
        setting: "784-512-256-64, batch 256".to_owned(),
        points: points.collect::<Result<_>>()?,
    })
}

/// Columns of the streamed file.
const COLUMNS: usize = 32;

/// Writes an array row after row, never holding more than one.
fn write_rows(path: &Path, count: usize) -> std::io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {COLUMNS}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    let mut rng = autoencoders::Rng::new(1);
    for _ in 0..count {
        // Four hidden numbers make all columns, so that there is something to learn.
        let hidden: [f32; 4] = std::array::from_fn(|_| rng.standard_normal());
        for column in 0..COLUMNS {
            let value = hidden[column % 4] + 0.5 * hidden[(column / 4) % 4];
            file.write_all(&value.to_le_bytes())?;
        }
    }
    file.flush()
}

/// The command itself, so that its memory can be seen: one epoch from disk, within a budget smaller
/// than all but the smallest files.
fn rows_streamed(options: &Options) -> Result<Curve> {
    const BUDGET: &str = "8MB";
    let ae = command()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let sizes: &[usize] = if options.quick {
        &[1000, 10_000, 100_000]
    } else {
        &[1000, 10_000, 100_000, 1_000_000, 10_000_000]
    };
    let mut points = Vec::new();
    for count in sizes {
        let file = folder.path().join("rows.npy");
        write_rows(&file, *count).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut train = Command::new(&ae);
        train.args(["--threads", &options.threads().to_string(), "--quiet", "train"]).arg(&file);
        train.args([
            "--net", "mlp:64", "--latent", "4", "--epochs", "1", "--batch", "256", "--memory",
            BUDGET, "--force", "-o",
        ]);
        train.arg(folder.path().join("rows.ae"));
        let Cost { milliseconds, megabytes } = run_process(&mut train)?;
        say(&format!("rows {count}: {} ms, {megabytes:.0} MB", figures(milliseconds)));
        points.push(Point {
            size: *count as f64,
            time: milliseconds * 1e3 / *count as f64,
            memory: Some(megabytes),
        });
    }
    let setting = format!(
        "the whole command: `ae train` for one epoch of {COLUMNS}-64-4 in batches of 256 from an npy file, `--memory {BUDGET}`; \
         the largest file has {} MB",
        sizes.last().unwrap_or(&0) * COLUMNS * 4 / 1_000_000
    );
    Ok(Curve { name: "rows", setting, points })
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut curves = Vec::new();
    type Measure<'a> = (&'static str, Box<dyn Fn() -> Result<Curve> + 'a>);
    let measures: [Measure; 5] = [
        ("width", Box::new(width)),
        ("batch", Box::new(batch)),
        ("depth", Box::new(depth)),
        ("threads", Box::new(threads)),
        ("rows", Box::new(|| rows_streamed(options))),
    ];
    for (name, measure) in measures.iter().filter(|(name, _)| options.wants(name)) {
        say(&format!("measuring {name}"));
        let curve = measure()?;
        print(&format!("{name}: {}\n{}\n", curve.setting, table(&curve)));
        curves.push(curve);
    }
    if options.quick || curves.len() < measures.len() {
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let picture: PathBuf = docs.join("pictures/growth.svg");
    draw(&curves, &picture)?;
    let tables: String = curves
        .iter()
        .map(|curve| {
            format!("## {}\n\n{}.\n\n{}\n\n", curve.name, sentence(&curve.setting), table(curve))
        })
        .collect();
    let page = docs.join("growth-figures.md");
    let text = format!("{HEAD}{tables}");
    std::fs::write(&page, text.trim_end().to_owned() + "\n")
        .map_err(|error| format!("{}: {error}", page.display()))
}

const HEAD: &str = "# How cost grows: the figures

Made by `cargo run --profile dist -p bench -- --growth`, which also draws [the picture](pictures/growth.svg). What they say is in
[growth.md](growth.md).

";

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// How steeply time a row goes with size between two points: 0 is constant, 1 linear.
fn exponent(from: &Point, to: &Point) -> f64 {
    (to.time / from.time).ln() / (to.size / from.size).ln()
}

fn table(curve: &Curve) -> String {
    let memory = curve.points.iter().any(|point| point.memory.is_some());
    let mut head =
        vec![curve.name.to_owned(), "us a row".to_owned(), "grows as the power".to_owned()];
    if memory {
        head.push("peak memory".to_owned());
    }
    let mut lines = vec![head];
    for (at, point) in curve.points.iter().enumerate() {
        let power = if at == 0 {
            "-".to_owned()
        } else {
            format!("{:.2}", exponent(&curve.points[at - 1], point))
        };
        let mut line = vec![format!("{:.0}", point.size), figures(point.time), power];
        if memory {
            line.push(
                point.memory.map_or("-".to_owned(), |megabytes| format!("{megabytes:.0} MB")),
            );
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// One panel a curve, both axes logarithmic.
fn draw(curves: &[Curve], path: &Path) -> Result<()> {
    let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let area = SVGBackend::new(path, (1200, 760)).into_drawing_area();
    area.fill(&WHITE).map_err(|error| fail(&error))?;
    for (panel, curve) in area.split_evenly((2, 3)).iter().zip(curves) {
        let range = |of: fn(&Point) -> f64| {
            let all: Vec<f64> = curve.points.iter().map(of).collect();
            let low = all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = all.iter().copied().fold(0.0, f64::max);
            (low * 0.6..high * 2.0).log_scale()
        };
        let mut chart = ChartBuilder::on(panel)
            .caption(format!("time a row against {}", curve.name), ("sans-serif", 20))
            .margin(14)
            .x_label_area_size(42)
            .y_label_area_size(62)
            .build_cartesian_2d(range(|point| point.size), range(|point| point.time))
            .map_err(|error| fail(&error))?;
        let mesh = chart
            .configure_mesh()
            .x_desc(curve.name)
            .y_desc("microseconds a row")
            .label_style(("sans-serif", 14))
            .x_label_formatter(&|size| short(*size))
            .y_label_formatter(&|time| figures(*time))
            .light_line_style(TRANSPARENT)
            .x_labels(if curve.points.len() > 2 { 5 } else { 10 })
            .y_labels(5)
            .draw();
        mesh.map_err(|error| fail(&error))?;
        let blue = RGBColor(0, 114, 178);
        let line = curve.points.iter().map(|point| (point.size, point.time));
        chart
            .draw_series(LineSeries::new(line.clone(), blue.stroke_width(2)))
            .map_err(|error| fail(&error))?;
        chart
            .draw_series(line.clone().map(|at| Circle::new(at, 4, blue.filled())))
            .map_err(|error| fail(&error))?;
        // Each point with its number, on the side where the curve is not: on a short axis there may
        // be no label at all.
        let rising = curve
            .points
            .first()
            .zip(curve.points.last())
            .is_some_and(|(first, last)| first.time < last.time);
        let beside = if rising { (8, 3) } else { (7, -15) };
        let number = |at: (f64, f64)| {
            EmptyElement::at(at) + Text::new(figures(at.1), beside, ("sans-serif", 13))
        };
        chart.draw_series(line.map(number)).map_err(|error| fail(&error))?;
    }
    area.present().map_err(|error| fail(&error))
}

/// `10k`, `1M`.
fn short(size: f64) -> String {
    match size {
        size if size >= 1e6 => format!("{:.0}M", size / 1e6),
        size if size >= 1e4 => format!("{:.0}k", size / 1e3),
        size => format!("{size:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_doubles_with_its_size_grows_as_the_first_power() {
        assert!((exponent(&point(10, 3.0), &point(20, 6.0)) - 1.0).abs() < 1e-12);
        assert_eq!(exponent(&point(10, 3.0), &point(100, 3.0)), 0.0);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([64.0, 10_000.0, 1e7].map(short), ["64", "10k", "10M"]);
    }

    #[test]
    fn a_file_of_rows_is_an_array_that_the_library_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.npy");
        write_rows(&file, 7).unwrap();
        let data =
            autoencoders::data::read(&file.display().to_string(), &Default::default()).unwrap();
        assert_eq!((data.rows(), data.features()), (7, COLUMNS));
    }
}
