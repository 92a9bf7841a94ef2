//! Servers that are not there, or are something else than what was expected.

use std::thread;
use std::time::{Duration, Instant};

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::free_port;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::run;
use crate::flow::{Flow, SOON};

#[test]
fn a_broker_that_is_not_there_is_named_within_half_a_minute() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "no-broker", 1);
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let worker = flow.worker(&[("bootstrap.servers", &address), ("listeners", "http://127.0.0.1:0")]);
    let connector = flow.connector(&[]);
    thread::scope(|scope| {
        for arguments in [&[][..], &["check"]] {
            let (worker, connector) = (&worker, &connector);
            let address = &address;
            scope.spawn(move || {
                let started = Instant::now();
                let printed = run(arguments, worker, connector);
                assert_eq!(printed.code, Some(2), "{}", printed.text);
                printed.says(&["kafka cannot be reached", "check bootstrap.servers", address]);
                assert!(started.elapsed() < Duration::from_secs(35), "{:?}", started.elapsed());
            });
        }
    });
}

/// `check` says all of `says` and ends with 3; the sink that runs all the same holds and says it too.
fn assert_held(address: &str, says: &[&str]) {
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "no-grid", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    let connector = [("coherence.session.address", address)];
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&connector));
    assert_eq!(printed.code, Some(3), "{}", printed.text);
    printed.says(says);
    printed.says(&[&flow.name, address, "check coherence.session.address"]);

    let sink = flow.start(&[], &connector);
    eventually(SOON, "the sink holds", || sink.log().contains("batch held and retried"));
    let log = sink.log();
    let says = [says, &[address]].concat();
    let held = log.lines().find(|line| line.contains("batch held and retried")).unwrap_or_default();
    for part in says {
        assert!(held.contains(part), "{part:?} is not in {held}");
    }
    flow.assert_running(&sink);
    assert_eq!(flow.committed(kafka), [0]);

    // The grid is there at last: an address that works.
    flow.replace(&sink, &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(shared::grid().tool().get(&flow.name, "k").unwrap().unwrap().text, "v");
}

#[test]
fn a_grid_that_is_not_there_is_named_and_waited_for() {
    require_peers!();
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    assert_held(&address, &["cannot connect", "Connection refused"]);
}

#[test]
fn a_port_that_is_not_the_grids_is_named_and_waited_for() {
    require_peers!();
    assert_held(&shared::kafka().bootstrap(), &["does not answer as gRPC", "check the port"]);
}

#[test]
fn a_grid_without_grpc_is_named_and_waited_for() {
    require_peers!();
    let grid = Grid::start(GridOptions { grpc: false, ..GridOptions::default() }).unwrap();
    assert_held(&grid.address(), &["cannot connect", "Connection refused"]);
}

#[test]
fn a_grid_that_knows_only_protocol_v0_is_filled_too() {
    require_peers!();
    let (kafka, old) = (shared::kafka(), shared::old_grid());
    let flow = Flow::new(kafka, old, "protocol-v0", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v")), (Some("gone"), Some("v"))]).unwrap();
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&[]));
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let sink = flow.start(&[], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    kafka.produce(&flow.name, [(Some("gone"), None::<&str>)]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(old.tool().get(&flow.name, "k").unwrap().unwrap().text, "v");
    assert_eq!(old.tool().size(&flow.name).unwrap(), 1);
}
