//! Which epochs a server takes from others.

/// Highest epoch that a server takes from another server that is far ahead of it. The elections that
/// remain above it, 16 million, are for servers that know each other's epochs.
const FAR_EPOCH_MAX: i64 = EPOCH_MAX - (1 << 24);

/// Highest epoch that a zxid can hold. `ACKEPOCH` also has 32 bits for it.
pub(super) const EPOCH_MAX: i64 = i32::MAX as i64;

/// How far above our own accepted epoch another server's may always be. It accepts one for each election
/// that we miss.
const NEAR_EPOCHS: i64 = 1 << 8;

/// Whether we may write an epoch to disk that another server reports, where `own` is the one that we have
/// accepted.
///
/// An accepted epoch never decreases. One packet with an epoch near 2^31 would leave no epoch for the next
/// leader, also after a restart.
pub(super) const fn is_credible(epoch: i64, own: i64) -> bool {
    let near = epoch <= own.saturating_add(NEAR_EPOCHS) && epoch <= EPOCH_MAX;
    epoch >= 0 && (epoch <= FAR_EPOCH_MAX || near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_near_the_end_is_credible_only_next_to_our_own() {
        assert!(is_credible(0, 5) && is_credible(1_000_000, 5));
        for epoch in [-1, EPOCH_MAX, EPOCH_MAX - 1, EPOCH_MAX + 1, i64::MAX] {
            assert!(!is_credible(epoch, 5), "{epoch}");
        }
        assert!(is_credible(EPOCH_MAX, EPOCH_MAX - 1));
        assert!(!is_credible(EPOCH_MAX + 1, EPOCH_MAX));
    }
}
