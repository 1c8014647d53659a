//! The sections of a report, in the order of the page.

use crate::report::anomalies;
use crate::report::code;
use crate::report::compare;
use crate::report::facts::Facts;
use crate::report::figure::Section;
use crate::report::filters;
use crate::report::generate;
use crate::report::page::html;
use crate::report::rows;
use crate::report::training;
use crate::report::tree;
use autoencoders::Result;

/// The page on a model, or on several side by side, and its sections.
pub(crate) fn page(all: &[Facts]) -> Result<(String, Vec<Section>)> {
    let sections = match all {
        [one] => sections(one)?,
        several => compare::sections(several)?,
    };
    Ok((html(all, &sections)?, sections))
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
