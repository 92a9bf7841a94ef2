//! Kafka Connect's distributed mode: what its three topics mean, and which worker has which task.
//!
//! ```text
//! config_topic.rs   records of the configuration topic → connectors and orders; a change → its records
//! status_topic.rs   records of the status topic → states of connectors and tasks; a state → its record
//! placement.rs      a connector or a task → the partition of the offset topic whose owner runs it
//! record.rs         a record to write; the JSON of one that was read
//!
//! start.rs          topics, logs, group ─► member.rs  what this worker knows, and the tasks that it runs because of it
//!                                          publish.rs the states of these tasks
//!                                          change.rs  changes, one worker at a time
//!                                          herder.rs  answers for all workers
//! ```
//!
//! The first four are pure: no Kafka, no clock, no threads, no logs. They return what they ignore as a text.

mod change;
mod config_topic;
mod herder;
mod member;
mod placement;
mod publish;
mod record;
mod start;
mod status_topic;

pub(crate) use member::Member;
pub(crate) use start::create;
