//! An entry that is too large to be received over gRPC, among others.

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::source::run;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON};

/// More than a client receives: 64 MiB.
const LARGE: usize = 64 << 20;
const SMALL: u32 = 300;

/// A grid that can hold such an entry.
fn grid() -> Grid {
    Grid::start(GridOptions { heap: "1500m".to_owned(), ..GridOptions::default() }).unwrap()
}

fn put_all_sizes(grid: &Grid, map: &str) {
    (0..SMALL).for_each(|n| grid.tool().put(map, format!("k{n}"), format!("{n}")).unwrap());
    put_large(grid, map, "large");
}

fn put_large(grid: &Grid, map: &str, key: &str) {
    grid.tool().put(map, key, vec![0_u8; LARGE].as_slice()).unwrap();
}

#[test]
fn an_entry_too_large_to_be_received_is_refused_and_the_others_are_published() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), grid());
    let published = Published::new(kafka, &grid, "large", Form::PassThrough);
    put_all_sizes(&grid, &published.name);

    let output = run(&["--once"], &published.settings()).unwrap();
    let (report, log) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(3), "{report}\n{log}");
    assert!(
        report.contains(&format!(" {SMALL} records published, 0 of them superfluous, 1 refused")),
        "{report}"
    );
    let refused = log.lines().find(|line| line.contains("entry refused, not published")).unwrap_or_default();
    assert!(refused.contains(&published.name) && refused.contains("more than the 67108864"), "{log}");
    let rebuilt = || published.rebuilt(&kafka.records(&published.name).unwrap());
    assert_eq!(rebuilt().len(), SMALL as usize);

    let source = published.start();
    published.follows(&source);
    let opened = || source.log().matches("grid stream opened").count();
    let before = opened();
    // Its event cannot be received either.
    put_large(&grid, &published.name, "other");
    grid.tool().put(&published.name, "behind", "all").unwrap();
    eventually(SOON, "what came behind it is published", || rebuilt().contains_key("behind"));
    published.follows(&source);
    assert_eq!(opened(), before, "no stream ended\n{}", source.process().log_end());
    grid.tool().remove(&published.name, "k0").unwrap();
    eventually(SOON, "changes go on", || !rebuilt().contains_key("k0"));
}
