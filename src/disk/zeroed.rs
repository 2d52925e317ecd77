//! Files of written, synced zeros, so that overwriting them changes no metadata.
//!
//! `fdatasync` after a write that makes a file longer, or that fills a hole or a preallocated but
//! unwritten extent, has to commit the file system's journal as well. Zeros that have reached the
//! disk before are overwritten in place. A thread keeps one such file ready.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The name of the file kept ready. No log has this name.
const SPARE_NAME: &str = "spare.log";
/// Bytes written between two syncs.
const STEP_BYTES: u64 = 1 << 20;
/// The pause after each sync, so that writes of the log do not wait for this thread.
const STEP_PAUSE: Duration = Duration::from_millis(5);
/// Zeros to write from.
const ZEROS: &[u8] = &[0; 64 << 10];

/// Makes the file `path` of `size_bytes` zeros and makes them durable (its name is not yet).
///
/// # Errors
/// If it exists already or the disk is full.
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

/// A file of zeros that is ready.
#[derive(Debug)]
pub(super) struct Spare {
    /// Open for writing.
    pub file: File,
    /// Where it lay until it was renamed.
    path: PathBuf,
    /// How many zeros.
    pub size_bytes: u64,
}

#[derive(Debug, Default)]
struct Slot {
    ready: Option<Spare>,
    /// The last attempt failed; try again when the next file is needed.
    failed: bool,
    stop: bool,
}

/// Keeps one file of zeros ready, from a thread of its own.
#[derive(Debug)]
pub(super) struct SpareMaker {
    slot: Arc<(Mutex<Slot>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl SpareMaker {
    /// Starts making a file of `size_bytes` in `dir`. One that an earlier process left is removed:
    /// it may have been written to.
    ///
    /// # Errors
    /// If that one cannot be removed or no thread can be started.
    pub(super) fn start(dir: &Path, size_bytes: u64) -> io::Result<Self> {
        let path = dir.join(SPARE_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let slot = Arc::new((Mutex::new(Slot::default()), Condvar::new()));
        let shared = Arc::clone(&slot);
        let thread = std::thread::Builder::new()
            .name("log-spare".to_owned())
            .spawn(move || keep_ready(&shared, &path, size_bytes))?;
        Ok(Self {
            slot,
            thread: Some(thread),
        })
    }

    /// The file that is ready, if one is, under its new name; the next one is begun.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(super) fn take_as(&self, path: &Path) -> io::Result<Option<Spare>> {
        let (lock, changed) = &*self.slot;
        let mut slot = locked(lock);
        slot.failed = false;
        let spare = slot.ready.take();
        // Under the lock: the old name is needed for the next one.
        let renamed = spare
            .as_ref()
            .map_or(Ok(()), |spare| std::fs::rename(&spare.path, path));
        changed.notify_all();
        renamed.map(|()| spare)
    }

    /// Blocks until a file is ready; `false` if none can be made.
    #[cfg(test)]
    pub(super) fn wait_ready(&self) -> bool {
        let (lock, changed) = &*self.slot;
        let slot = changed
            .wait_while(locked(lock), |slot| slot.ready.is_none() && !slot.failed)
            .unwrap_or_else(PoisonError::into_inner);
        slot.ready.is_some()
    }
}

impl Drop for SpareMaker {
    fn drop(&mut self) {
        let (lock, changed) = &*self.slot;
        locked(lock).stop = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // After a panic there is no spare, and the log goes on without.
            drop(thread.join());
        }
        if let Some(spare) = locked(lock).ready.take() {
            // The next start would remove it as well.
            drop(std::fs::remove_file(&spare.path));
        }
    }
}

fn locked(lock: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep_ready(shared: &(Mutex<Slot>, Condvar), path: &Path, size_bytes: u64) {
    let (lock, changed) = shared;
    loop {
        let made = make_spare(shared, path, size_bytes);
        let mut slot = locked(lock);
        match made {
            Ok(spare) => slot.ready = spare,
            Err(_) => {
                // The disk thread makes its next file itself, and reports the error if that fails too.
                slot.failed = true;
                drop(std::fs::remove_file(path));
            }
        }
        changed.notify_all();
        let slot = changed
            .wait_while(slot, |slot| {
                !slot.stop && (slot.ready.is_some() || slot.failed)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if slot.stop {
            return;
        }
    }
}

/// `None` if the thread was told to stop.
fn make_spare(
    (lock, changed): &(Mutex<Slot>, Condvar),
    path: &Path,
    size_bytes: u64,
) -> io::Result<Option<Spare>> {
    let file = create_zeroed(path, 0)?;
    let mut at = 0;
    while at < size_bytes {
        let to = (at + STEP_BYTES).min(size_bytes);
        write_zeros(&file, at, to)?;
        file.sync_all()?;
        at = to;
        let (slot, _timeout) = changed
            .wait_timeout_while(locked(lock), STEP_PAUSE, |slot| !slot.stop)
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
    fn keeps_a_file_of_zeros_ready_and_makes_the_next_when_it_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let stale = dir.path().join(SPARE_NAME);
        std::fs::write(&stale, "left by a crash").expect("written");
        let maker = SpareMaker::start(dir.path(), STEP_BYTES + 5).expect("started");
        for name in ["log.1", "log.2"] {
            assert!(maker.wait_ready());
            let path = dir.path().join(name);
            let taken = maker.take_as(&path).expect("renamed");
            let spare = taken.expect("one is ready");
            let bytes = std::fs::read(&path).expect("read");
            assert_eq!(bytes.len() as u64, spare.size_bytes);
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
        drop(maker);
        assert!(!stale.exists(), "no spare is left behind");
    }

    #[test]
    fn does_not_hang_when_no_file_can_be_made() {
        let dir = tempfile::tempdir().expect("a directory");
        let gone = dir.path().join("gone");
        std::fs::create_dir(&gone).expect("made");
        let maker = SpareMaker::start(&gone, STEP_BYTES).expect("started");
        assert!(maker.wait_ready());
        drop(maker.take_as(&dir.path().join("log.1")).expect("taken"));
        // Too late or not: the one being made vanishes, the next cannot even begin.
        // Renamed and not removed: that is atomic, whatever is being made in there.
        std::fs::rename(&gone, dir.path().join("elsewhere")).expect("renamed");
        while maker.wait_ready() {
            assert!(maker.take_as(&dir.path().join("log.2")).is_err());
        }
        assert!(
            maker
                .take_as(&dir.path().join("log.2"))
                .expect("none")
                .is_none()
        );
    }
}
