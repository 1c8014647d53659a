//! Curves for the page, as SVG.

use crate::Outcome;
use autoencoders::inspect::colour::GROUPS;
use plotters::prelude::*;

/// Named curves of positive numbers, each from 1 on, both axes logarithmic.
pub(crate) fn curves(curves: &[(&str, &[f64])], across: &str, up: &str) -> Outcome<String> {
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
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (720, 380)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
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
            .label_style(("sans-serif", 14))
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| crate::finding::number(*value))
            .draw()?;
        for (at, ((name, _), points)) in curves.iter().zip(&points).enumerate() {
            let [r, g, b] = GROUPS[at % GROUPS.len()];
            let style = RGBColor(r, g, b).stroke_width(2);
            // Clipped here: the library would draw over the axis.
            let inside = points.iter().copied().filter(|(_, value)| *value >= bottom);
            let drawn = chart.draw_series(LineSeries::new(inside, style))?;
            drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        let legend = SeriesLabelPosition::LowerLeft;
        chart
            .configure_series_labels()
            .position(legend)
            .label_font(("sans-serif", 14))
            .margin(10)
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used)]
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
