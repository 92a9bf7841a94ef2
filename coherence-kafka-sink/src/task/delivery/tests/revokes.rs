//! Partitions that are revoked or lost, and tasks that end.

use super::*;

#[test]
fn a_revoke_waits_for_the_write_and_its_commit_and_then_lets_go() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.delivery.room(), 0);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
    assert!(bench.delivery.room() > 0);
}

#[test]
fn a_revoke_waits_for_its_own_commit_whatever_an_earlier_one_is_answered() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.options.revoke_deadline = Duration::from_secs(60);
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    bench.now += Duration::from_secs(6);
    assert_eq!(bench.tick(), ["commit t-0@1"], "the first one was not answered in time");
    for late in [Ok(()), Err(CommitError::Failed("too late".to_owned()))] {
        bench.delivery.on_committed(1, late, bench.now);
        assert!(bench.actions().is_empty());
    }
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
}

#[test]
fn a_revoke_whose_deadline_passes_abandons_the_write_and_reads_the_kept_partitions_again() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 7, "good");
    bench.take(1, 3, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.tick(), ["abandon", "release t-0", "seek t-1 3"]);
    assert!(bench.written(1).is_empty(), "a late answer commits nothing");
}

#[test]
fn a_task_that_ends_lets_go_of_revoked_partitions_only_behind_its_write() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_stop(bench.now);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
    assert!(bench.delivery.is_over());
}

#[test]
fn a_stop_during_a_revoke_ends_by_the_deadline_of_the_stop_and_by_that_of_the_revoke() {
    for (stop, revoke) in [(2, 60), (60, 2)] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.delivery.options.stop_deadline = Duration::from_secs(stop);
        bench.delivery.options.revoke_deadline = Duration::from_secs(revoke);
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        bench.delivery.on_stop(bench.now);
        bench.now += Duration::from_secs(1);
        assert!(bench.tick().is_empty());
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.tick(), ["abandon", "release t-0"]);
        assert!(bench.delivery.is_over());
    }
}

#[test]
fn a_revoke_during_a_stop_ends_by_the_same_deadlines() {
    for (stop, revoke) in [(2, 60), (60, 2)] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.delivery.options.stop_deadline = Duration::from_secs(stop);
        bench.delivery.options.revoke_deadline = Duration::from_secs(revoke);
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        bench.delivery.on_stop(bench.now);
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        bench.now += Duration::from_secs(1);
        assert!(bench.tick().is_empty());
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.tick(), ["abandon", "release t-0"]);
        assert!(bench.delivery.is_over());
    }
}

#[test]
fn each_assign_and_each_revoke_is_answered_also_an_empty_one() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let now = bench.now;
    bench.delivery.on_assigned(Vec::new(), |_| None);
    assert_eq!(bench.actions(), ["assign"]);
    for lost in [false, true] {
        bench.delivery.on_revoked(Vec::new(), lost, now);
        assert_eq!(bench.actions(), ["release"]);
        assert!(bench.delivery.room() > 0);
    }
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(Vec::new(), false, now);
    assert!(bench.actions().is_empty(), "what is read behind this batch is assigned again by the group");
    bench.written(1);
    bench.delivery.on_committed(1, Ok(()), now);
    assert_eq!(bench.actions(), ["release"]);
}

#[test]
fn a_task_that_is_over_still_answers() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.on_stop(bench.now);
    assert!(bench.delivery.is_over());
    bench.delivery.on_revoked(vec![tp(0), tp(1)], false, bench.now);
    assert_eq!(bench.actions(), ["release t-0 t-1"]);
    bench.delivery.on_assigned(vec![tp(0)], |_| None);
    assert_eq!(bench.actions(), ["assign t-0"]);
}

#[test]
fn what_is_lost_while_it_is_asked_for_is_released_once_and_the_rest_is_still_waited_for() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(1, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-1@1"]);
    bench.delivery.on_revoked(vec![tp(0), tp(1)], false, bench.now);
    bench.delivery.on_revoked(vec![tp(0)], true, bench.now);
    assert_eq!(bench.actions(), ["release t-0", "seek t-1 1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-1"]);
}

#[test]
fn a_topic_that_is_deleted_holds_up_neither_a_revoke_nor_a_stop() {
    for stops in [false, true] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        if stops {
            bench.delivery.on_stop(bench.now);
        }
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        assert_eq!(bench.written(1), ["commit t-0@1"]);
        let unknown = CommitError::UnknownTopics(vec!["t".to_owned()]);
        bench.delivery.on_committed(1, Err(unknown), bench.now);
        assert_eq!(bench.actions(), ["release t-0"]);
        assert_eq!(bench.delivery.is_over(), stops);
    }
}

#[test]
fn what_is_lost_is_not_committed() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0), tp(1)], true, bench.now);
    assert_eq!(bench.actions(), ["abandon", "release t-0 t-1"]);
    assert!(bench.written(1).is_empty());
}

#[test]
fn a_member_that_was_thrown_out_writes_and_commits_nothing_more() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 1, "good");
    bench.delivery.on_consumer_lost("fenced".to_owned(), bench.now);
    assert_eq!(bench.actions(), ["abandon", "release t-0 t-1"]);
    assert!(bench.written(1).is_empty());
    assert!(bench.delivery.is_over());
    assert_eq!(bench.delivery.failure(), Some(&TaskFailure::Consumer("fenced".to_owned())));
}
