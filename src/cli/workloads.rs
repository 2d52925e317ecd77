//! `quorate workloads`: lists and prints the shipped workloads.

use std::fmt::Write;

use clap::Args;

use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::output;
use super::terminal::wrap;
use crate::protocol::{self, find_shipped, nearest_shipped, shipped};

const WIDTH: usize = 78;

/// Lists the shipped workloads and their purposes, or prints the file of one of them
#[derive(Args, Debug)]
pub(super) struct WorkloadsArgs {
    /// Workload whose file is printed
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(args: &WorkloadsArgs) -> Result<Status, Failure> {
    let text = match &args.name {
        Some(name) => one(name)?,
        None => list()?,
    };
    output::print(&text)?;
    Ok(Status::SUCCESS)
}

fn one(name: &str) -> Result<String, Failure> {
    find_shipped(name)
        .map(|shipped| shipped.text.to_owned())
        .ok_or_else(|| {
            let hint = nearest_shipped(name).map_or_else(
                || "`quorate workloads` lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            bad_usage(format!("no shipped workload `{name}`; {hint}"))
        })
}

fn list() -> Result<String, Failure> {
    let mut text = String::new();
    for shipped in shipped() {
        let experiment = protocol::expand(&shipped.source(), &[], None).bad_usage()?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", shipped.name);
        let _ = writeln!(text, "{}", wrap(&format!("    {}", experiment.why), WIDTH));
    }
    text.push_str("\n`quorate run NAME` runs one, `quorate workloads NAME` prints its file.\n");
    Ok(text)
}
