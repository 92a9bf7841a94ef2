//! The messages of Coherence's gRPC protocols v1 and v0, generated from `proto/`.

#![allow(missing_docs, dead_code, unreachable_pub, non_camel_case_types, clippy::all)]

use bytes::Bytes;

/// `google.protobuf.Any` with both fields as slices of the received buffer: entries are read without a copy, and without
/// a string for each of their envelopes.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Any {
    #[prost(bytes = "bytes", tag = "1")]
    pub type_url: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

mod generated {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}

pub use generated::coherence as v0;
pub use generated::coherence::cache::v1 as cache;
pub use generated::coherence::common::v1 as common;
pub use generated::coherence::proxy::v1 as proxy;
