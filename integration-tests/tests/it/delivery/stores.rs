//! A database behind the maps of a grid, which is written through a cache store: down, slow, or with a record that it
//! does not take.

use std::fs;
use std::time::{Duration, Instant};

use integration_tests::grid::{Contents, Grid, GridOptions};
use integration_tests::sandbox::Folder;
use integration_tests::sink::Sink;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use super::letters::{ALL, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, Model, SOON};

const WRITE_THROUGH: &str = r#"<cache-config xmlns="http://xmlns.oracle.com/coherence/coherence-cache-config">
  <caching-scheme-mapping>
    <cache-mapping><cache-name>*</cache-name><scheme-name>through</scheme-name></cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>through</scheme-name>
      <service-name>PartitionedCache</service-name>
      <serializer>pof</serializer>
      <backing-map-scheme><read-write-backing-map-scheme>
        <internal-cache-scheme><local-scheme/></internal-cache-scheme>
        <cachestore-scheme><class-scheme><class-name>GuardedStore</class-name></class-scheme></cachestore-scheme>
      </read-write-backing-map-scheme></backing-map-scheme>
      <autostart>true</autostart>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

/// How long a record is refused before it is to blame.
const REFUSED: (&str, &str) = ("coherence.refused.timeout.ms", "5000");
const NO_TIME: Duration = Duration::ZERO;

/// A grid whose maps are written through to a database, and the folder with its configuration.
fn grid() -> (Grid, Folder) {
    let folder = Folder::new("stores").unwrap();
    let config = folder.path().join("cache-config.xml");
    fs::write(&config, WRITE_THROUGH).unwrap();
    let properties = vec![format!("coherence.cacheconfig={}", config.display())];
    (Grid::start(GridOptions { properties, ..GridOptions::default() }).unwrap(), folder)
}

/// A topic that flows while the database is down.
struct Stream {
    flow: Flow,
    queue: String,
    sink: Sink,
    contents: Contents,
}

#[test]
fn a_database_that_is_down_for_a_minute_costs_no_record() {
    require_peers!();
    let kafka = shared::kafka();
    let (grid, _folder) = grid();
    let mut streams = Vec::new();
    for records in [1, 1000] {
        for ttl in ["0", "3600000"] {
            let (flow, queue) = (Flow::new(kafka, &grid, "stored", 1), queue());
            let settings = [ALL, (QUEUE, queue.as_str()), ONE_REPLICA, REFUSED, ("coherence.ttl.ms", ttl)];
            let sink = flow.start(&[], &settings);
            // Some are there before, so that there is something to remove.
            let mut model = Model::new("k", 500);
            kafka.produce(&flow.name, model.records(records)).unwrap();
            flow.assert_delivered(kafka, &sink, SOON);
            streams.push((Stream { flow, queue, sink, contents: Contents::default() }, model, records));
        }
    }
    grid.tool().guard(true, NO_TIME).unwrap();
    for (stream, model, records) in &mut streams {
        kafka.produce(&stream.flow.name, model.records(*records)).unwrap();
        stream.contents = model.contents();
    }
    let until = Instant::now() + Duration::from_secs(60);
    let committed: Vec<_> = streams.iter().map(|(stream, ..)| stream.flow.committed(kafka)).collect();
    within(until - Instant::now(), || {
        for ((stream, ..), committed) in streams.iter().zip(&committed) {
            assert_eq!(stream.flow.committed(kafka), *committed, "nothing is stored, nothing is committed");
            stream.flow.assert_running(&stream.sink);
        }
        false
    });
    grid.tool().guard(false, NO_TIME).unwrap();
    for (Stream { flow, queue, sink, contents }, ..) in &streams {
        flow.assert_delivered(kafka, sink, SOON);
        assert_eq!(grid.tool().contents(&flow.name).unwrap(), *contents, "{}", sink.log());
        assert_eq!(dead(kafka, queue).len(), 0);
    }
}

#[test]
fn a_record_that_the_database_refuses_is_isolated_once_it_takes_others() {
    require_peers!();
    let kafka = shared::kafka();
    let (grid, _folder) = grid();
    for ttl in ["0", "3600000"] {
        let (flow, queue) = (Flow::new(kafka, &grid, "refused", 1), queue());
        let settings = [ALL, (QUEUE, queue.as_str()), ONE_REPLICA, REFUSED, ("coherence.ttl.ms", ttl)];
        kafka.produce(&flow.name, [(Some("poison"), Some("v"))]).unwrap();
        let sink = flow.start(&[], &settings);
        eventually(SOON, "it is held", || sink.log().contains("every entry of the batch fails"));
        assert_eq!(flow.committed(kafka), [0]);
        assert_eq!(kafka.end_offsets(&queue).unwrap(), [0]);
        flow.assert_running(&sink);

        let mut model = Model::new("k", 50);
        kafka.produce(&flow.name, model.records(500)).unwrap();
        flow.assert_delivered(kafka, &sink, SOON);
        assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
        let letters = dead(kafka, &queue);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].key.as_deref(), Some(&b"poison"[..]));
    }
}

#[test]
fn a_database_that_needs_longer_for_a_batch_than_the_request_timeout_gets_it_in_parts() {
    require_peers!();
    let kafka = shared::kafka();
    let (grid, _folder) = grid();
    grid.tool().guard(false, Duration::from_millis(10)).unwrap();
    let flow = Flow::new(kafka, &grid, "slow", 1);
    // A batch of 5,000 takes 50 seconds.
    kafka.produce(&flow.name, (0..5000).map(|n| (Some(format!("k{n}")), Some(n.to_string())))).unwrap();
    let sink = flow.start(&[], &[("coherence.session.request.timeout.ms", "8000")]);
    flow.assert_delivered(kafka, &sink, 5 * SOON);
    let expected: Contents = (0..5000).map(|n| (format!("k{n}"), n.to_string())).collect();
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), expected);
    let written = grid.tool().written().unwrap();
    assert!(written <= 4 * 5000, "{written} entries were written to the database");
}
