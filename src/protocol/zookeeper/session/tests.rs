//! Tests the session against server bytes that the tests construct.

use super::*;
use crate::protocol::Inbox;
use crate::protocol::zookeeper::request;
use crate::wire::jute::{
    EventType, Stat, WriteJute as _, begin_frame, end_frame, session_password,
};

const MS: i64 = 1_000_000;

/// A session event in owned form.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Attached(bool),
    Expired,
    Reply(u32, Option<i64>, i32),
    Notified(String),
    Closed,
}

/// A session with the buffers of a driver.
struct Conversation {
    session: Session<u32>,
    inbox: Inbox,
    out: Vec<u8>,
    written: u64,
}

impl std::ops::Deref for Conversation {
    type Target = Session<u32>;

    fn deref(&self) -> &Session<u32> {
        &self.session
    }
}

impl Conversation {
    fn attach(&mut self, now: i64) {
        self.written = 0;
        self.session.attach(now, &mut self.out);
    }

    fn detach(&mut self, lost: impl FnMut(GivenUp<u32>)) {
        self.inbox.reset();
        self.out.clear();
        self.session.detach(lost);
    }

    fn close(&mut self) {
        self.session.close(&mut self.out);
    }

    fn tick(&mut self, now: i64) {
        self.session.tick(now, &mut self.out);
    }

    fn output(&self) -> &[u8] {
        &self.out
    }
}

fn feed(conversation: &mut Conversation, bytes: &[u8], now: i64) -> Result<Vec<Seen>, Violation> {
    let Conversation { session, inbox, .. } = conversation;
    let mut seen = Vec::new();
    session.heard(now);
    inbox.feed(bytes, |input| {
        let event = match session.next(input) {
            Step::Need(bytes) => return Ok(Some(bytes)),
            Step::Broken(violation) => return Err(violation),
            Step::Event(event) => event,
        };
        seen.push(match event {
            SessionEvent::Attached { resumed } => Seen::Attached(resumed),
            SessionEvent::Expired => Seen::Expired,
            SessionEvent::Reply(reply) => Seen::Reply(
                reply.token,
                reply.sent.map(|sent| sent.at_ns),
                reply.error.0,
            ),
            SessionEvent::Notified(event) => Seen::Notified(event.path.to_owned()),
            SessionEvent::Closed => Seen::Closed,
        });
        Ok(None)
    })?;
    Ok(seen)
}

fn welcome(session: i64, timeout_ms: i32) -> Vec<u8> {
    let mut out = Vec::new();
    let session = SessionId(session);
    ConnectResponse {
        timeout_ms,
        session,
        password: session_password(session),
        read_only: Some(false),
    }
    .encode_frame(&mut out);
    out
}

fn answer(xid: i32, zxid: i64, err: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let at = begin_frame(&mut out);
    ReplyHeader {
        xid,
        zxid: Zxid(zxid),
        err: ErrorCode(err),
    }
    .encode(&mut out);
    out.put(body);
    end_frame(&mut out, at);
    out
}

fn write_all(conversation: &mut Conversation, now: i64) -> Vec<u8> {
    let bytes = std::mem::take(&mut conversation.out);
    conversation.written += bytes.len() as u64;
    let sent = Sent {
        at_ns: now,
        held: false,
    };
    conversation.session.wrote(conversation.written, sent);
    bytes
}

fn attached() -> Conversation {
    let mut conversation = Conversation {
        session: Session::new(6_000),
        inbox: Inbox::default(),
        out: Vec::new(),
        written: 0,
    };
    conversation.attach(0);
    write_all(&mut conversation, 0);
    let seen = feed(&mut conversation, &welcome(7, 4_000), 0);
    assert_eq!(seen, Ok(vec![Seen::Attached(false)]));
    conversation
}

fn set(conversation: &mut Conversation, token: u32, now: i64) {
    let Conversation { session, out, .. } = conversation;
    session.submit(OpCode::SetData, token, now, out, |out| {
        request::set(out, "/a", b"data");
    });
}

#[test]
fn replies_match_requests_in_order_however_the_bytes_are_cut() {
    let stream: Vec<u8> = [
        answer(1, 5, 0, &[0; Stat::BYTES]),
        answer(-2, 5, 0, &[]),
        answer(2, 6, -101, &[]),
    ]
    .concat();
    for cut in 0..=stream.len() {
        let mut session = attached();
        set(&mut session, 10, 1);
        set(&mut session, 11, 2);
        write_all(&mut session, 3);
        let mut seen = feed(&mut session, &stream[..cut], 4).unwrap();
        seen.extend(feed(&mut session, &stream[cut..], 5).unwrap());
        let expected = [Seen::Reply(10, Some(3), 0), Seen::Reply(11, Some(3), -101)];
        assert_eq!(seen, expected, "cut at {cut}");
        assert_eq!(session.in_flight(), 0);
        assert_eq!(session.last_zxid(), Zxid(6));
    }
}

#[test]
fn a_lost_connection_gives_back_what_was_in_flight_and_resumes() {
    let mut session = attached();
    set(&mut session, 10, 1);
    write_all(&mut session, 2);
    set(&mut session, 11, 3);
    let mut lost = Vec::new();
    session.detach(|given| lost.push((given.token, given.sent.map(|sent| sent.at_ns))));
    assert_eq!(lost, [(10, Some(2)), (11, None)]);
    session.attach(9);
    let hello = write_all(&mut session, 9);
    let hello = ConnectRequest::decode(&hello[4..]).unwrap();
    assert_eq!(hello.session, SessionId(7));
    assert_eq!(hello.password, session_password(SessionId(7)));
    let seen = feed(&mut session, &welcome(7, 4_000), 10);
    assert_eq!(seen, Ok(vec![Seen::Attached(true)]));
    set(&mut session, 12, 11);
    let request = write_all(&mut session, 12);
    assert_eq!(
        request[4..8],
        3_i32.to_be_bytes(),
        "the next xid must follow the last one"
    );
}

#[test]
fn the_next_server_receives_the_last_zxid_seen() {
    let mut session = attached();
    set(&mut session, 1, 1);
    write_all(&mut session, 1);
    feed(
        &mut session,
        &answer(1, 0x1_0000_0009, 0, &[0; Stat::BYTES]),
        2,
    )
    .unwrap();
    session.detach(|_| panic!("nothing was in flight"));
    session.attach(3);
    let hello = session.output().to_vec();
    let hello = ConnectRequest::decode(&hello[4..]).unwrap();
    assert_eq!(hello.last_zxid_seen, Zxid(0x1_0000_0009));
}

#[test]
fn an_expired_session_is_followed_by_a_new_one() {
    let mut session = attached();
    session.detach(|_| panic!("nothing was in flight"));
    session.attach(1);
    assert_eq!(
        feed(&mut session, &welcome(0, 0), 2),
        Ok(vec![Seen::Expired])
    );
    assert!(!session.is_attached());
    session.detach(|_| panic!("nothing was in flight"));
    session.attach(3);
    let hello = session.output().to_vec();
    let hello = ConnectRequest::decode(&hello[4..]).unwrap();
    assert_eq!(
        (hello.session, hello.password),
        (SessionId(0), &[0; 16][..])
    );
    assert_eq!(
        feed(&mut session, &welcome(8, 4_000), 4),
        Ok(vec![Seen::Attached(false)])
    );
}

#[test]
fn an_idle_session_pings_at_a_third_of_the_negotiated_timeout() {
    let mut session = attached();
    assert_eq!(session.deadline_ns(), 1_333_333_333);
    session.tick(1_333 * MS);
    assert!(session.output().is_empty());
    session.tick(1_334 * MS);
    let ping = write_all(&mut session, 1_334 * MS);
    assert_eq!(ping, [0, 0, 0, 8, 255, 255, 255, 254, 0, 0, 0, 11]);
    session.tick(1_335 * MS);
    assert!(session.output().is_empty(), "one ping is enough");
    assert!(!session.is_silent(2_666 * MS));
    assert!(session.is_silent(2_667 * MS));
    feed(&mut session, &answer(-2, 1, 0, &[]), 2_667 * MS).unwrap();
    assert!(!session.is_silent(2_668 * MS));
}

#[test]
fn bytes_that_break_the_protocol_are_an_error() {
    let cases: [(&[u8], ProtocolError); 6] = [
        (&[255; 4], ProtocolError::Length(-1)),
        (&[0x7f, 0, 0, 0], ProtocolError::Length(0x7f00_0000)),
        (&[0, 0, 0, 0], ProtocolError::Record(JuteError::Truncated)),
        (
            &answer(3, 1, 0, &[]),
            ProtocolError::Order {
                expected: 1,
                actual: 3,
            },
        ),
        (
            &answer(1, 1, 0, &[1, 2, 3]),
            ProtocolError::Record(JuteError::Truncated),
        ),
        (
            &answer(-1, 1, 0, &[]),
            ProtocolError::Record(JuteError::Truncated),
        ),
    ];
    for (bytes, expected) in cases {
        let mut session = attached();
        set(&mut session, 10, 1);
        write_all(&mut session, 1);
        assert_eq!(feed(&mut session, bytes, 2), Err(expected.into()));
        let mut lost = 0;
        session.detach(|_| lost += 1);
        assert_eq!(lost, 1, "{expected}");
    }
    let mut session = attached();
    assert_eq!(
        feed(&mut session, &answer(9, 1, 0, &[]), 2),
        Err(ProtocolError::Unasked(9).into())
    );
}

#[test]
fn notifications_are_counted_and_close_is_confirmed() {
    let mut session = attached();
    set(&mut session, 10, 1);
    session.close();
    write_all(&mut session, 2);
    let mut body = Vec::new();
    WatcherEvent::new(EventType::NodeDeleted, "/w").encode(&mut body);
    let stream = [
        answer(-1, -1, 0, &body),
        answer(1, 1, 0, &[0; Stat::BYTES]),
        answer(2, 2, 0, &[]),
    ];
    let seen = feed(&mut session, &stream.concat(), 3).unwrap();
    let expected = [
        Seen::Notified("/w".to_owned()),
        Seen::Reply(10, Some(2), 0),
        Seen::Closed,
    ];
    assert_eq!(seen, expected);
    assert_eq!(session.notifications(), 1);
    assert!(session.is_closed());
}

#[test]
fn xids_wrap_to_one() {
    let mut session = attached();
    session.session.next_xid = i32::MAX;
    set(&mut session, 1, 1);
    set(&mut session, 2, 1);
    assert_eq!(session.next_xid, 2);
}
