//! Averages and maxima over the last minute, as Kafka's own metrics have them.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// `metrics.sample.window.ms` of Kafka, whose `metrics.num.samples` is 2.
const SLOT: Duration = Duration::from_secs(30);

/// The values of the last two slots of 30 seconds.
#[derive(Debug, Default)]
pub(crate) struct Window(Mutex<[Option<Slot>; 2]>);

#[derive(Debug, Clone, Copy)]
struct Slot {
    began: Instant,
    last: Instant,
    count: u64,
    sum: f64,
    max: f64,
}

impl Window {
    /// Adds a value.
    pub(crate) fn observe(&self, value: f64, now: Instant) {
        let mut slots = self.0.lock();
        if slots[0].is_none_or(|slot| now >= slot.began + SLOT) {
            slots[1] = slots[0];
            slots[0] = Some(Slot { began: now, last: now, count: 0, sum: 0.0, max: value });
        }
        if let Some(slot) = &mut slots[0] {
            slot.last = now;
            slot.count += 1;
            slot.sum += value;
            slot.max = slot.max.max(value);
        }
    }

    /// Returns the average; `None` where the last value is older than a minute.
    pub(crate) fn average(&self, now: Instant) -> Option<f64> {
        let (count, sum) =
            self.fold(now, (0, 0.0), |(count, sum), slot| (count + slot.count, sum + slot.sum));
        (count > 0).then(|| sum / count as f64)
    }

    /// Returns the maximum; `None` where the last value is older than a minute.
    pub(crate) fn maximum(&self, now: Instant) -> Option<f64> {
        self.fold(now, None, |max: Option<f64>, slot| Some(max.map_or(slot.max, |max| max.max(slot.max))))
    }

    fn fold<T>(&self, now: Instant, begin: T, add: impl Fn(T, &Slot) -> T) -> T {
        let slots = *self.0.lock();
        slots.iter().flatten().filter(|slot| now < slot.last + SLOT * 2).fold(begin, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_until_they_are_a_minute_old() {
        let (window, start) = (Window::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!((window.average(start), window.maximum(start)), (None, None));
        window.observe(1.0, at(0));
        window.observe(5.0, at(10));
        window.observe(3.0, at(31));
        assert_eq!((window.average(at(31)), window.maximum(at(31))), (Some(3.0), Some(5.0)));
        assert_eq!(window.maximum(at(71)), Some(3.0), "the first slot is a minute old");
        window.observe(2.0, at(62));
        assert_eq!((window.average(at(62)), window.maximum(at(62))), (Some(2.5), Some(3.0)));
        assert_eq!((window.average(at(122)), window.maximum(at(122))), (None, None));
    }
}
