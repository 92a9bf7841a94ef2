use super::*;

fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "orders".to_owned(), partition }
}

fn tracker(partitions: &[i32]) -> OffsetTracker {
    let mut tracker = OffsetTracker::default();
    tracker.assign(&partitions.iter().map(|&p| tp(p)).collect::<Vec<_>>());
    tracker
}

fn reached(tracker: &OffsetTracker, partition: i32, next: i64) -> Reached {
    Reached { partition: tracker.find("orders", partition).unwrap(), next }
}

fn to_commit(tracker: &OffsetTracker) -> Vec<(i32, i64)> {
    tracker.to_commit().map(|(tp, next)| (tp.partition, next)).collect()
}

#[test]
fn nothing_is_committed_before_it_is_confirmed() {
    let mut s = tracker(&[0, 1]);
    assert!(to_commit(&s).is_empty());
    s.confirm(&[reached(&s, 1, 7)]);
    assert_eq!(to_commit(&s), [(1, 7)]);
}

#[test]
fn a_position_is_committed_once() {
    let mut s = tracker(&[0]);
    s.confirm(&[reached(&s, 0, 3)]);
    s.commit_sent();
    assert!(to_commit(&s).is_empty());
    s.confirm(&[reached(&s, 0, 4)]);
    assert_eq!(to_commit(&s), [(0, 4)]);
}

#[test]
fn what_a_map_held_before_is_committed_until_more_is_confirmed_and_nothing_is_read_again_for_it() {
    let mut s = tracker(&[0, 1]);
    s.note_held(&tp(0), Some(5));
    assert_eq!(to_commit(&s), [(0, 5)]);
    assert!(s.rewind().is_empty());
    s.commit_sent();
    assert!(to_commit(&s).is_empty());
    s.confirm(&[reached(&s, 0, 7)]);
    assert_eq!(to_commit(&s), [(0, 7)]);
}

#[test]
fn a_failed_commit_is_sent_again() {
    let mut s = tracker(&[0]);
    s.confirm(&[reached(&s, 0, 3)]);
    s.commit_sent();
    s.commit_failed();
    assert_eq!(to_commit(&s), [(0, 3)]);
}

#[test]
fn a_late_answer_of_an_assignment_that_is_over_settles_nothing() {
    let mut s = tracker(&[0]);
    let late = reached(&s, 0, 9);
    s.release(&[tp(0)]);
    s.confirm(&[late]);
    assert!(to_commit(&s).is_empty());
    s.assign(&[tp(0)]);
    s.confirm(&[late]);
    assert!(to_commit(&s).is_empty());
}

#[test]
fn a_partition_has_a_number_of_its_own_for_each_assignment_and_nothing_is_kept_of_one_that_is_released() {
    let mut s = tracker(&[0, 1]);
    let old = s.find("orders", 1).unwrap();
    assert_eq!(s.release(&[tp(0), tp(1)]).len(), 2);
    assert_eq!((s.partitions.len(), s.numbers.len()), (0, 0));
    s.assign(&[tp(2), tp(1)]);
    assert_ne!(s.find("orders", 1), Some(old));
    assert_eq!(s.partition(old), None);
    assert!(s.find("orders", 0).is_none());
}

#[test]
fn nothing_of_an_old_log_is_confirmed_or_committed_in_the_new_one() {
    let mut s = tracker(&[0]);
    let old = s.find("orders", 0).unwrap();
    s.note_first(old, 1000);
    s.confirm(&[reached(&s, 0, 1010)]);
    let late = reached(&s, 0, 1020);
    let new = s.begin_anew(old, 0).unwrap();
    assert_eq!(s.find("orders", 0), Some(new));
    assert_eq!(to_commit(&s), [(0, 0)], "the position in the old log is replaced");
    s.confirm(&[late]);
    assert_eq!(to_commit(&s), [(0, 0)]);
    assert!(!s.is_confirmed(new, 0));
    assert_eq!(s.rewind(), [(tp(0), 0)]);
    s.confirm(&[reached(&s, 0, 3)]);
    assert_eq!(to_commit(&s), [(0, 3)]);
}

#[test]
fn what_was_not_confirmed_below_the_cut_of_a_truncated_log_is_read_again() {
    let mut s = tracker(&[0]);
    let old = s.find("orders", 0).unwrap();
    s.note_first(old, 700);
    s.confirm(&[reached(&s, 0, 800)]);
    s.begin_anew(old, 900).unwrap();
    assert_eq!(to_commit(&s), [(0, 800)]);
    assert_eq!(s.rewind(), [(tp(0), 800)]);
}

#[test]
fn a_record_that_is_never_done_ends_what_is_confirmed_of_its_partition() {
    let mut s = tracker(&[0, 1]);
    let number = s.find("orders", 0).unwrap();
    s.note_first(number, 5);
    s.stop_at(number, 9);
    s.stop_at(number, 7);
    s.confirm(&[reached(&s, 0, 12), reached(&s, 1, 12)]);
    assert_eq!(to_commit(&s), [(0, 7), (1, 12)]);
    s.confirm(&[reached(&s, 0, 20)]);
    assert_eq!(to_commit(&s), [(0, 7), (1, 12)]);
}

#[test]
fn the_position_that_the_group_has_is_known_and_not_committed_once_more() {
    let mut s = tracker(&[0]);
    s.note_committed(&tp(0), 40);
    let number = s.find("orders", 0).unwrap();
    assert_eq!(s.expected(number), Some(40));
    assert!(to_commit(&s).is_empty());
    assert_eq!(s.assigned().next().unwrap().1, Some(40));
}
