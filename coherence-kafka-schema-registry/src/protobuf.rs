//! `ProtobufConverter`: Protobuf data whose `.proto` file is in a registry.
//!
//! ```text
//! file.rs  text → descriptors   plan.rs  descriptor → Connect schema, and the steps of reading   data.rs  message → values
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, Options, Role};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{RawHeader, RawHeaders};
use parking_lot::Mutex;
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor};

use self::plan::{Plan, ProtobufOptions};
use crate::framing::Framed;
use crate::known::{self, KnownSchemas};
use crate::registry::{RegisteredSchema, SchemaType};

mod data;
mod file;
mod plan;

pub(crate) const CLASS: &str = "io.confluent.connect.protobuf.ProtobufConverter";

pub(crate) fn create(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let protobuf = ProtobufOptions {
        enhanced: options.boolean("enhanced.protobuf.schema.support", false),
        union_index: options.boolean("generate.index.for.unions", true),
        int_enums: options.boolean("int.for.enums", false),
        optional_keyword: options.boolean("optional.for.nullables", false),
        optional_proto2: options.boolean("optional.for.proto2", true),
        wrappers: options.boolean("wrapper.for.nullables", false),
        raw_wrappers: options.boolean("wrapper.for.raw.primitives", true),
    };
    for key in ["generalized.sum.type.support", "flatten.unions"] {
        if options.boolean(key, false) {
            options.invalid(key, "only false is built in");
        }
    }
    let known = KnownSchemas::create(role, SchemaType::Protobuf, options)?;
    Some(Arc::new(ProtobufConverter { protobuf, known }))
}

#[derive(Debug)]
struct ProtobufConverter {
    protobuf: ProtobufOptions,
    known: KnownSchemas<KnownFile>,
}

/// A file of the registry, and those of its messages that were met.
#[derive(Debug)]
struct KnownFile {
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
        let descriptor =
            file::message(&self.file, indexes).ok_or("has no message at the data's message indexes")?;
        let plan = Plan::new(&descriptor, options)?;
        let known = Arc::new(KnownMessage { descriptor, plan });
        messages.insert(indexes.into(), known.clone());
        Ok(known)
    }
}

impl Converter for ProtobufConverter {
    fn to_connect<'a>(
        &'a self,
        topic: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue { schema: None, value: Value::Null });
        };
        let failed = || format!("Failed to deserialize data for topic {topic} to Protobuf: ");
        let data = |why: String| ConnectError::data(failed()).because(why);
        let framed =
            Framed::read(self.known.role(), headers, bytes, true).map_err(|e| data(e.to_string()))?;
        let file = self.known.get(topic, framed.id, failed, KnownFile::new)?;
        let known = file
            .message(&framed.message, self.protobuf)
            .map_err(|why| data(format!("schema {} {why}", framed.id)))?;
        // The library's text names messages and fields, no data.
        let message = DynamicMessage::decode(known.descriptor.clone(), framed.data)
            .map_err(|error| data(format!("{error}, schema {}", framed.id)))?;
        let value =
            data::read(&known.plan, message).map_err(|why| data(format!("{why}, schema {}", framed.id)))?;
        Ok(SchemaAndValue { schema: Some(Cow::Owned(known.plan.schema.clone())), value })
    }

    fn from_connect(
        &self,
        topic: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        known::read_only(topic, value)
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}

#[cfg(test)]
mod tests;
