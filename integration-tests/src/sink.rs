//! The command `coherence-kafka-sink` as its users run it: files, a process, a REST port, a log.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, ExitStatus, Output};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::Process;
use crate::sandbox::{self, Folder};

const START_DEADLINE: Duration = Duration::from_secs(60);
/// The line that says that it runs.
const STARTED: &str = "sink started";
const LOG: &str = "sink.log";

/// A running sink. Dropping it kills it.
#[derive(Debug)]
pub struct Sink {
    process: Process,
    rest: String,
    // Last: the log is read while the process is stopped.
    folder: Folder,
}

/// Settings of one file: keys and values.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

impl Sink {
    /// Writes a worker and a connector file, starts the binary with them and waits until it says that it runs. An
    /// empty connector is left out. The REST listener gets a free port.
    ///
    /// # Errors
    ///
    /// When it ends before, or does not run in time; with the end of its log.
    pub fn start(worker: Settings<'_>, connector: Settings<'_>) -> Result<Self> {
        let connectors = [connector];
        Self::start_all(worker, if connector.is_empty() { &[] } else { &connectors })
    }

    /// As [`Sink::start`], with a file for each connector.
    ///
    /// # Errors
    ///
    /// As [`Sink::start`].
    pub fn start_all(worker: Settings<'_>, connectors: &[Settings<'_>]) -> Result<Self> {
        let files = connectors.iter().enumerate();
        let files =
            files.map(|(index, connector)| (format!("connector-{index}.properties"), lines(connector)));
        Self::start_files(worker, files)
    }

    /// As [`Sink::start`], with the names and texts of connector files.
    ///
    /// # Errors
    ///
    /// As [`Sink::start`].
    pub fn start_files(
        worker: Settings<'_>,
        connectors: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let (folder, rest, command) = prepare(worker, connectors)?;
        let log = folder.path().join(LOG);
        let mut process = Process::start("coherence-kafka-sink", command, &log)?;
        process.wait_for_line(STARTED, START_DEADLINE)?;
        Ok(Self { process, rest, folder })
    }

    /// As [`Sink::start`], with its log on a pipe of which the caller reads as much as it likes, after the line that says
    /// that it runs.
    ///
    /// # Errors
    ///
    /// As [`Sink::start`].
    pub fn start_read(
        worker: Settings<'_>,
        connector: Settings<'_>,
    ) -> Result<(Self, BufReader<ChildStderr>)> {
        let (folder, rest, command) =
            prepare(worker, [("connector.properties".to_owned(), lines(connector))])?;
        let (process, errors) =
            Process::start_read("coherence-kafka-sink", command, &folder.path().join(LOG))?;
        let (mut errors, mut log) = (BufReader::new(errors), String::new());
        while !log.contains(STARTED) {
            ensure!(errors.read_line(&mut log)? > 0, "it ended before it ran\n{log}");
        }
        Ok((Self { process, rest, folder }, errors))
    }

    /// The base of its REST addresses.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// The name by which statuses name it.
    pub fn worker_id(&self) -> &str {
        self.rest.trim_start_matches("http://")
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    /// `GET /connectors/{name}/status`.
    ///
    /// # Errors
    ///
    /// When there is no such connector, or no answer.
    pub fn status(&self, connector: &str) -> Result<Value> {
        let address = format!("{}/connectors/{connector}/status", self.rest);
        Ok(ureq::get(&address).call()?.body_mut().read_json()?)
    }

    /// The traces of a connector's failed tasks.
    ///
    /// # Errors
    ///
    /// When there is no such connector, or no answer.
    pub fn failures(&self, connector: &str) -> Result<Vec<String>> {
        let status = self.status(connector)?;
        let tasks = status["tasks"].as_array().context("the status has no tasks")?;
        let failed = tasks.iter().filter(|task| task["state"] == "FAILED");
        Ok(failed.map(|task| task["trace"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// `GET /metrics`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub fn metrics(&self) -> Result<String> {
        Ok(ureq::get(&format!("{}/metrics", self.rest)).call()?.body_mut().read_to_string()?)
    }

    /// The metric `name` of a connector, all of its tasks together.
    ///
    /// # Errors
    ///
    /// When there is no answer, or no such metric.
    pub fn metric(&self, name: &str, connector: &str) -> Result<u64> {
        let text = self.metrics()?;
        metric(&text, name, &format!("connector={connector:?}"))
            .with_context(|| format!("{name} of {connector} is not in\n{text}"))
    }

    /// SIGTERM, and the wait for its end.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// SIGINT, as Ctrl-C sends it, and the wait for its end.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn interrupt(self) -> Result<ExitStatus> {
        self.process.interrupt()
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

/// Writes the files: the folder that holds them, the REST address, and the command with both.
fn prepare(
    worker: Settings<'_>,
    connectors: impl IntoIterator<Item = (String, String)>,
) -> Result<(Folder, String, Command)> {
    let folder = Folder::new("sink")?;
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port()?);
    let mut all = vec![("listeners", rest.as_str())];
    all.extend(worker);
    let mut command = Command::new(binary()?);
    command.arg(write_properties(folder.path(), "worker.properties", &all)?);
    for (name, text) in connectors {
        let file = folder.path().join(name);
        fs::write(&file, text)?;
        command.arg(file);
    }
    Ok((folder, rest, command))
}

/// Runs the binary to its end.
///
/// # Errors
///
/// When it cannot be started.
pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Output> {
    Ok(Command::new(binary()?).args(arguments).output()?)
}

/// Writes a properties file; backslashes and non-Latin text are the caller's business.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_properties(folder: &Path, name: &str, settings: Settings<'_>) -> Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, lines(settings)).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn lines(settings: Settings<'_>) -> String {
    settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// The sum of all samples of a metric in the text of `GET /metrics` whose labels begin with `labels`.
pub fn metric(text: &str, name: &str, labels: &str) -> Option<u64> {
    let begin = format!("{name}{{{labels}");
    let samples = text.lines().filter(|line| line.starts_with(&begin));
    let values: Vec<u64> = samples.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// The binary beside the running test or program, of the same profile.
///
/// # Errors
///
/// When it was not built. One that is older than its sources is told of on stderr, which a failing test shows.
pub fn binary() -> Result<PathBuf> {
    // Looked at once: who edits while tests run does not break them.
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    if let Some(binary) = BINARY.get() {
        return Ok(binary.clone());
    }
    find_binary().map(|binary| BINARY.get_or_init(|| binary).clone())
}

fn find_binary() -> Result<PathBuf> {
    const BUILD: &str = "build it with: cargo build -p coherence-kafka-sink (cargo test --workspace does)";
    let running = std::env::current_exe()?;
    let mut folder = running.parent().context("this program has no folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().context("deps has no parent")?;
    }
    let binary = folder.join("coherence-kafka-sink");
    let Ok(built) = fs::metadata(&binary).and_then(|m| m.modified()) else {
        bail!("{} is not there: {BUILD}", binary.display());
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate has no parent")?;
    for name in [
        "coherence-kafka-common",
        "coherence-client",
        "coherence-kafka-connect",
        "coherence-kafka-rdkafka",
        "coherence-kafka-worker",
        "coherence-kafka-sink",
    ] {
        let newest = newest(&root.join(name).join("src"))?;
        if newest > built {
            eprintln!("{} is older than the sources of {name}: {BUILD}", binary.display());
        }
    }
    Ok(binary)
}

fn newest(folder: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let time = if entry.file_type()?.is_dir() {
            self::newest(&entry.path())?
        } else {
            entry.metadata()?.modified()?
        };
        newest = newest.max(time);
    }
    Ok(newest)
}
