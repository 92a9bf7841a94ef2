use super::*;
use crate::pof::writer::{PofWriter, UserTypeWriter, WriteError};

/// The bytes of user type 1000 with these properties.
fn user(write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), WriteError>) -> Vec<u8> {
    let mut out = Vec::new();
    PofWriter::new(&mut out).user(1000, 0, write).unwrap();
    out
}

fn read<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut UserTypeReader<'_, 'a>) -> Result<T, DecodeError>,
) -> Result<T, Problem> {
    let mut reader = PofReader::new(bytes);
    let value = reader.user_type(read).map_err(|error| error.problem)?.unwrap();
    assert_eq!(reader.finish(), Ok(()));
    Ok(value)
}

#[test]
fn properties_that_are_missing_or_not_asked_for_are_passed_over() {
    let bytes = user(|w| {
        w.int32(1, 7)?;
        let list = w.value(3)?;
        list.collection(1);
        list.string("x");
        w.string(5, Some("five"))?;
        w.int64(9, 9)
    });
    let found = read(&bytes, |r| Ok((r.int32(0)?, r.int32(1)?, r.string(4)?, r.string(5)?)));
    assert_eq!(found, Ok((0, 7, None, Some("five".to_owned()))));
    assert_eq!(read(&bytes, |r| r.int64(9)), Ok(9));
    assert_eq!(read(&bytes, |r| r.int64(10)), Ok(0));
}

#[test]
fn a_value_that_was_given_out_and_not_read_is_passed_over() {
    let bytes = user(|w| {
        w.string(0, Some("a"))?;
        w.int32(1, 5)
    });
    let found = read(&bytes, |r| {
        assert!(r.value(0)?.is_some());
        r.int32(1)
    });
    assert_eq!(found, Ok(5));
    let lists = [0x55, 0x02, 0x4E, 0x01, b'a', 0x56, 0x41, 0x02, 0x05, 0x06];
    let mut reader = PofReader::new(&lists);
    assert_eq!(reader.elements(|_| Ok(())), Ok(Some(vec![(), ()])));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn properties_are_asked_for_in_rising_order() {
    let bytes = user(|w| w.int32(1, 5));
    let found = read(&bytes, |r| {
        r.int32(1)?;
        r.int32(1)
    });
    assert!(matches!(found, Err(Problem::Invalid(_))));
}

#[test]
fn nothing_is_read_after_the_remainder() {
    let bytes = user(|w| {
        w.int32(0, 5)?;
        w.int32(2, 6)
    });
    let found = read(&bytes, |r| {
        r.int32(0)?;
        let remainder = r.remainder()?;
        assert!(r.int32(2).is_err());
        assert_eq!(r.remainder()?, [0_u8; 0]);
        Ok(remainder)
    });
    assert_eq!(found, Ok(&[0x02, 0x6F][..]));
}

#[test]
fn numbers_are_converted_but_never_cut() {
    let int32 = |bytes: &[u8]| PofReader::new(bytes).int32().map_err(|error| error.problem);
    assert_eq!(int32(&[0x45, 0x40, 0x14, 0, 0, 0, 0, 0, 0]), Ok(5));
    assert_eq!(int32(&[0x45, 0x40, 0x16, 0, 0, 0, 0, 0, 0]), Err(Problem::OutOfRange));
    assert_eq!(int32(&[0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]), Err(Problem::OutOfRange));
    assert_eq!(int32(&[0x47, 0x05, 0x42]), Ok(5000));
    assert_eq!(int32(&[0x47, 0xB2, 0x07, 0x02]), Err(Problem::OutOfRange));
    assert_eq!(int32(&[0x4B, 0xFF]), Ok(255));
    assert_eq!(int32(&[0x4D, 0x41]), Ok(65));
    assert_eq!(int32(&[0x61]), Ok(1));
    assert_eq!(int32(&[0x64]), Ok(0));
    assert_eq!(int32(&[0x67]), Err(Problem::OutOfRange));
    assert_eq!(int32(&[0x4E, 0x00]), Err(Problem::Conversion { type_id: -15 }));
    assert_eq!(PofReader::new(&[0x68]).octet(), Ok(0xFF));
    assert_eq!(PofReader::new(&[0x68]).char(), Ok(0xFFFF));
    assert!(PofReader::new(&[0x41, 0x80, 0x04]).octet().is_err());
    assert_eq!(PofReader::new(&[0x65]).float32(), Ok(f32::INFINITY));
    assert!(PofReader::new(&[0x67]).float64().is_ok_and(f64::is_nan));
    assert_eq!(PofReader::new(&[0x6E]).decimal(), Ok(Some((5, 0))));
    // 2^53 + 1 is no f64.
    assert!(PofReader::new(&[0x42, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]).float64().is_err());
}

#[test]
fn text_and_bytes_are_read_from_what_java_reads_them_from() {
    let text = |bytes: &[u8]| PofReader::new(bytes).string().map_err(|error| error.problem);
    assert_eq!(text(&[0x62]), Ok(Some(String::new())));
    assert_eq!(text(&[0x4C, 0x02, 0x41, 0xE9]), Ok(Some("Aé".to_owned())));
    assert_eq!(text(&[0x58, 0x4D, 0x02, 0x41, 0x42]), Ok(Some("AB".to_owned())));
    assert_eq!(text(&[0x4E, 0x40]), Ok(None));
    assert_eq!(text(&[0x41, 0x05]), Err(Problem::Conversion { type_id: -2 }));
    let bytes = |bytes: &[u8]| PofReader::new(bytes).bytes().map(|bytes| bytes.map(Cow::into_owned));
    assert_eq!(bytes(&[0x4C, 0x01, 0x07]), Ok(Some(vec![7])));
    assert_eq!(bytes(&[0x58, 0x4B, 0x01, 0x07]), Ok(Some(vec![7])));
    assert_eq!(bytes(&[0x56, 0x41, 0x02, 0x07, 0x40]), Ok(Some(vec![7, 0xFF])));
    assert_eq!(bytes(&[0x63]), Ok(Some(Vec::new())));
}

#[test]
fn elements_are_read_alike_with_and_without_a_common_type() {
    let strings = |bytes: &[u8]| PofReader::new(bytes).elements(PofReader::string);
    let expected = Ok(Some(vec![Some("a".to_owned()), None]));
    assert_eq!(strings(&[0x55, 0x02, 0x4E, 0x01, b'a', 0x64]), expected);
    assert_eq!(strings(&[0x56, 0x4E, 0x02, 0x01, b'a', 0x64]), expected);
    let map = [0x5D, 0x4E, 0x41, 0x01, 0x01, b'a', 0x05];
    let entries = PofReader::new(&map).entries(PofReader::string, PofReader::int32);
    assert_eq!(entries, Ok(Some(vec![(Some("a".to_owned()), 5)])));
    let sparse = [0x5A, 0x41, 0x04, 0x00, 0x05, 0x03, 0x06, 0x40];
    assert_eq!(PofReader::new(&sparse).sparse_array(PofReader::int32), Ok(Some((4, vec![(0, 5), (3, 6)]))));
}

const TWICE: [u8; 14] = [0x57, 0x02, 0x5E, 0x01, 0xA8, 0x0F, 0x00, 0x00, 0x4E, 0x01, b'a', 0x40, 0x5F, 0x01];

#[test]
fn a_reference_is_read_as_its_object_on_request_only() {
    let bytes = &TWICE;
    let objects = |reader: &mut PofReader<'_>| {
        reader.elements(|reader| reader.user_type(|object| object.string(0)).map(Option::flatten))
    };
    let mut reader = PofReader::resolving(bytes).unwrap();
    let a = Some("a".to_owned());
    assert_eq!(objects(&mut reader), Ok(Some(vec![a.clone(), a])));
    assert_eq!(reader.finish(), Ok(()));
    assert_eq!(objects(&mut PofReader::new(bytes)).unwrap_err().problem, Problem::Shared);
    assert_eq!(PofReader::new(bytes).skip(), Ok(()));
    let value = PofReader::resolving(bytes).unwrap().value();
    let user =
        PofValue::User { type_id: 1000, version: 0, properties: vec![(0, PofValue::String("a".into()))] };
    assert_eq!(value, Ok(PofValue::Array(vec![user.clone(), user])));
}

#[test]
fn references_to_nothing_and_to_what_is_around_them_are_refused() {
    let unknown = [0x57, 0x01, 0x5F, 0x01];
    let itself = [0x5E, 0x01, 0xA8, 0x0F, 0x00, 0x00, 0x5F, 0x01, 0x40];
    let twice = [0x57, 0x02, 0x5E, 0x01, 0xA8, 0x0F, 0x00, 0x40, 0x5E, 0x01, 0xA8, 0x0F, 0x00, 0x40];
    let no_object = [0x5E, 0x01, 0x41, 0x05];
    let zero = [0x5E, 0x00, 0xA8, 0x0F, 0x00, 0x40];
    for bytes in [&unknown[..], &itself, &twice, &no_object, &zero] {
        assert!(matches!(PofReader::resolving(bytes).unwrap_err().problem, Problem::Invalid(_)));
    }
}

#[test]
fn a_chain_of_references_is_no_deeper_than_values_may_be() {
    let mut bytes = vec![0x57, 0x80, 0x03];
    bytes.extend_from_slice(&[0x5E, 0x01, 0xA8, 0x0F, 0x00, 0x40]);
    for id in 2..=192_i32 {
        for (code, id) in [(0x5E, id), (0x5F, id - 1)] {
            bytes.push(code);
            crate::packed::write_i32(&mut bytes, id);
            if code == 0x5E {
                bytes.extend_from_slice(&[0xA8, 0x0F, 0x00, 0x00]);
            }
        }
        bytes.push(0x40);
    }
    let error = PofReader::resolving(&bytes).unwrap().value().unwrap_err();
    assert_eq!(error.problem, Problem::Invalid(TOO_DEEP));
}

#[test]
fn objects_nest_to_the_limit_and_not_deeper() {
    fn nested(reader: &mut PofReader<'_>) -> Result<usize, DecodeError> {
        let inner = reader.user_type(|object| object.value(0)?.map_or(Ok(0), nested))?;
        Ok(inner.map_or(0, |inner| inner + 1))
    }
    let bytes =
        |depth: usize| [[0xA8, 0x0F, 0x00, 0x00].repeat(depth), vec![0x64], vec![0x40; depth]].concat();
    assert_eq!(nested(&mut PofReader::new(&bytes(MAX_DEPTH))), Ok(MAX_DEPTH));
    assert!(nested(&mut PofReader::new(&bytes(MAX_DEPTH + 1))).is_err());
    assert!(nested(&mut PofReader::new(&bytes(100_000))).is_err());
}
