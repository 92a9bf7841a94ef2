//! The programs of `make bench`, with as little to measure as makes sense: they measure, and print their tables.

use std::process::Command;

use integration_tests::require_peers;

fn bench(program: &str, names: &[&str]) -> Command {
    let mut bench = Command::new(program);
    bench.env("COHERENCE_KAFKA_BENCH_ROUNDS", "1").env("COHERENCE_KAFKA_BENCH_RECORDS", "2000");
    bench.env("COHERENCE_KAFKA_BENCH_WARM_ENTRIES", "1").env("COHERENCE_KAFKA_BENCH_SECONDS", "1");
    bench.env("COHERENCE_KAFKA_BENCH_CONNECTORS", "2");
    bench.args(names);
    bench
}

fn table(program: &str, names: &[&str]) -> String {
    let output = bench(program, names).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("NaN"), "{text}");
    text
}

#[test]
fn the_bench_of_the_sink_prints_a_line_for_each_measurement() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench"), &["sink"]);
    for letter in ["a", "b", "c", "d", "e", "f", "g"] {
        let rows = table.lines().filter(|line| line.starts_with(&format!("| {letter} | ")));
        assert_eq!(rows.count(), 1, "{letter} in\n{table}");
    }
}

#[test]
fn the_bench_of_the_worker_prints_a_line_for_each_figure() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench"), &["worker"]);
    let rows = table.lines().filter(|line| line.starts_with("| "));
    // Behind the head of the table.
    assert_eq!(rows.count() - 1, 11, "{table}");
}

/// All but `memory`, made as the others are, which fills some 600 topics first.
#[test]
fn the_series_of_the_bench_print_a_line_for_each_case() {
    require_peers!();
    let names = ["size", "partitions", "deletes", "keys", "batch", "formats", "processes", "latency", "java"];
    let text = table(env!("CARGO_BIN_EXE_bench"), &names);
    let tables: Vec<&str> = text.split("## ").skip(1).collect();
    // Behind the head of each table.
    let rows = tables.iter().map(|table| table.lines().filter(|line| line.starts_with("| ")).count() - 1);
    assert_eq!(rows.collect::<Vec<_>>(), [6, 3, 3, 3, 9, 4, 2, 6, 3], "{text}");
}

#[test]
fn an_unknown_series_is_refused_with_the_known_ones() {
    let output = bench(env!("CARGO_BIN_EXE_bench"), &["lateness"]).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("there is no lateness") && text.contains("formats, processes, latency"), "{text}");
}

#[test]
fn the_bench_of_the_entry_store_and_the_source_prints_its_tables() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench-store"), &[]);
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
    assert_eq!((lines("| bytes of resident memory"), lines("| CPU of the source")), (1, 1), "{table}");
}

#[test]
fn the_bench_of_the_client_prints_a_table() {
    require_peers!();
    let table = table(env!("CARGO_BIN_EXE_bench-client"), &[]);
    for contender in ["client", "bare loop"] {
        assert!(table.contains(&format!(" | {contender} | ")), "{table}");
    }
}
