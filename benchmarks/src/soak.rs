//! A sink under continuous load and random faults, and what must hold at the end: the map equals the
//! model of the topic, and the resources of the sink that was never killed have not grown.
//!
//! ```text
//! feed ──► Kafka ──► two sinks of one group ──► two relays ──► a grid of two members, each with a proxy
//!            ▲         one lives, one dies         ▲                ▲
//!            └────────────── fault, one at a time, until all has recovered ──┘
//! ```
//!
//! One fault at a time, because that is what the guarantee covers (docs/delivery.md, "late writes"), and because content
//! of the grid survives one of its members, not both: so the comparison at the end is exact.

use std::collections::HashMap;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use coherence_kafka_common::splitmix::SplitMix64;
use integration_tests::kafka::Pair;

pub use fault::Fault;
pub use resources::{Sampler, Trend, flat};
use world::World;

mod fault;
mod resources;
mod world;

/// Distinct keys of the load.
const KEYS: u64 = 20_000;
/// Records that wait when the sinks start, and more wait for a grid that is frozen then: their queues are full once, and
/// they reach their full speed and size, before anything is compared. What an allocator has had in use it may keep.
const BACKLOG: usize = 100_000;
/// The samples of this part of the time, at the beginning, do not count.
const WARM_UP: f64 = 0.25;

/// The load and the faults of a run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where all random choices come from.
    pub seed: u64,
    /// The least time with faults; start, recovery and comparison are extra.
    pub duration: Duration,
    /// How many faults there are at the least: on a slow machine every recovery is longer.
    pub faults: usize,
    /// Records a second.
    pub rate: u64,
    /// How long a fault lasts at least and at most.
    pub holds: (Duration, Duration),
}

/// One fault and its recovery.
#[derive(Debug, Clone, Copy)]
pub struct Suffered {
    /// The fault.
    pub fault: Fault,
    /// Its duration.
    pub held: Duration,
    /// The time from its end until everything was committed that was on the topic then.
    pub recovered: Duration,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// The seed of the plan.
    pub seed: u64,
    /// The faults in their order.
    pub faults: Vec<Suffered>,
    /// Records on the topic.
    pub records: u64,
    /// Entries in the map, all equal to the model of the topic.
    pub entries: usize,
    /// Memory, threads and descriptors of the sink that was never killed.
    pub resources: [Trend; 3],
}

impl Report {
    /// Checks that the resources of the sink that was never killed have not grown.
    ///
    /// # Errors
    ///
    /// With the resource that has grown.
    pub fn check(&self) -> Result<()> {
        for trend in &self.resources {
            ensure!(trend.is_flat(), "{trend} (seed {})", self.seed);
        }
        Ok(())
    }
}

/// Runs the plan; `begins` is called at the beginning of each fault.
///
/// # Errors
///
/// When a sink does not recover after a fault, a task fails, or the map differs from the model of the topic.
pub fn run(plan: &Plan, mut begins: impl FnMut(Fault, Duration)) -> Result<Report> {
    let mut random = SplitMix64(plan.seed);
    let mut world = World::start()?;
    let backlog = (0..BACKLOG as u64).map(|number| record(plan.seed, number));
    world.kafka.produce(&world.name, backlog.map(|(key, value)| (Some(key), value)))?;
    world.start_sinks()?;
    let seed = plan.seed;
    let next = move |number| record(seed, BACKLOG as u64 + number);
    let feed = world.kafka.feed(&world.name, plan.rate, u64::MAX, next)?;
    let sampler = Sampler::of(world.lasting()?);
    world.suffer(Fault::GridFrozen, plan.holds.1)?;
    world.recover()?;
    let end = Instant::now() + plan.duration;
    let mut faults = Vec::new();
    let mut order = Fault::ALL;
    while Instant::now() < end || faults.len() < plan.faults {
        let turn = faults.len() % order.len();
        if turn == 0 {
            order = Fault::shuffled(&mut random);
        }
        let (fault, held) = (order[turn], between(&mut random, plan.holds));
        begins(fault, held);
        let what = || format!("{fault} for {held:?}");
        world.suffer(fault, held).with_context(what)?;
        let recovered = world.recover().with_context(what)?;
        faults.push(Suffered { fault, held, recovered });
        thread::sleep(between(&mut random, plan.holds) / 4);
    }
    feed.finish()?;
    world.recover()?;
    let samples = sampler.finish()?;
    let (records, entries) = compare(&world)?;
    let counted = samples.len() - (samples.len() as f64 * WARM_UP) as usize;
    let resources = Trend::all(&samples[samples.len() - counted..]);
    world.stop()?;
    Ok(Report { seed: plan.seed, faults, records, entries, resources })
}

/// A time of whole milliseconds, the ends included.
fn between(random: &mut SplitMix64, (least, most): (Duration, Duration)) -> Duration {
    let width = most.saturating_sub(least).as_millis() as usize;
    least + Duration::from_millis(random.between(0, width) as u64)
}

/// A record of the load: random keys, distinct values, one in ten a delete.
fn record(seed: u64, number: u64) -> Pair {
    let random = SplitMix64(seed ^ SplitMix64(number).bits()).bits();
    let key = format!("k-{:08}", random % KEYS).into_bytes();
    let value = (!(random >> 32).is_multiple_of(10)).then(|| format!("{number:088}").into_bytes());
    (key, value)
}

/// Compares the map with a model that applies the topic's records in order; returns the numbers of records and entries.
fn compare(world: &World) -> Result<(u64, usize)> {
    let (mut model, mut records) = (HashMap::new(), 0);
    let text = |bytes| String::from_utf8(bytes).unwrap_or_default();
    world.kafka.each_record(&world.name, |record| {
        records += 1;
        let key = text(record.key.unwrap_or_default());
        match record.value {
            Some(value) => model.insert(key, text(value)),
            None => model.remove(&key),
        };
    })?;
    let map = world.entries()?;
    let keys = model.keys().chain(map.keys().filter(|key| !model.contains_key(*key)));
    let differing: Vec<_> = keys.filter(|key| model.get(*key) != map.get(*key)).collect();
    if let Some(key) = differing.first() {
        bail!(
            "{} of {} keys differ from the topic; {key} is {:?} in the map and should be {:?}",
            differing.len(),
            model.len(),
            map.get(*key),
            model.get(*key)
        );
    }
    Ok((records, map.len()))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | times | longest s | longest recovery s |\n|---|---|---|---|")?;
        for fault in Fault::ALL {
            let of: Vec<_> = self.faults.iter().filter(|suffered| suffered.fault == fault).collect();
            let longest = |time: fn(&Suffered) -> Duration| {
                of.iter().map(|suffered| time(suffered).as_secs_f64()).fold(0.0, f64::max)
            };
            let (held, recovered) = (longest(|s| s.held), longest(|s| s.recovered));
            writeln!(f, "| {fault} | {} | {held:.1} | {recovered:.1} |", of.len())?;
        }
        writeln!(f, "\n| the lasting sink | median of the first third | of the last | allowed | |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for trend in &self.resources {
            let verdict = if trend.is_flat() { "flat" } else { "GROWN" };
            let Trend { what, first, last, allowed } = trend;
            writeln!(f, "| {what} | {first:.1} | {last:.1} | {allowed:.1} | {verdict} |")?;
        }
        write!(f, "\n{} records, {} entries, differences: 0, seed {}", self.records, self.entries, self.seed)
    }
}
