//! `ConfigDef`: a table of settings, each with a type, a default and a validator.
//!
//! Texts of refusals are those of `org.apache.kafka.common.config.ConfigDef`, because operators and scripts
//! know them. All settings of a table are checked and every refusal is reported, not only the first.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

pub use coherence_kafka_common::nearest::nearest;
pub(crate) use java::double;
pub use java::trim;
use thiserror::Error;

mod display;
mod info;
mod java;
mod markdown;
mod plugin_desc;

pub use display::{Display, Width};
pub use info::{ConfigInfo, ConfigInfos, ConfigValue, Definition, Given};
pub use plugin_desc::{PluginDesc, PluginType};

/// `ConfigDef.Type`: how the text of a setting is read. Every type trims first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false` in any case.
    Boolean,
    /// A decimal integer of 32 bits.
    Int,
    /// A decimal integer of 16 bits.
    Short,
    /// A decimal integer of 64 bits.
    Long,
    /// A number as Java's `Double.parseDouble` reads it.
    Double,
    /// Any text.
    String,
    /// Any text; never shown.
    Password,
    /// Items separated by commas, blanks around them dropped; blank text is the empty list.
    List,
    /// The name of a class, or an alias of it.
    Class,
}

impl Kind {
    /// Returns the name in Connect's REST answers and error texts, such as `INT`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Long => "LONG",
            Kind::Double => "DOUBLE",
            Kind::String => "STRING",
            Kind::Password => "PASSWORD",
            Kind::List => "LIST",
            Kind::Class => "CLASS",
        }
    }

    /// Reads a value of this type.
    ///
    /// # Errors
    /// The reason in Connect's words, such as `Not a number of type INT`.
    pub fn parse(self, text: &str) -> Result<Typed, String> {
        let text = trim(text);
        let not_a_number = || format!("Not a number of type {}", self.name());
        let integer = |min: i64, max: i64| {
            java::integer(text)
                .filter(|n| (min..=max).contains(n))
                .map(Typed::Number)
                .ok_or_else(not_a_number)
        };
        match self {
            Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok(Typed::Boolean(true)),
            Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok(Typed::Boolean(false)),
            Kind::Boolean => Err("Expected value to be either true or false".to_owned()),
            Kind::Int => integer(i32::MIN.into(), i32::MAX.into()),
            Kind::Short => integer(i16::MIN.into(), i16::MAX.into()),
            Kind::Long => integer(i64::MIN, i64::MAX),
            Kind::Double => java::double(text).map(Typed::Double).ok_or_else(not_a_number),
            Kind::String | Kind::Password | Kind::Class => Ok(Typed::Text(text.to_owned())),
            Kind::List if text.is_empty() => Ok(Typed::List(Vec::new())),
            Kind::List => Ok(Typed::List(text.split(',').map(|item| trim(item).to_owned()).collect())),
        }
    }
}

/// A value that its [`Kind`] has read.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Int`], [`Kind::Short`] and [`Kind::Long`], within the range of that type.
    Number(i64),
    /// Of [`Kind::Double`].
    Double(f64),
    /// Of [`Kind::String`], [`Kind::Password`] and [`Kind::Class`].
    Text(String),
    /// Of [`Kind::List`].
    List(Vec<String>),
}

/// `ConfigDef.Importance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Everybody sets it or should think about it.
    High,
    /// Worth knowing in production.
    Medium,
    /// Rarely touched.
    Low,
}

impl Importance {
    /// Returns the name in Connect's REST answers.
    pub fn name(self) -> &'static str {
        match self {
            Importance::High => "HIGH",
            Importance::Medium => "MEDIUM",
            Importance::Low => "LOW",
        }
    }
}

/// What holds when a setting is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// Absence is an error.
    Required,
    /// Absence means no value.
    Null,
    /// Absence means this text.
    Text(&'static str),
}

/// What a value must satisfy beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validator {
    /// Everything of the type is good.
    Any,
    /// `ConfigDef.Range`: a number of at least this.
    AtLeast(i64),
    /// `ConfigDef.Range`: a number from the first to the second, both included.
    Between(i64, i64),
    /// `ConfigDef.ValidString`: one of these texts, case included.
    OneOf(&'static [&'static str]),
    /// `ConfigDef.CaseInsensitiveValidString`: one of these texts, in any case.
    OneOfInAnyCase(&'static [&'static str]),
    /// `ConfigDef.NonEmptyString`.
    NonEmpty,
    /// `ConfigDef.NonEmptyStringWithoutControlChars`, for names of connectors.
    Name,
    /// `ConfigDef.ValidList` of 4.0: no empty and no repeated items.
    DistinctItems,
    /// The lists of transforms and predicates: no repeated items.
    DistinctAliases,
    /// What only one setting or one kind of setting asks for.
    Check(Check),
}

/// Returns why a value of this key is refused, as the whole text.
#[derive(Debug, Clone, Copy)]
pub struct Check(pub fn(key: &str, value: &Typed) -> Result<(), String>);

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for Check {}

impl Validator {
    fn check(self, key: &str, value: &Typed) -> Result<(), Refusal> {
        let because = |why: String| Err(Refusal::Value(why));
        match (self, value) {
            (Validator::AtLeast(min) | Validator::Between(min, _), Typed::Number(n)) if *n < min => {
                because(format!("Value must be at least {min}"))
            }
            (Validator::Between(_, max), Typed::Number(n)) if *n > max => {
                because(format!("Value must be no more than {max}"))
            }
            (Validator::OneOf(all), Typed::Text(text)) if !all.contains(&text.as_str()) => {
                because(format!("String must be one of: {}", all.join(", ")))
            }
            (Validator::OneOfInAnyCase(all), Typed::Text(text))
                if !all.iter().any(|known| known.eq_ignore_ascii_case(text)) =>
            {
                because(format!("String must be one of (case insensitive): {}", all.join(", ")))
            }
            (Validator::NonEmpty, Typed::Text(text)) if text.is_empty() => {
                because("String must be non-empty".to_owned())
            }
            (Validator::Name, Typed::Text(text)) if text.is_empty() => {
                because("String may not be empty".to_owned())
            }
            (Validator::Name, Typed::Text(text)) if text.chars().any(char::is_control) => {
                let codes: Vec<_> =
                    text.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect();
                because(format!(
                    "String may not contain control sequences but had the following ASCII chars: {}",
                    codes.join(", ")
                ))
            }
            (Validator::Check(check), value) => check.0(key, value).map_err(Refusal::Whole),
            (Validator::DistinctAliases, Typed::List(items)) if repeated(items) => {
                let shown = items.join(", ");
                Err(Refusal::Whole(format!(
                    "Invalid value [{shown}] for configuration {key}: Duplicate alias provided."
                )))
            }
            (Validator::DistinctItems, Typed::List(items)) => {
                if repeated(items) {
                    Err(Refusal::Whole(format!("Configuration '{key}' values must not be duplicated.")))
                } else if items.iter().any(String::is_empty) {
                    Err(Refusal::Whole(format!("Configuration '{key}' values must not be empty.")))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}

fn repeated(items: &[String]) -> bool {
    let mut seen = HashSet::new();
    !items.iter().all(|item| seen.insert(item))
}

enum Refusal {
    /// Goes behind "Invalid value … for configuration …:".
    Value(String),
    /// Is the whole text.
    Whole(String),
}

/// One setting of a [`ConfigDef`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// The key, such as `tasks.max`.
    pub name: &'static str,
    /// How its text is read.
    pub kind: Kind,
    /// What holds without it.
    pub default: DefaultValue,
    /// How much a reader should care.
    pub importance: Importance,
    /// The heading it is listed under; empty where it has none.
    pub group: &'static str,
    /// What it does, in Markdown, units included.
    pub documentation: &'static str,
    /// What a value must satisfy beyond its type.
    pub validator: Validator,
    /// How a form shows it.
    pub display: Display,
}

impl ConfigKey {
    /// Reads and validates one value of this setting.
    ///
    /// # Errors
    /// Why the value is refused, in Connect's words; a [`Kind::Password`] is not shown.
    pub fn parse(&self, text: &str) -> Result<Typed, Violation> {
        let invalid = |why: String| Violation::Invalid {
            key: self.name.to_owned(),
            value: if self.kind == Kind::Password { HIDDEN.to_owned() } else { trim(text).to_owned() },
            why,
        };
        let value = self.kind.parse(text).map_err(invalid)?;
        self.validator.check(self.name, &value).map_err(|refusal| match refusal {
            Refusal::Value(why) => invalid(why),
            Refusal::Whole(text) => Violation::Other { key: self.name.to_owned(), text },
        })?;
        Ok(value)
    }
}

/// Returns a row of a table, in the order in which people read it.
pub const fn key(
    name: &'static str,
    kind: Kind,
    default: DefaultValue,
    validator: Validator,
    (group, importance): (&'static str, Importance),
    documentation: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, importance, group, documentation, validator, display: Display::NONE }
}

/// Returns the rows of `parts`, which are `N` together, as one table.
pub const fn concat<const N: usize>(parts: &[&[ConfigKey]]) -> [ConfigKey; N] {
    let mut all = [parts[0][0]; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[at] = parts[part][row];
            at += 1;
            row += 1;
        }
        part += 1;
    }
    assert!(at == N);
    all
}

/// What stands in place of a secret.
pub const HIDDEN: &str = "[hidden]";

/// A setting that cannot be accepted; its text is Connect's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A required setting is absent.
    #[error("Missing required configuration \"{key}\" which has no default value.")]
    Missing {
        /// The absent key.
        key: String,
    },
    /// The value is not of its type, or its validator refuses it.
    #[error("Invalid value {value} for configuration {key}: {why}")]
    Invalid {
        /// The refused key.
        key: String,
        /// The refused text, trimmed; [`HIDDEN`] for a password.
        value: String,
        /// What it should have been.
        why: String,
    },
    /// A refusal that does not repeat the value.
    #[error("{text}")]
    Other {
        /// The refused key.
        key: String,
        /// The whole text.
        text: String,
    },
}

impl Violation {
    /// The key it is about.
    pub fn key(&self) -> &str {
        match self {
            Violation::Missing { key } | Violation::Invalid { key, .. } | Violation::Other { key, .. } => key,
        }
    }

    /// The same refusal without the value, for a value that must not be shown.
    pub fn hidden(self) -> Self {
        match self {
            Violation::Invalid { key, why, .. } => Violation::Invalid { key, value: HIDDEN.to_owned(), why },
            other => other,
        }
    }
}

/// A table of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigDef {
    /// The settings, in the order in which they are documented.
    pub keys: &'static [ConfigKey],
}

impl ConfigDef {
    /// Returns the setting of this name.
    pub fn key(&self, name: &str) -> Option<&'static ConfigKey> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Reads every setting of the table; `lookup` gives the text of a key, if it is set.
    ///
    /// Settings that are refused are missing from the values; each of them has a violation.
    pub fn parse<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> (Values, Vec<Violation>) {
        let mut values = BTreeMap::new();
        let mut violations = Vec::new();
        for key in self.keys {
            let text = match (lookup(key.name), key.default) {
                (Some(text), _) | (None, DefaultValue::Text(text)) => text,
                (None, DefaultValue::Null) => continue,
                (None, DefaultValue::Required) => {
                    violations.push(Violation::Missing { key: key.name.to_owned() });
                    continue;
                }
            };
            match key.parse(text) {
                Ok(value) => {
                    values.insert(key.name, value);
                }
                Err(violation) => violations.push(violation),
            }
        }
        (Values(values), violations)
    }

    /// Returns the name of this table that `unknown` was probably meant to be; see [`nearest`].
    pub fn nearest(&self, unknown: &str) -> Option<&'static str> {
        nearest(unknown, self.keys.iter().map(|key| key.name))
    }
}

/// The values of a [`ConfigDef`], defaults filled in.
///
/// The typed accessors answer with the type's zero for a key that was refused, so that the rest of the
/// configuration can still be checked; a caller that had violations must not use the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(BTreeMap<&'static str, Typed>);

impl Values {
    /// Returns the value of a key, if it is set or has a default.
    pub fn typed(&self, name: &str) -> Option<&Typed> {
        self.0.get(name)
    }

    /// Returns the value of a boolean setting.
    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.typed(name), Some(Typed::Boolean(true)))
    }

    /// Returns the value of an integer setting.
    pub fn number(&self, name: &str) -> i64 {
        match self.typed(name) {
            Some(Typed::Number(n)) => *n,
            _ => 0,
        }
    }

    /// Returns the value of an integer setting, as milliseconds; a negative one is none.
    pub fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(u64::try_from(self.number(name)).unwrap_or_default())
    }

    /// Returns the value of a string, password or class setting; `None` where it has no value.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.typed(name) {
            Some(Typed::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list setting.
    pub fn list(&self, name: &str) -> &[String] {
        match self.typed(name) {
            Some(Typed::List(items)) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests;
