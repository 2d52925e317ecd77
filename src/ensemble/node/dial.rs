//! Opens TCP connections without blocking.

use std::io;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

/// Starts to connect. The stream becomes writable when the attempt has ended; call [`finish`] then.
pub(super) fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// Whether the attempt has succeeded.
pub(super) fn finish(stream: &TcpStream) -> bool {
    matches!(stream.take_error(), Ok(None)) && stream.peer_addr().is_ok()
}
