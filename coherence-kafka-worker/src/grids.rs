//! Sessions with the grids that settings lead to.

use coherence_client::{GrpcSession, SessionOptions, SettingNames, TlsOptions};
use coherence_kafka_common::map::MapError;
use coherence_kafka_connect::config::{Checked, SessionConfig, TlsFiles};
use tokio::runtime::Handle;

use crate::exit_codes::CONNECTOR;

/// Returns a session with the grid that the settings lead to; it connects when it is used.
///
/// # Errors
/// Settings that cannot be, such as TLS files without certificates.
pub fn grid_session(config: &SessionConfig, runtime: Handle) -> Result<GrpcSession, MapError> {
    GrpcSession::on(options(config), runtime).map_err(|error| MapError::Misuse(error.to_string()))
}

fn options(config: &SessionConfig) -> SessionOptions {
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

/// The grids that were connected to, each once, however many connectors share it.
#[derive(Debug, Default)]
pub struct Grids(Vec<(SessionConfig, Result<GrpcSession, MapError>)>);

impl Grids {
    /// Opens a session, or returns the one that was opened before.
    ///
    /// # Errors
    /// Why the grid cannot be reached.
    pub async fn open(&mut self, config: &SessionConfig) -> Result<GrpcSession, MapError> {
        if let Some((_, found)) = self.0.iter().find(|(known, _)| known == config) {
            return found.clone();
        }
        let found = match grid_session(config, Handle::current()) {
            Ok(session) => session.connect().await.map(|()| session),
            Err(error) => Err(error),
        };
        self.0.push((config.clone(), found.clone()));
        found
    }

    /// The same for `whose` settings, and reports the outcome.
    pub async fn reach(
        &mut self,
        whose: &str,
        config: &SessionConfig,
        findings: &mut Checked,
    ) -> Option<GrpcSession> {
        match self.open(config).await {
            Ok(session) => {
                findings.good(format_args!("{whose}: grid at {} reached", config.addresses.join(",")));
                Some(session)
            }
            Err(error) => {
                findings.problem(CONNECTOR, format_args!("{whose}: {error}{}", advice(&error)));
                None
            }
        }
    }
}

/// Returns what to check about a grid that does not answer.
pub fn advice(error: &MapError) -> &'static str {
    if error.is_retriable() {
        "; check coherence.session.address, and that the grid runs its gRPC proxy there; running tasks wait for it"
    } else {
        ""
    }
}
