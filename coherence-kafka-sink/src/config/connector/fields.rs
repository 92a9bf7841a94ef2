//! The settings that name fields and headers of records.

use std::sync::Arc;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::converter::{HeaderConverter, SIMPLE_HEADER_CONVERTER};
use coherence_kafka_connect::transform::FieldPath;

use super::Check;
use crate::key::KeySource;

const KEY_FIELDS: &str = "coherence.key.fields";
const KEY_HEADER: &str = "coherence.key.header";
const TTL_FIELD: &str = "coherence.ttl.field";

impl Check<'_> {
    pub(super) fn key_source(
        &mut self,
        values: &Values,
        header_converter: Option<&Arc<dyn HeaderConverter>>,
    ) -> KeySource {
        let fields = self.key_fields(values);
        let Some(header) = values.text(KEY_HEADER) else {
            return if fields.is_empty() { KeySource::Record } else { KeySource::Fields(fields) };
        };
        self.refuse_pass_through(values, KEY_HEADER, "a header");
        if !values.list(KEY_FIELDS).is_empty() {
            self.error(KEY_HEADER, format!("cannot be combined with {KEY_FIELDS}: an entry has one key"));
        }
        if header_converter.is_some_and(|converter| converter.class_name() == SIMPLE_HEADER_CONVERTER) {
            let why = "needs another header.converter than SimpleHeaderConverter, which reads 007 and 7 as one \
                       number: set header.converter=org.apache.kafka.connect.storage.StringConverter, or the one of \
                       the header's type";
            self.error(KEY_HEADER, why);
        }
        KeySource::Header(header.to_owned())
    }

    fn key_fields(&mut self, values: &Values) -> Vec<FieldPath> {
        let mut fields: Vec<FieldPath> = Vec::new();
        for item in values.list(KEY_FIELDS) {
            let Some(field) = self.field(KEY_FIELDS, item) else { continue };
            if let Some(other) = fields.iter().find(|other| other.last() == field.last()) {
                let why = format!("{other} and {field} have the same last name, by which the key has them");
                self.refusal(KEY_FIELDS, why, "two items have the same last name");
            }
            fields.push(field);
        }
        if !fields.is_empty() {
            self.refuse_pass_through(values, KEY_FIELDS, "fields");
        }
        fields
    }

    pub(super) fn ttl_field(&mut self, values: &Values) -> Option<FieldPath> {
        let field = self.field(TTL_FIELD, values.text(TTL_FIELD)?)?;
        self.refuse_pass_through(values, TTL_FIELD, "a field");
        Some(field)
    }

    /// Reads the place of a field.
    fn field(&mut self, key: &str, text: &str) -> Option<FieldPath> {
        let path = FieldPath::parse(text).and_then(|path| match path.last() {
            "" => Err(format!("a field has no name in {text:?}")),
            _ => Ok(path),
        });
        path.map_err(|why| self.refusal(key, why, "is not the path of a field")).ok()
    }

    fn refuse_pass_through(&mut self, values: &Values, key: &str, what: &str) {
        if values.boolean("coherence.passthrough") {
            let why = format!(
                "needs coherence.passthrough=false: {what} cannot be read of bytes that pass through"
            );
            self.error(key, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{errors, good};
    use super::*;

    const TEXT: (&str, &str) = ("header.converter", "org.apache.kafka.connect.storage.StringConverter");

    #[test]
    fn keys_come_from_the_records_unless_fields_or_a_header_are_named() {
        assert_eq!(good(&[]).key_source, KeySource::Record);
        let path = |text| FieldPath::parse(text).unwrap();
        let fields = good(&[("coherence.key.fields", "id, of.shop")]);
        assert_eq!(fields.key_source, KeySource::Fields(vec![path("id"), path("of.shop")]));
        let header = good(&[("coherence.key.header", "id"), TEXT]);
        assert_eq!(header.key_source, KeySource::Header("id".to_owned()));
        assert_eq!(good(&[("coherence.ttl.field", "ttl")]).expiries.field, Some(path("ttl")));
    }

    #[test]
    fn fields_and_headers_that_cannot_be_read_are_refused() {
        let refused = |settings: &[(&str, &str)]| errors(settings).join("\n");
        let bytes = "org.apache.kafka.connect.converters.ByteArrayConverter";
        let passthrough = [
            ("coherence.passthrough", "true"),
            ("key.converter", bytes),
            ("value.converter", bytes),
            ("coherence.key.fields", "id"),
            ("coherence.ttl.field", "ttl"),
        ];
        assert_eq!(
            refused(&passthrough),
            "c: coherence.key.fields: needs coherence.passthrough=false: fields cannot be read of bytes that pass \
             through\nc: coherence.ttl.field: needs coherence.passthrough=false: a field cannot be read of bytes that \
             pass through"
        );
        assert_eq!(
            refused(&[("coherence.key.fields", "id,of.id")]),
            "c: coherence.key.fields: id and of.id have the same last name, by which the key has them"
        );
        assert_eq!(
            refused(&[("coherence.key.fields", "of.")]),
            "c: coherence.key.fields: a field has no name in \"of.\""
        );
        assert_eq!(
            refused(&[("coherence.key.fields", "id"), ("coherence.key.header", "id"), TEXT]),
            "c: coherence.key.header: cannot be combined with coherence.key.fields: an entry has one key"
        );
        let simple = refused(&[("coherence.key.header", "id")]);
        assert!(
            simple.starts_with(
                "c: coherence.key.header: needs another header.converter than SimpleHeaderConverter"
            ),
            "{simple}"
        );
    }
}
