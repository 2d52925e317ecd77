//! A link: a listener that stands for one server, and what its two ways do to bytes.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::Waker;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::connection::Connection;
use super::control::Way;
use super::shape::Shape;
use super::timer::{Timer, now_ns};

/// One way of a link. All connections of the link share it.
#[derive(Debug)]
pub(super) struct WayState {
    shape: Cell<Shape>,
    /// The shape that the link began with.
    own_shape: Shape,
    cut: Cell<bool>,
    /// Number of times that a cut ended.
    heals: Cell<u64>,
    /// What was sent into a cut is delivered no earlier than this.
    not_before_ns: Cell<u64>,
    /// Time until which the way is occupied, if it has a rate.
    occupied_until_ns: Cell<u64>,
    random: RefCell<Xoshiro256PlusPlus>,
    /// Connections that wait for the end of a cut.
    waiting: RefCell<Vec<Waker>>,
}

impl WayState {
    fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape: Cell::new(shape),
            own_shape: shape,
            cut: Cell::new(false),
            heals: Cell::new(0),
            not_before_ns: Cell::new(0),
            occupied_until_ns: Cell::new(0),
            random: RefCell::new(Xoshiro256PlusPlus::seed_from_u64(seed)),
            waiting: RefCell::default(),
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape.get()
    }

    /// Sets what happens to bytes that are read from now on.
    pub(super) fn set_shape(&self, shape: Shape) {
        self.shape.set(shape);
        self.occupied_until_ns.set(0);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.get()
    }

    pub(super) fn not_before_ns(&self) -> u64 {
        self.not_before_ns.get()
    }

    pub(super) fn cut(&self) {
        self.cut.set(true);
    }

    /// Ends a cut, and restores the shape that the link began with. What was sent into the cut arrives after the
    /// delay, as after a retransmission.
    pub(super) fn heal(&self) {
        self.set_shape(self.own_shape);
        if self.cut.replace(false) {
            self.heals.set(self.heals.get() + 1);
            let arrival = now_ns().saturating_add(self.own_shape.delay_ns);
            self.not_before_ns.set(arrival);
            for waker in self.waiting.take() {
                waker.wake();
            }
        }
    }

    /// Wakes `waker` when the cut ends. `noted` is the caller's memory: it is noted once per cut.
    pub(super) fn await_heal(&self, waker: &Waker, noted: &mut Option<u64>) {
        let heals = self.heals.get();
        if noted.replace(heals) != Some(heals) {
            self.waiting.borrow_mut().push(waker.clone());
        }
    }

    /// Returns the time at which `bytes` bytes arrive that leave at `leaves_ns`. They occupy the way.
    pub(super) fn arrival_ns(&self, leaves_ns: u64, bytes: usize) -> u64 {
        let shape = self.shape.get();
        let mut sent_ns = leaves_ns;
        let occupied_ns = shape.occupied_ns(bytes);
        if occupied_ns > 0 {
            let begin_ns = leaves_ns.max(self.occupied_until_ns.get());
            sent_ns = begin_ns.saturating_add(occupied_ns);
            self.occupied_until_ns.set(sent_ns);
        }
        let delay_ns = match shape.jitter_ns {
            0 => shape.delay_ns,
            _ => shape.delay_ns(self.random.borrow_mut().next_u64()),
        };
        sent_ns.saturating_add(delay_ns)
    }
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) server: SocketAddr,
    pub(super) forward: WayState,
    pub(super) backward: WayState,
    pub(super) timer: Rc<Timer>,
}

impl Link {
    pub(super) fn new(id: usize, server: SocketAddr, shape: Shape, timer: &Rc<Timer>) -> Rc<Self> {
        let seed = 2 * u64::try_from(id).unwrap_or(0);
        Rc::new(Self {
            server,
            forward: WayState::new(shape, seed),
            backward: WayState::new(shape, seed + 1),
            timer: Rc::clone(timer),
        })
    }

    pub(super) fn way(&self, way: Way) -> &WayState {
        match way {
            Way::Forward => &self.forward,
            Way::Backward => &self.backward,
        }
    }

    /// Listens on a free port of the loopback address.
    ///
    /// # Errors
    /// If there is no free port or no free file descriptor.
    pub(super) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    /// Accepts connections and carries their bytes, as long as the process runs. `room` limits the connections of
    /// all links: without room, new ones wait in the kernel's queue.
    pub(super) async fn accept(self: Rc<Self>, listener: TcpListener, room: Rc<Semaphore>) {
        // The semaphore is never closed.
        while let Ok(permit) = room.acquire().await {
            let Ok((client, _)) = listener.accept().await else {
                // The connection was reset before it was accepted, or the system has no file descriptor left. A
                // retry at once would use the whole processor in the second case.
                self.pause().await;
                continue;
            };
            permit.forget();
            let (link, room) = (Rc::clone(&self), Rc::clone(&room));
            tokio::task::spawn_local(async move {
                Connection::new(client, link).run().await;
                room.add_permits(1);
            });
        }
    }

    async fn pause(&self) {
        let until_ns = now_ns() + 10_000_000;
        self.sleep_until(until_ns).await;
    }

    /// Waits until `at_ns`.
    pub(super) async fn sleep_until(&self, at_ns: u64) {
        let mut asked = false;
        std::future::poll_fn(|context| {
            if now_ns() >= at_ns {
                return std::task::Poll::Ready(());
            }
            if !asked {
                self.timer.wake_at(at_ns, context.waker());
                asked = true;
            }
            std::task::Poll::Pending
        })
        .await;
    }
}
