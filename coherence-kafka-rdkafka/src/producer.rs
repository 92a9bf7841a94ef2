//! A producer with low cost per record.
//!
//! rdkafka's own producers look the topic up for each record and return delivery reports one by one, each with a reference
//! count, from a `poll` that always lasts its whole timeout. Here a topic is looked up once, and reports that arrived together
//! are returned together, at once.
//!
//! # Safety
//! What the `unsafe` blocks rely on:
//! * librdkafka's handles may be used from any thread (its introduction, "Threads and callbacks");
//! * the queue is dropped before the client, and a topic keeps its client alive;
//! * every message of an event is copied before the event is dropped;
//! * an error of a call for transactions is owned by its caller;
//! * `rd_kafka_producev` copies key and value (`RD_KAFKA_MSG_F_COPY`), and owns the headers once it has succeeded;
//!   a message that was polled has no other user, so its headers may be detached from it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::bindings::rd_kafka_vtype_t as vtype;
use rdkafka::client::{Client as RdClient, ClientContext, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::{RDKafka, RDKafkaType};

use crate::queue::{Event, Queue};
use crate::settings::client_config;

mod failures;
mod headers;
mod transactions;

pub use failures::SendError;
use failures::{LastError, Persisted, sorted, text};
pub use headers::HeaderList;
pub use transactions::{Lost, Unfinished};

/// The largest record that librdkafka sends without a setting.
const MAX_RECORD_BYTES: usize = 1_000_000;

/// `RD_KAFKA_PARTITION_UA`: the partitioner decides.
const UNASSIGNED: i32 = -1;

/// Why a record was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// librdkafka holds as much as its settings allow.
    Full,
    /// This producer failed for good and accepts no record.
    Fatal,
    /// No transaction has begun.
    NoTransaction,
    /// The record itself.
    Because(SendError),
}

/// The outcome of a record.
#[derive(Debug)]
pub struct DeliveryReport {
    /// The number that the record was produced with.
    pub number: usize,
    /// Whether the broker has acknowledged it.
    pub outcome: Result<(), SendError>,
    /// The partition that it was sent to.
    pub partition: i32,
    /// Its offset, where it was acknowledged.
    pub offset: i64,
    /// False where it is certainly not in the topic.
    pub may_be_written: bool,
    /// Its headers, for another record.
    pub headers: Option<HeaderList>,
}

/// Passes records to librdkafka. Dropping it waits for librdkafka's threads for a moment, and discards the records that it still
/// holds.
pub struct Client {
    // Declared first: the queue is dropped before the client.
    queue: Queue,
    client: RdClient<Context>,
    last_error: LastError,
    max_record_bytes: usize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("holds", &self.holds()).finish_non_exhaustive()
    }
}

impl Client {
    /// A producer with `settings` by librdkafka's names.
    ///
    /// # Errors
    /// A setting that librdkafka refuses, or another reason of it.
    pub fn new(settings: &[(String, String)]) -> Result<Arc<Self>, String> {
        Self::with(settings, Context { is_quiet: false })
    }

    /// The same with logs of the level debug only: for a client whose failures are expected, and reported by its user.
    ///
    /// # Errors
    /// See [`Client::new`].
    pub(crate) fn quiet(settings: &[(String, String)]) -> Result<Arc<Self>, String> {
        Self::with(settings, Context { is_quiet: true })
    }

    fn with(settings: &[(String, String)], context: Context) -> Result<Arc<Self>, String> {
        let config = client_config(settings);
        let native = config.create_native_config().map_err(|error| error.to_string())?;
        // SAFETY: the configuration is alive.
        unsafe {
            rd::rd_kafka_conf_set_events(native.ptr(), rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR)
        };
        let client = RdClient::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, context)
            .map_err(|error| error.to_string())?;
        let queue = Queue::main(client.native_ptr());
        let max_record_bytes = settings.iter().rfind(|(name, _)| name == "message.max.bytes");
        let max_record_bytes = max_record_bytes.and_then(|(_, value)| value.trim().parse().ok());
        let max_record_bytes = max_record_bytes.unwrap_or(MAX_RECORD_BYTES);
        Ok(Arc::new(Self { queue, client, last_error: LastError::default(), max_record_bytes }))
    }

    /// Passes a record to librdkafka, for the partition of its key unless one is given. Its [`DeliveryReport`] has the same `number`.
    /// Never blocks.
    ///
    /// # Errors
    /// Why the record is not accepted, with its headers.
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
        // with END. The headers are librdkafka's once it has accepted the record, and ours otherwise.
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
                headers.into_message();
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
    fn too_large(&self, bytes: usize) -> SendError {
        SendError::Refused(format!(
            "a record with {bytes} bytes of key and value is not sent, because max.request.size (message.max.bytes) is \
             {}: raise it, and max.message.bytes of the topic",
            self.max_record_bytes
        ))
    }

    /// Waits up to `wait` for an event, and adds the outcomes of records to `reports`. Call it from one thread only, or the order
    /// of the reports is lost. Returns true when the client has just failed for good.
    pub fn poll(&self, wait: Duration, reports: &mut Vec<DeliveryReport>) -> bool {
        let Some(event) = self.queue.poll(wait) else { return false };
        match event.kind() {
            rd::RD_KAFKA_EVENT_DR => self.delivered(&event, reports),
            rd::RD_KAFKA_EVENT_LOG => event.log(self.client.context().as_ref()),
            rd::RD_KAFKA_EVENT_ERROR => {
                let (code, reason) = error(&event);
                self.last_error.note(code, &reason);
                return code == Code::Fatal;
            }
            _ => {}
        }
        false
    }

    fn delivered(&self, event: &Event, reports: &mut Vec<DeliveryReport>) {
        // SAFETY: the event is alive, and its messages and their topics as long as it.
        unsafe {
            reports.reserve(rd::rd_kafka_event_message_count(event.as_ptr()));
            let mut acknowledged = false;
            loop {
                let message = rd::rd_kafka_event_message_next(event.as_ptr());
                if message.is_null() {
                    break;
                }
                let persisted = Persisted::of(rd::rd_kafka_message_status(message));
                let outcome = match Code::from((*message).err) {
                    Code::NoError => Ok(()),
                    code => {
                        let topic = CStr::from_ptr(rd::rd_kafka_topic_name((*message).rkt)).to_string_lossy();
                        Err(self.failure(code, &topic, persisted))
                    }
                };
                acknowledged |= outcome.is_ok();
                let headers = HeaderList::detach(message);
                reports.push(DeliveryReport {
                    number: (*message)._private as usize,
                    outcome,
                    partition: (*message).partition,
                    offset: (*message).offset,
                    may_be_written: persisted == Persisted::Perhaps,
                    headers,
                });
            }
            if acknowledged {
                self.last_error.forget();
            }
        }
    }

    /// A fatal error hides its cause from the records that it took with it.
    fn failure(&self, code: Code, topic: &str, persisted: Persisted) -> SendError {
        let sorted = |code| sorted(code, topic, persisted, &self.last_error);
        match (code, self.client.fatal_error()) {
            (Code::Fatal | Code::PurgeQueue | Code::PurgeInflight, Some((code, _))) => match sorted(code) {
                SendError::Unavailable(_) => SendError::Unavailable(format!(
                    "the producer failed for good: {}; the record {}",
                    text(code),
                    persisted.words()
                )),
                error => error,
            },
            _ => sorted(code),
        }
    }

    /// The handle of the client.
    pub(crate) fn native_ptr(&self) -> *mut RDKafka {
        self.client.native_ptr()
    }

    /// The last error of its connections since the last acknowledgement.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.last_error.reason()
    }

    /// Waits until a broker has answered. Otherwise librdkafka finds none to ask for the coordinator of a transactional id, and
    /// asks again only after half a second.
    pub(crate) fn reach(&self, topic: &str, wait: Duration) {
        if let Err(error) = self.client.fetch_metadata(Some(topic), wait) {
            tracing::debug!(%error, topic, "no answer of the brokers");
        }
    }

    /// Returns the number of records and events that it holds.
    pub fn holds(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.client.native_ptr()) }).unwrap_or(0)
    }

    /// Discards every record that is queued, and with `in_flight` those that were sent. Each is reported.
    pub fn purge(&self, in_flight: bool) {
        let in_flight = if in_flight { rd::RD_KAFKA_PURGE_F_INFLIGHT } else { 0 };
        let which = rd::RD_KAFKA_PURGE_F_QUEUE | in_flight;
        // SAFETY: the client is alive. The call fails for unknown flags and for other clients than producers.
        unsafe { rd::rd_kafka_purge(self.client.native_ptr(), which) };
    }

    /// Makes it fail for good, as a broker might: for tests.
    #[doc(hidden)]
    pub fn fail(&self) {
        let code = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        // SAFETY: the client is alive and the text ends with a null.
        unsafe { rd::rd_kafka_test_fatal_error(self.client.native_ptr(), code, c"a test".as_ptr()) };
    }
}

/// A topic, looked up.
pub struct Topic {
    handle: *mut rd::rd_kafka_topic_t,
    name: String,
    /// Keeps the client alive for as long as the handle.
    _client: Arc<Client>,
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", &self.name).finish_non_exhaustive()
    }
}

// SAFETY: the handle may be used from any thread.
unsafe impl Send for Topic {}
// SAFETY: as above.
unsafe impl Sync for Topic {}

impl Topic {
    /// Looks a topic up.
    ///
    /// # Errors
    /// A name that no topic can have.
    pub fn new(client: &Arc<Client>, name: &str) -> Result<Self, String> {
        let refused = || format!("{name:?} is not a topic name");
        let c_name = CString::new(name).map_err(|_| refused())?;
        // SAFETY: the client is alive, the name ends with a null, and without a configuration the client's is used.
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
        // SAFETY: the handle was created by `new` and is used nowhere else.
        unsafe { rd::rd_kafka_topic_destroy(self.handle) }
    }
}

fn error(event: &Event) -> (Code, String) {
    let (code, reason) = (event.code(), event.reason());
    if code == Code::Fatal {
        tracing::warn!(reason, "kafka producer failed for good");
    } else {
        tracing::debug!(error = text(code), reason, "kafka producer reported an error");
    }
    (code, reason)
}

/// Returns the partition that a producer with this `partitioner` selects for a key; `None` where it selects at random.
pub fn partition_of(partitioner: &str, key: &[u8], partitions: i32) -> Option<i32> {
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

/// rdkafka sends librdkafka's logs to `tracing`, with their levels unless the client is quiet.
struct Context {
    is_quiet: bool,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if self.is_quiet {
            tracing::debug!(target: "librdkafka", ?level, facility, message);
        } else {
            DefaultClientContext.log(level, facility, message);
        }
    }
}
