#![doc = include_str!("../README.md")]
//!
//! ```text
//! plugin.rs control.rs     what a connector is to the worker: the traits that a sink and a source implement
//! command.rs cli.rs        what both programs do: arguments, logs, signals, exit codes
//! start.rs check.rs        files to a running worker; or to a report of what is wrong with files and peers
//! config.rs config/        settings of the worker, and what all connectors have in common
//! worker.rs worker/        connectors by name, each with its tasks
//! herder.rs                what the REST interface asks of a worker
//! distributed.rs           Kafka Connect's distributed mode: the meaning of its topics
//! rest.rs rest/            the REST interface
//! ui.rs ui/                the page that shows and controls the connectors in a browser
//! metrics.rs terminal.rs   what the tasks have done, for Prometheus and for a person at a terminal
//! grids.rs                 sessions with the grids that settings lead to
//! loggers.rs               the levels of the logs
//! retry.rs                 pauses between attempts
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
mod descriptors;
mod distributed;
mod grids;
mod herder;
mod loggers;
pub mod metrics;
mod panics;
mod plugin;
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
pub use grids::{Grids, advice, grid_session};
pub use panics::caught;
pub use plugin::{
    Connector, ConnectorType, ConsumerGroup, Context, Description, Peers, Plugin, Progress, Task,
    TaskFailure, TaskSet, TaskState, Turn,
};
pub use retry::{Pauses, RetryPolicy};
pub use start::{CLUSTER_DEADLINE, CONNECTOR, Running, StartError, WORKER};
pub use worker::{
    CONFLICT, ConnectorInfo, ConnectorState, ConnectorStatus, CreateError, RequestError, TaskStatus, Worker,
};
