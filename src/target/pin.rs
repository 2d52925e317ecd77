//! Binds each server and the driver to cores of their own.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The servers and the driver cannot have cores of their own.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error(
        "--pin gives each of {servers} servers and the driver cores of their own, which takes at least {} cores, and \
quorate may use {cores}. Leave --pin out, or give every server the same share of a core: --set target.cpu=0.03",
        servers + 1
    )]
    TooFew { servers: usize, cores: usize },
    #[error("--pin binds servers that quorate starts, and {target} already runs; leave --pin out")]
    NotOurs { target: String },
    #[error("cannot bind the driver to its cores: {source}")]
    Io { source: io::Error },
}

/// The cores of each server and of the driver, by the kernel's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// By index of the server.
    pub servers: Vec<Vec<u32>>,
    pub driver: Vec<u32>,
}

impl Cores {
    /// Distributes the cores that the calling thread may use over `servers` servers and a driver with `threads`
    /// threads.
    ///
    /// # Errors
    /// If there are fewer cores than servers and one for the driver.
    pub fn distribute(servers: usize, threads: u32) -> Result<Self, PinError> {
        let allowed = sched_getaffinity(None).map_err(|errno| PinError::Io {
            source: errno.into(),
        })?;
        let cores: Vec<u32> = (0_u32..)
            .take(CpuSet::MAX_CPU)
            .filter(|core| allowed.is_set(*core as usize))
            .collect();
        Self::of(&cores, servers, threads).ok_or(PinError::TooFew {
            servers,
            cores: cores.len(),
        })
    }

    /// Every server gets the same number of cores. The driver gets one per thread, as far as they suffice, and the
    /// cores that remain.
    fn of(cores: &[u32], servers: usize, threads: u32) -> Option<Self> {
        let spare = cores
            .len()
            .checked_sub(servers)
            .filter(|spare| *spare > 0)?;
        let driver = usize::try_from(threads)
            .unwrap_or(usize::MAX)
            .clamp(1, spare);
        let each = (cores.len() - driver) / servers.max(1);
        let (of_servers, of_driver) = cores.split_at(each * servers);
        Some(Self {
            servers: of_servers
                .chunks(each.max(1))
                .map(<[u32]>::to_vec)
                .collect(),
            driver: of_driver.to_vec(),
        })
    }
}

/// The calling thread, and the threads that it starts, bound to the driver's cores. Dropping it on the same thread
/// ends that.
#[derive(Debug)]
pub(super) struct Bound {
    before: CpuSet,
}

impl Bound {
    pub(super) fn to(cores: &[u32]) -> Result<Self, PinError> {
        let bind = || {
            let before = sched_getaffinity(None)?;
            sched_setaffinity(None, &set(cores))?;
            Ok(Self { before })
        };
        bind().map_err(|errno: rustix::io::Errno| PinError::Io {
            source: errno.into(),
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // The cores were allowed before, so this fails only if they are no longer there.
        let _ = sched_setaffinity(None, &self.before);
    }
}

/// Binds the calling thread, and the program that replaces it, to `cores`.
///
/// # Errors
/// If this process may use none of them.
pub fn bind(cores: &[u32]) -> io::Result<()> {
    sched_setaffinity(None, &set(cores)).map_err(io::Error::from)
}

fn set(cores: &[u32]) -> CpuSet {
    let mut set = CpuSet::new();
    for core in cores
        .iter()
        .filter(|core| (**core as usize) < CpuSet::MAX_CPU)
    {
        set.set(*core as usize);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_get_equal_numbers_of_cores_and_the_driver_the_rest() {
        let cores = |servers: &[&[u32]], driver: &[u32]| Cores {
            servers: servers.iter().map(|cores| cores.to_vec()).collect(),
            driver: driver.to_vec(),
        };
        let of = |count: u32, servers, threads| {
            let all: Vec<u32> = (0..count).collect();
            Cores::of(&all, servers, threads)
        };
        assert_eq!(of(2, 1, 1), Some(cores(&[&[0]], &[1])));
        assert_eq!(of(4, 3, 2), Some(cores(&[&[0], &[1], &[2]], &[3])));
        let eight = cores(&[&[0, 1], &[2, 3], &[4, 5]], &[6, 7]);
        assert_eq!(of(8, 3, 2), Some(eight));
        assert_eq!(of(6, 3, 1), Some(cores(&[&[0], &[1], &[2]], &[3, 4, 5])));
        assert_eq!(of(3, 3, 1), None);
        assert_eq!(of(2, 3, 1), None);
    }

    #[test]
    fn a_thread_is_bound_until_the_end_and_so_are_its_threads() {
        std::thread::spawn(|| {
            let before = sched_getaffinity(None).unwrap();
            let first = (0..CpuSet::MAX_CPU)
                .find(|core| before.is_set(*core))
                .unwrap();
            let bound = Bound::to(&[u32::try_from(first).unwrap()]).unwrap();
            let started = std::thread::spawn(|| sched_getaffinity(None).unwrap().count());
            assert_eq!(started.join().unwrap(), 1);
            drop(bound);
            assert_eq!(sched_getaffinity(None).unwrap(), before);
        })
        .join()
        .unwrap();
    }
}
