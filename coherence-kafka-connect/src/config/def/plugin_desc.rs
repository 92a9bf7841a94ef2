//! Classes that settings name: converters, transforms, predicates.

use super::ConfigDef;

/// What a class is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginType {
    /// Changes records.
    Transformation,
    /// Decides whether a record is changed.
    Predicate,
    /// Reads keys and values.
    Converter,
    /// Reads headers.
    HeaderConverter,
}

impl PluginType {
    /// All of them, in the order in which Connect lists them.
    pub const ALL: [Self; 4] =
        [Self::Transformation, Self::Predicate, Self::Converter, Self::HeaderConverter];

    /// Returns the name in Connect's REST answers.
    pub fn name(self) -> &'static str {
        match self {
            PluginType::Transformation => "transformation",
            PluginType::Predicate => "predicate",
            PluginType::Converter => "converter",
            PluginType::HeaderConverter => "header_converter",
        }
    }

    /// Returns the simple name of the Java interface.
    pub fn interface(self) -> &'static str {
        match self {
            PluginType::Transformation => "Transformation",
            PluginType::Predicate => "Predicate",
            PluginType::Converter => "Converter",
            PluginType::HeaderConverter => "HeaderConverter",
        }
    }
}

/// A class that settings can name, and its own settings, which stand behind the prefix of the setting that names it.
#[derive(Debug, Clone, Copy)]
pub struct PluginDesc {
    /// What it is for.
    pub kind: PluginType,
    /// Its full name.
    pub class: &'static str,
    /// Its settings, without the prefix.
    pub settings: ConfigDef,
}

impl PluginDesc {
    /// Returns whether `name` is its full name or one of Connect's aliases: the simple name, and the simple name without
    /// its type. A class inside another one, such as `HoistField$Value`, has no alias.
    pub fn is_named(&self, name: &str) -> bool {
        let simple = self.class.rsplit('.').next().unwrap_or(self.class);
        let short = simple.strip_suffix(self.kind.interface());
        self.class == name || (!simple.contains('$') && (simple == name || short == Some(name)))
    }
}
