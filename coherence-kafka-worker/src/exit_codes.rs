//! The exit codes of both programs, as `connect-standalone` has them.

/// The exit code where the worker cannot start: its settings, its listener, or no Kafka.
pub const WORKER: u8 = 2;
/// The exit code where a connector cannot start.
pub const CONNECTOR: u8 = 3;
