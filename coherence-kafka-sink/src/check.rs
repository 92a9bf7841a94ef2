//! `check`: says what is wrong with files, with Kafka or with the grid, and moves nothing.
//!
//! It joins no group and writes no entry. A map that a connector would write to is opened, as that is the only
//! way to learn whether the grid has a mapping for it.

use std::fmt;

use crate::cli::Files;
use crate::config::{ConnectorConfig, Topics};
use crate::kafka::cluster;
use crate::run::{self, EMBEDDED, StartError};
use coherence_kafka_connect::config::SessionKind;

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    lines: Vec<String>,
    exit_code: u8,
}

impl Findings {
    /// 0 where all is well, else as a start would have ended: 1, 2 or 3.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    fn good(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("ok       {what}"));
    }

    fn note(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("note     {what}"));
    }

    fn problem(&mut self, exit_code: u8, what: impl fmt::Display) {
        self.lines.push(format!("problem  {what}"));
        self.exit_code = if self.exit_code == 0 { exit_code } else { self.exit_code.min(exit_code) };
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// Checks files and what they lead to.
pub async fn run(files: &Files) -> Findings {
    let mut findings = Findings::default();
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
        findings.note("kafka: embedded, there is nothing to connect to");
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
    for connector in &loaded.connectors {
        check_connector(&connector.config, topics.as_deref(), &mut findings).await;
    }
    findings
}

async fn check_connector(config: &ConnectorConfig, topics: Option<&[String]>, findings: &mut Findings) {
    let name = &config.name;
    let Topics::List(wanted) = &config.topics else {
        findings.note(format_args!("connector {name}: its topics and maps are known only when it runs"));
        return;
    };
    for topic in wanted {
        if topics.is_some_and(|topics| !topics.contains(topic)) {
            findings.note(format_args!("connector {name}: topic {topic} is not there (yet)"));
        }
    }
    if config.session.kind == SessionKind::Embedded {
        findings
            .note(format_args!("connector {name}: its maps are embedded, there is nothing to connect to"));
        return;
    }
    let exit_code = StartError::Connector(String::new()).exit_code();
    let open = run::open(run::LocalSessions::default(), tokio::runtime::Handle::current());
    let session = match open(&config.session) {
        Ok(session) => session,
        Err(error) => return findings.problem(exit_code, format_args!("connector {name}: {error}")),
    };
    for map in wanted.iter().map(|topic| config.mappings.map_of(topic)) {
        match session.map(map).await {
            Ok(_) => findings.good(format_args!("connector {name}: map {map} can be written to")),
            Err(error) => {
                let advice = if error.is_retriable() {
                    "; check coherence.session.address, and that the grid runs its gRPC proxy there: \
                     a sink that runs waits for it"
                } else {
                    ""
                };
                findings.problem(exit_code, format_args!("connector {name}: map {map}: {error}{advice}"));
            }
        }
    }
}
