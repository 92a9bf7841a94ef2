//! The records of the demo, and what the maps must hold after them. Pure, and the same on every run.

use std::collections::BTreeMap;

use coherence_kafka_common::splitmix::SplitMix64;
use serde_json::{Value, json};

/// Topic of the orders.
pub const ORDERS: &str = "orders";
/// Topic of the customers.
pub const CUSTOMERS: &str = "customers";
/// Partitions of each topic.
pub const PARTITIONS: i32 = 4;

/// Returns the map that the demo's connector file names for a topic.
pub fn map_of(topic: &str) -> &'static str {
    if topic == CUSTOMERS { "Customers" } else { "Orders" }
}

/// One record to produce.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedRecord {
    /// Its topic.
    pub topic: &'static str,
    /// Its key, as text.
    pub key: String,
    /// Its value, or `None` for a tombstone.
    pub value: Option<Value>,
}

/// What the maps must hold at the end: topic → key → value.
pub type Model = BTreeMap<&'static str, BTreeMap<String, Value>>;

/// Orders that are placed, updated and deleted, and the customers behind them: `records` of both together.
pub fn records(records: u64) -> impl Iterator<Item = FeedRecord> {
    made(records).take(usize::try_from(records).unwrap_or(usize::MAX))
}

/// Returns the records after the first `records`, about the same orders and customers, without end.
pub fn endless(records: u64) -> impl Iterator<Item = FeedRecord> {
    made(records).skip(usize::try_from(records).unwrap_or(usize::MAX))
}

/// Records of as many orders and customers as `records` of them deserve.
fn made(records: u64) -> impl Iterator<Item = FeedRecord> {
    let mut random = SplitMix64(0x9E37_79B9_7F4A_7C15);
    // Each key is written about ten times, so that updates and deletes matter.
    let keys = usize::try_from(records / 10).unwrap_or(usize::MAX).max(1);
    (0..).map(move |n: u64| {
        let deleted = random.below(10) == 0;
        if random.below(4) == 0 {
            let key = format!("customer-{}", random.below(keys / 4 + 1));
            let city = ["Praha", "São Paulo", "東京", "Austin"][random.below(4)];
            let value = (!deleted).then(|| json!({"name": key, "city": city, "version": n}));
            FeedRecord { topic: CUSTOMERS, key, value }
        } else {
            let key = format!("order-{}", random.below(keys));
            let status = ["placed", "paid", "shipped"][random.below(3)];
            let total = random.below(100_000) as f64 / 100.0;
            let value = (!deleted).then(
                || json!({"status": status, "total": total, "open": random.below(2) == 0, "version": n}),
            );
            FeedRecord { topic: ORDERS, key, value }
        }
    })
}

/// Returns the content of the maps once all of `records` are applied in order.
pub fn model(records: impl Iterator<Item = FeedRecord>) -> Model {
    let mut model = Model::from([(ORDERS, BTreeMap::new()), (CUSTOMERS, BTreeMap::new())]);
    for record in records {
        let map = model.entry(record.topic).or_default();
        match record.value {
            Some(value) => map.insert(record.key, value),
            None => map.remove(&record.key),
        };
    }
    model
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_puts_updates_and_deletes_in_both_topics() {
        let all: Vec<_> = records(2_000).collect();
        for topic in [ORDERS, CUSTOMERS] {
            let of_topic = || all.iter().filter(|r| r.topic == topic);
            assert!(of_topic().any(|r| r.value.is_none()));
            let keys: std::collections::BTreeSet<_> = of_topic().map(|r| &r.key).collect();
            assert!(keys.len() * 2 < of_topic().count());
        }
    }

    #[test]
    fn the_feed_is_the_same_every_time() {
        assert!(records(100).eq(records(100)));
    }

    #[test]
    fn what_follows_is_about_the_same_orders_and_customers() {
        let known: std::collections::BTreeSet<_> = records(1_000).map(|r| r.key).collect();
        let next: Vec<_> = endless(1_000).take(1_000).collect();
        assert!(next.iter().filter(|r| known.contains(&r.key)).count() > 900);
        let mut puts = records(1_000).filter(|r| r.value.is_some());
        assert!(!puts.any(|r| next.contains(&r)), "it goes on instead of beginning again");
    }
}
