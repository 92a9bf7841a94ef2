//! `check`: says what is wrong with files, with Kafka or with the grid, and moves nothing.
//!
//! It joins no group and writes no entry. A session is opened with every grid that the settings lead to, also where no
//! connector is there yet. A map that a connector would write to is opened, as that is the only way to learn whether
//! the grid has a mapping for it.

use coherence_client::GrpcSession;
use coherence_kafka_common::map::{MapError, Session as _};
use coherence_kafka_connect::config::{Checked, SessionConfig, SessionKind};
use regex::Regex;

use crate::cli::Files;
use crate::config::{ConnectorConfig, Loaded, Topics};
use crate::kafka::{ClientSettings, cluster};
use crate::run::{self, EMBEDDED, StartError};

/// The exit code of a connector that cannot be: see [`StartError::exit_code`].
const CONNECTOR: u8 = 3;

/// Checks files and what they lead to.
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

    let topics = if loaded.worker.bootstrap_servers() == EMBEDDED {
        findings.note("kafka: embedded, nothing to connect to");
        None
    } else {
        let settings = loaded.worker.client_settings();
        let looked = tokio::task::spawn_blocking(move || cluster::topics(&settings, run::CLUSTER_DEADLINE));
        match looked.await.unwrap_or_else(|error| Err(error.to_string())) {
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

/// The grid of the connectors that are still to come: what the worker says for them all.
async fn check_worker(loaded: &Loaded, grids: &mut Grids, findings: &mut Checked) {
    let named = loaded.worker.names_session();
    let session = match loaded.worker.session() {
        Ok(session) if named || loaded.connectors.is_empty() => session,
        // What is wrong with it has refused the start; where nobody needs it nobody looks for it.
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

/// The topics that a subscription to `pattern` reads: those that match it and are not hidden.
fn matching(pattern: &str, consumer: &ClientSettings, topics: &[String]) -> Vec<String> {
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

/// The grids that were looked for, each once, however many connectors share it.
#[derive(Default)]
struct Grids(Vec<(SessionConfig, Result<GrpcSession, MapError>)>);

impl Grids {
    /// A session that the grid has taken.
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

    /// The same, and says what came of it.
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
