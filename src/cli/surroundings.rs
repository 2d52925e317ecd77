//! Options for folders, shared by the commands that start servers.

use std::path::PathBuf;

use clap::Args;

/// Where servers that Quorate starts come from, and where they keep their data.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Places {
    /// Folder of an Apache ZooKeeper, or of its jars, for the target `zookeeper`
    ///
    /// Without it: $ZOOKEEPER_HOME, then the usual places (Debian's package included).
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(super) zookeeper_home: Option<PathBuf>,
    /// Folder below which local servers keep their data during a run
    ///
    /// Without it: the cache folder of the user (`$XDG_CACHE_HOME/quorate`, `~/.cache/quorate`). Results say
    /// how fast it syncs, and whether it is memory only.
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(super) data_dir: Option<PathBuf>,
}
