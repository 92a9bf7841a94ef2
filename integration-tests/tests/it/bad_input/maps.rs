//! A map that the grid cannot open: its cache configuration has no mapping for the name.

use std::fs;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::Folder;
use integration_tests::{require_peers, shared};

use super::run;
use crate::flow::{Flow, SOON};

const CACHES: &str = r#"<cache-config xmlns="http://xmlns.oracle.com/coherence/coherence-cache-config">
  <defaults><serializer>pof</serializer></defaults>
  <caching-scheme-mapping>
    <cache-mapping><cache-name>known*</cache-name><scheme-name>known</scheme-name></cache-mapping>
  </caching-scheme-mapping>
  <caching-schemes>
    <distributed-scheme>
      <scheme-name>known</scheme-name>
      <backing-map-scheme><local-scheme/></backing-map-scheme>
      <autostart>true</autostart>
    </distributed-scheme>
  </caching-schemes>
</cache-config>
"#;

#[test]
fn a_map_without_a_mapping_on_the_grid_is_named_by_check_and_by_the_failed_task() {
    require_peers!();
    let kafka = shared::kafka();
    let folder = Folder::new("caches").unwrap();
    let file = folder.path().join("caches.xml");
    fs::write(&file, CACHES).unwrap();
    let properties = vec![format!("coherence.cacheconfig={}", file.display())];
    let grid = Grid::start(GridOptions { properties, ..GridOptions::default() }).unwrap();
    let flow = Flow::new(kafka, &grid, "unmapped", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();

    let map = format!("map {}: ", flow.name);
    let reasons = [&map, "refused by the grid", "cache"];
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&[]));
    assert_eq!(printed.code, Some(3), "{}", printed.text);
    printed.says(&[&map, "cache"]);

    let sink = flow.start(&[], &[]);
    let failure = flow.failure(&sink);
    for part in reasons {
        assert!(failure.contains(part), "{part:?} is not in {failure}");
    }
    assert_eq!(flow.committed(kafka), [0]);

    let mapping = format!("{}->known", flow.name);
    flow.replace(&sink, &[("coherence.cache.mappings", &mapping)]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().get("known", "k").unwrap().unwrap().text, "v");
}
