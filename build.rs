//! Tells the build which commit it is made from, so that a result can name it. Without git, or
//! outside a clone, it is not known, and the build goes on.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Grows with each commit and checkout; a path that does not exist would rebuild every time.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    // A folder that lies in somebody else's clone is not built from its commits.
    let top = git(&["rev-parse", "--show-toplevel"]);
    let here = std::env::current_dir().and_then(|dir| dir.canonicalize());
    if let (Some(top), Ok(here)) = (top, here)
        && Path::new(&top).canonicalize().is_ok_and(|top| top == here)
        && let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"])
    {
        println!("cargo::rustc-env=QUORATE_COMMIT={commit}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
