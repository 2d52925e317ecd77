//! `cons`, and the lines of `stat`: the client connections.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::wire::jute::{OpCode, SessionId, Zxid};

/// The events that the server waits for on a connection. Java prints them as the bits of a
/// `SelectionKey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Bytes from the client.
    pub read: bool,
    /// Room for bytes to the client.
    pub write: bool,
}

/// The newest reply of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    /// `None` for a write that failed.
    pub op: Option<OpCode>,
    /// The last transaction that the reply reflects.
    pub zxid: Zxid,
    /// In milliseconds of a monotonic clock.
    pub at_ms: u64,
    /// Time from the request to the reply, ms.
    pub latency_ms: u64,
}

/// Time from a request to its reply, in milliseconds, over the requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionLatency {
    pub min: u64,
    pub mean: u64,
    pub max: u64,
}

/// The values of a connection with a session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub id: SessionId,
    /// Negotiated timeout, ms.
    pub timeout_ms: i32,
    /// When the client connected, in milliseconds since 1970.
    pub established_ms: i64,
    /// The xid of the newest answered request other than a ping.
    pub last_cxid: Option<i32>,
    pub last: Option<Reply>,
    pub latency_ms: ConnectionLatency,
}

/// One client connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub address: SocketAddr,
    /// Empty for the connection that has sent the word: the server closes it after the answer.
    pub interest: Interest,
    /// Number of requests that wait for a reply.
    pub queued: usize,
    /// Number of frames from the client.
    pub received: u64,
    /// Number of frames to the client.
    pub sent: u64,
    pub session: Option<Session>,
}

pub(super) fn cons(connections: &[Connection]) -> String {
    let mut text = String::new();
    for connection in connections {
        connection.full(&mut text);
    }
    text + "\n"
}

impl Connection {
    /// Appends the fields of `stat` without the closing parenthesis.
    fn begin(&self, text: &mut String) {
        let Self {
            interest: Interest { read, write },
            queued,
            received,
            sent,
            ..
        } = self;
        let mask = u8::from(*read) | u8::from(*write) << 2;
        text.push_str(" /");
        push_address(self.address, text);
        let _infallible = write!(
            text,
            "[{mask}](queued={queued},recved={received},sent={sent}"
        );
    }

    /// Appends the line in `stat`.
    pub(super) fn brief(&self, text: &mut String) {
        self.begin(text);
        text.push_str(")\n");
    }

    /// Appends the line in `cons`.
    fn full(&self, text: &mut String) {
        self.begin(text);
        if let Some(session) = &self.session {
            session.describe(text);
        }
        text.push_str(")\n");
    }
}

impl Session {
    fn describe(&self, text: &mut String) {
        let Self {
            id,
            timeout_ms,
            established_ms,
            last_cxid,
            last,
            latency_ms: ConnectionLatency { min, mean, max },
        } = self;
        // Java prints these values between `crst` and the next reply.
        let Reply {
            op,
            zxid,
            at_ms,
            latency_ms,
        } = last.unwrap_or(Reply {
            op: None,
            zxid: Zxid(-1),
            at_ms: 0,
            latency_ms: 0,
        });
        let op = op.map_or("NA", abbreviation);
        let _infallible = write!(
            text,
            ",sid={id},lop={op},est={established_ms},to={timeout_ms}"
        );
        if let Some(cxid) = last_cxid {
            let _infallible = write!(text, ",lcxid=0x{cxid:x}");
        }
        let _infallible = write!(
            text,
            ",lzxid=0x{:x},lresp={at_ms},llat={latency_ms},minlat={min},avglat={mean},maxlat={max}",
            zxid.0
        );
    }
}

/// Appends an address as Java prints it: an IPv6 address has all eight groups, and an IPv4 address
/// that is mapped into IPv6 is printed as IPv4.
pub(super) fn push_address(address: SocketAddr, text: &mut String) {
    let port = address.port();
    let _infallible = match address.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => write!(text, "{ip}:{port}"),
        std::net::IpAddr::V6(ip) => {
            let groups = ip.segments().map(|group| format!("{group:x}"));
            write!(text, "[{}]:{port}", groups.join(":"))
        }
    };
}

/// The name of an operation in the field `lop`.
const fn abbreviation(op: OpCode) -> &'static str {
    match op {
        OpCode::CreateSession => "SESS",
        OpCode::CloseSession => "CLOS",
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => "CREA",
        OpCode::Delete | OpCode::DeleteContainer => "DELE",
        OpCode::Exists => "EXIS",
        OpCode::GetData => "GETD",
        OpCode::SetData => "SETD",
        OpCode::GetAcl => "GETA",
        OpCode::SetAcl => "SETA",
        OpCode::GetChildren | OpCode::GetChildren2 => "GETC",
        OpCode::Sync => "SYNC",
        OpCode::Ping => "PING",
        OpCode::Check => "CHEC",
        OpCode::Multi => "MULT",
        OpCode::MultiRead => "MLTR",
        OpCode::Reconfig => "RECO",
        OpCode::CheckWatches => "CHKW",
        OpCode::RemoveWatches => "REMW",
        OpCode::SetWatches => "SETW",
        OpCode::SetWatches2 => "STW2",
        OpCode::AddWatch => "ADDW",
        OpCode::GetEphemerals => "GETE",
        OpCode::GetAllChildrenNumber => "GETACN",
        OpCode::WhoAmI => "HOMI",
        OpCode::Error | OpCode::Notification | OpCode::Auth | OpCode::Sasl => "NA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            address: "127.0.0.1:53254".parse().unwrap(),
            interest: Interest {
                read: true,
                write: false,
            },
            queued: 0,
            received: 12,
            sent: 13,
            session: Some(Session {
                id: SessionId(0x0010_0001),
                timeout_ms: 10_000,
                established_ms: 1_700_000_000_000,
                last_cxid: Some(12),
                last: Some(Reply {
                    op: Some(OpCode::GetData),
                    zxid: Zxid(0x2_0000_000b),
                    at_ms: 2500,
                    latency_ms: 1,
                }),
                latency_ms: ConnectionLatency {
                    min: 0,
                    mean: 2,
                    max: 3,
                },
            }),
        }
    }

    fn full(connection: &Connection) -> String {
        let mut text = String::new();
        connection.full(&mut text);
        text
    }

    /// The expected line is from Apache ZooKeeper 3.8.0.
    #[test]
    fn a_line_of_cons_has_the_fields_of_java() {
        assert_eq!(
            full(&connection()),
            " /127.0.0.1:53254[1](queued=0,recved=12,sent=13,sid=0x100001,lop=GETD,\
             est=1700000000000,to=10000,lcxid=0xc,lzxid=0x20000000b,lresp=2500,llat=1,\
             minlat=0,avglat=2,maxlat=3)\n"
        );
        let mut brief = String::new();
        connection().brief(&mut brief);
        assert_eq!(brief, " /127.0.0.1:53254[1](queued=0,recved=12,sent=13)\n");
    }

    #[test]
    fn a_connection_without_a_reply_has_no_cxid_and_zxid_minus_one() {
        let mut fresh = connection();
        if let Some(session) = &mut fresh.session {
            session.last = None;
            session.last_cxid = None;
            session.latency_ms = ConnectionLatency::default();
        }
        assert!(
            full(&fresh).ends_with(
                ",lop=NA,est=1700000000000,to=10000,lzxid=0xffffffffffffffff,lresp=0,llat=0,\
                 minlat=0,avglat=0,maxlat=0)\n"
            ),
            "{}",
            full(&fresh)
        );
        fresh.session = None;
        assert!(full(&fresh).ends_with(",sent=13)\n"), "{}", full(&fresh));
    }

    #[test]
    fn the_mask_and_the_address_are_printed_as_in_java() {
        let mut connection = connection();
        for (read, write, mask) in [
            (false, false, "[0]"),
            (true, false, "[1]"),
            (false, true, "[4]"),
            (true, true, "[5]"),
        ] {
            connection.interest = Interest { read, write };
            assert!(full(&connection).contains(mask), "{}", full(&connection));
        }
        for (address, shown) in [
            ("[::1]:80", " /[0:0:0:0:0:0:0:1]:80["),
            ("[::ffff:10.0.0.1]:80", " /10.0.0.1:80["),
        ] {
            connection.address = address.parse().unwrap();
            assert!(
                full(&connection).starts_with(shown),
                "{}",
                full(&connection)
            );
        }
    }
}
