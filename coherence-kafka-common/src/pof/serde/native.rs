//! Types that have a POF form of their own and no like in serde's data model.
//!
//! They pass through serde as a newtype of a reserved name around the bytes of their POF.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer, ser};
use uuid::Uuid;

use crate::pof::value::PofValue;
use crate::pof::writer::PofWriter;

/// The newtype whose bytes are written as they are.
pub(super) const NAME: &str = "$coherence::pof";

const UUID_TYPE_ID: u32 = 909;

/// A field that is a `java.util.UUID`: user type 909, which Coherence 24.09 and later registers by itself. In
/// text formats it is the usual text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JavaUuid(pub Uuid);

impl Serialize for JavaUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(&self.0);
        }
        let mut pof = Vec::new();
        PofWriter::new(&mut pof).uuid(self.0.as_u128());
        serializer.serialize_newtype_struct(NAME, &Bytes(&pof))
    }
}

impl<'de> Deserialize<'de> for JavaUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return Uuid::try_parse(&text)
                .map(JavaUuid)
                .map_err(|_| de::Error::custom("text that is not a UUID"));
        }
        let value = PofValue::deserialize(deserializer)?;
        java_uuid(&value).ok_or_else(|| de::Error::custom("another value where a java.util.UUID is needed"))
    }
}

fn java_uuid(value: &PofValue) -> Option<JavaUuid> {
    let PofValue::User { type_id: UUID_TYPE_ID, properties, .. } = value else { return None };
    let half = |wanted: u32| match properties.iter().find(|(index, _)| *index == wanted) {
        None => Some(0),
        Some((_, PofValue::Int32(half))) => Some(i64::from(*half) as u64),
        Some((_, PofValue::Int64(half))) => Some(*half as u64),
        Some(_) => None,
    };
    Some(JavaUuid(Uuid::from_u64_pair(half(1)?, half(0)?)))
}

impl Serialize for PofValue {
    /// As POF, in other formats as the bytes of it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pof = Vec::new();
        PofWriter::new(&mut pof).value(self).map_err(ser::Error::custom)?;
        serializer.serialize_newtype_struct(NAME, &Bytes(&pof))
    }
}

impl<'de> Deserialize<'de> for PofValue {
    /// From POF, in other formats from the bytes of it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, PofVisitor)
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct PofVisitor;

impl<'de> Visitor<'de> for PofVisitor {
    type Value = PofValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a POF value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<PofValue, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_bytes<E: de::Error>(self, pof: &[u8]) -> Result<PofValue, E> {
        crate::pof::decode(pof).map_err(E::custom)
    }
}
