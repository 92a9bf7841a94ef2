//! Where connectors and tasks run: each belongs to a partition of the offset topic, and the worker to which the group
//! assigns that partition runs it.
//!
//! A connector belongs to the partition that Kafka's partitioner of Java chooses for its name, with its first task. Every
//! worker has to come to the same result.

use coherence_kafka_rdkafka::producer::partition_of;

#[cfg(test)]
mod tests;

/// Returns the partition that the records of a key have: Java's default partitioner.
fn partition_of_key(key: &str, partitions: u32) -> u32 {
    partition_of("murmur2", key.as_bytes(), i32::try_from(partitions).unwrap_or(i32::MAX))
        .and_then(|partition| u32::try_from(partition).ok())
        .unwrap_or_default()
}

/// Returns the partition to which a connector belongs, of this number of partitions.
pub(crate) fn connector_partition(name: &str, partitions: u32) -> u32 {
    partition_of_key(name, partitions)
}

/// Returns the partition to which a task of a connector belongs, of this number of partitions.
pub(crate) fn task_partition(name: &str, task: u32, partitions: u32) -> u32 {
    let partition = u64::from(connector_partition(name, partitions)) + u64::from(task);
    u32::try_from(partition % u64::from(partitions.max(1))).unwrap_or_default()
}
