//! Workers at rest: how fast the command and Kafka Connect start, and what they and their idle connectors hold.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use integration_tests::connect::{Cluster, Connect};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, free_port, unique};
use integration_tests::sink::{binary, metric, write_properties};
use integration_tests::{rest, usage, wait};
use serde_json::{Value, json};

use crate::peers::Peers;
use crate::{MAP, Spread};

const PARTITIONS: i32 = 8;
const DEADLINE: Duration = Duration::from_secs(180);
/// How long threads may take to end that have nothing to do.
const SETTLING: Duration = Duration::from_secs(10);
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

/// One measurement of one worker.
#[derive(Debug)]
struct Measured {
    connectors: u64,
    healthy: Duration,
    idle: Held,
    created: Duration,
    full: Held,
    /// CPU time for each second with all connectors.
    cpu_ms: f64,
}

impl Measured {
    /// The part of each connector.
    fn each(&self, of: fn(&Held) -> f64) -> f64 {
        (of(&self.full) - of(&self.idle)) / self.connectors as f64
    }
}

/// Makes all measurements, those of Kafka Connect once, and prints a table.
///
/// # Errors
///
/// When a measurement fails.
pub fn run(peers: &Peers, rounds: u64, connectors: u64) -> Result<()> {
    let topic = unique("idle");
    peers.kafka.create_topic(&topic, PARTITIONS)?;
    let mut all = Vec::new();
    for round in 1..=rounds {
        let measured = measure(peers, &topic, connectors)?;
        eprintln!("round {round}: {measured:?}");
        all.push(measured);
    }
    let connect = measure_connect(peers, &topic, connectors)?;
    eprintln!("Kafka Connect: {connect:?}");
    print(&all, &connect);
    Ok(())
}

/// A figure: what is measured, the most that is aimed at, and where it is found.
type Figure = (&'static str, Option<f64>, fn(&Measured) -> f64);

const FIGURES: [Figure; 11] = [
    ("from the start of the process to `/health` 200, ms", Some(50.0), |m| m.healthy.as_secs_f64() * 1e3),
    ("without connectors: resident MiB", Some(16.0), |m| m.idle.resident_mib),
    ("without connectors: proportional share of memory, MiB", None, |m| m.idle.share_mib),
    ("all connectors created over REST, s", Some(1.0), |m| m.created.as_secs_f64()),
    ("with all connectors: resident MiB", Some(120.0), |m| m.full.resident_mib),
    ("with all connectors: proportional share of memory, MiB", None, |m| m.full.share_mib),
    ("with all connectors: CPU, ms per s", None, |m| m.cpu_ms),
    ("each connector: resident KiB", None, |m| m.each(|held| held.resident_mib) * 1024.0),
    ("each connector: threads, without those of librdkafka", Some(0.1), |m| {
        m.each(|held| held.own_threads as f64)
    }),
    ("each connector: threads of librdkafka", None, |m| m.each(|held| held.kafka_threads as f64)),
    ("each connector: descriptors", Some(6.0), |m| m.each(|held| held.descriptors as f64)),
];

fn print(rounds: &[Measured], connect: &Measured) {
    println!("## The worker at rest\n");
    println!(
        "{} connectors of one topic without records; {} rounds, median (min–max); Kafka Connect once\n",
        connect.connectors,
        rounds.len()
    );
    println!("| measured | the command | goal | | Kafka Connect |\n|---|---|---|---|---|");
    for (what, goal, of) in FIGURES {
        let spread = Spread::of(rounds.iter().map(of).collect());
        let (goal, verdict) = match goal {
            Some(goal) if spread.median <= goal => (format!("≤ {goal}"), "met"),
            Some(goal) => (format!("≤ {goal}"), "missed"),
            None => (String::new(), ""),
        };
        println!("| {what} | {} | {goal} | {verdict} | {:.2} |", spread.exact(), of(connect));
    }
    println!();
}

fn measure(peers: &Peers, topic: &str, connectors: u64) -> Result<Measured> {
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
    // The cluster has answered.
    process.wait_for_line("sink started", DEADLINE)?;
    let configuration = |_| {
        json!({
            "connector.class": "CoherenceSink",
            "topics": topic,
            "coherence.cache.mappings": format!("{topic}->{MAP}"),
            "coherence.session.address": peers.grid.address(),
        })
    };
    let all_assigned = || {
        let text = ureq::get(&format!("{rest}/metrics")).call()?.body_mut().read_to_string()?;
        let partitions = metric(&text, "kafka_connect_sink_task_partition_count", "connector=");
        Ok(partitions == Some(connectors * PARTITIONS as u64))
    };
    let measured = fill(&process, &rest, healthy, connectors, configuration, all_assigned, SETTLING)?;
    process.stop()?;
    Ok(measured)
}

fn measure_connect(peers: &Peers, topic: &str, connectors: u64) -> Result<Measured> {
    let folder = Folder::new("files")?;
    let cluster = Cluster::new(&peers.kafka, "bench");
    let begin = Instant::now();
    let connect = Connect::start(&cluster)?;
    let healthy = begin.elapsed();
    let configuration = |number| {
        json!({
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "topics": topic,
            "file": folder.path().join(format!("{number}.txt")),
        })
    };
    // It has no metric without an agent in its JVM.
    let all_run = || {
        let connectors_of = rest::get(connect.rest(), "/connectors?expand=status")?.body;
        let connectors_of = connectors_of.as_object().context("no connectors")?;
        let runs = |entry: &&Value| entry["status"]["tasks"][0]["state"] == "RUNNING";
        Ok(connectors_of.values().filter(runs).count() as u64 == connectors)
    };
    let (process, none) = (connect.process(), Duration::ZERO);
    let measured = fill(process, connect.rest(), healthy, connectors, configuration, all_run, none)?;
    connect.stop()?;
    Ok(measured)
}

/// Measures a worker without connectors, creates connectors over REST, and measures it with them.
fn fill(
    process: &Process,
    rest: &str,
    healthy: Duration,
    connectors: u64,
    configuration: impl Fn(u64) -> Value,
    all_run: impl Fn() -> Result<bool>,
    settling: Duration,
) -> Result<Measured> {
    let idle = Held::by(process)?;
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let name = unique("idle");
    let begin = Instant::now();
    for number in 0..connectors {
        let body = json!({"name": format!("{name}-{number}"), "config": configuration(number)});
        loop {
            let mut answer = agent.post(format!("{rest}/connectors")).send_json(&body)?;
            // Read to its end, so that the connection serves the next request.
            let text = answer.body_mut().read_to_string()?;
            match answer.status().as_u16() {
                201 => break,
                // Kafka Connect creates nothing during a rebalance.
                409 if begin.elapsed() < DEADLINE => {}
                status => anyhow::bail!("{status}: {text}\n{}", process.log_end()),
            }
        }
    }
    let created = begin.elapsed();
    let run = wait::within(DEADLINE, || all_run().unwrap_or(false));
    ensure!(run, "not all connectors run: {:?}\n{}", all_run(), process.log_end());
    let most = idle.own_threads + (connectors as usize).div_ceil(10);
    let _ = wait::within(settling, || Held::by(process).is_ok_and(|held| held.own_threads <= most));
    let full = Held::by(process)?;
    let (begin, before) = (Instant::now(), usage::cpu_of(process.id())?);
    thread::sleep(WATCHED);
    let spent = usage::cpu_of(process.id())? - before;
    let cpu_ms = spent.as_secs_f64() * 1e3 / begin.elapsed().as_secs_f64();
    Ok(Measured { connectors, healthy, idle, created, full, cpu_ms })
}
