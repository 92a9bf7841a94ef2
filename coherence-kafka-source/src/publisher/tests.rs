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
        Self::of(true)
    }

    /// The same; expirations may not be published.
    fn of(publish_expirations: bool) -> Self {
        let publisher = Publisher::new(publish_expirations, 10_000);
        let mut bench = Self { publisher, hasher: Hasher::default() };
        bench.reads_topic(&[]);
        bench.compare(&[]);
        bench
    }

    /// The topic is read: these values of the key, one after the other; an empty text is a tombstone.
    fn reads_topic(&mut self, values: &[&str]) -> TopicRead {
        self.publisher.begin_reading();
        for value in values {
            self.publisher.on_topic_record(self.hash(), self.value(value));
        }
        self.publisher.end_reading()
    }

    fn stray(&self) -> KeyHash {
        self.hasher.key_in(1, &KEY)
    }

    fn hash(&self) -> KeyHash {
        self.hasher.key(&KEY)
    }

    fn value(&self, value: &str) -> Option<ValueHash> {
        Some(value).filter(|value| !value.is_empty()).map(|value| self.hasher.value(value.as_bytes()))
    }

    /// True where it is to be published. An empty text is no value.
    fn event(&mut self, old: &str, new: &str) -> bool {
        self.changed(old, new, false)
    }

    /// The same for what the cache does by itself.
    fn by_cache(&mut self, old: &str, new: &str) -> bool {
        self.changed(old, new, true)
    }

    fn changed(&mut self, old: &str, new: &str, by_cache: bool) -> bool {
        let change = Change { old: self.value(old), new: self.value(new), by_cache };
        self.publisher.on_event(&KEY, self.hash(), change).is_some()
    }

    /// A change to a value that is not to be in the topic: true where a tombstone is to be published.
    fn dropped(&mut self, old: &str) -> bool {
        let change = Change { old: self.value(old), new: None, by_cache: false };
        self.publisher.on_event_dropped(&KEY, self.hash(), change).is_some()
    }

    fn scanned(&mut self, value: &str) -> bool {
        self.publisher.on_scanned(self.hash(), self.value(value)).is_some()
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
        let found = self.value(value).map_or(Found::Nothing, |value| Found::Entry(Some(value)));
        self.publisher.on_read(&KEY, self.hash(), found).is_some()
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
    assert_eq!(bench.publisher.end_scan(), Unmet::default());
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
        assert_eq!(bench.publisher.end_scan().to_find, 1);
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
fn without_expirations_a_key_that_the_map_does_not_have_is_kept_also_by_the_next_process() {
    let mut bench = Bench::of(false);
    bench.event("", "a");
    assert!(!bench.by_cache("a", ""));
    for _ in 0..2 {
        bench.publisher.begin_scan();
        assert_eq!(bench.publisher.end_scan(), Unmet { to_find: 0, kept: 1 });
        bench.publisher.end_comparison();
        assert!(!bench.read());
        assert_eq!(bench.publisher.keys(), 0, "what the map does not have needs no memory");
        // Another process, which knows only what the topic holds.
        bench.publisher = Publisher::new(false, 10_000);
        bench.reads_topic(&["a"]);
    }
    assert!(bench.event("", "b"));
}

#[test]
fn without_expirations_the_event_of_a_removal_is_a_tombstone_until_it_is_acknowledged() {
    let mut bench = Bench::of(false);
    bench.event("", "a");
    assert!(bench.event("a", ""));
    bench.publisher.on_store_failed(&KEY, bench.hash(), None, false);
    assert!(bench.read());
    assert!(bench.answer(""), "it was a removal");
    bench.publisher.on_store_failed(&KEY, bench.hash(), None, true);
    bench.publisher.begin_scan();
    assert_eq!(bench.publisher.end_scan(), Unmet { to_find: 1, kept: 0 });
    bench.publisher.on_topic_key(&KEY, bench.hash());
    bench.publisher.end_comparison();
    assert!(bench.read());
    assert!(bench.answer(""), "refused before");
}

#[test]
fn without_expirations_a_value_that_was_not_acknowledged_and_has_expired_is_no_tombstone() {
    let mut bench = Bench::of(false);
    bench.event("", "a");
    assert!(!bench.by_cache("a", ""));
    bench.publisher.on_store_failed(&KEY, bench.hash(), bench.value("a"), false);
    assert!(bench.read());
    assert!(!bench.answer(""));
}

#[test]
fn without_expirations_a_load_publishes_nothing_and_the_change_behind_it_is_published() {
    let mut bench = Bench::of(false);
    bench.event("", "a");
    assert!(!bench.by_cache("a", ""));
    assert!(!bench.by_cache("", "b"));
    assert!(bench.event("b", "c"));
}

#[test]
fn with_expirations_what_the_cache_does_by_itself_is_published() {
    let mut bench = Bench::new();
    assert!(bench.by_cache("", "a") && bench.by_cache("a", ""));
}

#[test]
fn what_the_topic_has_lost_is_published_by_the_comparison_after_it_was_read_again() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.want_reading();
    assert!(bench.publisher.reading_wanted() && !bench.publisher.comparison_wanted());
    assert_eq!(bench.reads_topic(&[]), TopicRead { differing: 1, strays: 0 });
    assert!(bench.publisher.comparison_wanted());
    bench.publisher.begin_scan();
    assert!(bench.scanned("a"));
}

#[test]
fn what_was_sent_while_the_topic_is_read_counts_more_than_what_is_read() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.begin_reading();
    bench.publisher.on_topic_record(bench.hash(), bench.value("a"));
    assert!(bench.event("a", "b"));
    bench.publisher.end_reading();
    bench.publisher.begin_scan();
    assert!(!bench.scanned("b"));
    bench.publisher.end_scan();
    bench.publisher.end_comparison();

    bench.publisher.begin_reading();
    assert!(bench.event("b", ""));
    bench.publisher.on_topic_record(bench.hash(), bench.value("b"));
    assert_eq!(bench.publisher.end_reading(), TopicRead::default());
    bench.publisher.begin_scan();
    assert_eq!(bench.publisher.end_scan(), Unmet::default());
}

#[test]
fn events_older_than_what_was_published_stay_left_out_when_the_topic_was_read_again() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    bench.reads_topic(&[]);
    assert!(!bench.event("a", "b"));
    assert!(bench.read() && bench.answer("c"));
}

#[test]
fn a_reading_that_fails_leaves_what_was_known_and_is_wanted_again() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.want_reading();
    bench.publisher.begin_reading();
    bench.publisher.fail_comparison();
    assert!(bench.publisher.reading_wanted());
    assert_eq!(bench.publisher.keys(), 1);
}

#[test]
fn a_value_in_a_wrong_partition_gets_a_tombstone_there_and_the_value_of_its_key_comes_again() {
    let mut bench = Bench::new();
    bench.publisher.begin_reading();
    bench.publisher.on_topic_record(bench.hash(), bench.value("b"));
    bench.publisher.on_stray_record(bench.stray(), bench.value("a"));
    assert_eq!(bench.publisher.end_reading(), TopicRead { differing: 0, strays: 1 });
    bench.publisher.begin_scan();
    assert!(!bench.scanned("b"), "the record in the right partition counts, whichever was read last");
    assert_eq!(bench.publisher.end_scan().to_find, 1);
    assert!(bench.publisher.on_stray_key(&KEY, bench.hash(), bench.stray()));
    assert!(!bench.publisher.on_stray_key(&KEY, bench.hash(), bench.stray()), "once");
    bench.publisher.end_comparison();
    assert!(bench.read() && bench.answer("b"));
}

#[test]
fn without_expirations_a_value_in_a_wrong_partition_is_kept_where_the_right_one_has_none() {
    for (publish_expirations, tombstone) in [(true, true), (false, false)] {
        let mut bench = Bench::of(publish_expirations);
        bench.publisher.begin_reading();
        bench.publisher.on_stray_record(bench.stray(), bench.value("a"));
        bench.publisher.end_reading();
        bench.publisher.begin_scan();
        bench.publisher.end_scan();
        assert_eq!(bench.publisher.on_stray_key(&KEY, bench.hash(), bench.stray()), tombstone);
        bench.publisher.end_comparison();
        assert!(!bench.read());
    }
}

#[test]
fn a_change_left_out_while_its_key_is_read_is_not_lost_where_the_read_finds_a_value_without_a_record() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    assert!(!bench.event("x", "y"));
    assert!(bench.read());
    // The value before it has no hash.
    assert!(!bench.event("", "z"));
    bench.publisher.on_read_refused(&KEY, bench.hash());
    assert!(bench.read());
    assert!(bench.answer("z"));
}

#[test]
fn behind_a_value_without_a_record_the_events_count_again() {
    let mut bench = Bench::of(false);
    bench.compare(&["a"]);
    bench.publisher.on_event_refused(bench.hash(), bench.value("a"));
    assert!(bench.event("", ""), "the value without a record was removed");
}

#[test]
fn a_scanned_value_without_a_record_leaves_its_key_as_it_is() {
    let mut bench = Bench::new();
    bench.event("", "a");
    bench.publisher.begin_scan();
    bench.publisher.on_scanned_refused(bench.hash());
    assert_eq!(bench.publisher.end_scan(), Unmet::default());
    bench.publisher.end_comparison();
    assert_eq!(bench.publisher.keys(), 1);
}

#[test]
fn a_key_whose_value_the_scan_could_not_receive_is_read() {
    let mut bench = Bench::new();
    bench.publisher.begin_scan();
    bench.publisher.on_scanned_key(&KEY, bench.hash());
    assert!(bench.read() && bench.answer("a"));
    assert_eq!(bench.publisher.end_scan(), Unmet::default());
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
fn a_while_after_the_last_read_every_event_counts_again_once_none_waits_and_removed_keys_are_forgotten() {
    let mut bench = Bench::new();
    bench.compare(&["c"]);
    let start = Instant::now();
    bench.publisher.on_tick(start, true);
    bench.publisher.on_tick(start + LATEST_EVENT / 2, true);
    assert!(bench.publisher.digest.get(bench.hash()).unwrap().is_ahead());
    bench.publisher.on_tick(start + LATEST_EVENT * 2, false);
    assert!(!bench.event("a", "b"), "it has waited, and is older than what was read");
    assert!(bench.read() && !bench.answer("c"));
    bench.publisher.on_tick(start + LATEST_EVENT * 2, true);
    assert!(bench.event("x", "y"));
}

#[test]
fn a_dropped_value_is_a_tombstone_only_where_the_topic_may_have_an_older_one() {
    let mut bench = Bench::new();
    assert!(!bench.dropped(""), "the topic has nothing of the key");
    assert!(bench.event("", "a"));
    assert!(bench.dropped("a"), "the topic has a value");
    assert!(!bench.dropped("a"));
    bench.publisher.want_comparison();
    bench.publisher.begin_scan();
    assert!(bench.dropped("a"), "a page of the scan may still bring an older value");
    assert!(!bench.scanned("a"), "it is older than the tombstone");
}

#[test]
fn a_dropped_value_outdates_a_read_that_is_on_its_way() {
    let mut bench = Bench::new();
    let (key, hash) = (KEY, bench.hash());
    bench.publisher.on_store_failed(&key, hash, bench.value("a"), false);
    assert!(bench.read());
    assert!(bench.dropped("a"), "what failed may be in the topic");
    assert!(!bench.answer("a"), "it is older than the tombstone");
}
