//! What the converters have in common: options, the frame of a record, ids and schemas of the registry, and the texts of
//! errors. Each of them is a [`Format`].

use std::fmt::Debug;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, ConverterClass, Options, Role};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{RawHeader, RawHeaders};

use crate::framing::{self, Framed};
use crate::known::KnownSchemas;
use crate::registry::{RegisteredSchema, SchemaType};

/// Why data without a schema is not written.
pub(crate) const NO_SCHEMA: &str =
    "data without a schema: this format has no form for it, AvroConverter and JsonConverter have";

/// Why data is not written as the latest version.
pub(crate) const NOT_LATEST: &str = "the fields or types of the data are not those of the latest version of the subject \
     (use.latest.version): register a version that fits, or set use.latest.version=false";

/// A format of data, with its options.
pub(crate) trait Format: Debug + Send + Sync + Sized + 'static {
    /// The full name of the Java class of the converter.
    const CLASS: &'static str;
    const SCHEMA_TYPE: SchemaType;
    /// Message indexes follow the id of the schema.
    const HAS_MESSAGE: bool = false;

    /// A schema of the registry in the form in which it reads data.
    type Known: Debug + Send + Sync;
    /// How data with one schema of Connect is written.
    type Plan: Clone + Debug + Send + Sync;

    /// Reads the options of the format. A bad one is refused, and the value here does not matter then.
    fn create(options: &mut Options<'_>) -> Self;

    /// Returns the beginning of the error of a record that cannot be read, as Java's converter has it.
    fn cannot_read(topic: &str) -> String;

    /// The same of a record that cannot be written.
    fn cannot_write(topic: &str) -> String;

    fn known(&self, schema: &RegisteredSchema) -> Result<Self::Known, String>;

    /// Reads the data behind a frame.
    fn read<'a>(&self, known: &Self::Known, framed: &Framed<'a>) -> Result<SchemaAndValue<'a>, String>;

    /// Reads the data behind a frame, as the latest version of the subject describes it.
    fn read_as<'a>(
        &self,
        known: &Self::Known,
        latest: &Self::Known,
        framed: &Framed<'a>,
    ) -> Result<SchemaAndValue<'a>, String>;

    /// Returns how data with this schema of Connect is written as the latest version of the subject.
    ///
    /// `strict` where the versions are compared also if the data would be written without: `latest.compatibility.strict`.
    fn plan_as(
        &self,
        latest: &RegisteredSchema,
        strict: bool,
        schema: Option<&Schema>,
    ) -> Result<Self::Plan, String>;

    /// Returns the text of the schema of data with this schema of Connect, and how such data is written.
    fn plan(&self, schema: Option<&Schema>) -> Result<(String, Self::Plan), String>;

    /// Writes message indexes, if the format has them, and the data.
    fn write(
        &self,
        plan: &Self::Plan,
        schema: Option<&Schema>,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), String>;
}

/// Returns how the converter of a format is created.
pub(crate) const fn class<F: Format>() -> ConverterClass {
    ConverterClass { class: F::CLASS, create: create::<F> }
}

fn create<F: Format>(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let format = F::create(options);
    let schemas = KnownSchemas::create(role, F::SCHEMA_TYPE, options)?;
    Some(Arc::new(RegistryConverter { format, role, schemas }))
}

#[derive(Debug)]
struct RegistryConverter<F: Format> {
    format: F,
    role: Role,
    schemas: KnownSchemas<F::Known, F::Plan>,
}

impl<F: Format> Converter for RegistryConverter<F> {
    fn to_connect<'a>(
        &'a self,
        topic: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue { schema: None, value: Value::Null });
        };
        let failed = || F::cannot_read(topic);
        let data = |why: String| ConnectError::data(failed()).because(why);
        let framed =
            Framed::read(self.role, headers, bytes, F::HAS_MESSAGE).map_err(|e| data(e.to_string()))?;
        let known = self.schemas.get(topic, framed.id, failed, |schema| self.format.known(schema))?;
        let latest = self.schemas.latest(topic, failed, |schema| self.format.known(schema))?;
        let read = match &latest {
            None => self.format.read(&known, &framed),
            Some(latest) => self.format.read_as(&known, latest, &framed),
        };
        read.map_err(|why| data(format!("{why}, schema {}", framed.id)))
    }

    fn from_connect(
        &self,
        topic: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        // A tombstone, also where the schema has another value for null.
        if *value == Value::Null {
            return Ok(None);
        }
        let failed = || F::cannot_write(topic);
        let of_connect = schema.map(|schema| &**schema);
        let plan = || self.format.plan(of_connect);
        let plan_as = |latest: &RegisteredSchema, strict| self.format.plan_as(latest, strict, of_connect);
        let (id, plan) = self.schemas.written(topic, schema, failed, plan, plan_as)?;
        let mut bytes = Vec::with_capacity(64);
        framing::write(id, &mut bytes);
        self.format
            .write(&plan, of_connect, value, &mut bytes)
            .map_err(|why| ConnectError::data(failed()).because(why))?;
        Ok(Some(bytes))
    }

    fn class_name(&self) -> &'static str {
        F::CLASS
    }
}
