#![doc = include_str!("../README.md")]
//!
//! ```text
//! plugin.rs control.rs     what a connector is to the worker: the traits that a sink and a source implement
//! description.rs metric.rs what it is called; its settings and metrics
//! command.rs cli.rs        what both programs do: arguments, logs, signals, exit codes
//! start.rs check.rs        files to a running worker; or to a report of what is wrong with files and peers
//! config.rs config/        settings of the worker, and what all connectors have in common
//! load.rs load/            files to these settings, checked together with the plugin
//! worker.rs worker/        connectors by name, each with its tasks
//! herder.rs                what the REST interface asks of a worker
//! distributed.rs           Kafka Connect's distributed mode: the meaning of its topics
//! rest.rs rest/            the REST interface
//! ui.rs ui/                the page that shows and controls the connectors in a browser
//! metrics.rs               what the tasks have done, for Prometheus
//! progress_line.rs         the same for a person at a terminal
//! terminal.rs              lines on a terminal, above what is drawn there
//! grids.rs                 sessions with the grids that settings lead to
//! loggers.rs               the levels of the logs
//! exit_codes.rs retry.rs   exit codes of the programs; pauses between attempts
//! descriptors.rs panics.rs limits of the process; what a thread panicked with
//! ```
//!
//! The worker knows connectors only by the traits of [`Plugin`]. It moves no records.

#![warn(unreachable_pub, missing_debug_implementations)]

mod check;
mod cli;
pub mod command;
pub mod config;
mod control;
mod description;
mod descriptors;
mod distributed;
mod exit_codes;
mod grids;
mod herder;
pub mod load;
mod loggers;
mod metric;
pub mod metrics;
mod panics;
mod plugin;
mod progress_line;
pub mod rest;
mod retry;
mod start;
pub mod terminal;
#[cfg(test)]
mod testing;
mod ui;
mod worker;

pub use cli::{Files, LogFormat};
pub use control::TaskControl;
pub use description::{ConnectorType, Description};
pub use exit_codes::{CONNECTOR, WORKER};
pub use grids::{Grids, advice, grid_session};
pub use panics::caught;
pub use plugin::{
    Connector, ConsumerGroup, Context, DeadLetterTopic, Peers, Plugin, Progress, Task, TaskFailure, TaskSet,
    TaskState, Turn,
};
pub use retry::{Pauses, RetryPolicy};
pub use start::{CLUSTER_DEADLINE, Running, StartError};
pub use worker::{
    CONFLICT, ConnectorInfo, ConnectorState, ConnectorStatus, CreateError, RequestError, TaskStatus, Worker,
};
