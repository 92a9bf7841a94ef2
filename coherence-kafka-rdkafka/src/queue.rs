//! A queue of librdkafka, and the events that arrive on it.
//!
//! # Safety
//! What the `unsafe` blocks rely on:
//! * librdkafka's client and queue handles may be used from any thread (its introduction, "Threads and callbacks");
//! * the owner of a [`Queue`] drops it before its client;
//! * an event is owned by the caller that polled it, and destroyed once, when its [`Event`] is dropped. What an event points
//!   to lives as long as the event.
#![allow(unsafe_code)]

use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::RDKafka;

/// A queue, destroyed on drop.
pub(crate) struct Queue(*mut rd::rd_kafka_queue_t);

// SAFETY: librdkafka's queue handles may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A new queue of `client`, a live handle.
    pub(crate) fn new(client: *mut RDKafka) -> Self {
        // SAFETY: the client is alive.
        Self(unsafe { rd::rd_kafka_queue_new(client) })
    }

    /// The main queue of `client`, a live handle.
    pub(crate) fn main(client: *mut RDKafka) -> Self {
        // SAFETY: the client is alive. The call adds a reference, which is returned on drop.
        Self(unsafe { rd::rd_kafka_queue_get_main(client) })
    }

    pub(crate) fn as_ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.0
    }

    /// Waits up to `wait` for the next event.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue is alive; the result is null or an event of ours.
        let event = unsafe { rd::rd_kafka_queue_poll(self.0, millis(wait)) };
        (!event.is_null()).then_some(Event(event))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and used nowhere else.
        unsafe { rd::rd_kafka_queue_destroy(self.0) }
    }
}

/// A time in librdkafka's unit. A longer one than it can express becomes the longest.
pub(crate) fn millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
}

/// An event, destroyed on drop.
pub(crate) struct Event(*mut rd::rd_kafka_event_t);

impl Event {
    pub(crate) fn as_ptr(&self) -> *mut rd::rd_kafka_event_t {
        self.0
    }

    pub(crate) fn kind(&self) -> i32 {
        // SAFETY: the event is alive.
        unsafe { rd::rd_kafka_event_type(self.0) }
    }

    /// `NoError` for an event of success.
    pub(crate) fn code(&self) -> Code {
        // SAFETY: the event is alive.
        Code::from(unsafe { rd::rd_kafka_event_error(self.0) })
    }

    /// The number that the request was sent with.
    pub(crate) fn number(&self) -> usize {
        // SAFETY: the event is alive. The opaque pointer is returned as it was sent.
        unsafe { rd::rd_kafka_event_opaque(self.0) }.addr()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours and destroyed once.
        unsafe { rd::rd_kafka_event_destroy(self.0) }
    }
}
