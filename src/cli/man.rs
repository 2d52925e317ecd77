//! `quorate man`: prints manual pages.

use clap::Args;

use super::failure::{Failure, Status, bad_usage};
use super::{definition, output};

/// Prints a manual page (roff)
#[derive(Args, Debug)]
#[command(after_help = "Example: quorate man run | man -l -")]
pub(super) struct ManArgs {
    /// Command to print the page of [default: the program as a whole]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(super) fn run(args: &ManArgs) -> Result<Status, Failure> {
    let mut whole = definition();
    whole.build();
    let page = match &args.command {
        None => whole,
        Some(name) => whole
            .find_subcommand(name)
            .filter(|command| !command.is_hide_set())
            .cloned()
            .ok_or_else(|| bad_usage(format!("no command `{name}`; `quorate --help` lists them")))?
            // Without this, the title of the page of `quorate run` would be `run`.
            .display_name(format!("quorate-{name}")),
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(Status::SUCCESS)
}
