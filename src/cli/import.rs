//! `quorate import`: makes a workload file from a keeper-bench file or from transaction logs.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::failure::{Failure, MeansStatus, Status};
use super::output;
use crate::import::{self, ImportError, Imported};
use crate::protocol;
use crate::workload::Source;

/// Limit of a configuration file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Makes a workload file from the configuration of another benchmark, or from transaction logs
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  quorate import keeper-bench bench.yaml --out mine.toml
  quorate import txn-log /var/lib/zookeeper/version-2 --out production.toml

What the workload does differently is written to standard error and as comments into the file.")]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: From,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE", global = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum From {
    /// A YAML file of keeper-bench: its requests, weights, sizes, nodes and sessions
    KeeperBench {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Transaction logs of a ZooKeeper server: shares of the operations, sizes, rate, sessions, znodes per parent
    TxnLog {
        /// Log file, or a folder with logs (`dataLogDir` or its `version-2`)
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
}

pub(super) fn run(args: &ImportArgs) -> Result<Status, Failure> {
    let imported = match &args.from {
        From::KeeperBench { file } => {
            import::keeper_bench(&file.display().to_string(), &text_of(file)?)
        }
        From::TxnLog { paths } => import::txn_log(paths),
    }
    .bad_usage()?;
    // The imported values can lie outside of the limits of a workload. The message of the check names the key.
    let name = args.out.as_ref().map_or_else(
        || "the imported workload".to_owned(),
        |out| out.display().to_string(),
    );
    protocol::resolve(&Source::from_text(name, imported.text.clone()), &[], None).bad_usage()?;
    write(&imported, args.out.as_deref())?;
    Ok(Status::SUCCESS)
}

fn write(imported: &Imported, out: Option<&Path>) -> Result<(), Failure> {
    for note in &imported.notes {
        output::tell(note);
    }
    let Some(out) = out else {
        output::print_verbatim(&imported.text)?;
        return Ok(());
    };
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .map_err(|error| anyhow::anyhow!("cannot create {}: {error}", out.display()))?;
    std::io::Write::write_all(&mut file, imported.text.as_bytes())
        .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", out.display()))?;
    output::tell(&format!(
        "wrote {}; `quorate run {}` runs it",
        out.display(),
        out.display()
    ));
    Ok(())
}

/// Reads a configuration file of bounded size.
fn text_of(path: &Path) -> Result<String, Failure> {
    let unreadable = |source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(unreadable).bad_usage()?;
    let mut text = String::new();
    let read = file
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)
        .bad_usage()?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(ImportError::TooLong {
            name: path.display().to_string(),
            limit_bytes: FILE_BYTES_MAX,
        })
        .bad_usage();
    }
    Ok(text)
}
