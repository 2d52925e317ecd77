//! Tests the live view on a pseudo-terminal.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::bench::Bench;
use crate::workload::WORKLOAD;

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

#[test]
fn the_view_is_shown_during_a_run_and_removed_at_its_end() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let stderr = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let size = Winsize {
        ws_row: ROWS,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let mut child = bench
        .command(&["run", &mine, "--out", "out"])
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .unwrap();
    // When the other side of a pseudo-terminal is closed, Linux reports an error instead of the end of the file.
    let mut bytes = Vec::new();
    let _end = File::from(terminal).read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success());

    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
    let mut views = Vec::new();
    for byte in bytes {
        parser.process(&[byte]);
        // Every drawing ends with `ESC [ J`, which clears the rest of the screen.
        if byte == b'J' {
            views.push(parser.screen().contents());
        }
    }
    let shows = |words: &[&str]| {
        let all = |view: &&String| words.iter().all(|word| view.contains(word));
        views.iter().any(|view| all(&view))
    };
    assert!(shows(&["warm up (not measured)  ["]), "{views:#?}");
    assert!(
        shows(&[
            "measure  [",
            "s left",
            "\nset ",
            " of 2",
            "servers: 127.0.0.1:"
        ]),
        "{views:#?}"
    );
    let left = parser.screen().contents();
    assert!(left.contains("starting bundled"), "{left}");
    for word in ["left", "sessions", "servers:", "per s"] {
        assert!(!left.contains(word), "{left}");
    }
}
