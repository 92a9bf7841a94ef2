//! The settings of a producer: what librdkafka gets of them, and what the ledger does.

use std::time::Duration;

use super::ledger::Limits;
use super::term::Transactions;

/// What is held at most without a setting: Java's default of `buffer.memory`.
const DEFAULT_MAX_BYTES: usize = 32 << 20;

/// librdkafka wants no request to outlast a transaction, and this much less.
const SOCKET_MARGIN_MS: u128 = 100;

/// Adds the settings by which a producer publishes in transactions.
pub(super) fn in_transactions(settings: &mut Vec<(String, String)>, of: &Transactions) {
    let timeout = of.timeout.as_millis();
    let longest = timeout.saturating_sub(SOCKET_MARGIN_MS);
    for (_, value) in settings.iter_mut().filter(|(name, _)| name == "socket.timeout.ms") {
        if value.trim().parse().is_ok_and(|millis: u128| millis > longest) {
            *value = longest.to_string();
        }
    }
    settings.push(("transactional.id".to_owned(), of.id.clone()));
    settings.push(("transaction.timeout.ms".to_owned(), timeout.to_string()));
}

/// librdkafka's default of `message.timeout.ms`.
const DEFAULT_TIMEOUT_MS: usize = 300_000;
/// librdkafka's default: how long a topic may be missing before its records fail.
const PROPAGATION_MS: usize = 30_000;

/// The settings for librdkafka, and what the producer does by itself.
#[derive(Debug)]
pub(super) struct Prepared {
    pub settings: Vec<(String, String)>,
    pub limits: Limits,
    /// `message.timeout.ms`; `None` is without limit.
    pub timeout: Option<Duration>,
}

pub(super) fn prepared(mut settings: Vec<(String, String)>) -> Result<Prepared, String> {
    let limit = |names: &[&str]| -> Result<Option<usize>, String> {
        let named = settings.iter().rfind(|(key, _)| names.contains(&key.as_str()));
        let Some((name, value)) = named else { return Ok(None) };
        let value = value.trim().parse().map_err(|_| format!("{name}: a whole number was expected"))?;
        Ok(Some(value))
    };
    let kbytes = limit(&["queue.buffering.max.kbytes"])?;
    let messages = limit(&["queue.buffering.max.messages"])?;
    let timeout_ms = limit(&["message.timeout.ms", "delivery.timeout.ms"])?.unwrap_or(DEFAULT_TIMEOUT_MS);
    // A record that expires has no reason of its own: a missing topic is reported before.
    let propagation = "topic.metadata.propagation.max.ms";
    if timeout_ms > 0 && timeout_ms < 2 * PROPAGATION_MS && limit(&[propagation])?.is_none() {
        settings.push((propagation.to_owned(), (timeout_ms / 2).to_string()));
    }
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
    // A topic that a broker makes by itself has the wrong cleanup.policy, and hides a mistake in its name.
    settings.push(("allow.auto.create.topics".to_owned(), "false".to_owned()));
    // The ledger bounds what is held; librdkafka's own bounds would refuse what it has taken.
    settings.push(("queue.buffering.max.kbytes".to_owned(), i32::MAX.to_string()));
    settings.push(("queue.buffering.max.messages".to_owned(), "0".to_owned()));
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms as u64));
    Ok(Prepared { settings, limits, timeout })
}
