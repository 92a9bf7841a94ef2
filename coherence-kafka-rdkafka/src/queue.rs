//! A queue of librdkafka, and the events that arrive on it.
//!
//! # Safety
//! What the `unsafe` blocks rely on:
//! * librdkafka's client and queue handles may be used from any thread (its introduction, "Threads and callbacks");
//! * the owner of a [`Queue`] drops it before its client;
//! * librdkafka calls a queue's callback under the lock of the queue, and takes that lock to replace the callback. So no call
//!   runs once the callback was removed, and what it points to can be freed then;
//! * an event is owned by the caller that polled it, and destroyed once, when its [`Event`] is dropped. What an event points
//!   to lives as long as the event.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::RDKafka;

use crate::record::message::{MessageRef, bytes};
use crate::record::{Envelope, RawRecord};

/// What is called when an empty queue receives something: on a thread of librdkafka, which holds the lock of the queue. So
/// it may call nothing of librdkafka.
pub(crate) type Waker = Arc<dyn Fn() + Send + Sync>;

/// A queue, destroyed on drop.
pub(crate) struct Queue {
    handle: *mut rd::rd_kafka_queue_t,
    /// What librdkafka's callback points to: a box, or null.
    waker: *mut Waker,
}

// SAFETY: librdkafka's queue handles may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A new queue of `client`, a live handle.
    pub(crate) fn new(client: *mut RDKafka) -> Self {
        // SAFETY: the client is alive.
        Self::of(unsafe { rd::rd_kafka_queue_new(client) })
    }

    /// The main queue of `client`, a live handle.
    pub(crate) fn main(client: *mut RDKafka) -> Self {
        // SAFETY: the client is alive. The call adds a reference, which is returned on drop.
        Self::of(unsafe { rd::rd_kafka_queue_get_main(client) })
    }

    fn of(handle: *mut rd::rd_kafka_queue_t) -> Self {
        Self { handle, waker: ptr::null_mut() }
    }

    /// The queue on which records and events of the group of `client` arrive, a live handle of a consumer with a `group.id`.
    pub(crate) fn consumer(client: *mut RDKafka) -> Self {
        // SAFETY: the client is alive, and such a consumer has the queue. The call adds a reference, which is returned on
        // drop.
        Self::of(unsafe { rd::rd_kafka_queue_get_consumer(client) })
    }

    pub(crate) fn as_ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.handle
    }

    /// Returns whether nothing waits in it.
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: the queue is alive.
        unsafe { rd::rd_kafka_queue_length(self.handle) == 0 }
    }

    /// Calls `waker` from now on, each time that something arrives while the queue is empty.
    pub(crate) fn on_arrival(&mut self, waker: Waker) {
        unsafe extern "C" fn arrived(_: *mut RDKafka, waker: *mut c_void) {
            // SAFETY: it points to the waker of a queue that has not removed this callback.
            let waker = unsafe { &*waker.cast::<Waker>() };
            waker();
        }
        self.forget_waker();
        self.waker = Box::into_raw(Box::new(waker));
        // SAFETY: the queue is alive, and the waker too until the callback is removed.
        unsafe { rd::rd_kafka_queue_cb_event_enable(self.handle, Some(arrived), self.waker.cast()) }
    }

    /// Removes the callback, which other references to the queue would keep, and then what it points to.
    fn forget_waker(&mut self) {
        if self.waker.is_null() {
            return;
        }
        // SAFETY: the queue is alive. The waker is a box of ours, which nothing uses behind the first call.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.handle, None, ptr::null_mut());
            drop(Box::from_raw(std::mem::replace(&mut self.waker, ptr::null_mut())));
        }
    }

    /// Ends the poll of another thread, or its next one, without an event.
    pub(crate) fn wake(&self) {
        // SAFETY: the queue is alive.
        unsafe { rd::rd_kafka_queue_yield(self.handle) }
    }

    /// Waits up to `wait` for the next event.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue is alive; the result is null or an event of ours.
        let event = unsafe { rd::rd_kafka_queue_poll(self.handle, millis(wait)) };
        (!event.is_null()).then_some(Event(event))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.forget_waker();
        // SAFETY: the reference is ours and used nowhere else.
        unsafe { rd::rd_kafka_queue_destroy(self.handle) }
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

    /// The text of an error.
    pub(crate) fn reason(&self) -> String {
        // SAFETY: the event is alive; its text lives as long as it.
        let reason = unsafe { CStr::from_ptr(rd::rd_kafka_event_error_string(self.0)) };
        reason.to_string_lossy().trim().to_owned()
    }

    /// Passes a line of the log to `context`.
    pub(crate) fn log(&self, context: &impl ClientContext) {
        let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the event is alive; the texts that the call sets live as long as it. For another kind of event it fails.
        unsafe {
            if rd::rd_kafka_event_log(self.0, &mut facility, &mut text, &mut level) != 0 {
                return;
            }
            let (facility, text) = (CStr::from_ptr(facility), CStr::from_ptr(text));
            let (facility, text) = (facility.to_string_lossy(), text.to_string_lossy());
            context.log(log_level(level), facility.trim(), text.trim());
        }
    }

    /// The partition that an error is about, and the offset.
    pub(crate) fn position(&self) -> Option<(i32, i64)> {
        // SAFETY: the event is alive; what the call returns is null or ours, and destroyed once.
        unsafe {
            let found = rd::rd_kafka_event_topic_partition(self.0);
            let position = found.as_ref().map(|found| (found.partition, found.offset));
            if !found.is_null() {
                rd::rd_kafka_topic_partition_destroy(found);
            }
            position
        }
    }

    /// The record of an event that has one, on the first call.
    pub(crate) fn record(&self) -> Option<RawRecord<'_>> {
        // SAFETY: the event is alive; its message, and what that points to, live as long as it. A topic's name is text of
        // ASCII letters, digits, dot, underscore and dash.
        unsafe {
            let handle = rd::rd_kafka_event_message_next(self.0);
            let message = handle.as_ref().filter(|message| Code::from(message.err) == Code::NoError)?;
            let topic = CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt));
            Some(RawRecord {
                topic: std::str::from_utf8_unchecked(topic.to_bytes()),
                partition: message.partition,
                offset: message.offset,
                key: bytes(message.key, message.key_len),
                value: bytes(message.payload, message.len),
                envelope: Envelope::Message(MessageRef::new(handle)),
            })
        }
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

fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        ..=0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        7.. => RDKafkaLogLevel::Debug,
    }
}
