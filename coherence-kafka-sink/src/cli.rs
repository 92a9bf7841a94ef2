//! The command line: that of `connect-standalone`, with `check`, `demo` and `mapping check` in addition.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use coherence_kafka_worker::Files;

/// Kafka topics into Oracle Coherence maps.
///
/// Reads the files of Kafka Connect's standalone mode: a worker file, and connector files as properties or JSON.
/// One file may hold both. POST /connectors creates further connectors.
#[derive(Debug, Parser)]
#[command(name = "coherence-kafka-sink", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// `check`, `demo` or `mapping check` instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The files to run.
    #[command(flatten)]
    pub files: Files,
}

impl Cli {
    /// Returns the files that the program is called with.
    pub fn files(&self) -> &Files {
        match &self.command {
            None | Some(Command::Mapping { .. }) => &self.files,
            Some(Command::Check(files) | Command::Demo { files, .. }) => files,
        }
    }
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
    /// Looks at mapping files, which describe typed entries.
    Mapping {
        /// What to do with one.
        #[command(subcommand)]
        command: MappingCommand,
    },
}

/// What the program does with a mapping file.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Checks a mapping file, and compares its type ids and classes with the POF configuration of a grid.
    Check {
        /// The mapping file.
        file: PathBuf,
        /// The grid's `pof-config.xml`. The files that it includes are read from its folder.
        #[arg(long, value_name = "FILE")]
        pof_config: Option<PathBuf>,
    },
}
