//! The programs of `make bench`, with as little to measure as makes sense: they measure, and print their tables.

use std::process::Command;

use integration_tests::require_peers;

fn table(program: &str) -> String {
    let mut bench = Command::new(program);
    bench.env("COHERENCE_KAFKA_BENCH_ROUNDS", "1").env("COHERENCE_KAFKA_BENCH_RECORDS", "2000");
    let output = bench.env("COHERENCE_KAFKA_BENCH_WARM_ENTRIES", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_bench_of_the_sink_prints_a_line_for_each_measurement() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench"));
    for letter in ["a", "b", "c", "d", "e"] {
        let rows = table.lines().filter(|line| line.starts_with(&format!("| {letter} | ")));
        assert_eq!(rows.count(), 1, "{letter} in\n{table}");
    }
    assert!(!table.contains("NaN"), "{table}");
}

#[test]
fn the_bench_of_the_entry_store_and_the_source_prints_its_tables() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench-store"));
    let lines = |begin: &str| table.lines().filter(|line| line.starts_with(begin)).count();
    for measured in [
        "| librdkafka alone: ",
        "| `store` ",
        "| `store_all`",
        "| write-behind ",
        "| a listener ",
        "| the source",
    ] {
        assert_eq!(lines(measured), 1, "{measured} in\n{table}");
    }
    for callers in [1, 8, 64] {
        assert_eq!(lines(&format!("| {callers} | ")), 2, "{callers} callers in\n{table}");
    }
    assert_eq!(lines("| bytes of resident memory"), 1, "{table}");
    assert!(!table.contains("NaN"), "{table}");
}

#[test]
fn the_bench_of_the_client_prints_a_table() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench-client"));
    for contender in ["client", "bare loop"] {
        assert!(table.contains(&format!(" | {contender} | ")), "{table}");
    }
}
