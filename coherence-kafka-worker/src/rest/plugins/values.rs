//! What a request gives for a setting, and what may be shown of it.

use std::collections::{BTreeMap, BTreeSet};

use coherence_kafka_connect::config::Properties;
use coherence_kafka_connect::config::def::{
    ConfigInfo, ConfigKey, ConfigValue, Given, HIDDEN, Kind, Typed, Violation,
};
use coherence_kafka_connect::config::json::setting;

use crate::rest::body;

/// The settings of a request.
pub(super) struct Request {
    /// As they are written.
    pub(super) written: Properties,
    /// With the values of their variables.
    pub(super) resolved: Properties,
    /// The keys whose value is null.
    pub(super) nulls: BTreeSet<String>,
}

impl Request {
    /// Reads a flat JSON object, whose variables are not resolved yet.
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let object = body::object(body, "with the settings of the connector")?;
        let mut settings = BTreeMap::new();
        let mut nulls = BTreeSet::new();
        for (key, value) in object.iter() {
            match setting(value) {
                Some(value) => {
                    settings.insert(key.to_owned(), value);
                }
                None if value.get() == "null" => {
                    nulls.insert(key.to_owned());
                }
                None => return Err(format!("{key}: the value must be a text, a number, a boolean or null")),
            }
        }
        Ok(Self { nulls, ..Self::of(Properties::from_pairs("request", settings)) })
    }

    /// Returns the request of these settings, whose variables are not resolved yet.
    pub(super) fn of(written: Properties) -> Self {
        Self { resolved: written.clone(), written, nulls: BTreeSet::new() }
    }

    /// Returns what is given for a setting.
    pub(super) fn given(&self, key: &str) -> Given<'_> {
        match self.resolved.get(key) {
            Some(property) => Given::Text(&property.value),
            None if self.nulls.contains(key) => Given::Null,
            None => Given::Absent,
        }
    }

    /// Returns whether a value contains text that the request does not, such as a password of a file.
    pub(super) fn has_variable(&self, key: &str) -> bool {
        let value = |settings: &Properties| settings.get(key).map(|property| property.value.clone());
        value(&self.written) != value(&self.resolved)
    }

    /// Returns what may be shown of the value of a setting: a value with variables as it is written, a secret not at all.
    pub(super) fn shown(&self, key: &str, value: Option<String>) -> Option<String> {
        match self.written.get(key) {
            Some(written) if self.has_variable(key) => value.map(|_| written.trimmed().to_owned()),
            Some(written) if written.secret => value.map(|_| HIDDEN.to_owned()),
            _ => value,
        }
    }

    /// Returns the text of a refusal, which repeats the value only where it may be shown.
    pub(super) fn refusal(&self, key: &str, violation: Violation) -> String {
        let secret = self.resolved.get(key).is_some_and(|property| property.secret);
        if secret { violation.hidden().to_string() } else { violation.to_string() }
    }

    /// Validates a setting; `name` is what a refusal by type calls it.
    pub(super) fn info(&self, key: &ConfigKey, prefix: &str, name: &str) -> ConfigInfo {
        let definition = key.definition(prefix);
        let (value, violations) = key.validate(name, self.given(&definition.name));
        let text = value.as_ref().map(Typed::text).map(|text| match key.kind {
            Kind::Password => HIDDEN.to_owned(),
            _ => text,
        });
        let mut shown = ConfigValue::new(&*definition.name, self.shown(&definition.name, text));
        shown.errors =
            violations.into_iter().map(|violation| self.refusal(&definition.name, violation)).collect();
        ConfigInfo { definition: Some(definition), value: shown }
    }

    /// Returns a setting that is not validated: its value as it is written, else the default.
    pub(super) fn unchecked(&self, key: &ConfigKey) -> ConfigInfo {
        let definition = key.definition("");
        let value = match self.given(key.name) {
            Given::Text(text) => Some(text.trim().to_owned()),
            Given::Null => None,
            Given::Absent => definition.default_value.clone(),
        };
        let value = ConfigValue::new(key.name, self.shown(key.name, value));
        ConfigInfo { definition: Some(definition), value }
    }
}
