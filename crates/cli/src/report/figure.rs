//! What a report is made of.

use autoencoders::Result;
use autoencoders::data::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use draw::{png, png_grid};
use maud::{Markup, PreEscaped, html};

/// A part of the page under one heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its heading.
    pub title: &'static str,
    /// A sentence or two on what to look for.
    pub words: Markup,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// Names and their colours.
pub(crate) type Legend = Vec<(String, [u8; 3])>;

/// A picture with its words.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// The name of its file, without an ending.
    pub name: String,
    /// What it shows, in a line; also what a screen reader says.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// What colours mean.
    pub legend: Legend,
    /// The picture.
    pub picture: Picture,
}

/// A drawing or pixels.
#[derive(Clone, Debug)]
pub(crate) enum Picture {
    /// An SVG element.
    Svg(String),
    /// A PNG, and how wide it is shown at most, in pixels of the page.
    Png(Vec<u8>, usize),
}

impl Picture {
    /// Images between 0 and 1 in a grid.
    pub(crate) fn images(
        images: &[f32],
        shape: &Shape,
        per_row: usize,
        scale: usize,
    ) -> Result<Self> {
        let (width, across) = match shape {
            Shape::Image { width, .. } => (*width, per_row),
            _ => (1, per_row),
        };
        Ok(Self::Png(png_grid(images, shape, per_row, Some(scale))?, (width * scale + 1) * across))
    }

    /// Rows of `width` coloured pixels.
    pub(crate) fn pixels(pixels: &[u8], width: usize, shown: usize) -> Result<Self> {
        Ok(Self::Png(png(pixels, width, 3)?, shown))
    }

    /// The bytes of a file, and its ending.
    pub(crate) fn file(&self) -> (Vec<u8>, &'static str) {
        match self {
            Self::Svg(svg) => (svg.clone().into_bytes(), "svg"),
            Self::Png(bytes, _) => (bytes.clone(), "png"),
        }
    }

    /// As a part of a page.
    fn markup(&self, title: &str) -> Markup {
        match self {
            Self::Svg(svg) => {
                html! { div.chart role="img" aria-label=(title) { (PreEscaped(svg)) } }
            }
            Self::Png(bytes, width) => {
                html! { img src=(data_uri(bytes)) alt=(title) style={ "max-width:min(100%," (width) "px)" }; }
            }
        }
    }
}

/// A PNG as an address that holds it.
pub(crate) fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

impl Figure {
    pub(crate) fn new(
        name: &str,
        title: impl Into<String>,
        caption: impl Into<String>,
        picture: Picture,
    ) -> Self {
        Self {
            name: name.to_owned(),
            title: title.into(),
            caption: caption.into(),
            legend: Vec::new(),
            picture,
        }
    }

    pub(crate) fn markup(&self) -> Markup {
        html! {
            figure id=(self.name) {
                h3 { (self.title) }
                (self.picture.markup(&self.title))
                @if !self.legend.is_empty() {
                    p.legend {
                        @for (name, [r, g, b]) in &self.legend {
                            span { i style={ "background:rgb(" (r) "," (g) "," (b) ")" } {} (name) }
                        }
                    }
                }
                figcaption { (self.caption) }
            }
        }
    }
}
