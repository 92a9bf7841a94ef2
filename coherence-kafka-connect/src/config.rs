//! Typed configuration, as Connect's `ConfigDef` has it.
//!
//! Owns: what a setting may hold and how it is refused. Never does: where a setting comes from (files,
//! environment, variables), which is the worker's business.

pub mod def;
