//! The definitions of a report's words. Limits are taken from the verdict's constants.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::{number, span_ms};
use super::silence::LEAST_MS;
use crate::result::thresholds::{
    ACKNOWLEDGED_MIN, DRIVER_BUSY_MAX, DRIVER_WAITING_MAX, ISSUED_MIN, LATE_SHARE_MAX,
};

/// Words that are defined without a limit.
const WORDS: [(&str, &str); 11] = [
    (
        "Response time",
        "done - intended: from the scheduled start of an operation until its reply was decoded. This is the main figure.",
    ),
    (
        "Service time",
        "done - sent: from just before the system call that writes the last byte of an operation to the socket until its \
         reply was decoded.",
    ),
    (
        "Blocked",
        "ready - intended: how long the target delayed the operation, because its session had reached the in-flight cap or \
         had no connection. Charged to the target. The row is left out if no operation was delayed.",
    ),
    (
        "Late",
        "sent - ready: how late the generator was. Charged to the generator. The verdict looks at no other delay.",
    ),
    (
        "Throughput",
        "Operations acknowledged (done) in the measured phase, per second. Latency, in contrast, is that of the operations \
         intended in the measured phase, whenever they were done.",
    ),
    (
        "Operations per second of server CPU",
        "Operations acknowledged, divided by the processor time that all servers used. If servers and driver share \
         cores, throughput depends on how the cores are divided between them. This figure depends on it far less.",
    ),
    (
        "Open loop",
        "Operations start on a schedule, whatever the replies do, so all operations that are due in a stall show it in their \
         response time.",
    ),
    (
        "Closed loop",
        "Each session keeps a fixed number of operations in flight, so the load slows down in a stall.",
    ),
    (
        "Failed",
        "Every operation that was not acknowledged: error replies, refused connections, time-outs, operations that were never \
         sent, and operations of unknown outcome because the connection ended first. All count in the response time with \
         their full age.",
    ),
    (
        "Percentile",
        "p99 is the time that 99 % of the operations did not exceed. Percentiles come from merged histograms and are never \
         averaged. p99.9 and p99.99 are withheld (a dash) if fewer than ten operations lie beyond them. The maximum is \
         exact.",
    ),
    (
        "Resolution",
        "The response times of a server that does nothing, measured on this machine by calibration. A figure below them (mean, \
         p50 and p90 below the p50, higher percentiles below the p99) cannot be the server's and is printed as \
         < resolution.",
    ),
];

/// Returns every word with its definition.
pub(crate) fn definitions() -> Vec<(&'static str, String)> {
    let mut words: Vec<(&str, String)> = WORDS
        .into_iter()
        .map(|(word, meaning)| (word, meaning.to_owned()))
        .collect();
    let silence = format!(
        "A period of at least {} in which operations waited and none was acknowledged.",
        span_ms(LEAST_MS)
    );
    let gate = "A limit that the workload sets for the target. Gates do not depend on the verdict. A gate without a figure fails.";
    words.extend([
        ("Nothing completed", silence),
        ("Invalid", invalid()),
        ("Finding", finding()),
        ("Gate", gate.to_owned()),
    ]);
    words
}

fn invalid() -> String {
    format!(
        "The generator failed, so the figures do not describe the target: a run was interrupted or is missing; or, in an open \
         loop, the generator issued less than {} of the operations that were due, a driver thread was busy for more than {} of \
         its core or waited for one for more than {} of the time, or lateness was more than {} of an operation's response time \
         (p50 or p99) and above the machine's resolution. What the target does never makes a run invalid.",
        percent(ISSUED_MIN),
        percent(DRIVER_BUSY_MAX),
        percent(DRIVER_WAITING_MAX),
        percent(LATE_SHARE_MAX)
    )
}

fn finding() -> String {
    format!(
        "What the target did, as a sentence: saturated (it acknowledged less than {} of what was issued), errors by name, unknown \
         outcomes, lost sessions, a server that ended. A finding never makes a run invalid.",
        percent(ACKNOWLEDGED_MIN)
    )
}

fn percent(share: f64) -> String {
    format!("{} %", number((1_000.0 * share).round() / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(word: &str) -> String {
        let found = definitions().into_iter().find(|(known, _)| *known == word);
        found.map(|(_, meaning)| meaning).unwrap_or_default()
    }

    #[test]
    fn every_time_is_defined_by_two_instants() {
        for (word, instants) in [
            ("Response time", "done - intended"),
            ("Service time", "done - sent"),
            ("Blocked", "ready - intended"),
            ("Late", "sent - ready"),
        ] {
            assert!(meaning(word).starts_with(instants), "{word}");
        }
    }

    #[test]
    fn invalid_and_finding_quote_the_limits() {
        let (invalid, finding) = (meaning("Invalid"), meaning("Finding"));
        for limit in [
            ISSUED_MIN,
            DRIVER_BUSY_MAX,
            DRIVER_WAITING_MAX,
            LATE_SHARE_MAX,
        ] {
            assert!(invalid.contains(&percent(limit)), "{limit} in {invalid}");
        }
        assert!(finding.contains(&percent(ACKNOWLEDGED_MIN)), "{finding}");
        assert!(invalid.contains("What the target does never makes a run invalid"));
    }
}
