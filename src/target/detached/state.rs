//! The state file, which lists the servers and their processes.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use super::error::io_error;
use super::{DetachedEnsemble, DetachedError, DetachedServer};

pub(super) const STATE_FILE: &str = "ensemble.state";
/// First line of a state file. A file with another first line was written by a newer version or another
/// program.
const HEADER: &str = "quorate ensemble 1";

impl DetachedEnsemble {
    /// Loads the ensemble of `dir`.
    ///
    /// # Errors
    /// If there is no state file, or it cannot be read and parsed.
    pub fn load(dir: &Path) -> Result<Self, DetachedError> {
        let path = dir.join(STATE_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => parse(dir, &text).map_err(|line| DetachedError::Malformed { path, line }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(DetachedError::None {
                dir: dir.to_owned(),
            }),
            Err(source) => Err(io_error("read", &path)(source)),
        }
    }

    pub(super) fn save(&self) -> Result<(), DetachedError> {
        let path = self.dir.join(STATE_FILE);
        let draft = self.dir.join(format!("{STATE_FILE}.new"));
        fs::write(&draft, render(self))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(io_error("write", &path))
    }
}

fn render(ensemble: &DetachedEnsemble) -> String {
    let mut text = format!("{HEADER}\nboot {}\n", ensemble.boot);
    for server in &ensemble.servers {
        let process = server
            .process
            .map_or_else(|| "-".to_owned(), |process| process.to_string());
        let role = if server.observer { "observer" } else { "voter" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "server {} {process} {} {role}",
            server.id, server.address
        );
    }
    text
}

/// Parses a state file. The error is the number of the first malformed line.
fn parse(dir: &Path, text: &str) -> Result<DetachedEnsemble, usize> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(1);
    }
    let boot = lines
        .next()
        .and_then(|line| line.strip_prefix("boot "))
        .ok_or(2_usize)?;
    let servers = lines
        .zip(3..)
        .map(|(line, number)| parse_server(line).ok_or(number))
        .collect::<Result<_, usize>>()?;
    Ok(DetachedEnsemble {
        dir: dir.to_owned(),
        boot: boot.to_owned(),
        servers,
    })
}

fn parse_server(line: &str) -> Option<DetachedServer> {
    let mut words = line.strip_prefix("server ")?.split(' ');
    let server = DetachedServer {
        id: words.next()?.parse().ok()?,
        process: match words.next()? {
            "-" => None,
            identity => Some(identity.parse().ok()?),
        },
        address: words.next()?.parse().ok()?,
        observer: match words.next()? {
            "voter" => false,
            "observer" => true,
            _ => return None,
        },
    };
    words.next().is_none().then_some(server)
}
