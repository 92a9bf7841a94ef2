//! The command line: that of `connect-standalone`, with `check` and `demo` in addition.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Kafka topics into Oracle Coherence maps.
///
/// Reads the files of Kafka Connect's standalone mode: a worker file, and connector files as properties or JSON.
/// One file may hold both. POST /connectors creates further connectors.
#[derive(Debug, Parser)]
#[command(name = "coherence-kafka-sink", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// `check` or `demo` instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The files to run.
    #[command(flatten)]
    pub files: Files,
}

/// What the program does instead of running the connectors.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks the files, and that Kafka and the grid are reachable; moves no records.
    Check(Files),
    /// Feeds orders through topics into maps and compares the maps with a model.
    Demo {
        /// The files to run it with; `bootstrap.servers=embedded` and `coherence.session=embedded` need nothing
        /// outside this process.
        #[command(flatten)]
        files: Files,
        /// How many records to feed.
        #[arg(long, default_value_t = 200_000)]
        records: u64,
        /// Keeps moving records after the report, until Ctrl-C.
        #[arg(long)]
        keep_running: bool,
    },
}

/// Files and what overrides them. `Debug` shows no overrides: there may be passwords among them.
#[derive(Clone, Args)]
pub struct Files {
    /// The worker's properties file.
    pub worker: Option<PathBuf>,
    /// Connector files, `.properties` or `.json`.
    pub connectors: Vec<PathBuf>,
    /// Overrides a setting of the worker; takes precedence over CONNECT_… in the environment, which takes precedence
    /// over the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Overrides a setting of every connector file; takes precedence over CONNECTOR_… in the environment.
    #[arg(long = "connector-set", value_name = "KEY=VALUE")]
    pub connector_set: Vec<String>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("worker", &self.worker)
            .field("connectors", &self.connectors)
            .finish_non_exhaustive()
    }
}
