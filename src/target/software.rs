//! The two kinds of server that Quorate can start, and the folder of a server.
//!
//! `server-N/` contains `zoo.cfg`, `data/myid`, `log/` (transaction logs), `conf/` (logging configuration of
//! Java), `out` (standard output and error) and `zookeeper.log` (the log of Java).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;

use super::java::{self, Installation};
use super::process::{Launch, Lifetime};
use super::zoo_cfg::{ServerSpec, zoo_cfg};
use crate::workload::TargetShape;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Software {
    /// The bundled reference server.
    Bundled,
    /// Apache ZooKeeper.
    Java(Installation),
}

impl Software {
    /// Whether servers tell each other the election address of their own server line, and connect to the address that
    /// they are told: Apache ZooKeeper since 3.5 does.
    pub(super) fn tells_address(&self) -> bool {
        matches!(self, Self::Java(_))
    }
}

/// The folder of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDir {
    root: PathBuf,
}

impl ServerDir {
    /// Returns the folder of server `id` below `parent`. Creates nothing.
    #[must_use]
    pub fn new(parent: &Path, id: u16) -> Self {
        Self {
            root: parent.join(format!("server-{id}")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Returns the log files of the server, the most important last.
    #[must_use]
    pub fn logs(&self) -> Vec<PathBuf> {
        vec![self.path("zookeeper.log"), self.path("out")]
    }

    /// Writes the configuration. Existing data of the server is kept.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, shape: &TargetShape, specs: &[ServerSpec], index: usize) -> io::Result<()> {
        if self.root.to_str().is_none() {
            let problem = "its name is not UTF-8, so zoo.cfg cannot name it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let (data, log, conf) = (self.path("data"), self.path("log"), self.path("conf"));
        for dir in [&data, &log, &conf] {
            fs::create_dir_all(dir)?;
        }
        fs::write(data.join("myid"), format!("{}\n", specs[index].id))?;
        fs::write(
            self.path("zoo.cfg"),
            zoo_cfg(shape, specs, index, &data, &log),
        )?;
        let java_log = self.path("zookeeper.log");
        fs::write(
            conf.join("log4j.properties"),
            java::log4j_properties(&java_log),
        )?;
        fs::write(conf.join("logback.xml"), java::logback_xml(&java_log))
    }

    /// Starts the server, bound to `cores` unless that is empty.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(
        &self,
        software: &Software,
        shape: &TargetShape,
        quorate: &Path,
        lifetime: Lifetime,
        cores: &[u32],
    ) -> io::Result<Child> {
        let config = self.path("zoo.cfg");
        let (program, args) = match software {
            Software::Bundled => (
                quorate.to_owned(),
                vec![
                    OsString::from("server"),
                    OsString::from("start-foreground"),
                    config.into_os_string(),
                ],
            ),
            Software::Java(installation) => (
                installation.java.clone(),
                java_args(installation, shape, &self.path("conf"), config),
            ),
        };
        Launch {
            quorate,
            program,
            args,
            dir: &self.root,
            output: &self.path("out"),
            lifetime,
            cores,
        }
        .start()
    }
}

fn java_args(
    installation: &Installation,
    shape: &TargetShape,
    conf: &Path,
    config: PathBuf,
) -> Vec<OsString> {
    let further = shape
        .jvm_flags
        .iter()
        .flat_map(|flags| flags.split_whitespace());
    let mut args: Vec<OsString> = further.map(OsString::from).collect();
    args.extend([
        format!("-Xmx{}m", shape.heap_mib).into(),
        "-Djava.awt.headless=true".into(),
        "-Djava.net.preferIPv4Stack=true".into(),
        "-Dzookeeper.jmx.log4j.disable=true".into(),
        "-cp".into(),
        installation.class_path(conf),
        java::MAIN_CLASS.into(),
        config.into_os_string(),
    ]);
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_is_started_with_the_arguments_of_zk_server_sh() {
        let installation = Installation {
            java: "/jdk/bin/java".into(),
            home: "/zk".into(),
            jars: vec!["/zk/zookeeper-3.9.5.jar".into()],
        };
        let shape = TargetShape {
            voters: 1,
            heap_mib: 256,
            jvm_flags: Some("-XX:+UseSerialGC  -Dx=y".to_owned()),
            ..TargetShape::default()
        };
        let args = java_args(&installation, &shape, Path::new("/c"), "/s/zoo.cfg".into());
        assert_eq!(args[..3], ["-XX:+UseSerialGC", "-Dx=y", "-Xmx256m"]);
        assert_eq!(
            args[args.len() - 4..],
            [
                "-cp",
                "/c:/zk/zookeeper-3.9.5.jar",
                java::MAIN_CLASS,
                "/s/zoo.cfg"
            ]
        );
    }

    #[test]
    fn a_folder_that_zoo_cfg_cannot_name_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let root = tempfile::tempdir().unwrap();
        let parent = root.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        let error = ServerDir::new(&parent, 1)
            .write(&TargetShape::default(), &[], 0)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(!parent.exists());
    }
}
