//! Connect strings: the servers that a client connects to.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// ZooKeeper's default client port.
const DEFAULT_PORT: u16 = 2181;

/// An error in a connect string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A server has no host name.
    #[error("connect string {text:?} names no host in {part:?}; write host:port,host:port")]
    Host {
        /// The whole connect string.
        text: String,
        /// The wrong part.
        part: String,
    },
    /// A port is not a number from 1 to 65535.
    #[error("connect string {text:?} has no valid port in {part:?}; ports are 1 to 65535")]
    Port {
        /// The whole connect string.
        text: String,
        /// The wrong part.
        part: String,
    },
    /// The chroot is not a valid path.
    #[error(
        "connect string {text:?} has an invalid chroot {chroot:?}; it must not end in or contain an empty name"
    )]
    Chroot {
        /// The whole connect string.
        text: String,
        chroot: String,
    },
}

/// A connect string in the form that ZooKeeper's clients use: `h1:2181,h2:2181,[::1]:2181/chroot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectString {
    /// Hosts and ports in the given order.
    pub hosts: Vec<(String, u16)>,
    /// For example `/a/b`; empty if there is none.
    pub chroot: String,
}

impl ConnectString {
    /// Parses a connect string. A missing port is 2181.
    ///
    /// # Errors
    /// If a part of it is malformed.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (hosts, chroot) = text.split_at(text.find('/').unwrap_or(text.len()));
        let chroot = if chroot == "/" { "" } else { chroot };
        if chroot.split('/').skip(1).any(str::is_empty) {
            return Err(AddressError::Chroot {
                text: text.to_owned(),
                chroot: chroot.to_owned(),
            });
        }
        let hosts = hosts.split(',').map(|part| host_port(text, part.trim()));
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            chroot: chroot.to_owned(),
        })
    }
}

fn host_port(text: &str, part: &str) -> Result<(String, u16), AddressError> {
    let no_host = || AddressError::Host {
        text: text.to_owned(),
        part: part.to_owned(),
    };
    let no_port = || AddressError::Port {
        text: text.to_owned(),
        part: part.to_owned(),
    };
    let (host, port) = if let Some(bracketed) = part.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or_else(no_host)?;
        match rest.strip_prefix(':') {
            None if rest.is_empty() => (host, None),
            None => return Err(no_port()),
            Some(port) => (host, Some(port)),
        }
    } else {
        match part.rsplit_once(':') {
            None => (part, None),
            Some((host, port)) => (host, Some(port)),
        }
    };
    if host.is_empty() {
        return Err(no_host());
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(no_port)?,
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings_have_zookeepers_form() {
        let read = ConnectString::parse("a:1,b, [::1]:2182 ,c:65535/x/y").unwrap();
        let expected = [("a", 1), ("b", 2181), ("::1", 2182), ("c", 65535)];
        let expected: Vec<_> = expected.map(|(h, p)| (h.to_owned(), p)).into();
        assert_eq!((read.hosts, read.chroot.as_str()), (expected, "/x/y"));
        assert_eq!(ConnectString::parse("a/").unwrap().chroot, "");
    }

    #[test]
    fn an_error_names_the_malformed_part() {
        for text in ["", "a:1,,b", ":2181", "[::1"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Host { .. }),
                "{text}: {error}"
            );
        }
        for text in ["a:0", "a:65536", "a:x", "a:", "[::1]2181"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Port { .. }),
                "{text}: {error}"
            );
        }
        for text in ["a//", "a/x/", "a//x"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Chroot { .. }),
                "{text}: {error}"
            );
        }
    }
}
