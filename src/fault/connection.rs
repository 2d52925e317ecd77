//! One connection through a link: the socket of the side that connected, and the socket to the server.
//!
//! A close of one half, a reset and a refused connection are carried over after the delay, like bytes. The
//! handshake takes its time too: the server sees a connection after the delay of the way to it, and the first byte
//! leaves when the answer would have arrived.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use rustix::net::sockopt::set_socket_linger;
use tokio::net::TcpStream;

use super::control::Way;
use super::lane::{Lane, Next, Piece};
use super::link::{Link, WayState};
use super::shape::READ_BYTES_MAX;
use super::timer::now_ns;

thread_local! {
    /// Buffer for reads of all connections. The process carries bytes in one thread.
    static BUFFER: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; READ_BYTES_MAX]);
}

/// One way of a connection.
#[derive(Debug)]
struct OneWay {
    way: Way,
    lane: Lane,
    /// Nothing leaves before this: the handshake is not over.
    leaves_ns: u64,
    /// The time for which the timer was asked last.
    asked_ns: u64,
    /// Cut for whose end the connection waits.
    noted: Option<u64>,
    /// The receiver is gone: what is read is dropped.
    discards: bool,
    /// The sender's connection was reset, which a write to it showed. What it sent before can still be read.
    sender_reset: bool,
    /// The end of the stream was delivered.
    ended: bool,
}

/// What a way does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It waits for a socket, the timer or a heal.
    Waits,
    /// The receiver must get a reset, which ends the connection.
    Reset,
    /// The receiver has reset the connection.
    ReceiverGone,
}

impl OneWay {
    fn new(way: Way) -> Self {
        Self {
            way,
            lane: Lane::default(),
            leaves_ns: 0,
            asked_ns: 0,
            noted: None,
            discards: false,
            sender_reset: false,
            ended: false,
        }
    }

    /// Delivers what is due to `to`, and reads from `from` what there is room for.
    fn step(
        &mut self,
        context: &mut Context<'_>,
        link: &Link,
        from: &TcpStream,
        to: &TcpStream,
    ) -> Step {
        loop {
            match self.deliver(context, link, to) {
                Poll::Ready(step) => return step,
                Poll::Pending => {}
            }
            if !self.read(context, link.way(self.way), from, Some(to)) {
                return Step::Waits;
            }
        }
    }

    /// Delivers what is due. Pending if the rest has to wait.
    fn deliver(&mut self, context: &mut Context<'_>, link: &Link, to: &TcpStream) -> Poll<Step> {
        let state = link.way(self.way);
        loop {
            if self.lane.is_empty() {
                return Poll::Pending;
            }
            if state.is_cut() {
                state.await_heal(context.waker(), &mut self.noted);
                return Poll::Pending;
            }
            let delivered = match self.lane.next(now_ns(), state.not_before_ns()) {
                Next::Nothing => return Poll::Pending,
                Next::Wait(due_ns) => {
                    if self.asked_ns != due_ns {
                        self.asked_ns = due_ns;
                        link.timer.wake_at(due_ns, context.waker());
                    }
                    return Poll::Pending;
                }
                Next::Bytes(bytes) => {
                    if to.poll_write_ready(context).is_pending() {
                        return Poll::Pending;
                    }
                    match to.try_write(bytes) {
                        Ok(written) => written,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                        Err(_gone) => return Poll::Ready(Step::ReceiverGone),
                    }
                }
                Next::End => {
                    self.ended = true;
                    if rustix::net::shutdown(to, rustix::net::Shutdown::Write).is_err() {
                        return Poll::Ready(Step::ReceiverGone);
                    }
                    0
                }
                Next::Reset => return Poll::Ready(Step::Reset),
            };
            self.lane.delivered(delivered);
        }
    }

    /// Reads once, if there is room. Returns whether something was read. Bytes that are due at once go to `to`
    /// without being held.
    fn read(
        &mut self,
        context: &mut Context<'_>,
        state: &WayState,
        from: &TcpStream,
        to: Option<&TcpStream>,
    ) -> bool {
        let shape = state.shape();
        if !self.lane.is_open() || self.lane.held_bytes() >= shape.held_bytes() {
            return false;
        }
        if from.poll_read_ready(context).is_pending() {
            return false;
        }
        BUFFER.with_borrow_mut(|buffer| {
            let buffer = &mut buffer[..shape.read_bytes()];
            match from.try_read(buffer) {
                Ok(0) if self.sender_reset => self.push(state, 0, Piece::Reset),
                Ok(0) => self.push(state, 0, Piece::End),
                Ok(_) if self.discards => {}
                Ok(read) => self.pass(state, &buffer[..read], to),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_reset) => self.push(state, 0, Piece::Reset),
            }
        });
        true
    }

    fn push(&mut self, state: &WayState, bytes: usize, piece: Piece) {
        let leaves_ns = now_ns().max(self.leaves_ns);
        self.lane.push(state.arrival_ns(leaves_ns, bytes), piece);
    }

    /// Delivers bytes that are due at once, as far as the receiver takes them, and holds the rest.
    fn pass(&mut self, state: &WayState, bytes: &[u8], to: Option<&TcpStream>) {
        let now_ns = now_ns();
        let leaves_ns = now_ns.max(self.leaves_ns);
        let due_ns = state.arrival_ns(leaves_ns, bytes.len());
        let due_ns = self.lane.in_order(due_ns).max(state.not_before_ns());
        let at_once = self.lane.is_empty() && !state.is_cut() && due_ns <= now_ns;
        let written = match to.filter(|_| at_once) {
            // An error shows again when the rest is delivered.
            Some(to) => to.try_write(bytes).unwrap_or(0),
            None => 0,
        };
        let rest = &bytes[written..];
        if !rest.is_empty() {
            self.lane.push(due_ns, Piece::Bytes(rest.to_vec()));
        }
    }

    /// Notes that the sender's connection was reset. What it sent before is read first.
    fn sender_was_reset(&mut self, state: &WayState) {
        self.sender_reset = true;
        if !self.lane.is_open() {
            self.push(state, 0, Piece::Reset);
        }
    }

    /// Notes that the receiver is gone.
    fn discard(&mut self) {
        self.discards = true;
        self.lane.discard();
    }

    /// Whether nothing will be carried in this way any more.
    fn is_over(&self) -> bool {
        self.ended || (self.discards && !self.lane.is_open())
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    link: Rc<Link>,
    forward: OneWay,
    backward: OneWay,
}

impl Connection {
    pub(super) fn new(client: TcpStream, link: Rc<Link>) -> Self {
        Self {
            client,
            link,
            forward: OneWay::new(Way::Forward),
            backward: OneWay::new(Way::Backward),
        }
    }

    /// Carries the bytes until the connection has ended on both sides.
    pub(super) async fn run(mut self) {
        // Without it the kernel would collect small pieces.
        let _ = self.client.set_nodelay(true);
        let accepted_ns = now_ns();
        let to_server_ns = self.link.forward.shape().delay_ns;
        let to_client_ns = self.link.backward.shape().delay_ns;
        self.forward.leaves_ns = accepted_ns + to_server_ns + to_client_ns;
        if !self.await_handshake(accepted_ns + to_server_ns).await {
            return;
        }
        match self.connect().await {
            Ok(server) => {
                let _ = server.set_nodelay(true);
                self.carry(server).await;
            }
            Err(_refused) => self.refuse().await,
        }
    }

    /// Waits until the server would see the connection. While a way is cut the handshake does not succeed. Returns
    /// false if the client gave up during a cut.
    async fn await_handshake(&mut self, arrives_ns: u64) -> bool {
        let Self {
            client,
            link,
            forward,
            backward,
        } = self;
        let mut was_cut = false;
        std::future::poll_fn(|context| {
            while forward.read(context, &link.forward, client, None) {}
            let mut is_cut = false;
            for (state, noted) in [
                (&link.forward, &mut forward.noted),
                (&link.backward, &mut backward.noted),
            ] {
                if state.is_cut() {
                    state.await_heal(context.waker(), noted);
                    is_cut = true;
                }
            }
            was_cut |= is_cut;
            // A handshake that was never completed leaves nothing behind.
            if was_cut && !forward.lane.is_open() {
                return Poll::Ready(false);
            }
            if is_cut {
                return Poll::Pending;
            }
            let arrives_ns = match was_cut {
                true => arrives_ns.max(link.forward.not_before_ns()),
                false => arrives_ns,
            };
            if now_ns() >= arrives_ns {
                return Poll::Ready(true);
            }
            if forward.asked_ns != arrives_ns {
                forward.asked_ns = arrives_ns;
                link.timer.wake_at(arrives_ns, context.waker());
            }
            Poll::Pending
        })
        .await
    }

    /// Connects to the server. Meanwhile the client may send more than the lane holds: the rest waits in the kernel.
    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.link.server).await
    }

    /// Resets the client's connection when the refusal would have arrived.
    async fn refuse(mut self) {
        self.backward.push(&self.link.backward, 0, Piece::Reset);
        let Self {
            client,
            link,
            mut backward,
            ..
        } = self;
        std::future::poll_fn(|context| backward.deliver(context, &link, &client)).await;
        reset(&client);
    }

    async fn carry(mut self, server: TcpStream) {
        std::future::poll_fn(|context| self.poll(context, &server)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>, server: &TcpStream) -> Poll<()> {
        let Self {
            client,
            link,
            forward,
            backward,
        } = self;
        loop {
            let mut again = false;
            match forward.step(context, link, client, server) {
                Step::Waits => {}
                Step::Reset => {
                    reset(server);
                    return Poll::Ready(());
                }
                Step::ReceiverGone => {
                    forward.discard();
                    backward.sender_was_reset(&link.backward);
                    again = true;
                }
            }
            match backward.step(context, link, server, client) {
                Step::Waits => {}
                Step::Reset => {
                    reset(client);
                    return Poll::Ready(());
                }
                Step::ReceiverGone => {
                    backward.discard();
                    forward.sender_was_reset(&link.forward);
                    again = true;
                }
            }
            // A reset of the sender leaves nobody who could receive the other way.
            if forward.lane.was_reset() && !backward.discards {
                backward.discard();
            }
            if backward.lane.was_reset() && !forward.discards {
                forward.discard();
            }
            if forward.is_over() && backward.is_over() {
                return Poll::Ready(());
            }
            if !again {
                return Poll::Pending;
            }
        }
    }
}

/// Makes the coming close of `stream` a reset.
fn reset(stream: &TcpStream) {
    // A socket that the kernel already reset needs none.
    let _ = set_socket_linger(stream, Some(std::time::Duration::ZERO));
}
