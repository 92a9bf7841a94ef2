//! From an event of the protocol to a [`MapEvent`].

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{EventKind, MapEvent};

use crate::answer::value_or_none;
use crate::proto::cache::MapEventMessage;

/// Returns the event and the filters that it matches. `None` for what is no change of an entry: the notices of
/// versions, and the stray event without a key that follows a truncation. Priming events are never requested.
pub(super) fn event(message: MapEventMessage) -> Option<(Vec<i64>, MapEvent)> {
    let kind = match message.id {
        1 => EventKind::Inserted,
        2 => EventKind::Updated,
        3 => EventKind::Deleted,
        _ => return None,
    };
    if message.version_update || message.priming || message.key.is_empty() {
        return None;
    }
    let key =
        undecorated_key(&message.key).map_or_else(|_| message.key.clone(), |key| message.key.slice_ref(key));
    let event = MapEvent {
        kind,
        key,
        old_value: value_or_none(message.old_value),
        new_value: value_or_none(message.new_value),
        synthetic: message.synthetic,
        expired: message.expired,
        priming: false,
    };
    Some((message.filter_ids, event))
}

/// Builds the event for the present value of a key: its bytes as they are stored.
pub(super) fn present(key: Bytes, stored: Option<Bytes>) -> MapEvent {
    MapEvent {
        kind: EventKind::Inserted,
        key,
        old_value: None,
        new_value: stored.and_then(value_or_none),
        synthetic: true,
        expired: false,
        priming: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: i32) -> MapEventMessage {
        MapEventMessage { id, key: Bytes::from_static(b"\x15\x41\x05"), ..MapEventMessage::default() }
    }

    #[test]
    fn all_forms_of_no_value_are_none() {
        for none in
            [b"".as_slice(), b"\x15\x64", b"\x15null", b"\x00", b"\x12\x02\x01\x07", b"\x12\x01\x02\x15\x64"]
        {
            let stored = Bytes::copy_from_slice(none);
            let sent = MapEventMessage { old_value: stored.clone(), new_value: stored, ..message(2) };
            let (_, event) = event(sent).unwrap();
            assert_eq!((event.old_value, event.new_value), (None, None), "{none:?}");
        }
    }

    #[test]
    fn decorations_come_off_keys_and_values() {
        let sent = MapEventMessage {
            key: Bytes::from_static(b"\x0d\x07\x15\x41\x05"),
            // As a write-behind map delivers it before it has flushed.
            new_value: Bytes::from_static(b"\x12\x05\x03\x15\x41\x01\x03\x15\x4a\x00"),
            old_value: Bytes::from_static(b"\x12\xff"),
            ..message(2)
        };
        let (_, event) = event(sent).unwrap();
        assert_eq!(&event.key[..], b"\x15\x41\x05");
        assert_eq!(event.new_value.as_deref(), Some(b"\x15\x41\x01".as_slice()));
        assert_eq!(event.old_value.as_deref(), Some(b"\x12\xff".as_slice()), "unreadable, so as it is");
    }

    #[test]
    fn the_kinds_and_flags_of_the_protocol_are_kept() {
        for (id, kind) in [(1, EventKind::Inserted), (2, EventKind::Updated), (3, EventKind::Deleted)] {
            let sent =
                MapEventMessage { synthetic: true, expired: true, filter_ids: vec![4, 7], ..message(id) };
            let (ids, event) = event(sent).unwrap();
            assert_eq!((ids, event.kind), (vec![4, 7], kind));
            assert!(event.synthetic && event.expired && !event.priming);
        }
    }

    #[test]
    fn what_is_no_change_of_an_entry_is_dropped() {
        assert!(event(MapEventMessage { key: Bytes::new(), ..message(0) }).is_none());
        assert!(event(message(0)).is_none());
        assert!(event(message(74)).is_none());
        assert!(event(MapEventMessage { priming: true, ..message(2) }).is_none());
        assert!(event(MapEventMessage { version_update: true, ..message(2) }).is_none());
    }
}
