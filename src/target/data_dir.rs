//! The folders for the data of local servers. Folders that killed runs left behind are removed.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::identity::ProcessIdentity;

/// Prefix of the name of a deployment's folder. The [`ProcessIdentity`] and a number follow.
const PREFIX: &str = "run-";

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The folder cannot be created or written to.
    #[error("cannot keep data in {}: {source}. Name another folder with --data-dir", dir.display())]
    Unusable { dir: PathBuf, source: io::Error },
}

/// Returns Quorate's cache folder: `$XDG_CACHE_HOME/quorate`, `~/.cache/quorate`, or `quorate` in the
/// system's temporary folder.
#[must_use]
pub fn cache_dir() -> PathBuf {
    let dir = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    dir("XDG_CACHE_HOME")
        .or_else(|| Some(dir("HOME")?.join(".cache")))
        .unwrap_or_else(env::temp_dir)
        .join("quorate")
}

/// Formats `path` with `~` for the home folder. Results, which users share, must not show its name.
#[must_use]
pub fn with_tilde(path: &Path) -> String {
    let below_home = env::var_os("HOME").and_then(|home| below(path, Path::new(&home)));
    below_home.unwrap_or_else(|| path.display().to_string())
}

/// Replaces a leading `~/` by the home folder. This is needed for `zookeeper:~/DIR`: a shell does not expand
/// `~` behind a prefix.
pub(super) fn expand_tilde(text: &str) -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from);
    expanded(text, home.as_deref())
}

fn expanded(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

fn below(path: &Path, home: &Path) -> Option<String> {
    let named = home.is_absolute() && home.parent().is_some();
    let rest = named.then(|| path.strip_prefix(home).ok()).flatten()?;
    Some(Path::new("~").join(rest).display().to_string())
}

/// Returns the parent folder of the deployments' folders: `data_dir` or the cache folder. It is created if it
/// is missing. The path is absolute, because servers have another working directory.
///
/// # Errors
/// If the folder cannot be created.
pub fn data_root(data_dir: Option<&Path>) -> Result<PathBuf, DataDirError> {
    let root = data_dir.map_or_else(cache_dir, Path::to_owned);
    fs::create_dir_all(&root).map_err(unusable(&root))?;
    fs::canonicalize(&root).map_err(unusable(&root))
}

/// Returns a function for `map_err` after an operation in `dir`.
pub fn unusable(dir: &Path) -> impl Fn(io::Error) -> DataDirError {
    let dir = dir.to_owned();
    move |source| DataDirError::Unusable {
        dir: dir.clone(),
        source,
    }
}

/// Creates a folder for one deployment below `data_dir` or the cache folder. Folders that killed runs left
/// behind are removed first.
///
/// # Errors
/// If the folder cannot be created.
pub(super) fn create_run_dir(data_dir: Option<&Path>) -> Result<PathBuf, DataDirError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let root = data_root(data_dir)?;
    sweep(&root);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = root.join(format!(
        "{PREFIX}{}-{number}",
        ProcessIdentity::of_this_process()
    ));
    fs::create_dir(&dir).map_err(unusable(&dir))?;
    Ok(dir)
}

/// Removes the folders of processes that have ended. Failures are ignored: the next run tries again.
fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.rsplit_once('-'))
            .and_then(|(identity, _number)| identity.parse::<ProcessIdentity>().ok());
        if owner.is_some_and(|owner| !owner.is_alive()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_ended_processes_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let me = ProcessIdentity::of_this_process();
        let dead = root
            .path()
            .join(format!("run-{}-{}-0", me.pid, me.started + 1));
        let others = ["run-x", "ensemble", "run-1-2"].map(|name| root.path().join(name));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("file"), "x").unwrap();
        for dir in &others {
            fs::create_dir(dir).unwrap();
        }
        let first = create_run_dir(Some(root.path())).unwrap();
        let second = create_run_dir(Some(root.path())).unwrap();
        assert_ne!(first, second);
        assert!(first.is_dir() && second.is_dir() && !dead.exists());
        assert!(others.iter().all(|dir| dir.is_dir()));
    }

    #[test]
    fn the_home_folder_is_shown_as_a_tilde() {
        let shown = |path: &str, home: &str| below(Path::new(path), Path::new(home));
        assert_eq!(
            shown("/u/ada/.cache/quorate", "/u/ada").as_deref(),
            Some("~/.cache/quorate")
        );
        assert_eq!(shown("/u/adam/x", "/u/ada"), None);
        assert_eq!(shown("/var/x", "/"), None);
    }

    #[test]
    fn a_tilde_is_expanded_to_the_home_folder() {
        let home = Path::new("/u/ada");
        let path = Path::new("/u/ada/zk-3.4.10");
        let shown = below(path, home).unwrap();
        assert_eq!(expanded(&shown, Some(home)), path);
        assert_eq!(expanded("zk", Some(home)), Path::new("zk"));
        assert_eq!(expanded("~/zk", None), Path::new("~/zk"));
    }

    #[test]
    fn the_error_names_a_folder_that_cannot_be_created() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = create_run_dir(Some(&file.path().join("below")))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("below") && error.contains("--data-dir"),
            "{error}"
        );
    }
}
