//! Settings that several transforms have, and refusals.

use crate::config::def::DefaultValue::Text;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::Any;
use crate::config::def::{Check, ConfigKey, Kind, Typed, Validator, key};
use crate::converter::OptionError;

/// Whether a field that is null reads as the default of its schema.
#[rustfmt::skip]
pub(super) const DEFAULTS: ConfigKey =
    key("replace.null.with.default", Kind::Boolean, Text("true"), Any, ("", Medium),
        "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.");

/// A list that may not be empty.
pub(super) const FILLED: Validator = Validator::Check(Check(|key, value| match value {
    Typed::List(items) if items.is_empty() => {
        Err(format!("Configuration '{key}' must not be empty. Valid values include: any non-empty value"))
    }
    _ => Ok(()),
}));

/// Returns a refusal of the whole transform, in Connect's words.
pub(super) fn refusal(message: impl Into<String>) -> Vec<OptionError> {
    vec![OptionError { key: String::new(), value: None, message: message.into() }]
}
