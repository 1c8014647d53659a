//! How a table of points in time becomes windows.

use crate::cycle::{Cycle, Cycles};
use crate::schema::{ColumnKind, Field};
use crate::span::Span;
use serde::{Deserialize, Deserializer, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// How a table of points becomes windows; a model keeps it, so that other rows are read the same
/// way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Points in a window.
    pub window: usize,
    /// Points from the start of a window to that of the next.
    pub stride: usize,
    /// The columns of time stamps, of a date and a time of day where these are two; where none is
    /// named, the only ones that hold dates.
    #[serde(default, deserialize_with = "one_or_several")]
    pub time: Vec<String>,
    /// The columns that were found to hold them, where none was named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// The columns that together tell several series of one file apart; no window holds points of two.
    #[serde(default, deserialize_with = "one_or_several")]
    pub group: Vec<String>,
    /// Points are averaged over spans of this length.
    pub resample: Option<Span>,
    /// What becomes of points of one time; none refuses them.
    pub duplicates: Option<Duplicates>,
    /// What becomes of missing points; none refuses them.
    pub gaps: Option<Gaps>,
    /// The phases that stand beside the channels; where nothing is said, those of the cycles that
    /// the time stamps go through more than twice.
    #[serde(default = "no_cycles")]
    pub calendar: Option<Cycles>,
    /// The time from one point to the next; none before points are read, or where they have no time
    /// stamps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Span>,
    /// What the columns of the table become, in this order; empty before they are read.
    #[serde(default)]
    pub channels: Vec<Channel>,
}

/// A column of a series: one channel of a number, or one for each level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The name of the column; empty where it has none.
    pub name: String,
    /// What it holds: numbers, truths or categories.
    pub kind: ColumnKind,
    /// The categories, for each of which there is a channel; empty for other kinds.
    pub levels: Vec<String>,
}

/// What stands together in the channels of a series: a column, or sine and cosine of a phase.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// What its numbers stand for.
    pub field: Field,
    /// Its channels.
    pub channels: Range<usize>,
    /// The cycle of a phase.
    pub cycle: Option<Cycle>,
}

impl Series {
    /// Windows of so many points, one from each point on; nothing else is said.
    pub fn of(window: usize) -> Self {
        Self {
            window,
            stride: 1,
            time: Vec::new(),
            found: Vec::new(),
            group: Vec::new(),
            resample: None,
            duplicates: None,
            gaps: None,
            calendar: None,
            step: None,
            channels: Vec::new(),
        }
    }

    /// The columns of its time stamps, once they are read.
    pub fn stamps(&self) -> &[String] {
        if self.time.is_empty() { &self.found } else { &self.time }
    }

    /// The phases that stand beside the channels, once they are read.
    pub fn cycles(&self) -> &[Cycle] {
        self.calendar.as_ref().map_or(&[], |cycles| &cycles.0)
    }

    /// What its channels are, in their order, once they are read.
    pub fn parts(&self) -> Vec<Part> {
        let (mut parts, mut next) = (Vec::new(), 0);
        let mut add = |name: String, field: Field, width: usize, cycle: Option<Cycle>| {
            parts.push(Part { name, field, channels: next..next + width, cycle });
            next += width;
        };
        for (at, channel) in self.channels.iter().enumerate() {
            let field = Field { kind: channel.kind, levels: Arc::new(channel.levels.clone()) };
            let name = match channel.name.as_str() {
                "" => format!("channel {at}"),
                name => name.to_owned(),
            };
            add(name, field, channel.width(), None);
        }
        for cycle in self.cycles() {
            add(cycle.what().to_owned(), cycle.field(), 2, Some(*cycle));
        }
        parts
    }
}

impl Channel {
    /// Channels that it takes.
    pub fn width(&self) -> usize {
        if self.kind == ColumnKind::Categorical { self.levels.len() } else { 1 }
    }
}

impl Part {
    /// The number of its field that numbers of its channels stand for.
    pub fn value(&self, numbers: &[f64]) -> f64 {
        match (self.cycle, self.field.kind, numbers) {
            (Some(cycle), _, [sine, cosine]) => cycle.place([*sine, *cosine]),
            (None, ColumnKind::Categorical, _) => {
                let most = numbers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                // A level that was not there in training has no channel.
                most.filter(|(_, share)| **share > 0.0)
                    .map_or(numbers.len() as f64, |(level, _)| level as f64)
            }
            _ => numbers.first().copied().unwrap_or(f64::NAN),
        }
    }

    /// The names of its channels.
    pub fn channel_names(&self) -> Vec<String> {
        match (self.cycle, self.field.kind) {
            (Some(_), _) => {
                ["sine", "cosine"].map(|wave| format!("{} ({wave})", self.name)).to_vec()
            }
            (None, ColumnKind::Categorical) => {
                self.field.levels.iter().map(|level| format!("{}={level}", self.name)).collect()
            }
            _ => vec![self.name.clone()],
        }
    }
}

/// Nothing stood beside the channels of models that do not speak of it.
fn no_cycles() -> Option<Cycles> {
    Some(Cycles::default())
}

/// Earlier models have one name or none.
fn one_or_several<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        Several(Vec<String>),
        One(Option<String>),
    }
    Ok(match Names::deserialize(source)? {
        Names::Several(names) => names,
        Names::One(name) => name.into_iter().collect(),
    })
}

/// Points of one time become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Their mean.
    Mean,
    /// The first of them.
    First,
    /// The last of them.
    Last,
}

impl Duplicates {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Mean, Self::First, Self::Last];

    /// Its word on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

impl Gaps {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Split, Self::Fill];

    /// Its word on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Fill => "fill",
        }
    }
}

/// Where points are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// A window ends there, and the next begins behind it.
    Split,
    /// They are put in, on a straight line.
    Fill,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_earlier_models_are_read() {
        let text = r#"{"window":6,"stride":1,"time":"when","resample":"5min","duplicates":null,"gaps":"fill"}"#;
        let series: Series = serde_json::from_str(text).unwrap();
        assert_eq!(series.time, ["when"]);
        assert!(series.cycles().is_empty() && series.calendar.is_some());
        let again: Series = serde_json::from_value(serde_json::json!(series)).unwrap();
        assert_eq!(again, series);
        let text = text.replace("\"when\"", "null");
        assert!(serde_json::from_str::<Series>(&text).unwrap().time.is_empty());
    }

    #[test]
    fn parts_follow_each_other_and_tell_their_numbers() {
        let channel = |name: &str, kind, levels: &[&str]| Channel {
            name: name.into(),
            kind,
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
        };
        let series = Series {
            channels: vec![
                channel("t", ColumnKind::Numeric, &[]),
                channel("state", ColumnKind::Categorical, &["on", "off"]),
            ],
            calendar: "day".parse().ok(),
            ..Series::of(3)
        };
        let parts = series.parts();
        let names: Vec<String> = parts.iter().flat_map(Part::channel_names).collect();
        let cyclic = ["time of day (sine)", "time of day (cosine)"];
        assert_eq!(names, [&["t", "state=on", "state=off"][..], &cyclic].concat());
        assert_eq!(parts[2].channels, 3..5);
        assert_eq!(parts[1].field.text(parts[1].value(&[0.2, 0.9])), "off");
        assert_eq!(parts[1].field.text(parts[1].value(&[0.0, 0.0])), "(other)");
        assert_eq!(parts[2].field.text(parts[2].value(&[1.0, 0.0])), "06:00");
    }
}
