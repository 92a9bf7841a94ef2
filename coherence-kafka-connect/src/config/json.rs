//! JSON whose values keep their text: a number of a configuration counts as it is written, as in Java.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, each value as it is written. A repeated name has its first place and its last value.
#[derive(Debug, Default)]
pub struct Members<'a> {
    /// By name: the place, and the value.
    by_name: BTreeMap<String, (usize, &'a RawValue)>,
}

impl<'a> Members<'a> {
    /// Returns the value of a member.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.by_name.get(name).map(|(_, value)| *value)
    }

    /// Returns the members in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let mut members: Vec<_> = self.by_name.iter().collect();
        members.sort_by_key(|(_, (place, _))| *place);
        members.into_iter().map(|(name, (_, value))| (name.as_str(), *value))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = object.next_entry()? {
                    let place = members.by_name.len();
                    members.by_name.entry(name).or_insert((place, value)).1 = value;
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Returns the members of an object; `None` for JSON of another kind.
///
/// # Errors
/// The text is not JSON; the error contains the place.
pub fn members(json: &str) -> serde_json::Result<Option<Members<'_>>> {
    if json.trim_start().starts_with('{') {
        serde_json::from_str(json).map(Some)
    } else {
        serde_json::from_str::<&RawValue>(json).map(|_| None)
    }
}

/// Returns a JSON text without quotes and escapes; `None` for a value of another kind.
pub fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// What a setting of this value is: a text, or a number or a boolean as it is written; `None` for null, an array or an
/// object.
pub fn setting(value: &RawValue) -> Option<String> {
    match value.get().bytes().next() {
        Some(b'n' | b'[' | b'{') => None,
        Some(b'"') => text(value),
        _ => Some(value.get().to_owned()),
    }
}
