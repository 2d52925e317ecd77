//! A latency histogram. It is dense while values are added and packed while it is kept.
//!
//! A dense HDR histogram of this range takes about 200 KB, even when empty. A run of ten minutes
//! keeps thousands of them, so a finished interval is packed into the HDR V2 encoding (usually 1 to
//! 3 KB) and unpacked only when it is read.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;

use super::buckets::{HIGHEST_NS, lowest_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};

/// Smallest duration that differs from zero, in nanoseconds.
const LOWEST_NS: u64 = 1_000;
/// Significant decimal digits.
const DIGITS: u8 = 3;
/// A percentile is shown only if at least this many durations lie beyond it.
const BEYOND_MIN: f64 = 10.0;
/// Limit of an encoded histogram in characters. Even a full histogram of our range is shorter.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// HDR histogram of durations in nanoseconds: 1 µs to 1 h, three significant digits. Values outside
/// the range are clamped.
///
/// The longest duration is also kept exactly.
#[derive(Clone)]
pub struct Histogram {
    form: Form,
    /// Exact; 0 if empty.
    longest_ns: u64,
}

#[derive(Clone)]
enum Form {
    /// Counts by bucket: fast to add to.
    Dense(hdrhistogram::Histogram<u64>),
    /// Counts of consecutive buckets, in the form that a worker hands over.
    Buckets {
        /// Index of the first bucket.
        first: usize,
        /// Counts from `first` on.
        counts: Box<[u32]>,
        count: u64,
    },
    /// HDR V2 encoding without compression: small.
    Packed { bytes: Box<[u8]>, count: u64 },
}

/// Why an encoded histogram cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    #[error("the encoded histogram is {length} characters long, more than {TEXT_BYTES_MAX}")]
    TooLong { length: usize },
    #[error("the encoded histogram is not base64: {0}")]
    Base64(base64::DecodeError),
    #[error("not an HDR V2 histogram: {0}")]
    Hdr(#[from] hdrhistogram::serialization::DeserializeError),
}

impl Histogram {
    #[must_use]
    pub fn new() -> Self {
        Self {
            form: Form::Dense(empty()),
            longest_ns: 0,
        }
    }

    /// Creates a histogram from the counts of consecutive buckets, numbered as in the `buckets`
    /// module.
    pub(super) fn from_buckets(first: usize, counts: Box<[u32]>, longest_ns: u64) -> Self {
        let count = counts.iter().map(|count| u64::from(*count)).sum();
        Self {
            form: Form::Buckets {
                first,
                counts,
                count,
            },
            longest_ns,
        }
    }

    #[inline]
    pub fn record_ns(&mut self, value_ns: u64) {
        self.longest_ns = self.longest_ns.max(value_ns);
        self.dense().saturating_record(value_ns.min(HIGHEST_NS));
    }

    pub fn record_n_ns(&mut self, value_ns: u64, count: u64) {
        if count > 0 {
            self.longest_ns = self.longest_ns.max(value_ns);
        }
        self.dense()
            .saturating_record_n(value_ns.min(HIGHEST_NS), count);
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        let source = other.hdr();
        let target = self.dense();
        if target.add(source.as_ref()).is_err() {
            // Only a histogram of another range can fail to fit. Clamp its values into our range.
            add_clamped(target, &source);
        }
    }

    /// Frees the memory of empty buckets. A later `record` unpacks the histogram again.
    pub fn pack(&mut self) {
        if let Form::Packed { .. } = &self.form {
            return;
        }
        let hdr = self.hdr();
        let mut bytes = Vec::new();
        if V2Serializer::new()
            .serialize(hdr.as_ref(), &mut bytes)
            .is_ok()
        {
            let count = hdr.len();
            self.form = Form::Packed {
                bytes: bytes.into_boxed_slice(),
                count,
            };
        }
    }

    /// Returns the number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.form {
            Form::Dense(hdr) => hdr.len(),
            Form::Packed { count, .. } | Form::Buckets { count, .. } => *count,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Returns the duration in microseconds that the share `quantile` (0..=1) of all durations does
    /// not exceed; `None` if empty.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<f64> {
        self.quantiles_us([quantile]).map(|[value]| value)
    }

    /// Returns several quantiles in microseconds and unpacks only once; `None` if empty.
    #[must_use]
    pub fn quantiles_us<const N: usize>(&self, quantiles: [f64; N]) -> Option<[f64; N]> {
        if self.is_empty() {
            return None;
        }
        let hdr = self.hdr();
        // The upper end of a bucket may be larger than the largest value in it.
        Some(quantiles.map(|q| us(hdr.value_at_quantile(q).min(self.longest_ns))))
    }

    /// The median in microseconds.
    #[must_use]
    pub fn p50_us(&self) -> Option<f64> {
        self.quantile_us(0.50)
    }

    /// The 90th percentile in microseconds.
    #[must_use]
    pub fn p90_us(&self) -> Option<f64> {
        self.quantile_us(0.90)
    }

    /// The 99th percentile in microseconds.
    #[must_use]
    pub fn p99_us(&self) -> Option<f64> {
        self.quantile_us(0.99)
    }

    /// The 99.9th percentile in microseconds.
    #[must_use]
    pub fn p999_us(&self) -> Option<f64> {
        self.quantile_us(0.999)
    }

    /// The 99.9th percentile in microseconds, if at least ten durations lie beyond it.
    #[must_use]
    pub fn supported_p999_us(&self) -> Option<f64> {
        self.supported_us(0.999)
    }

    /// The 99.99th percentile in microseconds, if at least ten durations lie beyond it.
    #[must_use]
    pub fn supported_p9999_us(&self) -> Option<f64> {
        self.supported_us(0.9999)
    }

    /// Returns a quantile in microseconds, if at least ten durations lie beyond it.
    #[must_use]
    pub fn supported_us(&self, quantile: f64) -> Option<f64> {
        // 1e-6 makes up for the rounding error of 1 - 0.999.
        let beyond = count_f64(self.count()) * (1.0 - quantile) + 1e-6;
        (beyond >= BEYOND_MIN)
            .then(|| self.quantile_us(quantile))
            .flatten()
    }

    /// The largest duration in microseconds, exact.
    #[must_use]
    pub fn max_us(&self) -> Option<f64> {
        (!self.is_empty()).then(|| us(self.longest_ns))
    }

    /// The smallest duration in microseconds.
    #[must_use]
    pub fn min_us(&self) -> Option<f64> {
        (!self.is_empty()).then(|| us(self.hdr().min()))
    }

    /// The arithmetic mean in microseconds.
    #[must_use]
    pub fn mean_us(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.hdr().mean() / 1_000.0)
    }

    /// Returns the cumulative distribution: each recorded value in microseconds with the share of
    /// all values that do not exceed it (0..=1), ascending.
    #[must_use]
    pub fn cumulative_us(&self) -> Vec<(f64, f64)> {
        let total = count_f64(self.count());
        let mut below = 0;
        let hdr = self.hdr();
        hdr.iter_recorded()
            .map(|step| {
                below += step.count_since_last_iteration();
                (us(step.value_iterated_to()), count_f64(below) / total)
            })
            .collect()
    }

    /// Returns the HDR histogram, unpacked if necessary.
    #[must_use]
    pub fn hdr(&self) -> Cow<'_, hdrhistogram::Histogram<u64>> {
        match &self.form {
            Form::Dense(hdr) => Cow::Borrowed(hdr),
            Form::Packed { bytes, .. } => Cow::Owned(unpack(bytes)),
            Form::Buckets { first, counts, .. } => Cow::Owned(spread(*first, counts)),
        }
    }

    /// Encodes as HDR V2 with deflate in base64 (`HISTFAAA...`), which HdrHistogram tools read.
    #[must_use]
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(self.hdr().as_ref(), &mut bytes)
            .expect("a histogram of our range always fits its encoding");
        STANDARD.encode(bytes)
    }

    /// Reads the output of [`Histogram::to_base64`], or HDR V2 without deflate in base64.
    ///
    /// # Errors
    ///
    /// If the text is not base64 or not an HDR V2 histogram.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(HistogramError::TooLong { length: text.len() });
        }
        let bytes = STANDARD.decode(text).map_err(HistogramError::Base64)?;
        let read: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice())?;
        let same_range =
            read.low() == LOWEST_NS && read.high() == HIGHEST_NS && read.sigfig() == DIGITS;
        let hdr = if same_range {
            read
        } else {
            let mut ours = empty();
            add_clamped(&mut ours, &read);
            ours
        };
        let longest_ns = if hdr.is_empty() { 0 } else { hdr.max() };
        let mut histogram = Self {
            form: Form::Dense(hdr),
            longest_ns,
        };
        histogram.pack();
        Ok(histogram)
    }

    /// Restores the exact longest duration, which the encoding does not contain.
    pub fn set_max_us(&mut self, max_us: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts of floats saturate"
        )]
        let ns = (max_us * 1_000.0).round() as u64;
        if !self.is_empty() {
            self.longest_ns = ns;
        }
    }

    /// Returns the dense form, unpacked if necessary.
    #[inline]
    fn dense(&mut self) -> &mut hdrhistogram::Histogram<u64> {
        match &self.form {
            Form::Dense(_) => (),
            Form::Packed { bytes, .. } => self.form = Form::Dense(unpack(bytes)),
            Form::Buckets { first, counts, .. } => {
                self.form = Form::Dense(spread(*first, counts));
            }
        }
        match &mut self.form {
            Form::Dense(hdr) => hdr,
            Form::Packed { .. } | Form::Buckets { .. } => unreachable!("was just made dense"),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints a summary, because there are thousands of buckets.
impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("p50_us", &self.p50_us())
            .field("p99_us", &self.p99_us())
            .field("max_us", &self.max_us())
            .finish()
    }
}

/// Histograms are equal if they hold the same counts, in any form.
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.hdr().as_ref() == other.hdr().as_ref()
    }
}

fn empty() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS)
        .expect("constant bounds are valid")
}

/// Expects bytes that [`Histogram::pack`] made.
fn unpack(bytes: &[u8]) -> hdrhistogram::Histogram<u64> {
    Deserializer::new()
        .deserialize(&mut &*bytes)
        .expect("our own encoding is readable")
}

fn spread(first: usize, counts: &[u32]) -> hdrhistogram::Histogram<u64> {
    let mut hdr = empty();
    for (bucket, count) in (first..).zip(counts) {
        if *count > 0 {
            hdr.saturating_record_n(lowest_of(bucket), u64::from(*count));
        }
    }
    hdr
}

fn add_clamped(target: &mut hdrhistogram::Histogram<u64>, source: &hdrhistogram::Histogram<u64>) {
    for step in source.iter_recorded() {
        target.saturating_record_n(step.value_iterated_to(), step.count_at_value());
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "at most one hour in nanoseconds, exact in an f64"
)]
fn us(value_ns: u64) -> f64 {
    value_ns as f64 / 1_000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of a count needs no more than 53 bits"
)]
fn count_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Histogram {
        let mut histogram = Histogram::new();
        for us in 1..=1_000 {
            histogram.record_ns(us * 1_000);
        }
        histogram
    }

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!(
            (actual - expected).abs() <= expected * 0.002,
            "{actual} is not within 0.2 % of {expected}"
        );
    }

    #[test]
    fn quantiles_are_microseconds_with_three_digits() {
        let h = sample();
        assert_eq!(h.count(), 1_000);
        close(h.p50_us(), 500.0);
        close(h.p90_us(), 900.0);
        close(h.p99_us(), 990.0);
        close(h.p999_us(), 999.0);
        close(h.max_us(), 1_000.0);
        close(h.mean_us(), 500.5);
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let h = Histogram::new();
        assert!(h.is_empty());
        assert_eq!(h.p50_us(), None);
        assert_eq!(h.mean_us(), None);
        assert_eq!(h.max_us(), None);
        assert_eq!(h.quantiles_us([0.5, 0.9]), None);
        assert!(h.cumulative_us().is_empty());
    }

    #[test]
    fn values_outside_the_range_are_clamped() {
        let mut h = Histogram::new();
        h.record_ns(0);
        h.record_ns(u64::MAX);
        assert_eq!(h.count(), 2);
        close(h.quantile_us(0.99), 3_600_000_000.0);
    }

    #[test]
    fn the_largest_duration_is_exact() {
        let mut h = Histogram::new();
        h.record_ns(1_234_567_891);
        h.record_ns(5);
        let mut other = Histogram::new();
        other.merge(&h);
        other.pack();
        assert_eq!(other.max_us(), Some(1_234_567.891));
        let mut read = Histogram::from_base64(&h.to_base64()).unwrap();
        close(read.max_us(), 1_234_567.0);
        read.set_max_us(1_234_567.891);
        assert_eq!(read.max_us(), h.max_us());
    }

    #[test]
    fn a_high_percentile_is_shown_only_with_ten_values_beyond_it() {
        let mut h = Histogram::new();
        h.record_n_ns(1_000_000, 9_999);
        assert_eq!(h.supported_p999_us(), None);
        h.record_ns(2_000_000);
        assert!(h.supported_p999_us().is_some());
        assert_eq!(h.supported_p9999_us(), None);
        h.record_n_ns(1_000_000, 90_000);
        assert!(h.supported_p9999_us().is_some());
        assert_eq!(Histogram::new().supported_p999_us(), None);
    }

    #[test]
    fn packing_only_changes_the_memory() {
        let dense = sample();
        let mut packed = dense.clone();
        packed.pack();
        let Form::Packed { bytes, .. } = &packed.form else {
            panic!("not packed");
        };
        assert!(bytes.len() < 4_096, "{} bytes", bytes.len());
        assert_eq!(packed, dense);
        assert_eq!(packed.count(), dense.count());
        packed.record_ns(5_000_000);
        assert_eq!(packed.count(), 1_001);
    }

    #[test]
    fn merging_equals_recording_everything_in_one() {
        let mut low = Histogram::new();
        let mut high = Histogram::new();
        let mut all = Histogram::new();
        for us in 1..=100 {
            low.record_ns(us * 1_000);
            high.record_ns(us * 777_000);
            all.record_ns(us * 1_000);
            all.record_ns(us * 777_000);
        }
        high.pack();
        low.merge(&high);
        assert_eq!(low, all);
    }

    #[test]
    fn base64_round_trips_and_hdr_tools_read_it() {
        let h = sample();
        let text = h.to_base64();
        assert!(text.starts_with("HISTFAAA"), "{text}");
        assert_eq!(Histogram::from_base64(&text).unwrap(), h);
        let mut plain = Vec::new();
        V2Serializer::new()
            .serialize(h.hdr().as_ref(), &mut plain)
            .unwrap();
        assert_eq!(Histogram::from_base64(&STANDARD.encode(plain)).unwrap(), h);
    }

    #[test]
    fn a_histogram_of_another_range_is_converted() {
        let mut foreign = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1_000_000, 2).unwrap();
        foreign.record_n(250_000, 7).unwrap();
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&foreign, &mut bytes).unwrap();
        let h = Histogram::from_base64(&STANDARD.encode(bytes)).unwrap();
        assert_eq!(h.count(), 7);
        assert!((h.p50_us().unwrap() - 250.0).abs() < 2.0);
    }

    #[test]
    fn garbage_is_an_error() {
        let text = sample().to_base64();
        assert!(matches!(
            Histogram::from_base64("###"),
            Err(HistogramError::Base64(_))
        ));
        assert!(matches!(
            Histogram::from_base64("AAAA"),
            Err(HistogramError::Hdr(_))
        ));
        let cut = &text[..text.len() / 8 * 4];
        assert!(Histogram::from_base64(cut).is_err());
        assert!(matches!(
            Histogram::from_base64(&"A".repeat(TEXT_BYTES_MAX + 4)),
            Err(HistogramError::TooLong { .. })
        ));
    }

    #[test]
    fn the_cumulative_distribution_ends_at_one() {
        let steps = sample().cumulative_us();
        assert_eq!(steps.last().unwrap().1.to_bits(), 1.0_f64.to_bits());
        assert!(steps.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
    }
}
