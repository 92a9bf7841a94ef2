//! A topic that somebody else has changed: the source looks at it again, and repairs it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::executor::block_on;
use integration_tests::kafka::Kafka;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{Form, Published, SOON};

const DEADLINE: Duration = Duration::from_secs(30);

fn admin(kafka: &Kafka) -> (AdminClient<DefaultClientContext>, AdminOptions) {
    let admin = ClientConfig::new().set("bootstrap.servers", kafka.bootstrap()).create().unwrap();
    (admin, AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE)))
}

/// As `kafka-delete-records`, or retention: nothing is left.
fn delete_records(kafka: &Kafka, topic: &str) {
    let (admin, options) = admin(kafka);
    let mut all = TopicPartitionList::new();
    for partition in 0..kafka.end_offsets(topic).unwrap().len() {
        all.add_partition_offset(topic, partition as i32, Offset::End).unwrap();
    }
    block_on(admin.delete_records(&all, &options)).unwrap();
}

fn delete_topic(kafka: &Kafka, topic: &str) {
    let (admin, options) = admin(kafka);
    for result in block_on(admin.delete_topics(&[topic], &options)).unwrap() {
        result.unwrap();
    }
    eventually(SOON, "the topic is gone", || kafka.end_offsets(topic).is_err());
}

fn add_partitions(kafka: &Kafka, topic: &str, partitions: usize) {
    let (admin, options) = admin(kafka);
    let wanted = NewPartitions::new(topic, partitions);
    for result in block_on(admin.create_partitions([&wanted], &options)).unwrap() {
        result.unwrap();
    }
    let is_there = || kafka.end_offsets(topic).is_ok_and(|ends| ends.len() == partitions);
    eventually(SOON, "the broker leads the new partitions", is_there);
}

/// It looks at the topic again every second.
fn compared_often(kafka: &Kafka, base: &str) -> Published {
    let mut published = Published::new(kafka, shared::grid(), base, Form::Strings);
    published.set("coherence.source.comparison.interval.ms", "1000");
    published
}

#[test]
fn records_that_were_deleted_are_published_again_while_the_source_runs() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = compared_often(kafka, "deleted-records");
    grid.tool().churn(&published.name, 1, 1_000, 300).unwrap();
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, grid, &source);
    delete_records(kafka, &published.name);
    published.equal(kafka, grid, &source);
    assert!(source.log().contains("topic differs from what was published"), "{}", source.log());
}

#[test]
fn a_topic_that_was_deleted_and_made_again_gets_the_whole_map_while_the_source_runs() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = compared_often(kafka, "made-again");
    grid.tool().churn(&published.name, 1, 1_000, 300).unwrap();
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, grid, &source);
    delete_topic(kafka, &published.name);
    eventually(SOON, "the source waits for its topic", || {
        source.log().contains("create it, with cleanup.policy=compact")
    });
    assert!(kafka.end_offsets(&published.name).is_err(), "nobody but its owner makes the topic");
    kafka.create_topic(&published.name, 4).unwrap();
    published.equal(kafka, grid, &source);
    grid.tool().churn(&published.name, 2, 1_000, 300).unwrap();
    published.equal(kafka, grid, &source);
}

/// What compaction leaves in all partitions: keys and values, a key more than once where it has values in several.
fn compacted(kafka: &Kafka, published: &Published) -> Vec<(String, String)> {
    let mut last = BTreeMap::new();
    for record in kafka.records(&published.name).unwrap() {
        let key = published.text(record.key.as_ref().unwrap());
        last.insert((key, record.partition), record.value.map(|value| published.text(&value)));
    }
    last.into_iter().filter_map(|((key, _), value)| Some((key, value?))).collect()
}

#[test]
fn what_others_wrote_into_the_topic_is_replaced_by_what_the_map_has() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = compared_often(kafka, "meddled");
    let keys = || (0..20).map(|n| format!("k{n:02}"));
    keys().for_each(|key| grid.tool().put(&published.name, key, "a").unwrap());
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, grid, &source);
    // Some of them lie in partitions in which the source would not put them.
    let foreign = keys().chain(["other".to_owned()]).map(|key| (Some(key), Some("b")));
    kafka.produce(&published.name, foreign).unwrap();
    let expected: Vec<_> = keys().map(|key| (key, "a".to_owned())).collect();
    eventually(SOON, "every key has the value of the map, once", || compacted(kafka, &published) == expected);
}

#[test]
fn after_partitions_were_added_every_key_has_one_value_in_one_partition() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "more-partitions", Form::Strings);
    let put = |keys: std::ops::Range<u32>, value: &str| {
        keys.for_each(|n| grid.tool().put(&published.name, format!("k{n}"), value).unwrap());
    };
    put(0..60, "a");
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, grid, &source);
    source.stop().unwrap();
    add_partitions(kafka, &published.name, 7);
    put(0..20, "b");
    (20..40).for_each(|n| drop(grid.tool().remove(&published.name, format!("k{n}")).unwrap()));

    let source = published.start();
    published.follows(&source);
    let map = grid.tool().entries(&published.name).unwrap();
    let expected: Vec<_> = map.into_iter().collect();
    eventually(SOON, "every key has the value of the map, once", || compacted(kafka, &published) == expected);
    assert!(source.count("strays", &published.name).unwrap() > 0);
}

#[test]
fn a_topic_without_compaction_is_warned_of_at_the_start() {
    require_peers!();
    let kafka = shared::kafka();
    let published = Published::new(kafka, shared::grid(), "not-compacted", Form::Strings);
    let source = published.start();
    eventually(SOON, "a warning", || source.log().contains("topic has a cleanup.policy without compact"));
}
