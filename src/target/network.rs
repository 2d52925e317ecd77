//! Connections of a deployment that go through the proxy process: which there are, and how to cut them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path as FilePath;

use super::server_process::FaultError;
use super::zoo_cfg::ServerSpec;
use crate::fault::{Flow, Proxy, ProxyError, Shape, Way};
use crate::workload::{LinkShape, TargetShape};

/// Which connections go through proxies because they are to be cut or slowed down. A network profile of the plan
/// needs proxies too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Those between servers.
    pub servers: bool,
    /// Those of the clients.
    pub clients: bool,
}

/// One end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// The server with this index.
    Server(usize),
    /// All clients.
    Clients,
}

/// The bytes that flow from one end to the other, on all connections between them. The bytes that flow back are
/// another path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    pub from: Endpoint,
    pub to: Endpoint,
}

/// The moment at which a fault of the network took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// `CLOCK_MONOTONIC` in nanoseconds, read right before.
    pub at_ns: i64,
}

impl Path {
    /// Returns the paths in both directions.
    #[must_use]
    pub fn both(one: Endpoint, other: Endpoint) -> [Self; 2] {
        let path = |from, to| Self { from, to };
        [path(one, other), path(other, one)]
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(index) => write!(f, "server {}", index + 1),
            Self::Clients => f.write_str("the clients"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

/// The proxies of a deployment.
#[derive(Debug)]
pub(super) struct Wiring {
    proxy: Proxy,
    /// The links by the end that connects and the index of the server that it connects to.
    links: BTreeMap<(Endpoint, usize), Vec<usize>>,
    /// Quorum and election port under which a server knows another one.
    peers: BTreeMap<(usize, usize), PeerPorts>,
    /// Which connections go through the proxies.
    scope: Links,
    /// Addresses for the clients, by server. Empty if they connect directly.
    clients: Vec<SocketAddr>,
}

#[derive(Clone, Copy, Debug)]
struct PeerPorts {
    quorum: u16,
    election: u16,
}

impl Wiring {
    /// Starts the proxies that the plan's network or a fault needs. `None` if none is needed.
    ///
    /// # Errors
    /// If the process cannot be started, or has no port left.
    pub(super) fn start(
        config: &WiringConfig<'_>,
        specs: &[ServerSpec],
    ) -> Result<Option<Self>, ProxyError> {
        let network = config.shape.network;
        let servers = (config.links.servers || network.is_some()) && specs.len() > 1;
        let clients = config.links.clients || network.is_some_and(|network| network.clients);
        if !servers && !clients {
            return Ok(None);
        }
        let mut wiring = Self {
            proxy: Proxy::start(config.quorate, config.log)?,
            links: BTreeMap::new(),
            peers: BTreeMap::new(),
            scope: Links { servers, clients },
            clients: Vec::new(),
        };
        if servers {
            let shape = network.map_or_else(Shape::default, |network| shape(network.link));
            wiring.between_servers(specs, shape)?;
        }
        if clients {
            let of_clients = network.filter(|network| network.clients);
            let shape = of_clients.map_or_else(Shape::default, |network| shape(network.link));
            for (index, spec) in specs.iter().enumerate() {
                let server = SocketAddr::new(spec.ip, spec.client_port);
                let address = wiring.link(Endpoint::Clients, index, server, shape)?;
                wiring.clients.push(address);
            }
        }
        Ok(Some(wiring))
    }

    fn between_servers(&mut self, specs: &[ServerSpec], shape: Shape) -> Result<(), ProxyError> {
        for (to, spec) in specs.iter().enumerate() {
            let port = |port| SocketAddr::new(spec.ip, port);
            for from in (0..specs.len()).filter(|from| *from != to) {
                let end = Endpoint::Server(from);
                let election = self.link(end, to, port(spec.election_port), shape)?;
                // An observer never leads, so nobody connects to its quorum port.
                let quorum = if spec.observer {
                    port(spec.quorum_port)
                } else {
                    self.link(end, to, port(spec.quorum_port), shape)?
                };
                let ports = PeerPorts {
                    quorum: quorum.port(),
                    election: election.port(),
                };
                self.peers.insert((from, to), ports);
            }
        }
        Ok(())
    }

    fn link(
        &mut self,
        from: Endpoint,
        to: usize,
        server: SocketAddr,
        shape: Shape,
    ) -> Result<SocketAddr, ProxyError> {
        let listening = self.proxy.link(server, shape)?;
        let links = self.links.entry((from, to)).or_default();
        links.push(listening.link);
        Ok(listening.address)
    }

    /// Returns the servers as the one with the index `seer` is to know them.
    ///
    /// Apache ZooKeeper since 3.5 sends the election address of its own server line to the others, which then
    /// connect to that address instead of the one in their own configuration. `hides_address` puts 0.0.0.0 in its
    /// place, which they ignore.
    pub(super) fn seen_by(
        &self,
        seer: usize,
        specs: &[ServerSpec],
        hides_address: bool,
    ) -> Vec<ServerSpec> {
        let mut seen = specs.to_vec();
        for (index, spec) in seen.iter_mut().enumerate() {
            if let Some(ports) = self.peers.get(&(seer, index)) {
                spec.quorum_port = ports.quorum;
                spec.election_port = ports.election;
            } else if hides_address && !self.peers.is_empty() {
                spec.peer_ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            }
        }
        seen
    }

    /// Returns the address to which clients of the server at `index` connect. `None` if they connect directly.
    pub(super) fn client_address(&self, index: usize) -> Option<SocketAddr> {
        self.clients.get(index).copied()
    }

    pub(super) fn cut(&self, paths: &[Path]) -> Result<Applied, FaultError> {
        self.change("cut", paths, |flows| self.proxy.cut(flows))
    }

    pub(super) fn slow(&self, paths: &[Path], link: LinkShape) -> Result<Applied, FaultError> {
        self.change("slow down", paths, |flows| {
            self.proxy.shape(flows, shape(link))
        })
    }

    pub(super) fn heal(&self, paths: &[Path]) -> Result<Applied, FaultError> {
        self.change("heal", paths, |flows| self.proxy.heal(flows))
    }

    fn change(
        &self,
        action: &'static str,
        paths: &[Path],
        change: impl FnOnce(&[Flow]) -> Result<i64, ProxyError>,
    ) -> Result<Applied, FaultError> {
        let mut flows = Vec::new();
        for path in paths {
            let of_path = self.flows(*path);
            if of_path.is_empty() {
                return Err(FaultError::NoProxy { path: *path });
            }
            flows.extend(of_path);
        }
        let changed = change(&flows);
        let at_ns = changed.map_err(|source| FaultError::Proxy { action, source })?;
        Ok(Applied { at_ns })
    }

    /// Returns the ways of all links that carry the bytes of a path. Either end may have made the connection.
    fn flows(&self, path: Path) -> Vec<Flow> {
        let links = |connects: Endpoint, server: Endpoint| match server {
            Endpoint::Server(index) => self.links.get(&(connects, index)),
            Endpoint::Clients => None,
        };
        let flow = |way| move |link: &usize| Flow { link: *link, way };
        let there = links(path.from, path.to).into_iter().flatten();
        let back = links(path.to, path.from).into_iter().flatten();
        there
            .map(flow(Way::Forward))
            .chain(back.map(flow(Way::Backward)))
            .collect()
    }

    pub(super) fn scope(&self) -> Links {
        self.scope
    }

    /// Describes how the proxy process ended. `None` if it runs.
    pub(super) fn ended(&self) -> Option<String> {
        self.proxy.ended()
    }

    pub(super) fn pid(&self) -> u32 {
        self.proxy.pid()
    }
}

/// What [`Wiring::start`] needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct WiringConfig<'a> {
    pub(super) shape: &'a TargetShape,
    pub(super) links: Links,
    /// Path of the Quorate binary.
    pub(super) quorate: &'a FilePath,
    /// File for the error messages of the proxy process.
    pub(super) log: &'a FilePath,
}

fn shape(link: LinkShape) -> Shape {
    Shape {
        delay_ns: link.delay_us.saturating_mul(1_000),
        jitter_ns: link.jitter_us.saturating_mul(1_000),
        rate_per_s: link.rate_bytes_per_s,
    }
}
