//! The server's log: lines on standard error.
//!
//! A thread writes the lines, so the event loop never waits for the reader of standard error. Many lines
//! of one kind become one line a second, so that strangers cannot fill the disk.

use std::io::{self, Write};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::time::{Duration, SystemTime};

use super::line_limiter::LineLimiter;

/// Most lines that wait to be written. With [`LINE_BYTES_MAX`] they take at most 8 MiB.
const WAITING_MAX: usize = 1_024;
/// A longer line is cut.
const LINE_BYTES_MAX: usize = 8 << 10;
/// How long a server that ends waits until its last lines are written.
const FLUSH: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct ServerLog {
    server_id: i64,
    limiter: LineLimiter,
    /// `None` only while this is dropped.
    lines: Option<SyncSender<String>>,
    /// Disconnected once the thread has ended.
    end: Receiver<()>,
    /// Lines that were dropped since the last one that fitted.
    dropped: u64,
}

impl ServerLog {
    pub(super) fn start(server_id: i64) -> io::Result<Self> {
        Self::start_with(server_id, io::stderr())
    }

    fn start_with(server_id: i64, mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel::<String>(WAITING_MAX);
        let (alive, end) = channel();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                let _alive: std::sync::mpsc::Sender<()> = alive;
                for line in waiting {
                    // An error here cannot be reported anywhere.
                    let _closed = out.write_all(line.as_bytes());
                }
            })?;
        Ok(Self {
            server_id,
            limiter: LineLimiter::default(),
            lines: Some(lines),
            end,
            dropped: 0,
        })
    }

    pub(super) fn line(&mut self, text: &str) {
        let before = match self.dropped {
            0 => String::new(),
            count => {
                let text = format!("{count} lines were not written: standard error was not read");
                self.stamped(&text)
            }
        };
        let line = before + &self.stamped(text);
        let Some(lines) = &self.lines else {
            return;
        };
        match lines.try_send(line) {
            Ok(()) => self.dropped = 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped += 1,
        }
    }

    /// Writes a line, unless a line of this kind was written less than a second ago. In that case it is
    /// counted, and [`Self::write_due`] tells how many there were.
    pub(super) fn limited(&mut self, now_ms: u64, kind: &'static str, text: String) {
        if let Some(text) = self.limiter.admit(now_ms, kind, text) {
            self.line(&text);
        }
    }

    /// Writes one line for each kind with lines that were held back for a second.
    pub(super) fn write_due(&mut self, now_ms: u64) {
        for text in self.limiter.due(now_ms) {
            self.line(&text);
        }
    }

    fn stamped(&self, text: &str) -> String {
        let at = humantime::format_rfc3339_millis(SystemTime::now());
        let mut line = format!("{at} [myid:{}] {text}", self.server_id);
        let mut end = line.len().min(LINE_BYTES_MAX);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push('\n');
        line
    }
}

impl Drop for ServerLog {
    /// Waits until the lines are written, but not for ever: nobody may read them.
    fn drop(&mut self) {
        self.lines = None;
        let outcome = self.end.recv_timeout(FLUSH);
        debug_assert!(
            matches!(
                outcome,
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout)
            ),
            "the thread sends nothing"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Writes each line only after it got a permit, like a pipe that is not read.
    struct Gate {
        permits: Receiver<()>,
        out: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _all_open_now = self.permits.recv();
            self.out.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_dropped_and_counted() {
        let (open, permits) = channel();
        let out = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate {
            permits,
            out: Arc::clone(&out),
        };
        let mut log = ServerLog::start_with(3, gate).expect("a thread");
        let sent = 3 * WAITING_MAX as u64;
        for _ in 0..sent {
            log.line("held back");
        }
        drop(open);
        let mut again = 1;
        log.line("again");
        while log.dropped > 0 {
            std::thread::yield_now();
            log.line("again");
            again += 1;
        }
        drop(log);
        let text = String::from_utf8(out.lock().expect("no panic").clone()).expect("UTF-8");
        let told: u64 = text
            .lines()
            .filter_map(|line| {
                line.split_once("[myid:3] ")?
                    .1
                    .split_once(" lines were not")
            })
            .map(|(count, _)| count.parse::<u64>().expect("a count"))
            .sum();
        let written = text.matches("held back").count() + text.matches("again").count();
        assert_eq!(written as u64 + told, sent + again);
        // One line more than the queue holds may be in the hands of the thread.
        assert!(told >= sent - WAITING_MAX as u64 - 1, "{told}");
        assert!(text.ends_with("again\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let log = ServerLog::start_with(1, io::sink()).expect("a thread");
        let line = log.stamped(&"ü".repeat(LINE_BYTES_MAX));
        assert!(line.len() <= LINE_BYTES_MAX + 1);
        assert!(line.ends_with("ü\n"));
    }
}
