//! Coherence's own classes: the types of their properties, by which their bytes are read and written again.

use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::{
    PofReader, PofValue, PofWriter, UserTypeReader, UserTypeWriter, WriteError,
};

#[derive(Clone, Copy)]
enum Property {
    Boolean,
    Octet,
    Int32,
    Int64,
    Float64,
    /// A `String` that must be there.
    Name,
    /// A collection of `String`, of that class.
    Strings,
    /// Written by any other method, if it is there at all.
    Object,
}

use Property::{Boolean, Float64, Int32, Int64, Name, Object, Octet, Strings};

/// In order of index; `None` for a class that is not known here.
fn properties(type_id: u32) -> Option<&'static [Property]> {
    Some(match type_id {
        // Throwable: class, message, stack trace, cause.
        0 => &[Name, Object, Strings, Object],
        // NullImplementation's set and map.
        11 | 17 => &[],
        // com.tangosol.util.UUID, UID, CompositeKey, and the comparator that reverses.
        14 => &[Int64, Int32, Int32, Int32, Int32, Int32, Int32],
        15 => &[Int32, Int64, Int32],
        18 => &[Object, Object],
        43 => &[Object, Boolean],
        // SimpleHolder.
        264 => &[Object],
        // TimeUnit, Optional and its like.
        901 => &[Object],
        903 => &[Boolean, Object],
        904 => &[Boolean, Int32],
        905 => &[Boolean, Int64],
        906 => &[Boolean, Float64],
        // InetAddress, InetSocketAddress, java.util.UUID.
        907 => &[Object],
        908 => &[Object, Int32],
        909 => &[Int64, Int64],
        // TreeSet, TreeMap.
        920 | 921 => &[Object, Object],
        // Duration, Instant, MonthDay, Period, Year, YearMonth, ZoneId, ZoneOffset, DayOfWeek, Month.
        940 | 941 => &[Int64, Int32],
        942 => &[Int32, Int32],
        943 => &[Int32, Int32, Int32],
        944 => &[Int32],
        945 => &[Int32, Int32],
        946 => &[Object],
        947 => &[Octet, Int32],
        948 | 949 => &[Object],
        _ => return None,
    })
}

/// The bytes of an object of one of these classes, written anew from its properties.
pub fn rewritten(pof: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut out = Vec::new();
    Ok(rewrite(pof, &mut PofWriter::new(&mut out))?.then_some(out))
}

/// False, with nothing written, for a class that is not known.
fn rewrite(pof: &[u8], writer: &mut PofWriter<'_>) -> Result<bool, String> {
    let rewritten = PofReader::new(pof).user_type(|object| {
        let Some(properties) = properties(object.type_id()) else { return Ok(Ok(false)) };
        let mut failed = None;
        let written = writer.user(object.type_id(), object.version(), |writer| {
            for (index, property) in (0..).zip(properties) {
                match copy(pof, index, *property, object, writer) {
                    Ok(written) => written?,
                    Err(error) => {
                        failed.get_or_insert(error);
                    }
                }
            }
            Ok(())
        });
        failed.map_or(Ok(written.map(|()| true)), Err)
    });
    let rewritten = rewritten.map_err(|error| error.to_string())?;
    rewritten.ok_or("null")?.map_err(|error| error.to_string())
}

fn copy(
    pof: &[u8],
    index: u32,
    property: Property,
    object: &mut UserTypeReader<'_, '_>,
    writer: &mut UserTypeWriter<'_, '_>,
) -> Result<Result<(), WriteError>, DecodeError> {
    Ok(match property {
        Boolean => writer.boolean(index, object.boolean(index)?),
        Octet => writer.octet(index, object.octet(index)?),
        Int32 => writer.int32(index, object.int32(index)?),
        Int64 => writer.int64(index, object.int64(index)?),
        Float64 => writer.float64(index, object.float64(index)?),
        Name => match object.string(index)? {
            Some(name) => writer.string(index, Some(&name)),
            None => return Err(object.invalid("a name", "missing")),
        },
        Strings => {
            let strings = object.value(index)?.map(|reader| reader.elements(PofReader::string));
            let strings: Option<Vec<String>> = strings.transpose()?.flatten().into_iter().flatten().collect();
            writer.value(index).and_then(|writer| writer.uniform_collection(&strings.unwrap_or_default()))
        }
        Object => match object.value(index)? {
            Some(reader) => {
                let start = reader.offset();
                let value = reader.value()?;
                let bytes = &pof[start..reader.offset()];
                writer.value(index).and_then(|writer| match value {
                    PofValue::User { .. } if rewrite(bytes, writer) == Ok(true) => Ok(()),
                    value => writer.value(&value),
                })
            }
            None => Ok(()),
        },
    })
}
