//! What a client is in its group.
//!
//! # Safety
//! What the `unsafe` blocks rely on: the caller keeps the client alive during each call; a text and a description that
//! librdkafka returns are null or ours, and freed once, by the function for that.
#![allow(unsafe_code)]

use std::ffi::CStr;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafka;

/// The member id of `client`, a live handle, unless it is no member of its group. It returns the id when it leaves, and
/// loses it when the group has given it up.
pub(crate) fn member_id(client: *mut RDKafka) -> Option<String> {
    // SAFETY: see the head of this file.
    unsafe {
        let id = rd::rd_kafka_memberid(client);
        if id.is_null() {
            return None;
        }
        let text = CStr::from_ptr(id).to_string_lossy().into_owned();
        rd::rd_kafka_mem_free(client, id.cast());
        (!text.is_empty()).then_some(text)
    }
}

/// The generation of the group of `client`, a live handle, as the client knows it.
pub(crate) fn generation(client: *mut RDKafka) -> Option<i32> {
    // SAFETY: see the head of this file.
    unsafe {
        let metadata = rd::rd_kafka_consumer_group_metadata(client);
        if metadata.is_null() {
            return None;
        }
        let generation = rd::rd_kafka_consumer_group_metadata_generation_id(metadata);
        rd::rd_kafka_consumer_group_metadata_destroy(metadata);
        (generation >= 0).then_some(generation)
    }
}
