//! What is saved with the maps of a connector: to whom they belong, and how far they hold its topics. JSON, inside of
//! the snapshot and under its checksums.

use std::collections::BTreeMap;

use coherence_kafka_rdkafka::record::TopicPartition;
use serde::{Deserialize, Serialize};

use super::Positions;

const VERSION: u32 = 1;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    version: u32,
    pub(super) group: String,
    /// Kafka's id of the cluster, if the broker reports one.
    pub(super) cluster: Option<String>,
    /// Topic, partition, and the offset behind the last record that is in the maps.
    offsets: BTreeMap<String, BTreeMap<i32, i64>>,
}

impl Contents {
    pub(super) fn new(group: &str, cluster: Option<&str>, positions: &Positions) -> Self {
        let mut offsets = BTreeMap::<String, BTreeMap<i32, i64>>::new();
        for (tp, position) in positions {
            offsets.entry(tp.topic.clone()).or_default().insert(tp.partition, *position);
        }
        Self { version: VERSION, group: group.to_owned(), cluster: cluster.map(str::to_owned), offsets }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let contents: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if contents.version != VERSION {
            return Err(format!("version {} of them is not known, only {VERSION}", contents.version));
        }
        if contents.offsets.values().flatten().any(|(partition, offset)| *partition < 0 || *offset < 0) {
            return Err("a partition or an offset is negative".to_owned());
        }
        Ok(contents)
    }

    /// JSON of texts and integers: that it cannot be written does not happen.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn positions(&self) -> Positions {
        let of_topic = |(topic, partitions): (&String, &BTreeMap<i32, i64>)| {
            let topic = topic.clone();
            let positions = partitions.iter().map(|(partition, offset)| (*partition, *offset));
            positions
                .map(|(partition, offset)| (TopicPartition { topic: topic.clone(), partition }, offset))
                .collect::<Vec<_>>()
        };
        self.offsets.iter().flat_map(of_topic).collect()
    }
}
