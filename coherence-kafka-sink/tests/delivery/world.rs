//! A worker between an embedded broker and maps that fail when they are told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Expiry, Format, MapError, NamedMap as _, Session};
use coherence_kafka_common::testing::{Answer, FaultySession, Operation, Request};
use coherence_kafka_connect::config::{Environment, Properties, SessionConfig};
use coherence_kafka_rdkafka::embedded::{EmbeddedKafka, Producer};
use coherence_kafka_rdkafka::record::OutgoingRecord;
use coherence_kafka_rdkafka::record_producer::RecordProducer;
use coherence_kafka_sink::{Counters, Sessions, SinkPlugin};
use coherence_kafka_worker::config::WorkerConfig;
use coherence_kafka_worker::{TaskStatus, Worker};
use futures::TryStreamExt as _;
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
    pub away: AtomicBool,
    /// While set, every removal is answered as unavailable, and nothing is removed.
    pub removes_away: AtomicBool,
    /// A write that holds this key is refused for good.
    pub refused_key: Mutex<Option<Vec<u8>>>,
    /// A write with a value that holds these bytes is refused for good.
    pub refused_value: Mutex<Option<Vec<u8>>>,
    /// A write of several that holds one of these is applied without it and answered as a partial failure; alone it
    /// is answered in the words of the store. So does a cache store that throws.
    pub partial_keys: Mutex<Vec<Vec<u8>>>,
    /// While set, a cache store throws at every put.
    pub store_away: AtomicBool,
    /// While somebody has this, a session of the scope `slow` is not opened.
    pub opening: Mutex<()>,
    /// No two texts of the store are alike.
    texts: AtomicU32,
}

impl Faults {
    fn is_refused(&self, key: &[u8], value: &[u8]) -> bool {
        let (keys, values) = (self.refused_key.lock(), self.refused_value.lock());
        keys.as_ref().is_some_and(|refused| key.ends_with(refused))
            || values.as_ref().is_some_and(|refused| value.windows(refused.len()).any(|w| w == &refused[..]))
    }

    fn store_throws(&self, key: &[u8]) -> bool {
        self.store_away.load(Ordering::Relaxed)
            || self.partial_keys.lock().iter().any(|partial| key.ends_with(partial))
    }

    async fn answer(self: Arc<Self>, request: Request) -> Answer {
        let unavailable = || Err(MapError::Unavailable("told to be away".to_owned()));
        let entries = &request.entries;
        if !request.operation.is_write() {
            return request.apply().await;
        }
        if self.away.load(Ordering::Relaxed)
            || (request.operation.is_removal() && self.removes_away.load(Ordering::Relaxed))
        {
            return unavailable();
        }
        if entries.iter().any(|(key, value)| self.is_refused(key, value)) {
            return Err(MapError::Refused("told to refuse".to_owned()));
        }
        let throws: Vec<_> = entries.iter().map(|(key, _)| self.store_throws(key)).collect();
        if throws.contains(&true) {
            for (single, _) in request.split().zip(throws).filter(|(_, throws)| !throws) {
                single.apply().await?;
            }
            let text = match self.texts.fetch_add(1, Ordering::Relaxed) {
                _ if request.operation.is_batch() => "Partial failure".to_owned(),
                n => format!("the store throws: job {n} is not running"),
            };
            return Err(MapError::Undecided(text));
        }
        let fails =
            self.half_applied.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if fails.is_ok() {
            for single in request.split().take(entries.len() / 2) {
                single.apply().await?;
            }
            return unavailable();
        }
        request.apply().await
    }
}

/// One broker, one set of maps, and workers that come and go.
pub struct World {
    broker: EmbeddedKafka,
    runtime: tokio::runtime::Runtime,
    maps: Arc<LocalSession>,
    session: Arc<FaultySession>,
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
        let (maps, faults) = (Arc::new(LocalSession::new(Format::Pof)), Arc::<Faults>::default());
        let script = {
            let faults = faults.clone();
            move |request| faults.clone().answer(request)
        };
        Self {
            producer: producer.unwrap(),
            broker,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            session: Arc::new(FaultySession::new(maps.clone(), script)),
            maps,
            faults,
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
        let (session, faults) = (self.session.clone(), self.faults.clone());
        let open = Box::new(move |config: &SessionConfig, _: &tokio::runtime::Handle| {
            if config.scope == "slow" {
                drop(faults.opening.lock());
            }
            Ok(session.clone() as Arc<dyn Session>)
        });
        let plugin = Arc::new(SinkPlugin::new(Sessions::opened_by(open)));
        let config = WorkerConfig::parse(&*plugin, &properties, Environment::default()).unwrap();
        let worker = Worker::new(plugin, config, None, self.runtime.handle().clone());
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

    /// How many writes were tried.
    pub fn writes(&self) -> usize {
        self.session.requests().iter().filter(|request| request.operation.is_write()).count()
    }

    /// How the last put of each key was to expire.
    pub fn expiries(&self) -> BTreeMap<String, Expiry> {
        let mut expiries = BTreeMap::new();
        for request in self.session.requests() {
            if let Operation::Put(expiry) | Operation::PutAll(expiry) = request.operation {
                expiries.extend(request.entries.iter().map(|(key, _)| (text(key), expiry)));
            }
        }
        expiries
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
