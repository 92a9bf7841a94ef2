//! Values that Java wrote: decoded, read with their types known, and written again.

use coherence_kafka_common::packed::Problem;
use coherence_kafka_common::pof::{self, PofReader, PofValue, PofWriter, WriteError};
use serde_json::Value;

use crate::classes::{self, Described, ForClass};
use crate::differences::Here;
use crate::notation::{self, alike};
use crate::operations;
use crate::tally::{Checked, Outcome, Row, same};

pub fn both_ways(row: &Row<'_>) -> Checked {
    let described = &row.json["value"];
    if !row.json["encode_error"].is_null() {
        return refused_by_java(row, described);
    }
    let binary = row.bytes("hex");
    let pof = row.bytes("bare");
    same("the binary", &binary[..], &[&[0x15], &pof[..]].concat())?;
    if row.text("name").starts_with("references") {
        let mut out = Vec::new();
        classes::write_shared(&mut PofWriter::new(&mut out), described, &mut Vec::new())
            .map_err(|error| error.to_string())?;
        same("written", &out, &pof)?;
        let mut reader = PofReader::resolving(&pof).map_err(|error| error.to_string())?;
        expect(&mut reader, described)?;
        reader.finish().map_err(|error| error.to_string())?;
        read(&pof)?;
        return Ok(Outcome::Passed);
    }
    written_and_read(described, &pof, row)?;
    Ok(Outcome::Passed)
}

/// Java cannot write it: the number is too large, the class or the order of its properties wrong.
fn refused_by_java(row: &Row<'_>, described: &Value) -> Checked {
    let subject = described["v"].as_str().unwrap_or_default();
    let written = describable(described) && write(&mut PofWriter::new(&mut Vec::new()), described).is_ok();
    match (written, row.differences.here(subject)) {
        (false, Here::AsJava) | (true, Here::Otherwise) => Ok(Outcome::Passed),
        (true, _) => Err("written, but Java refuses it".to_owned()),
        (false, _) => Err("listed as written, but refused".to_owned()),
    }
}

/// Checks that the bytes are those of the value, in both directions.
pub fn written_and_read(described: &Value, pof: &[u8], row: &Row<'_>) -> Result<(), String> {
    if opaque(described, pof) {
        let decoded = read(pof)?;
        let mut out = Vec::new();
        PofWriter::new(&mut out).value(&decoded).map_err(|error| error.to_string())?;
        // An agent is no key: it is written in full, and reads back the same.
        return if row.is_of("pof-agents") {
            same("decoded again", read(&out)?, decoded)
        } else {
            same("written", &out[..], pof)
        };
    }
    let mut out = Vec::new();
    let written = write(&mut PofWriter::new(&mut out), described);
    match (written, row.differences.here(described["v"].as_str().unwrap_or_default())) {
        (Err(_), Here::Refused) => return read(pof).map(|_| ()),
        (Ok(()), Here::AsJava) => same("written", &out[..], pof)?,
        (written, _) => return Err(format!("written: {written:?}")),
    }
    if !raw(described) {
        let decoded = read(pof)?;
        if notation::value(described).is_some_and(|described| !alike(&decoded, &described)) {
            return Err(format!("decoded {decoded:?}"));
        }
    }
    let mut reader = PofReader::new(pof);
    expect(&mut reader, described)?;
    reader.finish().map_err(|error| error.to_string())
}

/// `decode`, or the resolving reader for shared objects. `check` and `skip` must agree with it.
pub fn read(pof: &[u8]) -> Result<PofValue, String> {
    let (decoded, checked) = (pof::decode(pof), pof::check(pof));
    let mut skipping = PofReader::new(pof);
    let skipped = skipping.skip().and_then(|()| skipping.finish());
    same("skip", skipped.err(), checked.err())?;
    match decoded {
        Err(error) if error.problem == Problem::Shared => {
            let mut reader = PofReader::resolving(pof).map_err(|error| error.to_string())?;
            let decoded = reader.value().map_err(|error| error.to_string())?;
            reader.finish().map_err(|error| error.to_string())?;
            Ok(decoded)
        }
        _ => {
            same("check", checked.err(), decoded.as_ref().err().copied())?;
            let mut reader = PofReader::new(pof);
            let read = reader.value().and_then(|value| reader.finish().map(|()| value));
            same("value", format!("{read:?}"), format!("{decoded:?}"))?;
            decoded.map_err(|error| error.to_string())
        }
    }
}

/// Of a class whose properties the notation does not tell.
fn opaque(described: &Value, pof: &[u8]) -> bool {
    match described["t"].as_str().unwrap() {
        // Some sets and maps are written as user types.
        "set" | "map" | "treeset" | "treemap" => !matches!(pof, [0x55 | 0x5B, ..]),
        "enum" => described["class"] != "VectorGen$Color",
        _ => !describable(described),
    }
}

fn describable(described: &Value) -> bool {
    struct Known;
    impl ForClass<()> for Known {
        fn with<C: Described>(self) {}
    }
    let name = described["t"].as_str().unwrap();
    matches!(name, "list" | "set" | "array" | "map" | "linkedmap" | "user")
        || classes::by_name(name, Known).is_some()
        || notation::value(described).is_some()
}

fn raw(described: &Value) -> bool {
    let is_raw = |op: &Value| op["op"].as_str().unwrap().ends_with(" raw") && op["v"]["t"] != "null";
    described["ops"].as_array().is_some_and(|ops| ops.iter().any(is_raw))
}

/// Writes a described value as `writeObject` does.
pub fn write(writer: &mut PofWriter<'_>, described: &Value) -> Result<(), WriteError> {
    struct Write<'w, 'a>(&'w mut PofWriter<'a>, &'w Value);
    impl ForClass<Result<(), WriteError>> for Write<'_, '_> {
        fn with<C: Described>(self) -> Result<(), WriteError> {
            self.0.object(&C::described(self.1))
        }
    }
    let name = described["t"].as_str().unwrap();
    if let Some(written) = classes::by_name(name, Write(writer, described)) {
        return written;
    }
    let elements = || described["v"].as_array().unwrap();
    match name {
        "list" | "set" => {
            writer.collection(elements().len());
            elements().iter().try_for_each(|element| write(writer, element))
        }
        "array" => {
            writer.object_array(elements().len());
            elements().iter().try_for_each(|element| write(writer, element))
        }
        "map" | "linkedmap" => {
            writer.map(elements().len());
            elements().iter().try_for_each(|entry| {
                write(writer, &entry[0])?;
                write(writer, &entry[1])
            })
        }
        "user" => writer.user(described["type_id"].as_u64().unwrap() as u32, 0, |properties| {
            let ops = described["ops"].as_array().unwrap();
            ops.iter().try_for_each(|op| operations::replay(op, properties))
        }),
        _ => writer.value(&notation::value(described).expect("a described value")),
    }
}

/// Reads a value by the methods for the types that it is described with.
fn expect(reader: &mut PofReader<'_>, described: &Value) -> Result<(), String> {
    struct Expect<'r, 'a>(&'r mut PofReader<'a>, &'r Value);
    impl ForClass<Result<(), String>> for Expect<'_, '_> {
        fn with<C: Described>(self) -> Result<(), String> {
            let object = self.0.object::<C>().map_err(|error| error.to_string())?;
            same("object", object, Some(C::described(self.1)))
        }
    }
    let name = described["t"].as_str().unwrap();
    if let Some(read) = classes::by_name(name, Expect(reader, described)) {
        return read;
    }
    let elements = || described["v"].as_array().unwrap().iter();
    let mut wrong = Ok(());
    let mut element = |reader: &mut PofReader<'_>, described: Option<&Value>| {
        let read = expect(reader, described.unwrap_or(&Value::Null));
        if wrong.is_ok() {
            wrong = read;
        }
        Ok(())
    };
    match name {
        "list" | "set" | "array" => {
            let mut described = elements();
            let read = reader.elements(|reader| element(reader, described.next()));
            read.map_err(|error| error.to_string())?;
            wrong
        }
        "map" | "linkedmap" => {
            let mut described = elements().flat_map(|entry| [&entry[0], &entry[1]]);
            let entry = std::cell::RefCell::new((&mut described, &mut element));
            let next = |reader: &mut PofReader<'_>| {
                let (described, element) = &mut *entry.borrow_mut();
                element(reader, described.next())
            };
            reader.entries(next, next).map_err(|error| error.to_string())?;
            wrong
        }
        "user" => properties(reader, described),
        _ => {
            let expected = notation::value(described).expect("a described value");
            let read = typed(reader, &expected).map_err(|error| error.to_string())?;
            if alike(&read, &expected) { Ok(()) } else { Err(format!("read {read:?}")) }
        }
    }
}

/// A value by the method for its type, not by the type in its bytes.
fn typed(
    reader: &mut PofReader<'_>,
    expected: &PofValue,
) -> Result<PofValue, coherence_kafka_common::packed::DecodeError> {
    let or_null = |value: Option<PofValue>| value.unwrap_or(PofValue::Null);
    Ok(match expected {
        PofValue::Boolean(_) => PofValue::Boolean(reader.boolean()?),
        PofValue::Octet(_) => PofValue::Octet(reader.octet()?),
        PofValue::Char(_) => PofValue::Char(reader.char()?),
        PofValue::Int16(_) => PofValue::Int16(reader.int16()?),
        PofValue::Int32(_) => PofValue::Int32(reader.int32()?),
        PofValue::Int64(_) => PofValue::Int64(reader.int64()?),
        PofValue::Int128(_) => or_null(reader.big_integer()?.map(PofValue::Int128)),
        PofValue::Float32(_) => PofValue::Float32(reader.float32()?),
        PofValue::Float64(_) => PofValue::Float64(reader.float64()?),
        PofValue::Decimal { .. } => {
            or_null(reader.decimal()?.map(|(unscaled, scale)| PofValue::Decimal { unscaled, scale }))
        }
        PofValue::String(_) => or_null(reader.string()?.map(PofValue::String)),
        PofValue::ByteArray(_) => or_null(reader.bytes()?.map(|bytes| PofValue::ByteArray(bytes.into()))),
        PofValue::OctetString(_) => or_null(reader.bytes()?.map(|bytes| PofValue::OctetString(bytes.into()))),
        PofValue::Date(_) => or_null(reader.date()?.map(PofValue::Date)),
        PofValue::Time(_) => or_null(reader.time()?.map(PofValue::Time)),
        PofValue::DateTime(..) => {
            or_null(reader.date_time()?.map(|(date, time)| PofValue::DateTime(date, time)))
        }
        PofValue::BooleanArray(_) => {
            or_null(reader.elements(PofReader::boolean)?.map(PofValue::BooleanArray))
        }
        PofValue::CharArray(_) => or_null(reader.elements(PofReader::char)?.map(PofValue::CharArray)),
        PofValue::Int16Array(_) => or_null(reader.elements(PofReader::int16)?.map(PofValue::Int16Array)),
        PofValue::Int32Array(_) => or_null(reader.elements(PofReader::int32)?.map(PofValue::Int32Array)),
        PofValue::Int64Array(_) => or_null(reader.elements(PofReader::int64)?.map(PofValue::Int64Array)),
        PofValue::Float32Array(_) => {
            or_null(reader.elements(PofReader::float32)?.map(PofValue::Float32Array))
        }
        PofValue::Float64Array(_) => {
            or_null(reader.elements(PofReader::float64)?.map(PofValue::Float64Array))
        }
        PofValue::SparseArray { .. } => {
            let read = reader.sparse_array(PofReader::value)?;
            or_null(read.map(|(size, elements)| PofValue::SparseArray { size, elements }))
        }
        _ => reader.value()?,
    })
}

/// The properties that a series of calls has written.
fn properties(reader: &mut PofReader<'_>, described: &Value) -> Result<(), String> {
    let mut wrong = Ok(());
    let read = reader.user_type(|object| {
        for op in described["ops"].as_array().unwrap() {
            let (name, v) = (op["op"].as_str().unwrap(), &op["v"]);
            let index = op["i"].as_u64().unwrap() as u32;
            let read = match name {
                "writeBoolean" => same(name, object.boolean(index)?.into(), v.clone()),
                "writeByte" => same(name, (object.octet(index)? as i8).into(), v.clone()),
                "writeChar" => same(name, object.char(index)?.into(), v.clone()),
                "writeShort" => same(name, object.int16(index)?.into(), v.clone()),
                "writeInt" => same(name, object.int32(index)?.into(), v.clone()),
                "writeLong" => same(name, object.int64(index)?.to_string().into(), v.clone()),
                // The sign of -0.0 is lost.
                "writeFloat" | "writeDouble" => match notation::value(v) {
                    Some(PofValue::Float32(value)) => {
                        let read = object.float32(index)?;
                        same(name, read.is_nan() || read == value, !value.is_nan() || read.is_nan())
                    }
                    Some(PofValue::Float64(value)) => {
                        let read = object.float64(index)?;
                        same(name, read.is_nan() || read == value, !value.is_nan() || read.is_nan())
                    }
                    _ => Err("no number".to_owned()),
                },
                _ if v["t"] == "null" => {
                    let value = object.value(index)?.map(PofReader::value).transpose()?;
                    same(name, value.unwrap_or(PofValue::Null), PofValue::Null)
                }
                "writeNested 1: writeInt 0" => {
                    let read = object.nested(index, |nested| nested.int32(0))?;
                    same(name, read.into(), v.clone())
                }
                _ => match object.value(index)? {
                    None => Err(format!("{name}: missing")),
                    Some(reader) if name.ends_with(" raw") => {
                        let mut again = Vec::new();
                        let mut writer = PofWriter::new(&mut again);
                        let written = writer.user(0, 0, |writer| operations::replay(op, writer));
                        written.expect("a raw array");
                        let read = operations::read_raw(op, reader).unwrap_or_default();
                        same(name, again.windows(read.len()).any(|part| part == read), true)
                    }
                    Some(reader) => expect(reader, v),
                },
            };
            if wrong.is_ok() {
                wrong = read;
            }
        }
        Ok(())
    });
    read.map_err(|error| error.to_string())?.ok_or("null")?;
    wrong
}
