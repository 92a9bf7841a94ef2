//! `make soak`: a sink between a real Kafka and a real Coherence, under continuous load and random faults, for a
//! number of minutes. Ends with an error if the map differs from the topic, or a resource of the sink has grown.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use benchmarks::soak::{self, Fault, Plan};

const USAGE: &str = "expected: soak [--minutes N] [--rate RECORDS-A-SECOND] [--seed N]";

fn main() -> Result<()> {
    let plan = plan(std::env::args().skip(1))?;
    println!("seed {}, {:?}, {} records/s", plan.seed, plan.duration, plan.rate);
    let begin = std::time::Instant::now();
    let report = soak::run(&plan, |fault, hold| {
        println!("{:6.0} s  {fault}, {:.1} s", begin.elapsed().as_secs_f64(), hold.as_secs_f64());
        let _ = io::stdout().flush();
    });
    let report = report.with_context(|| format!("seed {}", plan.seed))?;
    println!("\n{report}");
    report.check()
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Plan> {
    let mut plan = Plan {
        seed: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        duration: Duration::from_secs(20 * 60),
        faults: Fault::ALL.len(),
        rate: 3_000,
        holds: (Duration::from_secs(1), Duration::from_secs(8)),
    };
    while let Some(name) = arguments.next() {
        let number = arguments.next().and_then(|value| value.parse::<u64>().ok()).context(USAGE)?;
        match name.as_str() {
            "--minutes" => plan.duration = Duration::from_secs(60 * number),
            "--rate" => plan.rate = number.max(1),
            "--seed" => plan.seed = number,
            _ => bail!(USAGE),
        }
    }
    Ok(plan)
}
