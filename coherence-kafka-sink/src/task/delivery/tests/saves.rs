//! Embedded maps that are saved before a commit.

use super::*;

#[test]
fn what_is_committed_was_saved_before_and_no_more_than_that() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1"]);
    bench.take(0, 1, "good");
    bench.tick();
    assert!(bench.written(2).is_empty());
    bench.delivery.on_saved(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@1"]);
    bench.now += Duration::from_secs(5);
    assert!(bench.tick().is_empty(), "the commit is not answered");
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["save t-0@2"]);
}

#[test]
fn a_save_that_fails_commits_nothing_and_is_tried_again() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1"]);
    bench.delivery.on_saved(1, Err("no room".to_owned()), bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.delivery.counters.save_failures.now(), 1);
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.tick(), ["save t-0@1"]);
}

#[test]
fn nothing_is_committed_of_partitions_that_were_lost_while_the_maps_were_saved() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.take(1, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1 t-1@1"]);
    bench.delivery.on_revoked(vec![tp(0)], true, bench.now);
    assert_eq!(bench.actions(), ["release t-0", "seek t-1 1"]);
    bench.delivery.on_saved(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-1@1"]);
}

#[test]
fn a_revoke_and_a_stop_wait_for_the_save_and_for_the_commit_behind_it() {
    for stops in [false, true] {
        let mut bench = Bench::saving();
        bench.take(0, 0, "good");
        bench.tick();
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        if stops {
            bench.delivery.on_stop(bench.now);
        }
        assert_eq!(bench.written(1), ["save t-0@1"]);
        bench.delivery.on_saved(1, Ok(()), bench.now);
        assert_eq!(bench.actions(), ["commit t-0@1"]);
        bench.delivery.on_committed(2, Ok(()), bench.now);
        assert_eq!(bench.actions(), ["release t-0"]);
        assert_eq!(bench.delivery.is_over(), stops);
    }
}

#[test]
fn maps_that_held_a_part_of_a_partition_are_read_on_behind_it_and_that_is_committed() {
    let mut bench = Bench::saving();
    let two = TopicPartition { topic: "u".to_owned(), partition: 2 };
    bench.delivery.on_assigned(vec![two.clone()], |tp| (*tp == two).then_some(40));
    match bench.delivery.next_action() {
        Some(Action::Assign(partitions)) => assert_eq!(partitions, [(two, Some(40))]),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.tick(), ["save u-2@40"]);
}
