//! `envi`: the environment of the server.

use std::fmt::Write as _;

use super::version::full_version;

/// A value that the system does not report is `None` and has no line.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub host_name: Option<String>,
    /// `Linux`.
    pub os_name: Option<String>,
    /// The release of the kernel.
    pub os_version: Option<String>,
    pub user_name: Option<String>,
    pub user_home: Option<String>,
    /// The working directory of the process.
    pub user_dir: Option<String>,
}

impl Environment {
    /// Java's rows about the JVM are missing, because there is none.
    pub(super) fn text(&self) -> String {
        let arch = Some(java_architecture().to_owned());
        let version = Some(full_version());
        let mut text = "Environment:\n".to_owned();
        for (key, value) in [
            ("zookeeper.version", &version),
            ("host.name", &self.host_name),
            ("os.name", &self.os_name),
            ("os.arch", &arch),
            ("os.version", &self.os_version),
            ("user.name", &self.user_name),
            ("user.home", &self.user_home),
            ("user.dir", &self.user_dir),
        ] {
            if let Some(value) = value {
                let _infallible = writeln!(text, "{key}={value}");
            }
        }
        text
    }
}

/// Returns Java's name of the processor architecture.
const fn java_architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        std::env::consts::ARCH
    }
}
