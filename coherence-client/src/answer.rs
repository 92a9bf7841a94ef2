//! What comes back: the messages of an answer, and what an error text of the grid means.

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_value;
use coherence_kafka_common::map::MapError;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::proto::Any;
use crate::proto::cache::NamedCacheResponse;
use crate::proto::common::ErrorMessage;

/// The messages of one answered request, each an encoded `NamedCacheResponse`, in the order in which they came.
pub(crate) type Answer = Vec<Bytes>;

/// The one message that answers a request, as the type that `name` names in full.
pub(crate) fn single<M: Message + Default>(answer: Answer, name: &str) -> Result<M, MapError> {
    match answer.as_slice() {
        [message] => inner(message.clone(), name),
        other => Err(unreadable(format!("{} messages where one {name} was expected", other.len()))),
    }
}

/// The message inside a `NamedCacheResponse`.
pub(crate) fn inner<M: Message + Default>(response: Bytes, name: &str) -> Result<M, MapError> {
    let any = cache_response(response)?.message.unwrap_or_default();
    if !is_type(&any, name) {
        return Err(unreadable(format!("{:?} where {name} was expected", any.type_url)));
    }
    M::decode(any.value).map_err(|e| unreadable(format!("{name}: {e}")))
}

/// The key and the value inside a `NamedCacheResponse`, as [`inner`] reads them, in one pass and without a reference
/// to the buffer for every envelope: answers hold them by the thousand.
pub(crate) fn entry(response: &Bytes, name: &str) -> Result<(Bytes, Bytes), MapError> {
    let damaged = |e: prost::DecodeError| unreadable(format!("{name}: {e}"));
    let any = field(response, 3).map_err(damaged)?;
    let type_url = field(any, 1).map_err(damaged)?;
    if type_url.rsplit(|byte| *byte == b'/').next() != Some(name.as_bytes()) {
        return Err(unreadable(format!("{:?} where {name} was expected", String::from_utf8_lossy(type_url))));
    }
    let entry = field(any, 2).map_err(damaged)?;
    let part = |number| field(entry, number).map(|bytes| response.slice_ref(bytes)).map_err(damaged);
    Ok((part(1)?, part(2)?))
}

/// The bytes of a field of a message; none where it is left out. The last one counts, as protobuf has it.
fn field(message: &[u8], number: u32) -> Result<&[u8], prost::DecodeError> {
    let (mut rest, mut found) = (message, &message[..0]);
    while !rest.is_empty() {
        let (tag, wire_type) = decode_key(&mut rest)?;
        if tag == number && wire_type == WireType::LengthDelimited {
            let mut behind = rest;
            skip_field(wire_type, tag, &mut behind, DecodeContext::default())?;
            // Whole, or it could not have been skipped.
            let len = decode_varint(&mut rest)? as usize;
            found = &rest[..len];
            rest = behind;
        } else {
            skip_field(wire_type, tag, &mut rest, DecodeContext::default())?;
        }
    }
    Ok(found)
}

/// The envelope of a message.
pub(crate) fn cache_response(response: Bytes) -> Result<NamedCacheResponse, MapError> {
    NamedCacheResponse::decode(response).map_err(|e| unreadable(format!("NamedCacheResponse: {e}")))
}

/// True where `any` holds the message that `name` names in full; the part before the last slash may be any host.
pub(crate) fn is_type(any: &Any, name: &str) -> bool {
    any.type_url.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes())
}

/// A value as it was written, without the decorations that a grid may have put around it: one that waits in
/// write-behind has them. The grid takes them off keys, never off values. Bytes that only look decorated are somebody's
/// value and stay as they are.
pub(crate) fn undecorated(value: Bytes) -> Bytes {
    match undecorated_value(&value) {
        Ok(Some(inner)) => value.slice_ref(inner),
        Ok(None) | Err(_) => value,
    }
}

/// A value where there may be none. What stands for none differs by operation and by the serializer of the map: no
/// bytes, decorations without a value, or null in POF, JSON or Java.
pub(crate) fn value_or_none(stored: Bytes) -> Option<Bytes> {
    let value = match undecorated_value(&stored) {
        Ok(value) => stored.slice_ref(value?),
        Err(_) => stored,
    };
    (!matches!(&value[..], b"" | b"\x15\x64" | b"\x15null" | b"\x00")).then_some(value)
}

/// An answer that does not follow the protocol: asking again gives the same.
pub(crate) fn unreadable(what: String) -> MapError {
    MapError::Refused(format!("the answer cannot be read: {what}"))
}

/// An error answer of the grid, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GridError {
    pub error: MapError,
    /// The cache id of the request is no longer valid.
    pub stale_cache: bool,
}

/// Parts of the texts of errors behind which the same request may succeed. Exceptions of the grid are named by their
/// class where another one wraps them.
const PASSING: &[&str] = &[
    // No members to store.
    "No storage-enabled nodes",
    "The storage is not available",
    // A write that storage took in part.
    "Partial failure",
    // Too slow, or overloaded.
    "RequestTimeoutException",
    "Request timed out",
    "OutOfMemoryError",
    "Java heap space",
    // A quorum or another policy that does not allow it at the moment, or a service that is suspended.
    "RequestPolicyException",
    "disallowed by",
    // The service, its cluster or the proxy is stopping, or starts again.
    "proxy channel is closed",
    "ServiceStoppedException",
    "has been terminated",
    "has been stopped",
    "explicitly stopped",
    "is not running",
    "left the cluster",
    "interrupted while waiting",
];

/// Sorts an error by its text, which is all that the protocol gives; the serialized exception beside it is not read.
///
/// Everything that is not known to pass is permanent.
pub(crate) fn classify(message: &ErrorMessage) -> GridError {
    let text = message.message.as_str();
    let stale_cache = text.contains("destroyed") || text.contains("No cache proxy exist");
    let passing = stale_cache || PASSING.iter().any(|known| text.contains(known));
    let shown = presentable(text);
    let error = if passing { MapError::Unavailable(shown) } else { MapError::Refused(shown) };
    GridError { error, stale_cache }
}

/// Longest text of the grid that is shown, in characters.
const SHOWN_CHARS: usize = 300;

/// The first line of a text of the grid without anything in double quotes: cache stores quote keys there
/// (`Failed to store key="…"`). From the first quote to the last, because a quoted key may itself hold quotes or
/// line ends.
fn presentable(text: &str) -> String {
    let unquoted = match text.split_once('"') {
        Some((before, after)) => {
            let rest = after.rsplit_once('"').map_or("", |(_, rest)| rest);
            format!("{before}\"…\"{rest}")
        }
        None => text.to_owned(),
    };
    let line = unquoted.trim().lines().next().unwrap_or_default().trim_end();
    if line.is_empty() {
        return "no reason given".to_owned();
    }
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::common::BinaryKeyAndValue;

    fn read(text: &str) -> GridError {
        classify(&ErrorMessage { message: text.to_owned(), error: Some(Bytes::from_static(b"secret")) })
    }

    #[test]
    fn errors_that_pass_by_themselves_are_retriable() {
        for (text, stale_cache) in [
            ("No storage-enabled nodes exist for service PartitionedCache", false),
            ("Partial failure", false),
            ("this proxy channel is closed", false),
            ("Request timed out after 30000 millis", false),
            ("(Wrapped) com.tangosol.net.RequestTimeoutException: Request timed out", false),
            ("Cache writes are disallowed by PartitionedCacheQuorumPolicy{write-quorum=2}", false),
            ("java.lang.OutOfMemoryError: Java heap space", false),
            ("SafeCluster has been explicitly stopped or has not been started", false),
            ("Service PartitionedCache has been terminated", false),
            ("The cache with id 17 has been explicitly destroyed", true),
            ("SafeNamedCache was explicitly destroyed", true),
            ("No cache proxy exist for id 188068289 request=Size", true),
        ] {
            let read = read(text);
            assert_eq!(read.error, MapError::Unavailable(text.to_owned()));
            assert_eq!(read.stale_cache, stale_cache, "{text}");
        }
    }

    #[test]
    fn every_other_error_is_permanent() {
        for text in [
            "Missing channel id in request, has an EnsureCache request been sentSize",
            "Could not unpack message field of type com.google.protobuf.BytesValue",
            "Unrecognized request: Unknown",
            "ensureCache cannot find a mapping for cache nomap",
            "java.io.StreamCorruptedException: invalid type: 104",
            "java.io.EOFException",
        ] {
            assert_eq!(read(text), GridError { error: MapError::Refused(text.into()), stale_cache: false });
        }
    }

    #[test]
    fn quoted_keys_are_not_shown() {
        let text = "(Wrapped: Failed request execution for PartitionedCache service on Member(Id=1) \
                    (Wrapped: Failed to store key=\"boom1\") store refuses boom) store refuses boom";
        let MapError::Refused(shown) = read(text).error else { panic!() };
        assert!(shown.contains("key=\"…\") store refuses boom)"), "{shown}");
        assert!(!shown.contains("boom1"), "{shown}");
    }

    #[test]
    fn a_text_is_cut_to_its_first_line_and_300_characters() {
        let shown = |text: &str| presentable(text);
        assert_eq!(shown("java.io.EOFException\n\tat a.b.c"), "java.io.EOFException");
        assert_eq!(shown(&"ü".repeat(400)).chars().count(), 301);
        assert_eq!(shown(" \n "), "no reason given");
    }

    proptest! {
        #[test]
        fn an_entry_is_read_as_the_generated_types_read_it(
            key: Vec<u8>,
            value: Vec<u8>,
            cache_id: i32,
            cut: prop::sample::Index,
            flip: (prop::sample::Index, u8),
        ) {
            const NAME: &str = "coherence.common.v1.BinaryKeyAndValue";
            let sent = BinaryKeyAndValue { key: key.into(), value: value.into() };
            let any = Any {
                type_url: format!("type.googleapis.com/{NAME}").into(),
                value: sent.encode_to_vec().into(),
            };
            let response = NamedCacheResponse { cache_id, message: Some(any), ..NamedCacheResponse::default() };
            let bytes = response.encode_to_vec();
            let read = entry(&bytes.clone().into(), NAME).unwrap();
            prop_assert_eq!(read, (sent.key, sent.value));
            let refused = entry(&bytes.clone().into(), "another.Message");
            prop_assert!(matches!(refused, Err(MapError::Refused(_))));

            // What they cannot read may still be read where the damage lies beside the entry, but never panics.
            let mut damaged = bytes.clone();
            let at = flip.0.index(damaged.len());
            damaged[at] ^= flip.1;
            damaged.truncate(cut.index(damaged.len() + 1));
            let _ = entry(&damaged.into(), NAME);
        }

        #[test]
        fn no_part_of_a_quoted_key_survives(key in "[A-Z\"\n]{1,20}", tail in "[a-z\"]{0,5}") {
            let text = format!("failed to store key=\"{key}\") {tail}");
            let shown = presentable(&text);
            prop_assert!(!shown.contains(|c: char| c.is_ascii_uppercase()), "{}", shown);
        }
    }
}
