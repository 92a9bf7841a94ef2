#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Owns: bytes and traits. Never does: runtimes, sockets, logging; only the embedded map reads a clock and, for its
//! snapshots, files.
//!
//! ```text
//! binary.rs packed.rs decoration.rs pass_through.rs   the forms an entry takes on a wire
//! pof/                                                 Portable Object Format
//! java_format.rs java_format/                          what Java's default serializer writes
//! serializer/                                          Kafka's serializers, POF, JSON, bincode; their names
//! map.rs                                               NamedMap, Session: a map of binary entries, wherever it lives
//! grid_address.rs                                      where a grid is: proxies, or a name service
//! key_locks.rs                                         locks on keys: calls for one key, one after the other
//! query.rs query/                                      filters, extractors, processors, aggregators, in POF and in JSON
//! typed_map.rs                                         TypedMap: a map of typed entries
//! local.rs                                             LocalSession, LocalMap: the embedded implementation
//! splitmix.rs                                          chance that can be repeated, for a demo and for tests
//! testing/                                             FaultySession, FaultyMap: maps that fail (feature `testing`)
//! ```

#![warn(unreachable_pub, missing_debug_implementations)]

pub mod binary;
pub mod decoration;
pub mod grid_address;
pub mod java_format;
pub mod key_locks;
pub mod local;
pub mod map;
#[doc(hidden)]
pub mod nearest;
pub mod packed;
pub mod pass_through;
pub mod pof;
pub mod query;
pub mod serializer;
#[doc(hidden)]
pub mod splitmix;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod typed_map;
