//! Options for the folders and the cores of the servers that commands start.

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

/// The cores of the servers that Quorate starts.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Pinning {
    /// Binds each server to cores of its own, and the driver to the others
    ///
    /// Every server gets the same number of cores, and the driver gets one per thread at least. It is an error if there
    /// are not more cores than servers.
    #[arg(long, help_heading = "Places")]
    pub(super) pin: bool,
}
