//! The command itself, one process and two that share the partitions: they wait for records, then all come at once.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::usage::{cpu_of, peak_mib};
use integration_tests::wait;

use crate::latency::sink;
use crate::peers::Peers;
use crate::{Load, MAP, Spread};

const DEADLINE: Duration = Duration::from_secs(180);
const PARTITIONS: i32 = 8;

/// Makes all measurements and prints a table. The producer shares the machine, in all of them alike.
///
/// # Errors
///
/// When a measurement fails.
pub fn run(peers: &Peers, rounds: u64, records: u64) -> Result<()> {
    let mut rows = [Vec::new(), Vec::new()];
    for round in 0..rounds as usize {
        for turn in 0..rows.len() {
            let index = (turn + round) % rows.len();
            let measured = measure(peers, index + 1, records)?;
            eprintln!("round {}: {} processes: {measured:?}", round + 1, index + 1);
            rows[index].push(measured);
        }
    }
    println!("## Processes\n\n{records} records, {rounds} rounds, median (min–max)\n");
    println!("| processes | records/s | CPU ns per record, all together | peak MiB of the largest |");
    println!("|---|---|---|---|");
    for (index, row) in rows.iter().enumerate() {
        let spread = |of: fn(&[f64; 3]) -> f64| Spread::of(row.iter().map(of).collect());
        println!(
            "| {} | {} | {} | {} |",
            index + 1,
            spread(|m| m[0]).thousands(),
            spread(|m| m[1]).whole(),
            spread(|m| m[2]).whole()
        );
    }
    println!();
    Ok(())
}

/// Records a second, CPU nanoseconds a record, peak MiB.
fn measure(peers: &Peers, processes: usize, records: u64) -> Result<[f64; 3]> {
    let name = unique("processes");
    peers.kafka.create_topic(&name, PARTITIONS)?;
    let sinks = (0..processes).map(|_| sink(peers, &name, &[])).collect::<Result<Vec<Sink>>>()?;
    let metric = |sink: &Sink, of: &str| sink.metric(of, &name).unwrap_or(0);
    let share = PARTITIONS as u64 / processes as u64;
    let has_share = |sink: &Sink| metric(sink, "kafka_connect_sink_task_partition_count") == share;
    ensure!(wait::within(DEADLINE, || sinks.iter().all(has_share)), "the partitions are not shared");

    let ids: Vec<u32> = sinks.iter().map(|sink| sink.process().id()).collect();
    let cpu = || -> Result<Duration> { ids.iter().map(|id| cpu_of(*id)).sum() };
    let (begin, before) = (Instant::now(), cpu()?);
    let load = Load { partitions: PARTITIONS, ..Load::plain(records) };
    peers.kafka.produce(&name, load.on_topic(0)?.map(|(key, value)| (Some(key), value)))?;
    let confirmed = |sink: &Sink| metric(sink, "coherence_kafka_sink_records_confirmed_total");
    let done = wait::within(DEADLINE, || sinks.iter().map(confirmed).sum::<u64>() >= records);
    let (took, after) = (begin.elapsed(), cpu()?);
    ensure!(done, "not within {DEADLINE:?}");
    let mut peak: f64 = 0.0;
    for id in &ids {
        peak = peak.max(peak_mib(*id)?);
    }
    for sink in sinks {
        sink.stop()?;
    }
    let size = peers.grid.tool().size(MAP)?;
    ensure!(size == records, "{size} entries of {records} records");
    peers.grid.tool().truncate(MAP)?;
    Ok([records as f64 / took.as_secs_f64(), (after - before).as_nanos() as f64 / records as f64, peak])
}
