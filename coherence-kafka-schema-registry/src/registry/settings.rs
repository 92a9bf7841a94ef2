//! The settings of a registry's client, out of a converter's options.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coherence_kafka_connect::converter::Options;
use ureq::Proxy;

/// Where the registry is, and how it is reached.
#[derive(Clone)]
pub struct Settings {
    /// Without a slash at the end and without credentials; not empty.
    pub(super) urls: Vec<String>,
    pub(super) credentials: Credentials,
    pub(super) tls: Tls,
    pub(super) proxy: Option<Proxy>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(crate) cached: usize,
}

/// Credentials are not shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("urls", &self.urls).finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(super) enum Credentials {
    None,
    /// The value of the header `Authorization` for every URL.
    All(String),
    /// The same for each URL that had a user in it.
    ByUrl(Vec<(String, String)>),
}

impl Credentials {
    pub(super) fn authorization(&self, url: &str) -> Option<&str> {
        match self {
            Credentials::None => None,
            Credentials::All(value) => Some(value),
            Credentials::ByUrl(values) => {
                values.iter().find(|(known, _)| known == url).map(|(_, value)| value.as_str())
            }
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Tls {
    pub(super) truststore: Option<Place>,
    pub(super) keystore: Option<Place>,
}

/// Where certificates and keys are.
#[derive(Clone)]
pub(super) enum Place {
    File { path: String, password: String, key_password: String },
    Text { pem: String, key_password: String },
}

const URL: &str = "schema.registry.url";
const BASIC_SOURCE: &str = "basic.auth.credentials.source";
const USER_INFO: &str = "basic.auth.user.info";
const BEARER_SOURCE: &str = "bearer.auth.credentials.source";
const BEARER_TOKEN: &str = "bearer.auth.token";

impl Settings {
    /// Reads the settings; what is wrong with them is refused in `options`.
    pub fn read(options: &mut Options<'_>) -> Option<Self> {
        let (urls, by_url) = urls(options)?;
        let credentials = credentials(by_url, options)?;
        let tls = Tls { truststore: truststore(options), keystore: keystore(options) };
        if options.text("schema.registry.ssl.endpoint.identification.algorithm").is_some_and(str::is_empty) {
            options.invalid(
                "schema.registry.ssl.endpoint.identification.algorithm",
                "the name of the host is always checked: remove this setting",
            );
        }
        let millis = |options: &mut Options<'_>, key: &str| {
            let value = options.int(key, 10_000);
            if value < 1 {
                options.invalid(key, "Value must be at least 1");
            }
            Duration::from_millis(u64::try_from(value).unwrap_or(1))
        };
        let connect_timeout = millis(options, "http.connect.timeout.ms");
        let read_timeout = millis(options, "http.read.timeout.ms");
        let cached = options.int("max.schemas.per.subject", 1000);
        if cached < 1 {
            options.invalid("max.schemas.per.subject", "Value must be at least 1");
        }
        let proxy = proxy(options);
        let cached = usize::try_from(cached).unwrap_or(1);
        Some(Self { urls, credentials, tls, proxy, connect_timeout, read_timeout, cached })
    }
}

/// Returns an option by its name, or by its name with the client's prefix.
fn of_client<'o>(options: &Options<'o>, key: &str) -> Option<&'o str> {
    options
        .text(&format!("schema.registry.{key}"))
        .or_else(|| options.text(key))
        .filter(|text| !text.is_empty())
}

type UrlsAndUsers = (Vec<String>, Vec<(String, String)>);

/// Returns the URLs, and the header of each that has credentials in it.
fn urls(options: &mut Options<'_>) -> Option<UrlsAndUsers> {
    let Some(text) = options.text(URL) else {
        let message = format!("Missing required configuration \"{URL}\" which has no default value.");
        options.refuse(URL, message);
        return None;
    };
    let (mut urls, mut users) = (Vec::new(), Vec::new());
    let mut inherited = "";
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        // As with Confluent's client the scheme of the first URL holds for those that have none.
        let part = if part.contains("://") { part.to_owned() } else { format!("{inherited}{part}") };
        let scheme = ["http://", "https://"].into_iter().find(|scheme| part.starts_with(scheme));
        let Some(scheme) = scheme.filter(|scheme| part.len() > scheme.len()) else {
            // The text may contain a password, so it is not shown.
            options.refuse(URL, format!("{URL}: each URL begins with http:// or https:// and names a host"));
            return None;
        };
        inherited = scheme;
        let rest = part[scheme.len()..].trim_end_matches('/');
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let url = format!("{scheme}{host}{path}");
        if url.parse::<ureq::http::Uri>().is_err() {
            options.refuse(URL, format!("{URL}: a URL cannot be read"));
            return None;
        }
        if let Some(user) = user {
            users.push((url.clone(), basic(&unescaped(user))));
        }
        urls.push(url);
    }
    if urls.is_empty() {
        options.refuse(URL, format!("{URL}: no URL"));
        return None;
    }
    Some((urls, users))
}

fn credentials(by_url: Vec<(String, String)>, options: &mut Options<'_>) -> Option<Credentials> {
    let bearer_source = of_client(options, BEARER_SOURCE).map(str::to_ascii_uppercase);
    let token = of_client(options, BEARER_TOKEN);
    match (bearer_source.as_deref(), token) {
        (None, None) => {}
        (None | Some("STATIC_TOKEN"), Some(token)) => {
            return header(format!("Bearer {token}"), BEARER_TOKEN, options);
        }
        (Some("STATIC_TOKEN"), None) => {
            options
                .refuse(BEARER_TOKEN, format!("{BEARER_TOKEN} must be set for {BEARER_SOURCE}=STATIC_TOKEN"));
            return None;
        }
        (Some(_), _) => {
            options.invalid(BEARER_SOURCE, "STATIC_TOKEN is the source of tokens that is built in");
            return None;
        }
    }
    let source = of_client(options, BASIC_SOURCE).unwrap_or("URL").to_ascii_uppercase();
    match &*source {
        "URL" if by_url.is_empty() => Some(Credentials::None),
        "URL" => Some(Credentials::ByUrl(by_url)),
        "USER_INFO" => match of_client(options, USER_INFO) {
            Some(user) => Some(Credentials::All(basic(user))),
            None => {
                options.refuse(USER_INFO, format!("{USER_INFO} must be set for {BASIC_SOURCE}=USER_INFO"));
                None
            }
        },
        "SASL_INHERIT" => {
            let jaas = options.text("sasl.jaas.config").unwrap_or_default();
            match (jaas_option(jaas, "username"), jaas_option(jaas, "password")) {
                (Some(user), Some(password)) => Some(Credentials::All(basic(&format!("{user}:{password}")))),
                _ => {
                    let why = format!(
                        "sasl.jaas.config needs username and password for {BASIC_SOURCE}=SASL_INHERIT"
                    );
                    options.refuse("sasl.jaas.config", why);
                    None
                }
            }
        }
        _ => {
            options.invalid(
                BASIC_SOURCE,
                "String must be one of (case insensitive): URL, USER_INFO, SASL_INHERIT",
            );
            None
        }
    }
}

fn header(value: String, key: &str, options: &mut Options<'_>) -> Option<Credentials> {
    if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Some(Credentials::All(value));
    }
    options.refuse(key, format!("{key}: only printable ASCII characters can be sent"));
    None
}

fn basic(user_and_password: &str) -> String {
    format!("Basic {}", STANDARD.encode(user_and_password))
}

/// Returns the value of `name="value"` in a JAAS configuration.
fn jaas_option(jaas: &str, name: &str) -> Option<String> {
    let mut rest = jaas;
    loop {
        let (before, after) = rest.split_once(name)?;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        match value {
            Some(value) if before.ends_with(|c: char| c.is_whitespace()) => {
                let quoted = value.strip_prefix('"').and_then(|value| value.split('"').next());
                return quoted
                    .or_else(|| value.split(|c: char| c.is_whitespace() || c == ';').next())
                    .map(str::to_owned);
            }
            _ => rest = after,
        }
    }
}

/// Returns the text of a part of a URL, in which `%40` stands for `@`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code =
            tail.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn truststore(options: &Options<'_>) -> Option<Place> {
    if let Some(pem) = of_client(options, "ssl.truststore.certificates") {
        return Some(Place::Text { pem: lines(pem), key_password: String::new() });
    }
    let path = of_client(options, "ssl.truststore.location")?.to_owned();
    let password = of_client(options, "ssl.truststore.password").unwrap_or_default().to_owned();
    Some(Place::File { path, password, key_password: String::new() })
}

fn keystore(options: &Options<'_>) -> Option<Place> {
    let password = of_client(options, "ssl.keystore.password").unwrap_or_default().to_owned();
    let key_password = of_client(options, "ssl.key.password").unwrap_or(&password).to_owned();
    if let Some(key) = of_client(options, "ssl.keystore.key") {
        let chain = of_client(options, "ssl.keystore.certificate.chain").unwrap_or_default();
        return Some(Place::Text { pem: format!("{}\n{}", lines(chain), lines(key)), key_password });
    }
    let path = of_client(options, "ssl.keystore.location")?.to_owned();
    Some(Place::File { path, password, key_password })
}

/// Returns a text in PEM that stands in one line with its lines again, as Kafka's clients accept it.
fn lines(pem: &str) -> String {
    if pem.contains('\n') {
        return pem.to_owned();
    }
    let mut text = String::with_capacity(pem.len() + 16);
    for (at, part) in pem.split("-----").enumerate() {
        // Odd parts are the words of a border; between two borders is Base64.
        if at % 2 == 1 {
            text.push_str(&format!("-----{}-----\n", part.trim()));
        } else {
            for line in part.split_whitespace() {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn proxy(options: &mut Options<'_>) -> Option<Proxy> {
    let host = of_client(options, "proxy.host")?;
    let port = of_client(options, "proxy.port").unwrap_or("80");
    let proxy = Proxy::new(&format!("http://{host}:{port}"));
    if proxy.is_err() {
        options.refuse("proxy.host", "proxy.host and proxy.port: no address of a proxy".to_owned());
    }
    proxy.ok()
}
