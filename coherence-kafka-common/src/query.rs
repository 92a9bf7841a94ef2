//! Filters, extractors, entry processors and aggregators: requests about many entries, which run where the entries
//! are.
//!
//! Owns: which classes of Coherence's stand for them, and the form of these classes in POF and in JSON. Never does: I/O,
//! or evaluate them: an embedded map has none of them.
//!
//! ```text
//! filter.rs event_filter.rs extractor.rs     Filter, EventFilter, Extractor
//! processor.rs updater.rs                    Processor, Updater
//! aggregator.rs decimal.rs                   Aggregator, and the exact numbers that some of them return
//! object.rs literal.rs                       an object of Coherence's in both formats, and the values in it
//! ```
//!
//! Values in them are any types of serde's. A grid compares objects of Java: a value must be of the class that the
//! property has there, in POF an `i32` for an `int` or `Integer`, and an `i64` for a `long` or `Long`. In JSON a number
//! is an `Integer`, or a `Long` where it is too large for one, whatever type of Rust's it comes from: ranges and equality
//! of a property `long` are for POF.
//!
//! ```
//! use coherence_kafka_common::map::Format;
//! use coherence_kafka_common::pof::PofContext;
//! use coherence_kafka_common::query::{Extractor, Filter};
//! use coherence_kafka_common::serializer::json::JsonClasses;
//!
//! // Adults of Prague, by the properties `age` and `address.city` of the values.
//! let city = Extractor::chained(["address", "city"]);
//! let filter = Filter::greater_or_equal("age", 18).and(Filter::equal(city, "Prague"));
//! let binary = filter.to_binary(Format::Json, &PofContext::default(), &JsonClasses::default())?;
//! assert!(binary.starts_with(b"\x15{\"@class\":\"filter.AndFilter\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aggregator;
mod decimal;
mod event_filter;
mod extractor;
mod filter;
mod literal;
mod object;
mod processor;
#[cfg(test)]
mod tests;
mod updater;

pub use aggregator::Aggregator;
pub use decimal::Decimal;
pub use event_filter::{Change, EventFilter};
pub use extractor::Extractor;
pub use filter::Filter;
pub use processor::Processor;
pub use updater::Updater;
