//! The ranges of Java's numbers, which are wider than librdkafka's in places.

use std::ops::RangeInclusive;

const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;

/// The range that Java accepts for a number of this name; `None` where it has no such setting.
pub(super) fn of_java(name: &str) -> Option<RangeInclusive<i64>> {
    let (min, max) = match name {
        "connections.max.idle.ms" | "socket.connection.setup.timeout.ms" => (i64::MIN, LONG),
        "heartbeat.interval.ms" | "session.timeout.ms" => (i32::MIN.into(), INT),
        "receive.buffer.bytes" | "send.buffer.bytes" => (-1, INT),
        "max.in.flight.requests.per.connection" | "max.poll.interval.ms" => (1, INT),
        "batch.size"
        | "delivery.timeout.ms"
        | "fetch.max.bytes"
        | "fetch.max.wait.ms"
        | "fetch.min.bytes"
        | "max.partition.fetch.bytes"
        | "max.request.size"
        | "request.timeout.ms"
        | "retries" => (0, INT),
        "linger.ms"
        | "metadata.max.age.ms"
        | "metadata.recovery.rebootstrap.trigger.ms"
        | "reconnect.backoff.max.ms"
        | "reconnect.backoff.ms"
        | "retry.backoff.max.ms"
        | "retry.backoff.ms" => (0, LONG),
        _ => return None,
    };
    Some(min..=max)
}
