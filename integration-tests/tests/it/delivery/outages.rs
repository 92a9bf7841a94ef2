//! A grid that stays away for longer than the connector is asked to wait.

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, Model, SOON};

#[test]
fn a_task_gives_up_at_its_deadline_with_its_offsets_intact_and_restarts_when_the_grid_is_back() {
    require_peers!();
    let kafka = shared::kafka();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "given-up", 2);
    let deadline = [("coherence.retry.timeout.ms", "1500"), ("coherence.session.request.timeout.ms", "1000")];
    let sink = flow.start(&[], &deadline);
    kafka.produce(&flow.name, [(Some("before"), Some("v"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let committed = flow.committed(kafka);

    grid.kill().unwrap();
    let mut model = Model::new("k", 500);
    kafka.produce(&flow.name, model.records(2_000)).unwrap();
    let failure = flow.failure(&sink);
    let says = "not confirmed within coherence.retry.timeout.ms, 1500 ms";
    assert!(failure.contains(&flow.name) && failure.contains(says), "{failure}");
    assert_eq!(flow.committed(kafka), committed);

    let restarts = [
        ("coherence.task.restart.attempts", "-1"),
        ("coherence.task.restart.backoff.ms", "100"),
        ("coherence.task.restart.backoff.max.ms", "500"),
    ];
    flow.replace(&sink, &[&deadline[..], &restarts].concat());
    eventually(SOON, "the task fails again", || sink.log().matches("task failed").count() > 2);
    assert_eq!(flow.committed(kafka), committed);
    grid.restart().unwrap();
    eventually(SOON, "all records are moved", || {
        flow.committed(kafka) == kafka.end_offsets(&flow.name).unwrap()
    });
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
}
