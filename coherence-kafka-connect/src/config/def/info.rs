//! `ConfigDef.validate` and its answer as Connect's REST interface shows it.

use std::borrow::Cow;

use serde::Serialize;

use super::{ConfigDef, ConfigKey, DefaultValue, Refusal, Typed, Validator, Violation};

/// A setting as a configuration gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// It is not set.
    Absent,
    /// It is set to null.
    Null,
    /// It is set to this text.
    Text(&'a str),
}

/// `ConfigInfos`: the answer to a validation.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigInfos {
    /// The class of the connector, as the request names it.
    pub name: String,
    /// The number of errors.
    pub error_count: usize,
    /// The groups of the settings.
    pub groups: Vec<String>,
    /// Every setting.
    pub configs: Vec<ConfigInfo>,
}

/// `ConfigInfo`: a setting and its value.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigInfo {
    /// What the setting is; `None` for an unknown one.
    pub definition: Option<Definition>,
    /// What it is set to.
    pub value: ConfigValue,
}

/// `ConfigKeyInfo`: what a setting is.
#[derive(Debug, Clone, Serialize)]
pub struct Definition {
    /// The key.
    pub name: String,
    /// The name of its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether absence is an error.
    pub required: bool,
    /// What holds without it.
    pub default_value: Option<String>,
    /// How much a reader should care.
    pub importance: &'static str,
    /// What it does.
    pub documentation: Cow<'static, str>,
    /// The heading it is listed under.
    pub group: Option<String>,
    /// The place in its group, or -1.
    pub order_in_group: i32,
    /// The room that its value needs.
    pub width: &'static str,
    /// Its name for people.
    pub display_name: String,
    /// Settings whose choices depend on it: no setting has any.
    pub dependents: [&'static str; 0],
}

/// `ConfigValueInfo`: what a setting is set to.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigValue {
    /// The key.
    pub name: String,
    /// The value; `None` where there is none, or none of the right type.
    pub value: Option<String>,
    /// Values to choose from.
    pub recommended_values: Vec<String>,
    /// Why the value is refused.
    pub errors: Vec<String>,
    /// Whether a form shows the setting: always.
    pub visible: bool,
}

impl ConfigValue {
    /// Returns a value without errors.
    pub fn new(name: impl Into<String>, value: Option<String>) -> Self {
        Self { name: name.into(), value, recommended_values: Vec::new(), errors: Vec::new(), visible: true }
    }
}

impl ConfigKey {
    /// Validates what a configuration gives for this setting, and returns the value and every refusal, as Connect does: a
    /// value that is not of its type counts as null for the validator. A refusal by type calls the setting `name`, which may
    /// have a prefix.
    pub fn validate(&self, name: &str, given: Given<'_>) -> (Option<Typed>, Vec<Violation>) {
        let text = match (given, self.default) {
            (Given::Text(text), _) | (Given::Absent, DefaultValue::Text(text)) => text,
            (Given::Absent, DefaultValue::Null) => return (None, Vec::new()),
            (Given::Absent, DefaultValue::Required) => {
                let missing = Violation::Missing { key: name.to_owned() };
                return (None, [missing].into_iter().chain(self.refusal_of_null()).collect());
            }
            (Given::Null, _) => return (None, self.refusal_of_null().into_iter().collect()),
        };
        let invalid = |key: &str, why| Violation::Invalid {
            key: key.to_owned(),
            value: super::trim(text).to_owned(),
            why,
        };
        match self.kind.parse(text) {
            Err(why) => {
                let refused = [invalid(name, why)].into_iter().chain(self.refusal_of_null());
                (None, refused.map(|violation| self.shown(violation)).collect())
            }
            Ok(value) => {
                let refused = self.validator.check(self.name, &value).err().map(|refusal| match refusal {
                    Refusal::Value(why) => invalid(self.name, why),
                    Refusal::Whole(text) => Violation::Other { key: self.name.to_owned(), text },
                });
                (Some(value), refused.map(|violation| self.shown(violation)).into_iter().collect())
            }
        }
    }

    fn shown(&self, violation: Violation) -> Violation {
        if self.kind == super::Kind::Password { violation.hidden() } else { violation }
    }

    /// What the validator has against null.
    fn refusal_of_null(&self) -> Option<Violation> {
        let key = self.name.to_owned();
        let why = match self.validator {
            Validator::AtLeast(_) | Validator::Between(..) => "Value must be non-null".to_owned(),
            Validator::OneOf(all) => format!("String must be one of: {}", all.join(", ")),
            Validator::OneOfInAnyCase(all) => {
                format!("String must be one of (case insensitive): {}", all.join(", "))
            }
            Validator::DistinctItems => {
                let text = format!("Configuration '{key}' values must not be null.");
                return Some(Violation::Other { key, text });
            }
            Validator::DistinctAliases => "entry must be non null".to_owned(),
            Validator::Any | Validator::NonEmpty | Validator::Name | Validator::Check(_) => return None,
        };
        Some(Violation::Invalid { key, value: "null".to_owned(), why })
    }

    /// Returns its definition, with `prefix` before the key.
    pub fn definition(&self, prefix: &str) -> Definition {
        let default = match self.default {
            DefaultValue::Text(text) => self.kind.parse(text).ok().map(|value| value.text()),
            DefaultValue::Null | DefaultValue::Required => None,
        };
        let display_name = if self.display.name.is_empty() { self.name } else { self.display.name };
        Definition {
            name: format!("{prefix}{}", self.name),
            kind: self.kind.name(),
            required: self.default == DefaultValue::Required,
            default_value: default,
            importance: self.importance.name(),
            documentation: Cow::Borrowed(self.documentation),
            group: (!self.group.is_empty()).then(|| self.group.to_owned()),
            order_in_group: self.display.order,
            width: self.display.width.name(),
            display_name: display_name.to_owned(),
            dependents: [],
        }
    }
}

impl Typed {
    /// Returns the canonical text.
    pub fn text(&self) -> String {
        match self {
            Typed::Boolean(value) => value.to_string(),
            Typed::Number(value) => value.to_string(),
            Typed::Double(value) => value.to_string(),
            Typed::Text(text) => text.clone(),
            Typed::List(items) => items.join(","),
        }
    }
}

impl ConfigDef {
    /// Returns the definitions of all settings. A setting of a group that has no place there gets that of the table.
    pub fn definitions(&self) -> Vec<Definition> {
        let mut definitions: Vec<Definition> = Vec::new();
        for key in self.keys {
            let mut definition = key.definition("");
            if definition.group.is_some() && definition.order_in_group < 0 {
                let before = definitions.iter().filter(|other| other.group == definition.group).count();
                definition.order_in_group = i32::try_from(before + 1).unwrap_or(i32::MAX);
            }
            definitions.push(definition);
        }
        definitions
    }
}

#[cfg(test)]
mod tests;
