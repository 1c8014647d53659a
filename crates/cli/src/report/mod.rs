//! The report: what a model has learned, as one page that opens anywhere.

mod anomalies;
mod code;
mod compare;
mod facts;
mod figure;
mod filters;
mod generate;
mod hourglass;
mod page;
mod rows;
mod training;
mod tree;

pub(crate) use facts::Facts;
pub(crate) use figure::{Figure, Picture, Section};
pub(crate) use rows::is_curve;

use autoencoders::Result;

/// The page on a model, or on several side by side, and its sections.
pub(crate) fn page(all: &[Facts]) -> Result<(String, Vec<Section>)> {
    let sections = match all {
        [one] => sections(one)?,
        several => compare::sections(several)?,
    };
    Ok((page::page(all, &sections)?, sections))
}

/// Every section that has something to show for this model and these rows, in the order of the
/// page.
fn sections(facts: &Facts) -> Result<Vec<Section>> {
    let all = [
        training::section(facts)?,
        rows::section(facts)?,
        anomalies::section(facts)?,
        code::section(facts)?,
        filters::section(facts)?,
        tree::section(facts)?,
        generate::section(facts)?,
    ];
    Ok(all.into_iter().flatten().collect())
}
