//! `quorate guard` (hidden): ties this process to its parent or detaches it, and then replaces it by a server.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};

use super::failure::{Failure, Status};
use crate::target::bind;

/// Runs a program that ends together with its parent
#[derive(Args, Debug)]
pub(super) struct GuardArgs {
    /// Id of the parent process. The program ends when the parent ends
    #[arg(long, value_name = "PID", required_unless_present = "detach")]
    parent: Option<i32>,
    /// Creates a new session, so that the program outlives its parent
    #[arg(long, conflicts_with = "parent")]
    detach: bool,
    /// Cores to which the program is bound
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    cores: Vec<u32>,
    /// Program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &GuardArgs) -> Result<Status, Failure> {
    if args.detach {
        setsid().map_err(io::Error::from)?;
    }
    if let Some(parent) = args.parent {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
        // If the parent ended before the call above, the kernel sends no signal.
        if getppid().map(rustix::process::Pid::as_raw_pid) != Some(parent) {
            return Err(io::Error::other("the parent process has ended").into());
        }
    }
    if !args.cores.is_empty() {
        bind(&args.cores)?;
    }
    let (program, arguments) = args
        .command
        .split_first()
        .ok_or_else(|| io::Error::other("no program given"))?;
    let error = Command::new(program).args(arguments).exec();
    Err(anyhow::anyhow!("cannot run {}: {error}", program.to_string_lossy()).into())
}
