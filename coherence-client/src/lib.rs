#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! ```text
//! GrpcSession ── RemoteMap ── split ── request ──► sub-channel (one stream) ──► proxy of the grid, protocol v1
//!                   │            answer ◄──────────┤ └──► v0 (one connection) ──► proxy of the grid, protocol v0
//!                   └─────────────── events ◄──────┘
//! ```
//!
//! The crate owns the protocol: connecting and reconnecting, the streams, request ids, listeners, the size limits and
//! the guards against requests that a grid does not survive. Keys and values pass as bytes.

#![warn(unreachable_pub, missing_debug_implementations)]

mod answer;
mod causes;
mod codec;
mod environment;
mod events;
mod in_doubt;
mod limits;
mod listener;
mod name_service;
mod options;
mod proto;
mod remote_map;
mod request;
mod session;
mod session_core;
mod split;
mod sub_channel;
mod tls;
mod v0;

pub use coherence_kafka_common::map::{EventKind, Expiry, Format, MapError, NamedMap, Session, Targets};
pub use coherence_kafka_common::pof::PofContext;
pub use coherence_kafka_common::query::{
    Aggregator, Change, EventFilter, Extractor, Filter, Processor, Updater,
};
pub use coherence_kafka_common::serializer::json::JsonClasses;
pub use coherence_kafka_common::typed_map::{
    Classes, Select, TypedEvent, TypedListenTo, TypedMap, TypedMapError, TypedNotice,
};
pub use coherence_kafka_common::{binary, map, pof, query, serializer, typed_map};

pub use listener::{Listener, on_notice};
pub use options::{ClientIdentity, OptionsError, SessionOptions, SettingNames, TlsOptions, check_address};
pub use remote_map::RemoteMap;
pub use session::GrpcSession;

#[cfg(test)]
mod fake_grid;
