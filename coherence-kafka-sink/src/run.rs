//! Puts the parts together: files to settings, settings to a worker, a worker to a REST listener.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use coherence_client::{GrpcSession, SessionOptions, SettingNames, TlsOptions};
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Format, MapError, Session};
use coherence_kafka_connect::config::{InitialState, SessionConfig, SessionKind, TlsFiles};
use coherence_kafka_rdkafka::admin::{self, Unreachable};
use coherence_kafka_rdkafka::embedded::{self, EmbeddedKafka};
use tokio::task::JoinHandle;

use crate::cli::Files;
use crate::config::{Listener, LoadError, Loaded, Sources, WorkerConfig};
use crate::worker::{OpenSession, Worker};
use crate::{live, rest};

/// How long a start waits for the first answer of the Kafka cluster.
pub const CLUSTER_DEADLINE: Duration = Duration::from_secs(30);

/// Why the sink does not start. The process ends with [`StartError::exit_code`], as `connect-standalone` does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No file was named.
    #[error("usage: coherence-kafka-sink WORKER.properties [CONNECTOR.properties|.json …], see --help")]
    Usage,
    /// The worker cannot start: its settings, its listener, or no Kafka.
    #[error("{0}")]
    Worker(String),
    /// A connector file cannot become a connector.
    #[error("{0}")]
    Connector(String),
}

impl StartError {
    /// Returns 1 for wrong usage, 2 for the worker, 3 for a connector.
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Usage => 1,
            StartError::Worker(_) => 2,
            StartError::Connector(_) => 3,
        }
    }
}

/// The sessions of maps inside this process: one for each format, shared by all connectors.
#[derive(Debug, Clone)]
pub struct LocalSessions {
    pof: Arc<LocalSession>,
    json: Arc<LocalSession>,
}

impl Default for LocalSessions {
    fn default() -> Self {
        let session = |format| Arc::new(LocalSession::new(format));
        Self { pof: session(Format::Pof), json: session(Format::Json) }
    }
}

impl LocalSessions {
    /// Returns the session whose maps have this format.
    pub fn session(&self, format: Format) -> &Arc<LocalSession> {
        match format {
            Format::Pof => &self.pof,
            Format::Json => &self.json,
        }
    }
}

/// A running worker, with its maps, its broker and its REST server.
pub struct Running {
    worker: Arc<Worker>,
    local: LocalSessions,
    broker: Option<EmbeddedKafka>,
    _rest: rest::Server,
}

impl Running {
    /// Reads the files, starts their connectors and the REST listeners. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub async fn start(files: &Files) -> Result<Self, StartError> {
        let loaded = load(files)?;
        for warning in &loaded.warnings {
            tracing::warn!("configuration: {warning}");
        }
        let broker = start_broker(&loaded.worker)?;
        let bootstrap = broker.as_ref().map(EmbeddedKafka::bootstrap_servers);
        let listeners = bind(&loaded.worker.listeners)?;
        let local = LocalSessions::default();
        let runtime = tokio::runtime::Handle::current();
        let worker_id = worker_id(&loaded.worker, &listeners);
        let settings = loaded.worker.client_settings();
        let for_this_machine_alone = !loaded.worker.listeners_are_set;
        let worker = Worker::new(loaded.worker, open(local.clone(), runtime.clone()), bootstrap, runtime);
        let worker = Arc::new(worker);
        let rest = rest::Server::start(listeners, &rest::router(worker.clone(), &worker_id))
            .map_err(|error| StartError::Worker(format!("listeners: {error}")))?;
        if for_this_machine_alone {
            tracing::info!(
                "REST interface listens on 127.0.0.1:8083 and is reachable from this machine only; set \
                 listeners=http://:8083 to open it to others"
            );
        }
        let running = Self { worker, local, broker, _rest: rest };
        let cluster = running.broker.is_none().then(|| {
            // Looked at while the connectors start: a cluster that answers costs no time.
            tokio::task::spawn_blocking(move || admin::topic_names(&settings, CLUSTER_DEADLINE))
        });
        for connector in loaded.connectors {
            if let Err(error) = running.worker.start(connector.config) {
                running.worker.stop();
                return Err(StartError::Connector(error.to_string()));
            }
        }
        if let Some(cluster) = cluster
            && let Err(reason) = answer(cluster).await
        {
            running.worker.stop();
            return Err(StartError::Worker(unreachable(&reason)));
        }
        tracing::info!(rest = %worker_id, version = env!("CARGO_PKG_VERSION"), "sink started");
        if let Err(error) = live::start(running.worker.clone()) {
            tracing::debug!(%error, "terminal line not started");
        }
        Ok(running)
    }

    /// Returns the worker.
    pub fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// Returns the maps inside this process.
    pub fn local_sessions(&self) -> &LocalSessions {
        &self.local
    }

    /// Returns the broker inside this process, if it runs one.
    pub fn embedded_kafka(&self) -> Option<&EmbeddedKafka> {
        self.broker.as_ref()
    }
}

/// Reads and checks the files.
///
/// # Errors
/// Everything that is wrong with them, as the worker's or a connector's fault.
pub fn load(files: &Files) -> Result<Loaded, StartError> {
    let Some(worker_file) = &files.worker else { return Err(StartError::Usage) };
    let sources = Sources {
        worker_file: Some(worker_file.clone()),
        connector_files: files.connectors.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        set: files.set.clone(),
        connector_set: files.connector_set.clone(),
    };
    let loaded = crate::config::load(&sources).map_err(|error| match error {
        LoadError::Worker(errors) => StartError::Worker(errors.to_string()),
        LoadError::Connector(errors) => StartError::Connector(errors.to_string()),
    })?;
    match loaded.connectors.iter().find(|c| c.initial_state != InitialState::Running) {
        Some(connector) => Err(StartError::Connector(format!(
            "connector {}: initial_state: only RUNNING is supported yet",
            connector.config.name
        ))),
        None => Ok(loaded),
    }
}

/// Waits for the answer of a cluster.
pub(crate) async fn answer<T>(cluster: JoinHandle<Result<T, Unreachable>>) -> Result<T, String> {
    match cluster.await {
        Ok(answer) => answer.map_err(|unreachable| unreachable.reason),
        Err(error) => Err(error.to_string()),
    }
}

/// Explains that the cluster does not answer: librdkafka's reason, its meaning in terms of Java's settings, and what to
/// check.
pub fn unreachable(reason: &str) -> String {
    let says = |part: &str| reason.contains(part);
    let meaning = if says("certificate verify failed") {
        "the broker's certificate is not trusted, or not made for this address: set ssl.truststore.location to the \
         certificate of its authority (PEM), and name the broker in bootstrap.servers as its certificate does; "
    } else if says("connecting to a PLAINTEXT broker listener")
        || says("wrong version number")
        || says("in state SSL_HANDSHAKE")
    {
        // The broker answered something else, or closed the connection instead of answering.
        "the broker does not speak TLS at this port; "
    } else if says("in state APIVERSION_QUERY") {
        // The broker closed the connection at the first request, which it cannot have understood.
        "the broker probably expects TLS at this port; "
    } else if says("uthentication failed") {
        "the broker refuses the credentials: check sasl.jaas.config and sasl.mechanism; "
    } else {
        ""
    };
    format!(
        "kafka cannot be reached: {reason}; {meaning}check bootstrap.servers, and security.protocol, sasl.* and ssl.* \
         where the cluster requires them"
    )
}

fn start_broker(worker: &WorkerConfig) -> Result<Option<EmbeddedKafka>, StartError> {
    if !worker.has_embedded_broker() {
        return Ok(None);
    }
    tracing::warn!("{}", embedded::LIMITS);
    EmbeddedKafka::start().map(Some).map_err(StartError::Worker)
}

/// Returns the function that opens a connector's session: lazily, so that a grid may be unavailable at the start.
pub fn open(local: LocalSessions, runtime: tokio::runtime::Handle) -> Box<OpenSession> {
    Box::new(move |config: &SessionConfig| match config.kind {
        SessionKind::Embedded => {
            tracing::warn!(
                "embedded maps are not saved: they start empty, and the topics are read from the beginning at every \
                 start; set coherence.session.directory to save them"
            );
            Ok(local.session(config.format).clone() as Arc<dyn Session>)
        }
        SessionKind::Grpc => Ok(Arc::new(grid_session(config, runtime.clone())?) as Arc<dyn Session>),
    })
}

/// Returns a session with the grid that the settings lead to; it connects when it is used.
///
/// # Errors
/// Settings that cannot be, such as TLS files without certificates.
pub fn grid_session(
    config: &SessionConfig,
    runtime: tokio::runtime::Handle,
) -> Result<GrpcSession, MapError> {
    GrpcSession::on(session_options(config), runtime).map_err(|error| MapError::Misuse(error.to_string()))
}

fn session_options(config: &SessionConfig) -> SessionOptions {
    SessionOptions {
        addresses: config.addresses.clone(),
        scope: config.scope.clone(),
        format: config.format,
        request_timeout: config.request_timeout,
        unanswered_timeout: config.unanswered_timeout,
        // A caller that wants an answer soon also wants to know soon that no proxy is reachable.
        connect_timeout: config.request_timeout.min(SessionOptions::default().connect_timeout),
        tls: config.tls.as_ref().map(|TlsFiles { ca, client, server_name }| TlsOptions {
            ca: ca.clone(),
            certificate: client.as_ref().map(|(certificate, _)| certificate.clone()),
            key: client.as_ref().map(|(_, key)| key.clone()),
            server_name: server_name.clone(),
        }),
        setting_names: SettingNames::PROPERTIES,
        ..SessionOptions::default()
    }
}

fn bind(listeners: &[Listener]) -> Result<Vec<TcpListener>, StartError> {
    let bind = |listener: &Listener| {
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        TcpListener::bind((host, listener.port)).map_err(|error| {
            StartError::Worker(format!(
                "listeners: cannot listen on http://{}:{}: {error}; choose another port, or stop the program that uses \
                 it",
                listener.host, listener.port
            ))
        })
    };
    listeners.iter().map(bind).collect()
}

/// Returns the `host:port` by which statuses name this worker.
fn worker_id(worker: &WorkerConfig, listeners: &[TcpListener]) -> String {
    let bound = listeners.first().and_then(|l| l.local_addr().ok());
    let host = worker.advertised_host.clone().unwrap_or_else(|| match bound {
        Some(address) if !address.ip().is_unspecified() => address.ip().to_string(),
        _ => "localhost".to_owned(),
    });
    let port = worker.advertised_port.or(bound.map(|address| address.port())).unwrap_or_default();
    format!("{host}:{port}")
}
