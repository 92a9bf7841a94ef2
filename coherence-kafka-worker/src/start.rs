//! Puts the parts together: files to settings, settings to a worker, a worker to a REST listener.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_rdkafka::admin::{self, Unreachable};
use coherence_kafka_rdkafka::embedded::{self, EmbeddedKafka};
use tokio::task::JoinHandle;

use crate::cli::Files;
use crate::config::{AdminListeners, Listener, RestConfig, Scheme, TlsConfig, WorkerConfig};
use crate::distributed::{self, Member};
use crate::exit_codes::{CONNECTOR, WORKER};
use crate::herder::{Herder, StandaloneHerder};
use crate::load::{self, LoadError, Loaded, Sources};
use crate::plugin::Plugin;
use crate::worker::Worker;
use crate::{progress_line, rest};

/// How long a start waits for the first answer of the Kafka cluster.
pub const CLUSTER_DEADLINE: Duration = Duration::from_secs(30);

/// Why a worker does not start. The process ends with [`StartError::exit_code`], as `connect-standalone` does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No file was named.
    #[error("usage: {program} WORKER.properties [CONNECTOR.properties|.json …], see --help")]
    Usage {
        /// The name of the program.
        program: String,
    },
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
            StartError::Usage { .. } => 1,
            StartError::Worker(_) => WORKER,
            StartError::Connector(_) => CONNECTOR,
        }
    }
}

/// A running worker, with its broker and its REST server.
pub struct Running {
    worker: Arc<Worker>,
    /// Where it is one of a cluster.
    member: Option<Arc<Member>>,
    broker: Option<EmbeddedKafka>,
    _rest: rest::Server,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Running {
    /// Starts the connectors and the REST listeners of a configuration, which was checked with this plugin. Must run
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub async fn start(plugin: Arc<dyn Plugin>, loaded: Loaded) -> Result<Self, StartError> {
        for warning in &loaded.warnings {
            tracing::warn!("configuration: {warning}");
        }
        let broker = start_broker(&loaded.worker)?;
        let bootstrap = broker.as_ref().map(EmbeddedKafka::bootstrap_servers);
        let rest = loaded.worker.rest.clone();
        let listeners = bind("listeners", &rest.listeners)?;
        let of_admin: &[Listener] = if let AdminListeners::Own(own) = &rest.admin { own } else { &[] };
        let admin_listeners = bind("admin.listeners", of_admin)?;
        let runtime = tokio::runtime::Handle::current();
        let worker_id = worker_id(&rest, &listeners);
        let settings = loaded.worker.client_settings();
        let kind = plugin.description().kind.name();
        let worker = Arc::new(Worker::new(plugin, loaded.worker, bootstrap, runtime));
        let distributed = worker.config().distributed.clone();
        let member = distributed
            .map(|config| distributed::create(worker.clone(), &worker_id, config))
            .transpose()
            .map_err(StartError::Worker)?;
        let herder: Arc<dyn Herder> = match &member {
            Some(member) => Arc::new(member.clone()),
            None => Arc::new(StandaloneHerder::new(worker.clone(), &worker_id)),
        };
        let router = rest::router_of(herder.clone());
        let admin_router = rest::admin_router(herder);
        let endpoints = endpoints(&rest.listeners, listeners, &router, rest.tls.as_ref())
            .chain(endpoints(of_admin, admin_listeners, &admin_router, rest.admin_tls.as_ref()))
            .collect();
        let server = rest::Server::start(rest.limits, endpoints)
            .map_err(|error| StartError::Worker(format!("listeners: {error}")))?;
        if !rest.listeners_are_set {
            tracing::info!(
                "REST interface listens on 127.0.0.1:8083 and is reachable from this machine only; set \
                 listeners=http://:8083 to open it to others"
            );
        }
        let running = Self { worker, member, broker, _rest: server };
        let cluster = running.broker.is_none().then(|| {
            // Looked at while the connectors start: a cluster that answers costs no time.
            tokio::task::spawn_blocking(move || admin::topic_names(&settings, CLUSTER_DEADLINE))
        });
        for connector in loaded.connectors {
            if let Err(error) = running.worker.start(connector.config, connector.initial_state) {
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
        match running.member.clone() {
            // It is ready when it has joined its group.
            Some(member) => {
                let started = tokio::task::spawn_blocking(move || member.start()).await;
                if let Err(reason) = started.unwrap_or_else(|panic| Err(panic.to_string())) {
                    running.stop();
                    return Err(StartError::Worker(reason));
                }
            }
            None => running.worker.set_ready(),
        }
        tracing::info!(rest = %worker_id, version = env!("CARGO_PKG_VERSION"), "{kind} started");
        if let Err(error) = progress_line::start(running.worker.clone()) {
            tracing::debug!(%error, "terminal line not started");
        }
        Ok(running)
    }

    /// Returns the worker.
    pub fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// Stops all connectors; of a cluster, other workers have them then. Blocks.
    pub fn stop(&self) {
        if let Some(member) = &self.member {
            member.leave();
        }
        self.worker.stop();
    }

    /// Returns the broker inside this process, if it runs one.
    pub fn embedded_kafka(&self) -> Option<&EmbeddedKafka> {
        self.broker.as_ref()
    }
}

/// Reads and checks the files of `program`, whose connectors are of this kind.
///
/// # Errors
/// Everything that is wrong with them, as the worker's or a connector's fault.
pub(crate) fn load(program: &str, plugin: &dyn Plugin, files: &Files) -> Result<Loaded, StartError> {
    let Some(worker_file) = &files.worker else {
        return Err(StartError::Usage { program: program.to_owned() });
    };
    let sources = Sources {
        worker_file: Some(worker_file.clone()),
        connector_files: files.connectors.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        set: files.set.clone(),
        connector_set: files.connector_set.clone(),
    };
    load::load(plugin, &sources).map_err(|error| match error {
        LoadError::Worker(errors) => StartError::Worker(errors.to_string()),
        LoadError::Connector(errors) => StartError::Connector(errors.to_string()),
    })
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
pub(crate) fn unreachable(reason: &str) -> String {
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

fn bind(key: &str, listeners: &[Listener]) -> Result<Vec<TcpListener>, StartError> {
    let bind = |listener: &Listener| {
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        TcpListener::bind((host, listener.port)).map_err(|error| {
            StartError::Worker(format!(
                "{key}: cannot listen on {}://{}:{}: {error}; choose another port, or stop the program that uses it",
                listener.scheme, listener.host, listener.port
            ))
        })
    };
    listeners.iter().map(bind).collect()
}

/// Returns the listeners with their routes, and with TLS where they are to be reached by `https`.
fn endpoints<'a>(
    listeners: &'a [Listener],
    sockets: Vec<TcpListener>,
    router: &'a axum::Router,
    tls: Option<&'a TlsConfig>,
) -> impl Iterator<Item = rest::Endpoint> + 'a {
    listeners.iter().zip(sockets).map(move |(listener, socket)| {
        let endpoint = rest::Endpoint::new(socket, router.clone());
        match tls {
            Some(tls) if listener.scheme == Scheme::Https => endpoint.with_tls(tls.clone()),
            _ => endpoint,
        }
    })
}

/// Returns the `host:port` by which statuses name this worker.
fn worker_id(rest: &RestConfig, listeners: &[TcpListener]) -> String {
    let advertised = rest.listeners.iter().position(|listener| listener.scheme == rest.advertised.scheme);
    let bound = advertised.and_then(|at| listeners.get(at)?.local_addr().ok());
    let host = rest.advertised.host.clone().unwrap_or_else(|| match bound {
        Some(address) if !address.ip().is_unspecified() => address.ip().to_string(),
        _ => "localhost".to_owned(),
    });
    let port = rest.advertised.port.or(bound.map(|address| address.port())).unwrap_or_default();
    format!("{host}:{port}")
}
