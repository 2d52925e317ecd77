//! Describes the network of a target whose connections went through proxies, and what the proxies add.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::{bytes, duration_us};
use crate::result::{Proxied, RunResult};
use crate::workload::Network;

/// `network lan through proxies (+43.0 µs per round trip)`, for the line above the figures. `None` if all connections
/// were direct.
pub(super) fn network_part(result: &RunResult) -> Option<String> {
    result.target.proxied?;
    let name = match &result.plan.target.network {
        Some(network) => format!("network {}", network.name().unwrap_or("of its own")),
        None => "connected".to_owned(),
    };
    Some(match result.environment.proxy_cost() {
        Some(cost) => format!(
            "{name} through proxies (+{} per round trip)",
            duration_us(cost.adds_p50_us)
        ),
        None => format!("{name} through proxies"),
    })
}

/// Describes the delays, which connections have them, and what a proxy adds.
pub(super) fn network_row(result: &RunResult) -> Option<String> {
    let proxied = result.target.proxied?;
    let network = result.plan.target.network.as_ref();
    let delays = network.map_or_else(|| "no delay".to_owned(), delays);
    let cost = match result.environment.proxy_cost() {
        Some(cost) => format!(
            "which add {} to a round trip (p99 {})",
            duration_us(cost.adds_p50_us),
            duration_us(cost.adds_p99_us)
        ),
        None => "which add a time that was not measured; `quorate calibrate` does".to_owned(),
    };
    let connections = connections(proxied, network);
    Some(format!("{delays}; {connections} through proxies, {cost}"))
}

fn connections(proxied: Proxied, network: Option<&Network>) -> &'static str {
    let delayed = network.is_none_or(|network| network.clients);
    match (proxied.servers, proxied.clients) {
        (true, true) if delayed => "servers and clients connect",
        (true, true) => "servers connect, and clients without delay,",
        (true, false) => "servers connect",
        (false, _) => "clients connect",
    }
}

fn delays(network: &Network) -> String {
    let link = network.link;
    let us = |us: u64| {
        #[expect(clippy::cast_precision_loss, reason = "at most ten seconds")]
        let us = us as f64;
        duration_us(us)
    };
    let mut text = match network.name() {
        Some(name) => format!("{name}: {} each way", us(link.delay_us)),
        None => format!("{} each way", us(link.delay_us)),
    };
    if link.jitter_us > 0 {
        text += &format!(" ± {}", us(link.jitter_us));
    }
    if let Some(rate) = link.rate_bytes_per_s {
        text += &format!(", {}/s", bytes(rate));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::LinkShape;

    #[test]
    fn a_result_without_proxies_has_no_network() {
        let mut result = example::result();
        result.plan.target.network = Network::named("lan");
        // A live target is used as it is.
        assert_eq!((network_part(&result), network_row(&result)), (None, None));
    }

    #[test]
    fn the_network_is_named_with_what_the_proxies_add() {
        let mut result = example::result();
        result.plan.target.network = Network::named("lan");
        result.target.proxied = Some(Proxied {
            servers: true,
            clients: true,
        });
        assert_eq!(
            network_part(&result).unwrap(),
            "network lan through proxies"
        );
        result.environment.calibration = Some(serde_json::json!({"proxy": {
            "adds_p50_us": 43.0, "adds_p99_us": 110.0,
        }}));
        assert_eq!(
            network_part(&result).unwrap(),
            "network lan through proxies (+43.0 µs per round trip)"
        );
        assert_eq!(
            network_row(&result).unwrap(),
            "lan: 100 µs each way; servers and clients connect through proxies, which add 43.0 µs to a round trip \
             (p99 110 µs)"
        );
    }

    #[test]
    fn a_network_of_its_own_is_described_by_its_values() {
        let mut result = example::result();
        result.target.proxied = Some(Proxied {
            servers: true,
            clients: false,
        });
        assert!(
            network_row(&result)
                .unwrap()
                .starts_with("no delay; servers connect through")
        );
        result.plan.target.network = Some(Network {
            link: LinkShape {
                delay_us: 2_000,
                jitter_us: 500,
                rate_bytes_per_s: Some(1 << 20),
            },
            clients: false,
        });
        let row = network_row(&result).unwrap();
        assert!(
            row.starts_with(
                "2.00 ms each way ± 500 µs, 1.00 MiB/s; servers connect through proxies"
            ),
            "{row}"
        );
        assert_eq!(
            network_part(&result).unwrap(),
            "network of its own through proxies"
        );
    }
}
