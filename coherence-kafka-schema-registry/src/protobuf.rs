//! `ProtobufConverter`: Protobuf data whose `.proto` file is in a registry.
//!
//! ```text
//! file.rs   text → descriptors       plan.rs    descriptor → Connect schema, and the steps of reading   data.rs  message → values
//! write.rs  Connect schema → text, and the steps of writing    encode.rs  values → message    scalar.rs  values → scalars
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use coherence_kafka_connect::converter::Options;
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use parking_lot::Mutex;
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor};

use self::encode::WritePlan;
use self::plan::{Plan, ProtobufOptions};
use self::write::WriteOptions;
use crate::converter::{Format, NO_SCHEMA, NOT_LATEST};
use crate::framing::{self, Framed};
use crate::registry::{RegisteredSchema, SchemaType};

mod data;
mod encode;
mod file;
mod plan;
mod scalar;
mod write;

#[derive(Debug)]
pub(crate) struct Protobuf {
    read: ProtobufOptions,
    write: WriteOptions,
}

/// A file of the registry, and those of its messages that were met.
#[derive(Debug)]
pub(crate) struct KnownFile {
    file: FileDescriptor,
    messages: Mutex<HashMap<Box<[u32]>, Arc<KnownMessage>>>,
}

#[derive(Debug)]
struct KnownMessage {
    descriptor: MessageDescriptor,
    plan: Plan,
}

impl KnownFile {
    fn new(schema: &RegisteredSchema) -> Result<Self, String> {
        let file = file::compile(&schema.text, &schema.references)?;
        Ok(Self { file, messages: Mutex::default() })
    }

    fn message(&self, indexes: &[u32], options: ProtobufOptions) -> Result<Arc<KnownMessage>, String> {
        let mut messages = self.messages.lock();
        if let Some(known) = messages.get(indexes) {
            return Ok(known.clone());
        }
        let descriptor = file::message(&self.file, indexes).ok_or(NO_MESSAGE)?;
        let plan = Plan::new(&descriptor, options)?;
        let known = Arc::new(KnownMessage { descriptor, plan });
        messages.insert(indexes.into(), known.clone());
        Ok(known)
    }

    /// Returns the message of this full name.
    fn named(&self, name: &str, options: ProtobufOptions) -> Result<Arc<KnownMessage>, String> {
        let indexes = file::indexes(&self.file, name)
            .ok_or_else(|| format!("the latest version of the subject has no message {name}"))?;
        self.message(&indexes, options)
    }
}

/// Why a record's message is not known.
const NO_MESSAGE: &str = "the file has no message at the data's message indexes";

impl Protobuf {
    fn read_message<'a>(
        &self,
        known: &KnownMessage,
        framed: &Framed<'a>,
    ) -> Result<SchemaAndValue<'a>, String> {
        // The library's text names messages and fields, no data.
        let message = DynamicMessage::decode(known.descriptor.clone(), framed.data)
            .map_err(|error| error.to_string())?;
        let value = data::read(&known.plan, message)?;
        Ok(SchemaAndValue { schema: Some(Cow::Owned(known.plan.schema.clone())), value })
    }
}

impl Format for Protobuf {
    const CLASS: &'static str = "io.confluent.connect.protobuf.ProtobufConverter";
    const SCHEMA_TYPE: SchemaType = SchemaType::Protobuf;
    const HAS_MESSAGE: bool = true;

    type Known = KnownFile;
    type Plan = Arc<WritePlan>;

    fn create(options: &mut Options<'_>) -> Self {
        let read = ProtobufOptions {
            enhanced: options.boolean("enhanced.protobuf.schema.support", false),
            union_index: options.boolean("generate.index.for.unions", true),
            flatten_unions: options.boolean("flatten.unions", false),
            int_enums: options.boolean("int.for.enums", false),
            optional_keyword: options.boolean("optional.for.nullables", false),
            optional_proto2: options.boolean("optional.for.proto2", true),
            wrappers: options.boolean("wrapper.for.nullables", false),
            raw_wrappers: options.boolean("wrapper.for.raw.primitives", true),
        };
        if options.boolean("generalized.sum.type.support", false) {
            options.invalid("generalized.sum.type.support", "only false is built in");
        }
        let write = WriteOptions {
            optional_keyword: read.optional_keyword,
            wrappers: read.wrappers,
            scrub: options.boolean("scrub.invalid.names", false),
        };
        Self { read, write }
    }

    fn cannot_read(topic: &str) -> String {
        format!("Failed to deserialize data for topic {topic} to Protobuf: ")
    }

    fn cannot_write(topic: &str) -> String {
        format!("Failed to serialize Protobuf data from topic {topic} : ")
    }

    fn known(&self, schema: &RegisteredSchema) -> Result<KnownFile, String> {
        KnownFile::new(schema)
    }

    fn read<'a>(&self, file: &KnownFile, framed: &Framed<'a>) -> Result<SchemaAndValue<'a>, String> {
        let known = file.message(&framed.message, self.read)?;
        self.read_message(&known, framed)
    }

    fn read_as<'a>(
        &self,
        file: &KnownFile,
        latest: &KnownFile,
        framed: &Framed<'a>,
    ) -> Result<SchemaAndValue<'a>, String> {
        let written = file::message(&file.file, &framed.message).ok_or(NO_MESSAGE)?;
        self.read_message(&*latest.named(written.full_name(), self.read)?, framed)
    }

    fn plan_as(
        &self,
        latest: &RegisteredSchema,
        _: bool,
        schema: Option<&Schema>,
    ) -> Result<Arc<WritePlan>, String> {
        let (text, mut plan) = self.plan(schema)?;
        let (own, latest) = (file::compile(&text, &[])?, file::compile(&latest.text, &latest.references)?);
        let own = file::message(&own, &[plan.index]).ok_or(NO_MESSAGE)?;
        let mut messages = latest.messages();
        let index = messages
            .position(|latest| latest.full_name() == own.full_name() && file::is_part(&own, &latest))
            .and_then(|index| u32::try_from(index).ok());
        // The plan was made here.
        Arc::get_mut(&mut plan).ok_or(NOT_LATEST)?.index = index.ok_or(NOT_LATEST)?;
        Ok(plan)
    }

    fn plan(&self, schema: Option<&Schema>) -> Result<(String, Arc<WritePlan>), String> {
        let (text, plan) = write::plan(schema.ok_or(NO_SCHEMA)?, self.write)?;
        // Names that occur twice and numbers that are not allowed are found here.
        file::compile(&text, &[]).map_err(|why| format!("a schema that Protobuf cannot express: {why}"))?;
        Ok((text, Arc::new(plan)))
    }

    fn write(
        &self,
        plan: &Arc<WritePlan>,
        _: Option<&Schema>,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        framing::write_message_indexes(&[plan.index], out);
        plan.write(value, out)
    }
}

#[cfg(test)]
mod tests;
