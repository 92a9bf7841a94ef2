//! The metrics for Prometheus: `GET /metrics`, in OpenMetrics text.
//!
//! Owns: the form of the page, and the labels `connector` and `task`. Never does: counting. The metrics of tasks are the
//! plugin's, those of the worker are in `metrics/worker.rs`, those of the process in `metrics/process.rs`. Where Connect
//! has a metric of the same meaning, it has the name that the usual exporters use for Connect's (group and attribute,
//! dashes as underscores). Labels hold no key, no value, no address.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet, text as openmetrics,
};
pub use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::description::Description;
pub use crate::metric::{Family, MetricKind, Sample, Value};
use crate::worker::{ConnectorStatus, Worker};

mod process;
mod worker;

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns the state of a worker as OpenMetrics text.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn text(worker: &Worker) -> Result<String, fmt::Error> {
    let status = |name: String| worker.status(&name).map(|status| (name, status));
    let connectors: Vec<_> = worker.names().into_iter().filter_map(status).collect();
    let plugin = worker.plugin().description();
    let mut own = worker::samples(plugin, &connectors);
    own.extend(worker::of_starts(worker.starts()));
    if worker.config().distributed.is_some() {
        own.extend(worker::of_cluster(&worker.rebalances().counts()));
    }
    own.extend(process::samples());
    encoded(plugin, own, &connectors)
}

/// Returns the state of these connectors as OpenMetrics text, without the worker that runs them.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn text_of(
    plugin: &'static Description,
    connectors: &[(String, ConnectorStatus)],
) -> Result<String, fmt::Error> {
    encoded(plugin, worker::samples(plugin, connectors), connectors)
}

fn encoded(
    plugin: &'static Description,
    own: Vec<Sample>,
    connectors: &[(String, ConnectorStatus)],
) -> Result<String, fmt::Error> {
    let mut page = Page::default();
    for (connector, status) in connectors {
        for task in &status.tasks {
            let labels = vec![("connector", connector.clone()), ("task", task.number.to_string())];
            page.add(labels, task.state.samples());
        }
    }
    page.add(Vec::new(), own);
    page.families.push((plugin.metrics, plugin.former_metrics));
    page.families.push((worker::FAMILIES, None));
    page.families.push((process::FAMILIES, None));
    page.text()
}

/// Returns samples of these metrics as OpenMetrics text, for a program that runs a task without a worker.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn page(families: &'static [Family], samples: Vec<Sample>) -> Result<String, fmt::Error> {
    let mut page = Page::default();
    page.add(Vec::new(), samples);
    page.families.push((families, None));
    page.text()
}

/// Returns the table of all metrics of a worker in Markdown, where its tasks have these.
pub fn markdown(families: &[Family]) -> String {
    let mut page = String::from("| metric | type | labels | |\n|---|---|---|---|\n");
    let mut line = |family: &Family, of_task: &[&str]| {
        let Family { name, kind, help, labels, .. } = family;
        let total = if *kind == MetricKind::Counter { "_total" } else { "" };
        let labels = [of_task, labels].concat().join(", ");
        let _ = writeln!(page, "| `{name}{total}` | {} | {labels} | {help} |", kind.metric_type().as_str());
    };
    families.iter().for_each(|family| line(family, &["connector", "task"]));
    worker::FAMILIES.iter().chain(process::FAMILIES).for_each(|family| line(family, &[]));
    page
}

type Labels = Vec<(&'static str, String)>;

/// The names of metrics before they were changed: the beginning of the present ones, and of the former ones.
type Former = Option<(&'static str, &'static str)>;

/// Samples by their metrics.
#[derive(Debug, Default)]
struct Page {
    families: Vec<(&'static [Family], Former)>,
    /// The labels of tasks.
    labels: Vec<Labels>,
    /// By the name of the metric: the samples, each with the place of the labels of its task.
    samples: HashMap<&'static str, Vec<(usize, Sample)>>,
}

impl Page {
    fn add(&mut self, labels: Labels, samples: Vec<Sample>) {
        for sample in samples {
            self.samples.entry(sample.family.name).or_default().push((self.labels.len(), sample));
        }
        self.labels.push(labels);
    }

    fn text(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        openmetrics::encode(&mut text, &registry)?;
        Ok(text)
    }

    fn encode_family(&self, encoder: &mut DescriptorEncoder<'_>, name: &str, family: &Family) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, family.help, None, family.kind.metric_type())?;
        for (of_task, sample) in self.samples.get(family.name).into_iter().flatten() {
            let of_task = self.labels[*of_task].iter().map(|(name, value)| (*name, value.as_str()));
            let own = family.labels.iter().zip(&sample.labels);
            let labels: Vec<_> = of_task.chain(own.map(|(name, value)| (*name, value.as_ref()))).collect();
            match &sample.value {
                Value::Histogram(histogram) => histogram.encode(metric.encode_family(&labels)?)?,
                // An empty set of labels would be shown as one.
                value if labels.is_empty() => encode_value(&mut metric, value, family.kind)?,
                value => encode_value(&mut metric.encode_family(&labels)?, value, family.kind)?,
            }
        }
        Ok(())
    }
}

fn encode_value(metric: &mut MetricEncoder<'_>, value: &Value, kind: MetricKind) -> fmt::Result {
    match (value, kind) {
        (Value::Count(count), MetricKind::Counter) => {
            metric.encode_counter::<NoLabelSet, _, u64>(count, None)
        }
        (Value::Count(count), _) => metric.encode_gauge(count),
        (Value::Number(number), _) => metric.encode_gauge(number),
        // It has an encoding of its own.
        (Value::Histogram(_), _) => Ok(()),
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (families, former) in &self.families {
            for family in *families {
                self.encode_family(&mut encoder, family.name, family)?;
            }
            let Some((now, before)) = former else { continue };
            for family in families.iter().filter(|family| family.former) {
                if let Some(rest) = family.name.strip_prefix(now) {
                    self.encode_family(&mut encoder, &format!("{before}{rest}"), family)?;
                }
            }
        }
        Ok(())
    }
}
