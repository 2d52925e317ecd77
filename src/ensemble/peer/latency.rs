//! Time from request to reply, as the four-letter words report it.

/// Smallest, largest and total recorded time, in whole milliseconds as in Java.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    pub count: u64,
    pub total_ms: u64,
    pub min_ms: u64,
    pub max_ms: u64,
}

impl Latency {
    pub(crate) fn record(&mut self, ms: u64) {
        self.min_ms = if self.count == 0 {
            ms
        } else {
            self.min_ms.min(ms)
        };
        self.max_ms = self.max_ms.max(ms);
        self.count += 1;
        self.total_ms += ms;
    }

    /// Returns the mean. 0 before the first time. Used for the whole server.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean for display")]
    pub fn mean_ms(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.total_ms as f64 / self.count as f64
        }
    }

    /// Returns the same with the mean rounded down. Used for one connection.
    pub(crate) fn whole_ms(&self) -> (u64, u64, u64) {
        let mean = self.total_ms.checked_div(self.count).unwrap_or(0);
        (self.min_ms, mean, self.max_ms)
    }
}
