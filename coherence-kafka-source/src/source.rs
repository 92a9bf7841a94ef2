//! All maps of a source: leading or standing by, one task for each map while leading.
//!
//! ```text
//! join the group ─► standing by ─► leading ─► a task for each map
//!                        ▲                       │ taken away, or no word from Kafka for a session
//!                        └── release ◄─ flush ◄──┘
//! ```
//!
//! **Who publishes.** Of all processes of one name that is the one that has the partition of the control topic, for as
//! long as Kafka confirms it (`coherence_kafka_core::leadership`). A process that is frozen and thawed again finds its
//! lease over and sends nothing more. What its Kafka client held in its queue by then is older than
//! `delivery.timeout.ms`, which is less than the session, and is given up; only bytes that had been handed to the
//! operating system may still arrive. Such a record may stand behind newer ones of its key until that key changes or
//! the next comparison of a new start reads the topic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_client::{GrpcSession, SessionOptions, SettingNames, TlsOptions};
use coherence_kafka_connect::config::{SessionConfig, TlsFiles};
use coherence_kafka_core::leadership::Leadership;
use coherence_kafka_core::topics::{create_topic, topics};
use coherence_kafka_core::{KafkaEntryStore, Producers};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{FormConfig, SourceConfig};
use crate::records::Records;
use crate::status::{State, Status};
use crate::task::{Outcomes, Task, TaskError};

/// How long one look for the control topic may take.
const CLUSTER_DEADLINE: Duration = Duration::from_secs(10);
/// How long the end waits for answers of the grid.
const SESSION_DEADLINE: Duration = Duration::from_secs(2);
/// Between two looks for the control topic.
const CLUSTER_PAUSE: Duration = Duration::from_secs(1);

/// Topics that are read at once, each with a consumer of its own.
const TOPIC_READERS: usize = 4;

/// Why a source ends, or does not begin.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Settings that only showed themselves to be wrong when they were used.
    #[error("{0}")]
    Settings(String),
    /// One map cannot be published.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Another process publishes, and there is no time to wait for its end.
    #[error(
        "another process of the name {name} publishes, or kafka gives nobody the partition of {topic}: \
         a snapshot waits {waited:?} for that; stop the other one, or set another name"
    )]
    AnotherLeads {
        /// `name`.
        name: String,
        /// The control topic.
        topic: String,
        /// How long it was waited.
        waited: Duration,
    },
}

/// The publishing of all maps of a configuration.
pub struct Source {
    config: Arc<SourceConfig>,
    session: GrpcSession,
    producers: Producers,
    stores: Vec<Arc<KafkaEntryStore>>,
    statuses: Vec<Arc<Status>>,
}

impl Source {
    /// Makes what the maps need, without waiting for anybody. Needs a tokio runtime.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(config: SourceConfig) -> Result<Self, SourceError> {
        let settings = |error: String| SourceError::Settings(error);
        let session = session(&config.session)?;
        let producers = Producers::default();
        let mut stores = Vec::new();
        for map in &config.maps {
            let producer = producers.of(map.producer.clone()).map_err(settings)?;
            let builder =
                KafkaEntryStore::builder(&map.topic).producer(producer).format(config.session.format);
            let builder = match &map.form {
                FormConfig::PassThrough(keys) => builder.pass_through().key_form(*keys),
                FormConfig::Serialized { key, value, .. } => {
                    builder.key_serializer(key.clone()).value_serializer(value.clone())
                }
            };
            stores.push(Arc::new(builder.build().map_err(|error| settings(error.to_string()))?));
        }
        let status = |map: &crate::config::MapConfig| Arc::new(Status::new(&map.cache, &map.topic));
        let statuses = config.maps.iter().map(status).collect();
        Ok(Self { config: Arc::new(config), session, producers, stores, statuses })
    }

    /// What each map does and has done.
    pub fn statuses(&self) -> &[Arc<Status>] {
        &self.statuses
    }

    /// The session with the grid.
    pub fn session(&self) -> &GrpcSession {
        &self.session
    }

    /// Publishes until `stop`, or `once` until every map and its topic are equal. What was sent is waited for, as long
    /// as `coherence.source.shutdown.timeout.ms`.
    ///
    /// # Errors
    /// What no waiting can mend.
    pub async fn run(&self, stop: &CancellationToken, once: bool) -> Result<(), SourceError> {
        let outcome = self.lead_and_follow(stop, once).await;
        let lost = self.producers.close(self.config.shutdown_timeout).await;
        if lost > 0 {
            tracing::warn!(
                records = lost,
                "not acknowledged before the end: the next start compares and publishes them"
            );
        }
        // A grid that is away is not waited for.
        let _ = tokio::time::timeout(SESSION_DEADLINE, self.session.close()).await;
        for status in &self.statuses {
            status.set(State::Stopped);
        }
        outcome
    }

    async fn lead_and_follow(&self, stop: &CancellationToken, once: bool) -> Result<(), SourceError> {
        let Some(leadership) = self.join(stop).await? else { return Ok(()) };
        let leadership = Arc::new(leadership);
        let mut tasks = self.tasks(&leadership, once)?;
        let patience = self.config.session_timeout * 2;
        let outcome = loop {
            let leading = async {
                if !once {
                    leadership.leading().await;
                    return Ok(());
                }
                tokio::time::timeout(patience, leadership.leading())
                    .await
                    .map_err(|_| self.another_leads(patience))
            };
            match stop.run_until_cancelled(leading).await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(())) => {}
            }
            let term = stop.child_token();
            let (ended, returned) = self.lead(tasks, &term, &leadership).await;
            tasks = returned;
            // Nothing of this term may be on its way when another process begins its own.
            let _ = tokio::time::timeout(self.config.session_timeout / 2, self.producers.flush()).await;
            leadership.release();
            match ended {
                Err(error) => break Err(error.into()),
                Ok(all_equal) if (once && all_equal) || stop.is_cancelled() => break Ok(()),
                Ok(_) => {}
            }
        };
        // The tasks ask it whether they may send.
        drop(tasks);
        // Leaving the group takes a moment.
        let _ = tokio::task::spawn_blocking(move || drop(leadership)).await;
        outcome
    }

    fn another_leads(&self, waited: Duration) -> SourceError {
        let (name, topic) = (self.config.name.clone(), self.config.control_topic.clone());
        SourceError::AnotherLeads { name, topic, waited }
    }

    /// Runs the tasks until they have ended, or this process does not lead any more. True where all maps equal their topics.
    async fn lead(
        &self,
        tasks: Vec<Task>,
        term: &CancellationToken,
        leadership: &Leadership,
    ) -> (Result<bool, TaskError>, Vec<Task>) {
        let mut running = JoinSet::new();
        for mut task in tasks {
            let term = term.clone();
            running.spawn(async move { (task.run(&term).await, task) });
        }
        let mut returned = Vec::new();
        let mut ended = Ok(true);
        loop {
            let next = tokio::select! {
                next = running.join_next() => next,
                () = leadership.standing_by(), if !term.is_cancelled() => {
                    term.cancel();
                    ended = ended.map(|_| false);
                    continue;
                }
            };
            match next {
                Some(Ok((outcome, task))) => {
                    returned.push(task);
                    match outcome {
                        Ok(equal) => ended = ended.map(|all| all && equal),
                        Err(error) => {
                            term.cancel();
                            ended = Err(error);
                        }
                    }
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "a task panicked");
                    term.cancel();
                    ended = ended.map(|_| false);
                }
                None => break,
            }
        }
        (ended, returned)
    }

    fn tasks(&self, leadership: &Arc<Leadership>, once: bool) -> Result<Vec<Task>, SourceError> {
        let mut tasks = Vec::new();
        let readers = Arc::new(Semaphore::new(TOPIC_READERS));
        for ((map, status), store) in self.config.maps.iter().zip(&self.statuses).zip(&self.stores) {
            let records = Records::new(&map.topic, self.config.session.format, &map.form)
                .map_err(|error| SourceError::Settings(error.to_string()))?;
            let leadership = leadership.clone();
            tasks.push(Task {
                session: Arc::new(self.session.clone()),
                records,
                store: store.clone(),
                outcomes: Outcomes::new(status.clone()),
                consumer: map.consumer.clone(),
                readers: readers.clone(),
                may_send: Arc::new(move || leadership.is_leading()),
                publish_expirations: map.publish_expirations,
                comparison_interval: self.config.comparison_interval,
                once,
                status: status.clone(),
            });
        }
        Ok(tasks)
    }

    /// Becomes a member of the group, once Kafka is there. `None` where it was stopped.
    async fn join(&self, stop: &CancellationToken) -> Result<Option<Leadership>, SourceError> {
        let config = &self.config;
        loop {
            let (settings, topic) = (config.consumer.clone(), config.control_topic.clone());
            let made = tokio::task::spawn_blocking(move || {
                // Who may use it may not be the one who may make it.
                if topics(&settings, std::slice::from_ref(&topic), CLUSTER_DEADLINE)?.is_empty() {
                    create_topic(&settings, &topic, 1, &[("cleanup.policy", "delete")], CLUSTER_DEADLINE)?;
                }
                Ok(())
            });
            match made.await.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => break,
                Err(reason) => {
                    for status in &self.statuses {
                        status.set(State::KafkaAway);
                    }
                    tracing::warn!(topic = config.control_topic, reason, "control topic not there yet");
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(CLUSTER_PAUSE)).await.is_none() {
                return Ok(None);
            }
        }
        for status in &self.statuses {
            status.set(State::StandingBy);
        }
        let joined = Leadership::join(
            &config.consumer,
            &config.control_topic,
            &config.group(),
            config.session_timeout,
        );
        joined.map(Some).map_err(SourceError::Settings)
    }
}

/// A session with the grid; connects to nothing yet.
///
/// # Errors
/// Settings that cannot be used.
pub fn session(config: &SessionConfig) -> Result<GrpcSession, SourceError> {
    let options = SessionOptions {
        addresses: config.addresses.clone(),
        scope: config.scope.clone(),
        format: config.format,
        request_timeout: config.request_timeout,
        // Who wants an answer soon wants to know as soon that there is nobody to ask.
        connect_timeout: config.request_timeout.min(SessionOptions::default().connect_timeout),
        tls: config.tls.as_ref().map(|TlsFiles { ca, client, server_name }| TlsOptions {
            ca: ca.clone(),
            certificate: client.as_ref().map(|(certificate, _)| certificate.clone()),
            key: client.as_ref().map(|(_, key)| key.clone()),
            server_name: server_name.clone(),
        }),
        setting_names: SettingNames::PROPERTIES,
        ..SessionOptions::default()
    };
    GrpcSession::new(options).map_err(|error| SourceError::Settings(error.to_string()))
}

/// What a snapshot has done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    maps: usize,
    scanned: u64,
    records: u64,
    superfluous: u64,
    refused: u64,
    took: Duration,
}

impl Report {
    /// What was done since `began`.
    pub fn of(statuses: &[Arc<Status>], began: Instant) -> Self {
        let sum = |read: fn(&Status) -> u64| statuses.iter().map(|status| read(status)).sum();
        Self {
            maps: statuses.len(),
            scanned: sum(|status| status.scanned.now()),
            records: sum(|status| status.acknowledged.now()),
            superfluous: sum(|status| status.superfluous.now()),
            refused: sum(|status| status.refused.now()),
            took: began.elapsed(),
        }
    }

    /// Every entry is in its topic.
    pub fn is_complete(&self) -> bool {
        self.refused == 0
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { maps, scanned, records, superfluous, refused, took } = self;
        let seconds = took.as_secs_f64().max(0.001);
        write!(
            f,
            "{maps} map(s), {scanned} entries compared, {records} records published, {superfluous} of them superfluous, \
             {refused} refused, in {seconds:.1} s ({:.0} entries/s)",
            *scanned as f64 / seconds
        )
    }
}
