//! The short version of `make soak`.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use benchmarks::soak::{self, Plan};
use integration_tests::require_peers;

#[test]
fn load_and_random_faults_leave_the_right_map_and_a_sink_that_has_not_grown() {
    require_peers!();
    let plan = Plan {
        seed: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        duration: Duration::from_secs(45),
        faults: 3,
        rate: 2_000,
        holds: (Duration::from_millis(500), Duration::from_secs(4)),
    };
    println!("seed {}", plan.seed);
    let report = soak::run(&plan, |fault, hold| println!("{fault}, {hold:?}")).unwrap();
    println!("{report}");
    assert!(report.faults.len() > 2, "that was no soak: {:?}", report.faults);
    assert!(report.records > 100_000 && report.entries > 1_000, "{report}");
    report.check().unwrap();
}

#[test]
fn make_soak_takes_minutes_and_a_seed() {
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Makefile");
    let makefile = std::fs::read_to_string(makefile).unwrap();
    let (_, arguments) = makefile.split_once("--bin soak -- ").unwrap();
    assert_eq!(arguments.lines().next(), Some("--minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED))"));
    let mut soak = std::process::Command::new(env!("CARGO_BIN_EXE_soak"));
    let output = soak.args(["--minutes", "few"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected: soak [--minutes N]"));
}
