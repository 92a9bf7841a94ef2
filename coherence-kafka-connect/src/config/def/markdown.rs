//! The settings of a table as a document shows them.

use std::fmt::Write as _;

use super::{ConfigDef, ConfigKey, DefaultValue, Validator};

impl ConfigDef {
    /// Returns the groups of the settings, in the order of the table.
    pub fn groups(&self) -> Vec<&'static str> {
        let mut groups = Vec::new();
        for key in self.keys {
            if !groups.contains(&key.group) {
                groups.push(key.group);
            }
        }
        groups
    }

    /// Returns the settings of one group as a table in Markdown.
    pub fn markdown(&self, group: &str) -> String {
        let mut table = String::from("| Setting | Type | Default | |\n|---|---|---|---|\n");
        for key in self.keys.iter().filter(|key| key.group == group) {
            let (kind, default) = (kind(key), default(key));
            let _ = writeln!(table, "| `{}` | {kind} | {default} | {} |", key.name, key.documentation);
        }
        table
    }
}

fn kind(key: &ConfigKey) -> String {
    let kind = key.kind.name().to_ascii_lowercase();
    match key.validator {
        Validator::AtLeast(min) => format!("{kind}, at least {min}"),
        Validator::Between(min, max) => format!("{kind}, {min} to {max}"),
        Validator::OneOf(words) | Validator::OneOfInAnyCase(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
        }
        Validator::Any
        | Validator::NonEmpty
        | Validator::Name
        | Validator::DistinctItems
        | Validator::DistinctAliases
        | Validator::Check(_) => kind,
    }
}

fn default(key: &ConfigKey) -> String {
    match key.default {
        DefaultValue::Required => "required".to_owned(),
        DefaultValue::Null => "none".to_owned(),
        DefaultValue::Text("") => "empty".to_owned(),
        DefaultValue::Text(text) => format!("`{text}`"),
    }
}
