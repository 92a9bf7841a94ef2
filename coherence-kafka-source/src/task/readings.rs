//! The topic: read for the digest, and looked through for the bytes of keys.

use bytes::Bytes;
use coherence_kafka_core::KafkaEntryStore;
use coherence_kafka_rdkafka::admin::cleanup_policy;
use coherence_kafka_rdkafka::topic_reader::{ReadError, TopicRecord, read_topic};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::work::{Digested, TopicKey, Work};
use super::{KAFKA_PATIENCE, Task, TaskError};
use crate::publisher::{Publisher, TopicRead};
use crate::records::entry;
use crate::status::{State, Status};

impl Task {
    /// Reads the topic for the digest.
    pub(super) fn digest_topic(&self) -> mpsc::Receiver<Result<Vec<Digested>, ReadError>> {
        let (hasher, store) = (self.records.hasher().clone(), self.store.clone());
        let take = move |record: TopicRecord<'_>| {
            let (bytes, is_stray) = (record.key?, is_stray(&store, &record));
            let key = match is_stray {
                true => hasher.key_in(record.partition.cast_unsigned(), bytes),
                false => hasher.key(bytes),
            };
            Some(Digested { key, value: record.value.map(|value| hasher.value(value)), is_stray })
        };
        read_topic(self.consumer.clone(), self.status.topic.clone(), KAFKA_PATIENCE, take)
    }

    pub(super) fn on_digested(
        &self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        piece: Option<Result<Vec<Digested>, ReadError>>,
    ) -> Result<(), TaskError> {
        match piece {
            Some(Ok(piece)) if piece.is_empty() => {
                (work.digesting, work.blocked) = (None, false);
                work.pauses = None;
                self.refusals.on_working();
                self.topic_was_read(publisher.end_reading());
            }
            Some(Ok(piece)) => {
                self.status.set(State::ReadingTopic);
                for Digested { key, value, is_stray } in piece {
                    match is_stray {
                        true => publisher.on_stray_record(key, value),
                        false => publisher.on_topic_record(key, value),
                    }
                }
                self.show(publisher);
            }
            ended => self.reading_failed(publisher, work, ended.and_then(Result::err))?,
        }
        Ok(())
    }

    fn topic_was_read(&self, TopicRead { differing, strays }: TopicRead) {
        let Status { map, topic, .. } = &*self.status;
        if differing > 0 {
            tracing::warn!(
                map,
                topic,
                keys = differing,
                "topic differs from what was published, after retention, a deletion or another writer; publishing the \
                 difference"
            );
        }
        if strays > 0 && self.status.strays.now() == 0 {
            tracing::warn!(
                map,
                topic,
                values = strays,
                "values found in partitions where their keys do not belong, for example after partitions were added; \
                 deleting them there and publishing them again"
            );
        }
        self.status.strays.add(strays as u64);
        self.status.policy_checked.call_once(|| {
            let (settings, status) = (self.consumer.clone(), self.status.clone());
            tokio::task::spawn_blocking(move || {
                let policy = cleanup_policy(&settings, &status.topic, KAFKA_PATIENCE);
                if let Some(policy) = policy.filter(|policy| !policy.contains("compact")) {
                    tracing::warn!(
                        topic = status.topic,
                        policy,
                        "topic has a cleanup.policy without compact: records that its retention removes are missing until \
                         the next comparison; set cleanup.policy=compact"
                    );
                }
            });
        });
    }

    /// A reading of the topic has ended before its end.
    fn reading_failed(
        &self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        error: Option<ReadError>,
    ) -> Result<(), TaskError> {
        work.stop_comparison();
        publisher.fail_comparison();
        let ended = || ReadError::Unavailable("the reader of the topic ended unexpectedly".to_owned());
        let error = error.unwrap_or_else(ended);
        if matches!(error, ReadError::NoTopic(_) | ReadError::NotWritable(_)) {
            work.blocked = true;
            // What ended may be a search for keys.
            publisher.want_reading();
        }
        work.pause_comparison(self.kafka_failed(error)?);
        Ok(())
    }

    /// Reads the topic once more, for the bytes of its keys.
    pub(super) fn look_through(&self) -> mpsc::Receiver<Result<Vec<TopicKey>, ReadError>> {
        let store = self.store.clone();
        let take = move |record: TopicRecord<'_>| {
            let stray = is_stray(&store, &record).then_some(record.partition);
            record.key.map(|key| TopicKey { key: Bytes::copy_from_slice(key), stray })
        };
        read_topic(self.consumer.clone(), self.status.topic.clone(), KAFKA_PATIENCE, take)
    }

    /// False where it is to stop.
    pub(super) async fn on_topic_keys(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        keys: Option<Result<Vec<TopicKey>, ReadError>>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        match keys {
            Some(Ok(keys)) if keys.is_empty() => {
                work.looking = None;
                publisher.end_comparison();
            }
            Some(Ok(keys)) => {
                for TopicKey { key, stray } in keys {
                    if !self.on_topic_key(publisher, &key, stray, stop).await {
                        return Ok(false);
                    }
                }
            }
            ended => self.reading_failed(publisher, work, ended.and_then(Result::err))?,
        }
        Ok(true)
    }

    async fn on_topic_key(
        &mut self,
        publisher: &mut Publisher,
        key: &[u8],
        stray: Option<i32>,
        stop: &CancellationToken,
    ) -> bool {
        let hash = self.records.hasher().key(key);
        let Some(partition) = stray else {
            if publisher.is_missing(hash) {
                let Some(found) = self.map_key(key, stop).await else { return false };
                if let Some(map_key) = found {
                    publisher.on_topic_key(&map_key, hash);
                }
            }
            return true;
        };
        let stray = self.records.hasher().key_in(partition.cast_unsigned(), key);
        if !publisher.is_stray(stray) {
            return true;
        }
        let Some(found) = self.map_key(key, stop).await else { return false };
        let Some(map_key) = found else { return true };
        if !publisher.on_stray_key(&map_key, hash, stray) {
            return true;
        }
        if !self.may_send_now(stop).await {
            return false;
        }
        self.store.erase_in(partition, entry(map_key, None, true), self.outcomes.of_strays());
        true
    }
}

/// The record lies in another partition than the one in which its key is published.
fn is_stray(store: &KafkaEntryStore, record: &TopicRecord<'_>) -> bool {
    let place = record.key.and_then(|key| store.partition_of(key, record.partitions));
    place.is_some_and(|place| place != record.partition)
}
