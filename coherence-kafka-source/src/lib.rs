#![doc = include_str!("../README.md")]
//!
//! ```text
//! connector.rs             the source as a connector of a worker
//! cli.rs check.rs progress.rs metrics.rs status.rs   the command, and its status for others
//! config.rs config/        settings: file, environment, command line → checked configuration
//! source.rs                all maps: leading or standing by
//! task.rs task/            one map: its events, comparisons and records
//! records.rs               pure: what an entry is in the topic
//! publisher.rs publisher/  pure: which event, which scanned entry becomes a record
//! digest.rs digest/        pure: what a topic holds, as hashes
//! ```
//!
//! **What a consumer of a topic sees.** Every change that an event reported, in the order of the changes of its key;
//! after a gap (a start, a lost connection, too many events at once) the last value of every key that differs, and a
//! tombstone for every key that is gone. So the topic, compacted, equals the map whenever nothing is under way;
//! intermediate values may be missing, and a record may come more than once. A key never goes back to an older value,
//! except where a record was not acknowledged or its process died; the newest one follows then.

#![warn(unreachable_pub, missing_debug_implementations)]

#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod cli;
mod config;
mod connector;
#[doc(hidden)]
pub mod digest;
#[doc(hidden)]
pub mod metrics;
#[doc(hidden)]
pub mod progress;
mod publisher;
mod records;
mod source;
mod status;
mod task;

pub use config::{ErrorConfig, FormConfig, MapConfig, SourceConfig, Sources, Unchecked, load};
pub use connector::{SourceConnector, SourcePlugin};
pub use source::{Report, Source, SourceError};
pub use status::{Count, Level, State, Status};
pub use task::TaskError;
