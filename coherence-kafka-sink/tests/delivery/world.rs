//! A worker between an embedded broker and maps that fail when they are told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Entries, Expiry, Format, MapError, NamedMap, Session};
use coherence_kafka_connect::config::{Environment, Properties, SessionConfig};
use coherence_kafka_rdkafka::embedded::{EmbeddedKafka, Producer};
use coherence_kafka_rdkafka::record::OutgoingRecord;
use coherence_kafka_rdkafka::record_producer::RecordProducer;
use coherence_kafka_sink::{Counters, Sessions, SinkPlugin};
use coherence_kafka_worker::config::WorkerConfig;
use coherence_kafka_worker::{TaskStatus, Worker};
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub const DEADLINE: Duration = Duration::from_secs(60);

/// How the maps of a world misbehave.
#[derive(Debug, Default)]
pub struct Faults {
    /// So many writes from now on are applied by half and then answered as unavailable.
    pub half_applied: AtomicU32,
    /// While set, every write is answered as unavailable, and nothing is applied.
    pub away: std::sync::atomic::AtomicBool,
    /// While set, every removal is answered as unavailable, and nothing is removed.
    pub removes_away: std::sync::atomic::AtomicBool,
    /// A write that holds this key is refused for good.
    pub refused_key: Mutex<Option<Vec<u8>>>,
    /// A write with a value that holds these bytes is refused for good.
    pub refused_value: Mutex<Option<Vec<u8>>>,
    /// A write of several that holds one of these is applied without it and answered as a partial failure; alone it
    /// is answered in the words of the store. So does a cache store that throws.
    pub partial_keys: Mutex<Vec<Vec<u8>>>,
    /// While set, a cache store throws at every put.
    pub store_away: std::sync::atomic::AtomicBool,
    /// Writes that were asked for.
    pub writes: AtomicU64,
    /// While somebody has this, a session of the scope `slow` is not opened.
    pub opening: Mutex<()>,
    /// How the last put of each key was to expire.
    pub expiries: Mutex<BTreeMap<String, Expiry>>,
}

#[derive(Debug)]
struct FaultySession {
    maps: Arc<LocalSession>,
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct FaultyMap {
    map: Arc<dyn NamedMap>,
    faults: Arc<Faults>,
}

impl Session for FaultySession {
    fn format(&self) -> Format {
        self.maps.format()
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        self.maps.check_map_name(name)
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        Box::pin(async move {
            let map = self.maps.map(name).await?;
            Ok(Arc::new(FaultyMap { map, faults: self.faults.clone() }) as Arc<dyn NamedMap>)
        })
    }
}

impl FaultyMap {
    fn is_refused(&self, key: &[u8], value: &[u8]) -> bool {
        let (keys, values) = (self.faults.refused_key.lock(), self.faults.refused_value.lock());
        keys.as_ref().is_some_and(|refused| key.ends_with(refused))
            || values.as_ref().is_some_and(|refused| value.windows(refused.len()).any(|w| w == &refused[..]))
    }

    /// What of a write is applied, and how it is answered.
    fn judge(&self, batch: Arc<Entries>) -> (Arc<Entries>, Result<(), MapError>) {
        self.faults.writes.fetch_add(1, Ordering::Relaxed);
        let unavailable = || Err(MapError::Unavailable("told to be away".to_owned()));
        if self.faults.away.load(Ordering::Relaxed) {
            return (Arc::default(), unavailable());
        }
        if batch.iter().any(|(key, value)| self.is_refused(key, value)) {
            return (Arc::default(), Err(MapError::Refused("told to refuse".to_owned())));
        }
        let partial = self.faults.partial_keys.lock().clone();
        let away = self.faults.store_away.load(Ordering::Relaxed);
        let is_partial = |key: &[u8]| away || partial.iter().any(|partial| key.ends_with(partial));
        if batch.iter().any(|(key, _)| is_partial(key)) {
            let others = batch.iter().filter(|(key, _)| !is_partial(key));
            let answer = Err(MapError::Undecided("Partial failure".to_owned()));
            return (Arc::new(Entries::from_pairs(others)), answer);
        }
        let fails =
            self.faults.half_applied.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if fails.is_ok() {
            let half = batch.iter().take(batch.len() / 2);
            return (Arc::new(Entries::from_pairs(half)), unavailable());
        }
        (batch, Ok(()))
    }
}

impl NamedMap for FaultyMap {
    fn name(&self) -> &str {
        self.map.name()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(async move {
            let (applied, answer) = self.judge(entries);
            for (key, _) in applied.iter() {
                self.faults.expiries.lock().insert(text(key), expiry);
            }
            self.map.put_all(applied, expiry).await?;
            answer
        })
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(async move {
            if self.faults.removes_away.load(Ordering::Relaxed) {
                self.faults.writes.fetch_add(1, Ordering::Relaxed);
                return Err(MapError::Unavailable("told to remove nothing".to_owned()));
            }
            let (applied, answer) = self.judge(keys);
            self.map.remove_all(applied).await?;
            answer
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        Box::pin(async move {
            let n = self.faults.writes.fetch_add(1, Ordering::Relaxed);
            if self.is_refused(key, value) {
                return Err(MapError::Refused("told to refuse".to_owned()));
            }
            if self.faults.store_away.load(Ordering::Relaxed)
                || self.faults.partial_keys.lock().iter().any(|partial| key.ends_with(partial))
            {
                return Err(MapError::Undecided(format!("the store throws: job {n} is not running")));
            }
            self.map.put(key, value, expiry).await
        })
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.get(key)
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        self.map.size()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        self.map.entries()
    }
}

/// One broker, one set of maps, and workers that come and go.
pub struct World {
    broker: EmbeddedKafka,
    runtime: tokio::runtime::Runtime,
    maps: Arc<LocalSession>,
    pub faults: Arc<Faults>,
    producer: Producer,
}

impl World {
    pub fn new(topics: &[(&str, i32)]) -> Self {
        let broker = EmbeddedKafka::start().unwrap();
        for (topic, partitions) in topics {
            broker.create_topic(topic, *partitions).unwrap();
        }
        let producer = Producer::new(&settings(&[
            ("bootstrap.servers", &broker.bootstrap_servers()),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "0"),
        ]));
        Self {
            producer: producer.unwrap(),
            broker,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            maps: Arc::new(LocalSession::new(Format::Pof)),
            faults: Arc::default(),
        }
    }

    /// A worker with one connector named `c`: strings to strings, small batches, quick retries.
    pub fn worker(&self, connector: &[(&str, &str)]) -> Worker {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let bootstrap = self.broker.bootstrap_servers();
        let properties = Properties::from_pairs(
            "test",
            [
                ("bootstrap.servers", bootstrap.as_str()),
                ("key.converter", string),
                ("value.converter", string),
                ("offset.flush.interval.ms", "20"),
            ],
        );
        let (maps, faults) = (self.maps.clone(), self.faults.clone());
        let open = Box::new(move |config: &SessionConfig, _: &tokio::runtime::Handle| {
            if config.scope == "slow" {
                drop(faults.opening.lock());
            }
            Ok(Arc::new(FaultySession { maps: maps.clone(), faults: faults.clone() }) as Arc<dyn Session>)
        });
        let plugin = Arc::new(SinkPlugin::new(Sessions::opened_by(open)));
        let config = WorkerConfig::parse(plugin, &properties, Environment::default()).unwrap();
        let worker = Worker::new(config, None, self.runtime.handle().clone());
        let mut all = BTreeMap::from([
            ("name", "c"),
            ("connector.class", "CoherenceSink"),
            ("coherence.retry.backoff.ms", "1"),
            ("coherence.retry.backoff.max.ms", "5"),
            ("coherence.refused.timeout.ms", "200"),
            ("consumer.override.session.timeout.ms", "6000"),
        ]);
        all.extend(connector.iter().copied());
        worker.create(&Properties::from_pairs("test", all)).unwrap();
        worker
    }

    /// What the maps write on.
    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    pub fn produce(&self, topic: &str, key: Option<&str>, value: Option<&str>) {
        self.producer.send(topic, key.map(str::as_bytes), value.map(str::as_bytes)).unwrap();
    }

    /// Produces a record with headers, and waits until it is acknowledged.
    pub fn produce_record(&self, topic: &str, record: &OutgoingRecord) {
        let producer = RecordProducer::new(&settings(&[
            ("bootstrap.servers", &self.broker.bootstrap_servers()),
            ("partitioner", "murmur2_random"),
        ]))
        .unwrap();
        producer.send(1, topic, record).unwrap();
        eventually("the record is acknowledged", || producer.acknowledgements() == [(1, Ok(()))]);
    }

    /// The first `n` records of partition 0 of a topic.
    pub fn read(&self, topic: &str, n: usize) -> Vec<OutgoingRecord> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.bootstrap_servers())
            .set("group.id", "reader")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        client.assign(&list).unwrap();
        let mut records = Vec::new();
        eventually("the records can be read", || {
            while let Some(message) = client.poll(Duration::from_millis(20)) {
                let message = message.unwrap();
                let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
                records.push(OutgoingRecord {
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
                    timestamp: message.timestamp().to_millis(),
                });
            }
            records.len() >= n
        });
        records
    }

    /// Records in partition 0 of a topic.
    pub fn end(&self, topic: &str) -> i64 {
        let client: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.broker.bootstrap_servers()).create().unwrap();
        client.fetch_watermarks(topic, 0, DEADLINE).unwrap().1
    }

    pub fn flush(&self) {
        self.producer.flush(DEADLINE).unwrap();
    }

    /// What a grid that was restarted has: nothing.
    pub fn empty_map(&self, name: &str) {
        let map = self.maps.local_map(name).unwrap();
        self.runtime.block_on(map.clear()).unwrap();
    }

    /// The entries of a map, keys and values as the texts they were produced as.
    pub fn map(&self, name: &str) -> BTreeMap<String, String> {
        let map = self.maps.local_map(name).unwrap();
        let entries: Vec<_> = self.runtime.block_on(map.entries().try_collect()).unwrap();
        entries.iter().map(|(key, value)| (text(key), text(value))).collect()
    }

    /// The offset committed for a partition by the group of the connector `c`.
    pub fn committed(&self, topic: &str, partition: i32) -> Option<i64> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.bootstrap_servers())
            .set("group.id", "connect-c")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let list = client.committed_offsets(list, DEADLINE).unwrap();
        match list.elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }
}

pub fn tasks(worker: &Worker) -> Vec<TaskStatus> {
    worker.tasks("c").unwrap()
}

/// What a task has counted.
pub fn counters(task: &TaskStatus) -> &Counters {
    Counters::of(task).unwrap()
}

pub fn confirmed(worker: &Worker) -> u64 {
    tasks(worker).iter().map(|task| counters(task).confirmed.now()).sum()
}

pub fn failures(worker: &Worker) -> Vec<String> {
    tasks(worker).iter().filter_map(|task| task.failure.as_ref().map(ToString::to_string)).collect()
}

/// Polls until `condition` holds; fails with `what` at the deadline.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn text(binary: &[u8]) -> String {
    match coherence_kafka_common::pof::decode(&binary[1..]).unwrap() {
        coherence_kafka_common::pof::PofValue::String(text) => text,
        other => panic!("not a text: {other:?}"),
    }
}
