//! `check`: reports what is wrong with the settings, with Kafka or with the grid, and publishes nothing.
//!
//! It joins no group and writes no record. A map that would be published is opened, as that is the only way to learn
//! whether the grid has a mapping for it.

use coherence_kafka_common::map::Session as _;
use coherence_kafka_connect::config::Checked;
use coherence_kafka_rdkafka::admin::describe_topics;

use coherence_kafka_worker::{CLUSTER_DEADLINE, CONNECTOR, WORKER, grid_session};

use crate::config::{SourceConfig, Unchecked};
use crate::source::one_partition;

/// Exit code where settings or Kafka are wrong.
pub const SETTINGS: u8 = WORKER;
/// Exit code where a map cannot be published.
pub const MAPS: u8 = CONNECTOR;

/// Checks the settings, and the peers that they name.
pub async fn run(settings: Unchecked) -> Checked {
    let mut findings = Checked::default();
    let config = match settings.check() {
        Ok(config) => config,
        Err(errors) => {
            findings.problem(SETTINGS, errors);
            return findings;
        }
    };
    for warning in &config.warnings {
        findings.note(warning);
    }
    findings.good(format_args!("configuration: {} map(s)", config.maps.len()));
    peers(&config, &mut findings).await;
    findings
}

/// Checks that the topics and maps of a source can be reached.
pub(crate) async fn peers(config: &SourceConfig, findings: &mut Checked) {
    check_topics(config, findings).await;
    check_control(config, findings).await;
    check_maps(config, findings).await;
}

async fn check_topics(config: &SourceConfig, findings: &mut Checked) {
    // Maps may be published to more than one cluster, or with more than one user.
    let mut clusters = vec![(config.consumer.as_slice(), Vec::new())];
    for map in &config.maps {
        match clusters.iter_mut().find(|(settings, _)| *settings == map.consumer.as_slice()) {
            Some((_, topics)) => topics.push(map.topic.clone()),
            None => clusters.push((map.consumer.as_slice(), vec![map.topic.clone()])),
        }
    }
    for (settings, names) in clusters {
        check_cluster(settings.to_vec(), names, findings).await;
    }
}

async fn check_cluster(settings: Vec<(String, String)>, names: Vec<String>, findings: &mut Checked) {
    let wanted = names.clone();
    let looked = tokio::task::spawn_blocking(move || describe_topics(&settings, &wanted, CLUSTER_DEADLINE));
    let answer = match looked.await {
        Ok(answer) => answer.map_err(|unreachable| unreachable.reason),
        Err(error) => Err(error.to_string()),
    };
    let found = match answer {
        Ok(found) => found,
        Err(reason) => {
            return findings.problem(
                SETTINGS,
                format_args!(
                    "kafka cannot be reached: {reason}; check bootstrap.servers, and security.protocol, sasl.* and \
                     ssl.* where the cluster requires them: a running source waits for it"
                ),
            );
        }
    };
    findings.good("kafka: reached");
    for topic in &names {
        let Some(found) = found.iter().find(|found| found.name == *topic) else {
            findings.note(format_args!(
                "topic {topic} does not exist: create it, with cleanup.policy=compact; a running source waits for it"
            ));
            continue;
        };
        findings.good(format_args!("topic {topic}: {} partition(s)", found.partitions));
        if let Some(policy) = found.cleanup_policy.as_ref().filter(|policy| !policy.contains("compact")) {
            findings.note(format_args!(
                "topic {topic} has cleanup.policy={policy}: what its retention removes is missing until the next comparison, \
                 and it never shrinks to one record for each key; set cleanup.policy=compact"
            ));
        }
    }
}

/// Checks the control topic: a source creates it where it is missing; an existing one must have one partition.
async fn check_control(config: &SourceConfig, findings: &mut Checked) {
    let (settings, topic) = (config.consumer.clone(), config.control_topic.clone());
    let looked = tokio::task::spawn_blocking(move || {
        describe_topics(&settings, std::slice::from_ref(&topic), CLUSTER_DEADLINE)
    });
    // That Kafka cannot be reached is a finding already.
    let Ok(Ok(found)) = looked.await else { return };
    if let Some(found) = found.first().filter(|found| found.partitions != 1) {
        findings.problem(SETTINGS, one_partition(&found.name, found.partitions));
    }
}

async fn check_maps(config: &SourceConfig, findings: &mut Checked) {
    let session = match grid_session(&config.session, tokio::runtime::Handle::current()) {
        Ok(session) => session,
        Err(error) => return findings.problem(SETTINGS, error),
    };
    for map in config.maps.iter().map(|map| &map.cache) {
        match session.map(map).await {
            Ok(_) => findings.good(format_args!("map {map}: open")),
            Err(error) => {
                let advice = if error.is_retriable() {
                    "; check coherence.session.address, and that the grid runs its gRPC proxy there: a running source \
                     waits for it"
                } else {
                    ""
                };
                findings.problem(MAPS, format_args!("map {map}: {error}{advice}"));
            }
        }
    }
    session.close().await;
}
