//! The settings by which workers form one cluster, with Connect's names and defaults.

use std::time::Duration;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};

use super::table::DISTRIBUTED;

/// The settings that make a worker one of a cluster. They stand together, or none of them does.
const MODE: [&str; 4] = ["group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic"];

/// What a worker of a cluster knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributedConfig {
    /// `group.id`: the consumer group that its workers form.
    pub group_id: String,
    /// `config.storage.*`: the topic of configurations, which has one partition.
    pub config: StorageTopic,
    /// `offset.storage.*`: the topic whose partitions the workers share, and with them the tasks.
    pub offsets: StorageTopic,
    /// `status.storage.*`: the topic of states.
    pub status: StorageTopic,
    /// `session.timeout.ms`: after this time without a sign of life the tasks of a worker are given to others.
    pub session: Duration,
    /// `heartbeat.interval.ms`: time between two signs of life.
    pub heartbeat: Duration,
    /// `rebalance.timeout.ms`: how long a worker may take to end the tasks that it gives to others.
    pub rebalance: Duration,
}

/// A topic of a cluster of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageTopic {
    /// Its name.
    pub name: String,
    /// How many partitions it is created with; -1 is the broker's default.
    pub partitions: i32,
    /// The replication factor it is created with; -1 is the broker's default.
    pub replication: i32,
    /// The settings it is created with, `cleanup.policy` among them.
    pub settings: Vec<(String, String)>,
}

impl DistributedConfig {
    /// Reads the settings; `None` where the worker is alone.
    pub(super) fn read(
        values: &Values,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Self> {
        // A group alone is no cluster: Connect's own files of standalone workers may have one.
        if MODE[1..].iter().all(|key| properties.get(key).is_none()) {
            let of_a_cluster = properties.iter().find(|property| is_of_a_cluster(&property.key));
            if let Some(property) = of_a_cluster {
                let why = format!(
                    "accepted, without effect: concerns distributed mode, which needs {} too",
                    MODE.join(", ")
                );
                findings.warning(property, why);
            }
            return None;
        }
        let missing: Vec<&str> = MODE.into_iter().filter(|key| properties.get(key).is_none()).collect();
        for key in &missing {
            let message = format!("Missing required configuration \"{key}\" which has no default value.");
            findings.error_at(None, key, message);
        }
        if !missing.is_empty() {
            return None;
        }
        let (session, heartbeat) =
            (values.millis("session.timeout.ms"), values.millis("heartbeat.interval.ms"));
        if heartbeat >= session {
            const KEY: &str = "heartbeat.interval.ms";
            findings.error_at(properties.get(KEY), KEY, "must be less than session.timeout.ms".to_owned());
        }
        let text = |key: &str| values.text(key).unwrap_or_default().to_owned();
        let number = |key: &str| i32::try_from(values.number(key)).unwrap_or(-1);
        let mut topic = |storage: &str, partitions| StorageTopic {
            name: text(&format!("{storage}.topic")),
            partitions,
            replication: number(&format!("{storage}.replication.factor")),
            settings: settings(storage, properties, findings),
        };
        Some(Self {
            config: topic("config.storage", 1),
            offsets: topic("offset.storage", number("offset.storage.partitions")),
            status: topic("status.storage", number("status.storage.partitions")),
            group_id: text("group.id"),
            session,
            heartbeat,
            rebalance: values.millis("rebalance.timeout.ms"),
        })
    }
}

fn is_of_a_cluster(key: &str) -> bool {
    super::table::WORKER.key(key).is_some_and(|known| known.group == DISTRIBUTED)
}

/// Returns the settings that a topic is created with.
fn settings(storage: &str, properties: &Properties, findings: &mut ConfigErrors) -> Vec<(String, String)> {
    const OWN: [&str; 5] = ["topic", "replication.factor", "partitions", "file.filename", "cleanup.policy"];
    let prefix = format!("{storage}.");
    let mut settings = vec![("cleanup.policy".to_owned(), "compact".to_owned())];
    for (key, property) in properties.below(&prefix) {
        match key {
            "cleanup.policy" => {
                findings
                    .warning(property, "accepted, without effect: the topic is always compacted".to_owned());
            }
            "partitions" if storage == "config.storage" => {
                let why = "accepted, without effect: the topic always has one partition";
                findings.warning(property, why.to_owned());
            }
            key if OWN.contains(&key) => {}
            key => settings.push((key.to_owned(), Property::trimmed(property).to_owned())),
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use coherence_kafka_connect::config::Environment;

    use super::*;
    use crate::testing;

    const ALL: [(&str, &str); 4] = [
        ("group.id", "g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ];

    fn read(pairs: &[(&str, &str)]) -> Result<crate::config::WorkerConfig, ConfigErrors> {
        testing::config(&Properties::from_pairs("w", pairs.iter().copied()), Environment::default())
    }

    #[test]
    fn a_worker_is_one_of_a_cluster_where_the_group_and_the_three_topics_are_set() {
        let worker = read(&ALL).unwrap();
        let config = worker.distributed.unwrap();
        assert_eq!(config.group_id, "g");
        let topics = [&config.config, &config.offsets, &config.status].map(|topic| {
            assert_eq!(topic.settings, [("cleanup.policy".to_owned(), "compact".to_owned())]);
            (topic.name.as_str(), topic.partitions, topic.replication)
        });
        assert_eq!(topics, [("c", 1, 3), ("o", 25, 3), ("s", 5, 3)]);
        let millis = [config.session, config.heartbeat, config.rebalance].map(|time| time.as_millis());
        assert_eq!(millis, [10_000, 3_000, 60_000]);
        assert_eq!(read(&[]).unwrap().distributed, None);
    }

    #[test]
    fn each_missing_one_of_the_four_is_named() {
        for (missing, _) in ALL {
            let rest: Vec<_> = ALL.into_iter().filter(|(key, _)| *key != missing).collect();
            let error = read(&rest).unwrap_err().to_string();
            let expected =
                format!("Missing required configuration \"{missing}\" which has no default value.");
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn a_group_alone_is_a_warning_and_no_cluster() {
        let worker = read(&[("group.id", "g"), ("session.timeout.ms", "6000")]).unwrap();
        assert_eq!(worker.distributed, None);
        let warnings: Vec<String> = worker.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("distributed mode"), "{warnings:?}");
    }

    #[test]
    fn other_settings_of_a_storage_are_those_of_its_topic_except_where_connect_has_decided_them() {
        let mut pairs = ALL.to_vec();
        pairs.extend([
            ("offset.storage.partitions", "50"),
            ("offset.storage.replication.factor", "-1"),
            ("offset.storage.min.insync.replicas", " 2 "),
            ("config.storage.cleanup.policy", "delete"),
            ("config.storage.partitions", "3"),
        ]);
        let worker = read(&pairs).unwrap();
        let config = worker.distributed.unwrap();
        assert_eq!((config.offsets.partitions, config.offsets.replication), (50, -1));
        assert_eq!(config.offsets.settings[1], ("min.insync.replicas".to_owned(), "2".to_owned()));
        assert_eq!((config.config.partitions, config.config.settings.len()), (1, 1));
        assert_eq!(worker.warnings.len(), 2);
    }

    #[test]
    fn signs_of_life_are_more_frequent_than_the_session_is_long() {
        let mut pairs = ALL.to_vec();
        pairs.extend([("session.timeout.ms", "3000"), ("heartbeat.interval.ms", "3000")]);
        let error = read(&pairs).unwrap_err().to_string();
        assert!(error.contains("must be less than session.timeout.ms"), "{error}");
    }
}
