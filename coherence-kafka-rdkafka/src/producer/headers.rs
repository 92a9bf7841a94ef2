//! The headers of a record, as librdkafka keeps them.
//!
//! librdkafka allocates three times for a record with one header, and frees as often from another thread: a fifth of the cost
//! of a record. So the list of a record that was reported serves another record with the same headers.
//!
//! # Safety
//! A list has one owner, which destroys it: this value, or the message that it was passed to until it is detached from it.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use rdkafka::bindings as rd;

/// The headers of one record.
#[derive(Debug)]
pub struct HeaderList(NonNull<rd::rd_kafka_headers_t>);

// SAFETY: a list is memory of its own, without ties to a thread or a client.
unsafe impl Send for HeaderList {}

impl HeaderList {
    /// A list of these headers, in order.
    pub fn new(headers: &[(&str, Option<&[u8]>)]) -> Self {
        // SAFETY: the call ends the process where there is no memory, so what it returns is a list, and now ours.
        let list = Self(unsafe { NonNull::new_unchecked(rd::rd_kafka_headers_new(headers.len())) });
        for &(name, value) in headers {
            let (bytes, len) = value.map_or((ptr::null(), 0), |value| (value.as_ptr(), value.len()));
            // SAFETY: the list is alive, and both pointers are valid for their lengths during the call, which copies
            // what they point to.
            unsafe {
                rd::rd_kafka_header_add(
                    list.0.as_ptr(),
                    name.as_ptr().cast(),
                    name.len() as isize,
                    bytes.cast::<c_void>(),
                    len as isize,
                );
            }
        }
        list
    }

    /// Takes the headers of a message that was reported.
    ///
    /// # Safety
    /// The message is alive, and has no other user.
    pub(super) unsafe fn detach(message: *const rd::rd_kafka_message_t) -> Option<Self> {
        let mut list = ptr::null_mut();
        // SAFETY: as the caller promises. The message no longer has headers, so it does not destroy them.
        unsafe { rd::rd_kafka_message_detach_headers(message.cast_mut(), &mut list) };
        NonNull::new(list).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_headers_t {
        self.0.as_ptr()
    }

    /// A message owns it from now on.
    pub(super) fn into_message(self) {
        std::mem::forget(self);
    }
}

impl Drop for HeaderList {
    fn drop(&mut self) {
        // SAFETY: the list is ours, and used nowhere else.
        unsafe { rd::rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}
