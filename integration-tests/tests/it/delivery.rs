//! The policies of delivery against the real peers: what becomes of records that cannot be delivered, of the queue
//! that takes them, and of a task whose grid stays away.

mod cookbook;
mod entries;
mod fields;
mod late_writes;
pub mod letters;
mod logs;
mod outages;
mod queue;
mod quorum;
mod refusals;
mod secrets;
mod stores;
mod transforms;
