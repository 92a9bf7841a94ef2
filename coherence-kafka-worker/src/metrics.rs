//! The metrics for Prometheus: `GET /metrics`, in OpenMetrics text.
//!
//! Owns: the metrics of the worker and the states of tasks, and the labels `connector` and `task`. Never does: counting,
//! that is the tasks'; the metrics of tasks are the plugin's. Where Connect has a metric of the same meaning, it has the
//! name that the usual exporters use for Connect's (group and attribute, dashes as underscores). Labels hold no key, no
//! value, no address.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, text as openmetrics,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::plugin::Description;
use crate::worker::{TaskStatus, Worker};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric of tasks: its samples carry the labels `connector` and `task`, and its own.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, without the `_total` that the samples of a counter carry.
    pub name: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// What it counts.
    pub help: &'static str,
    /// The names of its own labels.
    pub labels: &'static [&'static str],
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while the process runs.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl MetricKind {
    fn metric_type(self) -> MetricType {
        match self {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        }
    }
}

/// One value of a metric of a task.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The metric.
    pub family: Family,
    /// The values of its own labels, in the order of the family.
    pub labels: Vec<Cow<'static, str>>,
    /// The value.
    pub value: u64,
}

type Described = (&'static str, &'static str);
const STATUS: Described = (
    "kafka_connect_connector_task_status",
    "1 for the state of the task in the label status: running, failed",
);
const CONNECTORS: Described = ("kafka_connect_worker_connector_count", "Connectors of this process");
const TASKS: Described = ("kafka_connect_worker_task_count", "Tasks of this process");
const TASKS_TOTAL: Described = ("kafka_connect_worker_connector_total_task_count", "Tasks of the connector");
const TASKS_RUNNING: Described =
    ("kafka_connect_worker_connector_running_task_count", "Running tasks of the connector");
const TASKS_FAILED: Described =
    ("kafka_connect_worker_connector_failed_task_count", "Failed tasks of the connector");

/// Returns the state of a worker as OpenMetrics text.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn text(worker: &Worker) -> Result<String, fmt::Error> {
    let state = |name: String| worker.tasks(&name).map(|tasks| (name, tasks));
    let connectors = worker.names().into_iter().filter_map(state).collect();
    text_of(worker.config().plugin().description(), connectors)
}

/// Returns the state of these connectors as OpenMetrics text.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn text_of(
    plugin: &'static Description,
    connectors: Vec<(String, Vec<TaskStatus>)>,
) -> Result<String, fmt::Error> {
    encoded(Snapshot { plugin, connectors })
}

/// Returns the table of all metrics of a worker in Markdown, where its tasks have these.
pub fn markdown(families: &[Family]) -> String {
    let mut page = String::from("| metric | type | labels | |\n|---|---|---|---|\n");
    let mut line = |name: &str, kind: MetricKind, labels: &str, help: &str| {
        let total = if kind == MetricKind::Counter { "_total" } else { "" };
        let _ = writeln!(page, "| `{name}{total}` | {} | {labels} | {help} |", kind.metric_type().as_str());
    };
    for Family { name, kind, help, labels } in families {
        line(name, *kind, &[&["connector", "task"], *labels].concat().join(", "), help);
    }
    for ((name, help), labels) in [
        (STATUS, "connector, task, status"),
        (CONNECTORS, ""),
        (TASKS, ""),
        (TASKS_TOTAL, "connector"),
        (TASKS_RUNNING, "connector"),
        (TASKS_FAILED, "connector"),
    ] {
        line(name, MetricKind::Gauge, labels, help);
    }
    page
}

/// Connectors by name with their tasks, as they are at one moment.
#[derive(Debug)]
struct Snapshot {
    plugin: &'static Description,
    connectors: Vec<(String, Vec<TaskStatus>)>,
}

impl Snapshot {
    /// Returns every task with its two labels.
    fn tasks(&self) -> impl Iterator<Item = (Vec<(&'static str, String)>, &TaskStatus)> {
        self.connectors.iter().flat_map(|(connector, tasks)| {
            tasks.iter().enumerate().map(move |(number, status)| {
                (vec![("connector", connector.clone()), ("task", number.to_string())], status)
            })
        })
    }

    /// Returns a gauge of each connector that counts its tasks.
    fn count_tasks(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: Described,
        counted: fn(&TaskStatus) -> bool,
    ) -> fmt::Result {
        let mut gauges = describe(encoder, metric)?;
        for (connector, tasks) in &self.connectors {
            let count = tasks.iter().filter(|task| counted(task)).count();
            set(&mut gauges, &[("connector", connector.as_str())], count as u64)?;
        }
        Ok(())
    }
}

/// The samples of tasks, each with the labels of its task.
type Samples = Vec<(Vec<(&'static str, String)>, Vec<Sample>)>;

/// Encodes metrics of tasks; with `former`, the ones that have a former name, by it.
fn encode_families(
    encoder: &mut DescriptorEncoder<'_>,
    families: &[Family],
    former: Option<(&str, &str)>,
    tasks: &Samples,
) -> fmt::Result {
    for family in families {
        let name = match former {
            None => family.name.to_owned(),
            Some((now, before)) => match family.name.strip_prefix(now) {
                Some(rest) => format!("{before}{rest}"),
                None => continue,
            },
        };
        let kind = family.kind.metric_type();
        let mut metric = encoder.encode_descriptor(&name, family.help, None, kind)?;
        for (of_task, samples) in tasks {
            for sample in samples.iter().filter(|sample| sample.family.name == family.name) {
                let own = family.labels.iter().zip(&sample.labels);
                let labels: Vec<_> = of_task
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .chain(own.map(|(name, value)| (*name, value.as_ref())))
                    .collect();
                match family.kind {
                    MetricKind::Counter => {
                        let mut one = metric.encode_family(&labels)?;
                        one.encode_counter::<NoLabelSet, _, u64>(&sample.value, None)?;
                    }
                    MetricKind::Gauge => set(&mut metric, &labels, sample.value)?,
                }
            }
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Alone(&'static [Family], Samples);

impl Collector for Alone {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encode_families(&mut encoder, self.0, None, &self.1)
    }
}

/// Returns samples of these metrics as OpenMetrics text, for a program that runs a task without a worker.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn page(families: &'static [Family], samples: Vec<Sample>) -> Result<String, fmt::Error> {
    encoded(Alone(families, vec![(Vec::new(), samples)]))
}

fn encoded(collector: impl Collector) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector));
    let mut text = String::new();
    openmetrics::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let samples = self.tasks().map(|(labels, status)| (labels, status.state.samples())).collect();
        encode_families(&mut encoder, self.plugin.metrics, None, &samples)?;
        if let former @ Some(_) = self.plugin.former_metrics {
            encode_families(&mut encoder, self.plugin.metrics, former, &samples)?;
        }
        let mut statuses = describe(&mut encoder, STATUS)?;
        for (mut labels, status) in self.tasks() {
            let state = if status.failure.is_some() { "failed" } else { "running" };
            labels.push(("status", state.to_owned()));
            set(&mut statuses, &labels, 1)?;
        }
        describe(&mut encoder, CONNECTORS)?.encode_gauge(&(self.connectors.len() as u64))?;
        describe(&mut encoder, TASKS)?.encode_gauge(&(self.tasks().count() as u64))?;
        self.count_tasks(&mut encoder, TASKS_TOTAL, |_| true)?;
        self.count_tasks(&mut encoder, TASKS_RUNNING, |task| task.failure.is_none())?;
        self.count_tasks(&mut encoder, TASKS_FAILED, |task| task.failure.is_some())
    }
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    (name, help): Described,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)
}

fn set(gauges: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
    gauges.encode_family(labels)?.encode_gauge(&value)
}
