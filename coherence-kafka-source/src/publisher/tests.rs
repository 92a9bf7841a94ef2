use super::*;
use crate::digest::Hasher;

const KEY: Bytes = Bytes::from_static(b"k");

struct Bench {
    publisher: Publisher,
    hasher: Hasher,
}

impl Bench {
    /// A publisher that has compared an empty map with an empty topic.
    fn new() -> Self {
        let mut bench = Self { publisher: Publisher::new(true, 10_000), hasher: Hasher::default() };
        bench.compare(&[]);
        bench
    }

    fn hash(&self) -> KeyHash {
        self.hasher.key(&KEY)
    }

    fn value(&self, value: &str) -> Option<ValueHash> {
        Some(value).filter(|value| !value.is_empty()).map(|value| self.hasher.value(value.as_bytes()))
    }

    /// True where it is to be published. An empty text is no value.
    fn event(&mut self, old: &str, new: &str) -> bool {
        let change = Change { old: self.value(old), new: self.value(new), expired: false };
        self.publisher.on_event(&KEY, self.hash(), change).is_some()
    }

    fn scanned(&mut self, value: &str) -> bool {
        let value = self.value(value).unwrap();
        self.publisher.on_scanned(self.hash(), value).is_some()
    }

    fn compare(&mut self, values: &[&str]) {
        self.publisher.begin_scan();
        for value in values {
            self.scanned(value);
        }
        self.publisher.end_scan();
        self.publisher.end_comparison();
    }

    fn read(&mut self) -> bool {
        !self.publisher.next_reads(10).is_empty()
    }

    fn answer(&mut self, value: &str) -> bool {
        self.publisher.on_read(&KEY, self.hash(), self.value(value)).is_some()
    }
}

#[test]
fn every_event_is_published_where_nothing_was_read() {
    let mut bench = Bench::new();
    assert!(bench.event("", "a") && bench.event("a", "b") && bench.event("b", ""));
    assert!(bench.publisher.is_settled());
    assert_eq!(bench.publisher.keys(), 0);
}

#[test]
fn what_the_topic_holds_already_is_not_published_by_a_scan() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.begin_scan();
    assert!(!bench.scanned("a"));
    assert_eq!(bench.publisher.end_scan(), 0);
}

#[test]
fn a_scanned_value_that_an_event_has_overtaken_is_not_published() {
    let mut bench = Bench::new();
    bench.publisher.begin_scan();
    assert!(bench.event("", "a") && bench.event("a", ""));
    assert!(!bench.scanned("a"), "it was removed since");
}

#[test]
fn events_older_than_what_was_scanned_are_left_out_up_to_the_one_that_made_it() {
    let mut bench = Bench::new();
    bench.publisher.begin_scan();
    assert!(bench.scanned("c"));
    assert!(!bench.event("", "a") && !bench.event("a", "b") && !bench.event("b", "c"));
    assert!(bench.event("c", "d"));
    assert!(bench.read() && !bench.answer("d"), "the events have caught up: nothing was left out");
}

#[test]
fn a_key_whose_events_do_not_go_on_from_what_was_scanned_is_read_again() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    assert!(!bench.event("x", "y"), "it may be older");
    assert!(bench.read());
    assert!(bench.answer("y"), "it was newer: an event between them was lost");
    assert!(bench.event("y", "z"));
}

#[test]
fn an_answer_that_an_event_has_overtaken_does_not_count() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    bench.event("x", "y");
    assert!(bench.read());
    assert!(bench.event("c", "d"));
    assert!(!bench.answer("c"));
}

#[test]
fn an_event_left_out_while_its_key_is_read_has_it_read_once_more() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    bench.event("x", "y");
    assert!(bench.read());
    bench.event("y", "z");
    assert!(bench.answer("y"), "read between the two");
    assert!(bench.read());
    assert!(bench.answer("z"));
}

#[test]
fn a_key_that_a_scan_does_not_meet_is_removed_only_when_a_read_does_not_find_it() {
    for (found, tombstone) in [("", true), ("a", false)] {
        let mut bench = Bench::new();
        bench.event("", "a");
        bench.publisher.begin_scan();
        assert_eq!(bench.publisher.end_scan(), 1);
        bench.publisher.on_topic_key(&KEY, bench.hash());
        bench.publisher.on_topic_key(&KEY, bench.hash());
        bench.publisher.end_comparison();
        assert_eq!(bench.publisher.next_reads(10).len(), 1);
        assert_eq!(bench.answer(found), tombstone);
    }
}

#[test]
fn behind_a_tombstone_that_a_read_led_to_an_insert_is_read_again() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.begin_scan();
    bench.publisher.end_scan();
    bench.publisher.on_topic_key(&KEY, bench.hash());
    bench.publisher.end_comparison();
    assert!(bench.read() && bench.answer(""));
    assert!(!bench.event("", "b") && !bench.event("b", ""), "it may have been absent twice");
    assert!(bench.read());
    assert!(!bench.answer(""));
    assert!(!bench.event("", "c"));
    assert!(bench.read() && bench.answer("c"));
    assert!(bench.event("c", "d"));
}

#[test]
fn a_removal_that_is_told_while_its_key_is_read_has_it_read_once_more() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.begin_scan();
    bench.publisher.end_scan();
    bench.publisher.on_topic_key(&KEY, bench.hash());
    bench.publisher.end_comparison();
    assert!(bench.read() && bench.answer(""));
    bench.event("", "b");
    assert!(bench.read());
    bench.event("b", "");
    assert!(bench.answer("b"), "read between the two");
    assert!(bench.read() && bench.answer(""));
}

#[test]
fn a_record_that_was_not_acknowledged_is_read_again_and_published_even_where_it_is_the_same() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), false);
    assert!(bench.read());
    assert!(bench.answer("a"));
    assert_eq!(bench.publisher.take_counts().superfluous, 0, "nobody knew");
}

#[test]
fn a_tombstone_that_was_not_acknowledged_is_published_again() {
    let mut bench = Bench::new();
    assert!(bench.event("", "a") && bench.event("a", ""));
    bench.publisher.on_store_failed(&KEY, bench.hash(), None, false);
    assert!(bench.read());
    assert!(bench.answer(""));
}

#[test]
fn a_record_whose_failure_is_told_during_a_comparison_is_read_again_whatever_that_finds() {
    let mut bench = Bench::new();
    assert!(bench.event("", "a") && bench.event("a", ""));
    bench.publisher.begin_scan();
    bench.publisher.end_scan();
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), false);
    bench.publisher.end_comparison();
    assert!(bench.read());
    assert!(bench.answer(""), "it may have come into the topic behind the tombstone");
}

#[test]
fn a_refused_record_waits_for_the_next_comparison() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), true);
    assert!(!bench.read());
    bench.publisher.begin_scan();
    assert!(bench.scanned("a"));
}

#[test]
fn a_record_that_was_not_acknowledged_may_come_behind_a_later_one_so_the_later_one_is_published_again() {
    let mut bench = Bench::new();
    assert!(bench.event("", "a") && bench.event("a", "b"));
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), false);
    assert!(bench.read());
    assert!(bench.answer("b"));
}

#[test]
fn a_refused_record_does_not_matter_once_a_later_one_of_its_key_was_sent() {
    let mut bench = Bench::new();
    assert!(bench.event("", "a") && bench.event("a", "b"));
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), true);
    bench.publisher.begin_scan();
    assert!(!bench.scanned("b"));
}

#[test]
fn an_expired_entry_that_is_not_to_be_told_stays_in_the_topic_through_comparisons() {
    let mut bench = Bench::new();
    bench.publisher.publish_expirations = false;
    bench.event("", "a");
    let expired = Change { old: bench.value("a"), new: None, expired: true };
    assert_eq!(bench.publisher.on_event(&KEY, bench.hash(), expired), None);
    bench.publisher.begin_scan();
    assert_eq!(bench.publisher.end_scan(), 0);
    bench.publisher.end_comparison();
    assert!(bench.event("", "b"));
}

#[test]
fn keys_without_room_are_left_to_another_comparison() {
    let mut bench = Bench::new();
    bench.publisher.reads = Reads::new(10);
    bench.compare(&["c"]);
    assert!(!bench.publisher.comparison_wanted());
    bench.event("x", "y");
    assert!(bench.publisher.comparison_wanted());
}

#[test]
fn a_while_after_the_last_read_every_event_counts_again_and_removed_keys_are_forgotten() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    let start = Instant::now();
    bench.publisher.on_tick(start);
    bench.publisher.on_tick(start + LATEST_EVENT / 2);
    assert!(bench.publisher.digest.get(bench.hash()).unwrap().is_ahead());
    bench.publisher.on_tick(start + LATEST_EVENT);
    assert!(bench.event("x", "y"));
}
