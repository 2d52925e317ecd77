//! Tells the build which commit it is made from, so that a result can name it, and whether anything
//! was changed since. Without git, or outside a clone, it is not known, and the build goes on.
//! Also tells it the date that the servers report as their build date.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// All that the program is made from. What is changed elsewhere, in a document say, changes no result.
const SOURCES: [&str; 6] = [
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "assets",
    "workloads",
];

fn main() {
    let here = Path::new(".");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    // The log of HEAD grows with each commit and checkout. Where git keeps none, the index is written
    // by them, too, though by much else, and each time the program is built again. A path that does
    // not exist would build it again every time.
    let changes = ["logs/HEAD", "index"]
        .into_iter()
        .filter_map(|name| git(here, &["rev-parse", "--git-path", name]))
        .find(|path| Path::new(path).exists());
    if let Some(path) = changes {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Some(mark) = mark(here) {
        println!("cargo::rustc-env=QUORATE_COMMIT={mark}");
    }
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let built = std::env::var("SOURCE_DATE_EPOCH").ok();
    let built = built.and_then(|seconds| seconds.trim().parse().ok());
    let built = built.unwrap_or_else(|| built_s(here));
    println!("cargo::rustc-env=QUORATE_BUILT={built}");
}

/// The build date in seconds since 1970: the date of the commit, so that two builds of one commit
/// are alike, or outside a clone the present time.
pub(crate) fn built_s(dir: &Path) -> u64 {
    let commit = mark(dir).and_then(|_| git(dir, &["show", "--no-patch", "--format=%ct", "HEAD"]));
    commit
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        })
}

/// The commit that is checked out at `dir`, with `+dirty` behind it if a file of [`SOURCES`] that git
/// knows is not as in that commit.
pub(crate) fn mark(dir: &Path) -> Option<String> {
    // A folder that lies in somebody else's clone is not built from its commits.
    let top = git(dir, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != dir.canonicalize().ok()? {
        return None;
    }
    let commit = git(dir, &["rev-parse", "--short=12", "HEAD"])?;
    // Without the lock, git does not write the index for having looked.
    let status = [
        "--no-optional-locks",
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
    ];
    let changed = git(dir, &[&status[..], &SOURCES].concat()).is_some();
    Some(if changed {
        format!("{commit}+dirty")
    } else {
        commit
    })
}

/// What git says; nothing if it says nothing or fails.
fn git(dir: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(args)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
