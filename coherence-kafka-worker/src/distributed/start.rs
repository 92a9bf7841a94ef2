//! The start of a worker of a cluster: its topics, its logs of them, its membership.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::admin::{self, NewTopic};
use coherence_kafka_rdkafka::membership::{Membership, MembershipOptions};
use coherence_kafka_rdkafka::settings::connection;
use coherence_kafka_rdkafka::topic_log::{LogRecord, TopicLog};
use coherence_kafka_rdkafka::topic_writer::{ExclusiveWriter, TopicWriter};

use super::member::{Member, OfGroup};
use crate::config::{DistributedConfig, StorageTopic};
use crate::worker::Worker;

/// How long each step of the start may wait for Kafka.
const PATIENCE: Duration = Duration::from_secs(30);

/// Creates a member, which does nothing until it is started.
///
/// # Errors
/// Why it cannot be, for the operator.
pub(crate) fn create(
    worker: Arc<Worker>,
    worker_id: &str,
    config: DistributedConfig,
) -> Result<Arc<Member>, String> {
    let clients = Clients::of(&worker, &config);
    // The one by which Connect's leader writes, where it writes in transactions.
    let transactional = format!("connect-cluster-{}", config.group_id);
    let changes = ExclusiveWriter::new(&clients.named("configs"), &config.config.name, &transactional);
    let statuses = TopicWriter::open(&clients.named("statuses"), &config.status.name)
        .map_err(|error| error.to_string())?;
    Ok(Member::new(worker, worker_id.to_owned(), config, changes, statuses))
}

/// The settings of the clients of a member.
struct Clients {
    settings: Vec<(String, String)>,
    group: String,
}

impl Clients {
    fn of(worker: &Worker, config: &DistributedConfig) -> Self {
        let mut settings = connection(worker.config().properties());
        if !settings.iter().any(|(key, _)| key == "bootstrap.servers") {
            let servers = worker.config().bootstrap_servers().to_owned();
            settings.push(("bootstrap.servers".to_owned(), servers));
        }
        Self { settings, group: config.group_id.clone() }
    }

    /// Returns the settings of a client with this name, which it has in Connect too.
    fn named(&self, what: &str) -> Vec<(String, String)> {
        let mut settings = self.settings.clone();
        settings.push(("client.id".to_owned(), format!("{}-{what}", self.group)));
        settings
    }
}

impl Member {
    /// Creates the topics that are missing, reads them, and begins to join the group. Blocks.
    ///
    /// # Errors
    /// Why it cannot work, for the operator.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), String> {
        let clients = Clients::of(&self.worker, &self.config);
        let partitions = self.create_topics(&clients)?;
        let log = self.open(&clients.named("configs"), &self.config.config, |member, record| {
            member.take_config(record);
        })?;
        let _ = self.config_log.set(log);
        let log = self.open(&clients.named("statuses"), &self.config.status, |member, record| {
            member.take_status(record);
        })?;
        let _ = self.status_log.set(log);
        self.go_live(partitions);
        let member = self.clone();
        std::thread::Builder::new()
            .name("statuses".to_owned())
            .spawn(move || member.publish())
            .map_err(|error| format!("the thread of the states cannot be started: {error}"))?;
        let options = MembershipOptions {
            session: self.config.session,
            heartbeat: self.config.heartbeat,
            rebalance_timeout: self.config.rebalance,
            client_id: format!("connect-{}", self.worker_id),
        };
        let (topic, group) = (&self.config.offsets.name, &self.config.group_id);
        let listener = Box::new(OfGroup(self.clone()));
        let membership = Membership::join(&clients.settings, topic, group, &options, listener)
            .map_err(|error| error.to_string())?;
        let _ = self.membership.set(membership);
        Ok(())
    }

    /// Returns the number of partitions of the offset topic.
    fn create_topics(&self, clients: &Clients) -> Result<u32, String> {
        let settings = clients.named("shared-admin");
        let end = Instant::now() + PATIENCE;
        let left = || end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let create = |topic: &StorageTopic| {
            let configuration: Vec<(&str, &str)> =
                topic.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let new = NewTopic {
                name: &topic.name,
                partitions: topic.partitions,
                replication: Some(topic.replication),
                configuration: &configuration,
            };
            let partitions =
                admin::ensure_topic(&settings, &new, left()).map_err(|error| error.to_string())?;
            let policy = admin::cleanup_policy(&settings, &topic.name, left());
            Ok::<_, String>((partitions, policy))
        };
        for (key, topic) in
            [("config.storage.topic", &self.config.config), ("status.storage.topic", &self.config.status)]
        {
            let (partitions, policy) = create(topic)?;
            check_policy(key, topic, policy.as_deref())?;
            if key == "config.storage.topic" && partitions != 1 {
                return Err(format!(
                    "Topic '{}' supplied via the '{key}' property is required to have a single partition in order to \
                     guarantee consistency of connector configurations, but found {} partitions.",
                    topic.name, partitions
                ));
            }
        }
        let (partitions, policy) = create(&self.config.offsets)?;
        check_policy("offset.storage.topic", &self.config.offsets, policy.as_deref())?;
        Ok(u32::try_from(partitions).unwrap_or(u32::MAX))
    }

    /// Reads a topic to its present end, and goes on reading it.
    fn open(
        self: &Arc<Self>,
        settings: &[(String, String)],
        topic: &StorageTopic,
        take: fn(&Arc<Self>, &LogRecord<'_>),
    ) -> Result<TopicLog, String> {
        let member = Arc::downgrade(self);
        let failed = |error: &dyn Display| format!("topic {}: {error}", topic.name);
        let log = TopicLog::open(settings, &topic.name, move |record| {
            if let Some(member) = member.upgrade() {
                take(&member, &record);
            }
        })
        .map_err(|error| failed(&error))?;
        log.read_to_end(PATIENCE).map_err(|error| failed(&error))?;
        Ok(log)
    }
}

/// Records must not disappear with their age.
fn check_policy(key: &str, topic: &StorageTopic, policy: Option<&str>) -> Result<(), String> {
    let purpose = match key {
        "config.storage.topic" => "connector configurations",
        "status.storage.topic" => "connector and task statuses",
        _ => "source connector offsets",
    };
    match policy {
        // A user may not be permitted to see it.
        None | Some("compact") => Ok(()),
        Some(policy) => Err(format!(
            "Topic '{}' supplied via the '{key}' property is required to have 'cleanup.policy=compact' to guarantee \
             consistency and durability of {purpose}, but found the topic currently has 'cleanup.policy={policy}'. \
             Continuing would likely result in eventually losing {purpose} and problems restarting this Connect cluster \
             in the future. Change the '{key}' property in the Connect worker configurations to use a topic with \
             'cleanup.policy=compact'.",
            topic.name
        )),
    }
}
