//! One request of the registry, at the first of its URLs that answers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use ureq::Agent;
use ureq::http::{Method, Request, StatusCode};

use super::settings::{Credentials, Settings};
use super::{RegistryError, tls};

/// An answer is read up to this size; a schema is a few thousand bytes.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// A registry's own words are shown up to this many characters.
const MAX_MESSAGE: usize = 300;
const JSON: &str = "application/vnd.schemaregistry.v1+json";

pub(super) struct Http {
    agent: Agent,
    /// Without a slash at the end and without credentials.
    urls: Vec<String>,
    credentials: Credentials,
    /// The URL that answered last.
    current: AtomicUsize,
}

/// Credentials are not shown.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("urls", &self.urls).finish_non_exhaustive()
    }
}

#[derive(Deserialize, Default)]
struct Refusal {
    error_code: Option<i64>,
    message: Option<String>,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let https = settings.urls.iter().any(|url| url.starts_with("https:"));
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(3)
            .proxy(settings.proxy.clone())
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.connect_timeout + settings.read_timeout))
            .user_agent(concat!("coherence-kafka/", env!("CARGO_PKG_VERSION")));
        if https {
            config = config.tls_config(tls::config(&settings.tls)?);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            urls: settings.urls.clone(),
            credentials: settings.credentials.clone(),
            current: AtomicUsize::new(0),
        })
    }

    /// Returns the body of a successful answer; a request with a body is a POST.
    pub(super) fn request(&self, path: &str, body: Option<&str>) -> Result<Vec<u8>, RegistryError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for at in (0..self.urls.len()).map(|step| (first + step) % self.urls.len()) {
            match self.request_at(&self.urls[at], path, body) {
                Err(RegistryError::Unavailable(why)) => failures.push(format!("{}: {why}", self.urls[at])),
                settled => {
                    self.current.store(at, Ordering::Relaxed);
                    return settled;
                }
            }
        }
        Err(RegistryError::Unavailable(failures.join("; ")))
    }

    fn request_at(&self, url: &str, path: &str, body: Option<&str>) -> Result<Vec<u8>, RegistryError> {
        let mut request = Request::builder()
            .method(if body.is_some() { Method::POST } else { Method::GET })
            .uri(format!("{url}{path}"))
            .header("accept", format!("{JSON}, application/json"))
            .header("content-type", JSON);
        if let Some(value) = self.credentials.authorization(url) {
            request = request.header("authorization", value);
        }
        let failed = |error: ureq::Error| RegistryError::Unavailable(cause(&error));
        let answer = match body {
            Some(body) => {
                request.body(body.to_owned()).map_err(ureq::Error::from).and_then(|r| self.agent.run(r))
            }
            None => request.body(()).map_err(ureq::Error::from).and_then(|r| self.agent.run(r)),
        };
        let mut answer = answer.map_err(failed)?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        match text {
            Ok(text) if status.is_success() => Ok(text),
            Ok(text) => Err(refusal(status, &text)),
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(RegistryError::Refused(format!("an answer of more than {MAX_ANSWER} bytes")))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Sorts an answer that is no success by whose fault it is.
fn refusal(status: StatusCode, body: &[u8]) -> RegistryError {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let message = refusal.message.as_deref().map(shown).map(|text| format!(": {text}")).unwrap_or_default();
    match (status.as_u16(), refusal.error_code) {
        (401, _) => RegistryError::Unavailable(format!(
            "401 Unauthorized: the credentials are missing or wrong, see basic.auth.user.info and bearer.auth.token{message}"
        )),
        (403, _) => RegistryError::Unavailable(format!("403 Forbidden: these credentials may not do this{message}")),
        // Anything else at this address answers 404 too, and no record is at fault for a wrong URL.
        (404, None) => RegistryError::Unavailable(
            "404 Not Found without the error code of a schema registry: check the path in schema.registry.url"
                .to_owned(),
        ),
        (404, Some(code)) => RegistryError::Unknown(format!("error code {code}{message}")),
        (408 | 429 | 500.., _) => RegistryError::Unavailable(format!("{status}{message}")),
        _ if !status.is_client_error() => RegistryError::Unavailable(format!("{status}{message}")),
        _ => RegistryError::Refused(format!("{status}{message}")),
    }
}

fn shown(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns the reason of a failure with all its causes; it contains addresses, no credentials.
fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(which) => format!("no answer in time ({which})"),
        ureq::Error::HostNotFound => "host not found".to_owned(),
        // The text of a bad URL could contain a password.
        ureq::Error::BadUri(_) => "the URL cannot be read".to_owned(),
        error => {
            let text = error.to_string();
            // The text of the TLS library for an authority that is not trusted.
            if text.contains("UnknownIssuer") {
                return format!(
                    "{text}: the certificate is of an authority that is not trusted, see schema.registry.ssl.truststore.location"
                );
            }
            text
        }
    }
}
