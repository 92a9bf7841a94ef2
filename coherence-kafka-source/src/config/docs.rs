//! The reference of the settings in Markdown, from the table that checks them: a part of `docs/source.md`.

use std::fmt::Write as _;

use coherence_kafka_connect::config::def::{DefaultValue, Validator};

use super::{clients, table};

/// The settings, under a heading for each group.
pub fn markdown() -> String {
    let mut page = String::new();
    let mut groups: Vec<&str> = Vec::new();
    for key in table::TABLE.keys {
        if !groups.contains(&key.group) {
            groups.push(key.group);
        }
    }
    for group in groups {
        let _ = write!(page, "### {group}\n\n| Setting | Default | What it does |\n|---|---|---|\n");
        for key in table::TABLE.keys.iter().filter(|key| key.group == group) {
            let default = match key.default {
                DefaultValue::Required => "required".to_owned(),
                DefaultValue::Null | DefaultValue::Text("") => String::new(),
                DefaultValue::Text(text) => format!("`{text}`"),
            };
            let values = match key.validator {
                Validator::OneOf(all) => format!(" One of `{}`.", all.join("`, `")),
                _ => String::new(),
            };
            let _ = writeln!(page, "| `{}` | {default} | {}{values} |", key.name, key.documentation);
        }
        page.push('\n');
    }
    let (name, value) = clients::DELIVERY_TIMEOUT;
    let _ = writeln!(
        page,
        "### Kafka\n\nEvery other setting is one of the producer, by Java's name or librdkafka's, as for an entry store; \
         `bootstrap.servers`, which is required, `security.protocol`, `sasl.*` and `ssl.*` reach the other clients too. \
         `{name}` is `{value}` unless you set it."
    );
    page
}
