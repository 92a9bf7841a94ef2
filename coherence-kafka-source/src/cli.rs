//! The command line.

use clap::{Parser, Subcommand};
use coherence_kafka_worker::Files;

use crate::config::{Sources, Unchecked};

/// Oracle Coherence maps into Kafka topics.
///
/// Listens to maps of a running grid and publishes their changes; after every gap it publishes the difference between
/// map and topic. Reads the files of Kafka Connect's standalone mode: a worker file, and connector files as properties
/// or JSON. One file may hold both. Or it reads one file of its own, which names no connector.class.
#[derive(Debug, Parser)]
#[command(name = "coherence-kafka-source", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// `check` instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The files to run.
    #[command(flatten)]
    pub files: Files,
    /// Publishes the difference between maps and topics, all of the maps where the topics are empty, and ends. Needs a
    /// file of the source's own.
    #[arg(long)]
    pub once: bool,
}

impl Cli {
    /// Returns the files that the program is called with.
    pub fn files(&self) -> &Files {
        match &self.command {
            None => &self.files,
            Some(Command::Check(files)) => files,
        }
    }
}

/// What the program does instead of publishing.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks the files, and that Kafka and the grid are reachable; publishes nothing.
    Check(Files),
}

/// Reads the settings of a source in a file of its own, with the environment of the process; `None` where the files are
/// those of a worker.
pub fn own_file(files: &Files) -> Option<Unchecked> {
    if !files.connectors.is_empty() || !files.connector_set.is_empty() {
        return None;
    }
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let sources = Sources {
        file: files.worker.clone(),
        environment: std::env::vars_os().filter_map(text).collect(),
        set: files.set.clone(),
    };
    Some(sources.read()).filter(|settings| !settings.are_a_workers())
}
