//! Readiness: epoll, level-triggered, with tokens that say what a descriptor is.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    /// Accepts clients.
    ClientListener,
    /// Accepts learners.
    QuorumListener,
    /// Accepts election connections.
    ElectionListener,
    /// The disk thread has something to say.
    Disk,
    /// A signal has come.
    Signal,
    /// A client's connection.
    Client(u64),
    /// A learner's connection.
    Link(u64),
    /// The connection to our leader.
    Leader(u64),
    /// An election connection.
    Vote(u64),
}

const ID_MASK: u64 = (1 << 56) - 1;

impl Token {
    fn pack(self) -> u64 {
        let (kind, id) = match self {
            Self::ClientListener => (0, 0),
            Self::QuorumListener => (1, 0),
            Self::ElectionListener => (2, 0),
            Self::Disk => (3, 0),
            Self::Signal => (4, 0),
            Self::Client(id) => (5, id),
            Self::Link(id) => (6, id),
            Self::Leader(id) => (7, id),
            Self::Vote(id) => (8, id),
        };
        (kind << 56) | (id & ID_MASK)
    }

    fn unpack(packed: u64) -> Self {
        let id = packed & ID_MASK;
        match packed >> 56 {
            0 => Self::ClientListener,
            1 => Self::QuorumListener,
            2 => Self::ElectionListener,
            3 => Self::Disk,
            4 => Self::Signal,
            5 => Self::Client(id),
            6 => Self::Link(id),
            7 => Self::Leader(id),
            _ => Self::Vote(id),
        }
    }
}

/// One readiness report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) token: Token,
    pub(super) readable: bool,
    pub(super) writable: bool,
}

/// The epoll instance.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller")
            .field("epoll", &self.epoll)
            .finish_non_exhaustive()
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            events: Vec::with_capacity(256),
        })
    }

    pub(super) fn add(
        &self,
        source: impl AsFd,
        token: Token,
        interest: (bool, bool),
    ) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token.pack());
        Ok(epoll::add(&self.epoll, source, data, flags(interest))?)
    }

    pub(super) fn modify(
        &self,
        source: impl AsFd,
        token: Token,
        interest: (bool, bool),
    ) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token.pack());
        Ok(epoll::modify(&self.epoll, source, data, flags(interest))?)
    }

    /// Waits at most `timeout` and reports into `ready`.
    pub(super) fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        let timeout = Timespec::try_from(timeout).ok();
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            timeout.as_ref(),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        ready.extend(self.events.iter().map(|event| {
            let flags = event.flags;
            let broken = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
            Ready {
                token: Token::unpack(event.data.u64()),
                readable: broken || flags.contains(epoll::EventFlags::IN),
                writable: broken || flags.contains(epoll::EventFlags::OUT),
            }
        }));
        Ok(())
    }
}

fn flags((read, write): (bool, bool)) -> epoll::EventFlags {
    let mut flags = epoll::EventFlags::empty();
    flags.set(epoll::EventFlags::IN, read);
    flags.set(epoll::EventFlags::OUT, write);
    flags
}
