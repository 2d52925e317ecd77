//! Whether this machine has the memory and the ports for an ensemble, checked before anything is started.

use std::io;

use procfs::{Current as _, Meminfo};

use super::deployment::PORTS_PER_SERVER;
use super::ports::Reserved;
use super::spec::TargetSpec;
use crate::workload::TargetShape;

const MIB: u64 = 1 << 20;
/// Memory of a bundled server, MiB.
const BUNDLED_MIB: u64 = 30;
/// Memory of a Java server beside its heap, MiB.
const JAVA_MIB: u64 = 120;

/// The machine cannot run an ensemble.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    #[error(
        "{target} with {servers} servers needs about {needed_mib} MiB of memory ({each_mib} MiB for each server), but only {available_mib} MiB are available; lower {remedy}"
    )]
    Memory {
        target: String,
        servers: usize,
        needed_mib: u64,
        each_mib: u64,
        available_mib: u64,
        /// Keys of the workload that reduce the need.
        remedy: &'static str,
    },
    #[error(
        "{target} with {servers} servers needs {ports} free ports on the loopback address: {source}"
    )]
    Ports {
        target: String,
        servers: usize,
        ports: usize,
        source: io::Error,
    },
}

/// Checks that this machine has the memory and the ports for an ensemble of `shape`. A live target needs
/// none.
///
/// # Errors
/// If it has not.
pub fn check_room(spec: &TargetSpec, shape: &TargetShape) -> Result<(), RoomError> {
    if !spec.is_local() {
        return Ok(());
    }
    // Without the figure, the start of the servers shows whether the memory suffices.
    if let Ok(memory) = Meminfo::current()
        && let Some(available) = memory.mem_available
    {
        check_memory(spec, shape, available / MIB)?;
    }
    let servers = servers(shape);
    let ports = servers * PORTS_PER_SERVER;
    let reserved = Reserved::take(ports, std::process::id());
    reserved
        .map(Reserved::release)
        .map_err(|source| RoomError::Ports {
            target: spec.to_string(),
            servers,
            ports,
            source,
        })
}

fn servers(shape: &TargetShape) -> usize {
    usize::from(shape.voters) + usize::from(shape.observers)
}

fn check_memory(
    spec: &TargetSpec,
    shape: &TargetShape,
    available_mib: u64,
) -> Result<(), RoomError> {
    let (each_mib, remedy) = match spec {
        TargetSpec::Bundled => (BUNDLED_MIB, "target.voters or target.observers"),
        _ => (
            u64::from(shape.heap_mib) + JAVA_MIB,
            "target.heap, target.voters or target.observers",
        ),
    };
    let servers = servers(shape);
    let needed_mib = each_mib * servers as u64;
    if needed_mib <= available_mib {
        return Ok(());
    }
    Err(RoomError::Memory {
        target: spec.to_string(),
        servers,
        needed_mib,
        each_mib,
        available_mib,
        remedy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_has_the_needed_and_the_available_memory() {
        let shape = TargetShape {
            voters: 5,
            observers: 8,
            heap_mib: 512,
            ..TargetShape::default()
        };
        let java = TargetSpec::ZooKeeper { home: None };
        assert_eq!(
            check_memory(&java, &shape, 8_000).unwrap_err().to_string(),
            "zookeeper with 13 servers needs about 8216 MiB of memory (632 MiB for each server), but only 8000 MiB are available; lower target.heap, target.voters or target.observers"
        );
        assert!(check_memory(&java, &shape, 8_216).is_ok());
        assert!(check_memory(&TargetSpec::Bundled, &shape, 390).is_ok());
        assert!(check_memory(&TargetSpec::Bundled, &shape, 389).is_err());
    }

    #[test]
    fn a_small_ensemble_has_room() {
        let live = "zk://h".parse().unwrap();
        let shape = TargetShape::default();
        check_room(&live, &shape).unwrap();
        check_room(&TargetSpec::Bundled, &shape).unwrap();
    }
}
