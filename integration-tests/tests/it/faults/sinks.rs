//! Sinks that join and leave a group, that are killed, and that were frozen while others took over.

use std::time::{SystemTime, UNIX_EPOCH};

use coherence_kafka_common::splitmix::SplitMix64;
use integration_tests::sink::Settings;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::history::History;
use super::{ASSIGNED, NOTICED, REVOKED, SMALL, SOON_NOTICED, ends_as, is_bounded, moves_on, paced, times};
use crate::flow::{Flow, Model, SOON};

/// Two more sinks join the first one, then the first and the last one leave. A revoke waits for what was taken, so
/// nothing is written twice.
fn sinks_join_and_leave(worker: Settings<'_>) {
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "group", 6);
    let mut model = Model::new("k", 500);
    let history = History::new(kafka, grid, &flow);
    let remaining = paced(kafka, &flow, &mut model, || {
        let joins = || {
            let sink = flow.start(worker, &[SMALL]);
            eventually(SOON, "the sink has partitions", || times(&sink, ASSIGNED) > 0);
            moves_on(kafka, &flow);
            sink
        };
        let [first, second, third] = [joins(), joins(), joins()];
        for leaves in [first, third] {
            flow.assert_running(&leaves);
            let assigned = times(&second, ASSIGNED);
            is_bounded(&leaves);
            assert_eq!(leaves.stop().unwrap().code(), Some(143));
            // A member that went without a word would be missed after 45 s.
            eventually(SOON, "its partitions are taken over", || times(&second, ASSIGNED) > assigned);
            moves_on(kafka, &flow);
        }
        second
    });
    ends_as(&model, kafka, grid, &flow, &remaining);
    println!("{} changes, none of them twice", history.assert_right());
}

#[test]
fn sinks_that_join_and_leave_write_nothing_twice_with_the_default_assignor() {
    require_peers!();
    sinks_join_and_leave(&[]);
}

#[test]
fn sinks_that_join_and_leave_write_nothing_twice_with_the_cooperative_assignor() {
    require_peers!();
    sinks_join_and_leave(&[(
        "consumer.partition.assignment.strategy",
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
    )]);
}

#[test]
fn sinks_that_join_and_leave_write_nothing_twice_where_the_broker_assigns() {
    require_peers!();
    sinks_join_and_leave(&[("consumer.group.protocol", "consumer")]);
}

#[test]
fn a_sink_that_is_killed_thirty_times_at_random_moments_goes_on_where_it_committed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "killed-often", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    println!("seed {seed}");
    // After every batch, as good as: it must not say more than what is written then.
    let worker = [&SOON_NOTICED[..], &[("offset.flush.interval.ms", "10")]].concat();
    let sink = paced(kafka, &flow, &mut model, || {
        for kill in 0..30 {
            let sink = flow.start(&worker, &[SMALL]);
            let moment = SplitMix64(u64::from(seed) + kill).bits() % 300;
            eventually(SOON, "so many changes are seen", || history.changes() as u64 >= moment);
            is_bounded(&sink);
            sink.kill().unwrap();
            history.read_again();
            history.committed_is_applied();
        }
        flow.start(&worker, &[SMALL])
    });
    ends_as(&model, kafka, grid, &flow, &sink);
    println!("{} changes", history.assert_right());
}

#[test]
fn a_sink_that_was_frozen_while_another_took_over_writes_nothing_old_and_goes_on_with_it() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "taken-over", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow);
    // Enough to have one batch on its way and the next one in its hands, whenever it is frozen.
    kafka.produce(&flow.name, model.records(20_000)).unwrap();
    let (frozen, other) = paced(kafka, &flow, &mut model, || {
        let frozen = flow.start(&[NOTICED], &[SMALL]);
        flow.wait_until_halfway(kafka, || {});
        frozen.process().freeze();
        history.read_again();
        history.committed_is_applied();
        // The load goes on.
        let committed = flow.committed(kafka);
        let mut ends = Vec::new();
        eventually(SOON, "every partition has records that the frozen sink has not committed", || {
            ends = kafka.end_offsets(&flow.name).unwrap();
            ends.iter().zip(&committed).all(|(end, committed)| end > committed)
        });

        let other = flow.start(&[NOTICED], &[SMALL]);
        eventually(2 * SOON, "newer values are written", || {
            flow.committed(kafka).iter().zip(&ends).all(|(now, end)| now >= end)
        });
        assert_eq!(times(&frozen, REVOKED), 0);
        history.not_read_again();
        frozen.process().thaw();
        let mut before = flow.committed(kafka);
        eventually(SOON, "it finds out that its partitions are gone, and gets others", || {
            let now = flow.committed(kafka);
            assert!(now.iter().zip(&before).all(|(now, before)| now >= before), "{now:?} after {before:?}");
            before = now;
            times(&frozen, REVOKED) > 0 && times(&frozen, ASSIGNED) > 1
        });
        moves_on(kafka, &flow);
        flow.assert_running(&frozen);
        (frozen, other)
    });
    ends_as(&model, kafka, grid, &flow, &other);
    is_bounded(&frozen);
    flow.assert_running(&frozen);
    let lost = frozen.log().lines().any(|line| line.contains(REVOKED) && line.contains("lost=true"));
    assert!(lost, "{}", frozen.log());
    println!("{} changes", history.assert_right());
}
