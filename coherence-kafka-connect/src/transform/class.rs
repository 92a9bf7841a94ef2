//! A class of transforms or predicates: its name, its settings, and how to create one.

use super::{Predicate, Transform};
use crate::config::def::{ConfigDef, PluginDesc, PluginType, Values};
use crate::converter::OptionError;

/// What comes of creating a transform or a predicate; or every setting that is refused.
pub type CreateResult<T> = Result<Box<T>, Vec<OptionError>>;

/// A class of transforms: its name, its settings, and how to create one.
#[derive(Debug, Clone, Copy)]
pub struct TransformClass {
    /// The full name of the Java class, or any name without blanks for a transform of one's own.
    pub class: &'static str,
    /// Its settings, without the prefix `transforms.<alias>.`.
    pub settings: ConfigDef,
    /// Creates one from the values of its settings, which the table of settings has accepted. A refusal without a key is
    /// about the transform as a whole.
    pub create: fn(&Values) -> CreateResult<dyn Transform>,
}

impl TransformClass {
    /// Returns the class as user interfaces show it.
    pub const fn desc(&self) -> PluginDesc {
        PluginDesc { kind: PluginType::Transformation, class: self.class, settings: self.settings }
    }
}

/// A class of predicates: its name, its settings, and how to create one.
#[derive(Debug, Clone, Copy)]
pub struct PredicateClass {
    /// The full name of the Java class, or any name without blanks for a predicate of one's own.
    pub class: &'static str,
    /// Its settings, without the prefix `predicates.<alias>.`.
    pub settings: ConfigDef,
    /// Creates one from the values of its settings, which the table of settings has accepted.
    pub create: fn(&Values) -> CreateResult<dyn Predicate>,
}

impl PredicateClass {
    /// Returns the class as user interfaces show it.
    pub const fn desc(&self) -> PluginDesc {
        PluginDesc { kind: PluginType::Predicate, class: self.class, settings: self.settings }
    }
}

/// What comes of creating a transform.
pub(super) type Created = CreateResult<dyn Transform>;

type Create = fn(&Values) -> Created;

/// Returns the two classes of a transform that changes keys or values.
pub(super) const fn of_parts(
    names: [&'static str; 2],
    settings: ConfigDef,
    key: Create,
    value: Create,
) -> [TransformClass; 2] {
    let [of_keys, of_values] = names;
    [
        TransformClass { class: of_keys, settings, create: key },
        TransformClass { class: of_values, settings, create: value },
    ]
}
