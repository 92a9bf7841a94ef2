//! Debezium's transforms: from change events to rows.
//!
//! ```text
//! change event: { before, after, op, source, … }
//!   extract_new_record_state.rs   the row after the change, or a deletion
//!   extract_new_document_state.rs the document of MongoDB after the change (document.rs: of its text)
//!   by_logical_table_router.rs    the events of several tables in one topic
//!   types.rs                      columns as dates, times, decimals and UUIDs
//! envelope.rs                     what a change event is
//! fields.rs                       fields of a change event that are added to the row or the headers
//! drop_fields.rs                  fields that a header of the record lists, and that are left out
//! ```

mod by_logical_table_router;
mod document;
mod drop_fields;
mod envelope;
mod extract_new_document_state;
mod extract_new_record_state;
mod fields;
mod types;

pub(super) use by_logical_table_router::CLASS as BY_LOGICAL_TABLE_ROUTER;
pub(super) use extract_new_document_state::CLASS as EXTRACT_NEW_DOCUMENT_STATE;
pub(super) use extract_new_record_state::CLASS as EXTRACT_NEW_RECORD_STATE;
pub(super) use types::CLASSES as TYPES;

#[cfg(test)]
mod tests;
