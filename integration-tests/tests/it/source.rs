//! A running grid publishes its maps: a Java application changes them with the plain Coherence API, and what a consumer
//! rebuilds from the topic must equal what that application sees.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use integration_tests::grid::Grid;
use integration_tests::kafka::{Kafka, Record};
use integration_tests::sandbox::unique;
use integration_tests::source::Source;
use integration_tests::wait::{eventually, within};

mod altered;
mod cache_config;
mod circle;
mod converters;
mod expirations;
mod faults;
mod fencing;
mod large;
mod losses;
mod once;
mod permissions;
mod publishing;
mod refusals;
mod registry;
mod sharing;
mod worker;

/// How long anything may take that is not itself a long outage.
const SOON: Duration = Duration::from_secs(60);

/// What keys and values are in the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    PassThrough,
    Strings,
}

/// A map, the topic of its name, and the settings of the source between them.
#[derive(Debug)]
struct Published {
    name: String,
    form: Form,
    settings: Vec<(String, String)>,
}

impl Published {
    /// Creates the topic; the source reaches the grid at `address`.
    fn at(kafka: &Kafka, address: &str, base: &str, form: Form) -> Self {
        let name = unique(base);
        kafka.create_topic(&name, 4).unwrap();
        let form_settings = match form {
            Form::PassThrough => vec![("coherence.passthrough", "true")],
            Form::Strings => vec![
                ("key.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
                ("value.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
            ],
        };
        let bootstrap = kafka.bootstrap();
        let mapping = format!("{name}->{name}");
        let mut settings = vec![
            ("name", name.as_str()),
            ("bootstrap.servers", &bootstrap),
            ("coherence.session.address", address),
            ("coherence.cache.mappings", &mapping),
            // The least that the broker allows: how soon another process takes over.
            ("coherence.source.session.timeout.ms", "6000"),
            ("delivery.timeout.ms", "4000"),
        ];
        settings.extend(form_settings);
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { name, form, settings }
    }

    fn new(kafka: &Kafka, grid: &Grid, base: &str, form: Form) -> Self {
        Self::at(kafka, &grid.address(), base, form)
    }

    fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    fn start(&self) -> Source {
        Source::start(&self.settings()).unwrap()
    }

    /// Waits until a source follows the map: what it missed is published.
    #[track_caller]
    fn follows(&self, source: &Source) {
        let follows = within(SOON, || source.state(&self.name).as_deref() == Some("following"));
        assert!(follows, "{:?}\n{}", source.state(&self.name), source.process().log_end());
    }

    /// The text in a key or value of the topic.
    fn text(&self, bytes: &[u8]) -> String {
        let text = match (self.form, bytes) {
            (Form::Strings, text) => text,
            // A POF text shorter than 64 bytes: its length is one byte.
            (Form::PassThrough, [0x15, 0x4E, len, text @ ..]) if usize::from(*len) == text.len() => text,
            (Form::PassThrough, other) => panic!("no short POF text: {other:02x?}"),
        };
        str::from_utf8(text).unwrap().to_owned()
    }

    /// What a consumer makes of the topic: the last value of every key.
    fn rebuilt(&self, records: &[Record]) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for record in records {
            let key = self.text(record.key.as_ref().unwrap());
            match &record.value {
                Some(value) => map.insert(key, self.text(value)),
                None => map.remove(&key),
            };
        }
        map
    }

    /// Waits until the topic equals the map.
    #[track_caller]
    fn equal(&self, kafka: &Kafka, grid: &Grid, source: &Source) {
        let map = grid.tool().entries(&self.name).unwrap();
        let equal = within(SOON, || self.rebuilt(&kafka.records(&self.name).unwrap()) == map);
        if !equal {
            let topic = self.rebuilt(&kafka.records(&self.name).unwrap());
            let differing = topic.keys().chain(map.keys()).find(|key| topic.get(*key) != map.get(*key));
            panic!(
                "the topic has {} keys, the map {}; first difference: {differing:?} is {:?} and {:?}\n{}",
                topic.len(),
                map.len(),
                differing.map(|key| topic.get(key)),
                differing.map(|key| map.get(key)),
                source.process().log_end()
            );
        }
    }

    /// No record of a key tells a value that is older than one before it. Values are those of a churn.
    #[track_caller]
    fn never_goes_back(&self, records: &[Record]) {
        let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for record in records {
            let Some(value) = &record.value else { continue };
            let (key, value) = (self.text(record.key.as_ref().unwrap()), self.text(value));
            let (seed, number) = value.split_once('.').unwrap();
            let now = (seed.parse().unwrap(), number.parse().unwrap());
            let before = last.insert(key.clone(), now);
            assert!(before.is_none_or(|before| before <= now), "{key}: {now:?} behind {before:?}");
        }
    }
}

/// Records that tell what the record of their key before them told.
fn repeated(records: &[Record]) -> usize {
    let mut last: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
    let mut repeated = 0;
    for record in records {
        let (key, value) = (record.key.as_deref().unwrap_or_default(), record.value.as_deref());
        repeated += usize::from(last.insert(key, value) == Some(value));
    }
    repeated
}

/// The application changes the map without end while `during` runs; how many operations it made.
fn under_load<T>(grid: &Grid, map: &str, keys: u32, during: impl FnOnce() -> T) -> (T, u64) {
    struct Done<'a>(&'a AtomicBool);
    // Also when `during` panics, or the changing thread would be waited for without end.
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    const PIECE: u32 = 500;
    let (done, operations) = (AtomicBool::new(false), AtomicU64::new(0));
    let outcome = thread::scope(|scope| {
        let finish = Done(&done);
        scope.spawn(|| {
            for seed in 1.. {
                if done.load(Ordering::Acquire) {
                    break;
                }
                grid.tool().churn(map, seed, PIECE, keys).unwrap();
                operations.fetch_add(PIECE.into(), Ordering::Relaxed);
            }
        });
        let outcome = during();
        drop(finish);
        outcome
    });
    (outcome, operations.into_inner())
}

/// Waits until the topic holds more records than it does now.
#[track_caller]
fn more_is_published(kafka: &Kafka, topic: &str) {
    // A broker that has just started does not lead its partitions at once.
    let end = || kafka.end_offsets(topic).ok().map(|ends| ends.iter().sum::<i64>());
    let mut before = None;
    eventually(SOON, "the broker tells the ends", || {
        before = end();
        before.is_some()
    });
    let before = before.unwrap_or_default();
    eventually(SOON, "more is published", || end().is_some_and(|end| end > before + 1_000));
}
