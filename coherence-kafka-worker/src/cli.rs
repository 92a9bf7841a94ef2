//! The arguments of `connect-standalone`, for the command line of a program.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Files and what overrides them. `Debug` shows no overrides: there may be passwords among them.
#[derive(Clone, Default, Args)]
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
    /// The form of the lines of the log, on stderr.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// The form of the lines of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("worker", &self.worker)
            .field("connectors", &self.connectors)
            .finish_non_exhaustive()
    }
}
