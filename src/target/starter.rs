//! Starts the servers of a deployment on a thread of its own.
//!
//! The kernel ends a server when the *thread* that started it ends (see [`super::process`]). This thread
//! lives as long as the deployment, so a server may be restarted from any thread.

use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use super::process::Lifetime;
use super::software::{ServerDir, Software};
use crate::workload::TargetShape;

/// The input of every start.
#[derive(Clone, Debug)]
pub(super) struct StartConfig {
    pub(super) software: Software,
    pub(super) shape: TargetShape,
    /// Path of the Quorate binary.
    pub(super) quorate: PathBuf,
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

    /// Starts the server with the folder `dir`.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub(super) fn start(&self, dir: &ServerDir) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts servers has ended");
        let (answer, answered) = channel();
        let request = Request {
            dir: dir.clone(),
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
    for Request { dir, answer } in requests {
        let child = dir.start(
            &config.software,
            &config.shape,
            &config.quorate,
            Lifetime::WithParent,
        );
        // If nobody waits for the child any more, the deployment is gone, and the kernel ends the child with
        // this thread.
        let _nobody_waits = answer.send(child);
    }
}
