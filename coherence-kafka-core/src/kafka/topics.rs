//! Which topics there are, how they are cleaned, and a topic made.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::looking::Looking;

/// A topic as the cluster knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// Its `cleanup.policy`, such as `compact`; `None` where it is not told.
    pub cleanup_policy: Option<String>,
}

/// Those of `names` that are there, with settings of a client by librdkafka's names. Blocks, not to be called from a
/// runtime.
///
/// # Errors
/// Why the cluster cannot be reached within `wait`, in librdkafka's words.
pub fn topics(settings: &[(String, String)], names: &[String], wait: Duration) -> Result<Vec<Topic>, String> {
    let mut config = client_config(settings);
    // What it has to say is in the error that is returned.
    config.set_log_level(RDKafkaLogLevel::Emerg);
    let client: BaseConsumer<Looking> =
        config.create_with_context(Looking::default()).map_err(|error| error.to_string())?;
    let metadata = client.fetch_metadata(None, wait).map_err(|error| {
        while client.poll(Duration::ZERO).is_some() {}
        client.context().note(&error.to_string());
        client.context().reason(wait)
    })?;
    let mut topics: Vec<Topic> = metadata
        .topics()
        .iter()
        .filter(|topic| names.iter().any(|name| name == topic.name()) && !topic.partitions().is_empty())
        .map(|topic| Topic {
            name: topic.name().to_owned(),
            partitions: topic.partitions().len(),
            cleanup_policy: None,
        })
        .collect();
    for topic in &mut topics {
        topic.cleanup_policy = cleanup_policy(settings, &topic.name, wait);
    }
    Ok(topics)
}

/// The `cleanup.policy` of a topic, where the cluster reports it. Blocks, not to be called from a runtime.
pub fn cleanup_policy(settings: &[(String, String)], topic: &str, wait: Duration) -> Option<String> {
    let client: AdminClient<DefaultClientContext> = client_config(settings).create().ok()?;
    let options = AdminOptions::new().request_timeout(Some(wait));
    let resource = ResourceSpecifier::Topic(topic);
    let answers = waits().ok()?.block_on(client.describe_configs([&resource], &options)).ok()?;
    let resource = answers.into_iter().next()?.ok()?;
    resource.get("cleanup.policy")?.value.clone()
}

/// Makes a topic, with the cluster's own replication. That it is there already is no error. Blocks, not to be called
/// from a runtime.
///
/// # Errors
/// What the broker says, or librdkafka within `wait`.
pub fn create_topic(
    settings: &[(String, String)],
    name: &str,
    partitions: i32,
    configuration: &[(&str, &str)],
    wait: Duration,
) -> Result<(), String> {
    let client: AdminClient<DefaultClientContext> =
        client_config(settings).create().map_err(|error| error.to_string())?;
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
    for (key, value) in configuration {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(wait)).request_timeout(Some(wait));
    let answers = waits()?.block_on(client.create_topics([&topic], &options)).map_err(|e| e.to_string())?;
    match answers.into_iter().next() {
        None | Some(Ok(_) | Err((_, Code::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(code.to_string()),
    }
}

/// The answers come from a thread of librdkafka's; this one only waits.
fn waits() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())
}

fn client_config(settings: &[(String, String)]) -> rdkafka::ClientConfig {
    let mut config = rdkafka::ClientConfig::new();
    for (name, value) in settings {
        config.set(name, value);
    }
    // To ask for a topic makes none.
    config.set("allow.auto.create.topics", "false");
    config
}
