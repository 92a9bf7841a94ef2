//! Which classes a grid knows, and under which numbers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::text::TextEncoding;

/// Ids below this one belong to Coherence's own classes.
const FIRST_APPLICATION_ID: u32 = 1000;

/// How the Java class of a type writes its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// All by `writeObject`.
    Objects,
    /// Each by the method for its type.
    Methods,
}

/// The Java class of a type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    pub type_id: u32,
    pub form: Form,
}

/// The user types of a grid's POF configuration, by the names that serde knows them by: the name of a struct or
/// enum (its last part, without modules, or that of `#[serde(rename)]`), or `Enum::Variant` for a variant with data.
///
/// One name has one id and one id one name, so that either finds the other. Two Rust types may stand for one
/// Java class, for example an owned and a borrowed one, when `#[serde(rename)]` gives both the same name.
#[derive(Debug, Clone, Default)]
pub struct PofContext {
    classes: HashMap<Cow<'static, str>, Class>,
    names: HashMap<u32, Cow<'static, str>>,
    text: TextEncoding,
}

impl PofContext {
    /// Creates a context without user types, which is enough for values that have none in them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a context that is yet to be filled.
    pub fn builder() -> PofContextBuilder {
        PofContextBuilder::default()
    }

    /// Returns the id of the type of this name.
    pub fn type_id(&self, name: &str) -> Option<u32> {
        self.class(name).map(|class| class.type_id)
    }

    pub(super) fn class(&self, name: &str) -> Option<Class> {
        self.classes.get(name).copied()
    }

    /// Returns the name of the type of this id.
    pub fn name(&self, type_id: u32) -> Option<&str> {
        self.names.get(&type_id).map(AsRef::as_ref)
    }

    /// Returns the encoding in which text is written.
    pub fn text_encoding(&self) -> TextEncoding {
        self.text
    }
}

/// Collects the user types of a [`PofContext`].
#[derive(Debug, Clone, Default)]
pub struct PofContextBuilder {
    types: Vec<(Cow<'static, str>, Class, Owner)>,
    text: TextEncoding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Owner {
    Application,
    Coherence,
}

impl PofContextBuilder {
    /// Registers a class of the application, under the id that the grid's POF configuration gives it: 1000 to
    /// `i32::MAX`. Its objects are written as those of a class under `@Portable`: every property in full, by
    /// `writeObject`.
    pub fn user_type(self, name: impl Into<Cow<'static, str>>, type_id: u32) -> Self {
        self.class(name, type_id, Form::Objects, Owner::Application)
    }

    /// As [`user_type`](Self::user_type), but for a class that writes each property by the method for its type, as
    /// the `writeExternal` of a `PortableObject` does: `writeInt` for an `i32`, `writeString` for a text. So the bytes
    /// are those of the Java class, which counts where its objects are keys: see
    /// [`serde`](crate::pof::serde#keys) for what is written.
    pub fn portable_object(self, name: impl Into<Cow<'static, str>>, type_id: u32) -> Self {
        self.class(name, type_id, Form::Methods, Owner::Application)
    }

    /// Registers a class of `coherence-pof-config.xml`, whose ids lie below 1000, such as the id 901 of
    /// `java.util.concurrent.TimeUnit`. Written as [`portable_object`](Self::portable_object), numbers in the width that
    /// Java's class has.
    pub fn coherence_type(self, name: impl Into<Cow<'static, str>>, type_id: u32) -> Self {
        self.class(name, type_id, Form::Methods, Owner::Coherence)
    }

    fn class(mut self, name: impl Into<Cow<'static, str>>, type_id: u32, form: Form, owner: Owner) -> Self {
        self.types.push((name.into(), Class { type_id, form }, owner));
        self
    }

    /// Returns the encoding in which text is written: [`TextEncoding::Modified`] for grids before 24.09.
    pub fn text_encoding(mut self, text: TextEncoding) -> Self {
        self.text = text;
        self
    }

    /// Returns the context, unless a type was given twice or an id is not its owner's.
    pub fn build(self) -> Result<PofContext, PofContextError> {
        let mut context = PofContext { text: self.text, ..PofContext::default() };
        for (name, class, owner) in self.types {
            let type_id = class.type_id;
            if i32::try_from(type_id).is_err() {
                return Err(PofContextError::TooHigh { name, type_id });
            }
            match owner {
                Owner::Application if type_id < FIRST_APPLICATION_ID => {
                    return Err(PofContextError::Reserved { name, type_id });
                }
                Owner::Coherence if type_id >= FIRST_APPLICATION_ID => {
                    return Err(PofContextError::NotReserved { name, type_id });
                }
                Owner::Application | Owner::Coherence => {}
            }
            match context.names.entry(type_id) {
                Entry::Occupied(taken) => {
                    return Err(PofContextError::IdTwice { name, type_id, other: taken.get().clone() });
                }
                Entry::Vacant(free) => free.insert(name.clone()),
            };
            if let Some(other) = context.classes.insert(name.clone(), class) {
                return Err(PofContextError::NameTwice { name, type_id, other_id: other.type_id });
            }
        }
        Ok(context)
    }
}

/// Why a [`PofContext`] cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PofContextError {
    /// POF writes type ids as Java's `int`.
    #[error("type id {type_id} of {name} is above {}", i32::MAX)]
    TooHigh {
        /// The type.
        name: Cow<'static, str>,
        /// Its id.
        type_id: u32,
    },
    /// An application's class under an id of Coherence's.
    #[error("type id {type_id} of {name} is below 1000, where ids belong to Coherence's own classes")]
    Reserved {
        /// The type.
        name: Cow<'static, str>,
        /// Its id.
        type_id: u32,
    },
    /// A class of Coherence's under an id of an application's.
    #[error("type id {type_id} of {name} is not below 1000, as those of Coherence's own classes are")]
    NotReserved {
        /// The type.
        name: Cow<'static, str>,
        /// Its id.
        type_id: u32,
    },
    /// One id for two types.
    #[error("type id {type_id} is registered for {other} and for {name}")]
    IdTwice {
        /// The later type.
        name: Cow<'static, str>,
        /// The id of both.
        type_id: u32,
        /// The earlier type.
        other: Cow<'static, str>,
    },
    /// Two ids for one type.
    #[error("{name} is registered with the type ids {other_id} and {type_id}")]
    NameTwice {
        /// The type.
        name: Cow<'static, str>,
        /// Its later id.
        type_id: u32,
        /// Its earlier id.
        other_id: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: PofContextBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn a_type_is_found_by_name_and_by_id() {
        let builder = PofContext::builder().user_type("Person", 1001).coherence_type("TimeUnit", 901);
        let context = builder.build().unwrap();
        assert_eq!((context.type_id("Person"), context.name(1001)), (Some(1001), Some("Person")));
        assert_eq!((context.type_id("TimeUnit"), context.name(901)), (Some(901), Some("TimeUnit")));
        assert_eq!((context.type_id("Address"), context.name(1002)), (None, None));
    }

    #[test]
    fn a_name_or_id_given_twice_is_refused() {
        let person = PofContext::builder().user_type("Person", 1001);
        assert_eq!(
            refused(person.clone().user_type("Address", 1001)),
            "type id 1001 is registered for Person and for Address"
        );
        assert_eq!(
            refused(person.user_type("Person", 1002)),
            "Person is registered with the type ids 1001 and 1002"
        );
    }

    #[test]
    fn ids_below_1000_are_for_coherence_only() {
        let builder = PofContext::builder();
        assert!(refused(builder.clone().user_type("Person", 999)).contains("below 1000"));
        assert!(refused(builder.clone().coherence_type("TimeUnit", 1000)).contains("not below 1000"));
        assert!(refused(builder.user_type("Person", 1 << 31)).contains("above 2147483647"));
    }
}
