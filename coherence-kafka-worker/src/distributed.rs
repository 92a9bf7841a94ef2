//! Kafka Connect's distributed mode: what its three topics mean, and who has which task.
//!
//! ```text
//! config_topic.rs   records of the configuration topic → connectors and orders; a change → its records
//! status_topic.rs   records of the status topic → states of connectors and tasks; a state → its record
//! placement.rs      a connector or a task → the partition of the offset topic whose owner runs it
//! record.rs         a record to write; the JSON of one that was read
//! ```
//!
//! These modules are pure: no Kafka, no clock, no threads, no logs. They return what they ignore as a text.
#![allow(dead_code, reason = "the worker has no distributed mode yet")]

pub(crate) mod config_topic;
pub(crate) mod placement;
pub(crate) mod record;
pub(crate) mod status_topic;
