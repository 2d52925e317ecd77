//! Options for folders, which all commands that start servers have.

use std::path::PathBuf;

use clap::Args;

/// The folders of the servers that Quorate starts.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Places {
    /// Folder of an Apache ZooKeeper, or of its jars, for the target `zookeeper`
    ///
    /// The default is $ZOOKEEPER_HOME. If that is not set, the usual places are searched, among them the folders of
    /// Debian's package.
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(super) zookeeper_home: Option<PathBuf>,
    /// Folder for the data of local servers during a run
    ///
    /// The default is the cache folder of the user (`$XDG_CACHE_HOME/quorate`, `~/.cache/quorate`). Results show
    /// how fast its disk syncs, and whether it is in memory.
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(super) data_dir: Option<PathBuf>,
}
