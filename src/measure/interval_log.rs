//! The HdrHistogram interval log, a text format that HdrHistogram's own tools open.
//!
//! This writes version 1.3 of the log with V2 deflated histograms. Values are nanoseconds. The
//! third column, the largest value of the interval, is in milliseconds, as in HdrHistogram's own
//! writer.
//!
//! A recording has two logs. The plain log has no tags and holds the response times of all
//! operations, so every reader shows the measured distribution. The tagged log holds the times of
//! each operation. HdrHistogram's own tools skip tagged lines unless they are given one tag, but
//! the Python reader reads all lines.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, IntervalLogWriterBuilder, Tag};

use super::{Histogram, Interval, Recording};

type Writer<'a, 'b> = IntervalLogWriter<'a, 'b, Vec<u8>, V2DeflateSerializer>;

/// Returns the plain interval log of a recording: one line per interval with the response times of
/// all operations that were intended in it. Intervals without operations are left out.
///
/// `title` goes into the first comment line.
#[must_use]
pub fn interval_log(title: &str, recording: &Recording) -> String {
    text_of(title, recording, |log, interval, span| {
        write_line(log, &interval.all().response, span, None)
    })
}

/// Returns the tagged interval log of a recording: per interval, one line per operation and kind of
/// time, tagged `<label>.response`, `<label>.service`, `<label>.blocked`, `<label>.late`. An
/// operation counts in the interval in which it was intended. Empty histograms are left out.
///
/// `labels` are the labels of the operations by index. `title` goes into the first comment line.
#[must_use]
pub fn tagged_interval_log(title: &str, labels: &[&str], recording: &Recording) -> String {
    text_of(title, recording, |log, interval, span| {
        for (record, label) in interval.ops.iter().zip(labels) {
            let kinds = [
                ("response", &record.response),
                ("service", &record.service),
                ("blocked", &record.blocked),
                ("late", &record.late),
            ];
            for (kind, histogram) in kinds {
                write_line(log, histogram, span, Some(&tag_text(label, kind)))?;
            }
        }
        Ok(())
    })
}

/// An error can only come from the writer, which writes to memory, or from the encoding.
type Written = Result<(), Box<dyn std::error::Error>>;

/// The time that a line of the log covers.
#[derive(Clone, Copy)]
struct Span {
    /// Since the start of the measured phase.
    start: Duration,
    length: Duration,
}

fn text_of(
    title: &str,
    recording: &Recording,
    lines: impl Fn(&mut Writer<'_, '_>, &Interval, Span) -> Written,
) -> String {
    let mut text = Vec::new();
    write_log(&mut text, title, recording, lines)
        .expect("writing to memory does not fail, and our histograms fit their encoding");
    String::from_utf8(text).expect("the log format is ASCII, labels are UTF-8")
}

fn write_log(
    text: &mut Vec<u8>,
    title: &str,
    recording: &Recording,
    lines: impl Fn(&mut Writer<'_, '_>, &Interval, Span) -> Written,
) -> Written {
    let start = UNIX_EPOCH + Duration::from_millis(recording.started_unix_ms);
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(&format!("[{title}; values in nanoseconds]"))
        .add_comment("[Histogram log format version 1.3]")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1_000_000.0);
    let mut log = builder.begin_log_with(text, &mut serializer)?;
    for interval in &recording.intervals {
        let span = Span {
            start: Duration::from_millis(recording.interval_ms) * interval.index,
            length: Duration::from_secs_f64(recording.interval_s(interval.index)),
        };
        lines(&mut log, interval, span)?;
    }
    Ok(())
}

fn write_line(
    log: &mut Writer<'_, '_>,
    histogram: &Histogram,
    span: Span,
    tag: Option<&str>,
) -> Written {
    if !histogram.is_empty() {
        let tag = tag.and_then(Tag::new);
        log.write_histogram(histogram.hdr().as_ref(), span.start, span.length, tag)?;
    }
    Ok(())
}

/// Replaces commas and white space, which a tag must not contain.
fn tag_text(label: &str, kind: &str) -> String {
    let mut tag: String = label
        .chars()
        .map(|c| {
            if c == ',' || c.is_whitespace() {
                '_'
            } else {
                c
            }
        })
        .collect();
    let _ = write!(tag, ".{kind}");
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Layout, Outcome, Recorder, Sample};
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    fn recording() -> Recording {
        let mut recorder = Recorder::new(
            2,
            1,
            Layout {
                interval_ns: 500_000_000,
                measured_ns: 1_000_000_000,
                drain_ns: 0,
            },
        );
        recorder.take(1);
        for op in 0..2 {
            recorder.record(&Sample {
                op,
                server: None,
                intended_ns: 500_000_000,
                ready_ns: Some(500_200_000),
                sent_ns: Some(500_500_000),
                done_ns: 502_000_000,
                outcome: Outcome::Ok,
            });
        }
        let mut recording = Recording {
            started_unix_ms: 1_700_000_000_000,
            interval_ms: 500,
            measured_s: 1.0,
            ..Recording::default()
        };
        recording.add(recorder.take(2).intervals.remove(0));
        recording
    }

    /// Returns the tag, the number of values and the largest value (in units of 0.1 ms) of each
    /// line.
    fn lines(log: &str) -> Vec<(Option<String>, u64, u64)> {
        assert!(
            log.contains("#[Histogram log format version 1.3]\n"),
            "{log}"
        );
        assert!(log.contains("#[StartTime: 1700000000.000"), "{log}");
        let mut found = Vec::new();
        for entry in IntervalLogIterator::new(log.as_bytes()) {
            if let LogEntry::Interval(line) = entry.unwrap() {
                let tag = line.tag().map(|tag| tag.as_str().to_owned());
                assert_eq!(line.start_timestamp(), Duration::from_millis(500));
                let bytes = base64::Engine::decode(
                    &base64::engine::general_purpose::STANDARD,
                    line.encoded_histogram(),
                )
                .unwrap();
                let h: hdrhistogram::Histogram<u64> = Deserializer::new()
                    .deserialize(&mut bytes.as_slice())
                    .unwrap();
                found.push((tag, h.len(), h.max() / 100_000));
            }
        }
        found
    }

    #[test]
    fn the_plain_log_has_the_response_times_of_all_operations_and_no_tag() {
        let log = interval_log("quorate", &recording());
        assert_eq!(lines(&log), [(None, 2, 20)]);
        assert!(!log.contains("Tag="));
    }

    #[test]
    fn the_tagged_log_has_every_operation_and_kind_of_time() {
        let log = tagged_interval_log("quorate", &["my set,x", "get"], &recording());
        let expected = [
            ("my_set_x.response", 20),
            ("my_set_x.service", 15),
            ("my_set_x.blocked", 2),
            ("my_set_x.late", 3),
            ("get.response", 20),
            ("get.service", 15),
            ("get.blocked", 2),
            ("get.late", 3),
        ];
        let expected = expected.map(|(tag, max)| (Some(tag.to_owned()), 1, max));
        assert_eq!(lines(&log), expected);
    }
}
