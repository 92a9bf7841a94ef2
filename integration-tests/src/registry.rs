//! A schema registry with Confluent's REST interface: Apicurio, whose storage is in its memory.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::Process;
use crate::sandbox::{Folder, free_port};
use crate::{jvm, rest, wait};

const START_DEADLINE: Duration = Duration::from_secs(90);

/// A running registry. Dropping it kills it, and its schemas are gone.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    address: String,
    // Last: the log is read while the process is stopped.
    _folder: Folder,
}

impl Registry {
    /// Starts one without schemas and waits until it serves.
    ///
    /// # Errors
    ///
    /// When its jars cannot be fetched, or it does not start; with the end of its log.
    pub fn start() -> Result<Self> {
        let folder = Folder::new("registry")?;
        let port = free_port()?;
        let mut java = jvm::registry()?.java("256m", false);
        java.args(["-Dquarkus.http.host=127.0.0.1", &format!("-Dquarkus.http.port={port}")]);
        // The main class of a program that Quarkus has packed.
        java.arg("io.quarkus.runner.GeneratedMain").current_dir(folder.path());
        let mut process = Process::start("the schema registry", java, &folder.path().join("registry.log"))?;
        process.wait_for_line("Listening on: http", START_DEADLINE)?;
        let registry = Self { process, address: format!("127.0.0.1:{port}"), _folder: folder };
        let subjects = format!("{}/subjects", registry.url());
        let serves = || rest::call("GET", &subjects, None, "").is_ok_and(|answer| answer.status == 200);
        ensure!(
            wait::within(START_DEADLINE, serves),
            "the schema registry does not serve\n{}",
            registry.process.log_end()
        );
        Ok(registry)
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its address, for a relay.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address for `schema.registry.url`.
    pub fn url(&self) -> String {
        url(&self.address)
    }

    /// The address for `apicurio.registry.url` of its own serializers.
    pub fn own_url(&self) -> String {
        format!("http://{}/apis/registry/v2", self.address)
    }
}

/// The address for `schema.registry.url` of a registry, or of a relay to it, at `address`.
pub fn url(address: &str) -> String {
    format!("http://{address}/apis/ccompat/v7")
}
