//! The settings that name fields and headers of records.

use std::sync::Arc;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{SessionConfig, SessionKind};
use coherence_kafka_connect::converter::{HeaderConverter, SIMPLE_HEADER_CONVERTER};
use coherence_kafka_connect::transform::FieldPath;

use super::Check;
use crate::errors::{ErrorPolicy, NullValues};
use crate::key::KeySource;

const KEY_FIELDS: &str = "coherence.key.fields";
const KEY_HEADER: &str = "coherence.key.header";
const TTL_FIELD: &str = "coherence.ttl.field";
const VERSION_FIELD: &str = "coherence.version.field";

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

    /// Reads where a value has its version, and refuses what the processors of a grid cannot do together with it.
    pub(super) fn version_field(
        &mut self,
        values: &Values,
        session: &SessionConfig,
        errors: &ErrorPolicy,
    ) -> Option<FieldPath> {
        let field = self.field(VERSION_FIELD, values.text(VERSION_FIELD)?)?;
        self.refuse_pass_through(values, VERSION_FIELD, "a field");
        let has_ttl = values.number("coherence.ttl.ms") != 0
            || ["coherence.ttl.header", "coherence.ttl.field"].iter().any(|key| values.text(key).is_some())
            || self.properties.below("coherence.ttl.ms.").next().is_some();
        let refused = [
            (
                session.kind == SessionKind::Embedded,
                "needs coherence.session=grpc: only a grid compares versions",
            ),
            (
                session.format == Format::Json,
                "needs coherence.session.format=pof: a grid reads small numbers of JSON as another type, which it \
                 cannot compare with versions",
            ),
            (
                session.format == Format::Java,
                "needs coherence.session.format=pof: a value in java has no fields that this program can write",
            ),
            (
                values.text("coherence.mapping.file").is_some(),
                "cannot be combined with coherence.mapping.file: the property of a class may have another name than \
                 the field",
            ),
            (
                has_ttl,
                "cannot be combined with coherence.ttl.*: the processor of the grid that compares versions puts \
                 entries without an expiry",
            ),
            (
                errors.null_values == NullValues::Delete,
                "needs behavior.on.null.values=ignore or fail: a tombstone has no version, so an older one would \
                 remove a newer entry",
            ),
            (
                field.names().iter().any(|name| name.is_empty() || name.ends_with(')')),
                "names a field that a grid takes for a method",
            ),
        ];
        for (_, why) in refused.into_iter().filter(|(is_refused, _)| *is_refused) {
            self.error(VERSION_FIELD, why);
        }
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
    fn versions_are_refused_where_the_grid_cannot_compare_them() {
        let version = ("coherence.version.field", "meta.version");
        let ignoring = ("behavior.on.null.values", "ignore");
        let names = good(&[version, ignoring]).version_field.clone();
        assert_eq!(
            names.as_ref().map(FieldPath::names),
            Some(&["meta".to_owned(), "version".to_owned()][..])
        );
        for (other, why) in [
            (
                ("behavior.on.null.values", "delete"),
                "needs behavior.on.null.values=ignore or fail: a tombstone",
            ),
            (("coherence.session", "embedded"), "needs coherence.session=grpc: only a grid"),
            (("coherence.session.format", "json"), "needs coherence.session.format=pof: a grid reads"),
            (("coherence.session.format", "java"), "needs coherence.session.format=pof: a value in java"),
            (("coherence.ttl.ms", "5"), "cannot be combined with coherence.ttl.*: the processor"),
            (("coherence.ttl.ms.t", "5"), "cannot be combined with coherence.ttl.*: the processor"),
            (("coherence.ttl.header", "ttl"), "cannot be combined with coherence.ttl.*: the processor"),
        ] {
            let settings = [version, ignoring, other];
            let settings = if other.0 == ignoring.0 { [version, other].to_vec() } else { settings.to_vec() };
            let found = errors(&settings);
            assert!(found[0].starts_with(&format!("c: coherence.version.field: {why}")), "{found:?}");
            assert_eq!(found.len(), 1, "{found:?}");
        }
        let method = [("coherence.version.field", "toString()"), ignoring];
        assert_eq!(
            errors(&method),
            ["c: coherence.version.field: names a field that a grid takes for a method"]
        );
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
