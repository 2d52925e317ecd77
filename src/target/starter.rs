//! Starts the servers of a deployment on a thread of its own.
//!
//! The kernel ends a server when the *thread* that started it ends (see [`super::process`]). This thread
//! lives as long as the deployment, so a server may be restarted from any thread.

use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::pin::Cores;
use super::process::Lifetime;
use super::quota::CpuQuota;
use super::software::{ServerDir, Software};
use crate::workload::TargetShape;

/// The input of every start.
#[derive(Clone, Debug)]
pub(super) struct StartConfig {
    pub(super) software: Software,
    pub(super) shape: TargetShape,
    /// Path of the Quorate binary.
    pub(super) quorate: PathBuf,
    /// The cores of each server, if it is bound to some.
    pub(super) cores: Option<Cores>,
    /// A started server gets into its group, which has no limit until [`CpuQuota::apply`].
    pub(super) quota: Option<Arc<CpuQuota>>,
}

impl StartConfig {
    fn start(&self, dir: &ServerDir, index: usize) -> io::Result<Child> {
        let cores = self.cores.as_ref();
        let cores = cores.and_then(|cores| cores.servers.get(index));
        let mut child = dir.start(
            &self.software,
            &self.shape,
            &self.quorate,
            Lifetime::WithParent,
            cores.map_or(&[], Vec::as_slice),
        )?;
        if let Some(quota) = &self.quota
            && let Err(error) = quota.admit(index, child.id())
        {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(child)
    }
}

/// Starts servers. Drop it after the servers have ended: otherwise the kernel ends them.
#[derive(Debug)]
pub(super) struct Starter {
    /// `None` only while the value is dropped. The lock makes the sender usable from several threads.
    requests: Option<Mutex<Sender<Request>>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Request {
    dir: ServerDir,
    index: usize,
    answer: Sender<io::Result<Child>>,
}

impl Starter {
    /// # Errors
    /// If the thread cannot be created.
    pub(super) fn new(config: StartConfig) -> io::Result<Self> {
        let (requests, received) = channel();
        let thread = thread::Builder::new()
            .name("starter".to_owned())
            .spawn(move || serve(&config, &received))?;
        Ok(Self {
            requests: Some(Mutex::new(requests)),
            thread: Some(thread),
        })
    }

    /// Starts the server at `index`, with the folder `dir`.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub(super) fn start(&self, dir: &ServerDir, index: usize) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts servers has ended");
        let (answer, answered) = channel();
        let request = Request {
            dir: dir.clone(),
            index,
            answer,
        };
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        let sender = requests
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        sender.send(request).map_err(|_ended| gone())?;
        drop(sender);
        answered.recv().map_err(|_ended| gone())?
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        // The thread ends when there is no sender left.
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(config: &StartConfig, requests: &Receiver<Request>) {
    for Request { dir, index, answer } in requests {
        let child = config.start(&dir, index);
        // If nobody waits for the child any more, the deployment is gone, and the kernel ends the child with
        // this thread.
        let _nobody_waits = answer.send(child);
    }
}
