//! One Kafka broker (KRaft, broker and controller in one node) on free loopback ports, with all its data in a folder
//! of its own.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::jvm;
use crate::peers::{self, run};
use crate::process::Process;
use crate::relay::Relay;
use crate::sandbox::{Folder, free_port};
use crate::tls::Certificates;

mod feed;
mod java;
mod topics;

pub use feed::{Feed, Pair};
pub use topics::Record;

const START_DEADLINE: Duration = Duration::from_secs(90);
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";
const PROPERTIES: &str = "server.properties";
/// The folder of its storage.
const DATA: &str = "data";

/// The choices of a test about its broker.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// The JVM's largest heap, as `-Xmx` takes it.
    pub heap: String,
    /// A JVM for measurements: optimising compiler, G1, the whole heap from the start.
    pub fast: bool,
    /// Listeners that speak TLS, in addition to the plain one.
    pub tls: bool,
    /// A listener that clients reach by way of a relay only, in addition to the plain one; not together with `tls`.
    pub relayed: bool,
    /// Further lines of the broker's properties; they win over the harness's own.
    pub properties: Vec<(String, String)>,
}

/// The user that a broker with TLS knows by SCRAM-SHA-512, and the password.
pub const SCRAM_USER: (&str, &str) = ("alice", "alice-secret");

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { heap: "256m".to_owned(), fast: false, tls: false, relayed: false, properties: Vec::new() }
    }
}

impl KafkaOptions {
    /// Properties of a broker whose groups may be asked to notice a dead member within half a second, and hand over
    /// partitions within half a second where the broker assigns them.
    pub fn impatient() -> Vec<(String, String)> {
        let names = [
            "group.min.session.timeout.ms",
            "group.consumer.min.heartbeat.interval.ms",
            "group.consumer.heartbeat.interval.ms",
        ];
        names.map(|name| (name.to_owned(), "500".to_owned())).into()
    }
}

/// A running broker, or one that is down for the moment. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Kafka {
    // First, so that the process is gone before its folder is removed.
    process: Option<Process>,
    options: KafkaOptions,
    port: u16,
    tls: Option<Tls>,
    relay: Option<Relay>,
    starts: u32,
    folder: Folder,
}

/// The listeners that speak TLS.
#[derive(Debug)]
pub struct Tls {
    /// Made by the authority that clients have to trust.
    pub certificates: Certificates,
    /// Listener without passwords, `host:port`.
    pub ssl: String,
    /// Listener that asks for [`SCRAM_USER`].
    pub sasl_ssl: String,
    /// As `ssl`, at an address that the certificate does not carry.
    pub unnamed: String,
}

impl Tls {
    fn new() -> Result<Self> {
        let address = |host: &str| Ok::<_, std::io::Error>(format!("{host}:{}", free_port()?));
        Ok(Self {
            certificates: Certificates::new()?,
            ssl: address("127.0.0.1")?,
            sasl_ssl: address("127.0.0.1")?,
            unnamed: address("127.0.0.2")?,
        })
    }

    fn properties(&self, port: u16, controller: u16) -> Result<String> {
        let Self { ssl, sasl_ssl, unnamed, .. } = self;
        let listeners =
            format!("PLAINTEXT://127.0.0.1:{port},SSL://{ssl},SASL_SSL://{sasl_ssl},UNNAMED://{unnamed}");
        Ok(format!(
            "listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,UNNAMED:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={}
ssl.client.auth=none
",
            self.certificates.server_key_store()?.display()
        ))
    }
}

impl Kafka {
    /// Starts it on an empty storage and waits until it serves.
    ///
    /// # Errors
    ///
    /// When its jars cannot be fetched, or it does not start; with the end of its log.
    pub fn start(options: KafkaOptions) -> Result<Self> {
        let mut kafka = Self::prepare(options)?;
        kafka.restart()?;
        Ok(kafka)
    }

    fn prepare(options: KafkaOptions) -> Result<Self> {
        let (port, controller) = (free_port()?, free_port()?);
        let folder = Folder::new("kafka")?;
        let tls = options.tls.then(Tls::new).transpose()?;
        let mut text = server_properties(port, controller, folder.path());
        if let Some(tls) = &tls {
            text.push_str(&tls.properties(port, controller)?);
        }
        let mut relay = None;
        if options.relayed {
            let behind = free_port()?;
            let relay = relay.insert(Relay::to(format!("127.0.0.1:{behind}"))?);
            text.push_str(&relayed_properties(port, controller, behind, &relay.address()));
        }
        for (key, value) in &options.properties {
            text.push_str(&format!("{key}={value}\n"));
        }
        fs::write(folder.path().join(PROPERTIES), text)?;
        copy_storage(&folder.path().join(DATA))?;
        Ok(Self { process: None, options, port, tls, relay, starts: 0, folder })
    }

    /// The address for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its listeners that speak TLS.
    ///
    /// # Panics
    ///
    /// When it was started without.
    pub fn tls(&self) -> &Tls {
        self.tls.as_ref().expect("a broker that was started with TLS")
    }

    /// The relay in front of the listener of `relayed`.
    ///
    /// # Panics
    ///
    /// When it was started without.
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("a broker that was started with a relay")
    }

    /// The broker's process id while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts it again after [`Kafka::stop`] or [`Kafka::kill`], on the same ports and the same data.
    ///
    /// # Errors
    ///
    /// When it does not start; with the end of its log.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(running) = self.process.take() {
            running.stop()?;
        }
        self.launch(java_command(&self.options.heap, self.options.fast)?)
    }

    fn launch(&mut self, mut command: Command) -> Result<()> {
        self.starts += 1;
        let sources = peers::sources("kafka");
        command.arg(format!("-Dlog4j2.configurationFile={}", sources.join("log4j2.xml").display()));
        command.arg("kafka.Kafka").arg(self.folder.path().join(PROPERTIES));
        let log = self.folder.path().join(format!("broker-{}.log", self.starts));
        let mut process = Process::start("the Kafka broker", command, &log)?;
        process.wait_for_line("Kafka Server started", START_DEADLINE)?;
        self.process = Some(process);
        Ok(())
    }

    /// Shuts it down in order.
    ///
    /// # Errors
    ///
    /// When it is not running, or does not end in time.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("the broker is down")?.stop()?;
        Ok(())
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the broker is down")?.kill()
    }

    /// Makes it answer nothing while its connections stay open.
    pub fn freeze(&self) {
        self.process.iter().for_each(Process::freeze);
    }

    /// Ends [`Kafka::freeze`].
    pub fn thaw(&self) {
        self.process.iter().for_each(Process::thaw);
    }
}

/// A JVM for a broker or one of Kafka's tools; a small one shares the classes of a broker.
fn java_command(heap: &str, fast: bool) -> Result<Command> {
    let jars = jvm::kafka()?;
    if fast {
        return Ok(jars.java(heap, fast));
    }
    jars.small_java(heap, "kafka-classes", |flag| {
        let mut broker = Kafka::prepare(KafkaOptions::default())?;
        let mut java = jars.java(&broker.options.heap, false);
        java.arg(flag);
        broker.launch(java)?;
        // The classes that most tests need.
        broker.create_topic("classes", 1)?;
        broker.produce("classes", [(Some("key"), Some("value"))])?;
        broker.commit("classes", "classes", 0, 1)?;
        broker.process.take().context("the broker is down")?.stop_within(jvm::ARCHIVE_DEADLINE)?;
        Ok(())
    })
}

/// Makes the storage of a new broker, which knows [`SCRAM_USER`]: a JVM formats one, and each broker gets a copy.
fn copy_storage(to: &Path) -> Result<()> {
    let jars = jvm::kafka()?;
    let (name, password) = SCRAM_USER;
    let user = format!("SCRAM-SHA-512=[name={name},password={password}]");
    let format = |folder: &Path| -> Result<()> {
        let properties = folder.join(PROPERTIES);
        fs::write(&properties, server_properties(1, 2, folder))?;
        let mut format = jars.java("128m", false);
        format.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "--add-scram", &user, "-c"]);
        run(format.arg(properties))
    };
    let formatted = peers::made("kafka-storage", &format!("{}{CLUSTER_ID}{user}", jars.stamp), format)?;
    fs::create_dir(to)?;
    for file in fs::read_dir(formatted.join(DATA))? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

fn server_properties(port: u16, controller: u16, folder: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# The first join of every group would wait 3 s for further members.
group.initial.rebalance.delay.ms=0
# The cleaner's default of 128 MB does not fit into a small heap.
log.cleaner.dedupe.buffer.size=2097152
# Tests write records whose timestamps are years old: by default they would be gone at the first look, 30 s after the start.
log.retention.ms=-1
",
        folder.join(DATA).display()
    )
}

/// The broker sends the clients of a listener to the address that it advertises there, so to the relay.
fn relayed_properties(port: u16, controller: u16, behind: u16, relay: &str) -> String {
    format!(
        "listeners=PLAINTEXT://127.0.0.1:{port},RELAYED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},RELAYED://{relay}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,RELAYED:PLAINTEXT,CONTROLLER:PLAINTEXT
"
    )
}
