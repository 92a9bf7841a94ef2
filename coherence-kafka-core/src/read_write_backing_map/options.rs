//! How a read-write backing map writes.

use std::time::Duration;

use coherence_kafka_common::map::MapError;

/// The elements of Coherence's `read-write-backing-map-scheme` that concern writing, by their names and with their
/// defaults, except where noted.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadWriteOptions {
    /// `write-delay`: zero, the default, writes through; more is the time for which a change waits to be written behind,
    /// at most 365 days.
    pub write_delay: Duration,
    /// `write-batch-factor`: the part of the delay, 0 to 1, by which a change may be early where another is due.
    /// Default 0. Write-behind only, as all others that begin with `write_`.
    pub write_batch_factor: f64,
    /// `write-requeue-threshold`: 0 reports a change that failed once, which is lost to the topic then, as by
    /// Coherence's default. With any other number, as by default here, it waits to be written again. No number is a
    /// limit: waiting changes are bounded by [`ReadWriteOptions::write_queue_bytes`]. In Coherence the number also
    /// limits how often a line is logged; here it is one line for each cause and 30 seconds. A change that Kafka would
    /// never accept does not wait again in any case.
    pub write_requeue_threshold: usize,
    /// `write-max-batch-size`: the most changes that are taken from the queue at once. Default 128. More than one batch
    /// may be in flight.
    pub write_max_batch_size: usize,
    /// The most that the queue holds, in bytes of keys and values and 256 for each entry; a call that exceeds it waits.
    /// Default 64 MiB. Changes in flight count.
    pub write_queue_bytes: usize,
    /// `rollback-cachestore-failures`: what could not be stored is not in the map either. Default true. Write-through
    /// only.
    pub rollback_cachestore_failures: bool,
    /// `read-only`: the map changes, and nothing is stored. Default false.
    pub read_only: bool,
    /// `cachestore-timeout`: how long a call of a map that writes through waits for the store. Default without limit:
    /// the store has its own, Kafka's `delivery.timeout.ms`. See [`crate::ReadWriteBackingMap`].
    pub cachestore_timeout: Option<Duration>,
    /// The handling of expired entries. Default [`PublishExpirations::Ignore`].
    pub publish_expirations: PublishExpirations,
}

/// `publish.expirations`: the handling of entries that leave their map because they have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublishExpirations {
    /// Nothing, as in Coherence: an expiry is no erase.
    #[default]
    Ignore,
    /// It is erased from the store.
    Tombstone,
}

impl Default for ReadWriteOptions {
    fn default() -> Self {
        Self {
            write_delay: Duration::ZERO,
            write_batch_factor: 0.0,
            write_requeue_threshold: usize::MAX,
            write_max_batch_size: 128,
            write_queue_bytes: 64 << 20,
            rollback_cachestore_failures: true,
            read_only: false,
            cachestore_timeout: None,
            publish_expirations: PublishExpirations::Ignore,
        }
    }
}

const MAX_DELAY: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const MIN_QUEUE_BYTES: usize = 4 << 10;
/// What one acquisition of a semaphore can be.
const MAX_QUEUE_BYTES: usize = u32::MAX as usize;

impl ReadWriteOptions {
    /// Refuses invalid options, all at once.
    ///
    /// # Errors
    /// [`MapError::Misuse`] that names each bad setting.
    pub fn check(&self) -> Result<(), MapError> {
        let mut bad = Vec::new();
        if self.write_delay > MAX_DELAY {
            bad.push(format!("write-delay {:?}: it must be at most 365 days", self.write_delay));
        }
        if !(0.0..=1.0).contains(&self.write_batch_factor) {
            bad.push(format!("write-batch-factor {}: it must be 0 to 1", self.write_batch_factor));
        }
        if self.write_max_batch_size == 0 {
            bad.push("write-max-batch-size 0: it must be at least 1".to_owned());
        }
        if !(MIN_QUEUE_BYTES..=MAX_QUEUE_BYTES).contains(&self.write_queue_bytes) {
            let range = format!("{MIN_QUEUE_BYTES} to {MAX_QUEUE_BYTES} bytes");
            bad.push(format!("a write-behind queue of {} bytes: it must be {range}", self.write_queue_bytes));
        }
        if self.cachestore_timeout.is_some_and(|timeout| timeout.is_zero()) {
            bad.push("cachestore-timeout 0: leave it out for no limit".to_owned());
        }
        if bad.is_empty() { Ok(()) } else { Err(MapError::Misuse(bad.join("; "))) }
    }
}
