//! `check`: reports what is wrong with the files, with Kafka or with the grid, and moves no records.
//!
//! Each connector checks its own peers; those of the worker's settings are checked too, also where no connector exists
//! yet.

use coherence_kafka_connect::config::Checked;
use coherence_kafka_rdkafka::admin;

use crate::cli::Files;
use crate::exit_codes::WORKER;
use crate::plugin::{Peers, Plugin};
use crate::start::{self, CLUSTER_DEADLINE};

/// Checks the files of `program`, and the peers that they name.
pub(crate) async fn run(program: &str, plugin: &dyn Plugin, files: &Files) -> Checked {
    let mut findings = Checked::default();
    let loaded = match start::load(program, plugin, files) {
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

    let mut peers = Peers::default();
    if loaded.worker.has_embedded_broker() {
        findings.note("kafka: embedded, nothing to connect to");
    } else {
        let settings = loaded.worker.client_settings();
        let looked = tokio::task::spawn_blocking(move || admin::topic_names(&settings, CLUSTER_DEADLINE));
        match start::answer(looked).await {
            Ok(topics) => {
                findings.good(format_args!("kafka: reached, {} topics", topics.len()));
                peers.topics = Some(topics);
            }
            Err(reason) => findings.problem(WORKER, start::unreachable(&reason)),
        }
    }
    for connector in &loaded.connectors {
        connector.config.connector.check(&mut peers, &mut findings).await;
    }
    plugin.check_peers(&loaded.worker, loaded.connectors.is_empty(), &mut peers.grids, &mut findings).await;
    findings
}
