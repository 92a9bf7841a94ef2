//! Where connectors and tasks run: each belongs to a partition of the offset topic, and the worker to which the group
//! assigns that partition runs it. Every worker has to come to the same result, in every version.
//!
//! ```text
//! connector, and its task 0   the partition of the connector's name: murmur2, as Java's partitioner
//! task n                      n strides further, modulo the number of partitions
//! ```
//!
//! Two tasks of a connector share a partition only if it has more tasks than there are partitions. The hash of each
//! task's name would put 25 tasks on 16 of 25 partitions on average, and up to 5 on one.
//!
//! The stride is the golden ratio of the number of partitions, so that a few tasks are far from each other. When
//! workers start one after the other, the sticky assignor gives each a block of neighbouring partitions, and with a
//! stride of 1 all tasks of a connector may be in one block.

use coherence_kafka_rdkafka::producer::partition_of;

#[cfg(test)]
mod tests;

/// Returns the partition to which a connector belongs, of this number of partitions.
pub(crate) fn connector_partition(name: &str, partitions: u32) -> u32 {
    partition_of("murmur2", name.as_bytes(), i32::try_from(partitions).unwrap_or(i32::MAX))
        .and_then(|partition| u32::try_from(partition).ok())
        .unwrap_or_default()
}

/// Returns the partition to which a task of a connector belongs, of this number of partitions.
pub(crate) fn task_partition(name: &str, task: u32, partitions: u32) -> u32 {
    let partitions = partitions.max(1);
    let offset = u64::from(task % partitions) * u64::from(stride(partitions));
    let partition = (u64::from(connector_partition(name, partitions)) + offset) % u64::from(partitions);
    u32::try_from(partition).unwrap_or_default()
}

/// The first number from the golden ratio on that has no divisor in common with the number of partitions: the strides
/// then meet every partition once before they meet one again.
fn stride(partitions: u32) -> u32 {
    let golden = u64::from(partitions) * 618 / 1000;
    let golden = u32::try_from(golden).unwrap_or_default().max(1);
    (golden..=partitions).find(|stride| greatest_divisor(*stride, partitions) == 1).unwrap_or(1)
}

fn greatest_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}
