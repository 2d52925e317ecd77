//! `target.network`: a word, or a table with values.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::nearest::nearest;
use super::problems::Read;
use super::schema;
use super::section::Section;
use super::tree::Value;
use super::units::format_duration_us;
use crate::workload::limits;
use crate::workload::network::{LOOPBACK, LinkShape, Network};

/// Reads `network` of the target. `None` in the plan means direct connections.
pub(super) fn read(target: &Section<'_>) -> Read<Option<Network>> {
    let Some(node) = target.find("network")? else {
        return Some(None);
    };
    match &node.value {
        Value::Text(name) if name == LOOPBACK => Some(None),
        Value::Text(name) => match Network::named(name) {
            Some(network) => Some(Some(network)),
            None => {
                let names: Vec<&str> = Network::names().collect();
                let hint = nearest(Network::names(), name)
                    .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                let problem = format!(
                    "is {name:?}; it must be {} or a table such as {{ delay = \"2ms\" }}{hint}",
                    names.join(", ")
                );
                target.bad("network", problem)
            }
        },
        Value::Table(_) => {
            let table = target.section("network", &schema::NETWORK)?;
            let link = read_link(&table);
            let clients = table.boolean("clients", true);
            Some(Some(Network {
                link: link?,
                clients: clients?,
            }))
        }
        _ => target.wrong_type(
            "network",
            node,
            "a word such as \"lan\" or a table such as { delay = \"2ms\" }",
        ),
    }
}

/// Reads `delay`, `jitter` and `rate` of a table.
pub(super) fn read_link(table: &Section<'_>) -> Read<LinkShape> {
    let delay_us = table.duration_us("delay", limits::DELAY_US);
    let jitter_us = table.duration_us("jitter", limits::DELAY_US);
    let rate = match table.find("rate")? {
        None => Some(None),
        Some(node) => {
            let rate = table.size_bytes("rate", node, &limits::LINK_BYTES_PER_S);
            rate.map(Some)
        }
    };
    let (delay_us, jitter_us) = (delay_us?.unwrap_or(0), jitter_us?.unwrap_or(0));
    if jitter_us > delay_us {
        let problem = format!(
            "is {}, more than the delay of {}; the delay varies by the jitter in both directions, so lower it",
            format_duration_us(jitter_us),
            format_duration_us(delay_us)
        );
        return table.bad("jitter", problem);
    }
    Some(LinkShape {
        delay_us,
        jitter_us,
        rate_bytes_per_s: rate?,
    })
}
