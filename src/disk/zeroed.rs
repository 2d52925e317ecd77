//! Files of zeros that are written and synced in advance.
//!
//! If a write extends a file, or fills a hole or a preallocated but unwritten extent, then `fdatasync`
//! must also commit the file system's journal. A write over zeros that are on the disk already changes no
//! metadata, so `fdatasync` is cheaper. A thread keeps one such file ready.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Name of the spare file. No log file has this name.
const SPARE_NAME: &str = "spare.log";
/// Bytes of zeros that are written between two syncs.
const STEP_BYTES: u64 = 1 << 20;
/// Pause after each sync, so that the log's writes do not queue behind those of this thread.
const STEP_PAUSE: Duration = Duration::from_millis(5);
const ZEROS: &[u8] = &[0; 64 << 10];

/// Creates a file of `size_bytes` zeros and syncs it. The file's name is durable only after the directory
/// is synced.
///
/// # Errors
/// If the file exists already or the disk is full.
pub fn create_zeroed(path: &Path, size_bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    write_zeros(&file, 0, size_bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let size = usize::try_from(to - at)
            .unwrap_or(usize::MAX)
            .min(ZEROS.len());
        file.write_all_at(&ZEROS[..size], at)?;
        at += size as u64;
    }
    Ok(())
}

/// A file of zeros that is ready for use.
#[derive(Debug)]
pub(super) struct Spare {
    /// Open for writing.
    pub file: File,
    /// The path before the file is renamed.
    path: PathBuf,
    pub size_bytes: u64,
}

#[derive(Debug, Default)]
struct Slot {
    ready: Option<Spare>,
    /// Whether the last attempt failed. The next attempt begins when the next file is needed.
    failed: bool,
    stop: bool,
}

/// The state that a [`SpareMaker`] shares with its thread.
#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one spare file ready. A thread of its own creates the files.
#[derive(Debug)]
pub(super) struct SpareMaker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SpareMaker {
    /// Starts the thread, which creates a file of `size_bytes` in `dir`. A spare file that an earlier
    /// process left is removed first, because it may be incomplete or contain records.
    ///
    /// # Errors
    /// If an old spare file cannot be removed or the thread cannot be started.
    pub(super) fn start(dir: &Path, size_bytes: u64) -> io::Result<Self> {
        let path = dir.join(SPARE_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log-spare".to_owned())
            .spawn(move || keep_ready(&of_thread, &path, size_bytes))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Calls `begin` with the spare file, renames it to `path` and returns it, or returns `None` if no
    /// spare is ready. The thread then begins the next spare.
    ///
    /// # Errors
    /// If `begin` fails or the file cannot be renamed.
    pub(super) fn take_as(
        &self,
        path: &Path,
        begin: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<Option<Spare>> {
        let mut slot = self.shared.lock();
        slot.failed = false;
        let spare = slot.ready.take();
        // The lock is held during the renaming because the next spare gets the old name.
        let renamed = spare.as_ref().map_or(Ok(()), |spare| {
            begin(&spare.file)?;
            std::fs::rename(&spare.path, path)
        });
        self.shared.changed.notify_all();
        renamed.map(|()| spare)
    }

    /// Blocks until a spare file is ready. Returns false if none can be created.
    #[cfg(test)]
    pub(super) fn wait_ready(&self) -> bool {
        let slot = self
            .shared
            .changed
            .wait_while(self.shared.lock(), |slot| {
                slot.ready.is_none() && !slot.failed
            })
            .unwrap_or_else(PoisonError::into_inner);
        slot.ready.is_some()
    }
}

impl Drop for SpareMaker {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread does no harm: the log works without spares.
            drop(thread.join());
        }
        if let Some(spare) = self.shared.lock().ready.take() {
            // A failure does no harm: the next start removes the file too.
            drop(std::fs::remove_file(&spare.path));
        }
    }
}

fn keep_ready(shared: &Shared, path: &Path, size_bytes: u64) {
    loop {
        let made = make_spare(shared, path, size_bytes);
        let mut slot = shared.lock();
        match made {
            Ok(spare) => slot.ready = spare,
            Err(_) => {
                // The disk thread will create its next file itself and report the error if that fails.
                slot.failed = true;
                drop(std::fs::remove_file(path));
            }
        }
        shared.changed.notify_all();
        let slot = shared
            .changed
            .wait_while(slot, |slot| {
                !slot.stop && (slot.ready.is_some() || slot.failed)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if slot.stop {
            return;
        }
    }
}

/// Creates a spare file. Returns `None` if the thread is to stop.
fn make_spare(shared: &Shared, path: &Path, size_bytes: u64) -> io::Result<Option<Spare>> {
    let file = create_zeroed(path, 0)?;
    let mut at = 0;
    while at < size_bytes {
        let to = (at + STEP_BYTES).min(size_bytes);
        write_zeros(&file, at, to)?;
        file.sync_all()?;
        at = to;
        let (slot, _timeout) = shared
            .changed
            .wait_timeout_while(shared.lock(), STEP_PAUSE, |slot| !slot.stop)
            .unwrap_or_else(PoisonError::into_inner);
        if slot.stop {
            drop(std::fs::remove_file(path));
            return Ok(None);
        }
    }
    Ok(Some(Spare {
        file,
        path: path.to_owned(),
        size_bytes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_spare_is_replaced_by_the_next() {
        let dir = tempfile::tempdir().expect("a directory");
        let stale = dir.path().join(SPARE_NAME);
        std::fs::write(&stale, "left by a crash").expect("written");
        let maker = SpareMaker::start(dir.path(), STEP_BYTES + 5).expect("started");
        for name in ["log.1", "log.2"] {
            assert!(maker.wait_ready());
            let path = dir.path().join(name);
            let taken = maker.take_as(&path, |_| Ok(())).expect("renamed");
            let spare = taken.expect("one is ready");
            let bytes = std::fs::read(&path).expect("read");
            assert_eq!(bytes.len() as u64, spare.size_bytes);
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
        drop(maker);
        assert!(!stale.exists(), "no spare is left behind");
    }

    #[test]
    fn a_failure_to_create_a_spare_does_not_block_the_log() {
        let dir = tempfile::tempdir().expect("a directory");
        let gone = dir.path().join("gone");
        std::fs::create_dir(&gone).expect("made");
        let maker = SpareMaker::start(&gone, STEP_BYTES).expect("started");
        assert!(maker.wait_ready());
        drop(
            maker
                .take_as(&dir.path().join("log.1"), |_| Ok(()))
                .expect("taken"),
        );
        // The directory is renamed because that is atomic, whereas its removal could fail while the
        // thread creates a file in it. Whether or not the next spare is complete by now, it cannot be
        // taken, and no other can be created.
        std::fs::rename(&gone, dir.path().join("elsewhere")).expect("renamed");
        while maker.wait_ready() {
            assert!(
                maker
                    .take_as(&dir.path().join("log.2"), |_| Ok(()))
                    .is_err()
            );
        }
        assert!(
            maker
                .take_as(&dir.path().join("log.2"), |_| Ok(()))
                .expect("none")
                .is_none()
        );
    }
}
