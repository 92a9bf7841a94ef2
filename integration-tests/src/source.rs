//! The command `coherence-kafka-source` as its users run it: a file, a process, a page of metrics, a log.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::Process;
use crate::sandbox::{self, Folder};
use crate::sink::{self, Settings, write_properties};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// A running source. Dropping it kills it.
#[derive(Debug)]
pub struct Source {
    process: Process,
    metrics: String,
    // Last: the log is read while the process is stopped.
    folder: Folder,
}

impl Source {
    /// Writes the settings into a file, starts the binary with it and waits until it says that it runs. Its metrics get a
    /// free port.
    ///
    /// # Errors
    ///
    /// When it ends before, or does not run in time; with the end of its log.
    pub fn start(settings: Settings<'_>) -> Result<Self> {
        let folder = Folder::new("source")?;
        let metrics = format!("http://127.0.0.1:{}", sandbox::free_port()?);
        let mut all = vec![("metrics.listener", metrics.as_str())];
        all.extend(settings);
        let mut command = Command::new(binary()?);
        command.arg(write_properties(folder.path(), "source.properties", &all)?);
        let log = folder.path().join("source.log");
        let mut process = Process::start("coherence-kafka-source", command, &log)?;
        process.wait_for_line("source started", START_DEADLINE)?;
        Ok(Self { process, metrics, folder })
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("source.log")).unwrap_or_default()
    }

    /// `GET /metrics`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub fn metrics(&self) -> Result<String> {
        Ok(ureq::get(&format!("{}/metrics", self.metrics)).call()?.body_mut().read_to_string()?)
    }

    /// A count of a map, by its name without `coherence_kafka_source_` and `_total`.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none of this name.
    pub fn count(&self, name: &str, map: &str) -> Result<u64> {
        let begin = format!("coherence_kafka_source_{name}_total{{map=\"{map}\",");
        let page = self.metrics()?;
        let line = page.lines().find(|line| line.starts_with(&begin));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value.with_context(|| format!("no count {begin}"))?.parse().context("the count is no number")
    }

    /// What it does with a map, such as `following`. None while it does not answer.
    pub fn state(&self, map: &str) -> Option<String> {
        let begin = format!("coherence_kafka_source_state{{map=\"{map}\",");
        let page = self.metrics().ok()?;
        let line = page.lines().find(|line| line.starts_with(&begin) && line.ends_with("} 1"))?;
        Some(line.split_once("state=\"")?.1.split('"').next()?.to_owned())
    }

    /// SIGTERM, and the wait for its end.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// SIGKILL.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }
}

/// Runs the binary to its end: with the arguments before the file, and the settings in it.
///
/// # Errors
///
/// When it cannot be started.
pub fn run(arguments: &[&str], settings: Settings<'_>) -> Result<Output> {
    let folder = Folder::new("source")?;
    let file = write_properties(folder.path(), "source.properties", settings)?;
    Ok(Command::new(binary()?).args(arguments).arg(file).output()?)
}

/// The binary beside the running test or program, of the same profile.
///
/// # Errors
///
/// When it was not built.
pub fn binary() -> Result<PathBuf> {
    let binary = sink::binary()?.with_file_name("coherence-kafka-source");
    ensure!(
        binary.exists(),
        "{} is not there: build it with: cargo build -p coherence-kafka-source (cargo test --workspace does)",
        binary.display()
    );
    Ok(binary)
}

/// A worker whose connectors are sources. Dropping it kills it.
#[derive(Debug)]
pub struct SourceWorker {
    process: Process,
    rest: String,
    // Last: the log is read while the process is stopped.
    _folder: Folder,
}

impl SourceWorker {
    /// Writes a worker file, starts the binary with it and waits until it runs. The REST listener gets a free port.
    ///
    /// # Errors
    ///
    /// When it ends before, or does not run in time; with the end of its log.
    pub fn start(worker: Settings<'_>) -> Result<Self> {
        let folder = Folder::new("source-worker")?;
        let rest = format!("http://127.0.0.1:{}", sandbox::free_port()?);
        let mut all = vec![("listeners", rest.as_str())];
        all.extend(worker);
        let mut command = Command::new(binary()?);
        command.arg(write_properties(folder.path(), "worker.properties", &all)?);
        let mut process =
            Process::start("coherence-kafka-source", command, &folder.path().join("source.log"))?;
        process.wait_for_line("source started", START_DEADLINE)?;
        Ok(Self { process, rest, _folder: folder })
    }

    /// The base of its REST addresses.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Makes a request: the status, and the text of the answer.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.rest))
            .header("Content-Type", "application/json");
        let mut answer = match body {
            "" => agent.run(request.body(())?)?,
            body => agent.run(request.body(body.as_bytes().to_vec())?)?,
        };
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// SIGTERM, and the wait for its end.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop()
    }
}
