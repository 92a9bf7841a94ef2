//! All maps of a source: leading or standing by, one task for each map while leading.
//!
//! ```text
//! join the group ─► standing by ─► leading ─► fence older publishers ─► a task for each map
//!                        ▲                                                 │ taken away, fenced, or no word from Kafka
//!                        └── release ◄── end of the producers' terms ◄─────┘ for a session
//! ```
//!
//! **The publisher.** Of all processes with one name, the one publishes that owns the partition of the control topic,
//! for as long as Kafka confirms it (`coherence_kafka_rdkafka::leadership`). The broker enforces it: every producer has a
//! transactional id made of the name, and takes it over again at the beginning of each term, before the topics are
//! read. From then on an older process that has not noticed the end of its term, because it was frozen or its clock
//! stood still, cannot append a record that readers of committed records see; what it has left unfinished is aborted.
//! It ends its term when it is fenced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_client::GrpcSession;
use coherence_kafka_core::{KafkaEntryStore, Producer, Producers};
use coherence_kafka_rdkafka::admin::{NewTopic, create_topic, describe_topics};
use coherence_kafka_rdkafka::leadership::Leadership;
use coherence_kafka_worker::grid_session;
use tokio_util::sync::CancellationToken;

use crate::config::{FormConfig, SourceConfig};
use crate::records::Records;
use crate::status::{State, Status};
use crate::task::{Outcomes, Refusals, Task, TaskError};
use term::Ended;

mod term;

/// How long one look for the control topic may take.
const CLUSTER_DEADLINE: Duration = Duration::from_secs(10);
/// How long the end waits for answers of the grid.
const SESSION_DEADLINE: Duration = Duration::from_secs(2);
/// Between two looks for the control topic, and between two terms.
const PAUSE: Duration = Duration::from_secs(1);
/// What is left of the time for a stop, at least a quarter of it, when waiting for acknowledgements ends: the producers
/// are closed in it, and the group is left.
const CLOSING: Duration = Duration::from_secs(2);

/// Topics that are read concurrently, each with its own consumer.
pub(crate) const TOPIC_READERS: usize = 4;

/// Why a source ends, or does not begin.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Settings that only showed themselves to be wrong when they were used.
    #[error("{0}")]
    Settings(String),
    /// These maps cannot be published.
    #[error("{}", lines(.0))]
    Maps(Vec<TaskError>),
    /// Another process publishes, and the run cannot wait for its end.
    #[error(
        "no leadership within {waited:?}: another process named {name} publishes, or kafka assigned the partition of \
         {topic} to no process; stop the other process, or set another name"
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

fn lines(errors: &[TaskError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The publishing of all maps of a configuration.
pub struct Source {
    config: Arc<SourceConfig>,
    session: GrpcSession,
    producers: Producers,
    maps: Vec<Published>,
    statuses: Vec<Arc<Status>>,
}

/// What a map is published with.
struct Published {
    store: Arc<KafkaEntryStore>,
    producer: Arc<Producer>,
    records: Records,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Source {
    /// Creates a source, without waiting for Kafka or the grid. Needs a tokio runtime.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(config: SourceConfig) -> Result<Self, SourceError> {
        let statuses = statuses(&config);
        Self::with(config, statuses)
    }

    /// The same, with statuses that outlive it: those of its maps, in their order.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn with(config: SourceConfig, statuses: Vec<Arc<Status>>) -> Result<Self, SourceError> {
        let settings = |error: String| SourceError::Settings(error);
        let session = grid_session(&config.session, tokio::runtime::Handle::current())
            .map_err(|error| settings(error.to_string()))?;
        let producers = Producers::transactional(config.transactions.clone());
        let mut maps = Vec::new();
        for map in &config.maps {
            let producer = producers.of(map.producer.clone()).map_err(settings)?;
            let builder =
                KafkaEntryStore::builder(&map.topic).producer(producer.clone()).format(config.session.format);
            let builder = match &map.form {
                FormConfig::PassThrough(keys) => builder.pass_through().key_form(*keys),
                FormConfig::Serialized { key, value, .. } => {
                    builder.key_serializer(key.clone()).value_serializer(value.clone())
                }
                FormConfig::Converted(conversion) => builder.conversion(conversion.clone()),
            };
            let store = builder.build().map_err(|error| settings(error.to_string()))?;
            let records = Records::new(&map.topic, config.session.format, &map.form)
                .map_err(|error| settings(error.to_string()))?;
            maps.push(Published { store: Arc::new(store), producer, records });
        }
        Ok(Self { config: Arc::new(config), session, producers, maps, statuses })
    }

    /// Returns the status of each map.
    pub fn statuses(&self) -> &[Arc<Status>] {
        &self.statuses
    }

    /// Returns the session with the grid.
    pub fn session(&self) -> &GrpcSession {
        &self.session
    }

    /// Publishes until `stop`, or `once` until every map and its topic are equal. A stop takes at most
    /// `coherence.source.shutdown.timeout.ms`, in which it waits for the acknowledgement of sent records.
    ///
    /// # Errors
    /// What no waiting can mend.
    pub async fn run(&self, stop: &CancellationToken, once: bool) -> Result<(), SourceError> {
        let graceful = async {
            let outcome = self.lead_and_follow(stop, once).await;
            // A grid that is away is not waited for.
            let _ = tokio::time::timeout(SESSION_DEADLINE, self.session.close()).await;
            outcome
        };
        let too_late = async {
            stop.cancelled().await;
            tokio::time::sleep(self.config.shutdown_timeout).await;
        };
        let outcome = tokio::select! {
            outcome = graceful => outcome,
            () = too_late => {
                tracing::warn!(
                    "source not closed within coherence.source.shutdown.timeout.ms, no longer waiting for it"
                );
                Ok(())
            }
        };
        let lost = self.producers.close(Duration::ZERO).await;
        if lost > 0 {
            tracing::warn!(
                records = lost,
                "records not acknowledged before the stop; the next start compares maps and topics and publishes them"
            );
        }
        self.all(State::Stopped);
        outcome
    }

    async fn lead_and_follow(&self, stop: &CancellationToken, once: bool) -> Result<(), SourceError> {
        let Some(leadership) = self.join(stop).await? else { return Ok(()) };
        let leadership = Arc::new(leadership);
        let outcome = self.terms(&leadership, stop, once).await;
        // A process that stands by need not wait for the end of the session then.
        let _ = tokio::time::timeout(CLOSING, leadership.leave()).await;
        outcome
    }

    async fn terms(
        &self,
        leadership: &Arc<Leadership>,
        stop: &CancellationToken,
        once: bool,
    ) -> Result<(), SourceError> {
        let refusals = Arc::new(Refusals::new(self.config.maps.len(), once));
        let patience = self.config.session_timeout * 2;
        loop {
            let leading = async {
                if !once {
                    return Ok(leadership.leading().await);
                }
                tokio::time::timeout(patience, leadership.leading())
                    .await
                    .map_err(|_| self.another_leads(patience))
            };
            let number = match stop.run_until_cancelled(leading).await {
                None => return Ok(()),
                Some(number) => number?,
            };
            let term = term::Term { number, leadership, stop: stop.child_token(), once, refusals: &refusals };
            let ended = self.lead(&term).await;
            // Nothing of this term may be on its way when another process begins its own.
            self.producers.end_terms(self.last_words(stop)).await;
            leadership.release(number);
            match ended {
                Ended::Refused(error) => return Err(error),
                Ended::Equal if once => return Ok(()),
                Ended::Equal | Ended::Over => {}
            }
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return Ok(());
            }
            self.all(State::StandingBy);
        }
    }

    /// Returns how long the end of a term waits for the acknowledgement of sent records.
    fn last_words(&self, stop: &CancellationToken) -> Duration {
        if stop.is_cancelled() {
            let all = self.config.shutdown_timeout;
            all - CLOSING.min(all / 4)
        } else {
            self.config.session_timeout / 2
        }
    }

    fn all(&self, state: State) {
        self.statuses.iter().for_each(|status| status.set(state));
    }

    fn another_leads(&self, waited: Duration) -> SourceError {
        let (name, topic) = (self.config.name.clone(), self.config.control_topic.clone());
        SourceError::AnotherLeads { name, topic, waited }
    }

    /// Joins the group, once Kafka is available. Returns `None` where it was stopped.
    async fn join(&self, stop: &CancellationToken) -> Result<Option<Leadership>, SourceError> {
        let config = &self.config;
        loop {
            let (settings, topic) = (config.consumer.clone(), config.control_topic.clone());
            let made = tokio::task::spawn_blocking(move || {
                let found = describe_topics(&settings, std::slice::from_ref(&topic), CLUSTER_DEADLINE)
                    .map_err(|unreachable| unreachable.reason)?;
                // The user may have permission to use it and not to create it.
                if found.is_empty() {
                    let new = NewTopic {
                        name: &topic,
                        partitions: 1,
                        replication: None,
                        configuration: &[("cleanup.policy", "delete")],
                    };
                    create_topic(&settings, &new, CLUSTER_DEADLINE)?;
                }
                Ok(found.first().map_or(1, |found| found.partitions))
            });
            let made = match stop.run_until_cancelled(made).await {
                None => return Ok(None),
                Some(made) => made.unwrap_or_else(|error| Err(error.to_string())),
            };
            match made {
                Ok(1) => break,
                Ok(partitions) => {
                    return Err(SourceError::Settings(one_partition(&config.control_topic, partitions)));
                }
                Err(reason) => {
                    self.all(State::KafkaAway);
                    tracing::warn!(
                        topic = config.control_topic,
                        reason,
                        "control topic not available, retrying"
                    );
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return Ok(None);
            }
        }
        self.all(State::StandingBy);
        let joined = Leadership::join(
            &config.consumer,
            &config.control_topic,
            &config.group(),
            config.session_timeout,
        );
        joined.map(Some).map_err(SourceError::Settings)
    }
}

/// Returns why a control topic is refused.
pub(crate) fn one_partition(topic: &str, partitions: usize) -> String {
    format!(
        "coherence.source.control.topic: topic {topic} has {partitions} partitions, expected exactly one, which \
         decides the process that publishes: choose another topic, or delete this one and create it with one partition"
    )
}

/// Returns a status for each map.
pub(crate) fn statuses(config: &SourceConfig) -> Vec<Arc<Status>> {
    config.maps.iter().map(|map| Arc::new(Status::new(&map.cache, &map.topic))).collect()
}

/// The result of a snapshot.
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
    /// Creates the report of the work since `began`.
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

    /// Returns true where every entry is in its topic.
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
