//! One side of a comparison.

use std::path::PathBuf;

use crate::report::describe::target_line;
use crate::report::human::counted;
use crate::result::RunResult;

/// The facts that tell two sides of the same target apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The target as given by the user: `bundled`, `zk://h1:2181`.
    pub spec: String,
    /// The target with its size and the version that it reports.
    pub target: String,
    /// Folder of the result; `None` if it was not written.
    pub folder: Option<PathBuf>,
    /// Start of the measured phase of the first run, Unix time in milliseconds; `None` without a
    /// run.
    pub started_unix_ms: Option<u64>,
    pub runs: usize,
    /// Schema version of the result.
    pub schema: u64,
    pub valid: bool,
    /// What the target did, one sentence each.
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

    /// Returns the start in UTC to the second.
    pub(in crate::report) fn started(&self) -> Option<String> {
        let since = std::time::Duration::from_millis(self.started_unix_ms?);
        let at = std::time::UNIX_EPOCH.checked_add(since)?;
        let text = humantime::format_rfc3339_seconds(at).to_string();
        Some(text.replace('T', " ").replace('Z', " UTC"))
    }
}
