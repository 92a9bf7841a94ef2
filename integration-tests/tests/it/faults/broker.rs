//! A broker that does not answer for a while.

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::history::History;
use super::{REVOKED, SMALL, SOON_NOTICED, ends_as, moves_on, paced, times};
use crate::flow::{Flow, Model, SOON};

#[test]
fn a_broker_that_is_frozen_for_longer_than_a_session_lasts_is_waited_for() {
    require_peers!();
    let grid = shared::grid();
    let options = KafkaOptions { properties: KafkaOptions::impatient(), ..KafkaOptions::default() };
    let kafka = Kafka::start(options).unwrap();
    let flow = Flow::new(&kafka, grid, "frozen-broker", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(&kafka, grid, &flow);
    let sink = paced(&kafka, &flow, &mut model, || {
        let sink = flow.start(&SOON_NOTICED, &[SMALL]);
        moves_on(&kafka, &flow);
        history.read_again();
        kafka.freeze();
        eventually(SOON, "the session is over", || {
            flow.assert_running(&sink);
            times(&sink, REVOKED) > 0
        });
        kafka.thaw();
        moves_on(&kafka, &flow);
        history.committed_is_applied();
        sink
    });
    ends_as(&model, &kafka, grid, &flow, &sink);
    println!("{} changes", history.assert_right());
}
