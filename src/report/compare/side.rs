//! Who is compared: what tells two sides apart that may print alike.

use std::path::PathBuf;

use crate::report::describe::{counted, target_line};
use crate::result::RunResult;

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The target as it was asked for: `bundled`, `zk://h1:2181`.
    pub spec: String,
    /// The target with its shape and the version that it says itself.
    pub target: String,
    /// Folder of the result; `None` if it was not written.
    pub folder: Option<PathBuf>,
    /// When the first run began to be measured, Unix time in ms; `None` without a run.
    pub started_unix_ms: Option<u64>,
    /// Runs that the result holds.
    pub runs: usize,
    /// Version of the result's form.
    pub schema: u64,
    /// Whether the result is valid.
    pub valid: bool,
    /// What the target did, a sentence each.
    pub findings: Vec<String>,
}

impl Side {
    pub(super) fn new(result: &RunResult) -> Self {
        let folder = result.path.as_ref().and_then(|path| path.parent());
        Self {
            spec: result.target.spec.clone(),
            target: target_line(result),
            folder: folder.map(PathBuf::from),
            started_unix_ms: result.runs.iter().map(|run| run.started_unix_ms).min(),
            runs: result.runs.len(),
            schema: result.schema,
            valid: result.verdict.is_valid(),
            findings: result.findings.clone(),
        }
    }

    /// `7 runs, 2026-01-02 10:00:00 UTC, results/mixed`.
    pub(in crate::report) fn origin(&self) -> String {
        let mut parts = vec![counted(self.runs as u64, "run")];
        parts.extend(self.started());
        parts.extend(self.folder.as_ref().map(|folder| {
            if folder.as_os_str().is_empty() {
                ".".to_owned()
            } else {
                folder.display().to_string()
            }
        }));
        parts.join(", ")
    }

    /// When it began, to the second, UTC.
    pub(in crate::report) fn started(&self) -> Option<String> {
        let since = std::time::Duration::from_millis(self.started_unix_ms?);
        let at = std::time::UNIX_EPOCH.checked_add(since)?;
        let text = humantime::format_rfc3339_seconds(at).to_string();
        Some(text.replace('T', " ").replace('Z', " UTC"))
    }
}
