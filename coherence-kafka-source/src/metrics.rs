//! The metrics of a source, in OpenMetrics text: names, labels and meanings, and `GET /metrics` of a process without a
//! worker.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use coherence_kafka_worker::metrics::{self, Family, MetricKind, Sample};

use crate::status::{State, Status};

type Metric = (Family, fn(&Status) -> u64);

const fn counter(name: &'static str, help: &'static str, read: fn(&Status) -> u64) -> Metric {
    (Family { name, kind: MetricKind::Counter, help, labels: &["map", "topic"], former: false }, read)
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Status) -> u64) -> Metric {
    (Family { name, kind: MetricKind::Gauge, help, labels: &["map", "topic"], former: false }, read)
}

/// The metrics that have one value for every map.
#[rustfmt::skip]
const OF_MAPS: &[Metric] = &[
    counter("coherence_kafka_source_events", "Events of the map", |s| s.events.now()),
    counter("coherence_kafka_source_scanned", "Entries that comparisons scanned", |s| s.scanned.now()),
    counter("coherence_kafka_source_records", "Records and tombstones submitted to Kafka", |s| s.records.now()),
    counter("coherence_kafka_source_superfluous", "Records that the topic held already", |s| s.superfluous.now()),
    counter("coherence_kafka_source_overtaken", "Events left out because the topic was ahead of them", |s| s.overtaken.now()),
    counter("coherence_kafka_source_acknowledged", "Records that Kafka acknowledged", |s| s.acknowledged.now()),
    counter("coherence_kafka_source_failed", "Records that were not acknowledged and are published again", |s| s.failed.now()),
    counter("coherence_kafka_source_refused", "Entries that cannot become a record or that Kafka refuses", |s| s.refused.now()),
    counter("coherence_kafka_source_gaps", "Times at which changes may have been missed", |s| s.gaps.now()),
    counter("coherence_kafka_source_comparisons", "Comparisons of map and topic", |s| s.comparisons.now()),
    counter("coherence_kafka_source_kept", "Keys that comparisons kept in the topic though the map does not have them", |s| s.kept.now()),
    counter("coherence_kafka_source_strays", "Values in partitions in which their keys do not belong", |s| s.strays.now()),
    gauge("coherence_kafka_source_in_flight", "Records without acknowledgement", |s| s.in_flight.now().try_into().unwrap_or(0)),
    gauge("coherence_kafka_source_digest_keys", "Keys in the digest of the topic", |s| s.digest_keys.now().try_into().unwrap_or(0)),
    gauge("coherence_kafka_source_digest_bytes", "Bytes of the digest of the topic", |s| s.digest_bytes.now().try_into().unwrap_or(0)),
];

const STATE: Family = Family {
    name: "coherence_kafka_source_state",
    kind: MetricKind::Gauge,
    help: "1 for the current state, 0 for the others",
    labels: &["map", "topic", "state"],
    former: false,
};
const RESTARTS: Family = Family {
    name: "coherence_kafka_source_task_restarts",
    kind: MetricKind::Counter,
    help: "Restarts of the task",
    labels: &[],
    former: false,
};

/// All metrics of a task.
pub static FAMILIES: &[Family] = &{
    let mut all = [STATE; OF_MAPS.len() + 2];
    let mut at = 0;
    while at < OF_MAPS.len() {
        all[at] = OF_MAPS[at].0;
        at += 1;
    }
    all[OF_MAPS.len() + 1] = RESTARTS;
    all
};

/// Returns the samples of a map.
pub(crate) fn samples(status: &Status) -> Vec<Sample> {
    let labels = || vec![status.map.clone().into(), status.topic.clone().into()];
    let of_map = OF_MAPS.iter().map(|(family, read)| Sample {
        family: *family,
        labels: labels(),
        value: read(status).into(),
    });
    let is = status.state();
    let states = State::ALL.into_iter().map(|state| {
        let mut labels = labels();
        labels.push(state.name().into());
        Sample { family: STATE, labels, value: u64::from(state == is).into() }
    });
    of_map.chain(states).collect()
}

/// Returns the sample of the restarts of a task.
pub(crate) fn restarts(value: u64) -> Sample {
    Sample { family: RESTARTS, labels: Vec::new(), value: value.into() }
}

/// Returns the metrics at the moment, of a process without a worker.
pub fn render(statuses: &[Arc<Status>]) -> String {
    let samples = statuses.iter().flat_map(|status| samples(status)).collect();
    // Writing into a string does not fail.
    metrics::page(FAMILIES, samples).unwrap_or_default()
}

/// Answers `GET /metrics` until the process ends. Where it listens.
///
/// # Errors
/// The error of the operating system.
pub fn serve(host: &str, port: u16, statuses: Vec<Arc<Status>>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((if host.is_empty() { "0.0.0.0" } else { host }, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let page = move || async move { ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], render(&statuses)) };
    let router = Router::new().route("/metrics", get(page));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics listener ended");
        }
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_and_state_is_told_by_map_and_topic() {
        let status = Status::new("orders", "shop.orders");
        status.events.add(7);
        let page = render(&[Arc::new(status)]);
        let labels = "map=\"orders\",topic=\"shop.orders\"";
        assert!(page.contains(&format!("coherence_kafka_source_events_total{{{labels}}} 7\n")), "{page}");
        let state =
            |name: &str, is: u8| format!("coherence_kafka_source_state{{{labels},state=\"{name}\"}} {is}\n");
        assert!(page.contains(&state("standing-by", 1)) && page.contains(&state("following", 0)), "{page}");
        assert!(page.ends_with("# EOF\n"), "{page}");
    }

    #[test]
    fn the_alerts_and_the_dashboard_use_metrics_that_exist() {
        let page = render(&[Arc::new(Status::new("orders", "shop.orders"))]);
        for file in ["alerts.yml", "dashboard.json"] {
            let path = format!("{}/../config/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let used: Vec<_> = words.filter(|word| word.starts_with("coherence_kafka_source_")).collect();
            assert!(!used.is_empty(), "{file}");
            for name in used {
                assert!(page.contains(&format!("\n{name}{{")), "{file}: {name} does not exist");
            }
        }
    }
}
