//! A broker inside this process: librdkafka's mock cluster, for a first look and for unit tests.
//!
//! It is volatile, drops records beyond 5 MiB per partition, and has no compaction, security or quotas. It shows that the parts
//! work together, never that data is safe.
#![allow(unsafe_code)]

use std::fmt;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};

use crate::settings::client_config;

/// Warning for a user who starts an embedded broker.
pub const LIMITS: &str =
    "embedded broker: in this process only, volatile, at most 5 MiB per partition, no security";

/// A broker on a loopback port that the system chose; it lives as long as the process.
pub struct EmbeddedKafka {
    // The mock cluster of a client, not a free-standing one: only its handle has the setting against the wait of three seconds
    // for further members when a group forms.
    owner: BaseProducer,
}

impl fmt::Debug for EmbeddedKafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedKafka").field("bootstrap_servers", &self.bootstrap_servers()).finish()
    }
}

impl EmbeddedKafka {
    /// Starts the broker.
    ///
    /// # Errors
    /// librdkafka's reason.
    pub fn start() -> Result<Self, String> {
        let owner: BaseProducer = rdkafka::ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .create()
            .map_err(|error| error.to_string())?;
        // SAFETY: the client is alive, and so is the mock cluster that belongs to it.
        unsafe {
            let handle = rd::rd_kafka_handle_mock_cluster(owner.client().native_ptr());
            if handle.is_null() {
                return Err("the kafka client created no mock cluster".to_owned());
            }
            rd::rd_kafka_mock_group_initial_rebalance_delay_ms(handle, 0);
        }
        Ok(Self { owner })
    }

    /// Its `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster().map(|cluster| cluster.bootstrap_servers()).unwrap_or_default()
    }

    /// The mock cluster, with what only tests need.
    pub(crate) fn cluster(&self) -> Option<MockCluster<'_, DefaultProducerContext>> {
        self.owner.client().mock_cluster()
    }

    /// Counts requests from now on, for tests.
    pub(crate) fn count_requests(&self) {
        // SAFETY: the client is alive, and so is the mock cluster that belongs to it.
        unsafe {
            let cluster = rd::rd_kafka_handle_mock_cluster(self.owner.client().native_ptr());
            rd::rd_kafka_mock_start_request_tracking(cluster);
        }
    }

    /// How many requests of a kind have arrived since.
    pub(crate) fn requests(&self, kind: i16) -> usize {
        let mut count = 0;
        // SAFETY: as above; the array has `count` requests, is ours, and is destroyed once, after its last use.
        unsafe {
            let cluster = rd::rd_kafka_handle_mock_cluster(self.owner.client().native_ptr());
            let requests = rd::rd_kafka_mock_get_requests(cluster, &mut count);
            let of_kind = |index: &usize| rd::rd_kafka_mock_request_api_key(*requests.add(*index)) == kind;
            let found = (0..count).filter(of_kind).count();
            rd::rd_kafka_mock_request_destroy_array(requests, count);
            found
        }
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// The broker's reason, also where the topic exists.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), String> {
        let cluster = self.cluster().ok_or("the broker is gone")?;
        cluster.create_topic(name, partitions, 1).map_err(|error| error.to_string())
    }
}

/// A producer of records, for the demo.
pub struct Producer {
    client: BaseProducer,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

impl Producer {
    /// A producer with librdkafka's `settings`.
    ///
    /// # Errors
    /// A setting that librdkafka refuses.
    pub fn new(settings: &[(String, String)]) -> Result<Self, String> {
        let client = client_config(settings).create().map_err(|error| error.to_string())?;
        Ok(Self { client })
    }

    /// Queues a record, waiting for room where the queue is full.
    ///
    /// # Errors
    /// librdkafka's reason.
    pub fn send(&self, topic: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), String> {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic);
        record.key = key;
        record.payload = value;
        loop {
            match self.client.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.client.poll(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error.to_string()),
            }
        }
    }

    /// Waits until every queued record is acknowledged.
    ///
    /// # Errors
    /// `deadline` passed first.
    pub fn flush(&self, deadline: Duration) -> Result<(), String> {
        self.client.flush(deadline).map_err(|error| error.to_string())
    }
}
