//! Choices that a seed repeats.

use std::time::Duration;

/// A stream of numbers; the same seed gives the same ones.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (scattered(self.0) % end as u64) as usize
    }

    /// A time of whole milliseconds, the ends included.
    pub fn between(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let width = most.saturating_sub(least).as_millis() as usize + 1;
        least + Duration::from_millis(self.below(width) as u64)
    }
}

/// SplitMix64's last step: near numbers become distant ones.
pub fn scattered(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
