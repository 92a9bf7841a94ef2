//! A metric, and one value of it.

use std::borrow::Cow;

use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;

/// A metric. The samples of a task carry the labels `connector` and `task` in addition to its own.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, without the `_total` that the samples of a counter carry.
    pub name: &'static str,
    /// What its values are.
    pub kind: MetricKind,
    /// What it shows.
    pub help: &'static str,
    /// The names of its own labels.
    pub labels: &'static [&'static str],
    /// Whether it existed when the metrics of its plugin had their former names.
    pub former: bool,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while the process runs.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts observations by their size.
    Histogram,
}

impl MetricKind {
    /// Returns the type of the encoder.
    pub(crate) fn metric_type(self) -> MetricType {
        match self {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Histogram => MetricType::Histogram,
        }
    }
}

/// One value of a metric.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The metric.
    pub family: Family,
    /// The values of its own labels, in the order of the family.
    pub labels: Vec<Cow<'static, str>>,
    /// The value.
    pub value: Value,
}

/// The value of a sample, of the kind of its metric.
#[derive(Debug, Clone)]
pub enum Value {
    /// Of a counter or a gauge.
    Count(u64),
    /// Of a gauge.
    Number(f64),
    /// Of a histogram.
    Histogram(Histogram),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Value::Count(count)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}
