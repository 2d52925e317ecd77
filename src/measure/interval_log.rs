//! The HdrHistogram interval log: the text format that HdrHistogram's own tools open.
//!
//! Version 1.3 of the log, V2 deflated histograms, values in nanoseconds. The third column (the
//! interval's largest value) is in milliseconds, as the format's own writer does it.
//!
//! Readers take the lines without a tag unless they are told another one. Those hold the response times
//! of all operations, so that a log opened as it is shows the measured distribution.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, IntervalLogWriterBuilder, Tag};

use super::{Histogram, Recording};

type Writer<'a, 'b> = IntervalLogWriter<'a, 'b, Vec<u8>, V2DeflateSerializer>;

/// The interval log of a recording. Per interval, one line without a tag: the response times of all
/// operations. Then one per operation and kind of time, tagged `<label>.response`, `<label>.service`,
/// `<label>.blocked`, `<label>.late`. Operations stand in the interval in which they were intended; empty
/// histograms are left out.
///
/// `labels` are the operations' labels by index; `title` goes into the first comment line.
#[must_use]
pub fn interval_log(title: &str, labels: &[&str], recording: &Recording) -> String {
    let start = UNIX_EPOCH + Duration::from_millis(recording.started_unix_ms);
    let mut text = Vec::new();
    write_log(&mut text, title, labels, recording, start)
        .expect("writing to memory does not fail, and our histograms fit their encoding");
    String::from_utf8(text).expect("the log format is ASCII, labels are UTF-8")
}

/// The only errors are those of the writer (memory) and of the encoding.
fn write_log(
    text: &mut Vec<u8>,
    title: &str,
    labels: &[&str],
    recording: &Recording,
    start: SystemTime,
) -> Result<(), Box<dyn std::error::Error>> {
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
        let at = Duration::from_millis(recording.interval_ms) * interval.index;
        let length = Duration::from_secs_f64(recording.interval_s(interval.index));
        write_line(&mut log, &interval.all().response, (at, length), None)?;
        for (record, label) in interval.ops.iter().zip(labels) {
            let kinds = [
                ("response", &record.response),
                ("service", &record.service),
                ("blocked", &record.blocked),
                ("late", &record.late),
            ];
            for (kind, histogram) in kinds {
                let tag = tag_text(label, kind);
                write_line(&mut log, histogram, (at, length), Some(&tag))?;
            }
        }
    }
    Ok(())
}

fn write_line(
    log: &mut Writer<'_, '_>,
    histogram: &Histogram,
    (at, length): (Duration, Duration),
    tag: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    if !histogram.is_empty() {
        log.write_histogram(histogram.hdr().as_ref(), at, length, tag.and_then(Tag::new))?;
    }
    Ok(())
}

/// A tag may hold neither commas nor white space.
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

    #[test]
    fn the_log_reads_back_with_its_tags_and_values() {
        let mut recorder = Recorder::new(
            1,
            1,
            Layout {
                interval_ns: 500_000_000,
                measured_ns: 1_000_000_000,
                drain_ns: 0,
            },
        );
        recorder.take(1);
        recorder.record(&Sample {
            op: 0,
            server: None,
            intended_ns: 500_000_000,
            ready_ns: Some(500_200_000),
            sent_ns: Some(500_500_000),
            done_ns: 502_000_000,
            outcome: Outcome::Ok,
        });
        let mut recording = Recording {
            started_unix_ms: 1_700_000_000_000,
            interval_ms: 500,
            measured_s: 1.0,
            ..Recording::default()
        };
        recording.add(recorder.take(2).intervals.remove(0));
        let log = interval_log("quorate", &["my set,x"], &recording);
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
                found.push((tag, h.max() / 100_000));
            }
        }
        let expected = [
            (None, 20),
            (Some("my_set_x.response"), 20),
            (Some("my_set_x.service"), 15),
            (Some("my_set_x.blocked"), 2),
            (Some("my_set_x.late"), 3),
        ];
        assert_eq!(
            found,
            expected.map(|(tag, max)| (tag.map(str::to_owned), max))
        );
    }
}
