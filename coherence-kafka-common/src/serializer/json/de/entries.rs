//! Maps of Java: an array of objects with a `key` and a `value`.

use serde::de::value::{MapDeserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};

use super::De;
use crate::serializer::json::reader::Error;

/// Whether an opened object that names no class is a map as Java writes one where the type of a field is a map:
/// `{"entries":[…]}`, with `"@ordered":true` or `"@sorted":true` in front for some maps.
pub(super) fn are_listed(de: &mut De<'_, '_>) -> Result<bool, Error> {
    let start = de.reader.offset();
    if de.reader.next_byte() != Some(b'"') {
        return Ok(false);
    }
    let listed = match &*de.reader.name()? {
        "@ordered" | "@sorted" => true,
        // Others write maps as plain objects, which may have this key.
        "entries" if de.reader.take(b'[') => {
            de.reader.next_byte() == Some(b']')
                || de.reader.take(b'{')
                    && (de.reader.take_word("\"key\"") || de.reader.take_word("\"value\""))
        }
        _ => false,
    };
    de.reader.seek(start);
    Ok(listed)
}

/// Visits the entries of an opened map, behind its class if it is `classed`.
pub(super) fn entries<'de, V: Visitor<'de>>(
    de: &mut De<'de, '_>,
    visitor: V,
    classed: bool,
) -> Result<V::Value, Error> {
    let mut first = !classed;
    while de.reader.has_next(&mut first, b'}')? {
        if de.reader.name()? != "entries" {
            de.reader.skip()?;
            continue;
        }
        de.reader.open(b'[', "an array of entries")?;
        let mut first_entry = true;
        let map = Entries { de, first: &mut first_entry, value: EntryValue::Next };
        let value = visitor.visit_map(map)?;
        if de.reader.has_next(&mut first_entry, b']')? {
            return Err(de.reader.error("']'"));
        }
        while de.reader.has_next(&mut first, b'}')? {
            if !classed {
                return Err(de.reader.error("the end of a map"));
            }
            de.reader.name()?;
            de.reader.skip()?;
        }
        return Ok(value);
    }
    visitor.visit_map(MapDeserializer::<_, Error>::new(std::iter::empty::<((), ())>()))
}

struct Entries<'a, 'r, 'd> {
    de: &'d mut De<'a, 'r>,
    first: &'d mut bool,
    value: EntryValue,
}

/// Where the value of the entry is whose key was read.
enum EntryValue {
    /// In what follows of the entry, or nowhere: then it is null.
    Next,
    /// At the first offset, if any; the entry ends before the second.
    Skipped(Option<usize>, usize),
}

impl Entries<'_, '_, '_> {
    /// Goes to the value of the open entry; false behind the entry's end.
    fn find_value(&mut self, first: &mut bool) -> Result<bool, Error> {
        while self.de.reader.has_next(first, b'}')? {
            if self.de.reader.name()? == "value" {
                return Ok(true);
            }
            self.de.reader.skip()?;
        }
        Ok(false)
    }
}

impl<'de> MapAccess<'de> for Entries<'de, '_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.de.reader.next_byte() == Some(b']') || !self.de.reader.has_next(self.first, b']')? {
            return Ok(None);
        }
        self.de.reader.open(b'{', "an entry")?;
        let start = self.de.reader.offset();
        if self.de.reader.take_word("\"key\"") {
            self.de.reader.seek(start);
            self.de.reader.name()?;
            self.value = EntryValue::Next;
            return seed.deserialize(&mut *self.de).map(Some);
        }
        // Java writes the key first, and leaves out what is null.
        let (mut key, mut value) = (None, None);
        let mut first = true;
        while self.de.reader.has_next(&mut first, b'}')? {
            let name = self.de.reader.name()?;
            let offset = self.de.reader.offset();
            match &*name {
                "key" => key = Some(offset),
                "value" => value = Some(offset),
                _ => {}
            }
            self.de.reader.skip()?;
        }
        self.value = EntryValue::Skipped(value, self.de.reader.offset());
        match key {
            Some(offset) => {
                self.de.reader.seek(offset);
                seed.deserialize(&mut *self.de)
            }
            None => null(seed, start),
        }
        .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let start = self.de.reader.offset();
        let value = match self.value {
            EntryValue::Next => {
                let mut first = false;
                if !self.find_value(&mut first)? {
                    return null(seed, start);
                }
                let value = seed.deserialize(&mut *self.de)?;
                while self.de.reader.has_next(&mut first, b'}')? {
                    self.de.reader.name()?;
                    self.de.reader.skip()?;
                }
                value
            }
            EntryValue::Skipped(Some(offset), end) => {
                self.de.reader.seek(offset);
                let value = seed.deserialize(&mut *self.de)?;
                self.de.reader.seek(end);
                value
            }
            EntryValue::Skipped(None, end) => {
                self.de.reader.seek(end);
                null(seed, start)?
            }
        };
        Ok(value)
    }
}

fn null<'de, T: DeserializeSeed<'de>>(seed: T, offset: usize) -> Result<T::Value, Error> {
    seed.deserialize(UnitDeserializer::<Error>::new()).map_err(|error| error.or_at(offset))
}
