//! The answers of the grid: their messages, and the meaning of its error texts.

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_value;
use coherence_kafka_common::map::MapError;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::proto::Any;
use crate::proto::cache::NamedCacheResponse;
use crate::proto::common::ErrorMessage;
use crate::proto::proxy::ProxyResponse;

/// The messages of one answered request, each an encoded `NamedCacheResponse`, in the order in which they came.
pub(crate) type Answer = Vec<Bytes>;

/// What comes in from a grid, over either protocol.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message of a stream of protocol v1.
    Response(ProxyResponse),
    /// The complete answer to a request.
    Answered { id: i64, messages: Answer },
    /// A request has failed.
    Failed { id: i64, error: MapError },
    /// A message that answers no request.
    Event(NamedCacheResponse),
    /// The events of one map are interrupted, and its registrations are gone.
    EventsLost { cache_id: i32, reason: String },
    /// A sign of life.
    Alive,
}

/// Encodes a message of an answer as a grid does over protocol v1.
pub(crate) fn message(name: &str, message: &impl Message) -> Bytes {
    let any = Any { type_url: name.to_owned().into(), value: message.encode_to_vec().into() };
    NamedCacheResponse { message: Some(any), ..NamedCacheResponse::default() }.encode_to_vec().into()
}

/// Returns the one message that answers a request, as the type that `name` names in full.
pub(crate) fn single<M: Message + Default>(answer: Answer, name: &str) -> Result<M, MapError> {
    match answer.as_slice() {
        [message] => inner(message.clone(), name),
        other => Err(unreadable(format!("{} messages where one {name} was expected", other.len()))),
    }
}

/// Returns the message inside a `NamedCacheResponse`.
pub(crate) fn inner<M: Message + Default>(response: Bytes, name: &str) -> Result<M, MapError> {
    let any = cache_response(response)?.message.unwrap_or_default();
    if !is_type(&any, name) {
        return Err(unreadable(format!("{:?} where {name} was expected", any.type_url)));
    }
    M::decode(any.value).map_err(|e| unreadable(format!("{name}: {e}")))
}

/// Returns the key and the value inside a `NamedCacheResponse`, as [`inner`] reads them, in one pass and without a
/// reference to the buffer for every envelope: answers hold them by the thousand.
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

/// Returns the bytes of a field of a message; none where it is left out. The last one counts, as protobuf has it.
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

/// Returns the envelope of a message.
pub(crate) fn cache_response(response: Bytes) -> Result<NamedCacheResponse, MapError> {
    NamedCacheResponse::decode(response).map_err(|e| unreadable(format!("NamedCacheResponse: {e}")))
}

/// Returns true where `any` holds the message that `name` names in full; the part before the last slash may be any
/// host.
pub(crate) fn is_type(any: &Any, name: &str) -> bool {
    any.type_url.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes())
}

/// Returns a value as it was written, without the decorations that a grid may have put around it: one that waits in
/// write-behind has them. The grid takes them off keys, never off values. Bytes that only look decorated are a user's
/// value and stay as they are.
pub(crate) fn undecorated(value: Bytes) -> Bytes {
    match undecorated_value(&value) {
        Ok(Some(inner)) => value.slice_ref(inner),
        Ok(None) | Err(_) => value,
    }
}

/// Returns the value of an answer, or `None`. The form of `None` differs by operation and by the serializer of the map:
/// no bytes, decorations without a value, or null in POF, JSON or Java.
pub(crate) fn value_or_none(stored: Bytes) -> Option<Bytes> {
    let value = match undecorated_value(&stored) {
        Ok(value) => stored.slice_ref(value?),
        Err(_) => stored,
    };
    (!matches!(&value[..], b"" | b"\x15\x64" | b"\x15null" | b"\x00")).then_some(value)
}

/// Returns the error for an answer that does not follow the protocol. It is not a refusal: the request may have been
/// applied, so a writer has to write again, and must not treat the entry as one that the grid refuses.
pub(crate) fn unreadable(what: String) -> MapError {
    MapError::Unavailable(format!("the answer cannot be read: {what}"))
}

/// An error answer of the grid, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GridError {
    pub(crate) error: MapError,
    /// The cache id of the request is no longer valid.
    pub(crate) stale_cache: bool,
}

/// Where a `ReadWriteBackingMap` wraps what its cache store threw. Behind these words stand the key and the text of the
/// store, which may hold anything.
const STORE_FAILED: &[&str] = &["Failed to store", "Failed to erase", "Failed to load"];

/// Exceptions behind which the same request may succeed: too slow, a policy such as a quorum, a service that stops, too
/// little memory.
const PASSING_CLASSES: &[&str] =
    &["RequestTimeoutException", "RequestPolicyException", "ServiceStoppedException", "OutOfMemoryError"];

/// How the texts of such exceptions begin.
const PASSING: &[&str] = &[
    "No storage-enabled nodes",
    "The storage is not available",
    "Request timed out",
    "Java heap space",
    "Cache writes are disallowed by",
    "Cache reads are disallowed by",
    "this proxy channel is closed",
];

/// What stops or starts again, and how its exceptions end.
const STOPPING: (&[&str], &[&str]) = (
    &["Service ", "SafeService", "SafeCluster", "Cluster ", "SafeNamedCache"],
    &[
        "has been terminated",
        "has been stopped",
        "explicitly stopped",
        "is not running",
        "left the cluster",
        "interrupted while waiting",
    ],
);

/// Exceptions by which the grid itself refuses what it was sent: it cannot be read, whenever it is sent.
const REFUSING_CLASSES: &[&str] = &[
    "StreamCorruptedException",
    "EOFException",
    "UTFDataFormatException",
    "InvalidClassException",
    "ClassNotFoundException",
    "ClassCastException",
    "NotSerializableException",
];

/// How the texts of such exceptions begin.
const REFUSING: &[&str] = &[
    "unknown user type",
    "invalid type:",
    "Could not deserialize",
    "Could not unpack",
    "Failed to unpack",
    "Failed to serialize object",
    "Caught an exception while serializing or deserializing",
    "Missing channel id",
    "Unrecognized request",
    "CacheName cannot be empty",
    "ensureCache cannot find a mapping",
    "error decoding cookie",
];

/// What stands for an exception of the grid in the error that [`too_large`] makes.
const TOO_LARGE: &[u8] = b"coherence-client: too large";

/// Returns the error answer that stands for a message of `len` bytes, where at most `max` are received.
pub(crate) fn too_large(len: usize, max: usize) -> ErrorMessage {
    ErrorMessage { message: format!("{len} {max}"), error: Some(Bytes::from_static(TOO_LARGE)) }
}

fn read_too_large(message: &ErrorMessage) -> Option<MapError> {
    message.error.as_deref().filter(|error| *error == TOO_LARGE)?;
    let (bytes, max) = message.message.split_once(' ')?;
    Some(MapError::TooLarge { bytes: bytes.parse().ok()?, max: max.parse().ok()? })
}

/// Sorts an error by its text, which is all that the protocol offers; the serialized exception in the answer is not
/// read.
///
/// Only what the grid itself wrote decides: the classes of its exceptions and the beginning of the innermost text, never
/// the text of a cache store. Everything that is not known is undecided.
pub(crate) fn classify(message: &ErrorMessage) -> GridError {
    if let Some(error) = read_too_large(message) {
        return GridError { error, stale_cache: false };
    }
    let text = message.message.as_str();
    let shown = presentable(text);
    if STORE_FAILED.iter().any(|marker| text.contains(marker)) {
        return GridError { error: MapError::Undecided(shown), stale_cache: false };
    }
    let stale_cache = text.contains("destroyed") || text.contains("No cache proxy exist");
    let Thrown { classes, innermost } = thrown(text);
    let of_class = |known: &[&str]| classes.iter().any(|class| known.contains(class));
    let begins = |known: &[&str]| known.iter().any(|known| innermost.starts_with(known));
    let gone = begins(&["No cache proxy exist", "The cache with id", "SafeNamedCache was"]) && stale_cache;
    let stops = begins(STOPPING.0) && STOPPING.1.iter().any(|state| innermost.contains(state));
    let error = if gone || stops || begins(PASSING) || of_class(PASSING_CLASSES) {
        MapError::Unavailable(shown)
    } else if begins(REFUSING) || of_class(REFUSING_CLASSES) {
        MapError::Refused(shown)
    } else {
        MapError::Undecided(shown)
    };
    GridError { error, stale_cache }
}

/// Finds the wrapped exceptions in the text of an exception.
struct Thrown<'a> {
    /// Their classes, without packages.
    classes: Vec<&'a str>,
    /// The text of the innermost one.
    innermost: &'a str,
}

/// Takes the wrappers off the beginning of a text: `(Wrapped)`, `(Wrapped: …`, `Failed request execution for … on
/// Member(…)`, the code of a gRPC status, names of classes.
fn thrown(text: &str) -> Thrown<'_> {
    let mut classes = Vec::new();
    // Behind it may stand where it was thrown.
    let mut rest = text.trim_start().lines().next().unwrap_or_default();
    loop {
        let before = rest;
        for wrapper in ["(Wrapped)", "(Wrapped:", "INTERNAL:", "INVALID_ARGUMENT:", "UNKNOWN:"] {
            rest = rest.strip_prefix(wrapper).unwrap_or(rest).trim_start();
        }
        if rest.starts_with("Failed request execution for ")
            && let Some((_, behind)) = rest.split_once(" on Member(")
            && let Some((_, behind)) = behind.split_once(") ")
        {
            rest = behind;
        }
        let (name, behind) = rest.split_once(": ").unwrap_or((rest.trim_end(), ""));
        if let Some(class) = class_name(name) {
            classes.push(class);
            rest = behind.trim_start();
        }
        if rest == before {
            return Thrown { classes, innermost: rest };
        }
    }
}

/// Returns the simple name, if `name` is one of a class that can be thrown.
fn class_name(name: &str) -> Option<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || "._$".contains(c);
    let simple = name.rsplit(['.', '$']).next()?;
    let thrown = simple.ends_with("Exception") || simple.ends_with("Error");
    (thrown && name.chars().all(word)).then_some(simple)
}

/// Longest text of the grid that is shown, in characters.
const SHOWN_CHARS: usize = 300;

/// Returns the first line of a text of the grid without anything in double quotes: cache stores quote keys there
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
    fn what_the_grid_itself_cannot_read_is_refused() {
        for text in [
            "Missing channel id in request, has an EnsureCache request been sentSize",
            "Could not unpack message field of type com.google.protobuf.BytesValue",
            "Unrecognized request: Unknown",
            "ensureCache cannot find a mapping for cache nomap",
            "java.io.StreamCorruptedException: invalid type: 104",
            "java.io.StreamCorruptedException: unknown user type: 5555",
            "(Wrapped) java.io.StreamCorruptedException: unknown user type: 5555",
            "java.io.EOFException",
        ] {
            assert_eq!(read(text), GridError { error: MapError::Refused(text.into()), stale_cache: false });
        }
    }

    /// What a grid answers to a `Put` whose cache store threw `text`.
    fn store_threw(call: &str, text: &str) -> String {
        format!(
            "(Wrapped: Failed request execution for PartitionedCache service on Member(Id=1, Timestamp=2026-11-29 \
             10:00:00.0, Address=127.0.0.1:7574, MachineId=1, Location=process:7, Role=Main) (Wrapped: {call} \
             key=\"k\") {text}) {text}"
        )
    }

    #[test]
    fn whatever_a_cache_store_writes_its_failure_is_undecided() {
        let texts = [
            "store refuses boom",
            "The INSERT conflicts with a constraint. The statement has been terminated.",
            "Job 17 is not running",
            "disallowed by policy 7",
            "the account has been destroyed",
            "No storage-enabled nodes",
            "java.io.EOFException",
            "com.tangosol.net.RequestTimeoutException: Request timed out",
            "HikariPool-1 - Connection is not available, request timed out after 30005ms (total=10)",
        ];
        for call in ["Failed to store", "Failed to erase", "Failed to load"] {
            for text in texts {
                let GridError { error, stale_cache } = read(&store_threw(call, text));
                assert!(matches!(error, MapError::Undecided(_)) && !stale_cache, "{text}: {error:?}");
            }
        }
    }

    #[test]
    fn an_error_that_nobody_knows_is_undecided_wherever_words_of_others_stand_in_it() {
        for text in [
            "Partial failure",
            "com.tangosol.net.RequestIncompleteException: Partial failure",
            "order 5 is not running",
            "the statement has been terminated",
            "java.lang.IllegalArgumentException: no such column; java.io.EOFException",
            "",
        ] {
            let read = read(text).error;
            assert!(matches!(read, MapError::Undecided(_)), "{text}: {read:?}");
        }
    }

    #[test]
    fn the_classes_and_the_innermost_text_of_wrapped_exceptions_are_found() {
        let text = "(Wrapped: Failed request execution for S service on Member(Id=1, Role=Main) (Wrapped) \
                    com.tangosol.net.RequestPolicyException: no quorum";
        let found = thrown(text);
        assert_eq!((found.classes, found.innermost), (vec!["RequestPolicyException"], "no quorum"));
        let found = thrown("INTERNAL: (Wrapped: error decoding cookie) null");
        assert_eq!(found.innermost, "error decoding cookie) null");
    }

    #[test]
    fn quoted_keys_are_not_shown() {
        let text = "(Wrapped: Failed request execution for PartitionedCache service on Member(Id=1) \
                    (Wrapped: Failed to store key=\"boom1\") store refuses boom) store refuses boom";
        let MapError::Undecided(shown) = read(text).error else { panic!() };
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
            prop_assert!(matches!(refused, Err(MapError::Unavailable(_))));

            // A value that they cannot read may still be read where the damage lies outside of the entry, but never
            // panics.
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
