//! A latency histogram.

/// HDR histogram of durations in nanoseconds: 1 us .. 1 h, three significant digits; values outside are clamped.
#[derive(Clone, Debug)]
pub struct Histogram {
    inner: hdrhistogram::Histogram<u64>,
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let inner = hdrhistogram::Histogram::new_with_bounds(1_000, 3_600_000_000_000, 3)
            .expect("constant bounds are valid");
        Self { inner }
    }

    /// Counts one duration.
    pub fn record_ns(&mut self, value_ns: u64) {
        self.inner.saturating_record(value_ns);
    }

    /// The underlying HDR histogram.
    #[must_use]
    pub fn hdr(&self) -> &hdrhistogram::Histogram<u64> {
        &self.inner
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}
