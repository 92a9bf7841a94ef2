//! Connections over TLS, by a client on another library.

use coherence_kafka_connect::config::{Environment, Properties};
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslStream, SslVersion};

use super::*;
use crate::config::{Scheme, TlsConfig};
use crate::testing;
use crate::testing::certificates::Identity;

/// A server with these settings, behind `listeners.https.`, and the authority of its certificate.
struct Secure {
    _server: Server,
    address: SocketAddr,
    authority: Identity,
}

impl Secure {
    fn new(limits: RestLimits, settings: &[(&str, &str)]) -> Self {
        let authority = Identity::authority("authority");
        let server = authority.issue("server");
        let tls = tls(&server, &authority, settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Endpoint::new(listener, here()).with_tls(tls);
        Self { _server: Server::start(limits, vec![endpoint]).unwrap(), address, authority }
    }

    /// The answer to a client with this certificate, or why it has none.
    fn ask(&self, change: impl FnOnce(&mut openssl::ssl::SslConnectorBuilder)) -> Result<String, String> {
        let mut stream = self.connect(change).map_err(|error| error.to_string())?;
        stream.write_all(LAST.as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        Ok(answer)
    }

    fn connect(
        &self,
        change: impl FnOnce(&mut openssl::ssl::SslConnectorBuilder),
    ) -> Result<SslStream<TcpStream>, HandshakeError<TcpStream>> {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.cert_store_mut().add_cert(self.authority.certificate.clone()).unwrap();
        change(&mut connector);
        connector.build().connect("127.0.0.1", connect(self.address, ""))
    }
}

fn tls(server: &Identity, authority: &Identity, settings: &[(&str, &str)]) -> TlsConfig {
    let own = [
        ("listeners", "https://127.0.0.1:0".to_owned()),
        ("listeners.https.ssl.keystore.certificate.chain", server.certificate_pem()),
        ("listeners.https.ssl.keystore.key", server.key_pem()),
        ("listeners.https.ssl.truststore.certificates", authority.certificate_pem()),
    ];
    let settings = settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let properties = Properties::from_pairs("w", own.into_iter().chain(settings));
    let config = testing::config(&properties, Environment::default()).unwrap();
    assert_eq!(config.rest.advertised.scheme, Scheme::Https);
    config.rest.tls.unwrap()
}

fn present(identity: &Identity) -> impl FnOnce(&mut openssl::ssl::SslConnectorBuilder) {
    |connector| {
        connector.set_certificate(&identity.certificate).unwrap();
        connector.set_private_key(&identity.key).unwrap();
    }
}

#[test]
fn a_request_over_tls_is_answered() {
    let secure = Secure::new(RestLimits::default(), &[]);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let answer = secure.ask(|connector| {
            connector.set_min_proto_version(Some(version)).unwrap();
            connector.set_max_proto_version(Some(version)).unwrap();
        });
        assert!(answer.as_ref().is_ok_and(|answer| answer.ends_with("here")), "{answer:?}");
    }
}

#[test]
fn a_version_that_is_not_enabled_is_refused() {
    let secure = Secure::new(RestLimits::default(), &[("listeners.https.ssl.enabled.protocols", "TLSv1.3")]);
    let answer = secure.ask(|connector| {
        connector.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    });
    assert!(answer.is_err(), "{answer:?}");
    assert!(secure.ask(|_| {}).is_ok());
}

#[test]
fn certificates_of_clients_are_required_requested_or_not_asked_for() {
    let stranger = Identity::authority("another").issue("stranger");
    for (mode, without, of_strangers) in
        [("required", false, false), ("requested", true, false), ("none", true, true)]
    {
        let secure = Secure::new(RestLimits::default(), &[("listeners.https.ssl.client.auth", mode)]);
        let client = secure.authority.issue("client");
        let answered = |answer: Result<String, String>| answer.is_ok_and(|answer| answer.ends_with("here"));
        assert!(answered(secure.ask(present(&client))), "{mode}");
        assert_eq!(answered(secure.ask(|_| {})), without, "{mode}");
        assert_eq!(answered(secure.ask(present(&stranger))), of_strangers, "{mode}");
    }
}

#[test]
fn clients_that_do_not_complete_the_handshake_do_not_keep_their_places() {
    let limits = limits(2, Duration::from_millis(300), LONG);
    let secure = Secure::new(limits, &[]);
    let (silent, plain) = (connect(secure.address, ""), connect(secure.address, LAST));
    assert!(secure.ask(|_| {}).unwrap().ends_with("here"));
    for mut socket in [silent, plain] {
        let mut bytes = Vec::new();
        // It is closed, perhaps after an alert.
        let _ = socket.read_to_end(&mut bytes);
        assert!(!String::from_utf8_lossy(&bytes).contains("here"));
    }
}
