//! Basic authentication, as Connect's extension for it is set up: a JAAS file, which names the file of the users.

use std::fs;
use std::path::Path;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Environment, Properties, Property, file};
use coherence_kafka_rdkafka::settings::translate::jaas::{Token, tokens};
use subtle::{Choice, ConstantTimeEq as _};

const EXTENSIONS: &str = "rest.extension.classes";
const JAAS: &str = "coherence.rest.jaas.file";
const OPTIONS: &str = "KAFKA_OPTS";
const IN_OPTIONS: &str = "-Djava.security.auth.login.config=";
const BASIC: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const MODULE: &str = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";

/// The users of the REST interface. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Users {
    /// `user:password`, as a client sends it.
    credentials: Vec<String>,
}

impl Users {
    /// Returns whether `user:password` is one of them. How long it takes depends on lengths only.
    pub(crate) fn admit(&self, credentials: &[u8]) -> bool {
        let known = self.credentials.iter().map(|known| known.as_bytes().ct_eq(credentials));
        known.fold(Choice::from(0), |found, equal| found | equal).into()
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").finish_non_exhaustive()
    }
}

/// Returns the users, if the interface requires a password.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    environment: &Environment,
    findings: &mut ConfigErrors,
) -> Option<Users> {
    let extensions = properties.get(EXTENSIONS);
    for class in values.list(EXTENSIONS).iter().filter(|class| *class != BASIC) {
        let why = format!("{class} is a class of the JVM and cannot run here: the only extension is {BASIC}");
        findings.refusal(extensions, EXTENSIONS, why, "names a class of the JVM, which cannot run here");
    }
    let jaas = properties.get(JAAS);
    if !values.list(EXTENSIONS).iter().any(|class| class == BASIC) {
        if let Some(jaas) = jaas {
            findings.error(jaas, format!("requires no password without {EXTENSIONS}={BASIC}"));
        }
        return None;
    }
    let (at, path) = match (values.text(JAAS), of_options(environment)) {
        (Some(path), _) => (jaas, path),
        (None, Some(path)) => (extensions, path),
        (None, None) => {
            let why = format!("needs a JAAS file: set {JAAS}, or {IN_OPTIONS}… in the variable {OPTIONS}");
            findings.error_at(extensions, EXTENSIONS, why);
            return None;
        }
    };
    match users(path) {
        Ok(users) => Some(users),
        Err(why) => {
            let key = if at == jaas { JAAS } else { EXTENSIONS };
            findings.refusal(at, key, why, "names a file that is refused");
            None
        }
    }
}

/// The file that the options of the JVM name, which scripts of Kafka pass in a variable.
fn of_options(environment: &Environment) -> Option<&str> {
    let options = environment.get(OPTIONS)?.split_whitespace();
    let path =
        options.filter_map(|option| option.trim_matches(['"', '\'']).strip_prefix(IN_OPTIONS)).next_back()?;
    Some(path.trim_matches(['"', '\'']))
}

fn users(jaas: &str) -> Result<Users, String> {
    let text = fs::read_to_string(jaas).map_err(|error| format!("{jaas} cannot be read: {error}"))?;
    let path = file_of_users(&tokens(&text)).map_err(|why| format!("{jaas} {why}"))?;
    // Java takes an empty file for an interface that requires no password.
    let entries = file::read(Path::new(&path)).map_err(|errors| errors.to_string())?.settings;
    if entries.is_empty() {
        return Err(format!("{path} has no users: write a line user=password for each"));
    }
    // The colon ends the name in what a client sends.
    if entries.iter().any(|entry| entry.key.is_empty() || entry.key.contains(':')) {
        return Err(format!("{path} has a user whose name is empty or contains a colon"));
    }
    if entries.iter().any(|entry| entry.value.is_empty()) {
        return Err(format!("{path} has a user without a password"));
    }
    let credentials = |Property { key, value, .. }: Property| format!("{key}:{value}");
    Ok(Users { credentials: entries.into_iter().map(credentials).collect() })
}

/// Returns the `file` of the login module in `KafkaConnect { … };`.
fn file_of_users(tokens: &[Token]) -> Result<String, String> {
    let form = || format!("needs an entry KafkaConnect {{ {MODULE} required file=\"…\"; }};");
    let mut tokens = tokens.iter();
    // Other entries, such as those of Kafka's clients, are passed over.
    while let Some(name) = tokens.next() {
        let entry: Vec<&Token> = tokens.by_ref().take_while(|token| **token != Token::Mark('}')).collect();
        if name.text() == Some("KafkaConnect") {
            return of_entry(&entry).ok_or_else(form);
        }
        if tokens.next() != Some(&Token::Mark(';')) {
            break;
        }
    }
    Err(form())
}

/// Returns the file of an entry with that login module and no other.
fn of_entry(entry: &[&Token]) -> Option<String> {
    let [Token::Mark('{'), Token::Text(module), Token::Text(_), options @ .., Token::Mark(';')] = entry
    else {
        return None;
    };
    if module != MODULE {
        return None;
    }
    let mut file = None;
    for option in options.chunks(3) {
        let [Token::Text(name), Token::Mark('='), value] = option else { return None };
        if name == "file" {
            file = Some(value.text()?.to_owned());
        }
    }
    file
}

#[cfg(test)]
mod tests;
