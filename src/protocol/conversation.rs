//! The rules that every protocol must keep, tested against its own null peer without a socket.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::echo::Echo;
use super::resolve;
use super::zookeeper::ZooKeeper;
use super::{
    Admit, Event, Inbox, MessageKind, NullPeer as _, Protocol, Reply, Sent, Step, Ticket, Violation,
};
use crate::workload::{Plan, Source};

/// A protocol and its null peer, with the bytes that they exchange.
struct Conversation<P: Protocol> {
    client: P,
    inbox: Inbox,
    out: Vec<u8>,
    written: u64,
    peer: P::Null,
    session: <P::Null as super::NullPeer>::Session,
    op: P::Op,
    now_ns: i64,
}

/// An event of the client, in owned form.
#[derive(Debug, PartialEq)]
enum Seen {
    Ready,
    Done(u32, Option<i64>, Reply<'static>),
    Closed,
    Other,
}

fn plan() -> Plan {
    let text = "name = \"t\"\n[prepare]\nznodes = 10\n[load]\nrate = 1\n\
                [[op]]\nkind = \"set\"\nsize = 20\n[[op]]\nkind = \"get\"\n[[op]]\nkind = \"create\"\n";
    resolve(&Source::from_text("t.toml", text), &[], None).unwrap()
}

impl<P: Protocol> Conversation<P> {
    fn new() -> Self {
        let plan = plan();
        let shared = P::shared(&plan);
        let mut client = P::new(&plan, 0, 0, &shared);
        let mut out = Vec::new();
        client.open(0, &mut out);
        Self {
            client,
            inbox: Inbox::default(),
            out,
            written: 0,
            peer: P::Null::default(),
            session: <P::Null as super::NullPeer>::Session::default(),
            op: P::Op::default(),
            now_ns: 0,
        }
    }

    fn ready() -> Self {
        let mut conversation = Self::new();
        let mut seen = conversation.hear(&[]).unwrap();
        let answers = conversation.exchange();
        seen.extend(conversation.hear(&answers).unwrap());
        assert_eq!(seen, [Seen::Ready]);
        conversation
    }

    fn submit(&mut self, number: u32) {
        self.client.draw(&mut self.op);
        let ticket = Ticket {
            op: number,
            ..Ticket::default()
        };
        self.client
            .submit(&self.op, ticket, self.now_ns, &mut self.out);
    }

    fn write(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.out);
        self.written += bytes.len() as u64;
        self.now_ns += 1;
        let sent = Sent {
            at_ns: self.now_ns,
            held: false,
        };
        self.client.wrote(self.written, sent);
        bytes
    }

    /// Writes everything to the peer and returns its answer.
    fn exchange(&mut self) -> Vec<u8> {
        let bytes = self.write();
        let mut unread = bytes.as_slice();
        let mut answers = Vec::new();
        while let Some(message) = P::Null::take(&mut unread).unwrap() {
            if P::Null::kind(&self.session, message).unwrap() == MessageKind::Open {
                self.peer
                    .open(&mut self.session, message, Admit::All, &mut answers)
                    .unwrap();
            } else {
                self.peer.answer(message, &mut answers).unwrap();
            }
        }
        assert!(unread.is_empty(), "the client must write whole messages");
        answers
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<Vec<Seen>, Violation> {
        let mut seen = Vec::new();
        let Self {
            client, inbox, out, ..
        } = self;
        let now_ns = self.now_ns;
        client.heard(now_ns);
        let mut step = |input: &mut &[u8]| match client.next(input, now_ns, out) {
            Step::Need(bytes) => {
                assert!(
                    bytes > input.len(),
                    "Need must ask for more bytes than there are"
                );
                Ok(Some(bytes))
            }
            Step::Broken(violation) => Err(violation),
            Step::Event(event) => {
                seen.push(match event {
                    Event::Ready { .. } => Seen::Ready,
                    Event::Done {
                        ticket,
                        sent,
                        reply,
                    } => {
                        let reply = match reply {
                            Reply::Ok => Reply::Ok,
                            Reply::Error(name) => Reply::Error(name.into_owned().into()),
                        };
                        Seen::Done(ticket.op, sent.map(|sent| sent.at_ns), reply)
                    }
                    Event::Closed => Seen::Closed,
                    Event::Arrived(_) | Event::Expired => Seen::Other,
                });
                Ok(None)
            }
        };
        if bytes.is_empty() {
            while step(&mut &[][..])?.is_none() {}
        } else {
            inbox.feed(bytes, step)?;
        }
        Ok(seen)
    }
}

fn answers_to_three<P: Protocol>() -> (Conversation<P>, Vec<u8>) {
    let mut conversation = Conversation::<P>::ready();
    (0..3).for_each(|number| conversation.submit(number));
    let answers = conversation.exchange();
    (conversation, answers)
}

fn every_cut_gives_the_same_events<P: Protocol>() {
    let (_, stream) = answers_to_three::<P>();
    for cut in 0..=stream.len() {
        let (mut conversation, stream) = answers_to_three::<P>();
        let sent_ns = conversation.now_ns;
        assert_eq!(conversation.client.in_flight(), 3);
        let mut seen = Vec::new();
        for part in [&stream[..cut], &stream[cut..]] {
            if !part.is_empty() {
                seen.extend(conversation.hear(part).unwrap());
            }
        }
        let expected = (0..3).map(|number| Seen::Done(number, Some(sent_ns), Reply::Ok));
        assert_eq!(seen, expected.collect::<Vec<_>>(), "cut at {cut}");
        assert_eq!(conversation.client.in_flight(), 0);
    }
}

fn what_is_in_flight_comes_back_when_the_connection_is_lost<P: Protocol>() {
    let (mut conversation, _) = answers_to_three::<P>();
    let sent_ns = conversation.now_ns;
    conversation.submit(3);
    let mut lost = Vec::new();
    let client = &mut conversation.client;
    client.lost(|ticket, sent| lost.push((ticket.op, sent.map(|sent| sent.at_ns))));
    let sent = Some(sent_ns);
    assert_eq!(lost, [(0, sent), (1, sent), (2, sent), (3, None)]);
    assert_eq!((client.in_flight(), client.oldest_ns()), (0, None));
}

fn a_closed_conversation_ends<P: Protocol>() {
    let mut conversation = Conversation::<P>::ready();
    let now_ns = conversation.now_ns;
    conversation.client.close(now_ns, &mut conversation.out);
    let mut seen = conversation.hear(&[]).unwrap();
    let answers = conversation.exchange();
    seen.extend(conversation.hear(&answers).unwrap());
    assert_eq!(seen, [Seen::Closed]);
}

/// Any bytes from a peer lead to an event, a violation or a wait for more, and never to a panic.
fn damaged_answers_are_survived<P: Protocol>() {
    let seed = 7;
    let mut random = SplitMix64::seed_from_u64(seed);
    let mut below =
        |bound: usize| usize::try_from(random.next_u64() % u64::try_from(bound).unwrap()).unwrap();
    for round in 0..20_000 {
        let (mut conversation, mut stream) = answers_to_three::<P>();
        for _ in 0..=below(3) {
            let at = below(stream.len());
            match below(3) {
                0 => stream[at] = u8::try_from(below(256)).unwrap(),
                1 => stream.truncate(at.max(1)),
                _ => stream.insert(at, u8::try_from(below(256)).unwrap()),
            }
        }
        let done = match conversation.hear(&stream) {
            Ok(seen) => seen.len(),
            Err(_) => 0,
        };
        assert!(done <= 4, "round {round} of seed {seed}");
        conversation.client.lost(|_, _| {});
        assert_eq!(conversation.client.in_flight(), 0);
    }
}

macro_rules! every_protocol {
    ($($property:ident),* $(,)?) => {
        mod zookeeper {
            $(#[test] fn $property() { super::$property::<super::ZooKeeper>(); })*
        }
        mod echo {
            $(#[test] fn $property() { super::$property::<super::Echo>(); })*
        }
    };
}

every_protocol!(
    every_cut_gives_the_same_events,
    what_is_in_flight_comes_back_when_the_connection_is_lost,
    a_closed_conversation_ends,
    damaged_answers_are_survived,
);
