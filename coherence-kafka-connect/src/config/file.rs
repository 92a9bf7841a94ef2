//! Reads a worker or connector file: Java properties, flat JSON, or the body of a create request.
//!
//! Connect tries the kinds one after the other and passes over what does not parse, so that broken JSON ends as
//! "missing the mandatory 'name' configuration". Here the first character decides, and JSON that does not
//! parse is reported as such.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use serde_json::value::RawValue;

use super::findings::{ConfigErrors, Finding};
use super::json::{self, Members};
use super::properties::Property;
use super::target_state::TargetState;

mod properties;

/// What a file holds, unresolved and unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// The settings, each key once, in the order of their first appearance.
    pub settings: Vec<Property>,
    /// The state a create request asks for.
    pub initial_state: Option<TargetState>,
    /// Repeated keys and other oddities.
    pub warnings: Vec<Finding>,
}

/// Reads the file at `path`.
///
/// # Errors
/// That it cannot be read or does not parse, with the line.
pub fn read(path: &Path) -> Result<ConfigFile, ConfigErrors> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => parse(&name, &bytes),
        Err(error) => Err(refuse(name, format!("cannot be read: {error}"))),
    }
}

/// Reads the bytes of a file that is called `name` in messages.
///
/// # Errors
/// That it does not parse, with the line.
pub fn parse(name: &str, bytes: &[u8]) -> Result<ConfigFile, ConfigErrors> {
    let text = decode(bytes);
    let json = name.to_ascii_lowercase().ends_with(".json") || text.trim_start().starts_with(['{', '[']);
    if json { parse_json(name, &text) } else { parse_properties(name, &text) }
}

/// Connect reads properties as ISO-8859-1. Editors write UTF-8, and hardly any ISO-8859-1 text with letters
/// beyond ASCII is valid UTF-8 by accident: so UTF-8 if it is valid, else ISO-8859-1.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    const BYTE_ORDER_MARK: &str = "\u{feff}";
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// Returns the entries of a file of the variable provider `file`: keys and values alone.
pub(super) fn properties_of(bytes: &[u8]) -> Result<HashMap<String, String>, usize> {
    let lines = properties::parse(&decode(bytes)).map_err(|malformed| malformed.line)?;
    Ok(lines.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

fn parse_properties(name: &str, text: &str) -> Result<ConfigFile, ConfigErrors> {
    let entries = properties::parse(text)
        .map_err(|malformed| refuse(format!("{name}:{}", malformed.line), malformed.to_string()))?;
    let mut settings: Vec<Property> = Vec::new();
    let mut lines: HashMap<String, (usize, usize)> = HashMap::new();
    let mut warnings = Vec::new();
    for entry in entries {
        let property = Property::new(entry.key.clone(), entry.value, format!("{name}:{}", entry.line));
        match lines.get(&entry.key) {
            Some(&(at, earlier)) => {
                warnings.push(property.finding(format!("replaces the value of line {earlier}")));
                settings[at] = property;
                lines.insert(entry.key, (at, entry.line));
            }
            None => {
                lines.insert(entry.key, (settings.len(), entry.line));
                settings.push(property);
            }
        }
    }
    Ok(ConfigFile { settings, initial_state: None, warnings })
}

fn parse_json(name: &str, text: &str) -> Result<ConfigFile, ConfigErrors> {
    let mut warnings = Vec::new();
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Members<'_>>();
    let root = match documents.next() {
        Some(Ok(root)) => root,
        Some(Err(error)) if !error.is_data() => {
            return Err(refuse(format!("{name}:{}", error.line()), format!("is not valid JSON: {error}")));
        }
        Some(Err(_)) | None => return Err(refuse(name.to_owned(), "is not a JSON object".to_owned())),
    };
    if !text[documents.byte_offset()..].trim().is_empty() {
        let message = "text after the JSON object is ignored".to_owned();
        warnings.push(Finding { origin: Some(name.to_owned()), key: String::new(), message });
    }
    let mut settings = Vec::new();
    let mut initial_state = None;
    let mut errors = ConfigErrors::default();
    let mut scalar = |key: &str, value: &RawValue| {
        if value.get() == "null" {
            return None;
        }
        let property = Property::new(key, "", origin_of(name, text, key));
        let Some(value) = json::setting(value) else {
            errors.error(&property, "must be a text, a number or a boolean");
            return None;
        };
        Some(Property { value, ..property })
    };
    let request = root.get("config").and_then(|config| json::members(config.get()).ok().flatten());
    if let Some(config) = request {
        settings.extend(config.iter().filter_map(|(key, value)| scalar(key, value)));
        let outer = root.get("name").and_then(|value| scalar("name", value));
        let inner = settings.iter().find(|property| property.key == "name").cloned();
        match (outer, inner) {
            (Some(outer), None) => settings.insert(0, outer),
            (Some(outer), Some(inner)) if outer.value != inner.value => {
                errors.error(&inner, format!("differs from the name {} of the request", outer.value));
            }
            _ => {}
        }
        if let Some(state) = root.get("initial_state").filter(|state| state.get() != "null") {
            initial_state = json::text(state).as_deref().and_then(TargetState::parse);
            if initial_state.is_none() {
                let property = Property::new("initial_state", "", origin_of(name, text, "initial_state"));
                errors.error(&property, "must be RUNNING, PAUSED or STOPPED");
            }
        }
    } else {
        settings.extend(root.iter().filter_map(|(key, value)| scalar(key, value)));
    }
    if errors.errors.is_empty() { Ok(ConfigFile { settings, initial_state, warnings }) } else { Err(errors) }
}

/// `file:line` of a member. The JSON reader gives no positions, so the last place where the key stands before a
/// colon is taken: of repeated members the last counts.
fn origin_of(name: &str, text: &str, key: &str) -> String {
    let quoted = serde_json::to_string(key).unwrap_or_default();
    let place = text
        .rmatch_indices(&quoted)
        .find(|(at, _)| text[at + quoted.len()..].trim_start().starts_with(':'))
        .map(|(at, _)| text[..at].matches('\n').count() + 1);
    place.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
}

fn refuse(origin: String, message: String) -> ConfigErrors {
    let error = Finding { origin: Some(origin), key: String::new(), message };
    ConfigErrors { errors: vec![error], warnings: Vec::new() }
}

#[cfg(test)]
mod tests;
