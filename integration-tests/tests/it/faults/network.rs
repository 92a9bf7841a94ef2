//! A network that is cut, or swallows what is sent, between the sink and the grid and between the sink and the broker.

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::relay::Relay;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::history::History;
use super::{HELD, REVOKED, SMALL, SOON_NOTICED, ends_as, moves_on, paced, times};
use crate::flow::{Flow, Model, SOON};

/// What may become of connections, and what shows that the sink has noticed.
type Cut = (&'static str, fn(&Relay));

const CUTS: [Cut; 2] = [("refused", Relay::reset), ("swallowed", Relay::hole)];

#[test]
fn a_cut_between_the_sink_and_the_grid_is_waited_for() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let relay = Relay::to(grid.address()).unwrap();
    let flow = Flow::new(kafka, grid, "grid-cut", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow).where_writes_are_repeated();
    let address = relay.address();
    let connector = [
        ("coherence.session.address", address.as_str()),
        ("coherence.session.request.timeout.ms", "1000"),
        SMALL,
    ];
    let sink = paced(kafka, &flow, &mut model, || {
        let sink = flow.start(&[], &connector);
        moves_on(kafka, &flow);
        relay.cut();
        moves_on(kafka, &flow);
        for (what, cut) in CUTS {
            let held = times(&sink, HELD);
            cut(&relay);
            eventually(SOON, what, || times(&sink, HELD) > held + 1);
            history.committed_is_applied();
            flow.assert_running(&sink);
            relay.pass();
            moves_on(kafka, &flow);
        }
        sink
    });
    ends_as(&model, kafka, grid, &flow, &sink);
    assert_eq!(times(&sink, REVOKED), 0, "the task stays in its group\n{}", sink.log());
    println!("{} changes", history.assert_right());
}

#[test]
fn a_cut_between_the_sink_and_the_broker_is_waited_for() {
    require_peers!();
    let grid = shared::grid();
    let properties = KafkaOptions::impatient();
    let kafka = Kafka::start(KafkaOptions { relayed: true, properties, ..KafkaOptions::default() }).unwrap();
    let relay = kafka.relay();
    let flow = Flow::new(&kafka, grid, "broker-cut", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(&kafka, grid, &flow);
    let address = relay.address();
    let more = [("bootstrap.servers", address.as_str()), ("consumer.reconnect.backoff.max.ms", "500")];
    let sink = paced(&kafka, &flow, &mut model, || {
        let sink = flow.start(&[&SOON_NOTICED[..], &more].concat(), &[SMALL]);
        moves_on(&kafka, &flow);
        history.read_again();
        relay.cut();
        moves_on(&kafka, &flow);
        for (what, cut) in CUTS {
            let revoked = times(&sink, REVOKED);
            history.read_again();
            cut(relay);
            // The session is over at both ends.
            eventually(SOON, what, || times(&sink, REVOKED) > revoked);
            history.committed_is_applied();
            flow.assert_running(&sink);
            relay.pass();
            moves_on(&kafka, &flow);
        }
        sink
    });
    ends_as(&model, &kafka, grid, &flow, &sink);
    println!("{} changes", history.assert_right());
}
