//! `make demo PEERS=real`: the sink as its users run it, between a real Kafka and a real grid, and what arrived
//! compared with a model by a reader that shares no code with the sink.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use coherence_kafka_sink::demo::feed::{self, CUSTOMERS, FeedRecord, ORDERS, PARTITIONS};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::process::Process;
use integration_tests::sandbox::Folder;
use integration_tests::sink;
use integration_tests::usage::peak_mib;
use serde_json::Value;

/// The group of the connector that the demo's file names.
const GROUP: &str = "connect-demo";
const START_DEADLINE: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(300);
/// Every look makes a client of its own, on the cores that the sink works on.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const RECORDS: u64 = 200_000;

fn main() -> Result<ExitCode> {
    let records = records_wanted(std::env::args().skip(1))?;
    let grid = thread::spawn(|| {
        Grid::start(GridOptions { heap: "1g".to_owned(), fast: true, ..GridOptions::default() })
    });
    let kafka = Kafka::start(KafkaOptions { heap: "512m".to_owned(), ..KafkaOptions::default() })?;
    let grid = grid.join().ok().context("the thread that starts the grid has ended")??;
    println!("kafka: {}\ngrid:  {}", kafka.bootstrap(), grid.address());
    for topic in [ORDERS, CUSTOMERS] {
        kafka.create_topic(topic, PARTITIONS)?;
    }
    let folder = Folder::new("demo")?;
    let mut sink = start_sink(&kafka, &grid, folder.path())?;

    let start = Instant::now();
    let mut deletes = 0;
    for topic in [ORDERS, CUSTOMERS] {
        let of_topic = feed::records(records).filter(|record| record.topic == topic);
        kafka.produce(
            topic,
            of_topic.map(|FeedRecord { key, value, .. }| {
                deletes += u64::from(value.is_none());
                (Some(key), value.map(|value| value.to_string()))
            }),
        )?;
    }
    wait_until_committed(&kafka, &mut sink)?;
    let rate = records as f64 / start.elapsed().as_secs_f64();
    let peak = peak_mib(sink.id())?;
    sink.stop()?;

    let (mut entries, mut differences) = (0, 0);
    for (topic, expected) in feed::model(feed::records(records)) {
        let found = grid.tool().entries(feed::map_of(topic))?;
        entries += found.len();
        differences += differing(found, &expected);
    }
    println!(
        "records:     {records}\nentries:     {entries}\ndeletes:     {deletes}\nrecords/s:   {rate:.0}"
    );
    println!("peak memory: {peak:.0} MiB (the sink alone)\ndifferences: {differences}");
    Ok(ExitCode::from(exit_code(differences)))
}

fn exit_code(differences: u64) -> u8 {
    u8::from(differences > 0)
}

fn records_wanted(arguments: impl Iterator<Item = String>) -> Result<u64> {
    let arguments: Vec<String> = arguments.collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(RECORDS),
        ["--records", number] => number.parse().context("--records needs a number"),
        _ => bail!("usage: demo-real [--records N]"),
    }
}

/// The sink on the demo's own files; only where Kafka and the grid are is another.
fn start_sink(kafka: &Kafka, grid: &Grid, folder: &Path) -> Result<Process> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/demo");
    let mut command = Command::new(sink::binary()?);
    command.args([files.join("worker.properties"), files.join("connector.properties")]);
    // The end is seen by the committed offsets: they should not come five seconds after it.
    command.args(["--set", &format!("bootstrap.servers={}", kafka.bootstrap())]);
    command.args(["--set", "offset.flush.interval.ms=200"]);
    command.args(["--connector-set", "coherence.session=grpc"]);
    command.args(["--connector-set", &format!("coherence.session.address={}", grid.address())]);
    let mut sink = Process::start("coherence-kafka-sink", command, &folder.join("sink.log"))?;
    sink.wait_for_line("sink started", START_DEADLINE)?;
    Ok(sink)
}

fn wait_until_committed(kafka: &Kafka, sink: &mut Process) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    for topic in [ORDERS, CUSTOMERS] {
        let ends = kafka.end_offsets(topic)?;
        let all = || -> Result<bool> {
            let committed = kafka.committed(GROUP, topic)?;
            Ok(committed.iter().zip(&ends).all(|(committed, end)| committed.unwrap_or(0) == *end))
        };
        while !all()? {
            let log = sink.log_end();
            ensure!(sink.is_running(), "the sink has ended\n{log}");
            ensure!(!log.contains("task failed"), "the sink failed\n{log}");
            ensure!(Instant::now() < end, "not all records arrived within {DEADLINE:?}\n{log}");
            thread::sleep(LOOK_EVERY);
        }
    }
    Ok(())
}

/// How many keys are only on one side, or have another value there.
fn differing(mut found: BTreeMap<String, String>, expected: &BTreeMap<String, Value>) -> u64 {
    let wrong = expected.iter().filter(|(key, value)| found.remove(*key) != Some(java_text(value))).count();
    (wrong + found.len()) as u64
}

/// What the grid tool says of a value of the feed: `integration_tests::grid::Value::text`.
fn java_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("java.lang.String({name})={}", java_element(value)))
                .collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(text) => text.clone(),
        // A total has two digits behind the point and no exponent: Java prints it as it stands in the JSON.
        other => other.to_string(),
    }
}

fn java_element(value: &Value) -> String {
    let class = match value {
        Value::String(_) => "java.lang.String",
        Value::Bool(_) => "java.lang.Boolean",
        Value::Number(number) if number.is_i64() => "java.lang.Long",
        Value::Number(_) => "java.lang.Double",
        Value::Object(_) => "java.util.Map",
        Value::Array(_) => "java.util.List",
        Value::Null => return "null".to_owned(),
    };
    format!("{class}({})", java_text(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected() -> BTreeMap<String, Value> {
        ["a", "b"].map(|key| (key.to_owned(), json!({"total": 1.5, "open": true}))).into()
    }

    const TEXT: &str =
        "{java.lang.String(open)=java.lang.Boolean(true), java.lang.String(total)=java.lang.Double(1.5)}";

    fn found(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn missing_superfluous_and_wrong_entries_are_each_a_difference() {
        assert_eq!(differing(found(&[("a", TEXT), ("b", TEXT)]), &expected()), 0);
        assert_eq!(differing(found(&[("a", TEXT)]), &expected()), 1);
        assert_eq!(differing(found(&[("a", TEXT), ("b", TEXT), ("c", TEXT)]), &expected()), 1);
        assert_eq!(differing(found(&[("a", TEXT), ("b", &TEXT.replace("1.5", "1.6"))]), &expected()), 1);
        assert_eq!(differing(found(&[("a", TEXT), ("b", &TEXT.replace("Double", "Float"))]), &expected()), 1);
        assert_eq!(differing(found(&[("c", TEXT)]), &expected()), 3);
    }

    #[test]
    fn a_difference_is_exit_code_1() {
        assert_eq!([0, 1, 256].map(exit_code), [0, 1, 1]);
    }
}
