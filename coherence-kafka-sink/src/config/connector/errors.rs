//! Settings for bad records and for failed tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{Finding, check_topic_name};
use coherence_kafka_rdkafka::settings::ClientSettings;
use coherence_kafka_rdkafka::settings::translate::Client;
use coherence_kafka_worker::RetryPolicy;
use coherence_kafka_worker::config::clients::prefixes;
use regex::Regex;

use super::super::clients;
use super::{Check, Topics};
use crate::errors::dead_letter::QueueOptions;
use crate::errors::{ErrorPolicy, NullKeys, NullValues, Tolerance};
use crate::expiry::{Expiries, from_millis};

/// The dead letter queue of a connector.
#[derive(Clone)]
pub struct DeadLetterConfig {
    /// `errors.deadletterqueue.topic.name`.
    pub topic: String,
    partitions: i32,
    replication: i32,
    producer: BTreeMap<String, String>,
    admin: BTreeMap<String, String>,
}

impl std::fmt::Debug for DeadLetterConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadLetterConfig").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl DeadLetterConfig {
    /// Returns the options of the queue of one task of the connector `name`.
    pub fn for_task(&self, name: &str, task: u32) -> QueueOptions {
        let with_id = |settings: &BTreeMap<String, String>, id: String| {
            let mut settings = settings.clone();
            settings.entry("client.id".to_owned()).or_insert(id);
            settings.into_iter().collect::<ClientSettings>()
        };
        QueueOptions {
            topic: self.topic.clone(),
            partitions: self.partitions,
            replication: self.replication,
            producer: with_id(&self.producer, format!("connector-dlq-producer-{name}-{task}")),
            // Connect's name, its trailing dash included.
            admin: with_id(&self.admin, "connector-dlq-adminclient-".to_owned()),
        }
    }
}

const TOPIC: &str = "errors.deadletterqueue.topic.name";
const TTL_OF_TOPIC: &str = "coherence.ttl.ms.";

impl Check<'_> {
    pub(super) fn errors(&mut self, values: &Values) -> ErrorPolicy {
        ErrorPolicy {
            tolerance: match values.text("errors.tolerance") {
                Some("all") => Tolerance::All,
                _ => Tolerance::None,
            },
            log: values.boolean("errors.log.enable"),
            log_records: values.boolean("errors.log.include.messages"),
            dead_letters: values.text(TOPIC).is_some_and(|topic| !topic.is_empty()),
            context_headers: values.boolean("errors.deadletterqueue.context.headers.enable"),
            null_keys: match values.text("behavior.on.null.keys") {
                Some("fail") => NullKeys::Fail,
                _ => NullKeys::Ignore,
            },
            null_values: match values.text("behavior.on.null.values") {
                Some("ignore") => NullValues::Ignore,
                Some("fail") => NullValues::Fail,
                _ => NullValues::Delete,
            },
        }
    }

    pub(super) fn dead_letters(
        &mut self,
        values: &Values,
        topics: Option<&Topics>,
    ) -> Option<DeadLetterConfig> {
        let Some(topic) = values.text(TOPIC).filter(|topic| !topic.is_empty()) else {
            self.overrides_without_queue();
            return None;
        };
        if let Err(why) = check_topic_name(topic) {
            self.refusal(TOPIC, format!("{topic} is not a topic name: {why}"), "is not a topic name");
        }
        let reads_itself = match topics {
            Some(Topics::List(topics)) => topics.iter().any(|read| read == topic),
            // The pattern was rewritten from one that this crate understands.
            Some(Topics::Pattern(pattern)) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(topic)),
            None => false,
        };
        if reads_itself {
            self.error(
                TOPIC,
                "is a topic that the connector reads: its dead letters would be read again without end",
            );
        }
        let mut client = |client| {
            clients::queue_client(
                client,
                self.worker.properties(),
                self.properties,
                &self.worker.override_policy,
                self.findings,
            )
        };
        Some(DeadLetterConfig {
            producer: client(Client::Producer),
            admin: client(Client::Admin),
            topic: topic.to_owned(),
            partitions: small(values.number("errors.deadletterqueue.topic.partitions")),
            replication: small(values.number("errors.deadletterqueue.topic.replication.factor")),
        })
    }

    /// Overrides of clients that do not exist are reported once.
    fn overrides_without_queue(&mut self) {
        for client in [Client::Producer, Client::Admin] {
            if let Some((_, property)) = self.properties.below(prefixes(client).1).next() {
                self.findings.warning(
                    property,
                    format!("without effect: {TOPIC} is not set, so there is no {}", client.name()),
                );
            }
        }
    }

    pub(super) fn expiries(&mut self, values: &Values, topics: Option<&Topics>) -> Expiries {
        let mut by_topic = BTreeMap::new();
        for (topic, property) in self.properties.below(TTL_OF_TOPIC) {
            match property.trimmed().parse().ok().and_then(from_millis) {
                Some(expiry) => {
                    by_topic.insert(topic.to_owned(), expiry);
                }
                None => {
                    let why = format!(
                        "Invalid value {} for configuration {}: expected milliseconds, at most {}, or -1 for never",
                        property.shown(),
                        property.key,
                        Expiry::MAX_MILLIS
                    );
                    self.findings.error(property, why);
                }
            }
            if matches!(topics, Some(Topics::List(topics)) if !topics.iter().any(|read| read == topic)) {
                self.findings.warnings.push(Finding {
                    origin: Some(property.origin.clone()),
                    key: property.key.clone(),
                    message: format!("without effect: topics does not list {topic}"),
                });
            }
        }
        Expiries {
            default: from_millis(values.number("coherence.ttl.ms")).unwrap_or_default(),
            by_topic,
            field: self.ttl_field(values),
            header: values.text("coherence.ttl.header").filter(|name| !name.is_empty()).map(str::to_owned),
        }
    }

    pub(super) fn retry(&mut self, values: &Values) -> RetryPolicy {
        let backoff = RetryPolicy {
            min: values.millis("coherence.retry.backoff.ms"),
            max: values.millis("coherence.retry.backoff.max.ms"),
            timeout: u64::try_from(values.number("coherence.retry.timeout.ms"))
                .ok()
                .map(Duration::from_millis),
        };
        if backoff.min > backoff.max {
            self.error("coherence.retry.backoff.ms", "is more than coherence.retry.backoff.max.ms");
        }
        backoff
    }

    pub(super) fn refused_timeout(&mut self, values: &Values, retry: RetryPolicy) -> Duration {
        const KEY: &str = "coherence.refused.timeout.ms";
        let timeout = values.millis(KEY);
        if retry.timeout.is_some_and(|retry| retry <= timeout)
            && let Some(property) = self.property("coherence.retry.timeout.ms")
        {
            let why = format!(
                "is not more than {KEY} ({}): a record that a cache store refuses fails the task before it is isolated",
                timeout.as_millis()
            );
            self.findings.warning(property, why);
        }
        timeout
    }
}

/// The validators keep these in range.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(1)
}

#[cfg(test)]
mod tests;
