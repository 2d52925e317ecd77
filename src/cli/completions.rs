//! `quorate completions`: prints the completion script for a shell.

use clap::Args;
use clap_complete::Shell;

use super::failure::{Failure, Status};
use super::{definition, output};

/// Prints shell completions
#[derive(Args, Debug)]
#[command(
    after_help = "Example: quorate completions bash > ~/.local/share/bash-completion/completions/quorate"
)]
pub(super) struct CompletionsArgs {
    /// Shell to print the script for
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Status, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "quorate", &mut text);
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(Status::SUCCESS)
}
