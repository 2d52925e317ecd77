//! Level-triggered epoll. Each descriptor is registered with a token that identifies it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// Identifies a registered descriptor. The numbers are ids of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    ClientListener,
    QuorumListener,
    ElectionListener,
    /// The disk thread has reported events.
    Disk,
    /// SIGTERM or SIGINT has arrived.
    Signal,
    Client(u64),
    /// A learner's connection to this server's quorum port.
    Link(u64),
    /// This server's connection to its leader.
    Leader(u64),
    /// A connection of the election port.
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

/// The events to poll a descriptor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interest {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Interest {
    pub(super) const NONE: Self = Self {
        read: false,
        write: false,
    };
    pub(super) const READ: Self = Self {
        read: true,
        write: false,
    };
    pub(super) const WRITE: Self = Self {
        read: false,
        write: true,
    };

    fn flags(self) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, self.read);
        flags.set(epoll::EventFlags::OUT, self.write);
        flags
    }
}

/// One event that epoll reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) token: Token,
    pub(super) readable: bool,
    pub(super) writable: bool,
}

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
        interest: Interest,
    ) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token.pack());
        Ok(epoll::add(&self.epoll, source, data, interest.flags())?)
    }

    pub(super) fn modify(
        &self,
        source: impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token.pack());
        Ok(epoll::modify(&self.epoll, source, data, interest.flags())?)
    }

    /// Waits at most `timeout` and replaces the contents of `ready` with the reported events.
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
