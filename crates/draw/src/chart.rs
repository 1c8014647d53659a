//! Charts as SVG. Ink is black here; the page's style turns it where the page is dark.

use crate::colour::GROUPS;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
pub use plotters::style::RGBColor;
use rows::{Error, Result};
use std::ops::Range;

/// One of the colours of groups, over and over.
pub fn color(index: usize) -> RGBColor {
    let [r, g, b] = GROUPS[index % GROUPS.len()];
    RGBColor(r, g, b)
}

const FONT: &str = "sans-serif";

/// A curve.
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Across and up.
    pub points: Vec<(f64, f64)>,
    /// Of the line.
    pub color: RGBColor,
    /// Thin: what stands beside the curve that counts.
    pub thin: bool,
}

/// What drawing gives; the library's errors have a type for each way to draw.
type Drawn<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Draws on an area of this size.
fn drawn(
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend, Shift>) -> Drawn<()>,
) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let done = draw(&area).and_then(|()| area.present().map_err(Into::into));
    drop(area);
    done.map_err(|error| Error::data("chart", error.to_string()))?;
    Ok(svg)
}

/// The smallest and the largest of some numbers, apart even where all are one.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    match (low, high) {
        (low, high) if low > high => (0.0, 1.0),
        (low, high) if high - low < 1e-12 * high.abs().max(1e-300) => (low - 0.5, high + 0.5),
        both => both,
    }
}

/// A number for an axis.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.0e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        _ => format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// A number of two digits, for a logarithmic axis.
fn rounded(value: f64) -> String {
    let size = 10f64.powf(value.abs().max(1e-300).log10().floor() - 1.0);
    short((value / size).round() * size)
}

/// Axes with their names and faint lines across; `up` writes the numbers of the vertical one.
fn axes<'a, 's>(
    area: &DrawingArea<SVGBackend<'s>, Shift>,
    across: Range<f64>,
    high: Range<f64>,
    [x, y]: [&str; 2],
    up: &dyn Fn(f64) -> String,
) -> Drawn<ChartContext<'a, SVGBackend<'s>, Cartesian2d<RangedCoordf64, RangedCoordf64>>> {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(across, high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .axis_style(BLACK.mix(0.5))
        .x_desc(x)
        .y_desc(y)
        .label_style((FONT, 14))
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| up(*value))
        .draw()?;
    Ok(chart)
}

/// Curves over one axis, with a line across at `marked` and what it says; the vertical axis is
/// logarithmic where the numbers span more than a factor of 8.
pub fn lines(lines: &[Line], [x, y]: [&str; 2], marked: Option<(f64, String)>) -> Result<String> {
    let across = range(lines.iter().flat_map(|line| line.points.iter().map(|point| point.0)));
    let up = range(lines.iter().flat_map(|line| line.points.iter().map(|point| point.1)));
    let logarithmic = up.0 > 0.0 && up.1 / up.0 > 8.0;
    // A logarithm by hand: one chart type for both.
    let scale = move |value: f64| if logarithmic { value.log10() } else { value };
    let (low, high) = (scale(up.0), scale(up.1));
    let room = 0.06 * (high - low).max(1e-9);
    // Where something is marked its words stand below the curves, the legend above.
    let floor = low - if marked.is_some() { 2.5 * room } else { room };
    drawn((720, 320), |area| {
        let up = |value: f64| if logarithmic { rounded(10f64.powf(value)) } else { short(value) };
        let mut chart = axes(area, across.0..across.1, floor..high + 3.0 * room, [x, y], &up)?;
        if let Some((at, text)) = &marked {
            chart.draw_series(LineSeries::new(
                [(*at, floor), (*at, high + 3.0 * room)],
                BLACK.mix(0.4).stroke_width(1),
            ))?;
            let left = *at > 0.7 * (across.1 - across.0) + across.0;
            // At the lower end: the legend stands above.
            let beside = if left { (-8 - 7 * text.len() as i32, -16) } else { (6, -16) };
            let words = EmptyElement::at((*at, floor))
                + Text::new(text.clone(), beside, (FONT, 13).into_font());
            chart.draw_series([words])?;
        }
        for line in lines {
            let points = line.points.iter().map(|(x, y)| (*x, scale(*y)));
            let style = line.color.stroke_width(if line.thin { 1 } else { 2 });
            let color = line.color;
            let drawn = match line.points.len() {
                1 => chart.draw_series(points.map(|at| Circle::new(at, 4, color.filled())))?,
                _ => chart.draw_series(LineSeries::new(points, style))?,
            };
            drawn
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        if lines.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .label_font((FONT, 13))
                .margin(6)
                .draw()?;
        }
        Ok(())
    })
}

/// Bars over equal steps of a range: how many of the values lie in each; with a line across at
/// `marked` and what it says.
pub fn histogram(
    counts: &[usize],
    [low, high]: [f64; 2],
    names: [&str; 2],
    marked: Option<(f64, String)>,
) -> Result<String> {
    let (low, high) = range([low, high].into_iter());
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = (high - low) / counts.len().max(1) as f64;
    drawn((720, 260), |area| {
        let mut chart = axes(area, low..high, 0.0..1.05 * most, names, &short)?;
        let bar = |(at, count): (usize, &usize)| {
            let left = low + step * at as f64;
            Rectangle::new(
                [(left + 0.06 * step, 0.0), (left + 0.94 * step, *count as f64)],
                color(0).filled(),
            )
        };
        chart.draw_series(counts.iter().enumerate().map(bar))?;
        if let Some((at, text)) = &marked {
            chart.draw_series(LineSeries::new(
                [(*at, 0.0), (*at, 1.05 * most)],
                BLACK.mix(0.6).stroke_width(2),
            ))?;
            let left = *at > 0.7 * (high - low) + low;
            let beside = if left { (-8 - 7 * text.len() as i32, 2) } else { (6, 2) };
            chart.draw_series([EmptyElement::at((*at, 1.05 * most))
                + Text::new(text.clone(), beside, (FONT, 13).into_font())])?;
        }
        Ok(())
    })
}

/// One curve over time with some spans shaded.
pub fn series(
    points: &[(f64, f64)],
    shaded: &[(f64, f64)],
    names: [&str; 2],
    color: RGBColor,
) -> Result<String> {
    let across = range(points.iter().map(|point| point.0));
    let (low, high) = range(points.iter().map(|point| point.1));
    let room = 0.06 * (high - low);
    // A single point must be seen, too.
    let least = (across.1 - across.0) / 360.0;
    drawn((720, 260), |area| {
        let mut chart = axes(area, across.0..across.1, low - room..high + room, names, &short)?;
        let span = |(from, to): &(f64, f64)| {
            let wider = (0.5 * (least - (to - from))).max(0.0);
            Rectangle::new(
                [(from - wider, low - room), (to + wider, high + room)],
                RGBColor(214, 39, 40).mix(0.25).filled(),
            )
        };
        chart.draw_series(shaded.iter().map(span))?;
        chart.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(1)))?;
        Ok(())
    })
}

/// Named bars, one below the other, each with its number.
pub fn bars(bars: &[(String, f64)], what: &str) -> Result<String> {
    const LINE: i32 = 22;
    const NAME: i32 = 190;
    const WIDTH: i32 = 720;
    let most = bars.iter().map(|(_, value)| *value).fold(0f64, f64::max).max(1e-300);
    let height = LINE * bars.len() as i32 + 34;
    drawn((WIDTH as u32, height as u32), |area| {
        area.draw(&Text::new(what.to_owned(), (NAME, 4), (FONT, 14).into_font()))?;
        for (at, (name, value)) in bars.iter().enumerate() {
            let top = 28 + LINE * at as i32;
            let right = NAME + ((WIDTH - NAME - 80) as f64 * (value / most).clamp(0.0, 1.0)) as i32;
            area.draw(&Text::new(fitted(name), (8, top), (FONT, 14).into_font()))?;
            area.draw(&Rectangle::new(
                [(NAME, top), (right.max(NAME + 1), top + LINE - 7)],
                color(0).filled(),
            ))?;
            area.draw(&Text::new(short(*value), (right + 8, top), (FONT, 13).into_font()))?;
        }
        Ok(())
    })
}

/// A name that fits beside its bar.
fn fitted(name: &str) -> String {
    const MOST: usize = 22;
    if name.chars().count() > MOST {
        name.chars().take(MOST - 1).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}

/// Small bar charts side by side, each with its name: the shape of each distribution, all on scales
/// of their own.
pub fn small(charts: &[(String, &[usize], RGBColor)]) -> Result<String> {
    const ACROSS: usize = 8;
    const SIDE: (i32, i32) = (90, 74);
    let lines = charts.len().div_ceil(ACROSS).max(1);
    drawn(((SIDE.0 * ACROSS as i32) as u32, (SIDE.1 * lines as i32) as u32), |area| {
        for (at, (name, counts, color)) in charts.iter().enumerate() {
            let (left, top) =
                (SIDE.0 * (at % ACROSS) as i32 + 4, SIDE.1 * (at / ACROSS) as i32 + 2);
            area.draw(&Text::new(fitted(name), (left, top), (FONT, 12).into_font()))?;
            let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
            let (wide, high, floor) =
                ((SIDE.0 - 12) as f64 / counts.len().max(1) as f64, 48.0, top + 66);
            for (bar, count) in counts.iter().enumerate() {
                let x = left as f64 + wide * bar as f64;
                let y = floor - (high * *count as f64 / most).round() as i32;
                area.draw(&Rectangle::new(
                    [(x as i32, y), ((x + wide) as i32, floor)],
                    color.filled(),
                ))?;
            }
            area.draw(&PathElement::new(
                [(left, floor), (left + SIDE.0 - 12, floor)],
                BLACK.mix(0.4),
            ))?;
        }
        Ok(())
    })
}

/// Named curves of positive numbers, each from 1 on, both axes logarithmic.
pub fn curves(curves: &[(&str, &[f64])], across: &str, up: &str) -> Result<String> {
    let shown = |curve: &[f64]| -> Vec<(f64, f64)> {
        let points = curve.iter().enumerate().map(|(at, value)| (at as f64 + 1.0, *value));
        points.filter(|(_, value)| *value > 0.0 && value.is_finite()).collect()
    };
    let points: Vec<Vec<(f64, f64)>> = curves.iter().map(|(_, curve)| shown(curve)).collect();
    let most = |of: fn(&(f64, f64)) -> f64| {
        points.iter().flatten().map(of).fold(f64::MIN_POSITIVE, f64::max)
    };
    let (right, top) = (most(|point| point.0).max(2.0), most(|point| point.1));
    // Four decades below the largest number: what is smaller does not count.
    let bottom =
        points.iter().flatten().map(|point| point.1).fold(top / 2.0, f64::min).max(top * 1e-4);
    drawn((720, 380), |area| {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(62)
            .build_cartesian_2d((1.0..right).log_scale(), (bottom..top * 1.3).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(across)
            .y_desc(up)
            .label_style((FONT, 14))
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        for (at, ((name, _), points)) in curves.iter().zip(&points).enumerate() {
            let style = color(at).stroke_width(2);
            // Clipped here: the library would draw over the axis.
            let inside = points.iter().copied().filter(|(_, value)| *value >= bottom);
            let drawn = chart.draw_series(LineSeries::new(inside, style))?;
            drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        let legend = SeriesLabelPosition::LowerLeft;
        chart
            .configure_series_labels()
            .position(legend)
            .label_font((FONT, 14))
            .margin(10)
            .draw()?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_markup() {
        let svg = bars(&[("<script>alert(1)</script>".to_owned(), 1.0)], "a & b < c").unwrap();
        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("&lt;script"), "{svg}");
        let line = Line {
            name: "<script>x</script>".to_owned(),
            points: vec![(0.0, 1.0), (1.0, 2.0)],
            color: color(0),
            thin: false,
        };
        let other =
            Line { name: "b".to_owned(), points: vec![(0.0, 1.0)], color: color(1), thin: true };
        assert!(!lines(&[line, other], ["x", "y"], None).unwrap().contains("<script"));
    }

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!(
            [0.0, 0.0123, 1.0, 12.5, 250.0, 1e6, 2e-5].map(short),
            ["0", "0.0123", "1", "12.5", "250", "1e6", "2e-5"]
        );
    }

    #[test]
    fn numbers_that_are_all_the_same_make_a_chart() {
        assert!(
            histogram(&[3], [2.0, 2.0], ["x", "y"], Some((2.0, "here".to_owned())))
                .unwrap()
                .contains("<rect")
        );
        let flat = Line {
            name: "flat".to_owned(),
            points: vec![(1.0, 5.0), (2.0, 5.0)],
            color: color(0),
            thin: false,
        };
        assert!(
            lines(&[flat], ["x", "y"], Some((1.0, "here".to_owned()))).unwrap().contains("here")
        );
    }

    #[test]
    fn every_curve_is_drawn_and_named_whatever_its_numbers_are() {
        let text = curves(
            &[("one", &[4.0, 2.0, 0.0]), ("two", &[f64::NAN, 3.0, 1e-30]), ("three", &[])],
            "number",
            "size",
        )
        .unwrap();
        for words in ["one", "two", "three", "number", "size"] {
            assert!(text.contains(words), "{words}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
}
