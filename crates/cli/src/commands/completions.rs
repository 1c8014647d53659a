//! `ae completions`: for the shell that is named.

use crate::args::{Args, Completions};
use crate::show;
use autoencoders::Result;
use clap::CommandFactory;

pub(crate) fn run(args: &Completions, _show: &show::Show) -> Result<()> {
    // Into memory first: the generator panics where its output breaks off.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "ae", &mut text);
    show::print(&String::from_utf8_lossy(&text))
}
