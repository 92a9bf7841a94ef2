//! The embedded broker with faults, for the unit tests of this workspace. It panics where a test would.
//!
//! It keeps no state of producers. So it cannot show that retries double or reorder nothing, or that requests of a failed
//! producer may still arrive.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t as Answer;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaApiKey;

use crate::embedded::EmbeddedKafka;

/// A broker on a loopback port.
#[derive(Debug)]
pub struct Mock {
    broker: EmbeddedKafka,
}

/// A record as it lies on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockRecord {
    pub partition: i32,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

const BROKER: i32 = 1;
const DEADLINE: Duration = Duration::from_secs(20);

impl Mock {
    pub fn start() -> Self {
        Self { broker: EmbeddedKafka::start().unwrap() }
    }

    fn cluster(&self) -> MockCluster<'_, DefaultProducerContext> {
        self.broker.cluster().unwrap()
    }

    pub fn servers(&self) -> String {
        self.broker.bootstrap_servers()
    }

    pub fn topic(&self, name: &str, partitions: i32) {
        self.broker.create_topic(name, partitions).unwrap();
    }

    /// Answers every request for the topic with an error: it does not exist.
    pub fn without_topic(&self, name: &str) {
        self.cluster().topic_error(name, Answer::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART).unwrap();
    }

    /// The topic exists again.
    pub fn with_topic(&self, name: &str, partitions: i32) {
        self.cluster().topic_error(name, Answer::RD_KAFKA_RESP_ERR_NO_ERROR).unwrap();
        // The request for it may have created it.
        let _ = self.broker.create_topic(name, partitions);
    }

    /// Answers every request for the topic with an error: no permission.
    pub fn without_permission(&self, name: &str) {
        self.cluster().topic_error(name, Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).unwrap();
    }

    /// Answers the next requests to append with an error that may pass.
    pub fn stumble(&self, times: usize) {
        let answers = vec![Answer::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; times];
        self.cluster().request_errors(RDKafkaApiKey::Produce, &answers);
    }

    /// Answers the next requests to append with an error after which the records may be in the topic.
    pub fn append_in_doubt(&self, times: usize) {
        let answers = vec![Answer::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND; times];
        self.cluster().request_errors(RDKafkaApiKey::Produce, &answers);
    }

    /// Refuses the next requests to append.
    pub fn refuse(&self, times: usize) {
        let answers = vec![Answer::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; times];
        self.cluster().request_errors(RDKafkaApiKey::Produce, &answers);
    }

    /// Answers the next transactions as a broker that knows a newer producer with their transactional id.
    pub fn fence(&self) {
        let answers = vec![Answer::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH; 5];
        self.cluster().request_errors(RDKafkaApiKey::AddPartitionsToTxn, &answers);
    }

    /// Answers transactions again.
    pub fn unfence(&self) {
        self.cluster().clear_request_errors(RDKafkaApiKey::AddPartitionsToTxn);
    }

    /// Answers the next request to add partitions to a transaction as a broker that does not permit to write.
    pub fn forbid(&self) {
        let answer = [Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED];
        self.cluster().request_errors(RDKafkaApiKey::AddPartitionsToTxn, &answer);
    }

    /// Answers the next request to end a transaction with an error that does not show whether it is ended.
    pub fn fail_commit(&self) {
        let answer = [Answer::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH];
        self.cluster().request_errors(RDKafkaApiKey::EndTxn, &answer);
    }

    /// Answers the next requests for records as a broker that does not have the offset.
    pub fn out_of_range(&self) {
        let answer = [Answer::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE];
        self.cluster().request_errors(RDKafkaApiKey::Fetch, &answer);
    }

    /// Answers the next heartbeat as a broker that has given the member up.
    pub fn miss_member(&self) {
        self.cluster()
            .request_errors(RDKafkaApiKey::Heartbeat, &[Answer::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
    }

    /// Answers the next requests to join a group as a broker where members of another kind have it.
    pub fn other_members(&self, times: usize) {
        let answers = vec![Answer::RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL; times];
        self.cluster().request_errors(RDKafkaApiKey::JoinGroup, &answers);
    }

    /// Answers the next request to join a group as a broker that does not permit it.
    pub fn forbid_group(&self) {
        let answer = [Answer::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED];
        self.cluster().request_errors(RDKafkaApiKey::JoinGroup, &answer);
    }

    /// Counts requests from now on.
    pub fn count_requests(&self) {
        self.broker.count_requests();
    }

    /// How many requests for records have arrived since [`Mock::count_requests`].
    pub fn fetches(&self) -> usize {
        self.broker.requests(RDKafkaApiKey::Fetch as i16)
    }

    /// How many members have left their group since [`Mock::count_requests`].
    pub fn leaves(&self) -> usize {
        self.broker.requests(RDKafkaApiKey::LeaveGroup as i16)
    }

    pub fn down(&self) {
        self.cluster().broker_down(BROKER).unwrap();
    }

    pub fn up(&self) {
        self.cluster().broker_up(BROKER).unwrap();
    }

    /// Sets the time of each answer.
    pub fn slow(&self, round_trip: Duration) {
        self.cluster().broker_round_trip_time(BROKER, round_trip).unwrap();
    }

    /// Everything on the topic, partition after partition, in order.
    pub fn records(&self, topic: &str, partitions: i32) -> Vec<MockRecord> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.servers())
            .set("group.id", "unused")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions {
            from.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&from).unwrap();
        let (mut records, mut ended) = (Vec::new(), 0);
        while ended < partitions {
            match consumer.poll(DEADLINE).expect("the mock cluster answers") {
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
                Ok(message) => {
                    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
                    records.push(MockRecord {
                        partition: message.partition(),
                        key: message.key().unwrap().to_vec(),
                        value: message.payload().map(<[u8]>::to_vec),
                        headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
                    });
                }
            }
        }
        records.sort_by_key(|record| record.partition);
        records
    }
}
