//! Topics and groups of a cluster: list and describe, create topics. Every call blocks, and must not be called from a
//! runtime.

use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic as RdNewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use crate::error_capture::{ErrorCapture, explained};
use crate::settings::{client_config, client_config_without_group};

/// How long one attempt lasts. The reasons of a failure are read between two attempts.
const ATTEMPT: Duration = Duration::from_millis(500);

const RECONNECT_BACKOFF: &str = "reconnect.backoff.ms";

/// The time between two looks for a topic that was created.
const CREATED: Duration = Duration::from_millis(20);

/// Why a cluster did not answer, or refuses what is requested, in librdkafka's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// librdkafka's reason.
    pub reason: String,
    /// Waiting does not help: the credentials are refused, the TLS handshake fails, or the cluster refuses the request.
    pub hopeless: bool,
}

/// A topic of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its number of partitions.
    pub partitions: usize,
    /// Its `cleanup.policy`, such as `compact`; `None` where the cluster does not report it.
    pub cleanup_policy: Option<String>,
}

/// A topic to be created.
#[derive(Debug, Clone, Copy)]
pub struct NewTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number of partitions; -1 is the cluster's default.
    pub partitions: i32,
    /// Its replication factor; `None` and -1 are the cluster's default.
    pub replication: Option<i32>,
    /// Its configuration, such as `cleanup.policy`.
    pub configuration: &'a [(&'a str, &'a str)],
}

/// A consumer group, or a group of another kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its state, such as `Stable`; `Empty` without members.
    pub state: String,
    /// Its kind: `consumer`, or `connect` for a cluster of Kafka Connect; empty where it never had members.
    pub protocol_type: String,
    /// Its number of members.
    pub members: usize,
}

/// Returns the names of all topics of the cluster, with client `settings` by librdkafka's names.
///
/// # Errors
/// Why the cluster does not answer within `wait`. Refused credentials and failed TLS handshakes end the wait at once.
pub fn topic_names(settings: &[(String, String)], wait: Duration) -> Result<Vec<String>, Unreachable> {
    let metadata = metadata(settings, None, wait, ErrorCapture::is_hopeless)?;
    Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
}

/// Returns the identifier of the cluster; `None` where it does not answer within `wait`.
pub fn cluster_id(settings: &[(String, String)], wait: Duration) -> Option<String> {
    let client: BaseConsumer = client_config_without_group(settings).create().ok()?;
    client.client().fetch_cluster_id(wait)
}

/// Returns those of `names` that exist, with their cleanup policy.
///
/// # Errors
/// Why the cluster does not answer within `wait`.
pub fn describe_topics(
    settings: &[(String, String)],
    names: &[String],
    wait: Duration,
) -> Result<Vec<Topic>, Unreachable> {
    let metadata = metadata(settings, None, wait, |_| false)?;
    let found = metadata.topics().iter().filter(|topic| names.iter().any(|name| name == topic.name()));
    let topic = |topic: &rdkafka::metadata::MetadataTopic| Topic {
        name: topic.name().to_owned(),
        partitions: topic.partitions().len(),
        cleanup_policy: cleanup_policy(settings, topic.name(), wait),
    };
    Ok(found.filter(|topic| !topic.partitions().is_empty()).map(topic).collect())
}

/// Returns a topic, with its cleanup policy; `None` where it does not exist.
///
/// # Errors
/// Why the cluster does not answer within `wait`, or the missing permission.
pub fn describe_topic(
    settings: &[(String, String)],
    name: &str,
    wait: Duration,
) -> Result<Option<Topic>, Unreachable> {
    let partitions = partitions(settings, name, wait)?;
    Ok(partitions.map(|partitions| Topic {
        name: name.to_owned(),
        partitions,
        cleanup_policy: cleanup_policy(settings, name, wait),
    }))
}

/// The number of partitions of a topic, where it exists.
fn partitions(
    settings: &[(String, String)],
    name: &str,
    wait: Duration,
) -> Result<Option<usize>, Unreachable> {
    let metadata = metadata(settings, Some(name), wait, ErrorCapture::is_hopeless)?;
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else { return Ok(None) };
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(code @ (RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::InvalidTopic)) => {
            Err(Unreachable { reason: format!("topic {name}: {code}"), hopeless: true })
        }
        _ => Ok(Some(topic.partitions().len()).filter(|partitions| *partitions > 0)),
    }
}

/// Returns a group; `None` where it does not exist.
///
/// # Errors
/// Why the cluster does not answer within `wait`.
pub fn describe_group(
    settings: &[(String, String)],
    name: &str,
    wait: Duration,
) -> Result<Option<Group>, Unreachable> {
    let fetch = |client: &BaseConsumer<ErrorCapture>, wait| client.fetch_group_list(Some(name), wait);
    // All brokers are asked, in two steps: an attempt lasts for as long as the call.
    let list = request(settings, wait, wait, ErrorCapture::is_hopeless, fetch)?;
    let group = list.groups().iter().find(|group| group.name() == name);
    // A group that does not exist is dead.
    Ok(group.filter(|group| group.state() != "Dead").map(|group| Group {
        state: group.state().to_owned(),
        protocol_type: group.protocol_type().to_owned(),
        members: group.members().len(),
    }))
}

/// The topics of the cluster, or one of them, unless it does not answer within `wait` or `ends` is true before.
fn metadata(
    settings: &[(String, String)],
    topic: Option<&str>,
    wait: Duration,
    ends: impl Fn(&ErrorCapture) -> bool,
) -> Result<Metadata, Unreachable> {
    let fetch = |client: &BaseConsumer<ErrorCapture>, wait| client.fetch_metadata(topic, wait);
    request(settings, wait, ATTEMPT, ends, fetch)
}

/// Sends a request, in attempts, with a new client.
fn request<T>(
    settings: &[(String, String)],
    wait: Duration,
    attempt: Duration,
    ends: impl Fn(&ErrorCapture) -> bool,
    send: impl Fn(&BaseConsumer<ErrorCapture>, Duration) -> KafkaResult<T>,
) -> Result<T, Unreachable> {
    let mut config = client_config_without_group(settings);
    // The capture keeps what librdkafka logs, for the error that is returned.
    config.set_log_level(RDKafkaLogLevel::Info);
    // librdkafka ends its first connection when it knows the brokers, often before the answer, and connects again after
    // half of this time.
    if config.get(RECONNECT_BACKOFF).is_none() {
        config.set(RECONNECT_BACKOFF, "20");
    }
    let client: BaseConsumer<ErrorCapture> = config
        .create_with_context(ErrorCapture::with_logs())
        .map_err(|error| Unreachable { reason: error.to_string(), hopeless: true })?;
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let error = match send(&client, attempt.min(left)) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        while client.poll(Duration::ZERO).is_some() {}
        let capture = client.context();
        if ends(capture) || Instant::now() >= end {
            let reason = capture.reason().unwrap_or_else(|| error.to_string());
            return Err(Unreachable { reason: explained(&reason), hopeless: capture.is_hopeless() });
        }
    }
}

/// Returns the `cleanup.policy` of a topic, where the cluster reports it.
pub fn cleanup_policy(settings: &[(String, String)], topic: &str, wait: Duration) -> Option<String> {
    let client: AdminClient<DefaultClientContext> = client_config(settings).create().ok()?;
    let options = AdminOptions::new().request_timeout(Some(wait));
    let resource = ResourceSpecifier::Topic(topic);
    let answers = runtime().ok()?.block_on(client.describe_configs([&resource], &options)).ok()?;
    let resource = answers.into_iter().next()?.ok()?;
    resource.get("cleanup.policy")?.value.clone()
}

/// Creates a topic, unless it exists.
///
/// # Errors
/// The broker's reason, or librdkafka's within `wait`.
pub fn create_topic(
    settings: &[(String, String)],
    topic: &NewTopic<'_>,
    wait: Duration,
) -> Result<(), String> {
    create(settings, topic, wait).map_err(|error| error.reason)
}

/// Creates a topic, unless it exists, waits until brokers lead its partitions, and returns how many it has.
///
/// # Errors
/// Why it does not exist within `wait`.
pub fn ensure_topic(
    settings: &[(String, String)],
    topic: &NewTopic<'_>,
    wait: Duration,
) -> Result<usize, Unreachable> {
    let until = Instant::now() + wait;
    // A user without the permission to create topics may use one that exists.
    if let Some(partitions) = partitions(settings, topic.name, wait)? {
        return Ok(partitions);
    }
    create(settings, topic, until.saturating_duration_since(Instant::now())).map_err(|error| {
        Unreachable { reason: format!("topic {} not created: {error}", topic.name), ..error }
    })?;
    loop {
        // The controller confirms a topic before every broker knows it.
        let left = until.saturating_duration_since(Instant::now());
        if let Some(partitions) = partitions(settings, topic.name, left.max(ATTEMPT))? {
            return Ok(partitions);
        }
        if left.is_zero() {
            let reason = format!("topic {} was created, and no broker leads its partitions yet", topic.name);
            return Err(Unreachable { reason, hopeless: false });
        }
        std::thread::sleep(CREATED);
    }
}

fn create(settings: &[(String, String)], topic: &NewTopic<'_>, wait: Duration) -> Result<(), Unreachable> {
    let failed = |reason: String| Unreachable { reason, hopeless: false };
    let client: AdminClient<DefaultClientContext> = client_config(settings)
        .create()
        .map_err(|error| Unreachable { reason: error.to_string(), hopeless: true })?;
    let replication = TopicReplication::Fixed(topic.replication.unwrap_or(-1));
    let mut new = RdNewTopic::new(topic.name, topic.partitions, replication);
    for (name, value) in topic.configuration {
        new = new.set(name, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(wait)).request_timeout(Some(wait));
    let answers = runtime()
        .map_err(failed)?
        .block_on(client.create_topics([&new], &options))
        .map_err(|error| failed(error.to_string()))?;
    match answers.into_iter().next() {
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(Unreachable {
            reason: code.to_string(),
            hopeless: matches!(
                code,
                RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
                    | RDKafkaErrorCode::InvalidTopic
                    | RDKafkaErrorCode::InvalidPartitions
                    | RDKafkaErrorCode::InvalidReplicationFactor
                    | RDKafkaErrorCode::InvalidReplicaAssignment
                    | RDKafkaErrorCode::InvalidConfig
                    | RDKafkaErrorCode::PolicyViolation
            ),
        }),
    }
}

/// The answers come from a thread of librdkafka; this runtime only waits for them.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())
}
