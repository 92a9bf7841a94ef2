//! Which entries a query is about.

use std::ops::{Bound, Not, RangeBounds};

use bytes::Bytes;
use serde::Serialize;

use super::extractor::Extractor;
use super::literal::Literal;
use super::object::{Class, Object, Part, both, in_json, in_pof};
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

const ALL: Class = Class::new("AllFilter", 60, "filter.AllFilter");
const ALWAYS: Class = Class::new("AlwaysFilter", 61, "filter.AlwaysFilter");
const AND: Class = Class::new("AndFilter", 62, "filter.AndFilter");
const ANY: Class = Class::new("AnyFilter", 63, "filter.AnyFilter");
const BETWEEN: Class = Class::new("BetweenFilter", 64, "filter.BetweenFilter");
const CONTAINS_ALL: Class = Class::new("ContainsAllFilter", 65, "filter.ContainsAllFilter");
const CONTAINS_ANY: Class = Class::new("ContainsAnyFilter", 66, "filter.ContainsAnyFilter");
const CONTAINS: Class = Class::new("ContainsFilter", 67, "filter.ContainsFilter");
const EQUAL: Class = Class::new("EqualsFilter", 68, "filter.EqualsFilter");
const GREATER_OR_EQUAL: Class = Class::new("GreaterEqualsFilter", 69, "filter.GreaterEqualsFilter");
const GREATER: Class = Class::new("GreaterFilter", 70, "filter.GreaterFilter");
const IN: Class = Class::new("InFilter", 71, "filter.InFilter");
const IN_KEY_SET: Class = Class::new("InKeySetFilter", 72, "filter.InKeySetFilter");
const IS_NOT_NULL: Class = Class::new("IsNotNullFilter", 73, "filter.IsNotNullFilter");
const IS_NULL: Class = Class::new("IsNullFilter", 74, "filter.IsNullFilter");
const LESS_OR_EQUAL: Class = Class::new("LessEqualsFilter", 75, "filter.LessEqualsFilter");
const LESS: Class = Class::new("LessFilter", 76, "filter.LessFilter");
const LIKE: Class = Class::new("LikeFilter", 77, "filter.LikeFilter");
const NEVER: Class = Class::new("NeverFilter", 80, "filter.NeverFilter");
const NOT_EQUAL: Class = Class::new("NotEqualsFilter", 81, "filter.NotEqualsFilter");
const NOT: Class = Class::new("NotFilter", 82, "filter.NotFilter");
const OR: Class = Class::new("OrFilter", 83, "filter.OrFilter");
const PRESENT: Class = Class::new("PresentFilter", 84, "filter.PresentFilter");
const XOR: Class = Class::new("XorFilter", 86, "filter.XorFilter");
const REGEX: Class = Class::new("RegexFilter", 201, "filter.RegexFilter");

/// A condition on an entry. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Filter(pub(super) Object);

impl Filter {
    /// True for every entry.
    pub fn always() -> Self {
        Self(Object::new(&ALWAYS, []))
    }

    /// True for no entry.
    pub fn never() -> Self {
        Self(Object::new(&NEVER, []))
    }

    /// True where the entry exists, for processors that run on keys without an entry.
    pub fn present() -> Self {
        Self(Object::new(&PRESENT, []))
    }

    /// True where what `extractor` returns is equal to `value`. Objects are equal by their Java classes' own `equals`.
    pub fn equal(extractor: impl Into<Extractor>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::compared(&EQUAL, extractor, value)
    }

    /// True where it is not.
    pub fn not_equal(extractor: impl Into<Extractor>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::compared(&NOT_EQUAL, extractor, value)
    }

    /// True where it is less. Null is not, nor is it greater.
    pub fn less(extractor: impl Into<Extractor>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::compared(&LESS, extractor, value)
    }

    /// True where it is less or equal.
    pub fn less_or_equal(
        extractor: impl Into<Extractor>,
        value: impl Serialize + Send + Sync + 'static,
    ) -> Self {
        Self::compared(&LESS_OR_EQUAL, extractor, value)
    }

    /// True where it is greater.
    pub fn greater(extractor: impl Into<Extractor>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::compared(&GREATER, extractor, value)
    }

    /// True where it is greater or equal.
    pub fn greater_or_equal(
        extractor: impl Into<Extractor>,
        value: impl Serialize + Send + Sync + 'static,
    ) -> Self {
        Self::compared(&GREATER_OR_EQUAL, extractor, value)
    }

    /// True where it is in the range: `between("age", 18..=65)`. Null is in no range.
    pub fn between<T: Serialize + Clone + Send + Sync + 'static>(
        extractor: impl Into<Extractor>,
        range: impl RangeBounds<T>,
    ) -> Self {
        let extractor = extractor.into();
        let low = match range.start_bound().cloned() {
            Bound::Included(low) => Some(Self::greater_or_equal(&extractor, low)),
            Bound::Excluded(low) => Some(Self::greater(&extractor, low)),
            Bound::Unbounded => None,
        };
        let high = match range.end_bound().cloned() {
            Bound::Included(high) => Some(Self::less_or_equal(&extractor, high)),
            Bound::Excluded(high) => Some(Self::less(&extractor, high)),
            Bound::Unbounded => None,
        };
        match (low, high) {
            (Some(low), Some(high)) => Self::composed(&BETWEEN, [low, high]),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Self::is_not_null(extractor),
        }
    }

    /// True where it is a text like the pattern: `%` stands for any characters, `_` for one.
    pub fn like(extractor: impl Into<Extractor>, pattern: impl Into<String>) -> Self {
        Self::alike(extractor, pattern, None, false)
    }

    /// The same, whether in capitals or not.
    pub fn like_in_any_case(extractor: impl Into<Extractor>, pattern: impl Into<String>) -> Self {
        Self::alike(extractor, pattern, None, true)
    }

    /// As [`Filter::like`], where `%` and `_` behind the character `escape` stand for themselves. A character above U+FFFF
    /// is none to Java and escapes nothing.
    pub fn like_with_escape(
        extractor: impl Into<Extractor>,
        pattern: impl Into<String>,
        escape: char,
    ) -> Self {
        Self::alike(extractor, pattern, Some(escape), false)
    }

    fn alike(
        extractor: impl Into<Extractor>,
        pattern: impl Into<String>,
        escape: Option<char>,
        any_case: bool,
    ) -> Self {
        let escape = escape.and_then(|escape| u16::try_from(u32::from(escape)).ok()).unwrap_or_default();
        Self(Object::new(
            &LIKE,
            [
                both(0, "extractor", Part::Object(extractor.into().0)),
                both(1, "value", Part::Text(pattern.into())),
                both(2, "ignoreCase", Part::Boolean(any_case)),
                both(3, "escapeChar", Part::Char(escape)),
            ],
        ))
    }

    /// True where all of it matches the regular expression, in Java's syntax.
    pub fn matches(extractor: impl Into<Extractor>, expression: impl Into<String>) -> Self {
        Self::compared(&REGEX, extractor, expression.into())
    }

    /// True where it is equal to one of the values.
    pub fn is_in<T: Serialize + Send + Sync + 'static>(
        extractor: impl Into<Extractor>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::of_values(&IN, extractor, values)
    }

    /// True where it is a collection or array that contains the value.
    pub fn contains(extractor: impl Into<Extractor>, value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::compared(&CONTAINS, extractor, value)
    }

    /// True where it is a collection or array that contains one or more of the values.
    pub fn contains_any<T: Serialize + Send + Sync + 'static>(
        extractor: impl Into<Extractor>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::of_values(&CONTAINS_ANY, extractor, values)
    }

    /// True where it is a collection or array that contains all of the values.
    pub fn contains_all<T: Serialize + Send + Sync + 'static>(
        extractor: impl Into<Extractor>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::of_values(&CONTAINS_ALL, extractor, values)
    }

    /// True where it is null.
    pub fn is_null(extractor: impl Into<Extractor>) -> Self {
        Self::of_null(&IS_NULL, extractor)
    }

    /// True where it is not null.
    pub fn is_not_null(extractor: impl Into<Extractor>) -> Self {
        Self::of_null(&IS_NOT_NULL, extractor)
    }

    /// True for the entries of these keys.
    pub fn keys<T: Serialize + Send + Sync + 'static>(keys: impl IntoIterator<Item = T>) -> Self {
        Self::always().among(keys)
    }

    /// The same filter for the entries of these keys alone: the grid looks at no others.
    pub fn among<T: Serialize + Send + Sync + 'static>(self, keys: impl IntoIterator<Item = T>) -> Self {
        Self(Object::new(
            &IN_KEY_SET,
            [both(0, "filter", Part::Object(self.0)), both(1, "keys", Part::Collection(Literal::all(keys)))],
        ))
    }

    /// True where all of them are, and where there are none.
    pub fn all(filters: impl IntoIterator<Item = Filter>) -> Self {
        Self::composed(&ALL, filters)
    }

    /// True where one or more of them are.
    pub fn any(filters: impl IntoIterator<Item = Filter>) -> Self {
        Self::composed(&ANY, filters)
    }

    /// True where both are.
    pub fn and(self, other: Filter) -> Self {
        Self::composed(&AND, [self, other])
    }

    /// True where one or both are.
    pub fn or(self, other: Filter) -> Self {
        Self::composed(&OR, [self, other])
    }

    /// True where one of them is and the other is not.
    pub fn xor(self, other: Filter) -> Self {
        Self::composed(&XOR, [self, other])
    }

    fn compared(
        class: &'static Class,
        extractor: impl Into<Extractor>,
        value: impl Serialize + Send + Sync + 'static,
    ) -> Self {
        Self(Object::new(
            class,
            [
                both(0, "extractor", Part::Object(extractor.into().0)),
                both(1, "value", Part::Value(Literal::new(value))),
            ],
        ))
    }

    fn of_values<T: Serialize + Send + Sync + 'static>(
        class: &'static Class,
        extractor: impl Into<Extractor>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self(Object::new(
            class,
            [
                both(0, "extractor", Part::Object(extractor.into().0)),
                both(1, "value", Part::Collection(Literal::all(values))),
            ],
        ))
    }

    fn of_null(class: &'static Class, extractor: impl Into<Extractor>) -> Self {
        Self(Object::new(
            class,
            [both(0, "extractor", Part::Object(extractor.into().0)), in_pof(1, Part::Null)],
        ))
    }

    fn composed(class: &'static Class, filters: impl IntoIterator<Item = Filter>) -> Self {
        let filters = filters.into_iter().map(|filter| filter.0).collect();
        Self(Object::new(
            class,
            [both(0, "filters", Part::Objects(filters)), in_json("optimized", Part::Boolean(false))],
        ))
    }

    /// Returns the complete binary that a grid takes for it.
    ///
    /// # Errors
    /// A value in it that the format does not have, or a class that JSON does not have, such as a path of POF.
    pub fn to_binary(
        &self,
        format: Format,
        pof: &PofContext,
        json: &JsonClasses,
    ) -> Result<Bytes, SerializerError> {
        self.0.to_binary(format, pof, json)
    }
}

/// True where the filter is not.
impl Not for Filter {
    type Output = Filter;

    fn not(self) -> Filter {
        Self(Object::new(&NOT, [both(0, "filter", Part::Object(self.0))]))
    }
}

impl From<&Filter> for Filter {
    fn from(filter: &Filter) -> Self {
        filter.clone()
    }
}
