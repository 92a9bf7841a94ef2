//! Reading a whole value: into a [`PofValue`], or only to see whether it is whole.

use super::value::PofValue;
use super::walker::{Event, walk};
use crate::packed::{DecodeError, Problem};

/// Reads one value that takes all of `bytes`, which start behind the format byte of a binary.
///
/// Stricter than Java: what only its leniency can read (numbers wider than their type, bytes behind the value,
/// unordered indexes, other negative lengths than Java writes) is refused, and so are values in which objects
/// are shared by identity and reference: [`PofReader::resolving`](super::PofReader::resolving) takes those. The raw
/// arrays of newer `PofWriter`s, written on request only, cannot be read without knowing the class they belong to.
/// Offsets in errors count from the start of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<PofValue, DecodeError> {
    let mut builder = Builder::new(bytes.len());
    walk(bytes, |event| builder.on_event(event))?;
    builder.finish(bytes.len())
}

/// Refuses, without allocating, what [`decode`] refuses; but takes values that share objects by identity and reference,
/// which it need not resolve. Where the elements under a common type id bear identities it cannot distinguish
/// references from versions, and refuses them.
pub fn check(bytes: &[u8]) -> Result<(), DecodeError> {
    walk(bytes, |_| Ok(()))
}

pub(super) struct Builder {
    open: Vec<Open>,
    root: Option<PofValue>,
    /// Elements that may still be allocated before they are read. No element takes less than a byte, so whole values
    /// never need more than their length; counts that lie can claim no more in all.
    room: usize,
}

/// A container that waits for elements.
struct Open {
    container: PofValue,
    /// The key of a map's entry whose value comes next.
    key: Option<PofValue>,
    /// The index that comes with the next value.
    index: u32,
}

impl Builder {
    /// For a value of at most `len` bytes.
    pub(super) fn new(len: usize) -> Self {
        Self { open: Vec::new(), root: None, room: len }
    }

    /// Returns the value, which ended at `offset`.
    pub(super) fn finish(self, offset: usize) -> Result<PofValue, DecodeError> {
        self.root.ok_or(DecodeError { offset, reading: "a value", problem: Problem::Invalid("no value") })
    }

    pub(super) fn on_event(&mut self, event: Event<'_>) -> Result<(), Problem> {
        match event {
            Event::Scalar(value) => self.place(value),
            Event::String(text) => self.place(PofValue::String(text.into())),
            Event::OctetString(bytes) => self.place(PofValue::OctetString(bytes.to_vec())),
            Event::ByteArray(bytes) => self.place(PofValue::ByteArray(bytes.to_vec())),
            Event::Begin(mut container, count) => {
                let count = count.min(self.room);
                self.room -= count;
                reserve(&mut container, count);
                self.open.push(Open { container, key: None, index: 0 });
            }
            Event::Index(index) => {
                if let Some(open) = self.open.last_mut() {
                    open.index = index;
                }
            }
            Event::End => {
                if let Some(open) = self.open.pop() {
                    self.place(open.container);
                }
            }
            Event::Shared => return Err(Problem::Shared),
        }
        Ok(())
    }

    fn place(&mut self, value: PofValue) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(value);
            return;
        };
        match (&mut open.container, value) {
            (PofValue::Collection(elements) | PofValue::Array(elements), value) => elements.push(value),
            (PofValue::Map(entries), value) => match open.key.take() {
                Some(key) => entries.push((key, value)),
                None => open.key = Some(value),
            },
            (PofValue::SparseArray { elements: slots, .. }, value)
            | (PofValue::User { properties: slots, .. }, value) => slots.push((open.index, value)),
            (PofValue::BooleanArray(elements), PofValue::Boolean(value)) => elements.push(value),
            (PofValue::CharArray(elements), PofValue::Char(value)) => elements.push(value),
            (PofValue::Int16Array(elements), PofValue::Int16(value)) => elements.push(value),
            (PofValue::Int32Array(elements), PofValue::Int32(value)) => elements.push(value),
            (PofValue::Int64Array(elements), PofValue::Int64(value)) => elements.push(value),
            (PofValue::Float32Array(elements), PofValue::Float32(value)) => elements.push(value),
            (PofValue::Float64Array(elements), PofValue::Float64(value)) => elements.push(value),
            _ => unreachable!("the walker reads the elements of a primitive array by its element type"),
        }
    }
}

fn reserve(container: &mut PofValue, count: usize) {
    match container {
        PofValue::Collection(elements) | PofValue::Array(elements) => elements.reserve_exact(count),
        PofValue::Map(entries) => entries.reserve_exact(count),
        PofValue::BooleanArray(elements) => elements.reserve_exact(count),
        PofValue::CharArray(elements) => elements.reserve_exact(count),
        PofValue::Int16Array(elements) => elements.reserve_exact(count),
        PofValue::Int32Array(elements) => elements.reserve_exact(count),
        PofValue::Int64Array(elements) => elements.reserve_exact(count),
        PofValue::Float32Array(elements) => elements.reserve_exact(count),
        PofValue::Float64Array(elements) => elements.reserve_exact(count),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::{Time, Zone};
    use super::super::walker::MAX_DEPTH;
    use super::*;

    fn problem(bytes: &[u8]) -> Problem {
        let error = decode(bytes).unwrap_err();
        assert_eq!(check(bytes), Err(error));
        error.problem
    }

    #[test]
    fn values_nest_to_the_limit_and_not_deeper() {
        let nested = |depth: usize| [[0x55, 0x01].repeat(depth), vec![0x64]].concat();
        assert!(decode(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(problem(&nested(MAX_DEPTH + 1)), Problem::Invalid(_)));
        assert!(matches!(problem(&nested(100_000)), Problem::Invalid(_)));
        let identities = [[0x5E, 0x01].repeat(100_000), vec![0x64]].concat();
        assert!(check(&identities).is_err());
    }

    #[test]
    fn a_count_beyond_the_bytes_left_is_refused() {
        let most = [0xBF, 0xFF, 0xFF, 0xFF, 0x0F];
        for start in [&[0x55][..], &[0x57], &[0x5B], &[0x56, 0x41], &[0x58, 0x41], &[0x5C, 0x4E]] {
            assert!(matches!(problem(&[start, &most[..], &[0x64]].concat()), Problem::TooMany { .. }));
        }
        for start in [&[0x4E][..], &[0x4C], &[0x58, 0x4B]] {
            assert!(matches!(problem(&[start, &most[..], &[0x64]].concat()), Problem::Truncated { .. }));
        }
    }

    #[test]
    fn elements_cannot_be_of_a_type_that_takes_no_bytes() {
        for code in 0x5E..=0x7F {
            assert!(matches!(problem(&[0x56, code, 0x01, 0x00]), Problem::Invalid(_)));
        }
    }

    #[test]
    fn a_full_sparse_array_is_read_to_its_terminator() {
        let user = [0xA9, 0x0F, 0x00, 0x00, 0x59, 0x01, 0x00, 0x6E, 0x40, 0x01, 0x61, 0x40];
        let elements = vec![(0, PofValue::Int32(5))];
        let properties = vec![(0, PofValue::SparseArray { size: 1, elements }), (1, PofValue::Boolean(true))];
        assert_eq!(decode(&user), Ok(PofValue::User { type_id: 1001, version: 0, properties }));
    }

    #[test]
    fn the_minutes_of_an_offset_take_the_sign_of_its_hours() {
        let time =
            |minutes| Time { hour: 13, minute: 14, second: 15, nano: 0, zone: Some(Zone::Offset(minutes)) };
        let bytes = |hours| [0x51, 0x0D, 0x0E, 0x0F, 0x00, 0x02, hours, 0x1E];
        assert_eq!(decode(&bytes(0x42)), Ok(PofValue::Time(time(-210))));
        assert_eq!(decode(&bytes(0x05)), Ok(PofValue::Time(time(330))));
    }

    #[test]
    fn bytes_behind_the_value_are_refused() {
        assert_eq!(problem(&[0x41, 0x05, 0xFF]), Problem::Trailing { count: 1 });
    }

    #[test]
    fn shared_objects_are_checked_but_not_decoded() {
        let twice = [0x57, 0x02, 0x5E, 0x01, 0xAB, 0x0F, 0x00, 0x40, 0x5F, 0x01];
        assert_eq!(check(&twice), Ok(()));
        let error = decode(&twice).unwrap_err();
        assert_eq!((error.offset, error.problem), (2, Problem::Shared));
    }

    #[test]
    fn an_error_tells_what_was_read_and_where() {
        let error = decode(&[0x55, 0x02, 0x41, 0x05, 0x4E, 0x05, 0x61]).unwrap_err();
        assert_eq!(error.to_string(), "5 bytes needed and 1 left, reading the length of a string at byte 5");
    }
}
