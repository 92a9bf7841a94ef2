//! What librdkafka parses of a message on request: its headers and its timestamp.
//!
//! # Safety
//! What the `unsafe` blocks rely on: a message is alive as long as its reference, which the caller of [`MessageRef::new`]
//! promises.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::marker::PhantomData;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr;

use super::Timestamp;

/// A message of librdkafka, for as long as its batch lives.
#[derive(Debug, Clone, Copy)]
pub struct MessageRef<'a> {
    message: *const rd::rd_kafka_message_t,
    batch: PhantomData<&'a ()>,
}

impl MessageRef<'_> {
    /// # Safety
    /// The message is alive for the lifetime of the reference, and only the thread that has this reference looks at it.
    #[inline]
    pub(crate) unsafe fn new(message: *const rd::rd_kafka_message_t) -> Self {
        Self { message, batch: PhantomData }
    }

    pub(crate) fn each_header(self, mut visit: impl FnMut(&[u8], Option<&[u8]>)) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is alive; librdkafka parses its headers on the first call and keeps them until the
        // message is destroyed. It is the only thread that looks at the message. Names end in a null byte, and the
        // bytes of a value outlive the visit.
        unsafe {
            if rd::rd_kafka_message_headers(self.message, &mut headers)
                != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                return;
            }
            for index in 0.. {
                let (mut name, mut value, mut len) = (std::ptr::null(), std::ptr::null(), 0);
                let code = rd::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut len);
                if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return;
                }
                visit(CStr::from_ptr(name).to_bytes(), bytes(value, len));
            }
        }
    }

    pub(crate) fn timestamp(self) -> Option<Timestamp> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive and `kind` outlives the call.
        let millis = unsafe { rd::rd_kafka_message_timestamp(self.message, &mut kind) };
        let log_append = match kind {
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => return None,
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => false,
            rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => true,
        };
        (millis >= 0).then_some(Timestamp { millis, log_append })
    }
}

/// # Safety
/// `start` is null or the first of `len` bytes that outlive `'a`.
#[inline]
pub(crate) unsafe fn bytes<'a>(start: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: promised by the caller.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}
