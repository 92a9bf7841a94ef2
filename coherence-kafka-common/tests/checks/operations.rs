//! Calls of Java's `PofWriter`, replayed.

use coherence_kafka_common::pof::{
    PofReader, PofValue, PofWriter, Primitive, UniformElement, UserTypeWriter, WriteError,
};
use serde_json::Value;

use crate::classes::{Address, Described, Shared};
use crate::notation;
use crate::tally::{Checked, Outcome, Row, same};
use crate::values;

/// Primitives one after the other, in no user type.
pub fn at_the_root(row: &Row<'_>) -> Checked {
    let expected = row.bytes("bare");
    let (mut out, mut given) = (Vec::new(), Vec::new());
    let mut writer = PofWriter::new(&mut out);
    for op in row.json["ops"].as_array().unwrap() {
        let value = primitive(op).ok_or("no primitive")?;
        writer.primitive(value);
        given.push(value);
    }
    same("written", &out, &expected)?;
    let mut reader = PofReader::new(&expected);
    for value in given {
        let read = match value {
            Primitive::Boolean(_) => reader.boolean().map(Primitive::Boolean),
            Primitive::Octet(_) => reader.octet().map(Primitive::Octet),
            Primitive::Char(_) => reader.char().map(Primitive::Char),
            Primitive::Int16(_) => reader.int16().map(Primitive::Int16),
            Primitive::Int32(_) => reader.int32().map(Primitive::Int32),
            Primitive::Int64(_) => reader.int64().map(Primitive::Int64),
            Primitive::Float32(_) => reader.float32().map(Primitive::Float32),
            Primitive::Float64(_) => reader.float64().map(Primitive::Float64),
        };
        same("read", format!("{read:?}"), format!("{:?}", Ok::<_, ()>(value)))?;
    }
    reader.finish().map_err(|error| error.to_string())?;
    Ok(Outcome::Passed)
}

/// The argument of `writeInt` and its like.
fn primitive(op: &Value) -> Option<Primitive> {
    let v = &op["v"];
    Some(match op["op"].as_str()? {
        "writeBoolean" => Primitive::Boolean(v.as_bool()?),
        "writeByte" => Primitive::Octet(v.as_i64()? as u8),
        "writeChar" => Primitive::Char(v.as_u64()? as u16),
        "writeShort" => Primitive::Int16(v.as_i64()? as i16),
        "writeInt" => Primitive::Int32(v.as_i64()? as i32),
        "writeLong" => Primitive::Int64(v.as_str()?.parse().ok()?),
        "writeFloat" => match notation::value(v)? {
            PofValue::Float32(value) => Primitive::Float32(value),
            _ => return None,
        },
        "writeDouble" => match notation::value(v)? {
            PofValue::Float64(value) => Primitive::Float64(value),
            _ => return None,
        },
        _ => return None,
    })
}

/// One call that writes a property.
pub fn replay(op: &Value, properties: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
    let (name, v) = (op["op"].as_str().unwrap(), &op["v"]);
    let index = op["i"].as_u64().unwrap() as u32;
    if let Some(value) = primitive(op) {
        return match value {
            Primitive::Boolean(value) => properties.boolean(index, value),
            Primitive::Octet(value) => properties.octet(index, value),
            Primitive::Char(value) => properties.char(index, value),
            Primitive::Int16(value) => properties.int16(index, value),
            Primitive::Int32(value) => properties.int32(index, value),
            Primitive::Int64(value) => properties.int64(index, value),
            Primitive::Float32(value) => properties.float32(index, value),
            Primitive::Float64(value) => properties.float64(index, value),
        };
    }
    if name != "writeObject" && v["t"] == "null" {
        return properties.absent(index);
    }
    match name {
        "writeIntArray raw" => properties.value(index)?.raw_array(&each(v, |v| v.as_i64().unwrap() as i32)),
        "writeLongArray raw" => properties.value(index)?.raw_array(&each(v, long)),
        "writeDoubleArray raw" => {
            let double = |v: &Value| f64::from_bits(u64::from_str_radix(v.as_str().unwrap(), 16).unwrap());
            properties.value(index)?.raw_array(&each(v, double));
        }
        "writeCollection uniform String" => return uniform_collection(properties, index, v, string),
        "writeCollection uniform Integer" => return uniform_collection(properties, index, v, int),
        "writeCollection uniform Address" => {
            return uniform_collection(properties, index, v, |v| Some(Address::described(v)));
        }
        // The second object is the same, which bears the identity 2 behind that of the object around it.
        "writeCollection uniform Address (same twice)" => {
            let address = Address::described(&v["v"][0]);
            return properties
                .value(index)?
                .uniform_collection(&[Shared::First(2, address), Shared::Again(2)]);
        }
        "writeObjectArray uniform String" => {
            return properties.value(index)?.uniform_array(&each(v, |v| string(v).unwrap()));
        }
        "writeMap uniform keys String" => {
            let entries = each(v, |entry| (string(&entry[0]).unwrap(), entry[1].clone()));
            return properties.value(index)?.uniform_keys_map(&entries, values::write);
        }
        "writeMap uniform String Integer" => {
            let entries = each(v, |entry| (string(&entry[0]).unwrap(), int(&entry[1]).unwrap()));
            return properties.value(index)?.uniform_map(&entries);
        }
        "writeLongArray sparse uniform String" => {
            let elements = each(v, |slot| (slot[0].as_u64().unwrap() as u32, string(&slot[1]).unwrap()));
            let size = elements.last().map_or(0, |(index, _)| index + 1);
            return properties.value(index)?.uniform_sparse_array(size, &elements);
        }
        "writeNested 1: writeInt 0" => {
            return properties.nested(index, 1005, 0, |nested| nested.int32(0, v.as_i64().unwrap() as i32));
        }
        "writeString" => return properties.string(index, string(v).as_deref()),
        // Everything else is written as `writeObject` does.
        _ => return values::write(properties.value(index)?, v),
    }
    Ok(())
}

/// Reads a raw array back, for only who wrote one knows it for such.
pub fn read_raw(op: &Value, reader: &mut PofReader<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = PofWriter::new(&mut out);
    match op["op"].as_str()? {
        "writeIntArray raw" => writer.raw_array(&reader.raw_array::<i32>().ok()??),
        "writeLongArray raw" => writer.raw_array(&reader.raw_array::<i64>().ok()??),
        "writeDoubleArray raw" => writer.raw_array(&reader.raw_array::<f64>().ok()??),
        _ => return None,
    }
    Some(out)
}

/// In the usual form if an element is of another class, as Java.
fn uniform_collection<T: UniformElement>(
    properties: &mut UserTypeWriter<'_, '_>,
    index: u32,
    described: &Value,
    element: impl Fn(&Value) -> Option<T>,
) -> Result<(), WriteError> {
    let elements: Option<Vec<T>> = described["v"].as_array().unwrap().iter().map(element).collect();
    match elements {
        Some(elements) => properties.value(index)?.uniform_collection(&elements),
        None => values::write(properties.value(index)?, described),
    }
}

fn each<T>(described: &Value, element: impl Fn(&Value) -> T) -> Vec<T> {
    described["v"].as_array().unwrap().iter().map(element).collect()
}

fn string(described: &Value) -> Option<String> {
    described["v"].as_str().map(str::to_owned)
}

fn int(described: &Value) -> Option<i32> {
    described["v"].as_i64().map(|value| value as i32)
}

fn long(number: &Value) -> i64 {
    number.as_str().unwrap().parse().unwrap()
}
