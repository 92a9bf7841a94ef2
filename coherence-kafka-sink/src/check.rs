//! What `check` asks of a sink connector: whether its topics exist, and whether its maps can be written to.
//!
//! It joins no group and writes no entry. It opens each map that the connector would write to, which is the only way to
//! learn whether the grid has a mapping for it.

use std::collections::BTreeSet;

use coherence_kafka_common::map::Session as _;
use coherence_kafka_connect::config::{Checked, SessionKind};
use coherence_kafka_worker::config::WorkerConfig;
use coherence_kafka_worker::{CONNECTOR, Grids, Peers, advice};
use regex::Regex;

use crate::config::{ConnectorConfig, Topics, shared};

/// Checks the grid that the worker configures for connectors that are created later.
pub(crate) async fn worker(worker: &WorkerConfig, alone: bool, grids: &mut Grids, findings: &mut Checked) {
    let named = shared::names_session(worker);
    let session = match shared::session(worker) {
        Ok(session) if named || alone => session,
        // A wrong session has already refused the start; a session that no connector needs is not checked.
        Ok(_) | Err(_) => return,
    };
    if session.kind == SessionKind::Embedded {
        if alone {
            findings.note("worker: its connectors' maps are embedded, nothing to connect to");
        }
    } else if named {
        grids.reach("worker", &session, findings).await;
    } else {
        let at = session.addresses.join(",");
        match grids.open(&session).await {
            Ok(_) => findings.good(format_args!("worker: grid at {at} reached")),
            Err(error) => findings.note(format_args!(
                "worker: coherence.session.address is not set, and no grid is reachable at {at}: {error}"
            )),
        }
    }
}

/// Checks the peers of a connector.
pub(crate) async fn connector(config: &ConnectorConfig, peers: &mut Peers, findings: &mut Checked) {
    let topics = peers.topics.as_deref();
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
    let Some(session) = peers.grids.reach(&whose, &config.session, findings).await else { return };
    let mut maps = BTreeSet::new();
    for topic in &wanted {
        match config.map_names.map_of(topic) {
            Ok(map) => {
                maps.insert(map);
            }
            Err(error) => findings.problem(CONNECTOR, format_args!("{whose}: topic {topic}: {error}")),
        }
    }
    for map in &maps {
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
