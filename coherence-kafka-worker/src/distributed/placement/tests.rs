use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

const PARTITIONS: &str = include_str!("../../../tests/vectors/connect-partitions.jsonl");

#[test]
fn a_name_has_the_partition_that_javas_partitioner_chooses() {
    for line in PARTITIONS.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let partitions = u32::try_from(line["partitions"].as_u64().unwrap()).unwrap();
        let partition = connector_partition(line["key"].as_str().unwrap(), partitions);
        assert_eq!(line["partition"], partition, "{line}");
    }
    // Kafka's own test of its hash. With this number of partitions, only the sign is lost.
    let hashes = [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("abc", 479_470_107),
    ];
    for (name, hash) in hashes {
        let positive = hash.cast_unsigned() & 0x7FFF_FFFF;
        assert_eq!(connector_partition(name, 0x7FFF_FFFF), positive, "{name}");
    }
}

#[test]
fn tasks_of_a_connector_are_on_different_partitions_as_long_as_there_are_enough() {
    for partitions in 1..200 {
        let first = task_partition("orders", 0, partitions);
        assert_eq!(first, connector_partition("orders", partitions));
        let mut all: Vec<u32> =
            (0..partitions).map(|task| task_partition("orders", task, partitions)).collect();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..partitions), "each once");
        assert_eq!(task_partition("orders", partitions, partitions), first, "then from the first again");
    }
}

#[test]
fn a_number_of_partitions_has_one_stride_for_ever() {
    let strides: Vec<u32> = [1, 2, 3, 4, 5, 7, 10, 12, 25, 32, 50, 100].map(stride).into();
    assert_eq!(strides, [1, 1, 1, 3, 3, 4, 7, 7, 16, 19, 31, 61]);
    assert_eq!(task_partition("a", u32::MAX, u32::MAX), connector_partition("a", u32::MAX));
    assert_eq!((task_partition("a", 3, 0), connector_partition("a", 0)), (0, 0));
}

/// The most tasks of one connector that a worker has, above a fair share, over all connectors and numbers of tasks.
fn worst(owner: &[usize], workers: usize, partition: impl Fn(u32, u32) -> u32) -> usize {
    let partitions = u32::try_from(owner.len()).unwrap();
    let mut worst = 0;
    for (first, tasks) in (0..partitions).flat_map(|first| (1..partitions).map(move |tasks| (first, tasks))) {
        let mut of: BTreeMap<usize, usize> = BTreeMap::new();
        for task in 0..tasks {
            *of.entry(owner[usize::try_from(partition(first, task)).unwrap()]).or_default() += 1;
        }
        let fair = usize::try_from(tasks).unwrap().div_ceil(workers);
        worst = worst.max(of.values().max().unwrap() - fair);
    }
    worst
}

#[test]
fn a_few_tasks_are_spread_over_workers_that_have_blocks_of_partitions_and_over_those_that_have_every_nth() {
    for workers in 2..=8 {
        let blocks: Vec<usize> = (0..25).map(|partition| partition * workers / 25).collect();
        let every_nth: Vec<usize> = (0..25).map(|partition| partition % workers).collect();
        let golden = |first, task| (first + task * stride(25)) % 25;
        assert!(worst(&blocks, workers, golden) <= 2, "{workers} workers with blocks");
        assert!(worst(&every_nth, workers, golden) <= 3, "{workers} workers with every nth");
        let neighbours = |first, task| (first + task) % 25;
        assert!(worst(&blocks, workers, neighbours) >= 3, "neighbours would share workers");
    }
}
