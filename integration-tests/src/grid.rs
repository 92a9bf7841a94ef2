//! One Coherence storage member with the gRPC proxy, on free loopback ports, in a cluster of its own.

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::jvm;
use crate::process::Process;
use crate::sandbox::{Folder, free_port, unique};
use crate::tls::{Certificates, ClientAuth};
use crate::wait;

mod tool;
mod values;

pub use tool::GridTool;
pub use values::{Contents, Event, Literal, Stays, Value};

const START_DEADLINE: Duration = Duration::from_secs(90);
/// A release whose proxy knows protocol v0 alone: the one that most users of such grids have.
const BEFORE_V1: &str = "22.06.2";
/// Names another one.
const OLD_GRID: &str = "COHERENCE_KAFKA_OLD_GRID";

/// The release of Coherence CE of tests with old grids: 22.06.2 unless the variable `COHERENCE_KAFKA_OLD_GRID` names
/// another one.
pub fn old_version() -> String {
    env::var(OLD_GRID).unwrap_or_else(|_| BEFORE_V1.to_owned())
}

/// The serializer of the member's caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serializer {
    /// Portable Object Format, with the user types of the grid tool: 1001 to 1006 (`Person`, `Address`, `Color`,
    /// `Order`, `Team`, `Contact`), 1010 and 1011 (`Animal`, `Dog`), 1020 to 1023 (`Shop`).
    Pof,
    /// JSON, with the aliases `Person`, `Address`, `Color` and `sports.Team`. Such a member stays alone: its cache service
    /// ends when a second member joins.
    Json,
    /// Java serialization, the grid's default.
    Java,
}

impl Serializer {
    fn name(self) -> &'static str {
        match self {
            Self::Pof => "pof",
            Self::Json => "json",
            Self::Java => "java",
        }
    }
}

/// The choices of a test about its grid.
#[derive(Debug, Clone)]
pub struct GridOptions {
    /// The serializer of its caches.
    pub serializer: Serializer,
    /// TLS on the gRPC port; none is plaintext.
    pub tls: Option<ClientAuth>,
    /// The release of Coherence CE; `None` is the newest that is tested. An older one knows none of the user types.
    pub version: Option<String>,
    /// Whether it has a gRPC proxy at all.
    pub grpc: bool,
    /// The JVM's largest heap, as `-Xmx` takes it. A million small entries need about 400 MB.
    pub heap: String,
    /// A JVM for measurements: optimising compiler, G1, the whole heap from the start.
    pub fast: bool,
    /// Further system properties, as `name=value`.
    pub properties: Vec<String>,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self {
            serializer: Serializer::Pof,
            tls: None,
            version: None,
            grpc: true,
            heap: "256m".to_owned(),
            fast: false,
            properties: Vec::new(),
        }
    }
}

/// A running member, or one that is down for the moment. Dropping it kills it.
#[derive(Debug)]
pub struct Grid {
    // First, so that the process is gone before its folder is removed.
    running: Option<Running>,
    options: GridOptions,
    cluster: Cluster,
    grpc_port: u16,
    health_port: u16,
    certificates: Option<Certificates>,
    starts: u32,
    folder: Folder,
}

#[derive(Debug)]
struct Running {
    process: Process,
    tool: GridTool,
}

#[derive(Debug, Clone)]
struct Cluster {
    name: String,
    port: u16,
}

impl Cluster {
    fn new() -> Result<Self> {
        Ok(Self { name: unique("grid"), port: free_port()? })
    }
}

impl Grid {
    /// Starts a cluster of one member and waits until it serves.
    ///
    /// # Errors
    ///
    /// When its jars cannot be fetched, or it does not start; with the end of its log.
    pub fn start(options: GridOptions) -> Result<Self> {
        Self::start_in(Cluster::new()?, options)
    }

    /// Starts one more storage member of this grid's cluster; its maps are then spread over both, with backups.
    ///
    /// # Errors
    ///
    /// When it does not start, or the serializer is JSON (see [`Serializer::Json`]).
    pub fn second_member(&self) -> Result<Self> {
        ensure!(self.options.serializer != Serializer::Json, "a JSON grid cannot have a second member");
        Self::start_in(self.cluster.clone(), self.options.clone())
    }

    /// Starts one more member of this grid's cluster that has a gRPC proxy and stores nothing.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn proxy_member(&self) -> Result<Self> {
        let mut options = self.options.clone();
        options.properties.push("coherence.distributed.localstorage=false".to_owned());
        Self::start_in(self.cluster.clone(), options)
    }

    fn start_in(cluster: Cluster, options: GridOptions) -> Result<Self> {
        let mut grid = Self::prepare(cluster, options)?;
        grid.restart()?;
        Ok(grid)
    }

    fn prepare(cluster: Cluster, options: GridOptions) -> Result<Self> {
        let folder = Folder::new("grid")?;
        let certificates = match options.tls {
            None => None,
            Some(client_auth) => {
                let certificates = Certificates::new()?;
                certificates.write_override(&folder.path().join("override.xml"), client_auth)?;
                Some(certificates)
            }
        };
        Ok(Self {
            running: None,
            options,
            cluster,
            grpc_port: free_port()?,
            health_port: free_port()?,
            certificates,
            starts: 0,
            folder,
        })
    }

    /// The address of the gRPC proxy, `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc_port)
    }

    /// The address at which the name service of its cluster returns those of the gRPC proxies.
    pub fn name_service(&self) -> String {
        format!("coherence:///127.0.0.1:{}/{}", self.cluster.port, self.cluster.name)
    }

    /// Whether the cluster would lose nothing with any one of its members.
    pub fn is_safe(&self) -> bool {
        ureq::get(&format!("http://127.0.0.1:{}/safe", self.health_port)).call().is_ok()
    }

    /// The certificates of a grid with TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The member's process id while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref().map(|r| r.process.id())
    }

    /// The tool that reads and writes the grid without code of this project.
    ///
    /// # Panics
    ///
    /// While the grid is down.
    pub fn tool(&self) -> &GridTool {
        &self.running.as_ref().expect("the grid is up when a test looks into it").tool
    }

    /// Starts it again after [`Grid::stop`] or [`Grid::kill`], on the same ports. Its maps are gone.
    ///
    /// # Errors
    ///
    /// When it does not start; with the end of its log.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            running.process.stop()?;
        }
        self.launch(self.java_command()?)
    }

    /// A JVM for the member; a small one of the newest release shares the classes of an earlier member.
    fn java_command(&self) -> Result<Command> {
        let Self { options, .. } = self;
        let jars = jvm::coherence(options.version.as_deref())?;
        if options.fast || options.version.is_some() {
            return Ok(jars.java(&options.heap, options.fast));
        }
        jars.small_java(&options.heap, "coherence-classes", |flag| {
            let mut grid = Self::prepare(Cluster::new()?, GridOptions::default())?;
            let mut java = jars.java(&grid.options.heap, false);
            java.arg(flag);
            grid.launch(java)?;
            // The classes that most tests need.
            grid.tool().put("classes", "key", "value")?;
            grid.tool().entries("classes")?;
            let running = grid.running.take().context("the grid is down")?;
            running.process.stop_within(jvm::ARCHIVE_DEADLINE)?;
            Ok(())
        })
    }

    fn launch(&mut self, java: Command) -> Result<()> {
        self.starts += 1;
        let log = self.folder.path().join(format!("member-{}.log", self.starts));
        let (mut process, input, output) =
            Process::start_piped("the Coherence member", self.command(java), &log)?;
        let tool = GridTool::new(input, output);
        tool.ready(START_DEADLINE).with_context(|| process.log_end())?;
        let first = self.options.version.as_deref().is_some_and(|version| {
            ["21.", "22.06"].iter().any(|old| version.starts_with(old)) && version != "22.06.2"
        });
        if self.options.grpc {
            let listening = if first { "Coherence gRPC proxy is now" } else { "GrpcAcceptor now" };
            process.wait_for_line(&format!("{listening} listening for connections on"), START_DEADLINE)?;
        }
        if first {
            // It has no health port, and opens the other one before its maps can be used.
            process.wait_for_line("Started Coherence server", START_DEADLINE)?;
        } else {
            let url = format!("http://127.0.0.1:{}/ready", self.health_port);
            let ready = wait::within(START_DEADLINE, || ureq::get(&url).call().is_ok());
            ensure!(ready, "the Coherence member was never ready\n{}", process.log_end());
        }
        self.running = Some(Running { process, tool });
        Ok(())
    }

    /// Adds the member's properties and its main class.
    fn command(&self, mut command: Command) -> Command {
        let mut set = |name: &str, value: &str| {
            command.arg(format!("-D{name}={value}"));
        };
        set("coherence.cluster", &self.cluster.name);
        set("coherence.clusterport", &self.cluster.port.to_string());
        set("coherence.wka", "127.0.0.1");
        set("coherence.localhost", "127.0.0.1");
        set("coherence.ttl", "0");
        set("coherence.grpc.enabled", if self.options.grpc { "true" } else { "false" });
        set("coherence.grpc.server.port", &self.grpc_port.to_string());
        set("coherence.health.http.port", &self.health_port.to_string());
        set("coherence.health.http.address", "127.0.0.1");
        // Neither is used, and each opens a port or costs start time.
        set("coherence.proxy.enabled", "false");
        set("coherence.topic.enabled", "false");
        set("coherence.join.timeout", "200");
        // A grid for which no serializer is configured is one of Java.
        if self.options.serializer != Serializer::Java {
            set("coherence.serializer", self.options.serializer.name());
        }
        // An older release does not start with the user types of the grid tool: they need the newest one.
        let types =
            if self.options.version.is_none() { "peers-pof-config.xml" } else { "coherence-pof-config.xml" };
        set("coherence.pof.config", types);
        set("coherence.log.level", "5");
        set("java.net.preferIPv4Stack", "true");
        if self.certificates.is_some() {
            set("coherence.override", &self.folder.path().join("override.xml").display().to_string());
            set("coherence.grpc.server.socketprovider", "tls");
        }
        for property in &self.options.properties {
            command.arg(format!("-D{property}"));
        }
        command.arg("GridTool");
        command
    }

    /// Shuts it down in order.
    ///
    /// # Errors
    ///
    /// When it is not running, or does not end in time.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().context("the grid is down")?.process.stop()?;
        Ok(())
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().context("the grid is down")?.process.kill()
    }

    /// Makes it answer nothing while its connections stay open.
    pub fn freeze(&self) {
        self.running.iter().for_each(|r| r.process.freeze());
    }

    /// Ends [`Grid::freeze`].
    pub fn thaw(&self) {
        self.running.iter().for_each(|r| r.process.thaw());
    }
}
