//! The worker at rest: how fast it starts, and what it and its idle connectors hold.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, free_port, unique};
use integration_tests::sink::{binary, metric, write_properties};
use integration_tests::{usage, wait};
use serde_json::json;

use crate::peers::Peers;
use crate::{MAP, Spread};

const CONNECTORS: usize = 200;
const PARTITIONS: i32 = 8;
const DEADLINE: Duration = Duration::from_secs(60);
/// How long threads may take to end that have nothing to do.
const SETTLING: Duration = Duration::from_secs(15);
/// How long the CPU time at rest is measured.
const WATCHED: Duration = Duration::from_secs(3);

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    resident_mib: f64,
    share_mib: f64,
    /// Threads that librdkafka has started, by their names.
    kafka_threads: usize,
    /// All other threads.
    own_threads: usize,
    descriptors: usize,
}

impl Held {
    fn by(process: &Process) -> Result<Self> {
        let id = process.id();
        let names = usage::thread_names(id)?;
        let kafka_threads = names.iter().filter(|name| name.starts_with("rdk:")).count();
        Ok(Self {
            resident_mib: usage::resident_mib(id)?,
            share_mib: usage::share_mib(id)?,
            kafka_threads,
            own_threads: names.len() - kafka_threads,
            descriptors: usage::descriptors(id)?,
        })
    }
}

/// One round.
#[derive(Debug)]
struct Round {
    healthy: Duration,
    idle: Held,
    created: Duration,
    full: Held,
    /// CPU time for each second with all connectors.
    cpu_ms: f64,
}

impl Round {
    /// The part of each connector.
    fn each(&self, of: fn(&Held) -> f64) -> f64 {
        (of(&self.full) - of(&self.idle)) / CONNECTORS as f64
    }
}

/// Makes all measurements and prints a table.
///
/// # Errors
///
/// When a measurement fails.
pub fn run(peers: &Peers, rounds: u64) -> Result<()> {
    let topic = unique("idle");
    peers.kafka.create_topic(&topic, PARTITIONS)?;
    let mut all = Vec::new();
    for round in 1..=rounds {
        let measured = measure(peers, &topic)?;
        eprintln!("round {round}: {measured:?}");
        all.push(measured);
    }
    print(&all);
    Ok(())
}

fn print(rounds: &[Round]) {
    let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of).collect());
    println!("## The worker at rest\n");
    println!(
        "{CONNECTORS} connectors of one topic without records; {} rounds, median (min–max)\n",
        rounds.len()
    );
    println!("| measured | | goal | |\n|---|---|---|---|");
    let row = |what: &str, goal: f64, of: fn(&Round) -> f64| {
        let spread = spread(of);
        let verdict = if spread.median <= goal { "met" } else { "missed" };
        println!("| {what} | {} | ≤ {goal} | {verdict} |", spread.exact());
    };
    row("from the start of the process to `/health` 200, ms", 50.0, |r| r.healthy.as_secs_f64() * 1e3);
    row("without connectors: resident MiB", 16.0, |r| r.idle.resident_mib);
    row("all connectors created over REST, s", 1.0, |r| r.created.as_secs_f64());
    row("with all connectors: resident MiB", 120.0, |r| r.full.resident_mib);
    row("each connector: threads of ours", 0.1, |r| r.each(|held| held.own_threads as f64));
    row("each connector: descriptors", 6.0, |r| r.each(|held| held.descriptors as f64));
    let row = |what: &str, of: fn(&Round) -> f64| println!("| {what} | {} | | |", spread(of).exact());
    row("without connectors: proportional share of memory, MiB", |r| r.idle.share_mib);
    row("with all connectors: proportional share of memory, MiB", |r| r.full.share_mib);
    row("each connector: resident KiB", |r| r.each(|held| held.resident_mib) * 1024.0);
    row("each connector: threads of librdkafka", |r| r.each(|held| held.kafka_threads as f64));
    row("with all connectors: CPU, ms per s", |r| r.cpu_ms);
    println!();
}

fn measure(peers: &Peers, topic: &str) -> Result<Round> {
    let folder = Folder::new("worker")?;
    let rest = format!("http://127.0.0.1:{}", free_port()?);
    let (bootstrap, string) = (peers.kafka.bootstrap(), "org.apache.kafka.connect.storage.StringConverter");
    let settings = [
        ("listeners", rest.as_str()),
        ("bootstrap.servers", &bootstrap),
        ("key.converter", string),
        ("value.converter", string),
    ];
    let mut command = Command::new(binary()?);
    command.arg(write_properties(folder.path(), "worker.properties", &settings)?);

    let begin = Instant::now();
    let mut process = Process::start("the worker", command, &folder.path().join("worker.log"))?;
    let health = format!("{rest}/health");
    while ureq::get(&health).call().is_err() {
        ensure!(
            process.is_running() && begin.elapsed() < DEADLINE,
            "it does not start\n{}",
            process.log_end()
        );
        // Often enough for the figure, and the process has the cores meanwhile.
        thread::park_timeout(Duration::from_millis(1));
    }
    let healthy = begin.elapsed();
    let partitions = || -> Result<u64> {
        let text = ureq::get(&format!("{rest}/metrics")).call()?.body_mut().read_to_string()?;
        Ok(metric(&text, "kafka_connect_sink_task_partition_count", "connector=").unwrap_or(0))
    };
    // The cluster has answered.
    process.wait_for_line("sink started", DEADLINE)?;
    ensure!(partitions()? == 0, "there are partitions without connectors");
    let idle = Held::by(&process)?;

    let (name, agent) = (unique("idle"), ureq::Agent::new_with_defaults());
    let begin = Instant::now();
    for number in 0..CONNECTORS {
        let body = json!({"name": format!("{name}-{number}"), "config": {
            "connector.class": "CoherenceSink",
            "topics": topic,
            "coherence.cache.mappings": format!("{topic}->{MAP}"),
            "coherence.session.address": peers.grid.address(),
        }});
        let answer = agent.post(format!("{rest}/connectors")).send_json(&body);
        let mut answer = answer.with_context(|| process.log_end())?;
        // Read to its end, so that the connection serves the next request.
        answer.body_mut().read_to_string()?;
    }
    let created = begin.elapsed();
    let expected = CONNECTORS as u64 * PARTITIONS as u64;
    let assigned = wait::within(DEADLINE, || partitions().is_ok_and(|partitions| partitions == expected));
    ensure!(assigned, "not all partitions are assigned: {:?}\n{}", partitions(), process.log_end());
    // Threads that the start needed end within seconds.
    let at_rest = || Held::by(&process).is_ok_and(|held| held.own_threads < CONNECTORS / 10);
    let _ = wait::within(SETTLING, at_rest);
    let full = Held::by(&process)?;
    let (begin, before) = (Instant::now(), usage::cpu_of(process.id())?);
    thread::sleep(WATCHED);
    let spent = usage::cpu_of(process.id())? - before;
    let cpu_ms = spent.as_secs_f64() * 1e3 / begin.elapsed().as_secs_f64();
    process.stop()?;
    Ok(Round { healthy, idle, created, full, cpu_ms })
}
