//! Renders `docs/source.md`: the guide, and the reference of the settings from the table that checks them.

use std::fmt::Write as _;

use super::{clients, table};

/// Returns the text of `docs/source.md`.
pub(crate) fn markdown() -> String {
    let mut page = String::from(include_str!("guide.md"));
    for group in table::TABLE.groups() {
        let _ = write!(page, "### {group}\n\n{}\n", table::TABLE.markdown(group));
    }
    let (name, value) = clients::DELIVERY_TIMEOUT;
    let _ = writeln!(
        page,
        "### Kafka\n\nEvery other setting is one of the producer, by Java's name or librdkafka's, as for an entry store.\n\
         `bootstrap.servers` is required.\n\
         Settings that are common to all clients, such as `security.protocol`, `sasl.*`, `ssl.*`, `broker.address.family` and\n\
         `request.timeout.ms`, also apply to the clients of topics and of the control topic's group;\n\
         `client.id` and `receive.message.max.bytes` do not.\n\
         `{name}` is `{value}` unless you set it.\n\
         An unknown setting is a warning with the nearest known name."
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_md_is_what_the_table_renders() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/source.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == markdown(),
            "docs/source.md is out of date: UPDATE_DOCS=1 cargo test -p coherence-kafka-source source_md"
        );
    }
}
