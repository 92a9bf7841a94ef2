//! What a filter, an aggregator or an index looks at.

use bytes::Bytes;
use serde::Serialize;

use super::literal::Literal;
use super::object::{Class, Object, Part, both, in_json, in_pof};
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

const CHAINED: Class = Class::new("ChainedExtractor", 50, "extractor.ChainedExtractor");
const IDENTITY: Class = Class::new("IdentityExtractor", 52, "extractor.IdentityExtractor");
const KEY: Class = Class::new("KeyExtractor", 53, "extractor.KeyExtractor");
const MULTI: Class = Class::new("MultiExtractor", 54, "extractor.MultiExtractor");
const REFLECTION: Class = Class::new("ReflectionExtractor", 55, "extractor.ReflectionExtractor");
const POF: Class = Class::in_pof("PofExtractor", 58);
const POF_PATH: Class = Class::in_pof("SimplePofPath", 140);
const UNIVERSAL: Class = Class::new("UniversalExtractor", 192, "extractor.UniversalExtractor");

/// A part of an entry: a property of its value, the value itself, the key.
///
/// A text is a property: `"age"` stands for [`Extractor::property`] wherever an extractor is needed. An index serves
/// the queries whose extractor is the same. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extractor(pub(super) Object);

impl Extractor {
    /// The property `name` of the value, as Java's `UniversalExtractor` finds it: by a method `getName` or `isName`, or in
    /// a map under that key. `"name()"` calls the method of this name.
    pub fn property(name: impl Into<String>) -> Self {
        Self(Object::new(
            &UNIVERSAL,
            [both(0, "name", Part::Text(name.into())), in_json("target", Part::Int(0))],
        ))
    }

    /// The same of the key.
    pub fn key_property(name: impl Into<String>) -> Self {
        Self(Object::new(
            &UNIVERSAL,
            [both(0, "name", Part::Text(name.into())), both(2, "target", Part::Int(1))],
        ))
    }

    /// What the method `name` of the value returns, by reflection. [`Extractor::property`] does the same for methods
    /// without arguments, and shares its indexes with the clients of other languages.
    pub fn method(name: impl Into<String>) -> Self {
        Self(Object::new(
            &REFLECTION,
            [both(0, "method", Part::Text(name.into())), in_json("target", Part::Int(0))],
        ))
    }

    /// What the method `name` of the value returns for these arguments, by reflection.
    pub fn method_with<T: Serialize + Send + Sync + 'static>(
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        Self(Object::new(
            &REFLECTION,
            [
                both(0, "method", Part::Text(name.into())),
                both(2, "args", Part::Values(Literal::all(arguments))),
                in_json("target", Part::Int(0)),
            ],
        ))
    }

    /// The property of the value to which these indexes of POF lead. The grid reads nothing but this property, and needs
    /// no class for the value. For maps of POF alone.
    pub fn pof(path: impl IntoIterator<Item = i32>) -> Self {
        Self::pof_of(0, path)
    }

    /// The same of the key.
    pub fn key_pof(path: impl IntoIterator<Item = i32>) -> Self {
        Self::pof_of(1, path)
    }

    fn pof_of(target: i32, path: impl IntoIterator<Item = i32>) -> Self {
        Self(Object::new(&POF, [in_pof(0, Part::Int(target)), in_pof(1, Part::Object(pof_path(path)))]))
    }

    /// The value itself.
    pub fn identity() -> Self {
        Self(Object::new(&IDENTITY, [in_json("target", Part::Int(0))]))
    }

    /// The key.
    pub fn key() -> Self {
        Self::of_key(Self::identity())
    }

    /// What `extractor` makes of the key.
    pub fn of_key(extractor: impl Into<Extractor>) -> Self {
        Self(Object::new(
            &KEY,
            [both(0, "extractor", Part::Object(extractor.into().0)), in_json("target", Part::Int(1))],
        ))
    }

    /// Each of what the one before it returned: `chained(["address", "city"])`.
    pub fn chained<E: Into<Extractor>>(extractors: impl IntoIterator<Item = E>) -> Self {
        Self(composite(&CHAINED, extractors))
    }

    /// The list of what each of them returns.
    pub fn several<E: Into<Extractor>>(extractors: impl IntoIterator<Item = E>) -> Self {
        Self(composite(&MULTI, extractors))
    }

    /// Returns the complete binary that a grid takes for it.
    ///
    /// # Errors
    /// As those of [`Filter::to_binary`](super::Filter::to_binary).
    pub fn to_binary(
        &self,
        format: Format,
        pof: &PofContext,
        json: &JsonClasses,
    ) -> Result<Bytes, SerializerError> {
        self.0.to_binary(format, pof, json)
    }
}

fn composite<E: Into<Extractor>>(class: &'static Class, extractors: impl IntoIterator<Item = E>) -> Object {
    let extractors = extractors.into_iter().map(|extractor| extractor.into().0).collect();
    Object::new(class, [both(0, "extractors", Part::Objects(extractors)), in_json("target", Part::Int(0))])
}

pub(super) fn pof_path(path: impl IntoIterator<Item = i32>) -> Object {
    Object::new(&POF_PATH, [in_pof(0, Part::Ints(path.into_iter().collect()))])
}

impl From<&str> for Extractor {
    fn from(name: &str) -> Self {
        Self::property(name)
    }
}

impl From<&Extractor> for Extractor {
    fn from(extractor: &Extractor) -> Self {
        extractor.clone()
    }
}
