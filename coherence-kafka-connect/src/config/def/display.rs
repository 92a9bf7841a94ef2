//! How a form shows a setting: what Connect's definitions hold for user interfaces.

use super::ConfigKey;

/// `ConfigDef.Width`: how much room the value of a setting needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Not defined.
    None,
    /// A number or a word.
    Short,
    /// A name.
    Medium,
    /// A list or a class.
    Long,
}

impl Width {
    /// Returns the name in Connect's REST answers.
    pub fn name(self) -> &'static str {
        match self {
            Width::None => "NONE",
            Width::Short => "SHORT",
            Width::Medium => "MEDIUM",
            Width::Long => "LONG",
        }
    }
}

/// How a form shows a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// The place in its group; -1 where it has none.
    pub order: i32,
    /// The room that its value needs.
    pub width: Width,
    /// Its name for people; empty where the key is the name.
    pub name: &'static str,
}

impl Display {
    /// Nothing is defined: Connect's defaults.
    pub const NONE: Self = Self { order: -1, width: Width::None, name: "" };
}

impl ConfigKey {
    /// Returns the row with this place in its group, this width and this name for people.
    pub const fn displayed(self, order: i32, width: Width, name: &'static str) -> Self {
        Self { display: Display { order, width, name }, ..self }
    }
}
