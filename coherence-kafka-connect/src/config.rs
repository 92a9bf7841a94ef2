//! Configuration: from files, environment and command line to settings that are checked, all of them at once.
//!
//! Owns: reading files and environment, variables, what a setting may hold and how it is refused, the settings of a grid's
//! session. Never does: opening connections, logging. Each program brings the tables of its own settings. The settings of
//! Kafka clients are translated in `coherence-kafka-rdkafka`.
//!
//! ```text
//! file.rs ─┐
//! environment ─┼─ layers.rs ─ Properties ─ variables.rs ─┬ def.rs        a program's table → typed values
//! command line ┘              (key → value, origin)      └ session.rs    coherence.session.*
//!                                       whatever is wrong ─ findings.rs, and for a person ─ checked.rs
//! connector_keys.rs  the settings that Connect gives every connector, for user interfaces
//! ```

mod checked;
mod connector_keys;
pub mod def;
pub mod file;
mod findings;
pub mod json;
pub mod layers;
mod properties;
mod session;
mod target_state;
mod topic_name;
mod variables;

pub use checked::Checked;
pub use connector_keys::{SINK_KEYS, SOURCE_KEYS};
pub use findings::{ConfigErrors, Finding};
pub use properties::{Properties, Property, is_secret};
pub use session::{SESSION_KEYS, SessionConfig, SessionKind, TlsFiles, UNANSWERED_TIMEOUT};
pub use target_state::TargetState;
pub use topic_name::check_topic_name;
pub use variables::{Environment, Variables};
