//! A worker of Kafka Connect in distributed mode, on a free port, with its file connectors.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::kafka::Kafka;
use crate::process::Process;
use crate::sandbox::{Folder, free_port, unique};
use crate::sink::write_properties;
use crate::{jvm, peers, rest, wait};

const START_DEADLINE: Duration = Duration::from_secs(90);
const LOG: &str = "connect.log";

/// What makes workers one cluster: a group and three topics, of Kafka Connect or of this project.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `group.id`.
    pub group: String,
    /// `config.storage.topic`.
    pub configs: String,
    /// `offset.storage.topic`.
    pub offsets: String,
    /// `status.storage.topic`.
    pub statuses: String,
    bootstrap: String,
}

impl Cluster {
    /// One whose names no other has. The workers create its topics.
    pub fn new(kafka: &Kafka, base: &str) -> Self {
        let group = unique(base);
        let topic = |what: &str| format!("{group}-{what}");
        let (configs, offsets, statuses) = (topic("configs"), topic("offsets"), topic("statuses"));
        Self { group, configs, offsets, statuses, bootstrap: kafka.bootstrap() }
    }

    /// The lines of a worker's file that make it one of the cluster. The broker notices after 6 seconds that it has died.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("bootstrap.servers", &self.bootstrap),
            ("group.id", &self.group),
            ("config.storage.topic", &self.configs),
            ("config.storage.replication.factor", "1"),
            ("offset.storage.topic", &self.offsets),
            ("offset.storage.replication.factor", "1"),
            ("status.storage.topic", &self.statuses),
            ("status.storage.replication.factor", "1"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ]
    }
}

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub struct Connect {
    process: Process,
    rest: String,
    // Last: the log is read while the process is stopped.
    folder: Folder,
}

impl Connect {
    /// Starts a worker of the cluster and waits until it is ready for requests.
    ///
    /// # Errors
    ///
    /// When its jars cannot be fetched, or it does not start; with the end of its log.
    pub fn start(cluster: &Cluster) -> Result<Self> {
        Self::run(jvm::connect()?.java("256m", false), cluster)
    }

    /// The same in a JVM for measurements, with the connector `DiscardSink` and Apicurio's converter for Avro.
    ///
    /// # Errors
    ///
    /// As [`Connect::start`].
    pub fn start_for_measurements(cluster: &Cluster) -> Result<Self> {
        Self::run(jvm::connect_for_measurements()?.java("1g", true), cluster)
    }

    fn run(mut java: Command, cluster: &Cluster) -> Result<Self> {
        let folder = Folder::new("connect")?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let listeners = format!("http://{address}");
        let mut settings = cluster.settings();
        settings.extend([
            ("listeners", listeners.as_str()),
            // Only what announces itself: a search through all jars would take seconds.
            ("plugin.discovery", "service_load"),
            ("offset.flush.interval.ms", "500"),
        ]);
        let file = write_properties(folder.path(), "worker.properties", &settings)?;
        let log4j = peers::sources("kafka").join("log4j2.xml");
        java.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
        java.arg("org.apache.kafka.connect.cli.ConnectDistributed").arg(file);
        let mut process = Process::start("Kafka Connect", java, &folder.path().join(LOG))?;
        process.wait_for_line("Kafka Connect started", START_DEADLINE)?;
        let healthy = || rest::get(&listeners, "/health").is_ok_and(|health| health.status == 200);
        ensure!(wait::within(START_DEADLINE, healthy), "Kafka Connect is not ready\n{}", process.log_end());
        Ok(Self { process, rest: listeners, folder })
    }

    /// The base of its REST addresses.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    /// SIGTERM, and the wait for its end.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn stop(self) -> Result<()> {
        self.process.stop().map(drop)
    }
}
