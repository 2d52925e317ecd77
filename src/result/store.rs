//! Result folders. Writing never leaves an incomplete file and never overwrites a result. Read
//! errors name the file and what is wrong with it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::experiment_index::is_experiment;
use super::file::{FormatError, from_json, to_json};
use super::intervals::intervals_csv;
use super::run_result::RunResult;
use crate::measure::{interval_log, tagged_interval_log};

pub(super) const RESULT_FILE: &str = "result.json";
/// Folder of all results in the working directory.
pub(super) const RESULTS_DIR: &str = "results";
/// Limit of the results of one workload within one second.
const SAME_SECOND_MAX: u32 = 1_000;

/// Why a result cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// No space is left, or the quota is used up.
    #[error("cannot write {}: the disk is full ({source}). Free some space, or choose another folder with --out", path.display())]
    DiskFull { path: PathBuf, source: io::Error },
    /// Any other error of the file system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `write`, `read`, `create`.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The folder already holds a result.
    #[error("{} already holds a result, which is never overwritten; choose another folder with --out", path.display())]
    Exists { path: PathBuf },
    /// There is no such file, or the folder holds no result.
    #[error("no result at {}: expected a result.json, or a folder that holds one", path.display())]
    NotFound { path: PathBuf },
    /// The file exists but is not a readable result.
    #[error("{}: {source}", path.display())]
    Format { path: PathBuf, source: FormatError },
}

/// Creates the folder for a new result: `out` if given, otherwise `results/<workload>-<UTC time>`
/// in the working directory. It never reuses the folder of an existing result.
///
/// # Errors
///
/// If the folder cannot be created, or if `out` already holds a result.
pub fn results_dir(
    out: Option<&Path>,
    workload: &str,
    now: SystemTime,
) -> Result<PathBuf, ResultError> {
    match out {
        Some(out) => {
            create_dirs(out)?;
            if out.join(RESULT_FILE).exists() || is_experiment(out) {
                return Err(ResultError::Exists {
                    path: out.to_owned(),
                });
            }
            Ok(out.to_owned())
        }
        None => fresh_dir(Path::new(RESULTS_DIR), workload, now),
    }
}

fn fresh_dir(parent: &Path, workload: &str, now: SystemTime) -> Result<PathBuf, ResultError> {
    create_dirs(parent)?;
    let time = humantime::format_rfc3339_seconds(now)
        .to_string()
        .replace(':', "-");
    for attempt in 1..=SAME_SECOND_MAX {
        let suffix = if attempt == 1 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let path = parent.join(format!("{workload}-{time}{suffix}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failure("create", &path, source)),
        }
    }
    Err(ResultError::Exists {
        path: parent.join(format!("{workload}-{time}")),
    })
}

/// Writes `result.json`, `intervals.csv` and the logs of each run (`<workload>.hlog` and
/// `<workload>.tags.hlog`, `<workload>-2.hlog` for the second run) into `dir`, and the logs of servers
/// that did not come back after a fault (`run-2-127.0.0.1-2181.log`). Returns the path of
/// `result.json`.
///
/// Each file is written under another name and renamed when complete. `result.json` is written
/// last, so a folder that has one is complete.
///
/// # Errors
///
/// If a file cannot be written. A full disk has its own error.
pub fn write_result(dir: &Path, result: &RunResult) -> Result<PathBuf, ResultError> {
    create_dirs(dir)?;
    let labels: Vec<&str> = result.plan.ops.iter().map(|op| op.label.as_str()).collect();
    let title = format!(
        "{} {}: {}",
        result.tool.name, result.tool.version, result.plan.name
    );
    for (number, run) in (1..).zip(&result.runs) {
        let name = if number == 1 {
            result.plan.name.clone()
        } else {
            format!("{}-{number}", result.plan.name)
        };
        let logs = [
            (format!("{name}.hlog"), interval_log(&title, run)),
            (
                format!("{name}.tags.hlog"),
                tagged_interval_log(&title, &labels, run),
            ),
        ];
        for (name, log) in logs {
            save(&dir.join(name), log.as_bytes())?;
        }
        for log in &run.server_logs {
            let server: String = log
                .server
                .chars()
                .map(|c| match c {
                    '.' | 'a'..='z' | 'A'..='Z' | '0'..='9' => c,
                    _ => '-',
                })
                .collect();
            let name = format!("run-{}-{server}.log", run.number + 1);
            save(&dir.join(name), log.text.as_bytes())?;
        }
    }
    save(&dir.join("intervals.csv"), intervals_csv(result).as_bytes())?;
    let path = dir.join(RESULT_FILE);
    save(&path, to_json(result).as_bytes())?;
    Ok(path)
}

/// Returns the path of the result in the folder `dir`.
#[must_use]
pub fn result_file(dir: &Path) -> PathBuf {
    dir.join(RESULT_FILE)
}

/// Reads a result from its file or from the folder that holds it.
///
/// # Errors
///
/// If there is no result, or if it cannot be read. The message names the file and the reason.
pub fn read_result(path: &Path) -> Result<RunResult, ResultError> {
    let file = if path.is_dir() {
        path.join(RESULT_FILE)
    } else {
        path.to_owned()
    };
    let bytes = fs::read(&file).map_err(|source| match source.kind() {
        ErrorKind::NotFound => ResultError::NotFound {
            path: path.to_owned(),
        },
        _ => failure("read", &file, source),
    })?;
    let format = |source| ResultError::Format {
        path: file.clone(),
        source,
    };
    let text = String::from_utf8(bytes).map_err(|e| {
        format(FormatError::NotAResult(format!(
            "not text ({})",
            e.utf8_error()
        )))
    })?;
    let mut result = from_json(&text).map_err(format)?;
    result.path = Some(file);
    Ok(result)
}

/// Writes a file completely or not at all: it writes to another name, syncs and renames.
///
/// # Errors
///
/// If the write fails. The incomplete file is removed.
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), ResultError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let written = File::create(&partial)
        .and_then(|mut file| fill(&mut file, bytes))
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|source| {
        // The write error is returned. An error of this clean-up would add nothing.
        let _ = fs::remove_file(&partial);
        failure("write", path, source)
    })
}

fn fill(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn create_dirs(path: &Path) -> Result<(), ResultError> {
    fs::create_dir_all(path).map_err(|source| failure("create", path, source))
}

pub(super) fn failure(action: &'static str, path: &Path, source: io::Error) -> ResultError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ResultError::DiskFull { path, source },
        _ => ResultError::Io {
            action,
            path,
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;
    use std::time::{Duration, UNIX_EPOCH};

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_result_reads_back_from_its_folder_and_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut result = example::result();
        let mut bumpy = example::bumpy_recording();
        bumpy.find_gaps();
        result.runs.push(bumpy);
        let path = write_result(dir.path(), &result).unwrap();
        assert_eq!(
            names(dir.path()),
            [
                "intervals.csv",
                "result.json",
                "write-latency-2.hlog",
                "write-latency-2.tags.hlog",
                "write-latency.hlog",
                "write-latency.tags.hlog"
            ]
        );
        result.path = Some(path.clone());
        assert_eq!(read_result(dir.path()).unwrap(), result);
        assert_eq!(read_result(&path).unwrap(), result);
    }

    #[test]
    fn folders_are_never_reused() {
        let parent = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_764_000_000);
        let first = fresh_dir(parent.path(), "smoke", now).unwrap();
        let second = fresh_dir(parent.path(), "smoke", now).unwrap();
        assert!(first.ends_with("smoke-2025-11-24T16-00-00Z"), "{first:?}");
        assert!(second.ends_with("smoke-2025-11-24T16-00-00Z-2"));

        let out = parent.path().join("a/b");
        assert_eq!(results_dir(Some(&out), "smoke", now).unwrap(), out);
        assert!(results_dir(Some(&out), "smoke", now).is_ok(), "still empty");
        write_result(&out, &example::result()).unwrap();
        let again = results_dir(Some(&out), "smoke", now).unwrap_err();
        assert!(again.to_string().contains("never overwritten"));
    }

    #[test]
    fn a_full_disk_has_its_own_error_and_leaves_no_file() {
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let source = fill(&mut full, &[0; 100]).unwrap_err();
        let error = failure("write", Path::new("results/x/result.json"), source);
        assert!(
            error
                .to_string()
                .starts_with("cannot write results/x/result.json: the disk is full")
        );

        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        let error = save(&dir.path().join("taken"), b"x").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(names(dir.path()), ["taken"]);
    }

    #[test]
    fn read_errors_name_the_file_and_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = read_result(dir.path()).unwrap_err().to_string();
        assert!(nothing.starts_with("no result at "), "{nothing}");
        let path = dir.path().join("x.json");
        for (bytes, expected) in [
            (b"hello".as_slice(), "x.json: not a Quorate result"),
            (b"\xff\xfe", "x.json: not a Quorate result: not text"),
            (b"{\"schema_version\": 1}", "x.json: damaged: missing field"),
            (b"{\"schema_version\": 3}", "x.json: schema version 3"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = read_result(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }
}
