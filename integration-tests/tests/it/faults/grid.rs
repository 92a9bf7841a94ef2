//! A grid that loses a member, and one that is away while the group changes.

use std::time::Duration;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::relay::Relay;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::history::History;
use super::{
    ASSIGNED, HELD, NOTICED, REVOKED, SMALL, ends_as, is_bounded, joins_and_holds, moves_on, paced, times,
};
use crate::flow::{Flow, Model, SOON};

/// A member that joins hands partitions over before the cluster is safe again.
const SAFE: Duration = Duration::from_secs(60);

#[test]
fn a_grid_of_two_members_of_which_each_is_killed_in_its_turn_misses_nothing() {
    require_peers!();
    let kafka = shared::kafka();
    let mut first = Grid::start(GridOptions::default()).unwrap();
    let mut second = first.second_member().unwrap();
    let flow = Flow::new(kafka, &first, "two-members", 4);
    let mut model = Model::new("k", 500);
    // The sink's proxy is the first one that answers.
    let addresses = format!("{},{}", first.address(), second.address());
    let connector = [("coherence.session.address", addresses.as_str()), SMALL];
    let sink = paced(kafka, &flow, &mut model, || {
        eventually(SAFE, "no entry is in one member only", || first.is_safe() && second.is_safe());
        let sink = flow.start(&[], &connector);
        moves_on(kafka, &flow);
        let mut history = History::new(kafka, &second, &flow).where_writes_are_repeated();
        first.kill().unwrap();
        moves_on(kafka, &flow);
        history.committed_is_applied();

        first.restart().unwrap();
        eventually(SAFE, "the new member has its share", || first.is_safe() && second.is_safe());
        moves_on(kafka, &flow);
        history.committed_is_applied();
        history.assert_right();
        second.kill().unwrap();
        moves_on(kafka, &flow);
        flow.assert_running(&sink);
        sink
    });
    ends_as(&model, kafka, &first, &flow, &sink);
    assert_eq!(times(&sink, REVOKED), 0, "the task stays in its group\n{}", sink.log());
}

#[test]
fn a_group_that_changes_while_the_grid_is_away_goes_on_where_it_committed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let relay = Relay::to(grid.address()).unwrap();
    let flow = Flow::new(kafka, grid, "away", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow).where_writes_are_repeated();
    let address = relay.address();
    let connector = [("coherence.session.address", address.as_str()), SMALL];
    // What is held cannot be finished before partitions are given away, or at the end.
    let worker = [NOTICED, ("task.shutdown.graceful.timeout.ms", "1000")];
    let sink = paced(kafka, &flow, &mut model, || {
        let first = flow.start(&worker, &connector);
        moves_on(kafka, &flow);
        relay.reset();
        eventually(SOON, "the first sink holds", || times(&first, HELD) > 0);
        history.read_again();
        let committed = flow.committed(kafka);

        let joins = || {
            let sink = flow.start(&worker, &connector);
            eventually(SOON, "the sink has partitions", || times(&sink, ASSIGNED) > 0);
            eventually(SOON, "the sink holds too", || times(&sink, HELD) > 0);
            sink
        };
        let [second, third] = [joins(), joins()];
        for sink in [&first, &second, &third] {
            flow.assert_running(sink);
        }
        let assigned = times(&third, ASSIGNED);
        for leaves in [first, second] {
            is_bounded(&leaves);
            assert_eq!(leaves.stop().unwrap().code(), Some(143));
        }
        eventually(SOON, "their partitions are taken over", || times(&third, ASSIGNED) > assigned);
        assert_eq!(flow.committed(kafka), committed, "nothing is committed that is not written");
        flow.assert_running(&third);

        relay.pass();
        moves_on(kafka, &flow);
        assert!(times(&third, "the grid confirmed the held batch") > 0, "{}", third.log());
        third
    });
    ends_as(&model, kafka, grid, &flow, &sink);
    println!("{} changes", history.assert_right());
}

#[test]
fn a_sink_that_joins_while_the_grid_is_frozen_waits_with_the_others() {
    require_peers!();
    let kafka = shared::kafka();
    let grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "joined-frozen", 4);
    let mut model = Model::new("k", 500);
    // What the first sink has sent runs as soon as the grid thaws, before the second one has opened its map.
    let connector = [("coherence.session.request.timeout.ms", "3000"), SMALL];
    let (first, second) = paced(kafka, &flow, &mut model, || {
        let first = flow.start(&[NOTICED], &connector);
        moves_on(kafka, &flow);
        grid.freeze();
        eventually(SOON, "the first sink holds", || times(&first, HELD) > 0);
        let committed = flow.committed(kafka);

        let second = joins_and_holds(&flow, &first, &[NOTICED], &connector);
        assert_eq!(flow.committed(kafka), committed, "nothing is committed that is not written");
        for sink in [&first, &second] {
            flow.assert_running(sink);
        }

        grid.thaw();
        moves_on(kafka, &flow);
        (first, second)
    });
    ends_as(&model, kafka, &grid, &flow, &second);
    is_bounded(&first);
    flow.assert_running(&first);
}
