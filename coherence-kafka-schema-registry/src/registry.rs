//! The client of a schema registry with Confluent's REST interface.
//!
//! Owns: requests, which of the URLs is asked, credentials, and what an answer means: a registry that does not answer is
//! an outage, a schema that it does not know is the record's fault.
//! Never does: read schemas, or keep them; see [`cache`].
//!
//! ```text
//! settings.rs  options of a converter → Settings        tls.rs  certificates and keys
//! http.rs      one request, at the first URL that answers
//! cache.rs     one request for a schema, however many records wait for it
//! ```

use std::collections::HashSet;

use coherence_kafka_connect::error::ConnectError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::http::Http;
pub use self::settings::Settings;
use crate::framing::SchemaId;

pub(crate) mod cache;
mod http;
mod settings;
mod tls;

/// Schemas that one schema refers to at most, directly or not.
const MAX_REFERENCES: usize = 500;

/// Why a schema was not received or registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No registry answers, or the one that does cannot or may not serve now.
    #[error("schema registry unavailable: {0}")]
    Unavailable(String),
    /// The registry does not know the schema.
    #[error("{0}")]
    Unknown(String),
    /// The registry refuses the request.
    #[error("schema registry refused the request: {0}")]
    Refused(String),
}

impl RegistryError {
    /// Returns true where the same request can succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self, RegistryError::Unavailable(_))
    }

    /// Returns the error of a converter, whose own text is `message`.
    pub(crate) fn under(self, message: String) -> ConnectError {
        let detail = self.to_string();
        let error =
            if self.is_retriable() { ConnectError::retriable(message) } else { ConnectError::data(message) };
        error.because(detail)
    }
}

/// The format of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[non_exhaustive]
pub enum SchemaType {
    /// Avro, also where the registry names no type.
    #[default]
    #[serde(rename = "AVRO")]
    Avro,
    /// JSON Schema.
    #[serde(rename = "JSON")]
    Json,
    /// Protobuf.
    #[serde(rename = "PROTOBUF")]
    Protobuf,
    /// A type that this version does not know.
    #[serde(other)]
    Other,
}

impl SchemaType {
    /// Returns the registry's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            SchemaType::Avro => "AVRO",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "PROTOBUF",
            SchemaType::Other => "another type",
        }
    }
}

/// A schema as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its format.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// The names by which it and its references refer to other schemas, and their texts. What is referred to comes first.
    pub references: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    schema: String,
    #[serde(default)]
    schema_type: Option<SchemaType>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i64,
}

#[derive(Deserialize)]
struct Identified {
    id: u32,
}

/// A schema registry.
#[derive(Debug)]
pub struct SchemaRegistry {
    http: Http,
}

impl SchemaRegistry {
    /// Creates the client; it connects when a schema is needed.
    ///
    /// # Errors
    /// Why certificates or keys cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        Ok(Self { http: Http::new(settings)? })
    }

    /// Returns the schema of this id; `subject` helps a registry that has several numberings.
    ///
    /// # Errors
    /// The registry does not answer, or does not know the schema.
    pub fn schema(&self, id: SchemaId, subject: Option<&str>) -> Result<RegisteredSchema, RegistryError> {
        let answer: Answer = match id {
            SchemaId::Number(number) => {
                let subject =
                    subject.map(|subject| format!("?subject={}", escaped(subject))).unwrap_or_default();
                self.get(&format!("/schemas/ids/{number}{subject}"))
            }
            SchemaId::Guid(_) => self.get(&format!("/schemas/guids/{id}")),
        }
        .map_err(|error| match error {
            RegistryError::Unknown(why) => {
                RegistryError::Unknown(format!("schema registry knows no schema {id}: {why}"))
            }
            other => other,
        })?;
        self.resolved(answer)
    }

    /// Returns the id and the schema of the latest version of a subject.
    ///
    /// # Errors
    /// The registry does not answer, or does not know the subject.
    pub fn latest(&self, subject: &str) -> Result<(u32, RegisteredSchema), RegistryError> {
        #[derive(Deserialize)]
        struct Latest {
            id: u32,
            #[serde(flatten)]
            answer: Answer,
        }
        let latest: Latest = self.get(&format!("/subjects/{}/versions/latest", escaped(subject)))?;
        Ok((latest.id, self.resolved(latest.answer)?))
    }

    /// Registers a schema under a subject, which changes nothing where it is registered already, and returns its id.
    ///
    /// # Errors
    /// The registry does not answer, or refuses the schema, for example because it is incompatible with earlier ones.
    pub fn register(
        &self,
        subject: &str,
        schema_type: SchemaType,
        text: &str,
        normalize: bool,
    ) -> Result<u32, RegistryError> {
        let path = format!("/subjects/{}/versions?normalize={normalize}", escaped(subject));
        self.post(&path, schema_type, text)
    }

    /// Returns the id of a schema that is registered under a subject.
    ///
    /// # Errors
    /// The registry does not answer, or the schema is not registered.
    pub fn lookup(
        &self,
        subject: &str,
        schema_type: SchemaType,
        text: &str,
        normalize: bool,
    ) -> Result<u32, RegistryError> {
        let path = format!("/subjects/{}?normalize={normalize}&deleted=false", escaped(subject));
        self.post(&path, schema_type, text)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RegistryError> {
        read(&self.http.request(path, None)?)
    }

    fn post(&self, path: &str, schema_type: SchemaType, text: &str) -> Result<u32, RegistryError> {
        let body = serde_json::json!({"schema": text, "schemaType": schema_type.name()}).to_string();
        read::<Identified>(&self.http.request(path, Some(&body))?).map(|found| found.id)
    }

    /// Asks for everything that a schema refers to.
    fn resolved(&self, answer: Answer) -> Result<RegisteredSchema, RegistryError> {
        // Each schema is on the stack until all that it refers to has come: then it can be written behind them.
        struct Open {
            name: String,
            text: String,
            ahead: std::vec::IntoIter<Reference>,
        }
        let mut known = HashSet::new();
        let mut references = Vec::new();
        let ahead = |references: Option<Vec<Reference>>| references.unwrap_or_default().into_iter();
        let (schema_type, text) = (answer.schema_type.unwrap_or_default(), answer.schema);
        let mut open = vec![Open { name: String::new(), text, ahead: ahead(answer.references) }];
        loop {
            let Some(top) = open.last_mut() else {
                return Err(RegistryError::Unavailable("an answer without a schema".to_owned()));
            };
            match top.ahead.next() {
                Some(reference) => {
                    if !known.insert(reference.name.clone()) {
                        continue;
                    }
                    if known.len() > MAX_REFERENCES {
                        let why = format!("a schema that refers to more than {MAX_REFERENCES} others");
                        return Err(RegistryError::Refused(why));
                    }
                    let Reference { name, subject, version } = reference;
                    // A version that was deleted is still what the schema refers to.
                    let path = format!("/subjects/{}/versions/{version}?deleted=true", escaped(&subject));
                    let answer: Answer = self.get(&path)?;
                    open.push(Open { name, text: answer.schema, ahead: ahead(answer.references) });
                }
                None => match (open.pop(), open.is_empty()) {
                    (Some(whole), false) => references.push((whole.name, whole.text)),
                    (Some(whole), true) => {
                        return Ok(RegisteredSchema { schema_type, text: whole.text, references });
                    }
                    (None, _) => {}
                },
            }
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RegistryError> {
    // An error of serde_json can show a part of the text, which is a schema; its place is enough.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        RegistryError::Unavailable(format!(
            "the answer is not that of a schema registry, at line {line}, column {column}"
        ))
    })
}

/// Returns a subject as a part of a path or query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
