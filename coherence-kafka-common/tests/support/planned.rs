//! A reader that asks for anything, in any order.

use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::PofReader;

/// Reads by methods that `plan` chooses, whatever is there.
pub fn read_as_planned(
    reader: &mut PofReader<'_>,
    plan: &mut impl Iterator<Item = u8>,
) -> Result<(), DecodeError> {
    match plan.next().unwrap_or(0) % 22 {
        0 => reader.skip(),
        1 => reader.boolean().map(|_| ()),
        2 => reader.octet().map(|_| ()),
        3 => reader.char().map(|_| ()),
        4 => reader.int16().map(|_| ()),
        5 => reader.int32().map(|_| ()),
        6 => reader.int64().map(|_| ()),
        7 => reader.float32().map(|_| ()),
        8 => reader.float64().map(|_| ()),
        9 => reader.big_integer().map(|_| ()),
        10 => reader.decimal().map(|_| ()),
        11 => reader.str().map(|_| ()),
        12 => reader.bytes().map(|_| ()),
        13 => reader.date().and_then(|_| reader.time()).map(|_| ()),
        14 => reader.date_time().map(|_| ()),
        15 => reader.raw_array::<i64>().map(|_| ()),
        16 => reader.value().map(|_| ()),
        17 => reader.elements(|reader| read_as_planned(reader, plan)).map(|_| ()),
        18 => {
            let plan = std::cell::RefCell::new(plan);
            let read = |reader: &mut PofReader<'_>| match plan.borrow_mut().next() {
                Some(0..100) => reader.skip(),
                Some(_) => reader.value().map(|_| ()),
                None => Ok(()),
            };
            reader.entries(read, read).map(|_| ())
        }
        19 => reader.sparse_array(|reader| read_as_planned(reader, plan)).map(|_| ()),
        // Leaves it unread, which containers and user types forgive.
        20 => Ok(()),
        _ => {
            let read = reader.user_type(|object| {
                for index in 0..4 {
                    if let Some(reader) = object.value(index)? {
                        read_as_planned(reader, plan)?;
                    }
                }
                object.remainder().map(|_| ())
            });
            read.map(|_| ())
        }
    }
}
