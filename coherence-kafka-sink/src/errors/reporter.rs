//! Reports bad records: in the log, in the counters, and in the headers of their dead letters.

use std::sync::Arc;

use coherence_kafka_rdkafka::record::{Header, OutgoingRecord, RawRecord};

use super::{Blame, ErrorPolicy};
use crate::counters::Counters;

/// Reports the bad records of one task.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    /// Name of the connector.
    pub connector: String,
    /// Number of the task.
    pub task: u32,
    /// What is done about bad records.
    pub policy: ErrorPolicy,
    /// What is counted.
    pub counters: Arc<Counters>,
}

impl Reporter {
    /// Reports a record that cannot be delivered. Returns its dead letter, if a queue is configured.
    pub(crate) fn bad_record(&self, record: &RawRecord<'_>, blame: &Blame) -> Option<OutgoingRecord> {
        self.counters.errors.add(1);
        if self.policy.log {
            self.counters.errors_logged.add(1);
            tracing::error!(error = blame.trace, "{}", self.line(record, blame));
        }
        self.dead_letter(record, blame)
    }

    /// Reports a record that is discarded because a map has no null key; its log line is in `discarded.rs`.
    pub(crate) fn null_key(&self, record: &RawRecord<'_>, blame: &Blame) -> Option<OutgoingRecord> {
        self.counters.null_keys.add(1);
        self.dead_letter(record, blame)
    }

    /// Formats Connect's log line.
    fn line(&self, record: &RawRecord<'_>, blame: &Blame) -> String {
        let Self { connector, task, .. } = self;
        let Blame { stage, class, .. } = blame;
        let executed = format!(
            "Error encountered in task {connector}-{task}. Executing stage '{}' with class '{class}'",
            stage.name()
        );
        if !self.policy.log_records {
            return executed + ".";
        }
        let timestamp = record.timestamp().map_or_else(String::new, |timestamp| {
            let kind = if timestamp.log_append { "LogAppendTime" } else { "CreateTime" };
            format!(", timestamp={}, timestampType={kind}", timestamp.millis)
        });
        let RawRecord { topic, partition, offset, .. } = record;
        format!(
            "{executed}, where consumed record is {{topic='{topic}', partition={partition}, offset={offset}{timestamp}}}."
        )
    }

    /// Builds the dead letter: the record byte for byte, and the headers that Connect adds.
    fn dead_letter(&self, record: &RawRecord<'_>, blame: &Blame) -> Option<OutgoingRecord> {
        if !self.policy.dead_letters {
            return None;
        }
        let mut headers = record.headers();
        if self.policy.context_headers {
            headers.extend(self.context(record, blame));
        }
        Some(OutgoingRecord {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers,
            timestamp: record.timestamp().map(|timestamp| timestamp.millis),
        })
    }

    fn context(&self, record: &RawRecord<'_>, blame: &Blame) -> impl Iterator<Item = Header> {
        [
            ("topic", record.topic.to_owned()),
            ("partition", record.partition.to_string()),
            ("offset", record.offset.to_string()),
            ("connector.name", self.connector.clone()),
            ("task.id", self.task.to_string()),
            ("stage", blame.stage.name().to_owned()),
            ("class.name", blame.class.to_owned()),
            ("exception.class.name", blame.exception.to_owned()),
            ("exception.message", blame.message.clone()),
            ("exception.stacktrace", format!("{}: {}", blame.exception, blame.trace)),
        ]
        .into_iter()
        .map(|(name, value)| (format!("__connect.errors.{name}"), Some(value.into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::*;
    use coherence_kafka_rdkafka::record::{Envelope, Timestamp};

    const BLAME: fn() -> Blame = || Blame {
        stage: Stage::ValueConverter,
        class: "org.apache.kafka.connect.json.JsonConverter",
        exception: "org.apache.kafka.connect.errors.DataException",
        message: "no JSON: ".to_owned(),
        trace: "value: no JSON: at byte 1".to_owned(),
    };

    fn reporter(policy: ErrorPolicy) -> Reporter {
        Reporter { connector: "c".to_owned(), task: 3, policy, counters: Arc::default() }
    }

    fn record(headers: &[Header]) -> RawRecord<'_> {
        let timestamp = Timestamp { millis: 17, log_append: false };
        RawRecord {
            topic: "t",
            partition: 1,
            offset: 42,
            key: Some(b"k"),
            value: Some(b""),
            envelope: Envelope::Given(headers, Some(timestamp)),
        }
    }

    #[test]
    fn the_line_is_that_of_connect() {
        let line = "Error encountered in task c-3. Executing stage 'VALUE_CONVERTER' with class \
                    'org.apache.kafka.connect.json.JsonConverter'";
        assert_eq!(reporter(ErrorPolicy::default()).line(&record(&[]), &BLAME()), format!("{line}."));
        let with_record = ErrorPolicy { log_records: true, ..ErrorPolicy::default() };
        assert_eq!(
            reporter(with_record).line(&record(&[]), &BLAME()),
            format!(
                "{line}, where consumed record is {{topic='t', partition=1, offset=42, timestamp=17, timestampType=CreateTime}}."
            )
        );
    }

    #[test]
    fn a_dead_letter_is_the_record_byte_for_byte_and_the_context_stands_behind_its_headers() {
        let own = [("h".to_owned(), None), ("h".to_owned(), Some(vec![0xFF]))];
        let policy = ErrorPolicy { dead_letters: true, ..ErrorPolicy::default() };
        let plain = reporter(policy).bad_record(&record(&own), &BLAME()).unwrap();
        let expected = OutgoingRecord {
            key: Some(b"k".to_vec()),
            value: Some(Vec::new()),
            headers: own.to_vec(),
            timestamp: Some(17),
        };
        assert_eq!(plain, expected);

        let policy = ErrorPolicy { context_headers: true, ..policy };
        let with_context = reporter(policy).bad_record(&record(&own), &BLAME()).unwrap();
        assert_eq!(with_context.headers[..2], own);
        let context: Vec<_> = with_context.headers[2..]
            .iter()
            .map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_ref().unwrap()).unwrap()))
            .collect();
        assert_eq!(
            context,
            [
                ("__connect.errors.topic", "t"),
                ("__connect.errors.partition", "1"),
                ("__connect.errors.offset", "42"),
                ("__connect.errors.connector.name", "c"),
                ("__connect.errors.task.id", "3"),
                ("__connect.errors.stage", "VALUE_CONVERTER"),
                ("__connect.errors.class.name", "org.apache.kafka.connect.json.JsonConverter"),
                ("__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException"),
                ("__connect.errors.exception.message", "no JSON: "),
                (
                    "__connect.errors.exception.stacktrace",
                    "org.apache.kafka.connect.errors.DataException: value: no JSON: at byte 1"
                ),
            ]
        );
    }

    #[test]
    fn without_a_queue_there_is_no_dead_letter_and_the_error_is_counted() {
        let reporter = reporter(ErrorPolicy::default());
        assert_eq!(reporter.bad_record(&record(&[]), &BLAME()), None);
        assert_eq!(reporter.counters.errors.now(), 1);
        assert_eq!(reporter.counters.errors_logged.now(), 0);
    }
}
