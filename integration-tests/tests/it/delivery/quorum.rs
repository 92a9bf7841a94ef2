//! A grid that refuses every write for a while.

use std::fs;
use std::time::Duration;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::Folder;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use super::letters::{ALL, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, Model, SOON};

/// Writes need two members.
const TWO_MEMBERS: &str = r#"<cache-config xmlns="http://xmlns.oracle.com/coherence/coherence-cache-config">
  <caching-scheme-mapping>
    <cache-mapping><cache-name>*</cache-name><scheme-name>guarded</scheme-name></cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>guarded</scheme-name>
      <service-name>PartitionedCache</service-name>
      <serializer>pof</serializer>
      <backing-map-scheme><local-scheme/></backing-map-scheme>
      <partitioned-quorum-policy-scheme><write-quorum>2</write-quorum></partitioned-quorum-policy-scheme>
      <autostart>true</autostart>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

#[test]
fn a_grid_without_its_quorum_is_waited_for_and_no_record_is_to_blame() {
    require_peers!();
    let kafka = shared::kafka();
    let folder = Folder::new("quorum").unwrap();
    let config = folder.path().join("cache-config.xml");
    fs::write(&config, TWO_MEMBERS).unwrap();
    let properties = vec![format!("coherence.cacheconfig={}", config.display())];
    let grid = Grid::start(GridOptions { properties, ..GridOptions::default() }).unwrap();
    let mut second = grid.second_member().unwrap();
    let (flow, queue) = (Flow::new(kafka, &grid, "quorum", 2), queue());
    let sink = flow.start(&[], &[ALL, (QUEUE, queue.as_str()), ONE_REPLICA]);
    let mut model = Model::new("k", 500);
    kafka.produce(&flow.name, model.records(1_000)).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);

    second.kill().unwrap();
    kafka.produce(&flow.name, model.records(1_000)).unwrap();
    eventually(SOON, "the grid refuses to write", || sink.log().contains("disallowed by"));
    let committed = flow.committed(kafka);
    within(Duration::from_secs(3), || {
        assert_eq!(flow.committed(kafka), committed);
        flow.assert_running(&sink);
        false
    });
    second.restart().unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    assert_eq!(dead(kafka, &queue).len(), 0);
}
