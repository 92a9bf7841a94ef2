//! The settings of a producer: what librdkafka gets of them, and what the ledger does.

use super::ledger::Limits;

/// What is held at most without a setting: Java's default of `buffer.memory`.
const DEFAULT_MAX_BYTES: usize = 32 << 20;

/// The settings for librdkafka, and the limits that were among them.
pub(super) fn prepared(
    mut settings: Vec<(String, String)>,
) -> Result<(Vec<(String, String)>, Limits), String> {
    let limit = |name: &str| -> Result<Option<usize>, String> {
        let Some((_, value)) = settings.iter().rfind(|(key, _)| key == name) else { return Ok(None) };
        let value = value.trim().parse().map_err(|_| format!("{name}: a whole number was expected"))?;
        Ok(Some(value))
    };
    let kbytes = limit("queue.buffering.max.kbytes")?;
    let messages = limit("queue.buffering.max.messages")?;
    let limits = Limits {
        bytes: kbytes.map_or(DEFAULT_MAX_BYTES, |kbytes| kbytes.saturating_mul(1024)),
        items: messages.filter(|count| *count > 0).unwrap_or(usize::MAX),
    };
    settings.retain(|(name, _)| !name.starts_with("queue.buffering.max.") || name.ends_with(".ms"));
    let defaults = [("enable.idempotence", "true"), ("acks", "all"), ("partitioner", "murmur2_random")];
    for (name, value) in defaults {
        let alias = if name == "acks" { "request.required.acks" } else { name };
        if !settings.iter().any(|(key, _)| key == name || key == alias) {
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    // The ledger bounds what is held; librdkafka's own bounds would refuse what it has taken.
    settings.push(("queue.buffering.max.kbytes".to_owned(), i32::MAX.to_string()));
    settings.push(("queue.buffering.max.messages".to_owned(), "0".to_owned()));
    Ok((settings, limits))
}
