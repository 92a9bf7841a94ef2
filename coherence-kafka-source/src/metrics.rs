//! `GET /metrics`: the metrics of a source, in Prometheus' text format.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::status::{State, Status};

const PREFIX: &str = "coherence_kafka_source";
/// The format of OpenMetrics, which Prometheus asks for.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Counter = (&'static str, &'static str, fn(&Status) -> u64);
type Gauge = (&'static str, &'static str, fn(&Status) -> i64);

const COUNTERS: [Counter; 12] = [
    ("events", "Events of the map", |s| s.events.now()),
    ("scanned", "Entries that comparisons scanned", |s| s.scanned.now()),
    ("records", "Records and tombstones submitted to Kafka", |s| s.records.now()),
    ("superfluous", "Records that the topic held already", |s| s.superfluous.now()),
    ("overtaken", "Events left out because the topic was ahead of them", |s| s.overtaken.now()),
    ("acknowledged", "Records that Kafka acknowledged", |s| s.acknowledged.now()),
    ("failed", "Records that were not acknowledged and are published again", |s| s.failed.now()),
    ("refused", "Entries that cannot become a record or that Kafka refuses", |s| s.refused.now()),
    ("gaps", "Times at which changes may have been missed", |s| s.gaps.now()),
    ("comparisons", "Comparisons of map and topic", |s| s.comparisons.now()),
    ("kept", "Keys that comparisons kept in the topic though the map does not have them", |s| s.kept.now()),
    ("strays", "Values in partitions in which their keys do not belong", |s| s.strays.now()),
];

const GAUGES: [Gauge; 3] = [
    ("in_flight", "Records without acknowledgement", |s| s.in_flight.now()),
    ("digest_keys", "Keys in the digest of the topic", |s| s.digest_keys.now()),
    ("digest_bytes", "Bytes of the digest of the topic", |s| s.digest_bytes.now()),
];

#[derive(Debug)]
struct Collected(Vec<Arc<Status>>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, read) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for status in &self.0 {
                ConstCounter::new(read(status)).encode(family.encode_family(&labels(status))?)?;
            }
        }
        for (name, help, read) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for status in &self.0 {
                ConstGauge::new(read(status)).encode(family.encode_family(&labels(status))?)?;
            }
        }
        let help = "1 for the current state, 0 for the others";
        let mut family = encoder.encode_descriptor("state", help, None, MetricType::Gauge)?;
        for status in &self.0 {
            for state in State::ALL {
                let [map, topic] = labels(status);
                let labels = [map, topic, ("state", state.name())];
                let is = i64::from(status.state() == state);
                ConstGauge::new(is).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn labels(status: &Status) -> [(&str, &str); 2] {
    [("map", &status.map), ("topic", &status.topic)]
}

/// Returns the metrics at the moment.
pub fn render(statuses: &[Arc<Status>]) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Collected(statuses.to_vec())));
    let mut page = String::new();
    // Writing into a string does not fail.
    let _ = text::encode(&mut page, &registry);
    page
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
    let page = move || async move { ([(CONTENT_TYPE, FORMAT)], render(&statuses)) };
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
}
