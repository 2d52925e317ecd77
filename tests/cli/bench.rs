//! A temporary folder in which tests run `quorate`.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Timeout for all waits. It is longer than any of them takes on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    /// Creates a folder with a calibration of this machine, so that no run has to measure the resolution first.
    pub(crate) fn new() -> Self {
        let bench = Self::uncalibrated();
        let machine = quorate::result::gather(None);
        let key = format!(
            "{} / {}",
            machine.hostname.as_deref().unwrap_or("?"),
            machine.cpu_model.as_deref().unwrap_or("?")
        );
        let calibration = serde_json::json!({ key: {"at_unix_ms": 1, "resolution": {
            "response_p50_us": 30.0, "response_p99_us": 300.0, "late_p50_us": 5.0, "late_p99_us": 50.0,
        }}});
        fs::create_dir_all(bench.path().join("cache/quorate")).unwrap();
        bench.file("cache/quorate/calibration.json", &calibration.to_string());
        bench
    }

    pub(crate) fn uncalibrated() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Returns a `quorate` command with the temporary folder as working directory and the cache folder below it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command
            .args(args)
            .current_dir(self.path())
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("ZOOKEEPER_HOME")
            .env_remove("JAVA_HOME")
            .env_remove("ZOOCFGDIR")
            .env_remove("ZOOCFG")
            .env_remove("ZOO_LOG_DIR")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }
}

/// The outcome of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    /// The signal that ended the process.
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert_eq!(self.stderr.matches("error: ").count(), 1, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert_eq!(self.status, Some(0), "{self:?}");
        &self.stdout
    }
}
