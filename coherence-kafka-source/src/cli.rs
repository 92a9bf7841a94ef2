//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Sources;

/// Oracle Coherence maps into Kafka topics.
///
/// Listens to maps of a running grid and publishes their changes; after every gap it publishes the difference between
/// map and topic.
#[derive(Debug, Parser)]
#[command(name = "coherence-kafka-source", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// `check` instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The file to run.
    #[command(flatten)]
    pub settings: Settings,
    /// Publishes the difference between maps and topics, all of the maps where the topics are empty, and ends.
    #[arg(long)]
    pub once: bool,
}

/// What the program does instead of publishing.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks the settings, and that Kafka and the grid are reachable; publishes nothing.
    Check(Settings),
}

/// A file and what overrides it. `Debug` shows no overrides: there may be passwords among them.
#[derive(Clone, Args)]
pub struct Settings {
    /// The properties file.
    #[arg(value_name = "SOURCE.properties")]
    pub file: Option<PathBuf>,
    /// Overrides a setting; beats COHERENCE_KAFKA_SOURCE_… of the environment, which beats the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Settings {
    /// With the environment of the process.
    pub fn sources(&self) -> Sources {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Sources {
            file: self.file.clone(),
            environment: std::env::vars_os().filter_map(text).collect(),
            set: self.set.clone(),
        }
    }
}
