//! Which changes a listener hears of, and what of them.

use bytes::Bytes;

use super::extractor::Extractor;
use super::filter::Filter;
use super::object::{Class, Object, Part, both, in_json, in_pof};
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

const MAP_EVENT: Class = Class::new("MapEventFilter", 79, "filter.MapEventFilter");
const TRANSFORMING: Class = Class::new("MapEventTransformerFilter", 88, "filter.MapEventTransformerFilter");
const NEW_VALUES: Class = Class::in_pof("SemiLiteEventTransformer", 120);
const EXTRACTING: Class =
    Class::new("ExtractorEventTransformer", 121, "util.transformer.ExtractorEventTransformer");

/// A kind of change. With a filter of values, an update is also one of three kinds by the value before and the value
/// after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// An entry was put under a new key; with a filter, its value fulfils it.
    Inserted,
    /// An entry was replaced; with a filter, its value before or after fulfils it.
    Updated,
    /// An entry was removed; with a filter, its value fulfilled it.
    Deleted,
    /// The value after an update fulfils the filter, the one before did not.
    Entered,
    /// The value before an update fulfilled the filter, the one after does not.
    Left,
    /// The values before and after an update fulfil the filter.
    Within,
}

impl Change {
    fn bit(self) -> i32 {
        match self {
            Change::Inserted => 0x01,
            Change::Updated => 0x02,
            Change::Deleted => 0x04,
            Change::Entered => 0x08,
            Change::Left => 0x10,
            Change::Within => 0x20,
        }
    }
}

/// The changes that a listener hears of. A [`Filter`] is about a value, this is about a change. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventFilter(Object);

impl EventFilter {
    /// Every insert, update and delete.
    pub fn all() -> Self {
        Self::masked(7, None)
    }

    /// Inserts, updates and deletes of entries whose value before or after fulfils the filter.
    pub fn where_value(filter: impl Into<Filter>) -> Self {
        Self::masked(7, Some(filter.into()))
    }

    /// These kinds of changes.
    pub fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        Self::of_where(changes, Filter::always())
    }

    /// These kinds of changes of entries whose value fulfils the filter: the one before, the one after, or either, as
    /// [`Change`] has it.
    pub fn of_where(changes: impl IntoIterator<Item = Change>, filter: impl Into<Filter>) -> Self {
        let mask = changes.into_iter().fold(0, |mask, change| mask | change.bit());
        Self::masked(mask, Some(filter.into()))
    }

    fn masked(mask: i32, filter: Option<Filter>) -> Self {
        let filter = filter.map_or(Part::Null, |filter| Part::Object(filter.0));
        Self(Object::new(&MAP_EVENT, [both(0, "mask", Part::Int(mask)), both(1, "filter", filter)]))
    }

    /// Sends what `extractor` makes of the values instead of the values: events carry values of another type.
    pub fn extracting(self, extractor: impl Into<Extractor>) -> Self {
        let extractor = extractor.into();
        self.transformed(Object::new(
            &EXTRACTING,
            [
                in_pof(0, Part::Boolean(true)),
                both(1, "extractorOld", Part::Object(extractor.0.clone())),
                in_json("extractorNew", Part::Object(extractor.0)),
            ],
        ))
    }

    /// Sends what `extractor` makes of the value after a change, and nothing of the value before.
    pub fn extracting_new(self, extractor: impl Into<Extractor>) -> Self {
        self.transformed(Object::new(
            &EXTRACTING,
            [
                in_pof(0, Part::Boolean(false)),
                both(1, "extractorOld", Part::Null),
                both(2, "extractorNew", Part::Object(extractor.into().0)),
            ],
        ))
    }

    /// Leaves the value before a change out. For maps of POF alone.
    pub fn without_old_values(self) -> Self {
        self.transformed(Object::new(&NEW_VALUES, []))
    }

    fn transformed(self, transformer: Object) -> Self {
        Self(Object::new(
            &TRANSFORMING,
            [both(0, "filter", Part::Object(self.0)), both(1, "transformer", Part::Object(transformer))],
        ))
    }

    /// Returns the complete binary that a grid takes for it.
    ///
    /// # Errors
    /// As those of [`Filter::to_binary`].
    pub fn to_binary(
        &self,
        format: Format,
        pof: &PofContext,
        json: &JsonClasses,
    ) -> Result<Bytes, SerializerError> {
        self.0.to_binary(format, pof, json)
    }
}
