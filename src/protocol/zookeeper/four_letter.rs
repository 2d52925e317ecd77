//! Four-letter words: text commands on the client port (specification 16.5).

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::ClientError;

/// Maximum length of an answer. `cons` and `wchc` of a busy server can be long.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Sends the four-letter `word`, for instance `srvr`, to `address` and returns the answer. Each
/// step takes at most `timeout`. An empty answer means that the server does not know the word.
///
/// # Errors
/// If the server cannot be reached or does not answer in time.
pub fn four_letter(
    address: SocketAddr,
    word: &str,
    timeout: Duration,
) -> Result<String, ClientError> {
    ask(address, word, timeout).map_err(|source| ClientError::Word {
        address,
        word: word.to_owned(),
        source,
    })
}

fn ask(address: SocketAddr, word: &str, timeout: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(word.as_bytes())?;
    // Some servers wait for more input until the client closes its side. The call fails if the
    // server has already closed, which does not matter.
    let _already_closed = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_answer_extends_to_the_end_of_the_stream() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut word = [0; 4];
            peer.read_exact(&mut word).unwrap();
            peer.write_all(b"Zookeeper version: 3\nMode: leader\n")
                .unwrap();
            word
        });
        let answer = four_letter(address, "srvr", Duration::from_secs(5)).unwrap();
        assert_eq!(answer, "Zookeeper version: 3\nMode: leader\n");
        assert_eq!(&server.join().unwrap(), b"srvr");
        let error = four_letter(address, "srvr", Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
