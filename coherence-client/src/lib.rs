//! A client of an Oracle Coherence grid over gRPC, protocol v1.
//!
//! ```text
//! GrpcSession ── RemoteMap ── split ── request ──► sub-channel (one stream) ──► proxy of the grid
//!                   │            answer ◄──────────┤
//!                   └─────────────── events ◄──────┘
//! ```
//!
//! Owns the protocol: connecting and reconnecting, the streams, request ids, listeners, the size limits and the guards
//! against what a grid does not survive. Knows nothing of Kafka, of repeating requests (their caller does) and of what
//! keys and values mean: they pass as bytes.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use coherence_client::{GrpcSession, SessionOptions};
//! # use coherence_client::map::{Entries, Expiry, Session};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let session = GrpcSession::new(SessionOptions::default())?;
//! let map = session.map("orders").await?;
//! // POF texts: the format byte 0x15, the type 0x4E, the length, the text.
//! map.put_all(Arc::new(Entries::from_pairs([(b"\x15\x4e\x01k", b"\x15\x4e\x01v")])), Expiry::Default).await?;
//! session.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Needs a grid that speaks protocol v1: Coherence CE 24.09 or later, 25.03 or later, or commercial 14.1.2 or later.

#![warn(unreachable_pub, missing_debug_implementations)]

mod answer;
mod causes;
mod codec;
mod environment;
mod events;
mod in_doubt;
mod limits;
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

pub use coherence_kafka_common::{binary, map, pof, serializer, typed_map};

pub use options::{ClientIdentity, OptionsError, SessionOptions, SettingNames, TlsOptions, check_address};
pub use remote_map::{RemoteMap, Targets};
pub use session::GrpcSession;

#[cfg(test)]
mod fake_grid;
