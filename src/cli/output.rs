//! Prints text for the user: results to standard output, everything else to standard error.

use std::io::{self, Write};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::ascii::shown;
use super::terminal::{Terminal, wrap};

/// ANSI colour of `error:`.
const RED: u8 = 31;

/// Writes `text` to standard output. A closed pipe, as in `| head`, is no error.
///
/// # Errors
/// If standard output cannot be written for another reason, such as a full disk.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_verbatim(&shown(text))
}

/// Like [`print`], but replaces no characters. For text that the user may feed back to the program.
///
/// # Errors
/// Like [`print`].
pub(super) fn print_verbatim(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut written = out.write_all(text.as_bytes());
    if written.is_ok() && !text.ends_with('\n') {
        written = out.write_all(b"\n");
    }
    drop(out);
    finished(written)
}

/// Flushes standard output. `written` is the outcome of writing to it. A closed pipe is no error.
///
/// # Errors
/// Like [`print`].
pub(super) fn finished(written: io::Result<()>) -> io::Result<()> {
    match written.and_then(|()| io::stdout().flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(io::Error::new(
            e.kind(),
            format!("cannot write to standard output: {e}"),
        )),
        Ok(()) => Ok(()),
    }
}

pub(super) fn error(text: &str) {
    say_with("error:", RED, text);
}

/// Prints an error, but waits no longer than `longest` for whoever reads standard error.
pub(super) fn error_within(text: &str, longest: Duration) {
    let (alive, end) = channel::<()>();
    let owned = text.to_owned();
    let thread = std::thread::Builder::new().spawn(move || {
        let _alive = alive;
        error(&owned);
    });
    match thread {
        Ok(_detached) => {
            let _printed_or_late = end.recv_timeout(longest);
        }
        Err(_no_thread) => error(text),
    }
}

fn say_with(word: &str, colour: u8, text: &str) {
    let terminal = Terminal::of_stderr();
    let text = wrap(&format!("{word} {}", shown(text)), terminal.width());
    let text = match text.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", terminal.paint(colour, word)),
        None => text,
    };
    // A failure of standard error cannot be reported anywhere.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a message that is neither an error nor a warning to standard error.
pub(super) fn tell(text: &str) {
    let _ = writeln!(
        io::stderr().lock(),
        "{}",
        wrap(&shown(text), Terminal::of_stderr().width())
    );
}
