//! A producer of librdkafka.
//!
//! rdkafka's own producers look the topic up for each record and hand out delivery reports one by one, each with a
//! reference count, from a `poll` that always lasts its whole timeout. Here a topic is looked up once, and the reports
//! that arrived together are handed out together, at once.
//!
//! # Safety
//! What the `unsafe` blocks rely on:
//! * librdkafka's handles may be used from any thread (its introduction, "Threads and callbacks");
//! * the queue and the topics keep the client alive that they belong to, and are given back before it;
//! * an event is owned by who polled it: it is destroyed once, when its [`Event`] is dropped, and every message read
//!   out of it is copied before;
//! * an error of a call for transactions is owned by its caller;
//! * `rd_kafka_producev` copies key and value (`RD_KAFKA_MSG_F_COPY`), and owns the headers once it has succeeded;
//!   a message that was polled has no other user, so its headers may be taken from it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::bindings::rd_kafka_vtype_t as vtype;
use rdkafka::client::{Client as RdClient, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::RDKafkaType;

use crate::error::StoreError;
use crate::kafka::failures::{LastError, Persisted, sorted, text};
use crate::kafka::headers::HeaderList;

mod transactions;

pub use transactions::Lost;
pub(crate) use transactions::Unfinished;
/// The largest record that librdkafka sends without a setting.
const MAX_RECORD_BYTES: usize = 1_000_000;

/// Settings for a Kafka client, by librdkafka's names.
pub(crate) type ClientSettings = [(String, String)];

/// `RD_KAFKA_PARTITION_UA`: the partitioner decides.
const UNASSIGNED: i32 = -1;

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// librdkafka holds as much as its settings allow.
    Full,
    /// This producer takes nothing any more.
    Fatal,
    /// There is no transaction that it could be part of.
    NoTransaction,
    /// This record.
    Because(StoreError),
}

/// What became of a record, by the number it was produced with.
#[derive(Debug)]
pub(crate) struct Report {
    pub number: usize,
    pub outcome: Result<(), StoreError>,
    pub headers: Option<HeaderList>,
}

/// Hands records to librdkafka. Dropping it waits for librdkafka's threads, which may take a moment, and forgets what
/// it still holds.
pub(crate) struct Client {
    queue: *mut rd::rd_kafka_queue_t,
    client: RdClient<Context>,
    last_error: LastError,
    max_record_bytes: usize,
}

// SAFETY: both handles may be used from any thread.
unsafe impl Send for Client {}
// SAFETY: as above; `poll` is meant for one thread only because the order of reports is its business.
unsafe impl Sync for Client {}

impl Client {
    /// # Errors
    /// A setting that librdkafka refuses, or what else it says.
    pub fn new(settings: &ClientSettings) -> Result<Arc<Self>, String> {
        let mut config = rdkafka::ClientConfig::new();
        for (key, value) in settings {
            config.set(key, value);
        }
        let native = config.create_native_config().map_err(|error| error.to_string())?;
        // SAFETY: the configuration is alive.
        unsafe {
            rd::rd_kafka_conf_set_events(native.ptr(), rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR)
        };
        let client = RdClient::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, Context)
            .map_err(|error| error.to_string())?;
        // SAFETY: the client is alive; the reference that this call makes is given back on drop.
        let queue = unsafe { rd::rd_kafka_queue_get_main(client.native_ptr()) };
        let max_record_bytes = settings.iter().rfind(|(name, _)| name == "message.max.bytes");
        let max_record_bytes = max_record_bytes.and_then(|(_, value)| value.trim().parse().ok());
        let max_record_bytes = max_record_bytes.unwrap_or(MAX_RECORD_BYTES);
        Ok(Arc::new(Self { queue, client, last_error: LastError::default(), max_record_bytes }))
    }

    /// Hands a record over, to the partition of its key unless one is given; what becomes of it is reported under
    /// `number`. Never blocks.
    pub fn produce(
        &self,
        topic: &Topic,
        partition: Option<i32>,
        key: &[u8],
        value: Option<&[u8]>,
        headers: HeaderList,
        number: usize,
    ) -> Result<(), (NotTaken, HeaderList)> {
        let (value, value_len) = value.map_or((ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        // SAFETY: every pointer is valid for its length during the call, which copies what it points to; the list ends
        // with END. The headers are librdkafka's once it has taken the record, and ours otherwise.
        let code = unsafe {
            rd::rd_kafka_producev(
                self.client.native_ptr(),
                vtype::RD_KAFKA_VTYPE_RKT,
                topic.handle,
                vtype::RD_KAFKA_VTYPE_PARTITION,
                partition.unwrap_or(UNASSIGNED),
                vtype::RD_KAFKA_VTYPE_MSGFLAGS,
                rd::RD_KAFKA_MSG_F_COPY,
                vtype::RD_KAFKA_VTYPE_VALUE,
                value.cast::<c_void>(),
                value_len,
                vtype::RD_KAFKA_VTYPE_KEY,
                key.as_ptr().cast::<c_void>(),
                key.len(),
                vtype::RD_KAFKA_VTYPE_OPAQUE,
                number as *mut c_void,
                vtype::RD_KAFKA_VTYPE_HEADERS,
                headers.as_ptr(),
                vtype::RD_KAFKA_VTYPE_END,
            )
        };
        let not_taken = match Code::from(code) {
            Code::NoError => {
                headers.given_away();
                return Ok(());
            }
            Code::QueueFull => NotTaken::Full,
            Code::Fatal => NotTaken::Fatal,
            Code::State => NotTaken::NoTransaction,
            Code::MessageSizeTooLarge => NotTaken::Because(self.too_large(key.len() + value_len)),
            code => NotTaken::Because(sorted(code, &topic.name, Persisted::No, &self.last_error)),
        };
        Err((not_taken, headers))
    }

    /// It was not sent: no broker has seen it.
    fn too_large(&self, bytes: usize) -> StoreError {
        StoreError::Refused(format!(
            "a record with {bytes} bytes of key and value is not sent, because max.request.size (message.max.bytes) is \
             {}: raise it, and max.message.bytes of the topic",
            self.max_record_bytes
        ))
    }

    /// Waits up to `wait` for something to happen; adds what became of records to `reports`. One thread only. True where
    /// the client has just failed for good.
    pub fn poll(&self, wait: Duration, reports: &mut Vec<Report>) -> bool {
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive; what it returns is null or an event of ours.
        let Some(event) = Event::of(unsafe { rd::rd_kafka_queue_poll(self.queue, wait_ms) }) else {
            return false;
        };
        match event.kind() {
            rd::RD_KAFKA_EVENT_DR => self.delivered(&event, reports),
            rd::RD_KAFKA_EVENT_LOG => event.log(&self.client),
            rd::RD_KAFKA_EVENT_ERROR => {
                let (code, reason) = event.error();
                self.last_error.note(code, &reason);
                return code == Code::Fatal;
            }
            _ => {}
        }
        false
    }

    fn delivered(&self, event: &Event, reports: &mut Vec<Report>) {
        // SAFETY: the event is alive, and its messages and their topics as long as it.
        unsafe {
            reports.reserve(rd::rd_kafka_event_message_count(event.0));
            let mut acknowledged = false;
            loop {
                let message = rd::rd_kafka_event_message_next(event.0);
                if message.is_null() {
                    break;
                }
                let outcome = match Code::from((*message).err) {
                    Code::NoError => Ok(()),
                    code => {
                        let topic = CStr::from_ptr(rd::rd_kafka_topic_name((*message).rkt)).to_string_lossy();
                        let persisted = Persisted::of(rd::rd_kafka_message_status(message));
                        Err(self.failure(code, &topic, persisted))
                    }
                };
                acknowledged |= outcome.is_ok();
                let headers = HeaderList::detach(message);
                reports.push(Report { number: (*message)._private as usize, outcome, headers });
            }
            if acknowledged {
                self.last_error.forget();
            }
        }
    }

    /// A fatal error hides its cause from the records that it took with it.
    fn failure(&self, code: Code, topic: &str, persisted: Persisted) -> StoreError {
        let sorted = |code| sorted(code, topic, persisted, &self.last_error);
        match (code, self.client.fatal_error()) {
            (Code::Fatal | Code::PurgeQueue | Code::PurgeInflight, Some((code, _))) => match sorted(code) {
                StoreError::Unavailable(_) => StoreError::Unavailable(format!(
                    "the producer failed for good: {}; the record {}",
                    text(code),
                    persisted.words()
                )),
                error => error,
            },
            _ => sorted(code),
        }
    }

    /// How many records and events it holds.
    pub fn holds(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.client.native_ptr()) }).unwrap_or(0)
    }

    /// Gives up every record that is not on its way, or those too; each is reported.
    pub fn purge(&self, on_their_way: bool) {
        let on_their_way = if on_their_way { rd::RD_KAFKA_PURGE_F_INFLIGHT } else { 0 };
        let which = rd::RD_KAFKA_PURGE_F_QUEUE | on_their_way;
        // SAFETY: the client is alive. The call fails for unknown flags and for other clients than producers.
        unsafe { rd::rd_kafka_purge(self.client.native_ptr(), which) };
    }

    /// Makes it fail for good, as a broker might.
    #[cfg(test)]
    pub fn fail(&self) {
        let code = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        // SAFETY: the client is alive and the text ends with a null.
        unsafe { rd::rd_kafka_test_fatal_error(self.client.native_ptr(), code, c"a test".as_ptr()) };
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: the queue was got in `new` and is used nowhere else; the client outlives this call.
        unsafe { rd::rd_kafka_queue_destroy(self.queue) }
    }
}

/// A topic, looked up.
pub(crate) struct Topic {
    handle: *mut rd::rd_kafka_topic_t,
    name: String,
    /// Keeps the client alive for as long as the handle.
    _client: Arc<Client>,
}

// SAFETY: the handle may be used from any thread.
unsafe impl Send for Topic {}
// SAFETY: as above.
unsafe impl Sync for Topic {}

impl Topic {
    /// # Errors
    /// A name that no topic can have.
    pub fn new(client: &Arc<Client>, name: &str) -> Result<Self, String> {
        let refused = || format!("{name:?} is no name of a topic");
        let c_name = CString::new(name).map_err(|_| refused())?;
        // SAFETY: the client is alive, the name ends with a null, and without a configuration the client's is taken.
        let handle =
            unsafe { rd::rd_kafka_topic_new(client.client.native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if handle.is_null() {
            return Err(refused());
        }
        Ok(Self { handle, name: name.to_owned(), _client: client.clone() })
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the handle was made by `new` and is used nowhere else.
        unsafe { rd::rd_kafka_topic_destroy(self.handle) }
    }
}

struct Event(*mut rd::rd_kafka_event_t);

impl Event {
    fn of(event: *mut rd::rd_kafka_event_t) -> Option<Self> {
        (!event.is_null()).then_some(Self(event))
    }

    fn kind(&self) -> i32 {
        // SAFETY: the event is alive.
        unsafe { rd::rd_kafka_event_type(self.0) }
    }

    fn log(&self, client: &RdClient<Context>) {
        let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the event is alive and of this kind; the texts it points to live as long as it.
        unsafe {
            if rd::rd_kafka_event_log(self.0, &mut facility, &mut text, &mut level) != 0 {
                return;
            }
            let (facility, text) = (CStr::from_ptr(facility), CStr::from_ptr(text));
            let (facility, text) = (facility.to_string_lossy(), text.to_string_lossy());
            client.context().log(log_level(level), facility.trim(), text.trim());
        }
    }

    fn error(&self) -> (Code, String) {
        // SAFETY: the event is alive; its text lives as long as it.
        let (code, reason) = unsafe {
            let reason = CStr::from_ptr(rd::rd_kafka_event_error_string(self.0));
            (Code::from(rd::rd_kafka_event_error(self.0)), reason.to_string_lossy().into_owned())
        };
        if code == Code::Fatal {
            tracing::warn!(reason = reason.trim(), "kafka producer failed for good");
        } else {
            tracing::debug!(error = text(code), reason = reason.trim(), "kafka producer");
        }
        (code, reason)
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

/// The partition in which a producer with this `partitioner` puts a key; `None` where chance decides.
pub(crate) fn partition_of(partitioner: &str, key: &[u8], partitions: i32) -> Option<i32> {
    type Choose = unsafe extern "C" fn(
        *const rd::rd_kafka_topic_t,
        *const c_void,
        usize,
        i32,
        *mut c_void,
        *mut c_void,
    ) -> i32;
    let choose: Choose = match partitioner.to_ascii_lowercase().as_str() {
        "murmur2" | "murmur2_random" => rd::rd_kafka_msg_partitioner_murmur2,
        "consistent" => rd::rd_kafka_msg_partitioner_consistent,
        "consistent_random" if !key.is_empty() => rd::rd_kafka_msg_partitioner_consistent,
        "fnv1a" | "fnv1a_random" => rd::rd_kafka_msg_partitioner_fnv1a,
        _ => return None,
    };
    let (topic, opaque) = (ptr::null(), ptr::null_mut());
    // SAFETY: the key is valid for its length during the call; these partitioners read nothing else.
    (partitions > 0)
        .then(|| unsafe { choose(topic, key.as_ptr().cast(), key.len(), partitions, opaque, opaque) })
}

/// librdkafka's logs go where rdkafka sends them: to `tracing`.
struct Context;

impl ClientContext for Context {}
