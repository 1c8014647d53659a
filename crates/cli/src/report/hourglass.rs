//! The network as the hourglass it is.

use autoencoders::data::Shape;
use autoencoders::study::Level;
use maud::html;

const HEIGHT: f64 = 220.0;
const STEP: f64 = 92.0;
const BAR: f64 = 16.0;

/// Every level as a bar as high as it has numbers, to one scale, with its neighbours joined.
pub(super) fn drawing(levels: &[Level]) -> String {
    let numbers: Vec<usize> = levels.iter().map(|level| level.values.len()).collect();
    let most = numbers.iter().copied().max().unwrap_or(1).max(1) as f64;
    let high = |count: usize| (HEIGHT * count as f64 / most).max(2.0);
    let width = STEP * levels.len() as f64;
    let middle = 14.0 + HEIGHT / 2.0;
    let left = |at: usize| STEP * at as f64 + (STEP - BAR) / 2.0;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (HEIGHT + 64.0) } width=(width) height=(HEIGHT + 64.0) {
            @for (at, pair) in numbers.windows(2).enumerate() {
                @let [from, to] = [high(pair[0]), high(pair[1])];
                polygon.join points={
                    (left(at) + BAR) "," (middle - from / 2.0) " " (left(at + 1)) "," (middle - to / 2.0) " "
                    (left(at + 1)) "," (middle + to / 2.0) " " (left(at) + BAR) "," (middle + from / 2.0)
                } {}
            }
            @for (at, level) in levels.iter().enumerate() {
                @let count = numbers[at];
                rect.layer.code[level.name == "code"] x=(left(at)) y=(middle - high(count) / 2.0) width=(BAR) height=(high(count)) rx="2" {}
                text x=(left(at) + BAR / 2.0) y=(HEIGHT + 36.0) text-anchor="middle" font-size="13" { (size(&level.shape)) }
                text.faint x=(left(at) + BAR / 2.0) y=(HEIGHT + 54.0) text-anchor="middle" font-size="12" { (level.name) }
            }
        }
    };
    markup.into_string()
}

fn size(shape: &Shape) -> String {
    match shape {
        Shape::Flat { width } => width.to_string(),
        Shape::Image { height, width, channels } => format!("{height}×{width}×{channels}"),
        Shape::Series { length, channels } => format!("{length}×{channels}"),
    }
}
