//! The servers, the ways and the sinks, and how each is broken and mended.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::relay::Relay;
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::wait;

use super::fault::Fault;

const PARTITIONS: i32 = 8;
/// How long after a fault everything must be well again. Not a speed that is measured: it ends a run that hangs.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(120);
/// Each fault breaks the other one of the two members and ways.
const TWO: usize = 2;

/// Everything that runs, and the name of its topic, map and connector.
#[derive(Debug)]
pub struct World {
    // First: whatever is dropped ends, and a sink's last words should not be of servers that went.
    sinks: Option<Sinks>,
    pub name: String,
    pub kafka: Kafka,
    paths: [Relay; TWO],
    members: [Grid; TWO],
    turn: usize,
}

#[derive(Debug)]
struct Sinks {
    lasting: Sink,
    other: Sink,
}

impl World {
    /// A broker with the topic, and a grid of two members with the ways to them; no sink yet.
    pub fn start() -> Result<Self> {
        let kafka = thread::spawn(|| Kafka::start(KafkaOptions::default()));
        let first = Grid::start(GridOptions::default())?;
        let second = first.second_member()?;
        let kafka = kafka.join().ok().context("the thread that starts the broker has panicked")??;
        let name = unique("soak");
        kafka.create_topic(&name, PARTITIONS)?;
        let paths = [Relay::to(first.address())?, Relay::to(second.address())?];
        Ok(Self { name, kafka, sinks: None, paths, members: [first, second], turn: 0 })
    }

    /// Starts the sink that lasts and the one that does not.
    pub fn start_sinks(&mut self) -> Result<()> {
        self.sinks = Some(Sinks { lasting: self.sink()?, other: self.sink()? });
        Ok(())
    }

    fn sink(&self) -> Result<Sink> {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let bootstrap = self.kafka.bootstrap();
        let worker = [
            ("bootstrap.servers", bootstrap.as_str()),
            ("key.converter", string),
            ("value.converter", string),
            ("offset.flush.interval.ms", "500"),
            // The least that a broker allows: a killed sink is missed soon.
            ("consumer.session.timeout.ms", "6000"),
            ("consumer.reconnect.backoff.max.ms", "1000"),
        ];
        let addresses = self.paths.each_ref().map(Relay::address).join(",");
        let connector = [
            ("name", self.name.as_str()),
            ("connector.class", "CoherenceSink"),
            ("topics", &self.name),
            ("coherence.session.address", &addresses),
            // Shorter than most faults, so that attempts stay unanswered.
            ("coherence.session.request.timeout.ms", "2000"),
            ("coherence.retry.backoff.max.ms", "1000"),
        ];
        Sink::start(&worker, &connector)
    }

    /// The process that lives through everything.
    pub fn lasting(&self) -> Result<u32> {
        Ok(self.sinks.as_ref().context("no sink runs")?.lasting.process().id())
    }

    /// Breaks something, waits, and mends it.
    pub fn suffer(&mut self, fault: Fault, hold: Duration) -> Result<()> {
        self.turn = (self.turn + 1) % TWO;
        let turn = self.turn;
        match fault {
            Fault::GridFrozen => {
                self.members.iter().for_each(Grid::freeze);
                thread::sleep(hold);
                self.members.iter().for_each(Grid::thaw);
            }
            Fault::MemberFrozen => {
                self.members[turn].freeze();
                thread::sleep(hold);
                self.members[turn].thaw();
            }
            Fault::MemberKilled => {
                self.members[turn].kill()?;
                thread::sleep(hold);
                self.members[turn].restart()?;
            }
            Fault::PathCut => self.paths.iter().for_each(Relay::cut),
            Fault::PathReset => {
                self.paths[turn].reset();
                thread::sleep(hold);
                self.paths[turn].pass();
            }
            Fault::PathStoppedUp => {
                self.paths.iter().for_each(Relay::hole);
                thread::sleep(hold);
                self.paths.iter().for_each(Relay::pass);
            }
            Fault::BrokerFrozen => {
                self.kafka.freeze();
                thread::sleep(hold);
                self.kafka.thaw();
            }
            Fault::BrokerStopped => {
                self.kafka.stop()?;
                thread::sleep(hold);
                self.kafka.restart()?;
            }
            Fault::BrokerKilled => {
                self.kafka.kill()?;
                thread::sleep(hold);
                self.kafka.restart()?;
            }
            Fault::SinkStopped | Fault::SinkKilled => {
                let Sinks { lasting, other } = self.sinks.take().context("no sink runs")?;
                if fault == Fault::SinkKilled {
                    other.kill()?;
                } else {
                    let status = other.stop()?;
                    ensure!(status.code() == Some(143), "the sink has ended with {status}");
                }
                thread::sleep(hold);
                self.sinks = Some(Sinks { lasting, other: self.sink()? });
            }
        }
        Ok(())
    }

    /// Waits until everything is committed that is on the topic now and the grid could lose a member again, and
    /// returns how long that took.
    pub fn recover(&self) -> Result<Duration> {
        let begin = Instant::now();
        let (mut ends, mut committed) = (None, None);
        let done = wait::within(RECOVERY_DEADLINE, || {
            // A broker that has just started does not answer everything at once.
            if ends.is_none() {
                ends = self.kafka.end_offsets(&self.name).ok();
            }
            committed = self.committed().ok();
            let through = |(ends, committed): (&Vec<i64>, &Vec<i64>)| {
                committed.iter().zip(ends).all(|(committed, end)| committed >= end)
            };
            ends.as_ref().zip(committed.as_ref()).is_some_and(through)
                && self.members.iter().all(Grid::is_safe)
        });
        let Sinks { lasting, other } = self.sinks.as_ref().context("no sink runs")?;
        for sink in [lasting, other] {
            let failures = sink.failures(&self.name)?;
            ensure!(failures.is_empty(), "a task has failed: {failures:?}");
        }
        ensure!(
            done,
            "{committed:?} of {ends:?} is committed after {RECOVERY_DEADLINE:?}\n{}",
            lasting.process().log_end()
        );
        Ok(begin.elapsed())
    }

    fn committed(&self) -> Result<Vec<i64>> {
        let offsets = self.kafka.committed(&format!("connect-{}", self.name), &self.name)?;
        Ok(offsets.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// What the map holds, as an independent reader sees it.
    pub fn entries(&self) -> Result<BTreeMap<String, String>> {
        self.members[0].tool().entries(&self.name)
    }

    /// Ends the sinks in order.
    pub fn stop(mut self) -> Result<()> {
        let Sinks { lasting, other } = self.sinks.take().context("no sink runs")?;
        for sink in [other, lasting] {
            let status = sink.stop()?;
            ensure!(status.code() == Some(143), "a sink has ended with {status}");
        }
        Ok(())
    }
}
