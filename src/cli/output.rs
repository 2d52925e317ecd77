//! Text for the user: results go to standard output, everything else to standard error.

use std::io::{self, Write};

use super::ascii::shown;
use super::terminal::{Terminal, wrap};

/// Colour of `error:`.
const RED: u8 = 31;

/// Writes `text` to standard output. A reader that closes the pipe (`| head`) is no error.
///
/// # Errors
/// If standard output cannot be written for another reason: a full disk, say.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_verbatim(&shown(text))
}

/// Like [`print`], but replaces no character: for text that the user wrote and reads back.
///
/// # Errors
/// As for [`print`].
pub(super) fn print_verbatim(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut written = out.write_all(text.as_bytes());
    if written.is_ok() && !text.ends_with('\n') {
        written = out.write_all(b"\n");
    }
    drop(out);
    finished(written)
}

/// Flushes standard output after text was `written` to it. A closed pipe is no error.
///
/// # Errors
/// As for [`print`].
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

/// Prints an error.
pub(super) fn complain(text: &str) {
    say_with("error:", RED, text);
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

/// Prints text that is neither an error nor a warning.
pub(super) fn tell(text: &str) {
    let _ = writeln!(
        io::stderr().lock(),
        "{}",
        wrap(&shown(text), Terminal::of_stderr().width())
    );
}
