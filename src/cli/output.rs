//! Words to the user: results to standard output, everything else to standard error.

use std::io::{self, Write};

use super::ascii::shown;
use super::terminal::{Terminal, wrap};

/// Colour of `error:`.
const RED: u8 = 31;

/// Writes `text` to standard output; a reader that has had enough (`| head`) is no error.
///
/// # Errors
/// If standard output cannot be written for another reason: a full disk, say.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_verbatim(&shown(text))
}

/// The same with every character as it is: for what the user wrote and reads back.
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

/// What became of text `written` to standard output, once all of it is out.
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

/// The error, once.
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
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A line on standard error that is neither error nor warning.
pub(super) fn tell(text: &str) {
    let _ = writeln!(
        io::stderr().lock(),
        "{}",
        wrap(&shown(text), Terminal::of_stderr().width())
    );
}
