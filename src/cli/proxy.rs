//! `quorate proxy` (hidden): the process that carries, delays and cuts the connections of a deployment.

use std::io::{BufReader, stdin, stdout};

use clap::Args;

use super::failure::{Failure, Status};
use crate::fault;

/// Carries connections between servers and clients, as requests on standard input tell it
#[derive(Args, Debug)]
pub(super) struct ProxyArgs {}

pub(super) fn run(_args: &ProxyArgs) -> Result<Status, Failure> {
    fault::serve(BufReader::new(stdin()), stdout()).map_err(anyhow::Error::from)?;
    Ok(Status::SUCCESS)
}
