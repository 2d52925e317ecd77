//! A proxy process between a test's own sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use quorate::fault::{Flow, Listening, Proxy, Shape, Way};

/// Timeout of every read. It is longer than any of them takes on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// Time for which nothing must arrive. A longer time would find more, but a correct proxy never fails.
const SILENCE: Duration = Duration::from_millis(150);

pub(crate) const MS: u64 = 1_000_000;

/// A link of a proxy, and the server behind it.
pub(crate) struct Rig {
    pub(crate) proxy: Proxy,
    pub(crate) link: Listening,
    pub(crate) listener: TcpListener,
    _dir: tempfile::TempDir,
}

/// The two ends of a connection through the link.
pub(crate) struct Ends {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
}

pub(crate) const fn delay(ms: u64) -> Shape {
    Shape {
        delay_ns: ms * MS,
        jitter_ns: 0,
        rate_per_s: None,
    }
}

pub(crate) fn start_proxy(dir: &Path) -> Proxy {
    let quorate = Path::new(env!("CARGO_BIN_EXE_quorate"));
    Proxy::start(quorate, &dir.join("log")).unwrap()
}

impl Rig {
    pub(crate) fn start(shape: Shape) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let proxy = start_proxy(dir.path());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let link = proxy.link(listener.local_addr().unwrap(), shape).unwrap();
        Self {
            proxy,
            link,
            listener,
            _dir: dir,
        }
    }

    pub(crate) fn flow(&self, way: Way) -> Flow {
        Flow {
            link: self.link.link,
            way,
        }
    }

    /// Returns the number of open files of the proxy.
    pub(crate) fn files(&self) -> usize {
        let dir = format!("/proc/{}/fd", self.proxy.pid());
        std::fs::read_dir(dir).unwrap().count()
    }

    /// Connects through the link without waiting for the server.
    pub(crate) fn dial(&self) -> TcpStream {
        dial(self.link.address)
    }

    pub(crate) fn connect(&self) -> Ends {
        let client = self.dial();
        let (server, _) = self.listener.accept().unwrap();
        server.set_read_timeout(Some(TIMEOUT)).unwrap();
        Ends { client, server }
    }
}

pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client
}

pub(crate) fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
}

/// Reads as many bytes as `expected` has and compares them.
pub(crate) fn expect(stream: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

/// Checks that nothing arrives for a while, neither bytes nor an end.
pub(crate) fn expect_silence(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let read = stream.read(&mut [0; 1]);
    let kind = read.as_ref().map_err(std::io::Error::kind);
    assert_eq!(kind.err(), Some(ErrorKind::WouldBlock), "{read:?}");
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
}

/// Checks that the other side closed its half.
pub(crate) fn expect_end(stream: &mut TcpStream) {
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "bytes follow");
}

/// Checks that the connection was reset.
pub(crate) fn expect_reset(stream: &mut TcpStream) {
    let read = stream.read(&mut [0; 1]);
    let kind = read.as_ref().map_err(std::io::Error::kind);
    assert_eq!(kind.err(), Some(ErrorKind::ConnectionReset), "{read:?}");
}

/// Closes the stream with a reset.
pub(crate) fn reset(stream: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    drop(stream);
}
