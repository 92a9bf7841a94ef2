//! The headers of a record, as librdkafka keeps them.
//!
//! librdkafka allocates three times for a record with one header, and frees as often from another thread: a fifth of what
//! a record costs it. So the list of a record that was reported serves the next record with the same headers.
//!
//! # Safety
//! A list has one owner, which destroys it: this value, or the message that it was given to until it is detached from it.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use rdkafka::bindings as rd;

use crate::outbound::Event;

/// How many lists of one event are kept: as many as come back while their producer waits for room.
const MAX_SPARE: usize = 16 * 1024;

/// The headers of one record.
#[derive(Debug)]
pub(crate) struct HeaderList(NonNull<rd::rd_kafka_headers_t>);

// SAFETY: a list is memory of its own, without ties to a thread or a client.
unsafe impl Send for HeaderList {}

impl HeaderList {
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
    /// The message is alive, and nobody else uses it.
    pub unsafe fn detach(message: *const rd::rd_kafka_message_t) -> Option<Self> {
        let mut list = ptr::null_mut();
        // SAFETY: as the caller promises. The message has no headers any more, so that it will not destroy them.
        unsafe { rd::rd_kafka_message_detach_headers(message.cast_mut(), &mut list) };
        NonNull::new(list).map(Self)
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_headers_t {
        self.0.as_ptr()
    }

    /// A message has become its owner.
    pub fn given_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for HeaderList {
    fn drop(&mut self) {
        // SAFETY: the list is ours, and used nowhere else.
        unsafe { rd::rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}

/// Lists of records that were reported, for the next ones.
#[derive(Debug, Default)]
pub(crate) struct Spare([Vec<HeaderList>; 3]);

impl Spare {
    /// A list of this event alone.
    pub fn take(&mut self, event: Event) -> HeaderList {
        self.0[event as usize].pop().unwrap_or_else(|| HeaderList::new(&[event.header()]))
    }

    /// Keeps a list of this event alone.
    pub fn keep(&mut self, event: Event, list: HeaderList) {
        let lists = &mut self.0[event as usize];
        if lists.len() < MAX_SPARE {
            lists.push(list);
        }
    }
}
