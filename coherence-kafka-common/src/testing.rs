//! Maps that fail as a test wants it, for the tests of this workspace. Only the feature `testing` has this module.
//!
//! A [`FaultySession`] or a [`FaultyMap`] asks its script about each [`Request`]. The script is an async function that
//! applies the request or not, and returns the answer:
//!
//! ```
//! use std::sync::Arc;
//! use coherence_kafka_common::local::LocalSession;
//! use coherence_kafka_common::map::{Expiry, Format, MapError, Session};
//! use coherence_kafka_common::testing::{FaultySession, Operation, Request};
//!
//! # futures::FutureExt::now_or_never(async {
//! let script = |request: Request| async move {
//!     match request.operation {
//!         // Refused before it takes effect.
//!         Operation::Remove => Err(MapError::Refused("read-only".to_owned())),
//!         // Applied, but the answer is lost.
//!         Operation::Put(_) => {
//!             request.apply().await?;
//!             Err(MapError::Unavailable("connection lost".to_owned()))
//!         }
//!         // Answered as the map behind it does.
//!         _ => request.apply().await,
//!     }
//! };
//! let session = FaultySession::new(Arc::new(LocalSession::new(Format::Pof)), script);
//! let map = session.map("m").await?;
//! assert!(map.put(b"k", b"v", Expiry::Default).await.is_err());
//! assert_eq!(map.get(b"k").await?.as_deref(), Some(&b"v"[..]));
//! assert!(map.remove(b"k").await.is_err());
//! # Ok::<_, MapError>(())
//! # }).expect("nothing waits here")?;
//! # Ok::<_, MapError>(())
//! ```
//!
//! | failure | script |
//! |---|---|
//! | a batch that is applied in part | applies some requests of [`Request::split`] |
//! | a request that hangs | awaits what the test releases, or [`std::future::pending`] |
//! | a slow grid | awaits the clock of the test |
//! | a write that is applied after its answer | pushes the request to the [`LateWrites`] of the session |
//! | a write that a gate holds back | calls [`Request::check_gate`] first |
//!
//! What is applied is in the map behind it. Requests are recorded. Calls that [`FaultyMap`] lacks end in
//! [`MapError::Misuse`](crate::map::MapError::Misuse).

mod faulty_map;
mod faulty_session;
mod request;

pub use faulty_map::FaultyMap;
pub use faulty_session::FaultySession;
pub use request::{Answer, LateWrites, Operation, Request};

#[cfg(test)]
mod tests;
