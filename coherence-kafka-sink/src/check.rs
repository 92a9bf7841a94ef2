//! `check`: reports what is wrong with the files, with Kafka or with the grid, and moves no records.
//!
//! It joins no group and writes no entry. It opens a session with every grid of the settings, also where no connector
//! exists yet. It opens each map that a connector would write to, which is the only way to learn whether the grid has a
//! mapping for it.

use coherence_client::GrpcSession;
use coherence_kafka_common::map::{MapError, Session as _};
use coherence_kafka_connect::config::{Checked, SessionConfig, SessionKind};
use coherence_kafka_rdkafka::admin;
use regex::Regex;

use crate::cli::Files;
use crate::config::{ConnectorConfig, Loaded, Topics};
use crate::run::{self, StartError};

/// The exit code for a connector that cannot start: see [`StartError::exit_code`].
const CONNECTOR: u8 = 3;

/// Checks the files, and the peers that they name.
pub async fn run(files: &Files) -> Checked {
    let mut findings = Checked::default();
    let loaded = match run::load(files) {
        Ok(loaded) => loaded,
        Err(error) => {
            findings.problem(error.exit_code(), error);
            return findings;
        }
    };
    for warning in &loaded.warnings {
        findings.note(warning);
    }
    findings.good(format_args!("configuration: {} connector(s)", loaded.connectors.len()));

    let topics = if loaded.worker.has_embedded_broker() {
        findings.note("kafka: embedded, nothing to connect to");
        None
    } else {
        let settings = loaded.worker.client_settings();
        let looked =
            tokio::task::spawn_blocking(move || admin::topic_names(&settings, run::CLUSTER_DEADLINE));
        match run::answer(looked).await {
            Ok(topics) => {
                findings.good(format_args!("kafka: reached, {} topics", topics.len()));
                Some(topics)
            }
            Err(reason) => {
                findings.problem(StartError::Worker(String::new()).exit_code(), run::unreachable(&reason));
                None
            }
        }
    };
    let mut grids = Grids::default();
    for connector in &loaded.connectors {
        check_connector(&connector.config, topics.as_deref(), &mut grids, &mut findings).await;
    }
    check_worker(&loaded, &mut grids, &mut findings).await;
    findings
}

/// Checks the grid that the worker configures for connectors that are created later.
async fn check_worker(loaded: &Loaded, grids: &mut Grids, findings: &mut Checked) {
    let named = loaded.worker.names_session();
    let session = match loaded.worker.session() {
        Ok(session) if named || loaded.connectors.is_empty() => session,
        // A wrong session has already refused the start; a session that no connector needs is not checked.
        Ok(_) | Err(_) => return,
    };
    if session.kind == SessionKind::Embedded {
        if loaded.connectors.is_empty() {
            findings.note("worker: its connectors' maps are embedded, nothing to connect to");
        }
    } else if named {
        grids.reach("worker", &session, findings).await;
    } else {
        let at = session.addresses.join(",");
        match grids.look(&session).await {
            Ok(_) => findings.good(format_args!("worker: grid at {at} reached")),
            Err(error) => findings.note(format_args!(
                "worker: coherence.session.address is not set, and no grid is reachable at {at}: {error}"
            )),
        }
    }
}

async fn check_connector(
    config: &ConnectorConfig,
    topics: Option<&[String]>,
    grids: &mut Grids,
    findings: &mut Checked,
) {
    let name = &config.name;
    let wanted = match (&config.topics, topics) {
        (Topics::List(wanted), topics) => {
            for topic in wanted.iter().filter(|topic| topics.is_some_and(|topics| !topics.contains(topic))) {
                findings.note(format_args!("connector {name}: topic {topic} does not exist (yet)"));
            }
            wanted.clone()
        }
        (Topics::Pattern(pattern), Some(topics)) => {
            let matching = matching(pattern, &config.consumer_settings(0), topics);
            if matching.is_empty() {
                findings.note(format_args!("connector {name}: no topic matches topics.regex (yet)"));
            } else {
                findings.good(format_args!("connector {name}: topics.regex matches {}", matching.join(", ")));
            }
            matching
        }
        (Topics::Pattern(_), None) => {
            findings.note(format_args!(
                "connector {name}: topics.regex is not resolved, because kafka is not reachable"
            ));
            Vec::new()
        }
    };
    if config.session.kind == SessionKind::Embedded {
        findings.note(format_args!("connector {name}: its maps are embedded, nothing to connect to"));
        return;
    }
    let whose = format!("connector {name}");
    let Some(session) = grids.reach(&whose, &config.session, findings).await else { return };
    for map in wanted.iter().map(|topic| config.mappings.map_of(topic)) {
        match session.map(map).await {
            Ok(_) => findings.good(format_args!("{whose}: map {map} can be written to")),
            Err(error) => {
                findings.problem(CONNECTOR, format_args!("{whose}: map {map}: {error}{}", advice(&error)))
            }
        }
    }
}

/// Returns the topics that a subscription to `pattern` reads: those that match it and are not hidden.
fn matching(pattern: &str, consumer: &[(String, String)], topics: &[String]) -> Vec<String> {
    // Both were rewritten from, or written in, what this crate understands.
    let regex = |pattern: &str| Regex::new(pattern).ok();
    let hidden = consumer.iter().find(|(key, _)| key == "topic.blacklist");
    let hidden: Vec<_> =
        hidden.iter().flat_map(|(_, patterns)| patterns.split(',')).filter_map(regex).collect();
    let wanted = regex(pattern);
    let reads = |topic: &&String| {
        wanted.as_ref().is_some_and(|wanted| wanted.is_match(topic))
            && !hidden.iter().any(|hidden| hidden.is_match(topic))
    };
    let mut matching: Vec<String> = topics.iter().filter(reads).cloned().collect();
    matching.sort_unstable();
    matching
}

/// The grids that were connected to, each once, however many connectors share it.
#[derive(Default)]
struct Grids(Vec<(SessionConfig, Result<GrpcSession, MapError>)>);

impl Grids {
    /// Opens a session, or returns the one that was opened before.
    async fn look(&mut self, config: &SessionConfig) -> Result<GrpcSession, MapError> {
        if let Some((_, found)) = self.0.iter().find(|(known, _)| known == config) {
            return found.clone();
        }
        let found = match run::grid_session(config, tokio::runtime::Handle::current()) {
            Ok(session) => session.connect().await.map(|()| session),
            Err(error) => Err(error),
        };
        self.0.push((config.clone(), found.clone()));
        found
    }

    /// The same, and reports the outcome.
    async fn reach(
        &mut self,
        whose: &str,
        config: &SessionConfig,
        findings: &mut Checked,
    ) -> Option<GrpcSession> {
        match self.look(config).await {
            Ok(session) => {
                findings.good(format_args!("{whose}: grid at {} reached", config.addresses.join(",")));
                Some(session)
            }
            Err(error) => {
                findings.problem(CONNECTOR, format_args!("{whose}: {error}{}", advice(&error)));
                None
            }
        }
    }
}

fn advice(error: &MapError) -> &'static str {
    if error.is_retriable() {
        "; check coherence.session.address, and that the grid runs its gRPC proxy there; a running sink waits for it"
    } else {
        ""
    }
}
